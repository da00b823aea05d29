/* CONV_2D on int16. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"
#include "window.h"

static int64_t dot(const int16_t *input, const int8_t *weights, int32_t count) {
  int64_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += weights[i] * input[i];
  return sum;
}

/* One output pixel. `input` is the first tap inside, `weights` the same tap of channel 0. */
static void pixel(const edgeq_conv_2d_int16_params *p, const int16_t *input, const int8_t *weights,
                  int32_t rows, int32_t columns, int16_t *output) {
  const int32_t depth = p->filter_channels;
  const int32_t group_outputs = p->output_channels / p->groups;
  for (int32_t channel = 0; channel < p->output_channels; channel++) {
    const int16_t *group = input + channel / group_outputs * depth;
    const int8_t *filter = weights + channel * p->filter_height * p->filter_width * depth;
    int64_t sum = p->bias ? p->bias[channel] : 0;
    for (int32_t row = 0; row < rows; row++) {
      const int16_t *in = group + row * p->dilation_height * p->input_width * p->input_channels;
      const int8_t *w = filter + row * p->filter_width * depth;
      for (int32_t column = 0; column < columns; column++) {
        sum += dot(in + column * p->dilation_width * p->input_channels, w + column * depth, depth);
      }
    }
    const int32_t at = channel * p->channel_step;
    output[channel] = edgeq_clamp_int16(edgeq_requantize_sum(sum, p->multipliers[at], p->shifts[at], p->wide),
                                        p->activation_min, p->activation_max);
  }
}

void edgeq_conv_2d_int16(const edgeq_conv_2d_int16_params *p, const int16_t *input, const int8_t *weights,
                         int16_t *output) {
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
        const int16_t *in = any ? input + (first_y * p->input_width + first_x) * p->input_channels : input;
        const int8_t *w =
            any ? weights + (rows.first * p->filter_width + columns.first) * p->filter_channels : weights;
        pixel(p, in, w, any ? rows.last - rows.first : 0, columns.last - columns.first, output);
        output += p->output_channels;
      }
    }
    input += p->input_height * p->input_width * p->input_channels;
  }
}
