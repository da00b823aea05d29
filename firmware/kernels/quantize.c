/* QUANTIZE from float32, DEQUANTIZE to float32. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* Every quotient beyond this saturates with any zero point. */
#define BEYOND_INT8 1024.0f

void edgeq_quantize_float32(const edgeq_affine_params *p, const float *input, int8_t *output) {
  for (int32_t i = 0; i < p->count; i++) {
    const float quotient = input[i] / p->scale;
    int32_t rounded = 0;
    if (quotient >= BEYOND_INT8) {
      rounded = (int32_t)BEYOND_INT8;
    } else if (quotient <= -BEYOND_INT8) {
      rounded = -(int32_t)BEYOND_INT8;
    } else if (quotient > -BEYOND_INT8) { /* no NaN */
      rounded = (int32_t)quotient;
      const float rest = quotient - (float)rounded;
      rounded += rest >= 0.5f ? 1 : (rest <= -0.5f ? -1 : 0);
    }
    output[i] = edgeq_clamp_int8(rounded + p->zero_point, INT8_MIN, INT8_MAX);
  }
}

void edgeq_dequantize_int8(const edgeq_affine_params *p, const int8_t *input, float *output) {
  for (int32_t i = 0; i < p->count; i++) output[i] = p->scale * (float)(input[i] - p->zero_point);
}
