/* TRANSPOSE_CONV for Arm's DSP extension; edgeq/kernels.h has the calling convention. On other machines it
 * computes the same, slowly.
 */
#ifndef EDGEQ_KERNELS_TRANSPOSE_DSP_H
#define EDGEQ_KERNELS_TRANSPOSE_DSP_H

#include <stdint.h>

#include "edgeq/quads.h"

#ifdef __cplusplus
extern "C" {
#endif

/* TRANSPOSE_CONV as one ordinary convolution for each phase: the outputs whose position, padding included,
 * has the same remainder by the strides read the same taps of the filter, every stride-th one, on inputs side
 * by side. Along an axis a phase has filter / stride taps, rounded up or down, but at least one, which may
 * have weights of 0.
 *
 * Weights: for each phase, those of a row of phases one behind the other, quads as kernels/quads.h wants
 * them: one row of steps for each row of taps, the last one first, of pixels of `depth` values; input zero
 * point and bias are in the start values. Sums were proven to fit. `run` and `steps` (of a row) of a phase
 * are those of number 2 * (fewer rows of taps than others have) + (fewer columns).
 *
 * Scratch, aligned to 8: for each row of the largest phase a pointer and 4 * depth * (block + columns of the
 * largest phase - 1) bytes, then 4 * more, then 8 * quads for results. */
typedef struct edgeq_transpose_conv_dsp_params {
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
  int32_t input_zero_point;
  int32_t activation_min;
  int32_t activation_max;
  int32_t depth;      /* input_channels rounded up to fours */
  int32_t block;      /* outputs of a phase side by side that are computed at a time, at most */
  int32_t more;       /* words that steps reach behind the last row */
  int32_t quads;      /* of each phase */
  int32_t quad_words; /* start values and the rest of a quad's weights */
  int32_t step_bytes; /* 8, or 16 of a wide product */
  int32_t steps[4];
  edgeq_quads_run *run[4];
} edgeq_transpose_conv_dsp_params;

void edgeq_transpose_conv_dsp_int8(const edgeq_transpose_conv_dsp_params *p, const int8_t *input,
                                   const int32_t *weights, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
