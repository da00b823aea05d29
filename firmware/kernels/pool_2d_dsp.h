/* Windows of int8 values, four channels at a time, for cores with the DSP extension. */
#ifndef EDGEQ_KERNELS_POOL_2D_DSP_H
#define EDGEQ_KERNELS_POOL_2D_DSP_H

#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "window.h"

/* The part of a window inside the input. `first` is its first value of channel 0. */
typedef struct window {
  const int8_t *first;
  int32_t rows;
  int32_t columns;
  int32_t row_bytes;
  int32_t column_bytes;
  int32_t step; /* bytes from a window to the next one */
} window;

/* Sums of four channels over a window of at most 255 values, whose halves hold them. */
static inline void sums_of_four(const window *w, int32_t channel, int32_t *sums) {
  uint32_t even = 0;
  uint32_t odd = 0;
  const int32_t column_bytes = w->column_bytes;
  const int8_t *row = w->first + channel;
  for (int32_t rows = w->rows; rows > 0; rows--, row += w->row_bytes) {
    const int8_t *in = row;
    int32_t left = w->columns;
    for (; left > 3; left -= 4, in += 4 * column_bytes) {
      const uint32_t a = edgeq_load_word(in);
      const uint32_t b = edgeq_load_word(in + column_bytes);
      const uint32_t c = edgeq_load_word(in + 2 * column_bytes);
      const uint32_t d = edgeq_load_word(in + 3 * column_bytes);
      even = edgeq_add_even_bytes(edgeq_add_even_bytes(even, a), b);
      odd = edgeq_add_odd_bytes(edgeq_add_odd_bytes(odd, a), b);
      even = edgeq_add_even_bytes(edgeq_add_even_bytes(even, c), d);
      odd = edgeq_add_odd_bytes(edgeq_add_odd_bytes(odd, c), d);
    }
    if (left > 1) {
      const uint32_t a = edgeq_load_word(in);
      const uint32_t b = edgeq_load_word(in + column_bytes);
      even = edgeq_add_even_bytes(edgeq_add_even_bytes(even, a), b);
      odd = edgeq_add_odd_bytes(edgeq_add_odd_bytes(odd, a), b);
      in += 2 * column_bytes;
      left -= 2;
    }
    if (left > 0) {
      const uint32_t word = edgeq_load_word(in);
      even = edgeq_add_even_bytes(even, word);
      odd = edgeq_add_odd_bytes(odd, word);
    }
  }
  sums[0] = edgeq_first(even);
  sums[1] = edgeq_first(odd);
  sums[2] = edgeq_second(even);
  sums[3] = edgeq_second(odd);
}

static inline int32_t sum_of_one(const window *w, int32_t channel) {
  int32_t sum = 0;
  for (int32_t row = 0; row < w->rows; row++) {
    const int8_t *in = w->first + row * w->row_bytes + channel;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) sum += *in;
  }
  return sum;
}

/* All windows of a pool; `pixels` computes so many that lie in a row, w->step bytes apart: those inside of
 * the input along it, if `together`, or one. Inlined into both kernels, so that `pixels` may be. */
static inline void pool(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output,
                        void (*pixels)(const edgeq_pool_2d_params *, window *, int32_t, int8_t *),
                        int together) {
  window w;
  const int32_t last = p->input_width - p->filter_width + p->pad_left;
  w.column_bytes = p->channels;
  w.row_bytes = p->input_width * p->channels;
  w.step = p->stride_width * p->channels;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const int32_t y = out_y * p->stride_height - p->pad_top;
      const edgeq_taps rows = edgeq_taps_inside(y, p->filter_height, 1, p->input_height);
      const int8_t *const row = input + (y + rows.first) * w.row_bytes;
      int32_t count;
      for (int32_t out_x = 0; out_x < p->output_width; out_x += count) {
        const int32_t x = out_x * p->stride_width - p->pad_left;
        const edgeq_taps columns = edgeq_taps_inside(x, p->filter_width, 1, p->input_width);
        w.first = row + (x + columns.first) * p->channels;
        w.rows = rows.last - rows.first;
        w.columns = columns.last - columns.first;
        count = 1;
        if (together && w.columns == p->filter_width) {
          count = last / p->stride_width + 1;
          if (count > p->output_width) count = p->output_width;
          count -= out_x;
        }
        /* Taps side by side are one run, where the window is as wide as the input. */
        if (w.columns == p->input_width) {
          w.columns *= w.rows;
          w.rows = 1;
        }
        pixels(p, &w, count, output);
        output += count * p->channels;
      }
    }
    input += p->input_height * w.row_bytes;
  }
}

#endif
