/* REDUCE_MAX and REDUCE_MIN on int8. */
#include "edgeq/kernels.h"
#include "reduce.h"

/* The extreme over all reduced loops; the innermost is a plain loop. */
static inline int8_t extreme_of(const edgeq_reduce_params *p, const int8_t *input, int smallest) {
  const edgeq_reduce_loop inner = p->reduced[p->reduced_count - 1];
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int8_t found = input[0];
  int done = 0;
  while (!done) {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int8_t x = input[i * inner.stride];
      if ((x < found) == (smallest != 0)) found = x;
    }
    input += edgeq_reduce_next(p->reduced, p->reduced_count - 1, step, &done);
  }
  return found;
}

/* Inlined into both kernels, so that `smallest` is a constant there. */
static inline void reduce(const edgeq_reduce_params *p, const int8_t *input, int8_t *output, int smallest) {
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int32_t at = 0;
  int done = 0;
  for (int32_t i = 0; i < p->outputs; i++) {
    output[i] = extreme_of(p, input + at, smallest);
    at += edgeq_reduce_next(p->kept, p->kept_count, step, &done);
  }
}

void edgeq_reduce_max_int8(const edgeq_reduce_params *p, const int8_t *input, int8_t *output) {
  reduce(p, input, output, 0);
}

void edgeq_reduce_min_int8(const edgeq_reduce_params *p, const int8_t *input, int8_t *output) {
  reduce(p, input, output, 1);
}
