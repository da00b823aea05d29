#include "edgeq/board.h"

#include "edgeq/mps.h"

const char edgeq_board_name[] = "mps2-an505";
uint32_t edgeq_board_clock_hz = 20000000u;
uint32_t edgeq_board_ticks_hz = 20000000u;

const edgeq_mps_map edgeq_mps = {
    .uart = 0x50200000u, .uart_hz = 20000000u, .uart_rx_irq = 32u, .counter = 0x50302018u};
