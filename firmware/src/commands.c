/* The state machine of firmware/PROTOCOL.md, device side. */
#include "edgeq/board.h"
#include "edgeq/crc32.h"
#include "edgeq/link.h"
#include "edgeq/mem.h"
#include "edgeq/runtime.h"

#if EDGEQ_LINK_PAYLOAD < 256 || EDGEQ_LINK_PAYLOAD > 32768
#error "EDGEQ_LINK_PAYLOAD must be 256 to 32768: HELLO and DESCRIBE need 256 bytes"
#endif

#define EDGEQ_WRITE_HEAD 8u
#define EDGEQ_RUN_HEAD 16u
#define EDGEQ_RUN_REPLY_HEAD 32u
#define EDGEQ_READ_HEAD 12u
#define EDGEQ_MAX_RANK 16u

/* Longest texts that HELLO and DESCRIBE carry; longer ones are cut, so that the replies always fit. */
#define EDGEQ_BOARD_TEXT 48u
#define EDGEQ_ENGINE_TEXT 16u
#define EDGEQ_NAME_TEXT 64u
#define EDGEQ_TENSOR_TEXT 120u

static uint32_t edgeq_get16(const uint8_t *from) {
  return (uint32_t)from[0] | ((uint32_t)from[1] << 8);
}

static uint32_t edgeq_get32(const uint8_t *from) {
  return edgeq_get16(from) | (edgeq_get16(from + 2) << 16);
}

static uint8_t *edgeq_put16(uint8_t *to, uint32_t value) {
  to[0] = (uint8_t)value;
  to[1] = (uint8_t)(value >> 8);
  return to + 2;
}

static uint8_t *edgeq_put32(uint8_t *to, uint32_t value) {
  return edgeq_put16(edgeq_put16(to, value), value >> 16);
}

static uint8_t *edgeq_put_text(uint8_t *to, const char *text, uint32_t limit) {
  uint32_t length = 0;
  while (length < limit && text[length] != '\0') length++;
  *to++ = (uint8_t)length;
  memcpy(to, text, length);
  return to + length;
}

static uint32_t edgeq_smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* A request that is being answered. The reply is built over it, so what is needed later is read before. */
typedef struct edgeq_request {
  edgeq_link *link;
  const uint8_t *payload;
  uint32_t length;
  uint16_t sequence;
  uint8_t type;
  uint8_t flags;
} edgeq_request;

static uint8_t *edgeq_reply_payload(const edgeq_request *request) {
  return request->link->frame + EDGEQ_FRAME_HEADER;
}

static void edgeq_reply(const edgeq_request *request, uint32_t payload) {
  edgeq_frame_send(request->link->frame, (uint8_t)(request->type | EDGEQ_LINK_REPLY), 0, request->sequence,
                   payload, edgeq_board_write);
}

static void edgeq_refuse(const edgeq_request *request, edgeq_link_error error, uint32_t detail) {
  uint8_t *to = edgeq_reply_payload(request);
  *to++ = (uint8_t)error;
  *to++ = request->type;
  to = edgeq_put16(to, 0);
  to = edgeq_put32(to, request->link->session);
  to = edgeq_put32(to, request->link->open_run);
  to = edgeq_put32(to, detail);
  edgeq_frame_send(request->link->frame, EDGEQ_LINK_ERROR, 0, request->sequence,
                   (uint32_t)(to - edgeq_reply_payload(request)), edgeq_board_write);
}

/* Events have a small frame of their own: they are sent while link->frame or link->answer is in use. */
static void edgeq_send_event(uint8_t type, uint32_t first, uint32_t second) {
  uint8_t frame[EDGEQ_FRAME_BYTES(8)];
  (void)edgeq_put32(edgeq_put32(frame + EDGEQ_FRAME_HEADER, first), second);
  edgeq_frame_send(frame, type, 0, 0, 8, edgeq_board_write);
}

static uint32_t edgeq_total_bytes(const edgeq_tensor *tensors, uint32_t count) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += tensors[i].bytes;
  return total;
}

static void edgeq_on_hello(const edgeq_request *request) {
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
  to = edgeq_put32(to, EDGEQ_LINK_RX_WINDOW);
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
  edgeq_reply(request, (uint32_t)(to - edgeq_reply_payload(request)));
}

static void edgeq_on_describe(const edgeq_request *request) {
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
  edgeq_reply(request, (uint32_t)(to - edgeq_reply_payload(request)));
}

/* Copies `bytes` bytes to position `offset` of the inputs laid one behind the other; the caller has checked
 * that they fit. */
static void edgeq_store_input(const edgeq_model *model, uint32_t offset, const uint8_t *from,
                              uint32_t bytes) {
  for (uint32_t i = 0; i < model->input_count && bytes > 0u; i++) {
    const edgeq_tensor *tensor = &model->inputs[i];
    if (offset >= tensor->bytes) {
      offset -= tensor->bytes;
      continue;
    }
    const uint32_t part = edgeq_smaller(bytes, tensor->bytes - offset);
    memcpy((uint8_t *)tensor->data + offset, from, part);
    from += part;
    bytes -= part;
    offset = 0;
  }
}

/* The other way, from the outputs. */
static void edgeq_load_output(const edgeq_model *model, uint32_t offset, uint8_t *to, uint32_t bytes) {
  for (uint32_t i = 0; i < model->output_count && bytes > 0u; i++) {
    const edgeq_tensor *tensor = &model->outputs[i];
    if (offset >= tensor->bytes) {
      offset -= tensor->bytes;
      continue;
    }
    const uint32_t part = edgeq_smaller(bytes, tensor->bytes - offset);
    memcpy(to, (const uint8_t *)tensor->data + offset, part);
    to += part;
    bytes -= part;
    offset = 0;
  }
}

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
    edgeq_store_input(link->model, link->received, from + known, bytes - known);
    link->received += bytes - known;
  }
  return true;
}

static void edgeq_on_write(const edgeq_request *request) {
  edgeq_link *link = request->link;
  if (request->length < EDGEQ_WRITE_HEAD) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, EDGEQ_WRITE_HEAD);
    return;
  }
  const uint8_t *from = request->payload;
  if (!edgeq_open_run(request, edgeq_get32(from)) ||
      !edgeq_take_input(request, edgeq_get32(from + 4), from + EDGEQ_WRITE_HEAD,
                        request->length - EDGEQ_WRITE_HEAD) ||
      (request->flags & EDGEQ_LINK_QUIET) != 0u) {
    return;
  }
  uint8_t *to = edgeq_reply_payload(request);
  (void)edgeq_put32(edgeq_put32(to, link->open_run), link->received);
  edgeq_reply(request, 8);
}

#ifdef EDGEQ_TRACE
/* Keeps the fingerprints of the points from trace_first on, as many as there is room for. */
static bool edgeq_fingerprint(void *context, uint32_t point, const void *data, uint32_t bytes) {
  edgeq_link *link = (edgeq_link *)context;
  if (point >= link->trace_first && point - link->trace_first < EDGEQ_LINK_TRACE_POINTS) {
    (void)edgeq_put32((uint8_t *)&link->trace[point - link->trace_first], edgeq_crc32(0, data, bytes));
    link->trace_count = point - link->trace_first + 1u;
  }
  return true;
}

/* Stops at the point trace_first, and remembers its tensor. */
static bool edgeq_stop_at(void *context, uint32_t point, const void *data, uint32_t bytes) {
  edgeq_link *link = (edgeq_link *)context;
  if (point != link->trace_first) return true;
  link->result = data;
  link->result_bytes = bytes;
  return false;
}

static edgeq_status edgeq_run_traced(edgeq_link *link, uint8_t mode, uint32_t point) {
  link->trace_first = point;
  link->trace_count = 0;
  if (mode == EDGEQ_LINK_FETCH) return link->model->invoke_traced(edgeq_stop_at, link);
  const edgeq_status status = link->model->invoke_traced(edgeq_fingerprint, link);
  link->result = link->trace;
  link->result_bytes = 4u * link->trace_count;
  return status;
}
#endif

typedef struct edgeq_timing {
  uint32_t first, least, most;
  uint64_t sum;
} edgeq_timing;

static edgeq_status edgeq_infer(const edgeq_model *model, uint32_t repeat, edgeq_timing *timing) {
  edgeq_status status = EDGEQ_OK;
  for (uint32_t i = 0; i < repeat && status == EDGEQ_OK; i++) {
    const uint32_t begin = edgeq_board_ticks();
    status = model->invoke();
    const uint32_t ticks = edgeq_board_ticks() - begin;
    if (i == 0u) timing->first = timing->least = ticks;
    if (ticks < timing->least) timing->least = ticks;
    if (ticks > timing->most) timing->most = ticks;
    timing->sum += ticks;
  }
  return status;
}

/* Executes the current run and leaves its reply in link->answer. */
static void edgeq_execute(edgeq_link *link, uint8_t mode, uint32_t repeat, uint32_t point) {
  edgeq_timing timing = {0, 0, 0, 0};
  edgeq_status status;
  link->result = 0;
  link->result_bytes = mode == EDGEQ_LINK_INFER ? link->output_bytes : 0u;
  switch (mode) {
#ifdef EDGEQ_TRACE
    case EDGEQ_LINK_TRACE:
    case EDGEQ_LINK_FETCH:
      status = edgeq_run_traced(link, mode, point);
      break;
#endif
    case EDGEQ_LINK_SELFTEST:
      status = link->model->selftest();
      break;
    default:
      status = edgeq_infer(link->model, repeat, &timing);
      break;
  }
  (void)point;
  link->stats.runs++;
  link->done_run = link->open_run;
  link->fresh_run = link->open_run;
  link->outputs_ready = status == EDGEQ_OK && mode != EDGEQ_LINK_SELFTEST;

  uint8_t *begin = link->answer + EDGEQ_FRAME_HEADER;
  uint8_t *to = edgeq_put32(begin, link->done_run);
  *to++ = (uint8_t)status;
  *to++ = mode;
  to = edgeq_put16(to, repeat);
  to = edgeq_put32(to, link->result_bytes);
  to = edgeq_put32(to, timing.first);
  to = edgeq_put32(to, timing.least);
  to = edgeq_put32(to, timing.most);
  to = edgeq_put32(to, (uint32_t)timing.sum);
  to = edgeq_put32(to, (uint32_t)(timing.sum >> 32));
  const uint32_t part = edgeq_smaller(link->result_bytes, EDGEQ_LINK_PAYLOAD - EDGEQ_RUN_REPLY_HEAD);
  if (link->result != 0) {
    memcpy(to, link->result, part);
  } else {
    edgeq_load_output(link->model, 0, to, part);
  }
  link->answer_payload = EDGEQ_RUN_REPLY_HEAD + part;
}

/* Sends the kept reply with at most `limit` bytes of the result. The frame's CRC takes the place of what
 * follows them, which is put back for the next time. */
static void edgeq_send_answer(const edgeq_request *request, uint32_t limit) {
  edgeq_link *link = request->link;
  uint8_t kept[EDGEQ_FRAME_TRAILER];
  const uint32_t payload = edgeq_smaller(link->answer_payload, EDGEQ_RUN_REPLY_HEAD + limit);
  uint8_t *behind = link->answer + EDGEQ_FRAME_HEADER + payload;
  memcpy(kept, behind, sizeof kept);
  edgeq_frame_send(link->answer, EDGEQ_LINK_RUN | EDGEQ_LINK_REPLY, 0, request->sequence, payload,
                   edgeq_board_write);
  memcpy(behind, kept, sizeof kept);
}

static void edgeq_on_run(const edgeq_request *request) {
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
  if (run == 0u || mode > EDGEQ_LINK_SELFTEST || repeat == 0u || (repeat > 1u && mode != EDGEQ_LINK_INFER)) {
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
  edgeq_send_answer(request, limit);
}

static void edgeq_on_read(const edgeq_request *request) {
  edgeq_link *link = request->link;
  if (request->length < EDGEQ_READ_HEAD) {
    edgeq_refuse(request, EDGEQ_LINK_MALFORMED, EDGEQ_READ_HEAD);
    return;
  }
  const uint32_t run = edgeq_get32(request->payload);
  const uint8_t item = request->payload[4];
  const uint32_t length = edgeq_get16(request->payload + 6);
  const uint32_t offset = edgeq_get32(request->payload + 8);
  if (item > EDGEQ_LINK_ITEM_RESULT) {
    edgeq_refuse(request, EDGEQ_LINK_OUT_OF_RANGE, 0);
    return;
  }
  if (run == 0u || run != link->fresh_run || (item == EDGEQ_LINK_ITEM_OUTPUT && !link->outputs_ready)) {
    edgeq_refuse(request, EDGEQ_LINK_NOT_AVAILABLE, link->fresh_run);
    return;
  }
  const bool outputs = item == EDGEQ_LINK_ITEM_OUTPUT || link->result == 0;
  const uint32_t total = item == EDGEQ_LINK_ITEM_OUTPUT ? link->output_bytes : link->result_bytes;
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
    edgeq_load_output(link->model, offset, to, length);
  } else {
    memcpy(to, (const uint8_t *)link->result + offset, length);
  }
  edgeq_reply(request, EDGEQ_READ_HEAD + length);
}

static void edgeq_on_stats(const edgeq_request *request) {
  const edgeq_link_stats *stats = &request->link->stats;
  uint8_t *to = edgeq_put32(edgeq_reply_payload(request), stats->frames_good);
  to = edgeq_put32(to, stats->frames_bad);
  to = edgeq_put32(to, stats->runs);
  to = edgeq_put32(to, stats->repeats);
  to = edgeq_put32(to, edgeq_stack_high_water());
  edgeq_reply(request, (uint32_t)(to - edgeq_reply_payload(request)));
}

static void edgeq_answer(const edgeq_request *request) {
  const uint8_t known = request->type == EDGEQ_LINK_WRITE ? EDGEQ_LINK_QUIET : 0u;
  if ((request->flags & (uint8_t)~known) != 0u) {
    edgeq_refuse(request, EDGEQ_LINK_UNKNOWN_REQUEST, request->flags);
    return;
  }
  switch (request->type) {
    case EDGEQ_LINK_PING:
      edgeq_reply(request, request->length); /* the payload is in place */
      break;
    case EDGEQ_LINK_HELLO:
      edgeq_on_hello(request);
      break;
    case EDGEQ_LINK_DESCRIBE:
      edgeq_on_describe(request);
      break;
    case EDGEQ_LINK_WRITE:
      edgeq_on_write(request);
      break;
    case EDGEQ_LINK_RUN:
      edgeq_on_run(request);
      break;
    case EDGEQ_LINK_READ:
      edgeq_on_read(request);
      break;
    case EDGEQ_LINK_STATS:
      edgeq_on_stats(request);
      break;
    case EDGEQ_LINK_RESET:
      edgeq_reply(request, 0);
      edgeq_board_reset();
      break;
    default:
      edgeq_refuse(request, EDGEQ_LINK_UNKNOWN_REQUEST, 0);
      break;
  }
}

void edgeq_link_init(edgeq_link *link, const edgeq_model *model) {
  memset(link, 0, sizeof *link);
  link->model = model;
  link->input_bytes = edgeq_total_bytes(model->inputs, model->input_count);
  link->output_bytes = edgeq_total_bytes(model->outputs, model->output_count);
  link->decoder.buffer = link->frame;
  link->decoder.capacity = (uint32_t)sizeof link->frame;
  edgeq_frame_reset(&link->decoder);
  link->engine = model->init();
  edgeq_send_event(EDGEQ_LINK_BOOT, EDGEQ_PROTOCOL_VERSION, (uint32_t)link->engine);
}

void edgeq_link_receive(edgeq_link *link, uint8_t byte) {
  switch (edgeq_frame_decode(&link->decoder, byte)) {
    case EDGEQ_FRAME_GOOD: {
      const uint8_t *frame = link->frame;
      const edgeq_request request = {link,
                                     frame + EDGEQ_FRAME_HEADER,
                                     edgeq_frame_payload_length(&link->decoder),
                                     (uint16_t)edgeq_get16(frame + 2),
                                     frame[0],
                                     frame[1]};
      link->stats.frames_good++;
      /* Replies and events come back from a line that echoes: answering them would never end. */
      if ((request.type & EDGEQ_LINK_REPLY) == 0u) edgeq_answer(&request);
      break;
    }
    case EDGEQ_FRAME_BAD:
      link->stats.frames_bad++;
      /* A few stray bytes are no frame; a damaged request is worth a word, so that it is repeated at once. */
      if (link->decoder.length >= EDGEQ_FRAME_HEADER) {
        edgeq_send_event(EDGEQ_LINK_DAMAGED, link->open_run, link->received);
      }
      break;
    default:
      break;
  }
}

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
    const int byte = edgeq_board_read(); /* polled: a core in a fault handler may not wake up from sleep */
    if (byte < 0) continue;
    const edgeq_frame_event event = edgeq_frame_decode(&decoder, (uint8_t)byte);
    if (event == EDGEQ_FRAME_GOOD && buffer[0] == EDGEQ_LINK_RESET) edgeq_board_reset();
    if (event != EDGEQ_FRAME_NONE) edgeq_link_send_fault(fault);
  }
}
