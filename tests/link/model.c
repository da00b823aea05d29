/* A small model written by hand, so that the link is tested without a generator: two inputs, two outputs,
 * three trace points. The outputs are a function of all inputs that a test can compute (see `expected` in
 * firmware.py). */
#ifdef MODEL_SECONDS
#define _POSIX_C_SOURCE 199309L /* nanosleep */
#endif
#include <stdint.h>

#include "edgeq/crc32.h"
#include "edgeq/engine.h"
#include "edgeq/link.h"

#ifndef MODEL_INPUT_BYTES
#define MODEL_INPUT_BYTES 3000
#endif
#define SECOND_INPUT_VALUES 5
#define SUMS 4
#ifndef MODEL_ECHO_BYTES /* of the second output: the end of the first input, backwards */
#define MODEL_ECHO_BYTES MODEL_INPUT_BYTES
#endif
#define ECHO_BYTES MODEL_ECHO_BYTES

static int8_t first_input[MODEL_INPUT_BYTES];
static int16_t second_input[SECOND_INPUT_VALUES];
static int32_t sums[SUMS];
static int8_t echo[ECHO_BYTES];
static uint32_t runs;

static const int32_t first_shape[] = {1, MODEL_INPUT_BYTES};
static const int32_t second_shape[] = {1, SECOND_INPUT_VALUES};
static const int32_t echo_shape[] = {1, ECHO_BYTES};
static const int32_t sums_shape[] = {1, SUMS};
static const uint8_t digest[32] = {0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA,
                                   0xEB, 0xEC, 0xED, 0xEE, 0xEF, 1,    2,    3,    4,    5,    6,
                                   7,    8,    9,    10,   11,   12,   13,   14,   15,   0};

static const edgeq_tensor inputs[] = {
    {"image", first_shape, first_input, sizeof first_input, EDGEQ_DTYPE_INT8, 2, 0.5f, -3},
    {"context", second_shape, second_input, sizeof second_input, EDGEQ_DTYPE_INT16, 2, 0.25f, 0},
};
static const edgeq_tensor outputs[] = {
    {"sums", sums_shape, sums, sizeof sums, EDGEQ_DTYPE_INT32, 2, 0.125f, 7},
    {"echo", echo_shape, echo, sizeof echo, EDGEQ_DTYPE_INT8, 2, 0.5f, -3},
};

/* MODEL_FAILS: it does not start, like an interpreter that has too small an arena. */
#ifdef MODEL_FAILS
static const edgeq_engine_state *state(void) {
  static const edgeq_engine_state known = {0, 4000, EDGEQ_PROBLEM_ARENA, "Failed to resize buffer"};
  return &known;
}
#define STATE state
#define STARTED EDGEQ_FAILED
#else
#define STATE 0
#define STARTED EDGEQ_OK
#endif

static edgeq_status init(void) {
  return STARTED;
}

/* MODEL_SECONDS: how long an inference takes on top, also below 1. A computer that has too much to do sleeps
 * no longer for it, where it would compute longer. */
#ifdef MODEL_SECONDS
#include <time.h>
static void take_time(void) {
  const double seconds = MODEL_SECONDS;
  const time_t whole = (time_t)seconds;
  const struct timespec time = {whole, (long)((seconds - (double)whole) * 1e9)};
  (void)nanosleep(&time, 0);
}
#else
static void take_time(void) {}
#endif

static edgeq_status compute(edgeq_trace_fn *trace, void *context) {
  take_time();
  int32_t total = 0, weighted = 0, extra = 0;
  for (int32_t i = 0; i < MODEL_INPUT_BYTES; i++) {
    total += first_input[i];
    weighted += first_input[i] * (i % 7 + 1);
  }
  for (int32_t i = 0; i < SECOND_INPUT_VALUES; i++) extra += second_input[i];
  for (int32_t i = 0; i < ECHO_BYTES; i++) echo[i] = (int8_t)(first_input[MODEL_INPUT_BYTES - 1 - i] ^ 0x55);
  if (trace != 0 && !trace(context, 0, echo, sizeof echo)) return EDGEQ_STOPPED;
  sums[0] = total;
  sums[1] = weighted;
  sums[2] = extra;
  sums[3] = 0;
  if (trace != 0 && !trace(context, 1, sums, sizeof sums)) return EDGEQ_STOPPED;
  /* The engine's contract says that the inputs are lost: a host that counts on them is found out here. */
  for (int32_t i = 0; i < MODEL_INPUT_BYTES; i++) first_input[i] = (int8_t)(first_input[i] + 1);
  for (int32_t i = 0; i < SECOND_INPUT_VALUES; i++) second_input[i] = 0;
  sums[3] = (int32_t)++runs;
  return trace != 0 && !trace(context, 2, second_input, sizeof second_input) ? EDGEQ_STOPPED : EDGEQ_OK;
}

static edgeq_status invoke(void) {
  return compute(0, 0);
}

static edgeq_status selftest(void) {
  for (int32_t i = 0; i < MODEL_INPUT_BYTES; i++) first_input[i] = (int8_t)(i % 100);
  (void)invoke();
  return echo[0] == (int8_t)(((MODEL_INPUT_BYTES - 1) % 100) ^ 0x55) ? EDGEQ_OK : EDGEQ_MISMATCH;
}

#ifdef EDGEQ_TRACE
#define TRACE_POINTS 3
static edgeq_status invoke_traced(edgeq_trace_fn *trace, void *context) {
  return compute(trace, context);
}
#else
#define TRACE_POINTS 0
#define invoke_traced 0
#endif

static const edgeq_model model = {
    EDGEQ_ENGINE_ABI,
    "hand-made",
    "test",
    digest,
    inputs,
    outputs,
    2,
    2,
    3,
    TRACE_POINTS,
    sizeof first_input + sizeof echo,
    init,
    invoke,
    selftest,
    invoke_traced,
    STATE,
    0,
};

const edgeq_model *edgeq_app_model(void) {
  return &model;
}
