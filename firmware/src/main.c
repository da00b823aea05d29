/* The firmware: a board, a model, and the link between them and the host. */
#include "edgeq/board.h"
#include "edgeq/link.h"

static edgeq_link edgeq_app_link;

int main(void) {
  edgeq_board_init();
  edgeq_link_init(&edgeq_app_link, edgeq_app_model());
  for (;;) {
    const int byte = edgeq_board_read();
    if (byte < 0) {
      edgeq_board_wait();
    } else {
      edgeq_link_receive(&edgeq_app_link, (uint8_t)byte);
    }
  }
}
