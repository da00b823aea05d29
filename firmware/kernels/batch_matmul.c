/* BATCH_MATMUL on int8. */
#include "broadcast.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

void edgeq_batch_matmul_int8(const edgeq_batch_matmul_params *p, const int8_t *input1, const int8_t *input2,
                             int8_t *output) {
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t row = 0; row < p->rows; row++) {
      const int8_t *x1 = input1 + row * p->row_stride;
      for (int32_t column = 0; column < p->columns; column++) {
        const int8_t *x2 = input2 + column * p->column_stride;
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
          sum +=
              (x1[i * p->depth_stride1] + p->input1_offset) * (x2[i * p->depth_stride2] + p->input2_offset);
        }
        sum = edgeq_requantize(sum, p->multiplier, p->shift);
        *output++ = edgeq_clamp_int8(edgeq_wrapping_add(sum, p->output_offset), INT8_MIN, INT8_MAX);
      }
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count + 1, &input1, &input2));
}
