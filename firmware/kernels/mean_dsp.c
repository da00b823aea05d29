/* MEAN and SUM of each channel of an image on int8, for cores with the DSP extension. */
#include "edgeq/fixedpoint.h"
#include "pool_2d_dsp.h"

/* Values whose sum fits an int16. */
#define AT_A_TIME 255

static int8_t result(const edgeq_mean_dsp_params *p, int32_t sum) {
  const int32_t mean = edgeq_requantize(sum + p->sum_offset, p->multiplier, p->shift);
  return edgeq_clamp_int8(edgeq_wrapping_add(mean, p->output_offset), INT8_MIN, INT8_MAX);
}

void edgeq_mean_dsp_int8(const edgeq_mean_dsp_params *p, const int8_t *input, int8_t *output) {
  window w;
  w.rows = 1;
  w.row_bytes = 0;
  w.column_bytes = p->channels;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    int32_t channel = 0;
    for (; channel + 4 <= p->channels; channel += 4) {
      int32_t sums[4] = {0};
      w.first = input;
      for (int32_t left = p->count; left > 0; left -= AT_A_TIME, w.first += AT_A_TIME * p->channels) {
        int32_t some[4];
        w.columns = left < AT_A_TIME ? left : AT_A_TIME;
        sums_of_four(&w, channel, some);
        for (int32_t i = 0; i < 4; i++) sums[i] += some[i];
        if (left <= AT_A_TIME) break;
      }
      for (int32_t i = 0; i < 4; i++) output[channel + i] = result(p, sums[i]);
    }
    w.first = input;
    w.columns = p->count;
    for (; channel < p->channels; channel++) output[channel] = result(p, sum_of_one(&w, channel));
    input += p->count * p->channels;
    output += p->channels;
  }
}
