/* The products of quads of channels and two columns (kernels/quads.h), by how many steps are unrolled: names
 * for the parameters of the kernels that multiply so.
 *
 * edgeq_quads_<steps>          one row of <steps> steps
 * edgeq_quads_<steps>_rows     any number of rows of <steps> steps
 * edgeq_quads_<steps>_loop     any number of rows of a multiple of <steps> steps
 * ..._clamped                  the same, for activations that start at the output's zero point
 */
#ifndef EDGEQ_QUADS_H
#define EDGEQ_QUADS_H

typedef struct edgeq_quads edgeq_quads;
typedef void edgeq_quads_run(const edgeq_quads *q);

#define EDGEQ_QUADS_DECLARE(steps)                                                       \
  extern edgeq_quads_run edgeq_quads_##steps, edgeq_quads_##steps##_clamped;             \
  extern edgeq_quads_run edgeq_quads_##steps##_rows, edgeq_quads_##steps##_rows_clamped; \
  extern edgeq_quads_run edgeq_quads_##steps##_loop, edgeq_quads_##steps##_loop_clamped

EDGEQ_QUADS_DECLARE(2);
EDGEQ_QUADS_DECLARE(4);
EDGEQ_QUADS_DECLARE(5);
EDGEQ_QUADS_DECLARE(6);
EDGEQ_QUADS_DECLARE(8);
EDGEQ_QUADS_DECLARE(12);
EDGEQ_QUADS_DECLARE(16);
EDGEQ_QUADS_DECLARE(20);
EDGEQ_QUADS_DECLARE(24);
EDGEQ_QUADS_DECLARE(32);

/* The same for octets of channels and one column (kernels/fully_connected_dsp.c): one row of a multiple of
 * <steps> steps. */
typedef struct edgeq_octets edgeq_octets;
typedef void edgeq_octets_run(const edgeq_octets *o);

extern edgeq_octets_run edgeq_octets_2, edgeq_octets_4, edgeq_octets_8, edgeq_octets_16;

#endif
