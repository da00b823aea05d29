/* PAD and PADV2 on int8. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

static inline int inside(const edgeq_pad_params *p, int32_t dimension, int32_t position) {
  return position >= p->before[dimension] && position < p->before[dimension] + p->size[dimension];
}

static inline int32_t total(const edgeq_pad_params *p, int32_t dimension) {
  return p->before[dimension] + p->size[dimension] + p->after[dimension];
}

void edgeq_pad_int8(const edgeq_pad_params *p, const int8_t *input, int8_t *output) {
  const int32_t before = p->before[4];
  const int32_t size = p->size[4];
  const int32_t after = p->after[4];
  for (int32_t a = 0; a < total(p, 0); a++) {
    for (int32_t b = 0; b < total(p, 1); b++) {
      for (int32_t c = 0; c < total(p, 2); c++) {
        for (int32_t d = 0; d < total(p, 3); d++) {
          if (inside(p, 0, a) && inside(p, 1, b) && inside(p, 2, c) && inside(p, 3, d)) {
            memset(output, p->value, (size_t)before);
            memcpy(output + before, input, (size_t)size);
            memset(output + before + size, p->value, (size_t)after);
            input += size;
          } else {
            memset(output, p->value, (size_t)(before + size + after));
          }
          output += before + size + after;
        }
      }
    }
  }
}
