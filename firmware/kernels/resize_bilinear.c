/* RESIZE_BILINEAR on int8. */
#include "edgeq/kernels.h"

#define ONE (1 << 10)

void edgeq_resize_bilinear_int8(const edgeq_resize_bilinear_params *p, const int8_t *input, int8_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++, input += p->batch) {
    for (int32_t y = 0; y < p->output_height; y++) {
      const int32_t *row = p->rows + 3 * y;
      const int8_t *upper = input + row[0];
      const int8_t *lower = input + row[1];
      for (int32_t x = 0; x < p->output_width; x++) {
        const int32_t *column = p->columns + 3 * x;
        const int32_t upper_left = (ONE - row[2]) * (ONE - column[2]);
        const int32_t upper_right = (ONE - row[2]) * column[2];
        const int32_t lower_left = row[2] * (ONE - column[2]);
        const int32_t lower_right = row[2] * column[2];
        for (int32_t c = 0; c < p->channels; c++) {
          const int32_t left = column[0] + c;
          const int32_t right = column[1] + c;
          const int32_t sum = upper[left] * upper_left + upper[right] * upper_right +
                              lower[left] * lower_left + lower[right] * lower_right;
          *output++ = (int8_t)((sum + (sum > 0 ? ONE * ONE / 2 : -(ONE * ONE / 2))) / (ONE * ONE));
        }
      }
    }
  }
}
