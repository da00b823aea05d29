/* DEPTHWISE_CONV_2D for Arm's DSP extension, with windows of any size; edgeq/kernels.h has the calling
 * convention. On other machines it computes the same, slowly.
 */
#ifndef EDGEQ_KERNELS_DEPTHWISE_DSP_H
#define EDGEQ_KERNELS_DEPTHWISE_DSP_H

#include <stdint.h>

#include "edgeq/depthwise_pairs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* DEPTHWISE_CONV_2D with strides of 1 and no dilation. Weights: kernels/depthwise_pairs.h's words for each
 * output channel; `run` takes filter_width positions at a time, or window_rows, where pitch is 16 and rows of
 * one position follow each other. An output of the input's shape may be the same buffer. Scratch, aligned to
 * 4: pitch * (band + window_rows - 1) bytes. */
typedef struct edgeq_depthwise_pairs_dsp_params {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t channels;
  int32_t depth_multiplier;
  int32_t output_height;
  int32_t output_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t outside;     /* the input's zero point in each byte */
  int32_t positions;   /* of a padded row that windows reach: output_width + filter_width - 1 */
  int32_t inside;      /* of those, how many are the input's */
  int32_t pitch;       /* bytes from one pair row to the next: 16 * positions */
  int32_t band;        /* pair rows computed at a time, at least 1: 2 rows of outputs each */
  int32_t downwards;   /* 1: two pair rows of a column at a time; 0: two columns of a pair row */
  int32_t window_rows; /* pair rows that windows reach: filter_height / 2 + 1 */
  int32_t next_row; /* bytes from behind the positions of `run` to those below: 0, if it takes all at once */
  int32_t words;    /* of each output channel */
  int32_t activation_min;
  int32_t activation_max;
  edgeq_depthwise_pairs_run *run;
} edgeq_depthwise_pairs_dsp_params;

void edgeq_depthwise_pairs_dsp_int8(const edgeq_depthwise_pairs_dsp_params *p, const int8_t *input,
                                    const int32_t *weights, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
