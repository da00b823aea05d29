/* Kernels for Arm's DSP extension that compute what those of edgeq/kernels.h do, which has the calling
 * convention. On other machines they compute the same, slowly.
 */
#ifndef EDGEQ_KERNELS_DSP_H
#define EDGEQ_KERNELS_DSP_H

#include <stdint.h>

#include "edgeq/depthwise_3x3.h"
#include "edgeq/halves.h"
#include "edgeq/image.h"
#include "edgeq/quads.h"
#include "edgeq/winograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CONV_2D with the DSP extension. Weights are laid out
 * as kernels/quads.h wants them, one row of steps, group after group, each with its output channels padded to
 * a multiple of 4; input zero point and bias are in the start values. Sums were proven to fit.
 * `run` takes depth / 2 steps. Scratch, aligned to 4: 4 * depth bytes for two windows in int16, depth for one
 * in int8, 8 * quads for results. */
typedef struct edgeq_conv_2d_dsp_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t filter_height;
  int32_t filter_width;
  int32_t filter_channels;
  int32_t groups;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  int32_t activation_min;
  int32_t activation_max;
  int32_t depth;      /* at least filter_height * filter_width * filter_channels, a multiple of 4 */
  int32_t quads;      /* of each group */
  int32_t quad_words; /* of the weights of a quad, with its start values and the rest */
  int32_t step_bytes; /* of its weights: 8, or 16 of a wide product */
  edgeq_quads_run *run;
} edgeq_conv_2d_dsp_params;

void edgeq_conv_2d_dsp_int8(const edgeq_conv_2d_dsp_params *p, const int8_t *input, const int32_t *weights,
                            int8_t *output, void *scratch);

/* CONV_2D with a window of one pixel, as edgeq_conv_2d_dsp_int8; and FULLY_CONNECTED, whose rows are pixels.
 * With strides of 1 and as many output as input channels, the output may be the same buffer as the input.
 * `run` takes one row of one pass if pairs is above 1. Scratch, aligned to 4: 4 * depth bytes for each pair,
 * 8 * quads for results (a `half` counts as a quad); or so many that one pair's input channels fit behind
 * those of the others. */
typedef struct edgeq_conv_1x1_dsp_params {
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t stride_height;
  int32_t stride_width;
  int32_t activation_min;
  int32_t activation_max;
  int32_t depth; /* of a product, even: at least as many as have weights, in their order there */
  int32_t pairs; /* of pixels computed at a time; above 1 with strides of 1 and channels in fours only */
  int32_t quads;
  int32_t quad_words;
  int32_t step_bytes;
  edgeq_quads_run *run;
  edgeq_quads_run
      *half; /* NULL, or what computes the first and third of four more channels, in edgeq/halves.h */
} edgeq_conv_1x1_dsp_params;

void edgeq_conv_1x1_dsp_int8(const edgeq_conv_1x1_dsp_params *p, const int8_t *input, const int32_t *weights,
                             int8_t *output, void *scratch);

/* The same where sums start differently at the borders. Rows are three bands one behind the other, of which
 * the others may be empty, but not the middle one, and so are columns; `starts` has four words for each quad
 * (edgeq/quads.h) of each rectangle but the middle one, row by row, without empty ones. The middle one is
 * `inside`: all of it if the outer bands of columns are empty, else a row of it; its `half` is NULL, and its
 * results are not limited.
 *
 * Scratch, aligned to 4: what `inside` needs; or, if that is more, columns of `pairs` pairs of pixels, as
 * there, quad_words words, 16 bytes for each pair, and 8. */
typedef struct edgeq_conv_1x1_bands_dsp_params {
  edgeq_conv_1x1_dsp_params inside;
  int32_t rows[3];
  int32_t columns[3];
  int32_t activation_min;
  int32_t activation_max;
  int32_t pairs; /* at the borders, computed at a time */
  const int32_t *starts;
} edgeq_conv_1x1_bands_dsp_params;

void edgeq_conv_1x1_bands_dsp_int8(const edgeq_conv_1x1_bands_dsp_params *p, const int8_t *input,
                                   const int32_t *weights, int8_t *output, void *scratch);

/* CONV_2D without groups, as edgeq_conv_2d_dsp_int8, but with rows of steps that the input's rows have once
 * for all windows: for each row of the filter one, padded with zeros, or, if it is dilated sideways, one for
 * each tap. Two pixels side by side are computed together, or, if `downwards`, one below the other; then
 * stride_width * input_channels is even. With line_bytes = 0, input_channels is a multiple of 4 and the
 * values of a step are in the order of kernels/quads.h, otherwise in their own. Columns of outputs are
 * computed `columns` at a time, for which rows need be no longer than what these see. With strides of
 * 1, all columns at a time, pad_top at most (ring_rows - 1) / 2 and an output of the input's shape, it may be
 * the same buffer.
 *
 * Scratch, aligned to 8: filter_height * (1 + taps) pointers, 16 * row_fours * ring_rows bytes, if gathered 8
 * * steps * filter_height, then line_bytes and 8 * quads. */
typedef struct edgeq_conv_rows_dsp_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t filter_height;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  int32_t activation_min;
  int32_t activation_max;
  int32_t taps;       /* rows of steps for each row of the filter; 1 if gathered */
  int32_t tap_words;  /* from one of them to the next, in the rows of steps */
  int32_t ring_rows;  /* (filter_height - 1) * dilation_height + 1 */
  int32_t columns;    /* of outputs, at a time; even if less than all */
  int32_t steps;      /* of a row of the filter, or of a tap */
  int32_t row_fours;  /* values of a row that windows of these begin in or reach, in fours */
  int32_t line_bytes; /* 0, or 4 and what the second column's windows reach of a row */
  int32_t downwards;
  int32_t gathered; /* a window's rows are copied together: `run` takes one row */
  int32_t quads;
  int32_t quad_words;
  int32_t step_bytes;
  edgeq_quads_run *run;
  edgeq_quads_run *half; /* as edgeq_conv_1x1_dsp_params has it */
} edgeq_conv_rows_dsp_params;

void edgeq_conv_rows_dsp_int8(const edgeq_conv_rows_dsp_params *p, const int8_t *input,
                              const int32_t *weights, int8_t *output, void *scratch);

/* CONV_2D without groups and dilation, as edgeq_conv_2d_dsp_int8, but with one row of `steps` steps: for each
 * row of the filter row_fours times four values and row_rest times two, padded with zeros. Scratch, aligned
 * to 4: (16 * row_fours + 8 * row_rest) * strip_rows bytes and 4 * strip_more, row_bytes * (strip_rows +
 * stride_height), 8 * quads. */
typedef struct edgeq_conv_strips_dsp_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t stride_height;
  int32_t stride_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  int32_t activation_min;
  int32_t activation_max;
  int32_t row_bytes;  /* of the padded input, as far as windows, in fours, reach */
  int32_t row_fours;  /* values of a window's row, in fours */
  int32_t row_rest;   /* 1: one more step for the one or two values behind them; 0: none */
  int32_t strip_rows; /* rows of the padded input that windows of every second output begin in or reach */
  int32_t strip_more; /* words that the last steps reach behind a strip */
  int32_t steps;
  int32_t pairs; /* of pixels that `run` may take at a time; above 1 with channels in fours only */
  int32_t quads;
  int32_t quad_words;
  int32_t step_bytes;
  edgeq_quads_run *run;
} edgeq_conv_strips_dsp_params;

void edgeq_conv_strips_dsp_int8(const edgeq_conv_strips_dsp_params *p, const int8_t *input,
                                const int32_t *weights, int8_t *output, void *scratch);

/* CONV_2D with 3x3 filters and strides of 1, without groups and dilation, output channels in fours, with the
 * DSP extension: Winograd's F(2x2, 3x3) or F(4x4, 3x3) in integers, for each four output channels with
 * transformed weights as kernels/winograd.h wants them. Channels: for each its start value, multiplier,
 * constant and shift; with sums 2^k times the convolution's, k = 2 or 6, the latter two are those of
 * kernels/depthwise_3x3.h. `in` and `out` fit the tile. With an output of the input's shape and pad_top at
 * most 1, it may be the same buffer.
 *
 * Scratch, aligned to 4: 4 * row_words * (tile + 2) bytes, and 4 * (depth + 8) for each position of a
 * transformed tile. */
typedef struct edgeq_conv_winograd_dsp_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  int32_t activation_min;
  int32_t activation_max;
  int32_t tile;      /* 2 or 4 */
  int32_t depth;     /* input_channels, rounded up to fours; the weights of those that are not there are 0 */
  int32_t row_words; /* of a padded row, in which an even number of tiles fits */
  const int32_t *channels;
  edgeq_winograd_in *in;
  edgeq_winograd_run *run;
  edgeq_winograd_out *out;
} edgeq_conv_winograd_dsp_params;

void edgeq_conv_winograd_dsp_int8(const edgeq_conv_winograd_dsp_params *p, const int8_t *input,
                                  const int32_t *weights, int8_t *output, void *scratch);

/* DEPTHWISE_CONV_2D with at least 4 channels, with the DSP extension. For each m below the multiplier and
 * each four input channels, of which the last four may begin among those before, weights: for each two taps a
 * word of two int16 for the m-th output of each channel, doubled. Channels: the doubled start values, then
 * for each its multiplier, constant and shift as those of an even channel of kernels/quads.h. Scratch,
 * aligned to 8: 16 * taps bytes for distances, input_channels bytes, and as many more with a multiplier
 * above 1. */
typedef struct edgeq_depthwise_conv_2d_dsp_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t depth_multiplier;
  int32_t output_height;
  int32_t output_width;
  int32_t filter_height;
  int32_t filter_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  int32_t activation_min;
  int32_t activation_max;
  int32_t taps; /* filter_height * filter_width, rounded up to a multiple of 2 */
  const int32_t *channels;
} edgeq_depthwise_conv_2d_dsp_params;

void edgeq_depthwise_conv_2d_dsp_int8(const edgeq_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                                      const int32_t *weights, int8_t *output, void *scratch);

/* DEPTHWISE_CONV_2D with 3x3 filters, no dilation and strides both 1 or both 2, with the DSP extension.
 * Weights: kernels/depthwise_3x3.h's words for each output channel; `run` fits the stride, whether
 * output_width is odd, the shift and the pitch. With strides of 1, pad_top at most 1 and an output of the
 * input's shape, it may be the same buffer. Scratch, aligned to 4: image.pitch * (band + 1) bytes. */
typedef struct edgeq_depthwise_3x3_dsp_params {
  int32_t batches;
  edgeq_image image; /* positions: (output_width - 1) * stride + 3 */
  int32_t channels;
  /* The first so many are computed; two of a last whole four are its first and third. All, if
   * depth_multiplier is above 1. */
  int32_t channels_read;
  int32_t depth_multiplier;
  int32_t output_height;
  int32_t output_width; /* at least 2 */
  int32_t stride;
  int32_t band; /* pair rows computed at a time, at least 1: 2 rows of outputs each, with strides of 2 one */
  int32_t activation_min;
  int32_t activation_max;
  edgeq_depthwise_3x3_run *run;
} edgeq_depthwise_3x3_dsp_params;

void edgeq_depthwise_3x3_dsp_int8(const edgeq_depthwise_3x3_dsp_params *p, const int8_t *input,
                                  const int32_t *weights, int8_t *output, void *scratch);

/* FULLY_CONNECTED with the DSP extension. Weights: for each eight outputs the start values of two quads; then
 * for each two values of the depth, in the order of kernels/quads.h, a word of outputs 0 and 1, then of 2 and
 * 3, 4 and 5, 6 and 7; then the rest of the two quads. With one batch and as many outputs as inputs, the
 * output may be the same buffer. Of a wide product there are eight start values, a word of each output's two
 * weights, and the rest of two quads. Scratch, aligned to 4: 2 * depth bytes. */
typedef struct edgeq_fully_connected_dsp_params {
  int32_t batches;
  int32_t inputs;
  int32_t outputs;
  int32_t depth; /* at least inputs, a multiple of 4 */
  int32_t activation_min;
  int32_t activation_max;
  int32_t octet_words; /* of the weights of eight outputs, with their start values and the rest */
  int32_t step_bytes;  /* of their weights: 16, or 32 of a wide product */
  edgeq_octets_run *run;
} edgeq_fully_connected_dsp_params;

void edgeq_fully_connected_dsp_int8(const edgeq_fully_connected_dsp_params *p, const int8_t *input,
                                    const int32_t *weights, int8_t *output, void *scratch);

/* ADD and SUB of two inputs of the same shape, with the DSP extension. The tables have, for each byte of an
 * input as unsigned, twice its part of the sum; that of a subtrahend is negated. `constant` is 2^(shift - 1)
 * + (output zero point << shift). The output may be the same buffer as either input. */
typedef struct edgeq_add_dsp_params {
  int32_t count;
  const int32_t *table1; /* 256 values */
  const int32_t *table2;
  int32_t multiplier;
  int32_t constant;
  int32_t shift; /* 1 to 31 */
  int32_t activation_min;
  int32_t activation_max;
} edgeq_add_dsp_params;

void edgeq_add_dsp_int8(const edgeq_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output);

/* ADD and SUB of two inputs of the same shape, with the DSP extension: (multiplier1 * input1 / 2^8 +
 * multiplier2 * input2 / 2^8 + constant) / 2^16, each quotient rounded down, saturated to int8; for all
 * inputs that was compared with the operator's result. A subtrahend's multiplier is negative. The output may
 * be the same buffer as either input. */
typedef struct edgeq_add_linear_dsp_params {
  int32_t count;
  int32_t multiplier1;
  int32_t multiplier2;
  int32_t constant;
  int32_t activation_min;
  int32_t activation_max;
} edgeq_add_linear_dsp_params;

void edgeq_add_linear_dsp_int8(const edgeq_add_linear_dsp_params *p, const int8_t *input1,
                               const int8_t *input2, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
