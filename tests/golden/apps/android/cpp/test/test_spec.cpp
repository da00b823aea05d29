/* What the host computed, bit by bit. Made by edgeq 0.1.0; runs anywhere, without LiteRT. */
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

#include "small_net/spec.h"

namespace {

int failures = 0;

void check(bool holds, const char *what) {
  if (holds) return;
  failures++;
  (void)std::printf("small_net: wrong: %s\n", what);
}

[[maybe_unused]] bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

[[maybe_unused]] std::int32_t bits(float value) {
  std::int32_t found;
  std::memcpy(&found, &value, sizeof found);
  return found;
}

void check_image() {
  namespace spec = small_net::image;
  check(std::accumulate(spec::kShape.begin(), spec::kShape.end(), std::size_t{1}, [](std::size_t n, std::int32_t size) {
          return n * static_cast<std::size_t>(size);
        }) == spec::kElements, "image: elements");
  check(bits(spec::kQuantization.scale) == 1016650112, "image: scale");
  check(spec::kQuantization.zero_point == -14, "image: zero point");
  const std::vector<float> own = {
      0.0f, 0.0f, 0.0f, 1.0f, 1.0f, 1.0f, 64.0f, 64.0f, 64.0f, 127.0f, 127.0f, 127.0f, 128.0f, 128.0f,
      128.0f, 254.0f, 254.0f, 254.0f, 255.0f, 255.0f, 255.0f, -3.5f, -3.5f, -3.5f};
  const std::vector<float> normal = {
      -2.117904f, -2.0357144f, -1.8044444f, -2.1007793f, -2.0182073f, -1.7870152f, -1.0219197f, -0.9152661f,
      -0.688976f, 0.056939755f, 0.18767509f, 0.4090632f, 0.07406451f, 0.2051821f, 0.4264924f, 2.2317834f,
      2.4110644f, 2.6225708f, 2.2489083f, 2.4285715f, 2.64f, -2.1778407f, -2.096989f, -1.8654466f};
  check(same_bits(small_net::edgeq::normalize(own, spec::kMean, spec::kDeviation), normal), "image: normalization");
  std::vector<std::uint8_t> rgba;
  for (const std::uint32_t color : std::vector<std::uint32_t>{
           0, 16777215, 16711680, 65280, 255, 8355969}) {
    for (const int shift : {16, 8, 0}) rgba.push_back(static_cast<std::uint8_t>(color >> shift & 255u));
    rgba.push_back(0xAB);
  }
  rgba.resize(4 * spec::kWidth * spec::kHeight);
  const std::vector<float> expected_pixels = {
      -2.117904f, -2.0357144f, -1.8044444f, 2.2489083f, 2.4285715f, 2.64f, 2.2489083f, -2.0357144f,
      -1.8044444f, -2.117904f, 2.4285715f, -1.8044444f, -2.117904f, -2.0357144f, 2.64f, 0.056939755f,
      0.2051821f, 0.4439216f};
  std::vector<float> preprocessed = spec::preprocess(rgba.data());
  check(preprocessed.size() == spec::kElements, "image: values of an image");
  preprocessed.resize(expected_pixels.size());
  check(same_bits(preprocessed, expected_pixels), "image: preprocessing");
  const std::vector<float> values = {
      0.0f, 0.0093292f, -0.0093292f, 0.0279876f, -0.0279876f, 0.046646f, -0.046646f, 0.009310542f,
      -0.009310542f, 0.0186584f, -0.0186584f, -2.1270576f, 2.6308343f, -2.1363869f, 2.6401634f, -2.2576663f,
      2.7614431f, -2.1177282f, 2.6215053f, 0.1352734f, -0.1446026f, 18658.4f, -18658.4f, 3e+38f, -3e+38f};
  const std::vector<int> expected = {
      -14, -13, -15, -12, -16, -11, -17, -14, -14, -13, -15, -128, 127, -128, 127, -128, 127, -127, 127, -7,
      -22, 127, -128, 127, -128};
  std::vector<int> quantized;
  for (const float value : values) {
    quantized.push_back(small_net::edgeq::quantize<spec::Type>(value, spec::kQuantization));
  }
  check(quantized == expected, "image: quantization");
  check(small_net::edgeq::quantize<spec::Type>(std::nanf(""), spec::kQuantization) == std::numeric_limits<spec::Type>::min(),
        "image: NaN");
  const std::vector<spec::Type> integers = {
      -128, -127, -15, -14, -13, 0, 3, 63, 100, 126, 127};
  const std::vector<float> reals = {
      -2.1270576f, -2.1083992f, -0.0186584f, 0.0f, 0.0186584f, 0.2612176f, 0.3171928f, 1.4366968f,
      2.1270576f, 2.612176f, 2.6308343f};
  std::vector<float> dequantized;
  for (const spec::Type q : integers) dequantized.push_back(small_net::edgeq::dequantize(q, spec::kQuantization));
  check(same_bits(dequantized, reals), "image: dequantization");
}

void check_class_input() {
  namespace spec = small_net::class_input;
  check(std::accumulate(spec::kShape.begin(), spec::kShape.end(), std::size_t{1}, [](std::size_t n, std::int32_t size) {
          return n * static_cast<std::size_t>(size);
        }) == spec::kElements, "class_input: elements");
}

void check_digit() {
  namespace spec = small_net::digit;
  check(std::accumulate(spec::kShape.begin(), spec::kShape.end(), std::size_t{1}, [](std::size_t n, std::int32_t size) {
          return n * static_cast<std::size_t>(size);
        }) == spec::kElements, "digit: elements");
  check(bits(spec::kQuantization.scale) == 1024980523, "digit: scale");
  check(spec::kQuantization.zero_point == 5, "digit: zero point");
  check(std::strcmp(spec::kLabels.front(), "say \"$no\"") == 0, "digit: first label");
  check(std::strcmp(spec::kLabels.back(), "tab\011here") == 0, "digit: last label");
  const std::vector<float> values = {
      0.0f, 0.01855f, -0.01855f, 0.055649996f, -0.055649996f, 0.09275f, -0.09275f, 0.018512899f,
      -0.018512899f, 0.0371f, -0.0371f, -4.9343f, 4.5262f, -4.95285f, 4.5447497f, -5.194f, 4.7858996f,
      -4.91575f, 4.50765f, 0.268975f, -0.287525f, 37100.0f, -37100.0f, 3e+38f, -3e+38f};
  const std::vector<int> expected = {
      5, 6, 4, 7, 3, 8, 2, 5, 5, 6, 4, -128, 127, -128, 127, -128, 127, -128, 127, 12, -3, 127, -128, 127,
      -128};
  std::vector<int> quantized;
  for (const float value : values) {
    quantized.push_back(small_net::edgeq::quantize<spec::Type>(value, spec::kQuantization));
  }
  check(quantized == expected, "digit: quantization");
  check(small_net::edgeq::quantize<spec::Type>(std::nanf(""), spec::kQuantization) == std::numeric_limits<spec::Type>::min(),
        "digit: NaN");
  const std::vector<spec::Type> integers = {
      -128, -127, 0, 3, 4, 5, 6, 82, 100, 126, 127};
  const std::vector<float> reals = {
      -4.9343f, -4.8971996f, -0.1855f, -0.0742f, -0.0371f, 0.0f, 0.0371f, 2.8567f, 3.5245f, 4.4891f,
      4.5262f};
  std::vector<float> dequantized;
  for (const spec::Type q : integers) dequantized.push_back(small_net::edgeq::dequantize(q, spec::kQuantization));
  check(same_bits(dequantized, reals), "digit: dequantization");
  std::vector<float> scores(spec::kElements, 0.0f);
  scores.back() = 1.0f;
  check(small_net::edgeq::top(scores, 2) == std::vector<std::size_t>{spec::kElements - 1, 0}, "digit: ranking");
  scores.front() = std::nanf("");
  check(small_net::edgeq::top(scores, spec::kElements).back() == 0, "digit: ranking of NaN");
}

void check_sum() {
  namespace spec = small_net::sum;
  check(std::accumulate(spec::kShape.begin(), spec::kShape.end(), std::size_t{1}, [](std::size_t n, std::int32_t size) {
          return n * static_cast<std::size_t>(size);
        }) == spec::kElements, "sum: elements");
}

}  // namespace

int main() {
  check_image();
  check_class_input();
  check_digit();
  check_sum();
  if (failures == 0) (void)std::printf("small_net: constants and conversions are the host's\n");
  return failures == 0 ? 0 : 1;
}
