/* Executes a run, and keeps and sends its reply. */
#include "edgeq/execute.h"

#include "edgeq/board.h"
#include "edgeq/bytes.h"
#include "edgeq/crc32.h"
#include "edgeq/mem.h"
#include "edgeq/tensors.h"

#define EDGEQ_RUN_REPLY_HEAD 32u

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

static edgeq_status edgeq_infer(edgeq_link *link, uint32_t repeat, edgeq_timing *timing) {
  edgeq_status status = EDGEQ_OK;
  for (uint32_t i = 0; i < repeat && status == EDGEQ_OK; i++) {
    const uint32_t begin = edgeq_board_ticks();
    status = link->model->invoke();
    const uint32_t ticks = edgeq_board_ticks() - begin;
    if (i == 0u) timing->first = timing->least = ticks;
    if (ticks < timing->least) timing->least = ticks;
    if (ticks > timing->most) timing->most = ticks;
    timing->sum += ticks;
#if EDGEQ_LINK_TIMES > 0
    if (i < EDGEQ_LINK_TIMES) {
      (void)edgeq_put32(link->times + 4u * i, ticks);
      link->times_bytes = 4u * (i + 1u);
    }
#endif
  }
  return status;
}

/* The result is the engine's own array of ticks, which every device of edgeq's has in the line's byte order.
 */
static edgeq_status edgeq_run_timed(edgeq_link *link) {
  const uint32_t *ticks = 0;
  const edgeq_status status = link->model->invoke_timed(&ticks);
  link->result = ticks;
  link->result_bytes = status == EDGEQ_OK ? 4u * link->model->op_count : 0u;
  return status;
}

void edgeq_execute(edgeq_link *link, uint8_t mode, uint32_t repeat, uint32_t point) {
  edgeq_timing timing = {0, 0, 0, 0};
  edgeq_status status;
  link->result = 0;
#if EDGEQ_LINK_TIMES > 0
  link->times_bytes = 0;
#endif
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
    case EDGEQ_LINK_TICKS:
      status = edgeq_run_timed(link);
      break;
#ifdef EDGEQ_LINK_PROFILES
    case EDGEQ_LINK_PROFILE:
      status = edgeq_board_profile(&link->result, &link->result_bytes) ? EDGEQ_OK : EDGEQ_FAILED;
      break;
#endif
    default:
      status = edgeq_infer(link, repeat, &timing);
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
    edgeq_load_outputs(link->model, 0, to, part);
  }
  link->answer_payload = EDGEQ_RUN_REPLY_HEAD + part;
}

void edgeq_send_answer(edgeq_link *link, uint16_t sequence, uint32_t limit) {
  /* The frame's CRC takes the place of what follows the part that is sent, which is put back for the next
   * time. */
  uint8_t kept[EDGEQ_FRAME_TRAILER];
  const uint32_t payload = edgeq_smaller(link->answer_payload, EDGEQ_RUN_REPLY_HEAD + limit);
  uint8_t *behind = link->answer + EDGEQ_FRAME_HEADER + payload;
  memcpy(kept, behind, sizeof kept);
  edgeq_frame_send(link->answer, EDGEQ_LINK_RUN | EDGEQ_LINK_REPLY, 0, sequence, payload, edgeq_board_write);
  memcpy(behind, kept, sizeof kept);
}
