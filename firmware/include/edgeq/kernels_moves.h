/* Kernels of the aot engine that only move values, and resizes. See edgeq/kernels.h. */
#ifndef EDGEQ_KERNELS_MOVES_H
#define EDGEQ_KERNELS_MOVES_H

#include <stdint.h>

#include "edgeq/loops.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EDGEQ_PAD_DIMS 5

/* PAD and PADV2. Dimension i has before[i] values before and after[i] values after its size[i] of the input.
 */
typedef struct edgeq_pad_params {
  int32_t size[EDGEQ_PAD_DIMS];
  int32_t before[EDGEQ_PAD_DIMS];
  int32_t after[EDGEQ_PAD_DIMS];
  int32_t value; /* within int8 */
} edgeq_pad_params;

void edgeq_pad_int8(const edgeq_pad_params *p, const int8_t *input, int8_t *output);

/* SLICE, STRIDED_SLICE, SPLIT, UNPACK, TRANSPOSE. The loops, outermost first, write the output in order,
 * `run` bytes each time; they begin `start` bytes into the input. Strides are in bytes. Any type of element.
 */
typedef struct edgeq_copy_params {
  int32_t start;
  int32_t run;
  int32_t loop_count;
  edgeq_reduce_loop loops[EDGEQ_MAX_LOOPS];
} edgeq_copy_params;

void edgeq_copy(const edgeq_copy_params *p, const void *input, void *output);

/* RESIZE_NEAREST_NEIGHBOR: output (y, x) is the `pixel` bytes at rows[y] + columns[x] of its batch's `batch`
 * bytes. Any type of element. */
typedef struct edgeq_resize_nearest_neighbor_params {
  int32_t batches;
  int32_t batch;
  int32_t output_height;
  int32_t output_width;
  int32_t pixel;
  const int32_t *rows;
  const int32_t *columns;
} edgeq_resize_nearest_neighbor_params;

void edgeq_resize_nearest_neighbor(const edgeq_resize_nearest_neighbor_params *p, const void *input,
                                   void *output);

/* RESIZE_BILINEAR. Each row and column of the output lies between two of the input: three values, the offsets
 * of both and the weight of the second in 1024ths. Sums are rounded to nearest, halves away from zero. */
typedef struct edgeq_resize_bilinear_params {
  int32_t batches;
  int32_t batch; /* values of one */
  int32_t output_height;
  int32_t output_width;
  int32_t channels;
  const int32_t *rows;
  const int32_t *columns;
} edgeq_resize_bilinear_params;

void edgeq_resize_bilinear_int8(const edgeq_resize_bilinear_params *p, const int8_t *input, int8_t *output);

/* CONCATENATION and PACK: `rows` times over, row_bytes[i] bytes of each of input_count inputs in turn. */
typedef struct edgeq_concatenation_params {
  int32_t rows;
  int32_t input_count;
  const int32_t *row_bytes;
} edgeq_concatenation_params;

void edgeq_concatenation_int8(const edgeq_concatenation_params *p, const int8_t *const inputs[],
                              int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
