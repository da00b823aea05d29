/* Depthwise products of one channel from pairs of rows, for cores with the DSP extension: windows of any
 * size. Pair row t has, for each position, the values of the padded rows 2t and 2t + 1 as a pair of int16,
 * four channels side by side.
 *
 * A channel's words: twice the start value; for each pair row of the window and each position of it, twice
 * the weights that the upper row of outputs has for the pair, and those of the lower row, which begins one
 * row later, and which those of "four" have none of; then multiplier m, constant c, shift s. The result for
 * twice a sum x is (c + (x < 0 ? -1 : 0) + (x * m + 2^31) / 2^32) >> s, saturated to int8: the two roundings
 * of fixedpoint.h, if c = 2^(s - 1) + (zero point << s).
 */
#ifndef EDGEQ_KERNELS_DEPTHWISE_PAIRS_H
#define EDGEQ_KERNELS_DEPTHWISE_PAIRS_H

#include <stdint.h>

#include "edgeq/depthwise_pairs.h"
#include "edgeq/dsp.h"

/* What one call works on: two windows at a time, of two rows of outputs each, or four of one row. The
 * assembly knows the order, and moves `pairs`, `output` and `count` on. A "line" takes two pair rows,
 * `second` bytes apart, and leaves all as it is; if `below` is 0, the first output alone is written. It reads
 * one pair row more than the windows do, of which nothing is used. */
struct edgeq_depthwise_pairs {
  const uint32_t *pairs;
  const int32_t *channel;
  int8_t *output;
  uint32_t next_row; /* bytes from behind a row's positions to the next row's */
  uint32_t second;   /* bytes from the first window to the second; 0: there is none, it is the same */
  uint32_t step;     /* bytes to the next two or four windows */
  /* bytes from an output to the one below it, or from the first of four to the third; 0: there is none,
   * nothing is written there */
  uint32_t below;
  uint32_t beside;       /* bytes from the first window's outputs to the second's */
  uint32_t next_output;  /* bytes to the next two or four windows' outputs */
  uint32_t count;        /* times two or four windows, at least 1 */
  uint32_t weight_bytes; /* of all pair rows of the window */
  uint32_t third;        /* of four windows: as `second` */
  uint32_t fourth;
  uint32_t last; /* bytes from the first window's output to the fourth's */
};

/* The result for twice a sum; `rest` are the last words of a channel. */
static inline int8_t edgeq_depthwise_pairs_result(int32_t sum, const int32_t *rest) {
  const int32_t c = (int32_t)((uint32_t)rest[1] - (sum < 0 ? 1u : 0u));
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add_rounded(sum, rest[0], c) >> rest[2]);
}

#endif
