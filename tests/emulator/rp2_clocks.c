/* The clock tree of an RP2040 around boards/common/rp2.c: a multiplexer that must not be changed while it is
 * in use, a PLL and a crystal that start. Started as a bootloader may leave it: from a PLL, through an
 * auxiliary source of its own. */
#include <stdint.h>
#include <stdio.h>

static uint32_t *rp2_register(uintptr_t address);
#define EDGEQ_REG32(address) (*(volatile uint32_t *)rp2_register((uintptr_t)(address)))
#include "../../firmware/boards/common/rp2.c"
#include "edgeq/cortexm.h"

enum { CLOCKS = 0x10000, RESETS = 0x20000, XOSC = 0x30000, PLL = 0x40000, REST = 0x50000, END = 0x60000 };

const edgeq_rp2_map edgeq_rp2 = {.clocks = CLOCKS,
                                 .resets = RESETS,
                                 .xosc = XOSC,
                                 .pll_sys = PLL,
                                 .io_bank0 = REST,
                                 .pads_bank0 = REST,
                                 .psm = REST,
                                 .watchdog = REST,
                                 .uart0 = REST,
                                 .reset_pll_sys = 1u << 12,
                                 .post_divider_1 = 6,
                                 .post_divider_2 = 2,
                                 .rosc_hz = 6500000};
uint32_t edgeq_board_clock_hz = 125000000, edgeq_board_ticks_hz = 125000000;

static uint32_t memory[END / 4], control, dead, faults;

static uint32_t *at(uint32_t address) {
  return &memory[address / 4];
}

static void fault(const char *what) {
  printf("%s\n", what);
  faults++;
}

/* What the last access has written takes effect at the next one. */
static uint32_t *rp2_register(uintptr_t address) {
  static const uint32_t bases[] = {CLOCKS, RESETS, XOSC, PLL, REST};
  for (uint32_t i = 0; i < sizeof bases / sizeof *bases; i++) {
    for (uint32_t offset = 0; offset < 0x1000; offset += 4) {
      *at(bases[i] + offset) |= *at(bases[i] + 0x2000 + offset);
      *at(bases[i] + offset) &= ~*at(bases[i] + 0x3000 + offset);
      *at(bases[i] + 0x2000 + offset) = *at(bases[i] + 0x3000 + offset) = 0;
    }
  }
  const uint32_t now = *at(CLOCKS + 0x3C), aux = 7u << 5;
  const uint32_t pll_is_off = *at(RESETS) & 1u << 12;
  if (((now ^ control) & aux) != 0 && ((now | control) & 1u) != 0) fault("AUXSRC changed while in use");
  if ((now & 1u) != 0 && (now & aux) == 0 && pll_is_off) fault("the core's clock is off");
  if ((now & 1u) != 0 && now != control && (*at(PLL) & PLL_LOCK) == 0) fault("from a PLL that is not locked");
  control = now;
  *at(CLOCKS + 0x44) = 1u << (now & 1u);
  *at(CLOCKS + 0x38) = 1u << (*at(CLOCKS + 0x30) & 3u);
  *at(RESETS + 8) = ~*at(RESETS);
  if (*at(XOSC) == XOSC_ENABLE_1_TO_15_MHZ && (dead & 1u) == 0) *at(XOSC + 4) = XOSC_STABLE;
  if ((*at(PLL + 4) & PLL_PWR_MAIN_AND_VCO) == 0 && (dead & 2u) == 0) *at(PLL) |= PLL_LOCK;
  return at((uint32_t)address);
}

void edgeq_receiver_start(uint32_t irq) {
  (void)irq;
}

void edgeq_system_reset(void) {}

int main(int argc, char **argv) {
  (void)argv;
  dead = (uint32_t)argc - 1u;
  *at(PLL + 4) = 0x2D;
  control = *at(CLOCKS + 0x3C) = 1u << 5 | 1u; /* from the USB's PLL */
  *at(PLL) = PLL_LOCK;
  *at(RESETS) = 0;
  *at(REST + 0x18) = 0;
  (void)rp2_register(CLOCKS);
  *at(PLL) = 0;
  edgeq_rp2_start();
  (void)rp2_register(CLOCKS);
  printf("%u Hz, control %u\n", (unsigned)edgeq_board_clock_hz, (unsigned)control);
  return faults != 0;
}
