/* MAXIMUM and MINIMUM on int8. */
#include "broadcast.h"
#include "edgeq/kernels.h"

/* Inlined into both kernels, so that `smaller` is a constant there. */
static inline void choose(const edgeq_maximum_params *p, const int8_t *input1, const int8_t *input2,
                          int8_t *output, int smaller) {
  const edgeq_broadcast_loop inner = p->loops[p->loop_count - 1];
  edgeq_broadcast_walk walk = {{0}};
  do {
    for (int32_t i = 0; i < inner.extent; i++) {
      const int8_t x1 = input1[i * inner.stride1];
      const int8_t x2 = input2[i * inner.stride2];
      *output++ = (x1 < x2) == (smaller != 0) ? x1 : x2;
    }
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &input1, &input2));
}

void edgeq_maximum_int8(const edgeq_maximum_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output) {
  choose(p, input1, input2, output, 0);
}

void edgeq_minimum_int8(const edgeq_maximum_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output) {
  choose(p, input1, input2, output, 1);
}
