/* Kernels for Arm's vector extension (Helium) that compute what those of edgeq/kernels.h do, which has the
 * calling convention. On other machines they compute the same, slowly.
 */
#ifndef EDGEQ_KERNELS_MVE_H
#define EDGEQ_KERNELS_MVE_H

#include <stdint.h>

#include "edgeq/kernels_dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Output channels as products of their weights with windows of the input (kernels/matrix_mve.h), and how sums
 * become int8. With a sum x, which starts at the channel's start value, bias less input zero point times its
 * weights,
 *
 *   (c + neg + (x * m / 2^31, rounded, halves up)) * 2^s, rounded down,   c = 2^(-s - 1) + (zero point << -s)
 *
 * limited to the activation; neg is -1 where x * m rounds to less than 0, and 0 elsewhere, or everywhere if
 * `clamped`: it matters only below the zero point, where an activation that starts there clamps. This was
 * proven to fit. */
typedef struct edgeq_matrix_mve {
  int32_t depth;         /* weights of a channel */
  int32_t channels;      /* output channels, of one group */
  const int32_t *starts; /* of each channel, and 7 more values */
  const int32_t *scales; /* for each four channels four m, four c and four s, in [-31, -1] */
  int32_t clamped;
  int32_t activation_min;
  int32_t activation_max;
} edgeq_matrix_mve;

/* Bytes of scratch for sums. */
#define EDGEQ_MATRIX_MVE_SCRATCH 768

/* CONV_2D whose windows lie in the input without gaps or padding: one pixel, or several of one row side by
 * side; and FULLY_CONNECTED, whose rows are windows. Weights as for edgeq_conv_2d_int8. With at most 64
 * channels, as many as the input's, and steps of that, the output may be the same buffer as the input.
 * Scratch, aligned to 4: for sums. */
typedef struct edgeq_conv_1x1_mve_params {
  int32_t rows;
  int32_t row_step; /* bytes from the first window of one row to that of the next */
  int32_t windows;  /* in each row */
  int32_t step;     /* bytes from one window to the next */
  edgeq_matrix_mve matrix;
} edgeq_conv_1x1_mve_params;

void edgeq_conv_1x1_mve_int8(const edgeq_conv_1x1_mve_params *p, const int8_t *input, const int8_t *weights,
                             int8_t *output, void *scratch);

/* CONV_2D with a window of one pixel and strides of 1, where sums start differently at the borders: rows are
 * three bands one behind the other, which may be empty, and so are columns. `matrix.starts` has those of each
 * rectangle that is not empty, row by row, each padded to a multiple of 4. In place and scratch as
 * edgeq_conv_1x1_mve_int8. */
typedef struct edgeq_conv_1x1_bands_mve_params {
  int32_t rows[3];
  int32_t columns[3];
  edgeq_matrix_mve matrix;
} edgeq_conv_1x1_bands_mve_params;

void edgeq_conv_1x1_bands_mve_int8(const edgeq_conv_1x1_bands_mve_params *p, const int8_t *input,
                                   const int8_t *weights, int8_t *output, void *scratch);

/* CONV_2D. What `tile` windows of a row read is copied to scratch first. If it is `shared`, dilation_width is
 * 1 and columns follow each other, so that a column is copied once for all windows: weights (output_channels,
 * filter_width, filter_height, filter_channels). Otherwise each window is copied for itself, with weights as
 * for edgeq_conv_2d_int8. `starts` and `scales` have the groups one after the other, each padded to a
 * multiple of 4. Scratch, aligned to 4: for sums, then filter_height * filter_channels bytes for each column
 * of a tile. */
typedef struct edgeq_conv_2d_mve_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
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
  int32_t tile;
  int32_t shared;
  edgeq_matrix_mve matrix;
} edgeq_conv_2d_mve_params;

void edgeq_conv_2d_mve_int8(const edgeq_conv_2d_mve_params *p, const int8_t *input, const int8_t *weights,
                            int8_t *output, void *scratch);

/* DEPTHWISE_CONV_2D with a multiplier of 1, eight channels at a time: what a row of windows reads becomes
 * planes, one for each channel, column after column, so that a window is one piece. With two `rows` of
 * outputs at a time columns are as high as both rows' windows together.
 *
 * Weights: for each channel `shift` zeros, then as many values as a window has in its plane, padded with
 * zeros to sixteens; dilation is zeros too. From the first zero on they are the second row's. Channels: for
 * each eight, their start values, m, c and s as those of edgeq_matrix_mve. Scratch, aligned to 4:
 * EDGEQ_DEPTHWISE_MVE_SUMS bytes, and eight planes of `plane` bytes: the row's columns and 16 more. */
typedef struct edgeq_depthwise_conv_2d_mve_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t channels;
  int32_t output_height;
  int32_t output_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  int32_t rows;     /* of outputs at a time: 1, or 2 */
  int32_t height;   /* of a column */
  int32_t columns;  /* that windows of a row span */
  int32_t plane;    /* below 8192 */
  int32_t shift;    /* stride_height with two rows, else 0 */
  int32_t sixteens; /* vectors of a window */
  int32_t clamped;
  int32_t activation_min;
  int32_t activation_max;
  const int32_t *scales;
} edgeq_depthwise_conv_2d_mve_params;

#define EDGEQ_DEPTHWISE_MVE_SUMS 512

void edgeq_depthwise_conv_2d_mve_int8(const edgeq_depthwise_conv_2d_mve_params *p, const int8_t *input,
                                      const int8_t *weights, int8_t *output, void *scratch);

/* ADD and SUB of two inputs of the same shape, as edgeq_add_dsp_int8 and edgeq_add_linear_dsp_int8. */
void edgeq_add_mve_int8(const edgeq_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output);
void edgeq_add_linear_mve_int8(const edgeq_add_linear_dsp_params *p, const int8_t *input1,
                               const int8_t *input2, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
