/* Nordic nRF52840 DK; the pins lead to the on-board debugger's serial port. */
#include "edgeq/board.h"

#include "edgeq/nrf52840.h"

const char edgeq_board_name[] = "nrf52840-dk";

const edgeq_nrf52840_pins edgeq_nrf52840 = {.tx = 6u, .rx = 8u};
