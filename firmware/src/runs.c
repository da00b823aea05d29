/* Requests of a run: WRITE brings input, RUN executes, READ reads the rest of the result. */
#include "edgeq/board.h"
#include "edgeq/bytes.h"
#include "edgeq/execute.h"
#include "edgeq/mem.h"
#include "edgeq/request.h"
#include "edgeq/tensors.h"

#define EDGEQ_WRITE_HEAD 8u
#define EDGEQ_RUN_HEAD 16u
#define EDGEQ_READ_HEAD 12u

/* Makes `run` the current run if it is a later one. False (and refused) if it is an earlier one. */
static bool edgeq_open_run(const edgeq_request *request, uint32_t run) {
  edgeq_link *link = request->link;
  if (run < link->open_run) {
    edgeq_refuse(request, EDGEQ_LINK_STALE, 0);
    return false;
  }
  if (run > link->open_run) {
    link->open_run = run;
    link->received = 0;
    link->fresh_run = 0;
  }
  return true;
}

/* Takes `bytes` bytes of the current run's input at `offset`. Bytes that have arrived before are skipped, and
 * those of a run that is done ignored, so that a repeated request changes nothing. False (and refused) if
 * bytes before them are missing, or they do not fit. */
static bool edgeq_take_input(const edgeq_request *request, uint32_t offset, const uint8_t *from,
                             uint32_t bytes) {
  edgeq_link *link = request->link;
  if (offset > link->input_bytes || bytes > link->input_bytes - offset) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, link->input_bytes);
    return false;
  }
  if (link->done_run == link->open_run) return true;
  if (offset > link->received) {
    edgeq_refuse(request, EDGEQ_LINK_NEED_INPUT, link->received);
    return false;
  }
  const uint32_t known = link->received - offset;
  if (bytes > known) {
    edgeq_store_inputs(link->model, link->received, from + known, bytes - known);
    link->received += bytes - known;
  }
  return true;
}

void edgeq_on_write(const edgeq_request *request) {
  edgeq_link *link = request->link;
  if (request->length < EDGEQ_WRITE_HEAD) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, EDGEQ_WRITE_HEAD);
    return;
  }
  if (link->engine != EDGEQ_OK) { /* its inputs may have no memory */
    edgeq_refuse(request, EDGEQ_LINK_ENGINE, (uint32_t)link->engine);
    return;
  }
  const uint8_t *from = request->payload;
  if (!edgeq_open_run(request, edgeq_get32(from)) ||
      !edgeq_take_input(request, edgeq_get32(from + 4), from + EDGEQ_WRITE_HEAD,
                        request->length - EDGEQ_WRITE_HEAD) ||
      (request->flags & EDGEQ_LINK_QUIET) != 0u) {
    return;
  }
  uint8_t *to = edgeq_put32(edgeq_reply_payload(request), link->open_run);
  edgeq_reply(request, edgeq_put32(to, link->received));
}

void edgeq_on_run(const edgeq_request *request) {
  edgeq_link *link = request->link;
  const edgeq_model *model = link->model;
  if (request->length < EDGEQ_RUN_HEAD) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, EDGEQ_RUN_HEAD);
    return;
  }
  const uint8_t *from = request->payload;
  const uint32_t run = edgeq_get32(from);
  const uint8_t mode = from[4];
  const uint32_t repeat = edgeq_get16(from + 6);
  const uint32_t point = edgeq_get16(from + 8);
  const uint32_t limit = edgeq_get16(from + 10);
  const uint8_t last_mode = model->invoke_timed != 0 ? EDGEQ_LINK_TICKS : EDGEQ_LINK_SELFTEST;
#ifdef EDGEQ_LINK_PROFILES
  const bool known = mode <= last_mode || (mode == EDGEQ_LINK_PROFILE && edgeq_board_ticks_hz != 0u);
#else
  const bool known = mode <= last_mode;
#endif
  if (run == 0u || !known || repeat == 0u || (repeat > 1u && mode != EDGEQ_LINK_INFER)) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, 0);
    return;
  }
  if (link->engine != EDGEQ_OK) {
    edgeq_refuse(request, EDGEQ_LINK_ENGINE, (uint32_t)link->engine);
    return;
  }
  if (mode == EDGEQ_LINK_TRACE || mode == EDGEQ_LINK_FETCH) {
#ifdef EDGEQ_TRACE
    const bool traced = model->invoke_traced != 0;
#else
    const bool traced = false;
#endif
    if (!traced || point >= model->trace_point_count) {
      edgeq_refuse(request, traced ? EDGEQ_LINK_OUT_OF_RANGE : EDGEQ_LINK_NOT_TRACED,
                   model->trace_point_count);
      return;
    }
  }
  if (run == link->done_run) {
    link->stats.repeats++;
  } else {
    if (!edgeq_open_run(request, run) ||
        !edgeq_take_input(request, edgeq_get32(from + 12), from + EDGEQ_RUN_HEAD,
                          request->length - EDGEQ_RUN_HEAD)) {
      return;
    }
    if (mode != EDGEQ_LINK_SELFTEST && link->received < link->input_bytes) {
      edgeq_refuse(request, EDGEQ_LINK_NEED_INPUT, link->received);
      return;
    }
    edgeq_send_event(EDGEQ_LINK_RUNNING, run, link->session);
    edgeq_execute(link, mode, repeat, point);
  }
  edgeq_send_answer(link, request->sequence, limit);
}

/* The last item of edgeq_link_item that this device has. */
static uint8_t edgeq_last_item(void) {
#if EDGEQ_LINK_TIMES > 0
  if (edgeq_board_ticks_hz != 0u) return EDGEQ_LINK_ITEM_TIMES;
#endif
  return EDGEQ_LINK_ITEM_RESULT;
}

void edgeq_on_read(const edgeq_request *request) {
  edgeq_link *link = request->link;
  if (request->length < EDGEQ_READ_HEAD) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, EDGEQ_READ_HEAD);
    return;
  }
  const uint32_t run = edgeq_get32(request->payload);
  const uint8_t item = request->payload[4];
  const uint32_t length = edgeq_get16(request->payload + 6);
  const uint32_t offset = edgeq_get32(request->payload + 8);
  if (item > edgeq_last_item()) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, 0);
    return;
  }
  if (run == 0u || run != link->fresh_run || (item == EDGEQ_LINK_ITEM_OUTPUT && !link->outputs_ready)) {
    edgeq_refuse(request, EDGEQ_LINK_NOT_AVAILABLE, link->fresh_run);
    return;
  }
  bool outputs = item == EDGEQ_LINK_ITEM_OUTPUT || link->result == 0;
  uint32_t total = item == EDGEQ_LINK_ITEM_OUTPUT ? link->output_bytes : link->result_bytes;
  const void *source = link->result;
#if EDGEQ_LINK_TIMES > 0
  if (item == EDGEQ_LINK_ITEM_TIMES) {
    outputs = false;
    total = link->times_bytes;
    source = link->times;
  }
#endif
  if (length > EDGEQ_LINK_PAYLOAD - EDGEQ_READ_HEAD || offset > total || length > total - offset) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, total);
    return;
  }
  uint8_t *to = edgeq_put32(edgeq_reply_payload(request), run);
  *to++ = item;
  *to++ = 0;
  to = edgeq_put16(to, length);
  to = edgeq_put32(to, offset);
  if (outputs) {
    edgeq_load_outputs(link->model, offset, to, length);
  } else {
    memcpy(to, (const uint8_t *)source + offset, length);
  }
  edgeq_reply(request, to + length);
}
