/* ADD and SUB on int8 without broadcasting, by tables, for cores with the DSP extension. */
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"

void edgeq_add_dsp_int8(const edgeq_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output) {
  const int32_t *table1 = p->table1;
  const int32_t *table2 = p->table2;
  for (int32_t i = 0; i < p->count; i++) {
    const int32_t sum = table1[(uint8_t)input1[i]] + table2[(uint8_t)input2[i]];
    const int32_t constant = p->constant + (sum >> 31);
    const int32_t high = edgeq_high_multiply_add_rounded(sum, p->multiplier, constant);
    output[i] = (int8_t)edgeq_saturate_int8(high >> p->shift);
  }
  edgeq_limit_int8(output, p->count, p->activation_min, p->activation_max);
}
