/* DEPTHWISE_CONV_2D on int8 for cores with the DSP extension, four channels at a time. */
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

/* channel: start value, multiplier, constant, shift. The sum is doubled. */
static inline int8_t requantized(int32_t sum, const int32_t *channel) {
  const int32_t constant = channel[2] + (sum >> 31);
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add_rounded(sum, channel[1], constant) >>
                                     channel[3]);
}

/* All channels of one output pixel. taps[i] is the first channel of tap i. */
static void pixel(const edgeq_depthwise_conv_2d_dsp_params *p, const int8_t *const *taps,
                  const int32_t *weights, int8_t *output) {
  const int8_t *const *end = taps + p->taps;
  const int32_t *channel = p->channels;
  for (int32_t c = 0; c < p->input_channels; c += 4, channel += 16, output += 4) {
    int32_t sum0 = channel[0];
    int32_t sum1 = channel[4];
    int32_t sum2 = channel[8];
    int32_t sum3 = channel[12];
    for (const int8_t *const *tap = taps; tap != end; tap += 2, weights += 4) {
      const uint32_t a = edgeq_load_word(tap[0] + c);
      const uint32_t b = edgeq_load_word(tap[1] + c);
      const uint32_t even_a = edgeq_even_bytes(a);
      const uint32_t even_b = edgeq_even_bytes(b);
      const uint32_t odd_a = edgeq_odd_bytes(a);
      const uint32_t odd_b = edgeq_odd_bytes(b);
      sum0 = edgeq_dual_multiply_add((uint32_t)weights[0], edgeq_firsts(even_a, even_b), sum0);
      sum1 = edgeq_dual_multiply_add((uint32_t)weights[1], edgeq_firsts(odd_a, odd_b), sum1);
      sum2 = edgeq_dual_multiply_add((uint32_t)weights[2], edgeq_seconds(even_a, even_b), sum2);
      sum3 = edgeq_dual_multiply_add((uint32_t)weights[3], edgeq_seconds(odd_a, odd_b), sum3);
    }
    output[0] = requantized(sum0, channel);
    output[1] = requantized(sum1, channel + 4);
    output[2] = requantized(sum2, channel + 8);
    output[3] = requantized(sum3, channel + 12);
  }
}

void edgeq_depthwise_conv_2d_dsp_int8(const edgeq_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                                      const int32_t *weights, int8_t *output, void *scratch) {
  const int8_t **taps = scratch;
  int8_t *outside = (int8_t *)(taps + p->taps);
  const int32_t row = p->input_width * p->input_channels;

  memset(outside, p->input_zero_point, (size_t)p->input_channels);
  taps[p->taps - 1] = outside; /* where the number of taps is odd, the last one has weights of 0 */
  for (int32_t batch = 0; batch < p->batches; batch++) {
    int8_t *const first = output;
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      for (int32_t out_x = 0; out_x < p->output_width; out_x++) {
        const int8_t **tap = taps;
        for (int32_t i = 0; i < p->filter_height; i++) {
          const int32_t y = out_y * p->stride_height - p->pad_top + i * p->dilation_height;
          const int in_rows = y >= 0 && y < p->input_height;
          int32_t x = out_x * p->stride_width - p->pad_left;
          for (int32_t j = 0; j < p->filter_width; j++, x += p->dilation_width) {
            const int inside = in_rows && x >= 0 && x < p->input_width;
            *tap++ = inside ? input + y * row + x * p->input_channels : outside;
          }
        }
        pixel(p, taps, weights, output);
        output += p->input_channels;
      }
    }
    edgeq_limit_int8(first, (int32_t)(output - first), p->activation_min, p->activation_max);
    input += p->input_height * row;
  }
}
