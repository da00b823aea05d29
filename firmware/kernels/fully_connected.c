/* FULLY_CONNECTED on int8. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

void edgeq_fully_connected_int8(const edgeq_fully_connected_params *p, const int8_t *input,
                                const int8_t *weights, int8_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++) {
    const int8_t *w = weights;
    int32_t weights_zero_sum = 0;
    if (p->weights_offset != 0) {
      for (int32_t d = 0; d < p->depth; d++) weights_zero_sum += input[d] + p->input_offset;
      weights_zero_sum *= p->weights_offset;
    }
    for (int32_t c = 0; c < p->outputs; c++) {
      int32_t sum = weights_zero_sum;
      for (int32_t d = 0; d < p->depth; d++) sum += w[d] * (input[d] + p->input_offset);
      if (p->bias) sum = edgeq_wrapping_add(sum, p->bias[c]);
      const int32_t at = c * p->channel_step;
      sum = edgeq_requantize(sum, p->multipliers[at], p->shifts[at]);
      output[c] =
          edgeq_clamp_int8(edgeq_wrapping_add(sum, p->output_offset), p->activation_min, p->activation_max);
      w += p->depth;
    }
    input += p->depth;
    output += p->outputs;
  }
}
