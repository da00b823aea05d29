/* Requantization as TensorFlow Lite Micro does it: two roundings. Integer arithmetic only; left shifts and
 * sums wrap modulo 2^32, as they do there, without undefined behaviour. Right shifts of negative numbers are
 * arithmetic on every compiler that edgeq supports. */
#ifndef EDGEQ_FIXEDPOINT_H
#define EDGEQ_FIXEDPOINT_H

#include <stdint.h>

/* a + b modulo 2^32. */
static inline int32_t edgeq_wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* a * 2^bits modulo 2^32; bits in [0, 31]. */
static inline int32_t edgeq_shift_left(int32_t a, int32_t bits) {
  return (int32_t)((uint32_t)a << bits);
}

/* a * b / 2^31, rounded to nearest, halves up. b is not negative, so that nothing saturates. */
static inline int32_t edgeq_high_multiply(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* x / 2^bits, rounded to nearest, halves away from zero; bits in [0, 31]. */
static inline int32_t edgeq_rounding_shift_right(int32_t x, int32_t bits) {
  const int32_t mask = (int32_t)((UINT32_C(1) << bits) - 1u);
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> bits) + ((x & mask) > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31); multiplier in [0, 2^31), shift in [-31, 30]. */
static inline int32_t edgeq_requantize(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  return edgeq_rounding_shift_right(edgeq_high_multiply(edgeq_shift_left(x, left), multiplier), right);
}

/* x * multiplier * 2^-right, rounded to nearest, halves up; |x| below 2^47, multiplier in [0, 2^15), right in
 * [8, 46]. What leaves an int32 wraps. */
static inline int32_t edgeq_requantize_wide(int64_t x, int32_t multiplier, int32_t right) {
  return (int32_t)(uint32_t)((x * multiplier + (INT64_C(1) << (right - 1))) >> right);
}

/* A sum of 64 bits by edgeq_requantize_wide; or its low 32 bits by edgeq_requantize. */
static inline int32_t edgeq_requantize_sum(int64_t sum, int32_t multiplier, int32_t shift, int32_t wide) {
  return wide ? edgeq_requantize_wide(sum, multiplier, shift)
              : edgeq_requantize((int32_t)(uint32_t)(uint64_t)sum, multiplier, shift);
}

/* x * 2^bits, saturated; bits in [1, 31]. */
static inline int32_t edgeq_saturating_shift_left(int32_t x, int32_t bits) {
  const int32_t limit = (INT32_C(1) << (31 - bits)) - 1;
  if (x > limit) return INT32_MAX;
  if (x < -limit) return INT32_MIN;
  return edgeq_shift_left(x, bits);
}

/* x limited to [low, high], which lie within int8. */
static inline int8_t edgeq_clamp_int8(int32_t x, int32_t low, int32_t high) {
  return (int8_t)(x < low ? low : (x > high ? high : x));
}

/* x limited to [low, high], which lie within int16. */
static inline int16_t edgeq_clamp_int16(int32_t x, int32_t low, int32_t high) {
  return (int16_t)(x < low ? low : (x > high ? high : x));
}

#endif
