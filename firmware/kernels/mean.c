/* MEAN and SUM on int8. */
#include <stdint.h>

typedef int8_t value_t;

#include "mean.h"

void edgeq_mean_int8(const edgeq_mean_params *p, const int8_t *input, int8_t *output) {
  mean_of(p, input, output, INT8_MIN, INT8_MAX);
}
