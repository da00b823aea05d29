/* The products of half a quad of channels (kernels/halves.h): names for the parameters of the kernels that
 * multiply so.
 *
 * edgeq_halves_<steps>_shift<shift>          one row of <steps> steps
 * edgeq_halves_<steps>_rows3_shift<shift>    three rows of <steps> steps
 */
#ifndef EDGEQ_HALVES_H
#define EDGEQ_HALVES_H

#include "edgeq/quads.h"

#define EDGEQ_HALVES_DECLARE(steps) \
  extern edgeq_quads_run edgeq_halves_##steps##_shift4, edgeq_halves_##steps##_shift6;
#define EDGEQ_HALVES_DECLARE_THREE(steps) EDGEQ_HALVES_DECLARE(steps##_rows3)

EDGEQ_QUADS_SIZES(EDGEQ_HALVES_DECLARE)
EDGEQ_QUADS_ONE_ROW(EDGEQ_HALVES_DECLARE)
EDGEQ_QUADS_THREE_ROWS(EDGEQ_HALVES_DECLARE_THREE)

#endif
