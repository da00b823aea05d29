/* MUL on int16. */
#include "broadcast.h"
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

void edgeq_mul_int16(const edgeq_mul_params *p, const int16_t *input1, const int16_t *input2,
                     int16_t *output) {
  const edgeq_broadcast_loop inner = p->loops[p->loop_count - 1];
  const int8_t *at1 = (const int8_t *)input1;
  const int8_t *at2 = (const int8_t *)input2;
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int32_t product =
          edgeq_int16_at(at1 + i * inner.stride1) * edgeq_int16_at(at2 + i * inner.stride2);
      *output++ = edgeq_clamp_int16(edgeq_requantize(product, p->output_multiplier, p->output_shift),
                                    p->activation_min, p->activation_max);
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &at1, &at2));
}
