/* The pools of one type of value: the file that includes this has defined value_t before. */
#ifndef EDGEQ_KERNELS_POOL_2D_H
#define EDGEQ_KERNELS_POOL_2D_H

#include "edgeq/kernels.h"
#include "window.h"

static inline value_t limited(int32_t x, int32_t low, int32_t high) {
  return (value_t)(x < low ? low : (x > high ? high : x));
}

/* The part of a window inside the input. `first` is its first value of channel 0. */
typedef struct window {
  const value_t *first;
  int32_t rows;
  int32_t columns;
} window;

static value_t average(const edgeq_pool_2d_params *p, const window *w, int32_t channel) {
  const int32_t count = w->rows * w->columns;
  int32_t sum = 0;
  for (int32_t row = 0; row < w->rows; row++) {
    const value_t *in = w->first + row * p->input_width * p->channels + channel;
    for (int32_t column = 0; column < w->columns; column++) sum += in[column * p->channels];
  }
  sum = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
  return limited(sum, p->activation_min, p->activation_max);
}

static value_t maximum(const edgeq_pool_2d_params *p, const window *w, int32_t channel) {
  int32_t largest = INT32_MIN;
  for (int32_t row = 0; row < w->rows; row++) {
    const value_t *in = w->first + row * p->input_width * p->channels + channel;
    for (int32_t column = 0; column < w->columns; column++) {
      if (in[column * p->channels] > largest) largest = in[column * p->channels];
    }
  }
  return limited(largest, p->activation_min, p->activation_max);
}

/* Inlined into both kernels, so that `choose` is no call. */
static inline void pool(const edgeq_pool_2d_params *p, const value_t *input, value_t *output,
                        value_t (*choose)(const edgeq_pool_2d_params *, const window *, int32_t)) {
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const int32_t y = out_y * p->stride_height - p->pad_top;
      const edgeq_taps rows = edgeq_taps_inside(y, p->filter_height, 1, p->input_height);
      for (int32_t out_x = 0; out_x < p->output_width; out_x++) {
        const int32_t x = out_x * p->stride_width - p->pad_left;
        const edgeq_taps columns = edgeq_taps_inside(x, p->filter_width, 1, p->input_width);
        window w;
        w.first = input + ((y + rows.first) * p->input_width + x + columns.first) * p->channels;
        w.rows = rows.last - rows.first;
        w.columns = columns.last - columns.first;
        for (int32_t channel = 0; channel < p->channels; channel++) *output++ = choose(p, &w, channel);
      }
    }
    input += p->input_height * p->input_width * p->channels;
  }
}

#endif
