/* CONV_2D on int8. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "four_sums.h"
#include "results.h"
#include "window.h"

/* Where the taps inside are: of one output pixel, in the input and in the weights of a filter. */
typedef struct taps {
  int32_t rows;
  int32_t runs;       /* in a row: taps that follow each other in memory are one */
  int32_t run_length; /* values */
  int32_t input_row;
  int32_t input_run;
  int32_t filter_row;
  int32_t filter_run;
} taps;

static taps taps_of(const edgeq_conv_2d_params *p, int32_t rows, int32_t columns) {
  const int32_t depth = p->filter_channels;
  const int32_t input_column = p->dilation_width * p->input_channels;
  const int adjacent = input_column == depth;
  taps t;
  t.rows = rows;
  t.runs = adjacent ? 1 : columns;
  t.run_length = adjacent ? columns * depth : depth;
  t.input_row = p->dilation_height * p->input_width * p->input_channels;
  t.input_run = input_column;
  t.filter_row = p->filter_width * depth;
  t.filter_run = depth;
  return t;
}

EDGEQ_NOINLINE static int32_t one_sum(const taps *t, const int8_t *input, const int8_t *weights,
                                      int32_t offset) {
  int32_t sum = 0;
  EDGEQ_ROLLED
  for (int32_t left = t->rows; left != 0; input += t->input_row, weights += t->filter_row) {
    EDGEQ_ROLLED
    for (int32_t run = 0; run < t->runs; run++) {
      const int8_t *in = input + run * t->input_run;
      const int8_t *w = weights + run * t->filter_run;
      EDGEQ_ROLLED
      for (int32_t i = 0; i < t->run_length; i++) sum += w[i] * (in[i] + offset);
    }
    if (--left == 0) break; /* behind the last row there may be nothing that pointers could point at */
  }
  return sum;
}

/* Of four filters, whose weights lie `step` apart. */
EDGEQ_NOINLINE static void four_sums(const taps *t, const int8_t *input, const int8_t *weights, int32_t step,
                                     int32_t offset, edgeq_four_sums *result) {
  edgeq_four_sums sums = {{0, 0, 0, 0}};
  EDGEQ_ROLLED
  for (int32_t left = t->rows; left != 0; input += t->input_row, weights += t->filter_row) {
    EDGEQ_ROLLED
    for (int32_t run = 0; run < t->runs; run++) {
      edgeq_add_run(&sums, input + run * t->input_run, offset, weights + run * t->filter_run, step,
                    t->run_length);
    }
    if (--left == 0) break;
  }
  *result = sums;
}

EDGEQ_NOINLINE static void finish(const edgeq_conv_2d_params *p, const int32_t *sums, int32_t count,
                                  int32_t channel, int8_t *output) {
  const edgeq_results how = EDGEQ_RESULTS_OF(p);
  edgeq_finish(how, sums, count, channel, output);
}

/* One output pixel. `input` is the first tap inside, `weights` the same tap of channel 0. */
static void pixel(const edgeq_conv_2d_params *p, const int8_t *input, const int8_t *weights, int32_t rows,
                  int32_t columns, int8_t *output) {
  const taps t = taps_of(p, rows, columns);
  const int32_t filter = p->filter_height * t.filter_row;
  const int32_t group_outputs = p->output_channels / p->groups;
  int32_t channel = 0;

  for (int32_t group = 0; group < p->groups; group++, input += p->filter_channels) {
    const int32_t end = channel + group_outputs;
    for (; channel + 4 <= end; channel += 4) {
      edgeq_four_sums sums;
      four_sums(&t, input, weights + channel * filter, filter, p->input_offset, &sums);
      finish(p, sums.of, 4, channel, output);
    }
    for (; channel < end; channel++) {
      const int32_t sum = one_sum(&t, input, weights + channel * filter, p->input_offset);
      finish(p, &sum, 1, channel, output);
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
