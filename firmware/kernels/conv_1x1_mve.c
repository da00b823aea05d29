/* CONV_2D whose windows lie in the input as they are, and FULLY_CONNECTED, on int8 for the vector extension.
 */
#include "edgeq/kernels_mve.h"
#include "matrix_mve.h"

void edgeq_conv_1x1_mve_int8(const edgeq_conv_1x1_mve_params *p, const int8_t *input, const int8_t *weights,
                             int8_t *output, void *scratch) {
  const edgeq_matrix_mve_group group = {&p->matrix, weights, 0};
  for (int32_t row = 0; row < p->rows; row++) {
    const edgeq_matrix_mve_windows windows = {input, p->step, p->windows};
    edgeq_matrix_mve_run(&group, windows, output, p->matrix.channels, (int32_t *)scratch);
    input += p->row_step;
    output += p->windows * p->matrix.channels;
  }
}
