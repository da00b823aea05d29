/* Half of a quad (kernels/quads.h): the first and the third of four output channels times two columns, where
 * the others are not read.
 *
 * Weights: EDGEQ_HALF_STARTS words where sums start, for each step of each row a word of both channels, then
 * EDGEQ_HALF_REST words: those of a straight product for channels 0 and 1, which these two are there. */
#ifndef EDGEQ_KERNELS_HALVES_H
#define EDGEQ_KERNELS_HALVES_H

#include "edgeq/halves.h"
#include "quads.h"

#define EDGEQ_HALF_STARTS 2
#define EDGEQ_HALF_REST 4

#endif
