/* Requests that ask what the device is: HELLO, DESCRIBE, ABOUT, STATS, ENGINE STATE. */
#include "edgeq/board.h"
#include "edgeq/bytes.h"
#include "edgeq/request.h"
#include "edgeq/runtime.h"

#define EDGEQ_MAX_RANK 16u

/* Longest texts that HELLO and DESCRIBE carry; longer ones are cut, so that the replies always fit. */
#define EDGEQ_BOARD_TEXT 48u
#define EDGEQ_ENGINE_TEXT 16u
#define EDGEQ_NAME_TEXT 64u
#define EDGEQ_TENSOR_TEXT 120u
#define EDGEQ_KEY_TEXT 32u
#define EDGEQ_VALUE_TEXT 200u
#define EDGEQ_WORDS_TEXT 200u

void edgeq_on_hello(const edgeq_request *request) {
  edgeq_link *link = request->link;
  const edgeq_model *model = link->model;
  if (request->length < 4u) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, 4);
    return;
  }
  const uint32_t before = link->session;
  link->session = edgeq_get32(request->payload);
  uint32_t flags = 0;
  if (model->trace_point_count > 0u) flags |= EDGEQ_LINK_HELLO_TRACED;
  if (link->engine != EDGEQ_OK) flags |= EDGEQ_LINK_HELLO_FAILED;
#ifdef EDGEQ_LINK_FACTS
  flags |= edgeq_board_hello_flags();
#endif
  uint8_t *to = edgeq_reply_payload(request);
  to = edgeq_put16(to, EDGEQ_PROTOCOL_VERSION);
  to = edgeq_put16(to, model->abi);
  to = edgeq_put32(to, flags);
  to = edgeq_put32(to, before);
  to = edgeq_put32(to, link->open_run);
  to = edgeq_put32(to, edgeq_board_clock_hz);
  to = edgeq_put32(to, edgeq_board_ticks_hz);
  *to++ = (uint8_t)edgeq_board_ticks_kind;
  *to++ = 0;
  to = edgeq_put16(to, EDGEQ_LINK_PAYLOAD);
  to = edgeq_put32(to, edgeq_board_rx_window());
  to = edgeq_put16(to, model->input_count);
  to = edgeq_put16(to, model->output_count);
  to = edgeq_put16(to, model->op_count);
  to = edgeq_put16(to, model->trace_point_count);
  to = edgeq_put32(to, link->input_bytes);
  to = edgeq_put32(to, link->output_bytes);
  to = edgeq_put32(to, model->arena_bytes);
  to = edgeq_put32(to, EDGEQ_STACK_BYTES);
  memcpy(to, model->sha256, 32);
  to += 32;
  to = edgeq_put_text(to, edgeq_board_name, EDGEQ_BOARD_TEXT);
  to = edgeq_put_text(to, model->engine, EDGEQ_ENGINE_TEXT);
  to = edgeq_put_text(to, model->name, EDGEQ_NAME_TEXT);
  edgeq_reply(request, to);
}

void edgeq_on_describe(const edgeq_request *request) {
  const edgeq_model *model = request->link->model;
  if (request->length < 4u) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, 4);
    return;
  }
  const uint8_t direction = request->payload[0];
  const uint32_t index = edgeq_get16(request->payload + 2);
  const uint32_t count = direction == 0u ? model->input_count : model->output_count;
  if (direction > 1u || index >= count) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, count);
    return;
  }
  const edgeq_tensor *tensor = direction == 0u ? &model->inputs[index] : &model->outputs[index];
  if (tensor->rank > EDGEQ_MAX_RANK) {
    edgeq_refuse(request, EDGEQ_LINK_ENGINE, tensor->rank);
    return;
  }
  uint32_t scale;
  memcpy(&scale, &tensor->scale, sizeof scale);
  uint8_t *to = edgeq_reply_payload(request);
  *to++ = direction;
  *to++ = tensor->dtype;
  to = edgeq_put16(to, index);
  to = edgeq_put32(to, tensor->bytes);
  to = edgeq_put32(to, scale);
  to = edgeq_put32(to, (uint32_t)tensor->zero_point);
  *to++ = tensor->rank;
  for (uint32_t i = 0; i < tensor->rank; i++) to = edgeq_put32(to, (uint32_t)tensor->shape[i]);
  to = edgeq_put_text(to, tensor->name, EDGEQ_TENSOR_TEXT);
  edgeq_reply(request, to);
}

#ifdef EDGEQ_LINK_FACTS
void edgeq_on_about(const edgeq_request *request) {
  if (request->length < 2u) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, 2);
    return;
  }
  const uint32_t index = edgeq_get16(request->payload);
  const uint32_t count = edgeq_board_fact_count();
  if (index >= count) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, count);
    return;
  }
  const char *key, *value;
  edgeq_board_fact(index, &key, &value);
  uint8_t *to = edgeq_put16(edgeq_reply_payload(request), index);
  to = edgeq_put16(to, count);
  to = edgeq_put_text(to, key, EDGEQ_KEY_TEXT);
  edgeq_reply(request, edgeq_put_text(to, value, EDGEQ_VALUE_TEXT));
}
#endif

void edgeq_on_stats(const edgeq_request *request) {
  const edgeq_link_stats *stats = &request->link->stats;
  uint8_t *to = edgeq_put32(edgeq_reply_payload(request), stats->frames_good);
  to = edgeq_put32(to, stats->frames_bad);
  to = edgeq_put32(to, stats->runs);
  to = edgeq_put32(to, stats->repeats);
  to = edgeq_put32(to, edgeq_stack_high_water());
  edgeq_reply(request, to);
}

void edgeq_on_engine_state(const edgeq_request *request) {
  const edgeq_model *model = request->link->model;
  const edgeq_engine_state *state = model->state != 0 ? model->state() : 0;
  uint8_t *to =
      edgeq_put32(edgeq_reply_payload(request), state != 0 ? state->arena_used : model->arena_bytes);
  *to++ = state != 0 ? state->problem : (uint8_t)EDGEQ_PROBLEM_NONE;
  *to++ = 0;
  to = edgeq_put16(to, 0);
  to = edgeq_put32(to, state != 0 ? state->detail : 0u);
  edgeq_reply(request, edgeq_put_text(to, state != 0 ? state->words : "", EDGEQ_WORDS_TEXT));
}
