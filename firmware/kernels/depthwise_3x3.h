/* Depthwise 3x3 products of one channel, for cores with the DSP extension.
 *
 * The input is rows of pairs: pair row t has, for each position, the values of the padded rows 2t and 2t + 1
 * as a pair of int16. With strides of 1 each two pair rows give two rows of outputs, with strides of 2 one.
 *
 * A channel is EDGEQ_DEPTHWISE_3X3_WORDS words: for each column of the filter its first two weights as a
 * pair, then for each its last two, all times 2^k; the start value times 2^k; multiplier m; constant c; n =
 * 2^(k - 1). The result for a sum x is (c - (x < 0 ? n : 0) + (x * m) / 2^32) >> shift, saturated to int8:
 * the two roundings of fixedpoint.h with k - 1 bits more, if c = 2^(k - 2) + 2^(shift - 1) + (zero point <<
 * shift). A "clamped" product leaves n out: it differs only below the zero point, where an activation that
 * starts at the zero point clamps.
 */
#ifndef EDGEQ_KERNELS_DEPTHWISE_3X3_H
#define EDGEQ_KERNELS_DEPTHWISE_3X3_H

#include <stdint.h>

#include "edgeq/depthwise_3x3.h"

#define EDGEQ_DEPTHWISE_3X3_WORDS 10

/* What one call works on. The assembly knows the order. Positions are 4 words apart: four channels lie side
 * by side. */
struct edgeq_depthwise_3x3 {
  const uint32_t *pairs;
  const int32_t *channel;
  int8_t *output;
  uint32_t pitch; /* bytes from one pair row to the next */
  uint32_t pixel; /* bytes from one output to the next */
  uint32_t below; /* bytes from an output to the one below it; 0: there is none, nothing is written there */
  /* bytes from behind a row's outputs to the first of the next row, or of the one after `below` */
  uint32_t next;
  uint32_t even; /* bytes of positions that the columns but an odd last one move on by */
  uint32_t rows; /* pair rows that outputs begin in, at least 1 */
  uint32_t more; /* 1: one more row, which has none below it; 0: not */
  uint32_t odd;  /* 1: the number of columns is odd; 0: it is not */
};

/* Rows of four channels, side by side in memory, to make pair rows of. The assembly knows the order. */
typedef struct edgeq_depthwise_3x3_source {
  uint32_t *to;
  const int8_t *upper; /* the upper row's first value, and the lower row's */
  const int8_t *lower;
  int32_t upper_step; /* bytes from one position to the next */
  int32_t lower_step;
  int32_t count;   /* positions, at least 1 */
  int32_t rows;    /* pair rows, at least 1 */
  int32_t to_next; /* bytes from behind a row to the next */
  int32_t next;
} edgeq_depthwise_3x3_source;

void edgeq_depthwise_3x3_pairs(const edgeq_depthwise_3x3_source *source);

/* What every product computes, in C; not on cores with the DSP extension. */
void edgeq_depthwise_3x3_multiply(const edgeq_depthwise_3x3 *d, int32_t stride, int32_t shift, int clamped);

#endif
