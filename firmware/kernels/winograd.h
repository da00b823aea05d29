/* Matrix products of a Winograd convolution, for cores with the DSP extension: at each position of a
 * transformed tile, four output channels times two tiles.
 *
 * Values: for each position and each two input channels (a step), a pair of the first tile's and one of the
 * second's. Weights: for each position and each step, a pair for each of the four output channels. Sums: for
 * each position, of each output channel the first tile's and the second's, modulo 2^32.
 */
#ifndef EDGEQ_KERNELS_WINOGRAD_H
#define EDGEQ_KERNELS_WINOGRAD_H

#include <stdint.h>

#include "edgeq/winograd.h"

/* What one call works on. The assembly knows the order. */
struct edgeq_winograd {
  const uint32_t *values;
  const int32_t *weights;
  int32_t *sums;
  uint32_t position_bytes; /* of the weights of one position */
  const int32_t *end;      /* of the weights */
};

/* Two tiles of the input, side by side, of all its channels. The assembly knows the order. */
struct edgeq_winograd_input {
  const uint32_t *input; /* a word has four channels */
  int32_t column;        /* bytes from one column of the input to the next */
  int32_t row;           /* and from one row to the next */
  uint32_t *output;
  int32_t position; /* bytes from one position to the next */
  int32_t fours;    /* channels / 4, at least 1 */
};

/* The results of four channels in two tiles. The assembly knows the order. */
struct edgeq_winograd_results {
  const uint32_t *sums;    /* as edgeq_winograd leaves them */
  const int32_t *channels; /* of each its start value, multiplier, constant and shift */
  int8_t *output;
  int32_t pixel; /* bytes from one output to the next of the row */
  int32_t row;   /* and to the one below */
};

#endif
