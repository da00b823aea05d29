/* TRANSPOSE_CONV on int8. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "four_sums.h"
#include "results.h"

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

/* What one output pixel reads along both axes. */
typedef struct taps {
  reach y;
  reach x;
} taps;

/* Of `count` filters, at most four, whose weights begin at `weights`. */
EDGEQ_NOINLINE static void sums_of(const edgeq_transpose_conv_params *p, const taps *t, const int8_t *input,
                                   const int8_t *weights, int32_t count, edgeq_four_sums *result) {
  const int32_t depth = p->input_channels;
  const int32_t filter = p->filter_height * p->filter_width * depth;
  edgeq_four_sums sums = {{0, 0, 0, 0}};
  for (int32_t i = 0; i < t->y.count; i++) {
    const int32_t in_row = (t->y.input - i) * p->input_width + t->x.input;
    const int32_t w_row = (t->y.first + i * p->stride_height) * p->filter_width + t->x.first;
    for (int32_t j = 0; j < t->x.count; j++) {
      const int8_t *in = input + (in_row - j) * depth;
      const int8_t *w = weights + (w_row + j * p->stride_width) * depth;
      if (count == 4) {
        edgeq_add_run(&sums, in, p->input_offset, w, filter, depth);
        continue;
      }
      for (int32_t n = 0; n < count; n++) {
        for (int32_t k = 0; k < depth; k++) sums.of[n] += w[n * filter + k] * (in[k] + p->input_offset);
      }
    }
  }
  *result = sums;
}

/* One output pixel. */
static void pixel(const edgeq_transpose_conv_params *p, const int8_t *input, const int8_t *weights, reach y,
                  reach x, int8_t *output) {
  const int32_t filter = p->filter_height * p->filter_width * p->input_channels;
  const edgeq_results how = EDGEQ_RESULTS_OF(p);
  const taps t = {y, x};
  for (int32_t channel = 0; channel < p->output_channels; channel += 4) {
    const int32_t left = p->output_channels - channel;
    const int32_t count = left < 4 ? left : 4;
    edgeq_four_sums sums;
    sums_of(p, &t, input, weights + channel * filter, count, &sums);
    edgeq_finish(how, sums.of, count, channel, output);
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
