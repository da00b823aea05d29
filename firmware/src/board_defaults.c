/* What a board need not have. Weak: a board.c that defines it takes this one's place. */
#include "edgeq/board.h"

__attribute__((weak)) uint32_t edgeq_board_read_many(uint8_t *to, uint32_t room) {
  const int byte = room > 0u ? edgeq_board_read() : -1;
  if (byte < 0) return 0;
  *to = (uint8_t)byte;
  return 1;
}

__attribute__((weak)) uint32_t edgeq_board_rx_window(void) {
  return 0;
}

__attribute__((weak)) uint32_t edgeq_board_max_baud(void) {
  return 0;
}

__attribute__((weak)) void edgeq_board_set_baud(uint32_t baud) {
  (void)baud;
}
