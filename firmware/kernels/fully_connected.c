/* FULLY_CONNECTED on int8. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "four_sums.h"
#include "results.h"

EDGEQ_NOINLINE static void finish(const edgeq_fully_connected_params *p, const int32_t *sums, int32_t count,
                                  int32_t channel, int8_t *output) {
  const edgeq_results how = EDGEQ_RESULTS_OF(p);
  edgeq_finish(how, sums, count, channel, output);
}

/* edgeq_add_run for one run: an index takes fewer instructions than pointers that move. */
static inline void add_run(edgeq_four_sums *sums, const int8_t *values, int32_t offset, const int8_t *weights,
                           int32_t step, int32_t count) {
  const int8_t *w0 = weights, *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
  EDGEQ_ROLLED
  for (int32_t i = 0; i < count; i++) {
    const int32_t value = values[i] + offset;
    sums->of[0] += w0[i] * value;
    sums->of[1] += w1[i] * value;
    sums->of[2] += w2[i] * value;
    sums->of[3] += w3[i] * value;
  }
}

/* Of four outputs; each sum begins with `first`. */
EDGEQ_NOINLINE static void four_sums(const edgeq_fully_connected_params *p, const int8_t *input,
                                     const int8_t *weights, int32_t first, edgeq_four_sums *result) {
  edgeq_four_sums sums = {{first, first, first, first}};
  add_run(&sums, input, p->input_offset, weights, p->depth, p->depth);
  *result = sums;
}

void edgeq_fully_connected_int8(const edgeq_fully_connected_params *p, const int8_t *input,
                                const int8_t *weights, int8_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++) {
    const int8_t *w = weights;
    int32_t weights_zero_sum = 0;
    if (p->weights_offset != 0) {
      EDGEQ_ROLLED
      for (int32_t d = 0; d < p->depth; d++) weights_zero_sum += input[d] + p->input_offset;
      weights_zero_sum *= p->weights_offset;
    }
    int32_t c = 0;
    for (; c + 4 <= p->outputs; c += 4, w += 4 * p->depth) {
      edgeq_four_sums sums;
      four_sums(p, input, w, weights_zero_sum, &sums);
      finish(p, sums.of, 4, c, output);
    }
    for (; c < p->outputs; c++, w += p->depth) {
      int32_t sum = weights_zero_sum;
      EDGEQ_ROLLED
      for (int32_t d = 0; d < p->depth; d++) sum += w[d] * (input[d] + p->input_offset);
      finish(p, &sum, 1, c, output);
    }
    input += p->depth;
    output += p->outputs;
  }
}
