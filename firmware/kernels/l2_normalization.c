/* L2_NORMALIZATION on int8. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* 1 / sqrt(x) = value * 2^(-31 - right). */
typedef struct inverse_root {
  int32_t value;
  int32_t right;
} inverse_root;

/* Five steps of Newton's method for an x of 0 and more; 0 counts as 1. Numbers have 3 integer bits. */
static inverse_root inverse_root_of(int32_t x) {
  inverse_root r = {INT32_MAX, 0};
  if (x <= 1) return r;
  r.right = 11;
  while (x >= INT32_C(1) << 29) {
    x /= 4;
    r.right++;
  }
  while (x < INT32_C(1) << 27) {
    x *= 4;
    r.right--;
  }
  const int32_t half = edgeq_rounding_shift_right(x >> 1, 1);
  const int32_t three_halves = (INT32_C(1) << 28) + (INT32_C(1) << 27);
  int32_t y = INT32_C(1) << 28;
  for (int i = 0; i < 5; i++) {
    const int32_t cube = edgeq_high_multiply(edgeq_high_multiply(y, y), y);
    const int32_t step = edgeq_high_multiply(three_halves, y) -
                         edgeq_high_multiply(half, edgeq_saturating_shift_left(cube, 6));
    y = edgeq_saturating_shift_left(step, 3);
  }
  r.value = edgeq_high_multiply(y, 1518500250); /* sqrt(2) / 2 */
  if (r.right < 0) {
    r.value = edgeq_shift_left(r.value, -r.right);
    r.right = 0;
  }
  return r;
}

void edgeq_l2_normalization_int8(const edgeq_l2_normalization_params *p, const int8_t *input,
                                 int8_t *output) {
  for (int32_t row = 0; row < p->rows; row++) {
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; i++) {
      const int32_t x = input[i] + p->input_offset;
      sum += x * x;
    }
    const inverse_root r = inverse_root_of(sum);
    for (int32_t i = 0; i < p->depth; i++) {
      const int32_t y = edgeq_requantize(input[i] + p->input_offset, r.value, 7 - r.right);
      output[i] = edgeq_clamp_int8(y, INT8_MIN, INT8_MAX);
    }
    input += p->depth;
    output += p->depth;
  }
}
