/* CONV_2D on int8 for cores with the DSP extension, with a patch for each two pixels: any window, also
 * dilated or grouped. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "quads.h"
#include "window.h"

/* Once each, for all that need it: inlined everywhere they would be most of this kernel. */
static EDGEQ_NOINLINE uint32_t *expand(uint32_t *column, const int8_t *values, int32_t count) {
  return edgeq_quads_expand(column, values, count);
}

static EDGEQ_NOINLINE uint32_t *fill(uint32_t *column, uint32_t pair, int32_t count) {
  return edgeq_quads_fill(column, pair, count);
}

/* Values of `rows` rows, one behind the other. Returns where the next ones go. */
static int8_t *gather(const int8_t *from, int32_t row_bytes, int32_t count, int32_t rows, int8_t *to) {
  for (; rows > 0; rows--, from += row_bytes, to += count) edgeq_copy_int8(to, from, count);
  return to;
}

/* The window of one output pixel, as a column of the patch. `line` has room for p->depth values. */
static void column_of(const edgeq_conv_2d_dsp_params *p, const int8_t *input, int32_t pixel, int8_t *line,
                      uint32_t *column) {
  const int32_t depth = p->filter_channels;
  const int32_t out_y = pixel / p->output_width;
  const int32_t y = out_y * p->stride_height - p->pad_top;
  const int32_t x = (pixel - out_y * p->output_width) * p->stride_width - p->pad_left;
  const uint32_t zero = (uint32_t)p->input_zero_point & 0xffffu;
  const uint32_t zeros = zero | zero << 16;
  const edgeq_taps taps = edgeq_taps_inside(x, p->filter_width, p->dilation_width, p->input_width);
  /* Taps side by side are one run. */
  const int adjacent = p->dilation_width == 1 && depth == p->input_channels;
  const int inside = taps.last - taps.first == p->filter_width;
  const int words = depth % 4 == 0 || (adjacent && inside && p->filter_width * depth % 4 == 0);
  const int32_t last = y + (p->filter_height - 1) * p->dilation_height;
  int8_t *at = line;
  int32_t row = 0;

  if (!words && adjacent && inside && y >= 0 && last < p->input_height) {
    const int32_t row_bytes = p->input_width * p->input_channels;
    at = gather(input + y * row_bytes + x * p->input_channels, p->dilation_height * row_bytes,
                p->filter_width * depth, p->filter_height, at);
    row = p->filter_height;
  }
  for (; row < p->filter_height; row++) {
    const int32_t in_y = y + row * p->dilation_height;
    const int any = in_y >= 0 && in_y < p->input_height && taps.first < taps.last;
    const int32_t before = any ? taps.first : p->filter_width;
    const int32_t between = any ? taps.last - taps.first : 0;
    const int32_t after = p->filter_width - before - between;
    const int8_t *in = input;
    if (any) in += (in_y * p->input_width + x + before * p->dilation_width) * p->input_channels;
    const int32_t length = adjacent ? between * depth : depth;
    const int32_t next = p->dilation_width * p->input_channels;
    if (words) {
      if (before > 0) column = fill(column, zeros, before * depth);
      for (int32_t left = between * depth; left > 0; left -= length, in += next) {
        column = expand(column, in, length);
      }
      if (after > 0) column = fill(column, zeros, after * depth);
      continue;
    }
    if (before > 0) memset(at, p->input_zero_point, (size_t)(before * depth));
    at += before * depth;
    for (int32_t left = between * depth; left > 0; left -= length, at += length, in += next) {
      edgeq_copy_int8(at, in, length);
    }
    if (after > 0) memset(at, p->input_zero_point, (size_t)(after * depth));
    at += after * depth;
  }
  if (words) {
    fill(column, 0, p->depth - p->filter_height * p->filter_width * depth);
  } else {
    while (at < line + p->depth) *at++ = 0;
    expand(column, line, p->depth);
  }
}

void edgeq_conv_2d_dsp_int8(const edgeq_conv_2d_dsp_params *p, const int8_t *input, const int32_t *weights,
                            int8_t *output, void *scratch) {
  const int32_t pixels = p->output_height * p->output_width;
  const int32_t outputs = p->output_channels / p->groups;
  const int32_t channels = p->quads * 4;
  uint32_t *patch = (uint32_t *)scratch;
  int8_t *line = (int8_t *)(patch + p->depth);
  int8_t *spare = line + p->depth;
  const uint32_t *rows[2];
  edgeq_quads q;

  rows[0] = patch;
  rows[1] = patch;
  q.pairs = 1;
  q.column_bytes = 0;
  q.output_step = 0;
  q.rows = rows;
  q.row_bytes = q.quad_bytes = (uint32_t)(p->depth / 2 * p->step_bytes);
  for (int32_t batch = 0; batch < p->batches; batch++) {
    /* Two pixels at a time; a last one alone takes both columns. */
    for (int32_t pixel = 0; pixel < pixels; pixel += 2) {
      const int32_t second = pixel + 1 < pixels ? pixel + 1 : pixel;
      q.weights = weights;
      for (int32_t group = 0; group < p->groups; group++) {
        const int8_t *in = input + group * p->filter_channels;
        int8_t *out0 = output + pixel * p->output_channels + group * outputs;
        int8_t *out1 = output + second * p->output_channels + group * outputs;
        column_of(p, in, pixel, line, patch);
        column_of(p, in, second, line, patch + 1);
        q.end = q.weights + p->quads * p->quad_words;
        q.output0 = outputs == channels ? out0 : spare;
        q.output1 = outputs == channels ? out1 : spare + channels;
        p->run(&q);
        if (outputs != channels) {
          edgeq_copy_int8(out0, spare, outputs);
          edgeq_copy_int8(out1, spare + channels, outputs);
        }
        q.weights = q.end;
      }
    }
    edgeq_limit_int8(output, pixels * p->output_channels, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += pixels * p->output_channels;
  }
}
