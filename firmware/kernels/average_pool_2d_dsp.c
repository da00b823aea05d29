/* AVERAGE_POOL_2D on int8 for cores with the DSP extension, four channels at a time. */
#include "pool_2d_dsp.h"

static int8_t average(int32_t sum, int32_t count) {
  return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

/* Of one window: `windows` is 1. */
static void pixels(const edgeq_pool_2d_params *p, window *w, int32_t windows, int8_t *output) {
  const int32_t count = w->rows * w->columns;
  (void)windows;
  if (p->channels < 4) {
    for (int32_t i = 0; i < p->channels; i++) output[i] = average(sum_of_one(w, i), count);
    return;
  }
  for (int32_t left = p->channels; left > 0; left -= 4) {
    /* The last four may begin among those that are done. */
    const int32_t channel = left < 4 ? p->channels - 4 : p->channels - left;
    int32_t sums[4];
    sums_of_four(w, channel, sums);
    for (int32_t i = 0; i < 4; i++) output[channel + i] = average(sums[i], count);
  }
}

void edgeq_average_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, pixels, 0);
  edgeq_limit_int8(output, p->batches * p->output_height * p->output_width * p->channels, p->activation_min,
                   p->activation_max);
}
