/* Where a convolution's or a pool's window meets the input, along one axis. */
#ifndef EDGEQ_KERNELS_WINDOW_H
#define EDGEQ_KERNELS_WINDOW_H

#include <stdint.h>

/* Taps [first, last) of a window lie inside the input. */
typedef struct edgeq_taps {
  int32_t first;
  int32_t last;
} edgeq_taps;

/* origin: position of tap 0, negative inside the padding. Taps are `dilation` apart. */
static inline edgeq_taps edgeq_taps_inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size) {
  edgeq_taps inside;
  inside.first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
  inside.last = origin < size ? (size - origin + dilation - 1) / dilation : 0;
  if (inside.last > taps) inside.last = taps;
  if (inside.first > inside.last) inside.first = inside.last;
  return inside;
}

#endif
