/* Real values to a model's integers and back, with the bits that edgeq and TensorFlow Lite Micro compute on
 * the host.
 *
 * real = scale * (q - zero_point), in IEEE single precision. No C library is needed.
 */
#ifndef EDGEQ_AFFINE_H
#define EDGEQ_AFFINE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* q[i] = values[i] / scale, rounded to nearest (halves away from zero), plus the zero point, saturated. scale
 * is positive. A NaN becomes the smallest value of the type. The buffers do not overlap. */
void edgeq_affine_to_int8(const float *values, uint32_t count, float scale, int32_t zero_point, int8_t *q);
void edgeq_affine_to_int16(const float *values, uint32_t count, float scale, int32_t zero_point, int16_t *q);

/* values[i] = scale * (q[i] - zero_point). The buffers do not overlap. */
void edgeq_affine_from_int8(const int8_t *q, uint32_t count, float scale, int32_t zero_point, float *values);
void edgeq_affine_from_int16(const int16_t *q, uint32_t count, float scale, int32_t zero_point,
                             float *values);

#ifdef __cplusplus
}
#endif

#endif
