/* Unary operators on int8, by table. */
#include "edgeq/kernels.h"

void edgeq_table_int8(const edgeq_table_params *p, const int8_t *input, int8_t *output) {
  for (int32_t i = 0; i < p->count; i++) output[i] = p->table[(uint8_t)input[i]];
}
