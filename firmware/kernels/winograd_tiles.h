/* The transforms of integer Winograd convolutions with 3x3 filters (A. Lavin and S. Gray, Fast Algorithms for
 * Convolutional Neural Networks, 2015, section 4.1), scaled so that everything is an integer: F(2x2, 3x3)
 * gives 4 times the sums of the convolution, F(4x4, 3x3) 576 times, of which a ninth is taken modulo 2^32.
 *
 * Values are unsigned bytes: input + 128. Only the difference to the zero point counts, and the bias takes
 * care of it.
 */
#ifndef EDGEQ_KERNELS_WINOGRAD_TILES_H
#define EDGEQ_KERNELS_WINOGRAD_TILES_H

#include <stdint.h>

#include "edgeq/dsp.h"

/* The inverse of 9 modulo 2^32. */
#define EDGEQ_WINOGRAD_NINTH 0x38e38e39u

/* Bytes 0 and 2 (or, with a shift of 8, 1 and 3) of the word at `at`, as a pair. */
static inline uint32_t edgeq_winograd_pair(const uint32_t *at, int32_t shift) {
  return (*at >> shift) & 0x00ff00ffu;
}

/* F(2x2): d = B^T d on four pairs. */
#define EDGEQ_WINOGRAD_IN_2(d0, d1, d2, d3)             \
  do {                                                  \
    const uint32_t one_ = edgeq_add_pairs(d1, d2);      \
    const uint32_t two_ = edgeq_subtract_pairs(d2, d1); \
    (d0) = edgeq_subtract_pairs(d0, d2);                \
    (d3) = edgeq_subtract_pairs(d1, d3);                \
    (d1) = one_;                                        \
    (d2) = two_;                                        \
  } while (0)

/* One tile of two channels: 4x4 words at `in`, `row` words apart, to 16 positions `step` words apart. */
static inline void edgeq_winograd_values_2(const uint32_t *in, int32_t column, int32_t row, int32_t shift,
                                           uint32_t *out, int32_t step) {
  uint32_t t[16];
  for (int32_t j = 0; j < 4; j++, in += column) {
    uint32_t a = edgeq_winograd_pair(in, shift);
    uint32_t b = edgeq_winograd_pair(in + row, shift);
    uint32_t c = edgeq_winograd_pair(in + 2 * row, shift);
    uint32_t d = edgeq_winograd_pair(in + 3 * row, shift);
    EDGEQ_WINOGRAD_IN_2(a, b, c, d);
    t[j] = a;
    t[4 + j] = b;
    t[8 + j] = c;
    t[12 + j] = d;
  }
  for (int32_t i = 0; i < 16; i += 4) {
    uint32_t a = t[i];
    uint32_t b = t[i + 1];
    uint32_t c = t[i + 2];
    uint32_t d = t[i + 3];
    EDGEQ_WINOGRAD_IN_2(a, b, c, d);
    out[0] = a;
    out[step] = b;
    out[2 * step] = c;
    out[3 * step] = d;
    out += 4 * step;
  }
}

/* A pair as the number 65536 * second + first, in which sums and shifts of both are exact, as a pair again.
 */
static inline uint32_t edgeq_winograd_settle(uint32_t number) {
  return number + ((number & 0x8000u) << 1);
}

/* F(4x4): d = B^T d on six numbers. */
#define EDGEQ_WINOGRAD_IN_4(d0, d1, d2, d3, d4, d5) \
  do {                                              \
    const uint32_t v_ = (d4) - (d2);                \
    const uint32_t e_ = (d3) - (d1);                \
    const uint32_t t_ = (d4) - ((d2) << 2);         \
    const uint32_t u_ = (d3) - ((d1) << 2);         \
    (d0) = v_ + (((d0) - (d2)) << 2);               \
    (d5) = (d5) - (d3) - (e_ << 2);                 \
    (d1) = t_ + u_;                                 \
    (d2) = t_ - u_;                                 \
    (d3) = v_ + (e_ << 1);                          \
    (d4) = v_ - (e_ << 1);                          \
  } while (0)

/* As edgeq_winograd_values_2, 6x6 words to 36 positions. */
static inline void edgeq_winograd_values_4(const uint32_t *in, int32_t column, int32_t row, int32_t shift,
                                           uint32_t *out, int32_t step) {
  uint32_t t[36];
  for (int32_t j = 0; j < 6; j++, in += column) {
    uint32_t a = edgeq_winograd_pair(in, shift);
    uint32_t b = edgeq_winograd_pair(in + row, shift);
    uint32_t c = edgeq_winograd_pair(in + 2 * row, shift);
    uint32_t d = edgeq_winograd_pair(in + 3 * row, shift);
    uint32_t e = edgeq_winograd_pair(in + 4 * row, shift);
    uint32_t f = edgeq_winograd_pair(in + 5 * row, shift);
    EDGEQ_WINOGRAD_IN_4(a, b, c, d, e, f);
    t[j] = a;
    t[6 + j] = b;
    t[12 + j] = c;
    t[18 + j] = d;
    t[24 + j] = e;
    t[30 + j] = f;
  }
  for (int32_t i = 0; i < 36; i += 6) {
    uint32_t a = t[i];
    uint32_t b = t[i + 1];
    uint32_t c = t[i + 2];
    uint32_t d = t[i + 3];
    uint32_t e = t[i + 4];
    uint32_t f = t[i + 5];
    EDGEQ_WINOGRAD_IN_4(a, b, c, d, e, f);
    out[0] = edgeq_winograd_settle(a);
    out[step] = edgeq_winograd_settle(b);
    out[2 * step] = edgeq_winograd_settle(c);
    out[3 * step] = edgeq_winograd_settle(d);
    out[4 * step] = edgeq_winograd_settle(e);
    out[5 * step] = edgeq_winograd_settle(f);
    out += 6 * step;
  }
}

/* F(2x2): m = A^T m on four sums, the first two left. */
#define EDGEQ_WINOGRAD_OUT_2(m0, m1, m2, m3) \
  do {                                       \
    (m0) = (m0) + (m1) + (m2);               \
    (m1) = (m1) - (m2) - (m3);               \
  } while (0)

/* One tile of one channel: sums at 16 positions, 8 words apart, to 4 times the four sums of the convolution.
 */
static inline void edgeq_winograd_sums_2(const uint32_t *m, uint32_t start, uint32_t *sums) {
  uint32_t t[8];
  for (int32_t j = 0; j < 4; j++, m += 8) {
    uint32_t a = m[0];
    uint32_t b = m[32] + (j == 1 ? start : 0);
    const uint32_t c = m[64];
    const uint32_t d = m[96];
    EDGEQ_WINOGRAD_OUT_2(a, b, c, d);
    t[j] = a;
    t[4 + j] = b;
  }
  for (int32_t i = 0; i < 2; i++) {
    uint32_t a = t[4 * i];
    uint32_t b = t[4 * i + 1];
    EDGEQ_WINOGRAD_OUT_2(a, b, t[4 * i + 2], t[4 * i + 3]);
    sums[2 * i] = a;
    sums[2 * i + 1] = b;
  }
}

/* F(4x4): m = A^T m on six sums, the first four left: 1, 1/2, 1/4 and 1/4 of 24 times the result. */
#define EDGEQ_WINOGRAD_OUT_4(m0, m1, m2, m3, m4, m5)     \
  do {                                                   \
    const uint32_t s_ = (m1) + (m2);                     \
    const uint32_t d_ = (m1) - (m2);                     \
    const uint32_t p_ = (m3) + (m4);                     \
    const uint32_t q_ = (m3) - (m4);                     \
    (m0) = p_ + (((m0) + ((m0) << 1)) << 1) + (s_ << 2); \
    (m1) = q_ + (d_ << 1);                               \
    (m2) = s_ + p_;                                      \
    (m3) = d_ + (q_ << 1) + (((m5) + ((m5) << 1)) << 1); \
  } while (0)

/* As edgeq_winograd_sums_2, 36 positions to 64 times the 16 sums of the convolution. */
static inline void edgeq_winograd_sums_4(const uint32_t *m, uint32_t start, uint32_t *sums) {
  uint32_t t[24];
  for (int32_t j = 0; j < 6; j++, m += 8) {
    uint32_t a = m[0];
    uint32_t b = m[48] + (j == 1 ? start : 0);
    uint32_t c = m[96];
    uint32_t d = m[144];
    EDGEQ_WINOGRAD_OUT_4(a, b, c, d, m[192], m[240]);
    t[j] = a;
    t[6 + j] = b;
    t[12 + j] = c;
    t[18 + j] = d;
  }
  for (int32_t i = 0; i < 4; i++) {
    const int32_t up = i < 2 ? i : 2;
    uint32_t a = t[6 * i];
    uint32_t b = t[6 * i + 1];
    uint32_t c = t[6 * i + 2];
    uint32_t d = t[6 * i + 3];
    EDGEQ_WINOGRAD_OUT_4(a, b, c, d, t[6 * i + 4], t[6 * i + 5]);
    sums[4 * i] = a * (EDGEQ_WINOGRAD_NINTH << up);
    sums[4 * i + 1] = b * (EDGEQ_WINOGRAD_NINTH << (up + 1));
    sums[4 * i + 2] = c * (EDGEQ_WINOGRAD_NINTH << (up + 2));
    sums[4 * i + 3] = d * (EDGEQ_WINOGRAD_NINTH << (up + 2));
  }
}

#endif
