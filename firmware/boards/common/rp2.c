/* Clock and line of edgeq/board.h on an RP2040 or RP2350 with a 12 MHz crystal. Registers: RP2040
 * datasheet, 2.14 to 2.19, 4.2 and 4.7; RP2350 datasheet, 7.5, 8.1 to 8.6, 9.11, 12.1 and 12.9. */
#include "edgeq/rp2.h"

#include "edgeq/board.h"
#include "edgeq/cortexm.h"
#include "edgeq/receiver.h"

/* Aliases of every register, where a write sets or clears bits. */
#define SET(address) EDGEQ_REG32((address) + 0x2000u)
#define CLEAR(address) EDGEQ_REG32((address) + 0x3000u)

#define XOSC_CTRL EDGEQ_REG32(edgeq_rp2.xosc)
#define XOSC_STATUS EDGEQ_REG32(edgeq_rp2.xosc + 4u)
#define XOSC_STARTUP EDGEQ_REG32(edgeq_rp2.xosc + 0x0Cu)
#define XOSC_ENABLE_1_TO_15_MHZ 0x00FABAA0u
#define XOSC_STABLE (1u << 31)
#define XOSC_DELAY 752u /* of 256 cycles: 16 ms */

#define CLK_REF_CTRL (edgeq_rp2.clocks + 0x30u)
#define CLK_SYS_CTRL (edgeq_rp2.clocks + 0x3Cu)
#define CLK_SELECTED(control) EDGEQ_REG32((control) + 8u)
#define CLK_PERI_CTRL EDGEQ_REG32(edgeq_rp2.clocks + 0x48u)
#define CLK_REF_SRC 3u
#define CLK_REF_FROM_ROSC 0u
#define CLK_REF_FROM_XOSC 2u
#define CLK_SYS_SRC 1u
#define CLK_SYS_FROM_REF 0u
#define CLK_SYS_FROM_AUX 1u
#define CLK_SYS_AUXSRC (7u << 5) /* 0: the PLL */
#define CLK_PERI_FROM_SYS (1u << 11)

#define PLL_CS EDGEQ_REG32(edgeq_rp2.pll_sys)
#define PLL_PWR (edgeq_rp2.pll_sys + 4u)
#define PLL_FBDIV_INT EDGEQ_REG32(edgeq_rp2.pll_sys + 8u)
#define PLL_PRIM EDGEQ_REG32(edgeq_rp2.pll_sys + 0x0Cu)
#define PLL_LOCK (1u << 31)
#define PLL_PWR_MAIN_AND_VCO ((1u << 0) | (1u << 5))
#define PLL_PWR_DIVIDERS (1u << 3)

#define UART_DR EDGEQ_REG32(edgeq_rp2.uart0)
#define UART_FR EDGEQ_REG32(edgeq_rp2.uart0 + 0x18u)
#define UART_IBRD EDGEQ_REG32(edgeq_rp2.uart0 + 0x24u)
#define UART_FBRD EDGEQ_REG32(edgeq_rp2.uart0 + 0x28u)
#define UART_LCR_H EDGEQ_REG32(edgeq_rp2.uart0 + 0x2Cu)
#define UART_CR EDGEQ_REG32(edgeq_rp2.uart0 + 0x30u)
#define UART_IMSC EDGEQ_REG32(edgeq_rp2.uart0 + 0x38u)
#define UART_FR_BUSY (1u << 3)
#define UART_FR_RX_EMPTY (1u << 4)
#define UART_FR_TX_FULL (1u << 5)
#define UART_8_BITS_FIFO ((3u << 5) | (1u << 4))
#define UART_ENABLE ((1u << 0) | (1u << 8) | (1u << 9))
#define UART_RX_INTERRUPTS ((1u << 4) | (1u << 6)) /* enough bytes; or fewer, and none for a while */

#define XOSC_HZ 12000000u
#define FASTEST 921600u

#define WATCHDOG_CTRL EDGEQ_REG32(edgeq_rp2.watchdog)
#define WATCHDOG_TRIGGER (1u << 31)
#define PSM_WDSEL EDGEQ_REG32(edgeq_rp2.psm + 8u)

static bool release(uint32_t bits) {
  CLEAR(edgeq_rp2.resets) = bits;
  return edgeq_becomes(&EDGEQ_REG32(edgeq_rp2.resets + 8u), bits, bits);
}

/* Both clocks have a multiplexer that changes sources without a glitch (SRC), and behind one of its inputs
 * another that does not (AUXSRC): that one must only be changed while nothing comes from it (RP2040
 * datasheet, 2.15.3.2), so no write here changes both. */
static bool select_source(uint32_t control, uint32_t bits, uint32_t source) {
  CLEAR(control) = bits & ~source;
  SET(control) = source;
  return edgeq_becomes(&CLK_SELECTED(control), 1u << source, 1u << source);
}

static bool start_pll(void) {
  SET(edgeq_rp2.resets) = edgeq_rp2.reset_pll_sys;
  if (!release(edgeq_rp2.reset_pll_sys)) return false;
  PLL_CS = 1u;
  PLL_FBDIV_INT = 125u; /* 12 MHz to 1500 MHz */
  CLEAR(PLL_PWR) = PLL_PWR_MAIN_AND_VCO;
  if (!edgeq_becomes(&PLL_CS, PLL_LOCK, PLL_LOCK)) return false;
  PLL_PRIM = (edgeq_rp2.post_divider_1 << 16) | (edgeq_rp2.post_divider_2 << 12);
  CLEAR(PLL_PWR) = PLL_PWR_DIVIDERS;
  return true;
}

/* From the PLL, or without one from the crystal, or without that one from the ring oscillator, which a UART
 * can hardly be read with. The clock in Hz. */
static uint32_t start_clock(void) {
  /* Off the PLL and the crystal first: a bootloader or debugger may have left them on. */
  if (!select_source(CLK_SYS_CTRL, CLK_SYS_SRC, CLK_SYS_FROM_REF) ||
      !select_source(CLK_REF_CTRL, CLK_REF_SRC, CLK_REF_FROM_ROSC))
    return edgeq_rp2.rosc_hz;
  XOSC_STARTUP = XOSC_DELAY;
  XOSC_CTRL = XOSC_ENABLE_1_TO_15_MHZ;
  if (!edgeq_becomes(&XOSC_STATUS, XOSC_STABLE, XOSC_STABLE) ||
      !select_source(CLK_REF_CTRL, CLK_REF_SRC, CLK_REF_FROM_XOSC)) {
    return edgeq_rp2.rosc_hz;
  }
  if (!start_pll()) return XOSC_HZ;
  CLEAR(CLK_SYS_CTRL) = CLK_SYS_AUXSRC;
  return select_source(CLK_SYS_CTRL, CLK_SYS_SRC, CLK_SYS_FROM_AUX) ? edgeq_board_clock_hz : XOSC_HZ;
}

static void set_speed(uint32_t baud) {
  const uint32_t divisor = (4u * edgeq_board_clock_hz + baud / 2u) / baud; /* in 1/64 */
  UART_CR = 0;
  UART_IBRD = divisor >> 6;
  UART_FBRD = divisor & 63u;
  UART_LCR_H = UART_8_BITS_FIFO; /* takes the divisor over, too */
  UART_CR = UART_ENABLE;
}

static void start_uart(void) {
  (void)release(edgeq_rp2.reset_io_bank0 | edgeq_rp2.reset_pads_bank0 | edgeq_rp2.reset_uart0);
  /* Function 2 is UART0. The pads: input on, the receiver pulled up, 4 mA; on RP2350 no longer isolated. */
  EDGEQ_REG32(edgeq_rp2.io_bank0 + 0x04u) = 2u;
  EDGEQ_REG32(edgeq_rp2.io_bank0 + 0x0Cu) = 2u;
  EDGEQ_REG32(edgeq_rp2.pads_bank0 + 0x04u) = 0x52u;
  EDGEQ_REG32(edgeq_rp2.pads_bank0 + 0x08u) = 0x5Au;
  UART_IMSC = UART_RX_INTERRUPTS;
  set_speed(EDGEQ_BOARD_BAUD);
}

void edgeq_rp2_start(void) {
  edgeq_board_clock_hz = edgeq_board_ticks_hz = start_clock();
  CLK_PERI_CTRL = CLK_PERI_FROM_SYS;
  start_uart();
  edgeq_receiver_start(edgeq_rp2.uart0_irq);
}

int edgeq_receiver_take(void) {
  return (UART_FR & UART_FR_RX_EMPTY) == 0u ? (int)(UART_DR & 0xFFu) : -1;
}

void edgeq_board_write(uint8_t byte) {
  while ((UART_FR & UART_FR_TX_FULL) != 0u) {
  }
  UART_DR = byte;
}

static void flush(void) {
  while ((UART_FR & UART_FR_BUSY) != 0u) {
  }
}

/* Its divisor is 1 at least. */
uint32_t edgeq_board_max_baud(void) {
  const uint32_t fastest = edgeq_board_clock_hz / 16u;
  return fastest < FASTEST ? fastest : FASTEST;
}

void edgeq_board_set_baud(uint32_t baud) {
  flush();
  set_speed(baud);
}

/* A reset of the core alone would leave clocks and pins as they are. */
void edgeq_board_reset(void) {
  flush();
  PSM_WDSEL = edgeq_rp2.watchdog_resets;
  WATCHDOG_CTRL = WATCHDOG_TRIGGER;
  for (;;) {
  }
}
