/* Products of windows and weights for the vector extension: what convolutions and fully connected layers
 * share. */
#ifndef EDGEQ_KERNELS_MATRIX_MVE_H
#define EDGEQ_KERNELS_MATRIX_MVE_H

#include <stdint.h>

#include "edgeq/kernels_mve.h"

/* The channels of one group: `weights` has a row of m->depth for each, `first` is the group's first among the
 * start values and scales, a multiple of 4. */
typedef struct edgeq_matrix_mve_group {
  const edgeq_matrix_mve *matrix;
  const int8_t *weights;
  int32_t first;
} edgeq_matrix_mve_group;

/* Windows of m->depth bytes each. */
typedef struct edgeq_matrix_mve_windows {
  const int8_t *first;
  int32_t step; /* bytes from one to the next */
  int32_t count;
} edgeq_matrix_mve_windows;

/* The outputs of `windows`, output_step bytes apart. `sums` has EDGEQ_MATRIX_MVE_SCRATCH bytes. */
void edgeq_matrix_mve_run(const edgeq_matrix_mve_group *group, edgeq_matrix_mve_windows windows,
                          int8_t *output, int32_t output_step, int32_t *sums);

#endif
