/* What a fault handler says over the link. It uses nothing of the link's state. */
#include "edgeq/board.h"
#include "edgeq/bytes.h"
#include "edgeq/link.h"

void edgeq_link_send_fault(const edgeq_fault *fault) {
  uint8_t frame[EDGEQ_FRAME_BYTES(32)];
  uint8_t *to = frame + EDGEQ_FRAME_HEADER;
  *to++ = fault->kind;
  *to++ = fault->address_valid ? 1u : 0u;
  to = edgeq_put16(to, 0);
  to = edgeq_put32(to, fault->pc);
  to = edgeq_put32(to, fault->lr);
  to = edgeq_put32(to, fault->sp);
  to = edgeq_put32(to, fault->xpsr);
  to = edgeq_put32(to, fault->cfsr);
  to = edgeq_put32(to, fault->hfsr);
  (void)edgeq_put32(to, fault->address);
  edgeq_frame_send(frame, EDGEQ_LINK_FAULT, 0, 0, 32, edgeq_board_write);
}

void edgeq_link_serve_fault(const edgeq_fault *fault) {
  /* Room for a request without payload: RESET. Longer ones are cut off and count as damaged. */
  uint8_t buffer[EDGEQ_FRAME_BYTES(0)];
  edgeq_frame_decoder decoder = {buffer, sizeof buffer, 0, 0, 0, 0};
  edgeq_frame_reset(&decoder);
  edgeq_link_send_fault(fault);
  for (;;) {
    const int read = edgeq_board_read(); /* polled: a core in a fault handler may not wake up from sleep */
    if (read < 0) continue;
    const edgeq_frame_event event = edgeq_frame_decode_byte(&decoder, (uint8_t)read);
    if (event == EDGEQ_FRAME_GOOD && buffer[0] == EDGEQ_LINK_RESET) edgeq_board_reset();
    if (event != EDGEQ_FRAME_NONE) edgeq_link_send_fault(fault);
  }
}
