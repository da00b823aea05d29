/* CONV_2D on int8. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"
#include "window.h"

static int32_t dot(const int8_t *input, const int8_t *weights, int32_t count, int32_t input_offset) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += weights[i] * (input[i] + input_offset);
  return sum;
}

/* One output pixel. `input` is the first tap inside, `weights` the same tap of channel 0. */
static void pixel(const edgeq_conv_2d_params *p, const int8_t *input, const int8_t *weights, int32_t rows,
                  int32_t columns, int8_t *output) {
  const int32_t depth = p->filter_channels;
  const int32_t filter_row = p->filter_width * depth;
  const int32_t input_row = p->dilation_height * p->input_width * p->input_channels;
  const int32_t input_column = p->dilation_width * p->input_channels;
  const int32_t group_outputs = p->output_channels / p->groups;
  /* Taps that follow each other in memory make one run. */
  const int adjacent = input_column == depth;
  const int32_t runs = adjacent ? 1 : columns;
  const int32_t run_length = adjacent ? columns * depth : depth;

  for (int32_t group = 0; group < p->groups; group++, input += depth) {
    for (int32_t i = 0; i < group_outputs; i++) {
      const int32_t channel = group * group_outputs + i;
      int32_t sum = 0;
      for (int32_t row = 0; row < rows; row++) {
        const int8_t *in = input + row * input_row;
        const int8_t *w = weights + row * filter_row;
        for (int32_t run = 0; run < runs; run++) {
          sum += dot(in + run * input_column, w + run * depth, run_length, p->input_offset);
        }
      }
      if (p->bias) sum = edgeq_wrapping_add(sum, p->bias[channel]);
      const int32_t at = channel * p->channel_step;
      sum = edgeq_requantize(sum, p->multipliers[at], p->shifts[at]);
      output[channel] =
          edgeq_clamp_int8(edgeq_wrapping_add(sum, p->output_offset), p->activation_min, p->activation_max);
      weights += p->filter_height * filter_row;
    }
  }
}

void edgeq_conv_2d_int8(const edgeq_conv_2d_params *p, const int8_t *input, const int8_t *weights,
                        int8_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const int32_t y = out_y * p->stride_height - p->pad_top;
      const edgeq_taps rows = edgeq_taps_inside(y, p->filter_height, p->dilation_height, p->input_height);
      const int32_t first_y = y + rows.first * p->dilation_height;
      for (int32_t out_x = 0; out_x < p->output_width; out_x++) {
        const int32_t x = out_x * p->stride_width - p->pad_left;
        const edgeq_taps columns = edgeq_taps_inside(x, p->filter_width, p->dilation_width, p->input_width);
        const int32_t first_x = x + columns.first * p->dilation_width;
        const int any = rows.first < rows.last && columns.first < columns.last;
        const int8_t *in = any ? input + (first_y * p->input_width + first_x) * p->input_channels : input;
        const int8_t *w =
            any ? weights + (rows.first * p->filter_width + columns.first) * p->filter_channels : weights;
        pixel(p, in, w, any ? rows.last - rows.first : 0, columns.last - columns.first, output);
        output += p->output_channels;
      }
    }
    input += p->input_height * p->input_width * p->input_channels;
  }
}
