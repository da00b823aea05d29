/* SOFTMAX on int8, in gemmlowp's fixed point. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* A number "in Qm" is an int32 with m integer bits. */
#define ONE_Q2 (INT32_C(1) << 29)
#define SUM_INTEGER_BITS 12

/* 1 / (1 + x) in Q0 for x in Q0 within [0, 1): Newton's method from 48/17 - 32/17 of the half denominator. */
static int32_t one_over_one_plus(int32_t x) {
  const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
  int32_t y = 1515870810 + edgeq_high_multiply(-1010580540, half_denominator);
  for (int i = 0; i < 3; i++) {
    const int32_t error = ONE_Q2 - edgeq_high_multiply(y, half_denominator);
    const int32_t step = (int32_t)(((int64_t)y * error + (INT64_C(1) << 30)) >> 31);
    y = edgeq_wrapping_add(y, edgeq_saturating_shift_left(step, 2));
  }
  return edgeq_saturating_shift_left(y, 1); /* Q2, halved exactly by calling it Q1, to Q0 */
}

static int32_t leading_zeros(uint32_t x) {
  int32_t zeros = 0;
  while ((x & 0x80000000u) == 0u) {
    x <<= 1;
    zeros++;
  }
  return zeros;
}

void edgeq_softmax_int8(const edgeq_softmax_params *p, const int8_t *input, int8_t *output) {
  for (int32_t row = 0; row < p->rows; row++) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
      if (input[i] > largest) largest = input[i];
    }
    uint32_t sum = 0; /* in Q12; not 0 at the end, for exp(0) is in it */
    for (int32_t i = 0; i < p->depth; i++) {
      const int32_t d = largest - input[i];
      if (d < p->table_size) {
        sum += (uint32_t)edgeq_rounding_shift_right(p->exp_table[d], SUM_INTEGER_BITS);
      }
    }
    const int32_t zeros = leading_zeros(sum);
    const int32_t reciprocal = one_over_one_plus((int32_t)((sum << zeros) - 0x80000000u));
    /* Above 31, where the reference stops: every output rounds to 0. */
    const int32_t shift = SUM_INTEGER_BITS - zeros + 31 - 8;
    for (int32_t i = 0; i < p->depth; i++) {
      const int32_t d = largest - input[i];
      int32_t y = 0;
      if (d < p->table_size && shift <= 31) {
        y = edgeq_rounding_shift_right(edgeq_high_multiply(reciprocal, p->exp_table[d]), shift);
      }
      output[i] = edgeq_clamp_int8(y + INT8_MIN, INT8_MIN, INT8_MAX);
    }
    input += p->depth;
    output += p->depth;
  }
}
