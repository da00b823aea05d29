/* ADD and SUB on int8. */
#include "broadcast.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* shift is not positive. */
static inline int32_t scaled(int32_t x, int32_t multiplier, int32_t shift) {
  return edgeq_rounding_shift_right(edgeq_high_multiply(x, multiplier), -shift);
}

/* Inlined into both kernels, so that `sign` (1 or -1) is a constant there. */
static inline void add(const edgeq_add_params *p, const int8_t *input1, const int8_t *input2, int8_t *output,
                       int32_t sign) {
  const edgeq_broadcast_loop inner = p->loops[p->loop_count - 1];
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int32_t x1 = (input1[i * inner.stride1] + p->input1_offset) * (1 << 20);
      const int32_t x2 = (input2[i * inner.stride2] + p->input2_offset) * (1 << 20);
      const int32_t y1 = scaled(x1, p->input1_multiplier, p->input1_shift);
      const int32_t y2 = scaled(x2, p->input2_multiplier, p->input2_shift);
      const int32_t sum = scaled(y1 + sign * y2, p->output_multiplier, p->output_shift);
      *output++ = edgeq_clamp_int8(sum + p->output_offset, p->activation_min, p->activation_max);
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &input1, &input2));
}

void edgeq_add_int8(const edgeq_add_params *p, const int8_t *input1, const int8_t *input2, int8_t *output) {
  add(p, input1, input2, output, 1);
}

void edgeq_sub_int8(const edgeq_add_params *p, const int8_t *input1, const int8_t *input2, int8_t *output) {
  add(p, input1, input2, output, -1);
}
