/* MEAN on int8. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* Steps an odometer; returns how far the input moves, and sets *done after the last step. */
static int32_t advance(const edgeq_reduce_loop *loops, int32_t count, int32_t *step, int *done) {
  int32_t move = 0;
  for (int32_t i = count - 1; i >= 0; i--) {
    if (++step[i] < loops[i].extent) {
      *done = 0;
      return move + loops[i].stride;
    }
    move -= (loops[i].extent - 1) * loops[i].stride;
    step[i] = 0;
  }
  *done = 1;
  return move;
}

/* The sum over all reduced loops; the innermost is a plain loop. */
static int32_t sum_of(const edgeq_mean_params *p, const int8_t *input) {
  const edgeq_reduce_loop inner = p->reduced[p->reduced_count - 1];
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int32_t sum = 0;
  int32_t at = 0;
  int done = 0;
  while (!done) {
    for (int32_t i = 0; i < inner.extent; i++) sum += input[at + i * inner.stride];
    at += advance(p->reduced, p->reduced_count - 1, step, &done);
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
    at += advance(p->kept, p->kept_count, step, &done);
  }
}
