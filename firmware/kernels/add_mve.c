/* ADD and SUB on int8 without broadcasting, by two products or by tables, for the vector extension. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "edgeq/mve.h"

#define VECTOR 4

typedef struct limits {
  edgeq_words low;
  edgeq_words high;
} limits;

/* The output may be an input: a vector is read before it is written. */
static inline void store(int8_t *output, edgeq_words x, const limits *to, int32_t count) {
  edgeq_store_words_as_bytes(output, edgeq_smaller_words(edgeq_larger_words(x, to->low), to->high), count);
}

EDGEQ_INLINE edgeq_words products(const int8_t *input1, const int8_t *input2, edgeq_words multiplier1,
                                  edgeq_words multiplier2, edgeq_words constant, int32_t count) {
  const edgeq_words first = edgeq_multiply_high_bytes(edgeq_load_bytes_as_words(input1, count), multiplier1);
  const edgeq_words second = edgeq_multiply_high_bytes(edgeq_load_bytes_as_words(input2, count), multiplier2);
  return edgeq_upper_halves(edgeq_add_words(edgeq_add_words(first, second), constant));
}

void edgeq_add_linear_mve_int8(const edgeq_add_linear_dsp_params *p, const int8_t *input1,
                               const int8_t *input2, int8_t *output) {
  const edgeq_words multiplier1 = edgeq_same_words(p->multiplier1);
  const edgeq_words multiplier2 = edgeq_same_words(p->multiplier2);
  const edgeq_words constant = edgeq_same_words(p->constant);
  const limits to = {edgeq_same_words(p->activation_min), edgeq_same_words(p->activation_max)};
  int32_t left = p->count;
  for (; left >= VECTOR; left -= VECTOR, input1 += VECTOR, input2 += VECTOR, output += VECTOR) {
    store(output, products(input1, input2, multiplier1, multiplier2, constant, VECTOR), &to, VECTOR);
  }
  if (left > 0) store(output, products(input1, input2, multiplier1, multiplier2, constant, left), &to, left);
}

EDGEQ_INLINE edgeq_words looked_up(const edgeq_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                                   int32_t count) {
  const edgeq_words sum = edgeq_add_words(edgeq_look_up_words(p->table1, input1, count),
                                          edgeq_look_up_words(p->table2, input2, count));
  const edgeq_words high = edgeq_multiply_high_words(sum, edgeq_same_words(p->multiplier));
  const edgeq_words x = edgeq_add_words(high, edgeq_same_words(p->constant));
  return edgeq_shift_words(edgeq_add_words(x, edgeq_sign_of_words(sum)), edgeq_same_words(-p->shift));
}

void edgeq_add_mve_int8(const edgeq_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output) {
  const limits to = {edgeq_same_words(p->activation_min), edgeq_same_words(p->activation_max)};
  int32_t left = p->count;
  for (; left >= VECTOR; left -= VECTOR, input1 += VECTOR, input2 += VECTOR, output += VECTOR) {
    store(output, looked_up(p, input1, input2, VECTOR), &to, VECTOR);
  }
  if (left > 0) store(output, looked_up(p, input1, input2, left), &to, left);
}
