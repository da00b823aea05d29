/* MEAN and SUM of one type of value: the file that includes this has defined value_t before. */
#ifndef EDGEQ_KERNELS_MEAN_H
#define EDGEQ_KERNELS_MEAN_H

#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"
#include "reduce.h"

/* The sum over all reduced loops; the innermost is a plain loop. */
static int32_t sum_of(const edgeq_mean_params *p, const value_t *input) {
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

static inline void mean_of(const edgeq_mean_params *p, const value_t *input, value_t *output, int32_t low,
                           int32_t high) {
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int32_t at = 0;
  int done = 0;
  for (int32_t i = 0; i < p->outputs; i++) {
    const int32_t sum = sum_of(p, input + at) + p->sum_offset;
    const int32_t mean = edgeq_requantize(sum, p->multiplier, p->shift);
    const int32_t y = edgeq_wrapping_add(mean, p->output_offset);
    output[i] = (value_t)(y < low ? low : (y > high ? high : y));
    at += edgeq_reduce_next(p->kept, p->kept_count, step, &done);
  }
}

#endif
