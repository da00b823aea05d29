/* ARG_MAX and ARG_MIN on int8. */
#include "edgeq/kernels.h"

/* Inlined into both kernels, so that `smallest` is a constant there. */
static inline void choose(const edgeq_arg_max_params *p, const int8_t *input, int32_t *output, int smallest) {
  for (int32_t outer = 0; outer < p->outer; outer++) {
    for (int32_t inner = 0; inner < p->inner; inner++) {
      const int8_t *in = input + inner;
      int32_t best = 0;
      for (int32_t i = 1; i < p->extent; i++) {
        const int8_t x = in[i * p->inner];
        const int8_t y = in[best * p->inner];
        if (smallest ? x < y : x > y) best = i;
      }
      *output++ = best;
    }
    input += p->extent * p->inner;
  }
}

void edgeq_arg_max_int8(const edgeq_arg_max_params *p, const int8_t *input, int32_t *output) {
  choose(p, input, output, 0);
}

void edgeq_arg_min_int8(const edgeq_arg_max_params *p, const int8_t *input, int32_t *output) {
  choose(p, input, output, 1);
}
