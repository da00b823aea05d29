/* FULLY_CONNECTED on int8. */
#include "edgeq/attributes.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"
#include "four_sums.h"

/* Bias, scale and limits of `count` sums. */
EDGEQ_NOINLINE static void finish(const edgeq_fully_connected_params *p, const int32_t *sums, int32_t count,
                                  int32_t channel, int8_t *output) {
  const int32_t step = p->channel_step, offset = p->output_offset;
  const int32_t low = p->activation_min, high = p->activation_max;
  const int32_t *multipliers = p->multipliers + channel * step;
  const int8_t *shifts = p->shifts + channel * step;
  const int32_t *bias = p->bias ? p->bias + channel : 0;
  output += channel;
  EDGEQ_ROLLED
  for (int32_t i = 0; i < count; i++, multipliers += step, shifts += step) {
    const int32_t sum =
        edgeq_requantize(bias ? edgeq_wrapping_add(sums[i], bias[i]) : sums[i], *multipliers, *shifts);
    output[i] = edgeq_clamp_int8(edgeq_wrapping_add(sum, offset), low, high);
  }
}

/* Of four outputs; each sum begins with `first`. */
EDGEQ_NOINLINE static void four_sums(const edgeq_fully_connected_params *p, const int8_t *input,
                                     const int8_t *weights, int32_t first, edgeq_four_sums *result) {
  edgeq_four_sums sums = {{first, first, first, first}};
  edgeq_add_run(&sums, input, p->input_offset, weights, p->depth, p->depth);
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
