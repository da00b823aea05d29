/* The products of quads of channels and two columns (kernels/quads.h), by how many steps are unrolled: names
 * for the parameters of the kernels that multiply so.
 *
 * edgeq_quads_<steps>          one row of <steps> steps
 * edgeq_quads_<steps>_rows     any number of rows of <steps> steps
 * edgeq_quads_<steps>_rows3    three rows of <steps> steps
 * edgeq_quads_<steps>_loop     any number of rows of a multiple of <steps> steps
 * ..._shift<shift>             the same, with one shift for all channels ("straight" in kernels/quads.h)
 * ..._wide                     the same, with a halfword for each weight ("wide" there)
 */
#ifndef EDGEQ_QUADS_H
#define EDGEQ_QUADS_H

typedef struct edgeq_quads edgeq_quads;
typedef void edgeq_quads_run(const edgeq_quads *q);

/* For which numbers of steps there are one row, `_rows` and `_loop`; one row alone; `_rows3`. */
#define EDGEQ_QUADS_SIZES(of)                                                                              \
  of(2) of(3) of(4) of(5) of(6) of(7) of(8) of(10) of(11) of(12) of(14) of(16) of(18) of(20) of(22) of(24) \
      of(26) of(28) of(30) of(32)
#define EDGEQ_QUADS_ONE_ROW(of)                                                                           \
  of(9) of(13) of(15) of(17) of(19) of(21) of(23) of(25) of(27) of(29) of(31) of(34) of(36) of(38) of(40) \
      of(42) of(44) of(46) of(48) of(50) of(52) of(54) of(56) of(58) of(60) of(62) of(64)
#define EDGEQ_QUADS_THREE_ROWS(of) of(2) of(3) of(5) of(6) of(12) of(24)

#define EDGEQ_QUADS_DECLARE_KINDS(name)                                                                \
  extern edgeq_quads_run edgeq_quads_##name, edgeq_quads_##name##_shift4, edgeq_quads_##name##_shift6, \
      edgeq_quads_##name##_wide;
#define EDGEQ_QUADS_DECLARE(steps)        \
  EDGEQ_QUADS_DECLARE_KINDS(steps)        \
  EDGEQ_QUADS_DECLARE_KINDS(steps##_rows) \
  EDGEQ_QUADS_DECLARE_KINDS(steps##_loop)
#define EDGEQ_QUADS_DECLARE_THREE(steps) EDGEQ_QUADS_DECLARE_KINDS(steps##_rows3)

EDGEQ_QUADS_SIZES(EDGEQ_QUADS_DECLARE)
EDGEQ_QUADS_ONE_ROW(EDGEQ_QUADS_DECLARE_KINDS)
EDGEQ_QUADS_THREE_ROWS(EDGEQ_QUADS_DECLARE_THREE)

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
