/* AVERAGE_POOL_2D and MAX_POOL_2D on int8. */
#include <stdint.h>

typedef int8_t value_t;

#include "pool_2d.h"

void edgeq_average_pool_2d_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, average);
}

void edgeq_max_pool_2d_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, maximum);
}
