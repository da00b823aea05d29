/* What a board need not have. Weak: a board.c that defines it takes this one's place. */
#include "edgeq/board.h"

__attribute__((weak)) uint32_t edgeq_board_rx_window(void) {
  return 0;
}
