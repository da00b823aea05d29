/* ADD on int16. */
#include "broadcast.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* shift is not positive. */
static inline int32_t scaled(int32_t x, int32_t multiplier, int32_t shift) {
  return edgeq_rounding_shift_right(edgeq_high_multiply(x, multiplier), -shift);
}

void edgeq_add_int16(const edgeq_add_params *p, const int16_t *input1, const int16_t *input2,
                     int16_t *output) {
  const edgeq_broadcast_loop inner = p->loops[p->loop_count - 1];
  const int8_t *at1 = (const int8_t *)input1;
  const int8_t *at2 = (const int8_t *)input2;
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int32_t x1 = edgeq_int16_at(at1 + i * inner.stride1) * (1 << 15);
      const int32_t x2 = edgeq_int16_at(at2 + i * inner.stride2) * (1 << 15);
      const int32_t y1 = scaled(x1, p->input1_multiplier, p->input1_shift);
      const int32_t y2 = scaled(x2, p->input2_multiplier, p->input2_shift);
      const int32_t sum = scaled(y1 + y2, p->output_multiplier, p->output_shift);
      *output++ = edgeq_clamp_int16(sum, p->activation_min, p->activation_max);
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &at1, &at2));
}
