/* PRELU on int8. */
#include "broadcast.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

void edgeq_prelu_int8(const edgeq_prelu_params *p, const int8_t *input, const int8_t *slopes,
                      int8_t *output) {
  const edgeq_broadcast_loop inner = p->loops[p->loop_count - 1];
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int32_t x = input[i * inner.stride1] + p->input_offset;
      const int32_t slope = slopes[i * inner.stride2] + p->slope_offset;
      const int32_t y = x >= 0 ? edgeq_requantize(x, p->multiplier, p->shift)
                               : edgeq_requantize(x * slope, p->slope_multiplier, p->slope_shift);
      *output++ = edgeq_clamp_int8(edgeq_wrapping_add(y, p->output_offset), INT8_MIN, INT8_MAX);
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &input, &slopes));
}
