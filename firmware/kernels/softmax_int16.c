/* SOFTMAX on int16. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* The value at x, an int16, between two of a table's. */
static int32_t interpolated(const int16_t *table, int32_t x) {
  const int32_t at = 256 + (x >> 7);
  const int32_t slope = (int16_t)(uint16_t)(uint32_t)(table[at + 1] - table[at]);
  return table[at] + ((slope * (x & 0x7F) + 64) >> 7);
}

static int32_t exponential(const edgeq_softmax_int16_params *p, int32_t difference) {
  const int32_t scaled = edgeq_requantize(difference, p->multiplier, p->shift);
  return interpolated(p->exp_table,
                      edgeq_clamp_int16(edgeq_wrapping_add(scaled, 32767), INT16_MIN, INT16_MAX));
}

void edgeq_softmax_int16(const edgeq_softmax_int16_params *p, const int16_t *input, int16_t *output) {
  for (int32_t row = 0; row < p->rows; row++) {
    int32_t largest = INT16_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
      if (input[i] > largest) largest = input[i];
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; i++) {
      const int32_t e = exponential(p, input[i] - largest);
      output[i] = (int16_t)e;
      sum += e;
    }
    int32_t zeros = 0; /* leading; sum is above 0, for exp(0) is in it */
    while (((uint32_t)sum << zeros & 0x80000000u) == 0u) zeros++;
    /* The sum as 1 + x, x in [0, 1) and centred to an int16. */
    const int32_t mantissa = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14);
    const int32_t centred = edgeq_clamp_int16(mantissa - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
    const int32_t reciprocal = interpolated(p->reciprocal_table, centred);
    const int32_t right = 31 - zeros;
    for (int32_t i = 0; i < p->depth; i++) {
      const int64_t product = (int64_t)output[i] * reciprocal + (INT64_C(1) << (right - 1));
      output[i] = edgeq_clamp_int16((int32_t)(product >> right), 0, INT16_MAX);
    }
    input += p->depth;
    output += p->depth;
  }
}
