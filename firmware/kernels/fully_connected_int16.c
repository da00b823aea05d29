/* FULLY_CONNECTED on int16. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

void edgeq_fully_connected_int16(const edgeq_fully_connected_int16_params *p, const int16_t *input,
                                 const int8_t *weights, int16_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++) {
    const int8_t *w = weights;
    for (int32_t c = 0; c < p->outputs; c++) {
      int64_t sum = p->bias ? p->bias[c] : 0;
      for (int32_t d = 0; d < p->depth; d++) sum += w[d] * input[d];
      const int32_t at = c * p->channel_step;
      output[c] = edgeq_clamp_int16(edgeq_requantize_sum(sum, p->multipliers[at], p->shifts[at], p->wide),
                                    p->activation_min, p->activation_max);
      w += p->depth;
    }
    input += p->depth;
    output += p->outputs;
  }
}
