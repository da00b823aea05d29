#include "edgeq/board.h"

#include "edgeq/mps.h"

const char edgeq_board_name[] = "mps3-an547";
uint32_t edgeq_board_clock_hz = 32000000u;
uint32_t edgeq_board_ticks_hz = 20000000u; /* the counter in QEMU */

const edgeq_mps_map edgeq_mps = {
    .uart = 0x59303000u, .uart_hz = 25000000u, .uart_rx_irq = 33u, .counter = 0x59302018u};
