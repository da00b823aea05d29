/* TRANSPOSE_CONV on int8. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* The taps of a filter that reach one output position along an axis: first, first + stride, ... (`count` of
 * them), which read the inputs input, input - 1, ... */
typedef struct reach {
  int32_t first;
  int32_t input;
  int32_t count;
} reach;

/* position: of the output, padding included. */
static reach reach_of(int32_t position, int32_t taps, int32_t stride, int32_t size) {
  reach r;
  r.first = position % stride;
  r.input = position / stride;
  if (r.input >= size) {
    r.first += (r.input - (size - 1)) * stride;
    r.input = size - 1;
  }
  r.count = r.first < taps ? (taps - r.first + stride - 1) / stride : 0;
  if (r.count > r.input + 1) r.count = r.input + 1;
  return r;
}

static int32_t dot(const int8_t *input, const int8_t *weights, int32_t count, int32_t input_offset) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += weights[i] * (input[i] + input_offset);
  return sum;
}

/* One output pixel. */
static void pixel(const edgeq_transpose_conv_params *p, const int8_t *input, const int8_t *weights, reach y,
                  reach x, int8_t *output) {
  const int32_t depth = p->input_channels;
  for (int32_t channel = 0; channel < p->output_channels; channel++) {
    int32_t sum = 0;
    for (int32_t i = 0; i < y.count; i++) {
      const int8_t *in = input + ((y.input - i) * p->input_width + x.input) * depth;
      const int8_t *w = weights + ((y.first + i * p->stride_height) * p->filter_width + x.first) * depth;
      for (int32_t j = 0; j < x.count; j++) {
        sum += dot(in - j * depth, w + j * p->stride_width * depth, depth, p->input_offset);
      }
    }
    if (p->bias) sum = edgeq_wrapping_add(sum, p->bias[channel]);
    const int32_t at = channel * p->channel_step;
    sum = edgeq_requantize(sum, p->multipliers[at], p->shifts[at]);
    output[channel] =
        edgeq_clamp_int8(edgeq_wrapping_add(sum, p->output_offset), p->activation_min, p->activation_max);
    weights += p->filter_height * p->filter_width * depth;
  }
}

void edgeq_transpose_conv_int8(const edgeq_transpose_conv_params *p, const int8_t *input,
                               const int8_t *weights, int8_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const reach y = reach_of(out_y + p->pad_top, p->filter_height, p->stride_height, p->input_height);
      for (int32_t out_x = 0; out_x < p->output_width; out_x++) {
        const reach x = reach_of(out_x + p->pad_left, p->filter_width, p->stride_width, p->input_width);
        pixel(p, input, weights, y, x, output);
        output += p->output_channels;
      }
    }
    input += p->input_height * p->input_width * p->input_channels;
  }
}
