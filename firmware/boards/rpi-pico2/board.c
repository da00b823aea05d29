/* Raspberry Pi Pico 2: RP2350 at 150 MHz, on its first Arm core. */
#include "edgeq/board.h"

#include "edgeq/dwt.h"
#include "edgeq/receiver.h"
#include "edgeq/rp2.h"

const char edgeq_board_name[] = "rpi-pico2";
uint32_t edgeq_board_clock_hz = 150000000u;
uint32_t edgeq_board_ticks_hz = 150000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

const edgeq_rp2_map edgeq_rp2 = {
    .clocks = 0x40010000u,
    .resets = 0x40020000u,
    .xosc = 0x40048000u,
    .pll_sys = 0x40050000u,
    .io_bank0 = 0x40028000u,
    .pads_bank0 = 0x40038000u,
    .psm = 0x40018000u,
    .watchdog = 0x400D8000u,
    .uart0 = 0x40070000u,
    .reset_io_bank0 = 1u << 6,
    .reset_pads_bank0 = 1u << 9,
    .reset_pll_sys = 1u << 14,
    .reset_uart0 = 1u << 26,
    .watchdog_resets = 0x01FFFFF3u,
    .uart0_irq = 33u,
    .post_divider_1 = 5u,
    .post_divider_2 = 2u,
    .rosc_hz = 11000000u,
};
EDGEQ_RECEIVER_VECTOR(33);

/* The block without which the ROM starts nothing (RP2350 datasheet, 5.9.5.1): a secure Arm program for
 * RP2350, whose vector table begins the image. It must be in the first 4 KB. */
__attribute__((section(".edgeq_image_definition"), used)) static const uint32_t edgeq_image_definition[5] = {
    0xFFFFDED3u, /* begin */
    0x10210142u, /* one word: IMAGE_TYPE, executable, secure, Arm, RP2350 */
    0x000001FFu, /* last item: one word before it */
    0x00000000u, /* distance to the next block: there is none */
    0xAB123579u, /* end */
};

void edgeq_board_init(void) {
  edgeq_rp2_start();
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}
