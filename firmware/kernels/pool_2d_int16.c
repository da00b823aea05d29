/* AVERAGE_POOL_2D and MAX_POOL_2D on int16. */
#include <stdint.h>

typedef int16_t value_t;

#include "pool_2d.h"

void edgeq_average_pool_2d_int16(const edgeq_pool_2d_params *p, const int16_t *input, int16_t *output) {
  pool(p, input, output, average);
}

void edgeq_max_pool_2d_int16(const edgeq_pool_2d_params *p, const int16_t *input, int16_t *output) {
  pool(p, input, output, maximum);
}
