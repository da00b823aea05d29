/* What differs between Raspberry Pi's RP2040 and RP2350; boards/common/rp2.c does the rest. */
#ifndef EDGEQ_RP2_H
#define EDGEQ_RP2_H

#include <stdint.h>

/* Base addresses, bits of RESETS, and the dividers behind the PLL's 1500 MHz. */
typedef struct edgeq_rp2_map {
  uint32_t clocks, resets, xosc, pll_sys, io_bank0, pads_bank0, psm, watchdog, uart0;
  uint32_t reset_io_bank0, reset_pads_bank0, reset_pll_sys, reset_uart0;
  uint32_t watchdog_resets; /* PSM_WDSEL: everything but the oscillators */
  uint32_t uart0_irq;
  uint32_t post_divider_1, post_divider_2;
  uint32_t rosc_hz; /* of the ring oscillator, about */
} edgeq_rp2_map;

extern const edgeq_rp2_map edgeq_rp2;

/* Crystal, PLL, UART0 on GPIO 0 and 1. edgeq_board_clock_hz is what the dividers make of 1500 MHz; it becomes
 * what the core has if they do not start, and so does edgeq_board_ticks_hz. */
void edgeq_rp2_start(void);

#endif
