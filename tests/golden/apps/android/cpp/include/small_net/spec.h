/* What the model is: names, shapes, conversions, labels. Made by edgeq 0.1.0 from the int8 variant of a build;
 * export again to change it. */
#ifndef SMALL_NET_SPEC_H
#define SMALL_NET_SPEC_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "small_net/conversion.h"

namespace small_net {

inline constexpr char kModelSha256[] = "f32b534591bca8857a177a66d5664ebc937085f6c577c372ea43b15eaea0213f";
inline constexpr std::size_t kModelBytes = 1881;
inline constexpr char kVariant[] = "int8";
inline constexpr char kSignature[] = "serving_default";

/* Input 0, "image": 1x2x3x3 of int8. */
namespace image {
using Type = std::int8_t;
inline constexpr char kName[] = "image";
inline constexpr std::array<std::int32_t, 4> kShape = {1, 2, 3, 3};
inline constexpr std::size_t kElements = 18;
inline constexpr edgeq::Quantization kQuantization = {0.0186584f, -14};
/* What an app's own values must have gone through: edgeq::normalize(values, kMean, kDeviation). */
inline constexpr std::array<float, 3> kMean = {123.675f, 116.28f, 103.53f};
inline constexpr std::array<float, 3> kDeviation = {58.395f, 57.12f, 57.375f};
inline constexpr std::size_t kWidth = 3;
inline constexpr std::size_t kHeight = 2;
/* From kWidth * kHeight pixels of four bytes (RGBA): the model's values. */
inline std::vector<float> preprocess(const std::uint8_t *rgba) {
  return edgeq::normalize(edgeq::rgb(rgba, kWidth * kHeight), kMean, kDeviation);
}
}  // namespace image

/* Input 1, "class": 1x5 of float32. */
namespace class_input {
using Type = float;
inline constexpr char kName[] = "class";
inline constexpr std::array<std::int32_t, 2> kShape = {1, 5};
inline constexpr std::size_t kElements = 5;
}  // namespace class_input

/* Output 0, "digit": 1x4 of int8. */
namespace digit {
using Type = std::int8_t;
inline constexpr char kName[] = "digit";
inline constexpr std::array<std::int32_t, 2> kShape = {1, 4};
inline constexpr std::size_t kElements = 4;
inline constexpr edgeq::Quantization kQuantization = {0.0371f, 5};
/* The names of the entries, in their order; UTF-8. */
inline constexpr std::array<const char *, 4> kLabels = {
    "say \"$no\"", "back\\slash \\(x)", "\303\266 \346\274\242\345\255\227 *\342\200\213/", "tab\011here",
};
}  // namespace digit

/* Output 1, "sum$": 1x5 of float32. */
namespace sum {
using Type = float;
inline constexpr char kName[] = "sum$";
inline constexpr std::array<std::int32_t, 2> kShape = {1, 5};
inline constexpr std::size_t kElements = 5;
}  // namespace sum

}  // namespace small_net

#endif
