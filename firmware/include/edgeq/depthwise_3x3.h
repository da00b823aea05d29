/* Depthwise 3x3 products of one channel (kernels/depthwise_3x3.h), by stride and final shift: names for the
 * parameters of edgeq_depthwise_3x3_dsp_int8.
 *
 * edgeq_depthwise_3x3_<stride>_<shift>                      along the rows, an even number of columns
 * ..._odd                                                   an odd number
 * edgeq_depthwise_3x3_down_<positions>_<stride>_<shift>     down the columns; pair rows are <positions> apart
 * ..._clamped                                               the same, for activations that start at the
 * output's zero point
 */
#ifndef EDGEQ_DEPTHWISE_3X3_H
#define EDGEQ_DEPTHWISE_3X3_H

typedef struct edgeq_depthwise_3x3 edgeq_depthwise_3x3;
typedef void edgeq_depthwise_3x3_run(const edgeq_depthwise_3x3 *d);

#define EDGEQ_DEPTHWISE_3X3_DECLARE(name)                                                                    \
  extern edgeq_depthwise_3x3_run edgeq_depthwise_3x3_##name, edgeq_depthwise_3x3_##name##_clamped;           \
  extern edgeq_depthwise_3x3_run edgeq_depthwise_3x3_##name##_odd, edgeq_depthwise_3x3_##name##_odd_clamped; \
  extern edgeq_depthwise_3x3_run edgeq_depthwise_3x3_down_8_##name,                                          \
      edgeq_depthwise_3x3_down_8_##name##_clamped;                                                           \
  extern edgeq_depthwise_3x3_run edgeq_depthwise_3x3_down_16_##name,                                         \
      edgeq_depthwise_3x3_down_16_##name##_clamped

/* The most positions are for strides of 1 only. */
#define EDGEQ_DEPTHWISE_3X3_DECLARE_WIDE(name)                       \
  EDGEQ_DEPTHWISE_3X3_DECLARE(name);                                 \
  extern edgeq_depthwise_3x3_run edgeq_depthwise_3x3_down_32_##name, \
      edgeq_depthwise_3x3_down_32_##name##_clamped;                  \
  extern edgeq_depthwise_3x3_run edgeq_depthwise_3x3_down_64_##name, \
      edgeq_depthwise_3x3_down_64_##name##_clamped

EDGEQ_DEPTHWISE_3X3_DECLARE_WIDE(1_8);
EDGEQ_DEPTHWISE_3X3_DECLARE_WIDE(1_10);
EDGEQ_DEPTHWISE_3X3_DECLARE_WIDE(1_12);
EDGEQ_DEPTHWISE_3X3_DECLARE_WIDE(1_14);
EDGEQ_DEPTHWISE_3X3_DECLARE(2_8);
EDGEQ_DEPTHWISE_3X3_DECLARE(2_10);
EDGEQ_DEPTHWISE_3X3_DECLARE(2_12);
EDGEQ_DEPTHWISE_3X3_DECLARE(2_14);

#endif
