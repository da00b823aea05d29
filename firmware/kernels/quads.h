/* Matrix product of int16 columns and packed int8 weights, for cores with the DSP extension: quads of four
 * output channels times two columns, requantized to int8.
 *
 * Columns: rows of steps; a step is two values of column 0 as a pair, then two of column 1. Weights: for each
 * quad EDGEQ_QUAD_STARTS words where sums start; then for each step of each row, a word of channels 0 and 1
 * and one of channels 2 and 3; then EDGEQ_QUAD_REST words that make results of the sums. A halfword of a step
 * is 256 * (odd channel's weight) + (even channel's). A sum over such halfwords is 256 * odd + even modulo
 * 2^32; summing the sign-extended low bytes gives `even`, and the difference 256 * odd, if |odd| < 2^23.
 *
 * Sums start at 256 * odd bias + even bias, even bias of channels 0 and 1, then of 2 and 3. The rest is for
 * each channel: multiplier m, constant c, shift s. With a sum x, neg = -1 where x < 0 and 0 elsewhere: even
 * channels (c + neg + (2 * x * m + 2^31) / 2^32) >> s, c = 2^(s - 1) + (zero point << s); odd channels   (c +
 * 128 * neg + (256 * x * m) / 2^32) >> s, c and s as if 7 bits more remained, and 64 in c, which are the two
 * roundings of fixedpoint.h. The result is saturated to int8.
 *
 * A "straight" product has one shift S for all channels, and the rest is EDGEQ_QUAD_STRAIGHT_REST words, m
 * and c of each channel; something is added to each sum where it starts. Even channels (c + (x * m) / 2^32)
 * >> S, odd ones (c + (256 * x * m) / 2^32) >> (S + 8), rounded down. The host has proven that, limited to
 * the activation, these are the same results.
 *
 * A "wide" product has no such halfwords, for weights and sums that do not fit them: a step of weights is a
 * word of two int16 for each channel, sums start at the four biases, and each channel's rest is an even
 * one's.
 */
#ifndef EDGEQ_KERNELS_QUADS_H
#define EDGEQ_KERNELS_QUADS_H

#include <stdint.h>

#include "edgeq/dsp.h"
#include "edgeq/quads.h"

#define EDGEQ_QUAD_STARTS 4
#define EDGEQ_QUAD_REST 12
#define EDGEQ_QUAD_STRAIGHT_REST 8

/* What one call works on. The assembly knows the order. */
struct edgeq_quads {
  const uint32_t *const *rows; /* where each row of the columns begins */
  const int32_t *weights;      /* at least one quad's */
  const int32_t *end;          /* behind the last quad's */
  int8_t *output0;             /* column 0's channels: 4 values for each quad */
  int8_t *output1;             /* column 1's; may be the same as output0, where column 0's stay */
  uint32_t row_bytes;          /* of one quad's weights for one row */
  uint32_t quad_bytes;         /* for all rows */
  uint32_t pairs;              /* of columns, at least 1 */
  uint32_t column_bytes;       /* from one pair of columns to the next, in each row */
  uint32_t output_step;        /* bytes from behind the last quad's outputs to the next pair's */
};

/* Four bytes at a time into every second word: (0, 2), (1, 3). `count` is a multiple of 4. */
static inline uint32_t *edgeq_quads_expand(uint32_t *column, const int8_t *values, int32_t count) {
  for (; count >= 16; count -= 16, values += 16, column += 16) {
    const uint32_t a = edgeq_load_word(values);
    const uint32_t b = edgeq_load_word(values + 4);
    const uint32_t c = edgeq_load_word(values + 8);
    const uint32_t d = edgeq_load_word(values + 12);
    column[0] = edgeq_even_bytes(a);
    column[2] = edgeq_odd_bytes(a);
    column[4] = edgeq_even_bytes(b);
    column[6] = edgeq_odd_bytes(b);
    column[8] = edgeq_even_bytes(c);
    column[10] = edgeq_odd_bytes(c);
    column[12] = edgeq_even_bytes(d);
    column[14] = edgeq_odd_bytes(d);
  }
  for (; count > 0; count -= 4, values += 4, column += 4) {
    const uint32_t word = edgeq_load_word(values);
    column[0] = edgeq_even_bytes(word);
    column[2] = edgeq_odd_bytes(word);
  }
  return column;
}

/* One to three values as four. */
static inline void edgeq_quads_expand_rest(uint32_t *column, const int8_t *values, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = 0; i < count; i++) word |= (uint32_t)(uint8_t)values[i] << (8 * i);
  column[0] = edgeq_even_bytes(word);
  column[2] = edgeq_odd_bytes(word);
}

/* Both columns at once, as edgeq_quads_expand; `count` is at least 4. */
void edgeq_quads_expand_both(uint32_t *columns, const int8_t *values0, const int8_t *values1, int32_t count);

/* The same for `pairs` pairs of columns whose values lie one behind the other, as the columns do but for
 * `gap` bytes after each pair. */
void edgeq_quads_expand_pairs(uint32_t *columns, const int8_t *values, int32_t count, int32_t pairs,
                              int32_t gap);

/* Four bytes at a time into every second word, in their order: (0, 1), (2, 3). `count` is at least 4. */
void edgeq_quads_expand_in_order(uint32_t *column, const int8_t *values, int32_t count);

/* `count` values of `pair`, two at a time; a multiple of 4. */
static inline uint32_t *edgeq_quads_fill(uint32_t *column, uint32_t pair, int32_t count) {
  for (; count > 0; count -= 4, column += 4) column[0] = column[2] = pair;
  return column;
}

/* The product of half a quad (kernels/halves.h) behind the quads of `q`, of which there are `quads`; its
 * weights lie behind theirs. */
void edgeq_quads_half(const edgeq_quads *q, edgeq_quads_run *half, uint32_t quads);

#endif
