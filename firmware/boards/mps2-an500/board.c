#include "edgeq/board.h"

#include "edgeq/mps.h"

const char edgeq_board_name[] = "mps2-an500";
uint32_t edgeq_board_clock_hz = 25000000u;
uint32_t edgeq_board_ticks_hz = 25000000u;

const edgeq_mps_map edgeq_mps = {
    .uart = 0x40004000u, .uart_hz = 25000000u, .uart_rx_irq = 0u, .counter = 0x40028018u};
