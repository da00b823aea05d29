/* From sums of products to results, for kernels without the DSP extension. */
#ifndef EDGEQ_KERNELS_RESULTS_H
#define EDGEQ_KERNELS_RESULTS_H

#include <stdint.h>

#include "edgeq/attributes.h"
#include "edgeq/fixedpoint.h"

/* How: fields of the kernels' parameters, which edgeq/kernels.h has. */
typedef struct edgeq_results {
  const int32_t *bias;
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t channel_step;
  int32_t output_offset;
  int32_t activation_min;
  int32_t activation_max;
} edgeq_results;

/* Of the parameters `p` of any such kernel. */
#define EDGEQ_RESULTS_OF(p)                                                        \
  {(p)->bias,          (p)->multipliers,    (p)->shifts,        (p)->channel_step, \
   (p)->output_offset, (p)->activation_min, (p)->activation_max}

/* Bias, scale and limits of `count` sums, of channels from `channel` on; `output` is the pixel's. */
static inline void edgeq_finish(edgeq_results r, const int32_t *sums, int32_t count, int32_t channel,
                                int8_t *output) {
  const int32_t step = r.channel_step;
  const int32_t *multipliers = r.multipliers + channel * step;
  const int8_t *shifts = r.shifts + channel * step;
  const int32_t *bias = r.bias ? r.bias + channel : 0;
  output += channel;
  EDGEQ_ROLLED
  for (int32_t i = 0; i < count; i++, multipliers += step, shifts += step) {
    const int32_t sum =
        edgeq_requantize(bias ? edgeq_wrapping_add(sums[i], bias[i]) : sums[i], *multipliers, *shifts);
    output[i] =
        edgeq_clamp_int8(edgeq_wrapping_add(sum, r.output_offset), r.activation_min, r.activation_max);
  }
}

#endif
