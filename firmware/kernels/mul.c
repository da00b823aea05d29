/* MUL on int8. */
#include "broadcast.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

void edgeq_mul_int8(const edgeq_mul_params *p, const int8_t *input1, const int8_t *input2, int8_t *output) {
  const edgeq_broadcast_loop inner = p->loops[p->loop_count - 1];
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int32_t x1 = input1[i * inner.stride1] + p->input1_offset;
      const int32_t x2 = input2[i * inner.stride2] + p->input2_offset;
      const int32_t product = edgeq_requantize(x1 * x2, p->output_multiplier, p->output_shift);
      *output++ = edgeq_clamp_int8(edgeq_wrapping_add(product, p->output_offset), p->activation_min,
                                   p->activation_max);
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &input1, &input2));
}
