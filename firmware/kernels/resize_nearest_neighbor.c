/* RESIZE_NEAREST_NEIGHBOR. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

void edgeq_resize_nearest_neighbor(const edgeq_resize_nearest_neighbor_params *p, const void *input,
                                   void *output) {
  const uint8_t *in = (const uint8_t *)input;
  uint8_t *out = (uint8_t *)output;
  for (int32_t batch = 0; batch < p->batches; batch++, in += p->batch) {
    for (int32_t y = 0; y < p->output_height; y++) {
      const uint8_t *row = in + p->rows[y];
      for (int32_t x = 0; x < p->output_width; x++, out += p->pixel) {
        memcpy(out, row + p->columns[x], (size_t)p->pixel);
      }
    }
  }
}
