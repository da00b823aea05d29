/* Real values to a tensor's integers and back, normalization, and the best of a list: header only, C++17.
 *
 * Every result has the same bits as on the host that measured the model (edgeq/model/quantization.py), and as
 * TensorFlow Lite's QUANTIZE and DEQUANTIZE.
 */
#ifndef EDGEQ_APP_CONVERSION_H
#define EDGEQ_APP_CONVERSION_H

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#if defined(__FAST_MATH__)
#error \
    "edgeq: -ffast-math replaces the division by a product, and the model's inputs would differ from the host's"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "edgeq: float must be evaluated in single precision (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

namespace edgeq {

/* real = scale * (q - zero_point). */
struct Quantization {
  float scale;
  std::int32_t zero_point;
};

/* round(value / scale) + zero_point, half away from zero, saturating; the least T for NaN. */
template <typename T>
T quantize(float value, Quantization how) {
  constexpr float kLimit = 131072.0f; /* beyond every 8- and 16-bit range at any zero point, and exact */
  float scaled = value / how.scale;
  scaled = scaled > -kLimit ? scaled : -kLimit; /* also catches NaN */
  scaled = scaled < kLimit ? scaled : kLimit;
  std::int32_t whole = static_cast<std::int32_t>(scaled);
  const float fraction = scaled - static_cast<float>(whole);
  whole += fraction >= 0.5f ? 1 : 0;
  whole -= fraction <= -0.5f ? 1 : 0;
  whole += how.zero_point;
  const std::int32_t least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
  return static_cast<T>(std::clamp(whole, least, most));
}

/* scale * (q - zero_point), rounded once. */
template <typename T>
float dequantize(T q, Quantization how) {
  return how.scale * static_cast<float>(static_cast<std::int32_t>(q) - how.zero_point);
}

/* (x - mean) / std in single precision, in that order, on a copy. One mean and std for all values, or one per
 * channel, the last and fastest axis. */
template <typename Means, typename Deviations>
std::vector<float> normalize(std::vector<float> values, const Means &mean, const Deviations &deviation) {
  for (std::size_t i = 0; i < values.size(); i++) {
    values[i] = (values[i] - mean[i % mean.size()]) / deviation[i % deviation.size()];
  }
  return values;
}

/* Red, green and blue of pixels of four bytes (RGBA, as AndroidBitmap_lockPixels has them), 0 to 255. */
inline std::vector<float> rgb(const std::uint8_t *rgba, std::size_t pixels) {
  std::vector<float> values;
  values.reserve(3 * pixels);
  for (const std::uint8_t *at = rgba; at != rgba + 4 * pixels; at += 4) {
    for (int channel = 0; channel < 3; channel++) values.push_back(at[channel]);
  }
  return values;
}

/* The luminance of pixels of four bytes (RGBA), 0 to 255: ITU-R 601 in integers, as Pillow's mode "L". */
inline std::vector<float> gray(const std::uint8_t *rgba, std::size_t pixels) {
  std::vector<float> values;
  values.reserve(pixels);
  for (const std::uint8_t *at = rgba; at != rgba + 4 * pixels; at += 4) {
    const std::uint32_t sum = 19595u * at[0] + 38470u * at[1] + 7471u * at[2];
    values.push_back(static_cast<float>((sum + 0x8000u) >> 16));
  }
  return values;
}

/* NaN is below every number, so that any scores have an order. */
inline bool is_above(float score, float other) {
  return score > other || (other != other && score == score);
}

/* The places of the `count` largest scores, the largest first; among equal ones the first. NaN come last. */
inline std::vector<std::size_t> top(const std::vector<float> &scores, std::size_t count) {
  std::vector<std::size_t> places(scores.size());
  for (std::size_t i = 0; i < places.size(); i++) places[i] = i;
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return is_above(scores[a], scores[b]); });
  places.resize(std::min(count, places.size()));
  return places;
}

}  // namespace edgeq

#endif
