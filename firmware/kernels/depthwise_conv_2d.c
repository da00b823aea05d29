/* DEPTHWISE_CONV_2D on int8. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "four_sums.h"
#include "results.h"
#include "window.h"

EDGEQ_NOINLINE static void finish(const edgeq_depthwise_conv_2d_params *p, const int32_t *sums, int32_t count,
                                  int32_t channel, int8_t *output) {
  const edgeq_results how = EDGEQ_RESULTS_OF(p);
  edgeq_finish(how, sums, count, channel, output);
}

/* Of four channels that have one output each. */
EDGEQ_NOINLINE static void four_sums(const edgeq_depthwise_conv_2d_params *p, const int8_t *input,
                                     const int8_t *weights, int32_t rows, int32_t columns,
                                     edgeq_four_sums *result) {
  const int32_t channels = p->input_channels, offset = p->input_offset;
  const int32_t input_column = p->dilation_width * channels;
  /* From the last tap of a row to the first of the next. */
  const int32_t input_next = p->dilation_height * p->input_width * channels - (columns - 1) * input_column;
  const int32_t weights_next = (p->filter_width - columns + 1) * channels;
  edgeq_four_sums sums = {{0, 0, 0, 0}};
  EDGEQ_ROLLED
  for (; rows != 0; input += input_next, weights += weights_next) {
    EDGEQ_ROLLED
    for (int32_t left = columns; left != 0; input += input_column, weights += channels) {
      edgeq_add_tap(&sums, input, offset, weights);
      if (--left == 0) break; /* behind the last tap there may be nothing that pointers could point at */
    }
    if (--rows == 0) break;
  }
  *result = sums;
}

/* One output pixel. `input` is the first tap inside, `weights` the same tap. */
static void pixel(const edgeq_depthwise_conv_2d_params *p, const int8_t *input, const int8_t *weights,
                  int32_t rows, int32_t columns, int8_t *output) {
  const int32_t outputs = p->input_channels * p->depth_multiplier;
  const int32_t input_row = p->dilation_height * p->input_width * p->input_channels;
  const int32_t input_column = p->dilation_width * p->input_channels;
  int32_t channel = 0;

  if (p->depth_multiplier == 1) {
    for (; channel + 4 <= outputs; channel += 4) {
      edgeq_four_sums sums;
      four_sums(p, input + channel, weights + channel, rows, columns, &sums);
      finish(p, sums.of, 4, channel, output);
    }
  }
  for (; channel < outputs; channel++) {
    int32_t sum = 0;
    for (int32_t row = 0; row < rows; row++) {
      const int8_t *in = input + row * input_row + channel / p->depth_multiplier;
      const int8_t *w = weights + row * p->filter_width * outputs + channel;
      for (int32_t column = 0; column < columns; column++) {
        sum += w[column * outputs] * (in[column * input_column] + p->input_offset);
      }
    }
    finish(p, &sum, 1, channel, output);
  }
}

void edgeq_depthwise_conv_2d_int8(const edgeq_depthwise_conv_2d_params *p, const int8_t *input,
                                  const int8_t *weights, int8_t *output) {
  const int32_t outputs = p->input_channels * p->depth_multiplier;

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
        const int8_t *w = any ? weights + (rows.first * p->filter_width + columns.first) * outputs : weights;
        pixel(p, in, w, any ? rows.last - rows.first : 0, columns.last - columns.first, output);
        output += outputs;
      }
    }
    input += p->input_height * p->input_width * p->input_channels;
  }
}
