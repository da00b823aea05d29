/* CONV_2D with a window of one pixel on int8, whose sums start differently at the borders, for the vector
 * extension. */
#include "edgeq/kernels_mve.h"
#include "matrix_mve.h"

void edgeq_conv_1x1_bands_mve_int8(const edgeq_conv_1x1_bands_mve_params *p, const int8_t *input,
                                   const int8_t *weights, int8_t *output, void *scratch) {
  const int32_t depth = p->matrix.depth;
  const int32_t channels = p->matrix.channels;
  const int32_t width = p->columns[0] + p->columns[1] + p->columns[2];
  edgeq_matrix_mve matrix = p->matrix;
  const edgeq_matrix_mve_group group = {&matrix, weights, 0};

  for (int32_t i = 0; i < 3; i++) {
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t k = 0; k < 3; k++) {
      const int32_t columns = p->columns[k];
      if (p->rows[i] == 0 || columns == 0) continue;
      /* A column of pixels is one run, else each row is, or all rows where nothing lies between them. */
      const int32_t step = columns == 1 ? width : 1;
      const int32_t runs = columns == 1 || columns == width ? 1 : p->rows[i];
      const int32_t pixels = p->rows[i] * columns / runs;
      for (int32_t run = 0; run < runs; run++) {
        const edgeq_matrix_mve_windows windows = {in + run * width * depth, step * depth, pixels};
        edgeq_matrix_mve_run(&group, windows, out + run * width * channels, step * channels,
                             (int32_t *)scratch);
      }
      in += columns * depth;
      out += columns * channels;
      matrix.starts += (channels + 3) & ~3;
    }
    input += p->rows[i] * width * depth;
    output += p->rows[i] * width * channels;
  }
}
