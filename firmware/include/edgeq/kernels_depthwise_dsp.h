/* DEPTHWISE_CONV_2D for Arm's DSP extension, with windows of any size; edgeq/kernels.h has the calling
 * convention. On other machines it computes the same, slowly.
 */
#ifndef EDGEQ_KERNELS_DEPTHWISE_DSP_H
#define EDGEQ_KERNELS_DEPTHWISE_DSP_H

#include <stdint.h>

#include "edgeq/depthwise_pairs.h"
#include "edgeq/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In which order outputs are computed, four at a time: two columns of a pair row, which has two rows of
 * outputs; two pair rows of a column; where rows are two apart, two columns of two pair rows; or two pair
 * rows of a column with a `run` of "line", which at least 4 rows of outputs, all in one band, can have. */
#define EDGEQ_DEPTHWISE_ALONG 0
#define EDGEQ_DEPTHWISE_DOWN 1
#define EDGEQ_DEPTHWISE_SQUARES 2
#define EDGEQ_DEPTHWISE_LINES 3

/* DEPTHWISE_CONV_2D, rows of outputs one or two apart, dilated only if columns are one apart, too. What is
 * called height here may be the tensors' width. Weights: kernels/depthwise_pairs.h's words for each output
 * channel; `run` takes filter_width positions at a time, or window_rows, where image.pitch is 16 and rows of
 * one position follow each other. With strides of 1 and no dilation, an output of the input's shape may be
 * the same buffer. Scratch, aligned to 4: image.pitch * (band + window_rows - 1) bytes, of
 * lines image.pitch more. */
typedef struct edgeq_depthwise_pairs_dsp_params {
  int32_t batches;
  edgeq_image image; /* positions and inside of a window that is not dilated */
  int32_t channels;
  int32_t depth_multiplier;
  int32_t output_height;
  int32_t output_width;
  int32_t output_row;    /* bytes from an output to the one below it */
  int32_t output_column; /* bytes from an output to the one beside it */
  int32_t filter_width;
  int32_t stride_width;
  int32_t dilation_height; /* in every one of so many rows the input has one inside that a window reads */
  int32_t dilation_width;
  int32_t order;
  int32_t band;        /* pair rows computed at a time, at least 1 */
  int32_t window_rows; /* pair rows that windows reach */
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
