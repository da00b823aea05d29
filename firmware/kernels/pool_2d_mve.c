/* AVERAGE_POOL_2D and MAX_POOL_2D on int8 for the vector extension. */
#include "edgeq/kernels.h"
#include "edgeq/mve.h"
#include "window.h"

/* The part of a window inside the input: its first value of channel 0, and how to walk it. */
typedef struct window {
  const int8_t *first;
  int32_t rows;
  int32_t columns;
  int32_t row_bytes;
  int32_t column_bytes;
} window;

/* n / count = (2 n * reciprocal / 2^16) / 2^right, all rounded down, for n below 2^15 and count from 1 to
 * 255: with reciprocal = 2^(15 + right) / count rounded up, below 2^16, the product's error is less than
 * 2^(16 + right). */
typedef struct divisor {
  edgeq_halves half; /* of count */
  edgeq_halves reciprocal;
  int32_t right;
} divisor;

static divisor divisor_of(int32_t count) {
  divisor d;
  int32_t right = 0;
  while (INT32_C(1) << right < count) right++;
  d.half = edgeq_same_halves(count / 2);
  d.reciprocal =
      edgeq_same_halves((int32_t)(((UINT32_C(1) << (15 + right)) + (uint32_t)count - 1u) / (uint32_t)count));
  d.right = right;
  return d;
}

/* Eight channels, of which `channels` exist. */
static inline void average(const edgeq_pool_2d_params *p, const window *w, const divisor *d, int32_t channels,
                           int32_t channel, int8_t *output) {
  const int8_t *row = w->first + channel;
  edgeq_halves sum = edgeq_same_halves(0);
  for (int32_t i = w->rows; i > 0; i--, row += w->row_bytes) {
    const int8_t *in = row;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      sum = edgeq_add_halves(sum, edgeq_load_bytes_as_halves(in, channels));
    }
  }
  /* Halves are rounded away from zero: the sum's amount is divided. */
  const edgeq_halves sign = edgeq_sign_of_halves(sum);
  const edgeq_halves amount = edgeq_subtract_halves(edgeq_exclusive_or_halves(sum, sign), sign);
  const edgeq_halves n = edgeq_add_halves(amount, d->half);
  const edgeq_halves quotient = edgeq_high_multiply_halves(edgeq_add_halves(n, n), d->reciprocal, d->right);
  const edgeq_halves mean = edgeq_subtract_halves(edgeq_exclusive_or_halves(quotient, sign), sign);
  const edgeq_halves least = edgeq_larger_halves(mean, edgeq_same_halves(p->activation_min));
  edgeq_store_halves_as_bytes(output + channel,
                              edgeq_smaller_halves(least, edgeq_same_halves(p->activation_max)), channels);
}

static void average_pixel(const edgeq_pool_2d_params *p, const window *w, int8_t *output) {
  const divisor d = divisor_of(w->rows * w->columns);
  int32_t channel = 0;
  for (; channel + 8 <= p->channels; channel += 8) average(p, w, &d, 8, channel, output);
  if (channel < p->channels) average(p, w, &d, p->channels - channel, channel, output);
}

/* Sixteen channels, of which `channels` exist. */
static inline void maximum(const edgeq_pool_2d_params *p, const window *w, int32_t channels, int32_t channel,
                           int8_t *output) {
  const int8_t *row = w->first + channel;
  edgeq_bytes largest = edgeq_same_bytes(p->activation_min);
  for (int32_t i = w->rows; i > 0; i--, row += w->row_bytes) {
    const int8_t *in = row;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      largest = edgeq_larger_bytes(largest, edgeq_load_bytes(in, channels));
    }
  }
  edgeq_store_bytes(output + channel, edgeq_smaller_bytes(largest, edgeq_same_bytes(p->activation_max)),
                    channels);
}

static void maximum_pixel(const edgeq_pool_2d_params *p, const window *w, int8_t *output) {
  int32_t channel = 0;
  for (; channel + 16 <= p->channels; channel += 16) maximum(p, w, 16, channel, output);
  if (channel < p->channels) maximum(p, w, p->channels - channel, channel, output);
}

static void pool(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output,
                 void (*pixel)(const edgeq_pool_2d_params *, const window *, int8_t *)) {
  window w;
  w.column_bytes = p->channels;
  w.row_bytes = p->input_width * p->channels;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const int32_t y = out_y * p->stride_height - p->pad_top;
      const edgeq_taps rows = edgeq_taps_inside(y, p->filter_height, 1, p->input_height);
      for (int32_t out_x = 0; out_x < p->output_width; out_x++) {
        const int32_t x = out_x * p->stride_width - p->pad_left;
        const edgeq_taps columns = edgeq_taps_inside(x, p->filter_width, 1, p->input_width);
        w.first = input + (y + rows.first) * w.row_bytes + (x + columns.first) * p->channels;
        w.rows = rows.last - rows.first;
        w.columns = columns.last - columns.first;
        /* Taps side by side are one run, where the window is as wide as the input. */
        if (w.columns == p->input_width) {
          w.columns *= w.rows;
          w.rows = 1;
        }
        pixel(p, &w, output);
        output += p->channels;
      }
    }
    input += p->input_height * w.row_bytes;
  }
}

void edgeq_average_pool_2d_mve_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, average_pixel);
}

void edgeq_max_pool_2d_mve_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, maximum_pixel);
}
