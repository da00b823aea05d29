/* Raspberry Pi Pico: RP2040 at 125 MHz. */
#include "edgeq/board.h"

#include "edgeq/cortexm.h"
#include "edgeq/receiver.h"
#include "edgeq/rp2.h"
#include "edgeq/systick.h"

const char edgeq_board_name[] = "rpi-pico";
uint32_t edgeq_board_clock_hz = 125000000u;
uint32_t edgeq_board_ticks_hz = 125000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_SYSTICK;

const edgeq_rp2_map edgeq_rp2 = {
    .clocks = 0x40008000u,
    .resets = 0x4000C000u,
    .xosc = 0x40024000u,
    .pll_sys = 0x40028000u,
    .io_bank0 = 0x40014000u,
    .pads_bank0 = 0x4001C000u,
    .psm = 0x40010000u,
    .watchdog = 0x40058000u,
    .uart0 = 0x40034000u,
    .reset_io_bank0 = 1u << 5,
    .reset_pads_bank0 = 1u << 8,
    .reset_pll_sys = 1u << 12,
    .reset_uart0 = 1u << 22,
    .watchdog_resets = 0x1FFFCu,
    .uart0_irq = 20u,
    .post_divider_1 = 6u,
    .post_divider_2 = 2u,
    .rosc_hz = 6500000u,
};
EDGEQ_RECEIVER_VECTOR(20);

/* A debugger may have gone to the image's start without the second stage (boot2.c), which sets it too. */
extern uint32_t edgeq_vectors_start[];

void edgeq_board_init(void) {
  EDGEQ_SCB_VTOR = (uint32_t)(uintptr_t)edgeq_vectors_start;
  edgeq_rp2_start();
  edgeq_systick_start();
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_systick_cycles();
}
