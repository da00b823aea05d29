/* MEAN on int8. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"
#include "reduce.h"

/* The sum over all reduced loops; the innermost is a plain loop. */
static int32_t sum_of(const edgeq_mean_params *p, const int8_t *input) {
  const edgeq_reduce_loop inner = p->reduced[p->reduced_count - 1];
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int32_t sum = 0;
  int32_t at = 0;
  int done = 0;
  while (!done) {
    for (int32_t i = 0; i < inner.extent; i++) sum += input[at + i * inner.stride];
    at += edgeq_reduce_next(p->reduced, p->reduced_count - 1, step, &done);
  }
  return sum;
}

void edgeq_mean_int8(const edgeq_mean_params *p, const int8_t *input, int8_t *output) {
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int32_t at = 0;
  int done = 0;
  for (int32_t i = 0; i < p->outputs; i++) {
    const int32_t sum = sum_of(p, input + at) + p->sum_offset;
    const int32_t mean = edgeq_requantize(sum, p->multiplier, p->shift);
    output[i] = edgeq_clamp_int8(edgeq_wrapping_add(mean, p->output_offset), INT8_MIN, INT8_MAX);
    at += edgeq_reduce_next(p->kept, p->kept_count, step, &done);
  }
}
