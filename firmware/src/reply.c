/* Replies, refusals and events. */
#include "edgeq/board.h"
#include "edgeq/bytes.h"
#include "edgeq/request.h"

uint8_t *edgeq_reply_payload(const edgeq_request *request) {
  return request->link->frame + EDGEQ_FRAME_HEADER;
}

static void edgeq_send(const edgeq_request *request, uint8_t type, const uint8_t *end) {
  edgeq_frame_send(request->link->frame, type, 0, request->sequence,
                   (uint32_t)(end - edgeq_reply_payload(request)), edgeq_board_write);
}

void edgeq_reply(const edgeq_request *request, const uint8_t *end) {
  edgeq_send(request, (uint8_t)(request->type | EDGEQ_LINK_REPLY), end);
}

void edgeq_refuse(const edgeq_request *request, edgeq_link_error error, uint32_t detail) {
  uint8_t *to = edgeq_reply_payload(request);
  *to++ = (uint8_t)error;
  *to++ = request->type;
  to = edgeq_put16(to, 0);
  to = edgeq_put32(to, request->link->session);
  to = edgeq_put32(to, request->link->open_run);
  to = edgeq_put32(to, detail);
  edgeq_send(request, EDGEQ_LINK_ERROR, to);
}

void edgeq_send_event(uint8_t type, uint32_t first, uint32_t second) {
  uint8_t frame[EDGEQ_FRAME_BYTES(8)];
  (void)edgeq_put32(edgeq_put32(frame + EDGEQ_FRAME_HEADER, first), second);
  edgeq_frame_send(frame, type, 0, 0, 8, edgeq_board_write);
}
