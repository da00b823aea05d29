/* Four sums of products at once, for cores without instructions that multiply pairs: a value that is read
 * once meets four weights. */
#ifndef EDGEQ_KERNELS_FOUR_SUMS_H
#define EDGEQ_KERNELS_FOUR_SUMS_H

#include <stdint.h>

#include "edgeq/attributes.h"

typedef struct edgeq_four_sums {
  int32_t of[4];
} edgeq_four_sums;

/* Adds a run of `count` values to the sums of four filters, whose weights lie `step` apart. For runs that
 * follow each other: pointers that move take the fewest registers. */
static inline void edgeq_add_run(edgeq_four_sums *sums, const int8_t *values, int32_t offset,
                                 const int8_t *weights, int32_t step, int32_t count) {
  const int8_t *w0 = weights, *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
  EDGEQ_ROLLED
  for (; count > 0; count--) {
    const int32_t value = *values++ + offset;
    sums->of[0] += *w0++ * value;
    sums->of[1] += *w1++ * value;
    sums->of[2] += *w2++ * value;
    sums->of[3] += *w3++ * value;
  }
}

/* Adds a tap to the sums of four channels of a depthwise convolution, each with a weight of its own. */
static inline void edgeq_add_tap(edgeq_four_sums *sums, const int8_t *values, int32_t offset,
                                 const int8_t *weights) {
  sums->of[0] += weights[0] * (values[0] + offset);
  sums->of[1] += weights[1] * (values[1] + offset);
  sums->of[2] += weights[2] * (values[2] + offset);
  sums->of[3] += weights[3] * (values[3] + offset);
}

#endif
