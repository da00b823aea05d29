/* CONCATENATION of int8. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

void edgeq_concatenation_int8(const edgeq_concatenation_params *p, const int8_t *const inputs[],
                              int8_t *output) {
  for (int32_t row = 0; row < p->rows; row++) {
    for (int32_t i = 0; i < p->input_count; i++) {
      memcpy(output, inputs[i] + row * p->row_bytes[i], (size_t)p->row_bytes[i]);
      output += p->row_bytes[i];
    }
  }
}
