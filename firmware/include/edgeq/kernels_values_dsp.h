/* Kernels for Arm's DSP extension of operators without weights: they compute what those of edgeq/kernels.h
 * do, which has the calling convention, four values at a time. On other machines they compute the same,
 * slowly.
 */
#ifndef EDGEQ_KERNELS_VALUES_DSP_H
#define EDGEQ_KERNELS_VALUES_DSP_H

#include <stdint.h>

#include "edgeq/loops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MEAN and SUM over all pixels of an image, for each channel, as edgeq_mean_int8. */
typedef struct edgeq_mean_dsp_params {
  int32_t batches;
  int32_t count; /* pixels */
  int32_t channels;
  int32_t sum_offset; /* -count * input zero point */
  int32_t multiplier;
  int32_t shift;
  int32_t output_offset;
} edgeq_mean_dsp_params;

void edgeq_mean_dsp_int8(const edgeq_mean_dsp_params *p, const int8_t *input, int8_t *output);

/* MUL, with loops and buffers as for edgeq_mul_int8. `constant` is 2^(shift - 1) + (output zero point <<
 * shift). */
typedef struct edgeq_mul_dsp_params {
  int32_t loop_count;
  edgeq_broadcast_loop loops[EDGEQ_MAX_LOOPS];
  int32_t input1_offset;
  int32_t input2_offset;
  int32_t multiplier;
  int32_t constant;
  int32_t shift; /* to the right, 1 to 22 */
  int32_t activation_min;
  int32_t activation_max;
} edgeq_mul_dsp_params;

void edgeq_mul_dsp_int8(const edgeq_mul_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
