/* Walks the loops of a reduction or a copy. */
#ifndef EDGEQ_KERNELS_REDUCE_H
#define EDGEQ_KERNELS_REDUCE_H

#include <stdint.h>

#include "edgeq/kernels.h"

/* Steps an odometer; returns how far the input moves, and sets *done after the last step. */
static inline int32_t edgeq_reduce_next(const edgeq_reduce_loop *loops, int32_t count, int32_t *step,
                                        int *done) {
  int32_t move = 0;
  for (int32_t i = count - 1; i >= 0; i--) {
    if (++step[i] < loops[i].extent) {
      *done = 0;
      return move + loops[i].stride;
    }
    move -= (loops[i].extent - 1) * loops[i].stride;
    step[i] = 0;
  }
  *done = 1;
  return move;
}

#endif
