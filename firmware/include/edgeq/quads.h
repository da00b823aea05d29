/* The products of quads of channels and two columns (kernels/quads.h), by how many steps are unrolled: names
 * for the parameters of the kernels that multiply so.
 *
 * edgeq_quads_<steps>          one row of <steps> steps
 * edgeq_quads_<steps>_rows     any number of rows of <steps> steps
 * edgeq_quads_<steps>_loop     any number of rows of a multiple of <steps> steps
 * ..._shift<shift>             the same, with one shift for all channels ("straight" in kernels/quads.h)
 * ..._wide                     the same, with a halfword for each weight ("wide" there)
 */
#ifndef EDGEQ_QUADS_H
#define EDGEQ_QUADS_H

typedef struct edgeq_quads edgeq_quads;
typedef void edgeq_quads_run(const edgeq_quads *q);

#define EDGEQ_QUADS_DECLARE_KINDS(name)                                                                \
  extern edgeq_quads_run edgeq_quads_##name, edgeq_quads_##name##_shift4, edgeq_quads_##name##_shift6, \
      edgeq_quads_##name##_wide

#define EDGEQ_QUADS_DECLARE(steps)         \
  EDGEQ_QUADS_DECLARE_KINDS(steps);        \
  EDGEQ_QUADS_DECLARE_KINDS(steps##_rows); \
  EDGEQ_QUADS_DECLARE_KINDS(steps##_loop)

EDGEQ_QUADS_DECLARE(2);
EDGEQ_QUADS_DECLARE(3);
EDGEQ_QUADS_DECLARE(4);
EDGEQ_QUADS_DECLARE(5);
EDGEQ_QUADS_DECLARE(6);
EDGEQ_QUADS_DECLARE(7);
EDGEQ_QUADS_DECLARE(8);
EDGEQ_QUADS_DECLARE(10);
EDGEQ_QUADS_DECLARE(11);
EDGEQ_QUADS_DECLARE(12);
EDGEQ_QUADS_DECLARE(14);
EDGEQ_QUADS_DECLARE(16);
EDGEQ_QUADS_DECLARE(18);
EDGEQ_QUADS_DECLARE(20);
EDGEQ_QUADS_DECLARE(22);
EDGEQ_QUADS_DECLARE(24);
EDGEQ_QUADS_DECLARE(26);
EDGEQ_QUADS_DECLARE(28);
EDGEQ_QUADS_DECLARE(30);
EDGEQ_QUADS_DECLARE(32);

/* The same for octets of channels and one column (kernels/fully_connected_dsp.c): one row of a multiple of
 * <steps> steps. */
typedef struct edgeq_octets edgeq_octets;
typedef void edgeq_octets_run(const edgeq_octets *o);

#define EDGEQ_OCTETS_DECLARE(steps)                                            \
  extern edgeq_octets_run edgeq_octets_##steps, edgeq_octets_##steps##_shift4, \
      edgeq_octets_##steps##_shift6, edgeq_octets_##steps##_wide

EDGEQ_OCTETS_DECLARE(2);
EDGEQ_OCTETS_DECLARE(4);
EDGEQ_OCTETS_DECLARE(8);
EDGEQ_OCTETS_DECLARE(16);
EDGEQ_OCTETS_DECLARE(32);

#endif
