/* SVDF on int8, with a state of int8 or int16. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"

/* x in the low 8 or 16 bits, which is what a conversion to the state's type leaves. */
static inline int32_t wrapped(int32_t x, int wide) {
  return wide ? (int16_t)(uint16_t)(uint32_t)x : (int8_t)(uint8_t)(uint32_t)x;
}

static inline int32_t value(const void *values, int32_t at, int wide) {
  return wide ? ((const int16_t *)values)[at] : ((const int8_t *)values)[at];
}

static inline void store(void *values, int32_t at, int32_t x, int wide) {
  if (wide) {
    ((int16_t *)values)[at] = (int16_t)x;
  } else {
    ((int8_t *)values)[at] = (int8_t)x;
  }
}

/* What a filter sees now takes the place of the oldest in its memory, which moves on by one. */
static inline void remember(const edgeq_svdf_params *p, const int8_t *input, const int8_t *features,
                            void *state, int wide) {
  const int32_t low = wide ? INT16_MIN : INT8_MIN;
  const int32_t high = wide ? INT16_MAX : INT8_MAX;
  int32_t sum = 0;
  for (int32_t i = 0; i < p->depth; i++) sum += features[i] * (input[i] + p->input_offset);
  sum = edgeq_requantize(sum, p->feature_multiplier, p->feature_shift);
  sum = sum < low ? low : (sum > high ? high : sum);
  for (int32_t i = 0; i + 1 < p->memory; i++) store(state, i, value(state, i + 1, wide), wide);
  store(state, p->memory - 1, wrapped(sum - p->state_offset, wide), wide);
}

/* Inlined into both kernels, so that `wide` is a constant there. */
static inline void svdf(const edgeq_svdf_params *p, const int8_t *input, const int8_t *features,
                        const void *times, void *state, int8_t *output, int wide) {
  const int32_t width = wide ? 2 : 1;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    int32_t filter = 0;
    for (int32_t unit = 0; unit < p->units; unit++) {
      int32_t sum = p->bias ? p->bias[unit] : 0;
      for (int32_t rank = 0; rank < p->rank; rank++, filter++) {
        const int8_t *w = (const int8_t *)times + filter * p->memory * width;
        remember(p, input, features + filter * p->depth, state, wide);
        for (int32_t i = 0; i < p->memory; i++) {
          sum = edgeq_wrapping_add(sum, value(w, i, wide) * (value(state, i, wide) + p->state_offset));
        }
        state = (int8_t *)state + p->memory * width;
      }
      sum = edgeq_requantize(sum, p->time_multiplier, p->time_shift);
      *output++ = edgeq_clamp_int8(edgeq_wrapping_add(sum, p->output_offset), INT8_MIN, INT8_MAX);
    }
    input += p->depth;
  }
}

void edgeq_svdf_int8(const edgeq_svdf_params *p, const int8_t *input, const int8_t *features,
                     const int8_t *times, int8_t *state, int8_t *output) {
  svdf(p, input, features, times, state, output, 0);
}

void edgeq_svdf_int16(const edgeq_svdf_params *p, const int8_t *input, const int8_t *features,
                      const int16_t *times, int16_t *state, int8_t *output) {
  svdf(p, input, features, times, state, output, 1);
}
