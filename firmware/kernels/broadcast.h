/* Walks two inputs of an element-wise operator, with broadcasting. */
#ifndef EDGEQ_KERNELS_BROADCAST_H
#define EDGEQ_KERNELS_BROADCAST_H

#include <stdint.h>

#include "edgeq/kernels.h"

/* A value of an int16 input, whose strides are in bytes. */
static inline int32_t edgeq_int16_at(const int8_t *at) {
  return *(const int16_t *)(const void *)at;
}

/* An odometer over all loops but the innermost. */
typedef struct edgeq_broadcast_walk {
  int32_t step[EDGEQ_MAX_LOOPS];
} edgeq_broadcast_walk;

/* Moves both inputs from the start of one innermost loop to the next. Returns 0 after the last. */
static inline int edgeq_broadcast_next(edgeq_broadcast_walk *walk, const edgeq_broadcast_loop *loops,
                                       int32_t loop_count, const int8_t **input1, const int8_t **input2) {
  for (int32_t i = loop_count - 2; i >= 0; i--) {
    if (++walk->step[i] < loops[i].extent) {
      *input1 += loops[i].stride1;
      *input2 += loops[i].stride2;
      return 1;
    }
    *input1 -= (loops[i].extent - 1) * loops[i].stride1;
    *input2 -= (loops[i].extent - 1) * loops[i].stride2;
    walk->step[i] = 0;
  }
  return 0;
}

#endif
