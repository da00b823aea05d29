/* Copies with strides: SLICE, STRIDED_SLICE, SPLIT, UNPACK, TRANSPOSE. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "reduce.h"

void edgeq_copy(const edgeq_copy_params *p, const void *input, void *output) {
  const edgeq_reduce_loop inner = p->loops[p->loop_count - 1];
  const uint8_t *in = (const uint8_t *)input + p->start;
  uint8_t *out = (uint8_t *)output;
  int32_t step[EDGEQ_MAX_LOOPS] = {0};
  int done = 0;
  while (!done) {
    if (p->run == 1) {
      for (int32_t i = 0; i < inner.extent; i++) *out++ = in[i * inner.stride];
    } else {
      for (int32_t i = 0; i < inner.extent; i++, out += p->run) {
        memcpy(out, in + i * inner.stride, (size_t)p->run);
      }
    }
    in += edgeq_reduce_next(p->loops, p->loop_count - 1, step, &done);
  }
}
