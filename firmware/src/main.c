/* The firmware: a board, a model, and the link between them and the host. */
#include "edgeq/board.h"
#include "edgeq/link.h"

/* Received together: what a step of the link costs is paid once for all of them. */
#define EDGEQ_APP_PIECE 256u

static edgeq_link edgeq_app_link;
static uint8_t edgeq_app_piece[EDGEQ_APP_PIECE];

int main(void) {
  edgeq_board_init();
  edgeq_link_init(&edgeq_app_link, edgeq_app_model());
  for (;;) {
    const uint32_t count = edgeq_board_read_many(edgeq_app_piece, EDGEQ_APP_PIECE);
    if (count == 0u) {
      edgeq_board_wait();
    } else {
      edgeq_link_receive(&edgeq_app_link, edgeq_app_piece, count);
    }
  }
}
