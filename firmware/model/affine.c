#include "edgeq/affine.h"

#include <float.h>

#if defined(__FAST_MATH__)
#error \
    "edgeq: -ffast-math replaces the division by a product, and the model's inputs would differ from the host's"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "edgeq: float must be evaluated in single precision (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

/* Beyond every int8 and int16 range at any zero point, and exact. */
#define EDGEQ_LIMIT 131072.0f

static int32_t edgeq_affine_quantize(float value, float scale, int32_t zero_point, int32_t low,
                                     int32_t high) {
  float v = value / scale;
  v = v > -EDGEQ_LIMIT ? v : -EDGEQ_LIMIT; /* also catches NaN */
  v = v < EDGEQ_LIMIT ? v : EDGEQ_LIMIT;
  int32_t whole = (int32_t)v;
  const float fraction = v - (float)whole;
  whole += fraction >= 0.5f ? 1 : 0;
  whole -= fraction <= -0.5f ? 1 : 0;
  whole += zero_point;
  return whole < low ? low : (whole > high ? high : whole);
}

void edgeq_affine_to_int8(const float *values, uint32_t count, float scale, int32_t zero_point, int8_t *q) {
  for (uint32_t i = 0; i < count; i++)
    q[i] = (int8_t)edgeq_affine_quantize(values[i], scale, zero_point, INT8_MIN, INT8_MAX);
}

void edgeq_affine_to_int16(const float *values, uint32_t count, float scale, int32_t zero_point, int16_t *q) {
  for (uint32_t i = 0; i < count; i++)
    q[i] = (int16_t)edgeq_affine_quantize(values[i], scale, zero_point, INT16_MIN, INT16_MAX);
}

void edgeq_affine_from_int8(const int8_t *q, uint32_t count, float scale, int32_t zero_point, float *values) {
  for (uint32_t i = 0; i < count; i++) values[i] = scale * (float)(q[i] - zero_point);
}

void edgeq_affine_from_int16(const int16_t *q, uint32_t count, float scale, int32_t zero_point,
                             float *values) {
  for (uint32_t i = 0; i < count; i++) values[i] = scale * (float)(q[i] - zero_point);
}
