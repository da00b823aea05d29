/* A sample that the host ran: test_model MODEL.tflite FOLDER_OF_GOLDEN_FILES [LIBLITERT]. Made by edgeq 0.1.0. */
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "small_net/model.h"

namespace {

std::vector<char> content(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/* float32, little-endian, as Android's and iOS's processors are. */
std::vector<float> golden(const std::string &path) {
  const std::vector<char> bytes = content(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  for (std::size_t i = 0; i < values.size(); i++) {
    std::copy_n(bytes.data() + i * sizeof(float), sizeof(float), reinterpret_cast<char *>(&values[i]));
  }
  return values;
}

/* Processors round in their own order: an SQNR of 60 dB is enough, as for `edgeq validate`. */
bool near(const std::vector<float> &expected, const std::vector<float> &found) {
  double signal = 0.0, noise = 0.0;
  for (std::size_t i = 0; i < expected.size() && i < found.size(); i++) {
    const double e = expected[i], d = e - static_cast<double>(found[i]);
    signal += e * e;
    noise += d * d;
  }
  return expected.size() == found.size() && noise <= signal * 1.000000e-06;
}

/* Ops that XNNPACK leaves to LiteRT round to the other side now and then: one step is enough. */
bool within_a_step(const std::vector<float> &expected, const std::vector<float> &found, float step) {
  if (expected.size() != found.size()) return false;
  for (std::size_t i = 0; i < expected.size(); i++) {
    if (!(std::fabs(expected[i] - found[i]) <= 1.01f * step)) return false;
  }
  return true;
}

}  // namespace

int main(int count, char **arguments) {
  if (count < 3) {
    (void)std::fprintf(stderr, "test_model MODEL.tflite FOLDER_OF_GOLDEN_FILES [LIBLITERT]\n");
    return 2;
  }
  const std::vector<char> tflite = content(arguments[1]);
  const std::string folder = std::string(arguments[2]) + "/";
  small_net::Options options;
  options.litert = count > 3 ? arguments[3] : nullptr;
  std::string error;
  const auto model = small_net::Model::load(tflite.data(), tflite.size(), &error, options);
  small_net::Inputs inputs;
  small_net::Outputs outputs;
  inputs.image = golden(folder + "golden_input_0.bin");
  inputs.class_input = golden(folder + "golden_input_1.bin");
  if (model == nullptr || !model->run(inputs, &outputs, &error)) {
    (void)std::fprintf(stderr, "small_net: %s\n", error.c_str());
    return 3;
  }
  bool right = true;
  right = within_a_step(golden(folder + "golden_output_0.bin"), outputs.digit,
                        small_net::digit::kQuantization.scale) && right;
  right = near(golden(folder + "golden_output_1.bin"), outputs.sum) && right;
  (void)std::printf("small_net: %s\n", right ? "answers as the host" : "answers otherwise than the host");
  return right ? 0 : 1;
}
