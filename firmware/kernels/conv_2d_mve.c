/* CONV_2D on int8 for the vector extension, any window: what windows read, copied to where they can be read
 * in one piece. */
#include "edgeq/kernels_mve.h"
#include "edgeq/mve.h"
#include "matrix_mve.h"
#include "window.h"

#define VECTOR 16

/* `count` pieces of `bytes` bytes, each its step behind the one before. */
static void copy_pieces(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step, int32_t bytes,
                        int32_t count) {
  for (; bytes >= VECTOR; bytes -= VECTOR, to += VECTOR, from += VECTOR) {
    int8_t *out = to;
    const int8_t *in = from;
    for (int32_t left = count; left > 0; left--, in += from_step, out += to_step) {
      edgeq_store_bytes(out, edgeq_load_bytes(in, VECTOR), VECTOR);
    }
  }
  if (bytes > 0) {
    for (int32_t left = count; left > 0; left--, from += from_step, to += to_step) {
      edgeq_store_bytes(to, edgeq_load_bytes(from, bytes), bytes);
    }
  }
}

static void fill_pieces(int8_t *to, int32_t step, int32_t value, int32_t bytes, int32_t count) {
  const edgeq_bytes same = edgeq_same_bytes(value);
  if (bytes <= 0) return;
  for (; count > 0; count--, to += step) {
    int8_t *out = to;
    for (int32_t left = bytes; left > 0; left -= VECTOR, out += VECTOR) edgeq_store_bytes(out, same, left);
  }
}

/* The columns that `count` windows side by side span, the first of which begins at (y, x): each has the
 * filter's rows. `input` is the first channel. */
static void fill_columns(const edgeq_conv_2d_mve_params *p, const int8_t *input, int32_t y, int32_t x,
                         int32_t count, int8_t *strip) {
  const int32_t depth = p->filter_channels;
  const int32_t step = p->filter_height * depth;
  const int32_t columns = (count - 1) * p->stride_width + p->filter_width;
  const edgeq_taps inside = edgeq_taps_inside(x, columns, 1, p->input_width);
  for (int32_t row = 0; row < p->filter_height; row++, strip += depth) {
    const int32_t in_y = y + row * p->dilation_height;
    if (in_y < 0 || in_y >= p->input_height) {
      fill_pieces(strip, step, p->input_zero_point, depth, columns);
      continue;
    }
    const int8_t *in = input + (in_y * p->input_width + x + inside.first) * p->input_channels;
    fill_pieces(strip, step, p->input_zero_point, depth, inside.first);
    copy_pieces(strip + inside.first * step, step, in, p->input_channels, depth, inside.last - inside.first);
    fill_pieces(strip + inside.last * step, step, p->input_zero_point, depth, columns - inside.last);
  }
}

/* One window, row after row. */
static void fill_window(const edgeq_conv_2d_mve_params *p, const int8_t *input, int32_t y, int32_t x,
                        int8_t *window) {
  const int32_t depth = p->filter_channels;
  const int32_t row = p->filter_width * depth;
  const int32_t in_row = p->dilation_height * p->input_width * p->input_channels;
  const int32_t in_column = p->dilation_width * p->input_channels;
  const edgeq_taps rows = edgeq_taps_inside(y, p->filter_height, p->dilation_height, p->input_height);
  const edgeq_taps columns = edgeq_taps_inside(x, p->filter_width, p->dilation_width, p->input_width);
  const int32_t count = rows.last - rows.first;
  const int32_t width = columns.last - columns.first;
  if (count == 0 || width == 0) {
    fill_pieces(window, 0, p->input_zero_point, p->filter_height * row, 1);
    return;
  }
  /* Taps side by side are one piece. */
  const int adjacent = p->dilation_width == 1 && depth == p->input_channels;
  const int32_t pieces = adjacent ? 1 : width;
  const int32_t bytes = adjacent ? width * depth : depth;
  const int32_t first = (y + rows.first * p->dilation_height) * p->input_width + x;
  const int8_t *in = input + (first * p->input_channels + columns.first * in_column);
  int8_t *to = window + rows.first * row;
  fill_pieces(window, 0, p->input_zero_point, rows.first * row, 1);
  fill_pieces(to, row, p->input_zero_point, columns.first * depth, count);
  for (int32_t i = 0; i < pieces; i++) {
    copy_pieces(to + columns.first * depth + i * depth, row, in + i * in_column, in_row, bytes, count);
  }
  fill_pieces(to + columns.last * depth, row, p->input_zero_point, (p->filter_width - columns.last) * depth,
              count);
  fill_pieces(window + rows.last * row, 0, p->input_zero_point, (p->filter_height - rows.last) * row, 1);
}

/* What `count` windows side by side read; returns the bytes from one to the next. */
static int32_t fill(const edgeq_conv_2d_mve_params *p, const int8_t *input, int32_t y, int32_t x,
                    int32_t count, int8_t *strip) {
  if (p->shared) {
    fill_columns(p, input, y, x, count, strip);
    return p->stride_width * p->filter_height * p->filter_channels;
  }
  for (; count > 0; count--, x += p->stride_width, strip += p->matrix.depth)
    fill_window(p, input, y, x, strip);
  return p->matrix.depth;
}

void edgeq_conv_2d_mve_int8(const edgeq_conv_2d_mve_params *p, const int8_t *input, const int8_t *weights,
                            int8_t *output, void *scratch) {
  const edgeq_matrix_mve *m = &p->matrix;
  const int32_t output_step = p->groups * m->channels;
  int32_t *sums = (int32_t *)scratch;
  int8_t *strip = (int8_t *)scratch + EDGEQ_MATRIX_MVE_SCRATCH;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const int32_t y = out_y * p->stride_height - p->pad_top;
      for (int32_t out_x = 0; out_x < p->output_width; out_x += p->tile) {
        const int32_t x = out_x * p->stride_width - p->pad_left;
        const int32_t left = p->output_width - out_x;
        edgeq_matrix_mve_windows windows = {strip, 0, left < p->tile ? left : p->tile};
        for (int32_t i = 0; i < p->groups; i++) {
          const int32_t padded = (m->channels + 3) & ~3;
          const edgeq_matrix_mve_group group = {m, weights + i * m->channels * m->depth, i * padded};
          windows.step = fill(p, input + i * p->filter_channels, y, x, windows.count, strip);
          edgeq_matrix_mve_run(&group, windows, output + i * m->channels, output_step, sums);
        }
        output += windows.count * output_step;
      }
    }
    input += p->input_height * p->input_width * p->input_channels;
  }
}
