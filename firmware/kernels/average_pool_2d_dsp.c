/* AVERAGE_POOL_2D on int8 for cores with the DSP extension, four channels at a time. */
#include "edgeq/fixedpoint.h"
#include "pool_2d_dsp.h"

static int8_t average(const edgeq_pool_2d_params *p, int32_t sum, int32_t count) {
  const int32_t rounded = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
  return edgeq_clamp_int8(rounded, p->activation_min, p->activation_max);
}

static void pixel(const edgeq_pool_2d_params *p, const window *w, int8_t *output) {
  const int32_t count = w->rows * w->columns;
  int32_t channel = 0;
  for (; channel + 4 <= p->channels; channel += 4) {
    int32_t sums[4];
    sums_of_four(w, channel, sums);
    for (int32_t i = 0; i < 4; i++) output[channel + i] = average(p, sums[i], count);
  }
  for (; channel < p->channels; channel++) output[channel] = average(p, sum_of_one(w, channel), count);
}

void edgeq_average_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, pixel);
}
