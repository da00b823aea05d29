/* MAX_POOL_2D on int8 for cores with the DSP extension, eight channels at a time, and four. */
#include "pool_2d_dsp.h"

static void largest_of_eight(const window *w, int32_t channel, int8_t *output) {
  uint32_t first = edgeq_load_word(w->first + channel);
  uint32_t second = edgeq_load_word(w->first + channel + 4);
  for (int32_t row = 0; row < w->rows; row++) {
    const int8_t *in = w->first + row * w->row_bytes + channel;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      const uint32_t a = edgeq_load_word(in);
      const uint32_t b = edgeq_load_word(in + 4);
      first = edgeq_larger_bytes(first, a);
      second = edgeq_larger_bytes(second, b);
    }
  }
  edgeq_store_word(output + channel, first);
  edgeq_store_word(output + channel + 4, second);
}

static void largest_of_four(const window *w, int32_t channel, int8_t *output) {
  uint32_t largest = edgeq_load_word(w->first + channel);
  for (int32_t row = 0; row < w->rows; row++) {
    const int8_t *in = w->first + row * w->row_bytes + channel;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      largest = edgeq_larger_bytes(largest, edgeq_load_word(in));
    }
  }
  edgeq_store_word(output + channel, largest);
}

static int8_t largest_of_one(const window *w, int32_t channel) {
  int8_t largest = w->first[channel];
  for (int32_t row = 0; row < w->rows; row++) {
    const int8_t *in = w->first + row * w->row_bytes + channel;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      if (*in > largest) largest = *in;
    }
  }
  return largest;
}

static void pixel(const edgeq_pool_2d_params *p, const window *w, int8_t *output) {
  int32_t channel = 0;
  for (; channel + 8 <= p->channels; channel += 8) largest_of_eight(w, channel, output);
  if (p->channels >= 4) {
    /* The last four may begin among those that are done. */
    if (channel + 4 < p->channels) largest_of_four(w, channel, output);
    if (channel < p->channels) largest_of_four(w, p->channels - 4, output);
    return;
  }
  for (; channel < p->channels; channel++) output[channel] = largest_of_one(w, channel);
}

void edgeq_max_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, pixel);
  edgeq_limit_int8(output, p->batches * p->output_height * p->output_width * p->channels, p->activation_min,
                   p->activation_max);
}
