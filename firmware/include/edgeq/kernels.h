/* The kernels of the aot engine: int8 operators, bit-exact to TensorFlow Lite Micro's reference kernels.
 *
 * Calling convention: void kernel(const params *, inputs..., outputs...[, scratch]). Kernels keep no state
 * of their own and use no memory but their arguments and the stack. Buffers belong to the caller. int8
 * buffers may have any alignment, all others that of their type. Outputs do not overlap inputs, except where
 * a kernel says that they may be the same.
 *
 * Tensors are dense, the last dimension fastest (NHWC). Zero points lie in [-128, 127]; an "offset" of an
 * input is its zero point negated, that of an output its zero point. `multiplier` and `shift` requantize as
 * in fixedpoint.h. `activation_min` and `activation_max` limit the output, within int8. Sizes are at least 1
 * and consistent: they were checked when the program was made, and are not checked here.
 */
#ifndef EDGEQ_KERNELS_H
#define EDGEQ_KERNELS_H

#include <stdint.h>

#include "edgeq/kernels_depthwise_dsp.h"
#include "edgeq/kernels_dsp.h"
#include "edgeq/kernels_int16.h"
#include "edgeq/kernels_moves.h"
#include "edgeq/kernels_mve.h"
#include "edgeq/kernels_state.h"
#include "edgeq/kernels_transpose_dsp.h"
#include "edgeq/kernels_values_dsp.h"
#include "edgeq/loops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CONV_2D. Weights (output_channels, filter_height, filter_width, filter_channels); output channel c belongs
 * to group c / (output_channels / groups), which reads filter_channels input channels. The input is padded
 * with its zero point; pad_top and pad_left are the rows and columns before it. */
typedef struct edgeq_conv_2d_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t filter_height;
  int32_t filter_width;
  int32_t filter_channels; /* input channels of one group */
  int32_t groups;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_offset;
  int32_t output_offset;
  int32_t activation_min;
  int32_t activation_max;
  const int32_t *bias;        /* output_channels values, or null */
  const int32_t *multipliers; /* of channel c: multipliers[c * channel_step] */
  const int8_t *shifts;       /* of channel c: shifts[c * channel_step] */
  int32_t channel_step;       /* 1, or 0 if all channels have the same */
} edgeq_conv_2d_params;

void edgeq_conv_2d_int8(const edgeq_conv_2d_params *p, const int8_t *input, const int8_t *weights,
                        int8_t *output);

/* CONV_2D with a window of one pixel and strides of 1, of one image whose rows are three bands one behind the
 * other, and whose columns are, too; bands may be empty. `biases` has those of each rectangle that is not
 * empty, row by row. */
typedef struct edgeq_conv_1x1_bands_params {
  int32_t rows[3];
  int32_t columns[3];
  int32_t input_channels;
  int32_t output_channels;
  int32_t input_offset;
  int32_t output_offset;
  int32_t activation_min;
  int32_t activation_max;
  const int32_t *biases;      /* output_channels values for each */
  const int32_t *multipliers; /* as in edgeq_conv_2d_params */
  const int8_t *shifts;
  int32_t channel_step;
} edgeq_conv_1x1_bands_params;

void edgeq_conv_1x1_bands_int8(const edgeq_conv_1x1_bands_params *p, const int8_t *input,
                               const int8_t *weights, int8_t *output);

/* DEPTHWISE_CONV_2D. Weights (1, filter_height, filter_width, input_channels * multiplier); output channel
 * c * multiplier + m reads input channel c. */
typedef struct edgeq_depthwise_conv_2d_params {
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
  int32_t input_offset;
  int32_t output_offset;
  int32_t activation_min;
  int32_t activation_max;
  const int32_t *bias;        /* input_channels * depth_multiplier values, or null */
  const int32_t *multipliers; /* as in edgeq_conv_2d_params */
  const int8_t *shifts;
  int32_t channel_step;
} edgeq_depthwise_conv_2d_params;

void edgeq_depthwise_conv_2d_int8(const edgeq_depthwise_conv_2d_params *p, const int8_t *input,
                                  const int8_t *weights, int8_t *output);

/* TRANSPOSE_CONV. Weights (output_channels, filter_height, filter_width, input_channels). pad_top and
 * pad_left are those of the convolution that makes the input out of the output. */
typedef struct edgeq_transpose_conv_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t filter_height;
  int32_t filter_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_offset;
  int32_t output_offset;
  int32_t activation_min;
  int32_t activation_max;
  const int32_t *bias;        /* output_channels values, or null */
  const int32_t *multipliers; /* as in edgeq_conv_2d_params */
  const int8_t *shifts;
  int32_t channel_step;
} edgeq_transpose_conv_params;

void edgeq_transpose_conv_int8(const edgeq_transpose_conv_params *p, const int8_t *input,
                               const int8_t *weights, int8_t *output);

/* FULLY_CONNECTED. Input (batches, depth), weights (outputs, depth), output (batches, outputs). */
typedef struct edgeq_fully_connected_params {
  int32_t batches;
  int32_t depth;
  int32_t outputs;
  int32_t input_offset;
  int32_t weights_offset; /* the weights' zero point, negated; 0 if per channel */
  int32_t output_offset;
  int32_t activation_min;
  int32_t activation_max;
  const int32_t *bias;        /* outputs values, or null */
  const int32_t *multipliers; /* as in edgeq_conv_2d_params */
  const int8_t *shifts;
  int32_t channel_step;
} edgeq_fully_connected_params;

void edgeq_fully_connected_int8(const edgeq_fully_connected_params *p, const int8_t *input,
                                const int8_t *weights, int8_t *output);

/* BATCH_MATMUL. The loops, outermost first, go over the batches; their strides are in elements. Each output
 * (row, column) sums `depth` products; the strides say where the factors lie. */
typedef struct edgeq_batch_matmul_params {
  int32_t loop_count; /* at most EDGEQ_MAX_LOOPS - 1 */
  edgeq_broadcast_loop loops[EDGEQ_MAX_LOOPS];
  int32_t rows;
  int32_t columns;
  int32_t depth;
  int32_t row_stride;    /* from one row of the first input to the next */
  int32_t depth_stride1; /* from one factor of the first input to the next */
  int32_t column_stride; /* as both, of the second input */
  int32_t depth_stride2;
  int32_t input1_offset;
  int32_t input2_offset;
  int32_t output_offset;
  int32_t multiplier;
  int32_t shift;
} edgeq_batch_matmul_params;

void edgeq_batch_matmul_int8(const edgeq_batch_matmul_params *p, const int8_t *input1, const int8_t *input2,
                             int8_t *output);

/* AVERAGE_POOL_2D and MAX_POOL_2D. Positions outside the input do not count; every window holds at least one
 * inside. Averages are rounded to nearest, halves away from zero. */
typedef struct edgeq_pool_2d_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t channels;
  int32_t output_height;
  int32_t output_width;
  int32_t filter_height;
  int32_t filter_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t activation_min;
  int32_t activation_max;
} edgeq_pool_2d_params;

void edgeq_average_pool_2d_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output);
/* The same with the DSP extension, for windows of at most 255 values. */
void edgeq_average_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output);
void edgeq_max_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output);
void edgeq_max_pool_2d_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output);
/* Both with the vector extension, averages of at most 255 values. */
void edgeq_average_pool_2d_mve_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output);
void edgeq_max_pool_2d_mve_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output);
void edgeq_average_pool_2d_int16(const edgeq_pool_2d_params *p, const int16_t *input, int16_t *output);
void edgeq_max_pool_2d_int16(const edgeq_pool_2d_params *p, const int16_t *input, int16_t *output);

/* ADD and SUB. The loops, outermost first, write the output in order. Each input, offset and shifted left by
 * 20, is requantized to a common scale, and the sum or difference to the output's. All shifts are in [-31,
 * 0]. Without broadcasting (one loop with strides of 1), the output may be the same buffer as either input.
 */
typedef struct edgeq_add_params {
  int32_t loop_count;
  edgeq_broadcast_loop loops[EDGEQ_MAX_LOOPS];
  int32_t input1_offset;
  int32_t input1_multiplier;
  int32_t input1_shift;
  int32_t input2_offset;
  int32_t input2_multiplier;
  int32_t input2_shift;
  int32_t output_offset;
  int32_t output_multiplier;
  int32_t output_shift;
  int32_t activation_min;
  int32_t activation_max;
} edgeq_add_params;

void edgeq_add_int8(const edgeq_add_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);
void edgeq_sub_int8(const edgeq_add_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);

/* ADD on int16, zero points 0: as on int8 with a shift left by 15 instead of 20, strides in bytes. */
void edgeq_add_int16(const edgeq_add_params *p, const int16_t *input1, const int16_t *input2,
                     int16_t *output);

/* MUL. Loops and buffers as for ADD; on int16 zero points are 0, strides in bytes. */
typedef struct edgeq_mul_params {
  int32_t loop_count;
  edgeq_broadcast_loop loops[EDGEQ_MAX_LOOPS];
  int32_t input1_offset;
  int32_t input2_offset;
  int32_t output_offset;
  int32_t output_multiplier;
  int32_t output_shift;
  int32_t activation_min;
  int32_t activation_max;
} edgeq_mul_params;

void edgeq_mul_int8(const edgeq_mul_params *p, const int8_t *input1, const int8_t *input2, int8_t *output);
void edgeq_mul_int16(const edgeq_mul_params *p, const int16_t *input1, const int16_t *input2,
                     int16_t *output);

/* MAXIMUM and MINIMUM. Loops and buffers as for ADD. */
typedef struct edgeq_maximum_params {
  int32_t loop_count;
  edgeq_broadcast_loop loops[EDGEQ_MAX_LOOPS];
} edgeq_maximum_params;

void edgeq_maximum_int8(const edgeq_maximum_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output);
void edgeq_minimum_int8(const edgeq_maximum_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output);

/* PRELU. Loops as for ADD. Inputs below their zero point take the slope's multiplier, with the slope as a
 * factor. The output may be the same buffer as the input, if that is not broadcast. */
typedef struct edgeq_prelu_params {
  int32_t loop_count;
  edgeq_broadcast_loop loops[EDGEQ_MAX_LOOPS];
  int32_t input_offset;
  int32_t slope_offset;
  int32_t output_offset;
  int32_t multiplier;
  int32_t shift;
  int32_t slope_multiplier;
  int32_t slope_shift;
} edgeq_prelu_params;

void edgeq_prelu_int8(const edgeq_prelu_params *p, const int8_t *input, const int8_t *slopes, int8_t *output);

/* SOFTMAX over rows of `depth` values, at scale 1/256 and zero point -128. exp_table[d] is exp(-d * beta *
 * scale) as a fraction of 2^31, for differences d below table_size to a row's largest value; beyond them it
 * is 0. The output may be the same buffer as the input. */
typedef struct edgeq_softmax_params {
  int32_t rows;
  int32_t depth;
  int32_t table_size; /* 1 to 256 */
  const int32_t *exp_table;
} edgeq_softmax_params;

void edgeq_softmax_int8(const edgeq_softmax_params *p, const int8_t *input, int8_t *output);

/* MEAN and SUM. For each output, in the order of the kept loops (outermost first), the sum over the reduced
 * loops of `count` values, less count * input zero point, is requantized; a mean's multiplier has 1 / count
 * in it. */
typedef struct edgeq_mean_params {
  int32_t kept_count;
  int32_t reduced_count;
  edgeq_reduce_loop kept[EDGEQ_MAX_LOOPS];
  edgeq_reduce_loop reduced[EDGEQ_MAX_LOOPS];
  int32_t outputs;    /* product of the kept extents */
  int32_t sum_offset; /* -count * input zero point */
  int32_t multiplier;
  int32_t shift;
  int32_t output_offset;
} edgeq_mean_params;

void edgeq_mean_int8(const edgeq_mean_params *p, const int8_t *input, int8_t *output);
void edgeq_mean_int16(const edgeq_mean_params *p, const int16_t *input, int16_t *output);

/* REDUCE_MAX and REDUCE_MIN: as MEAN, the largest or smallest value. */
typedef struct edgeq_reduce_params {
  int32_t kept_count;
  int32_t reduced_count;
  edgeq_reduce_loop kept[EDGEQ_MAX_LOOPS];
  edgeq_reduce_loop reduced[EDGEQ_MAX_LOOPS];
  int32_t outputs;
} edgeq_reduce_params;

void edgeq_reduce_max_int8(const edgeq_reduce_params *p, const int8_t *input, int8_t *output);
void edgeq_reduce_min_int8(const edgeq_reduce_params *p, const int8_t *input, int8_t *output);

/* ARG_MAX and ARG_MIN along the middle one of three dimensions (outer, extent, inner): the position of the
 * first of the largest or smallest values. */
typedef struct edgeq_arg_max_params {
  int32_t outer;
  int32_t extent;
  int32_t inner;
} edgeq_arg_max_params;

void edgeq_arg_max_int8(const edgeq_arg_max_params *p, const int8_t *input, int32_t *output);
void edgeq_arg_min_int8(const edgeq_arg_max_params *p, const int8_t *input, int32_t *output);

/* L2_NORMALIZATION of rows of `depth` values, at scale 1/128 and zero point 0. The output may be the same
 * buffer as the input. */
typedef struct edgeq_l2_normalization_params {
  int32_t rows;
  int32_t depth;
  int32_t input_offset;
} edgeq_l2_normalization_params;

void edgeq_l2_normalization_int8(const edgeq_l2_normalization_params *p, const int8_t *input, int8_t *output);

/* Any operator of one int8 input, element by element: output = table[input's byte as unsigned].
 * The output may be the same buffer as the input. */
typedef struct edgeq_table_params {
  int32_t count;
  const int8_t *table; /* 256 values */
} edgeq_table_params;

void edgeq_table_int8(const edgeq_table_params *p, const int8_t *input, int8_t *output);

/* The same with the DSP extension. */
void edgeq_table_dsp_int8(const edgeq_table_params *p, const int8_t *input, int8_t *output);

/* QUANTIZE: input / scale, rounded to nearest (halves away from zero), plus the zero point, saturated; 0 for
 * a NaN's quotient. DEQUANTIZE: scale * (input - zero point). */
typedef struct edgeq_affine_params {
  int32_t count;
  float scale;
  int32_t zero_point;
} edgeq_affine_params;

void edgeq_quantize_float32(const edgeq_affine_params *p, const float *input, int8_t *output);
void edgeq_dequantize_int8(const edgeq_affine_params *p, const int8_t *input, float *output);

#ifdef __cplusplus
}
#endif

#endif
