/* MEAN and SUM on int16. */
#include <stdint.h>

typedef int16_t value_t;

#include "mean.h"

void edgeq_mean_int16(const edgeq_mean_params *p, const int16_t *input, int16_t *output) {
  mean_of(p, input, output, INT16_MIN, INT16_MAX);
}
