/* Kernels of the aot engine on int16, with parameters of their own. See edgeq/kernels.h. */
#ifndef EDGEQ_KERNELS_INT16_H
#define EDGEQ_KERNELS_INT16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CONV_2D on int16, zero points 0: as on int8. Sums have 64 bits. With `wide`, each is multiplied by 15 bits
 * and shifted right by 8 to 46 (edgeq_requantize_wide); else its low 32 bits are requantized. */
typedef struct edgeq_conv_2d_int16_params {
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
  int32_t activation_min;
  int32_t activation_max;
  const int64_t *bias;        /* output_channels values, or null */
  const int32_t *multipliers; /* as in edgeq_conv_2d_params */
  const int8_t *shifts;
  int32_t channel_step;
  int32_t wide;
} edgeq_conv_2d_int16_params;

void edgeq_conv_2d_int16(const edgeq_conv_2d_int16_params *p, const int16_t *input, const int8_t *weights,
                         int16_t *output);

/* DEPTHWISE_CONV_2D on int16: as on int8, sums as in CONV_2D on int16. */
typedef struct edgeq_depthwise_conv_2d_int16_params {
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
  int32_t activation_min;
  int32_t activation_max;
  const int64_t *bias; /* input_channels * depth_multiplier values, or null */
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t channel_step;
  int32_t wide;
} edgeq_depthwise_conv_2d_int16_params;

void edgeq_depthwise_conv_2d_int16(const edgeq_depthwise_conv_2d_int16_params *p, const int16_t *input,
                                   const int8_t *weights, int16_t *output);

/* FULLY_CONNECTED on int16: as on int8, sums as in CONV_2D on int16. */
typedef struct edgeq_fully_connected_int16_params {
  int32_t batches;
  int32_t depth;
  int32_t outputs;
  int32_t activation_min;
  int32_t activation_max;
  const int64_t *bias; /* outputs values, or null */
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t channel_step;
  int32_t wide;
} edgeq_fully_connected_int16_params;

void edgeq_fully_connected_int16(const edgeq_fully_connected_int16_params *p, const int16_t *input,
                                 const int8_t *weights, int16_t *output);

/* SOFTMAX on int16, at scale 1/32768, zero points 0. Tables of 513 values are read by interpolation:
 * exponentials of [-10, 0] and 1 / (1 + x) of [0, 1], in Q15. The multiplier brings a difference of inputs to
 * steps of 10 / 65535. The output may be the same buffer as the input. */
typedef struct edgeq_softmax_int16_params {
  int32_t rows;
  int32_t depth;
  int32_t multiplier;
  int32_t shift;
  const int16_t *exp_table;
  const int16_t *reciprocal_table;
} edgeq_softmax_int16_params;

void edgeq_softmax_int16(const edgeq_softmax_int16_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
