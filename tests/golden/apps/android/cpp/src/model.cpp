/* Made by edgeq 0.1.0. */
#include "small_net/model.h"

#include <cstring>
#include <utility>

#include "runtime.h"

namespace small_net {
namespace {

template <typename Shape>
edgeq::TensorForm form(std::int32_t element, const Shape &shape, std::size_t bytes) {
  return {element, {shape.begin(), shape.end()}, bytes};
}

bool has(const std::vector<float> &values, std::size_t wanted, const char *name, std::string *error) {
  if (values.size() == wanted) return true;
  *error = std::string(name) + " has " + std::to_string(values.size()) + " values, not " + std::to_string(wanted);
  return false;
}

}  // namespace

Model::Model(std::unique_ptr<edgeq::Runtime> runtime) : runtime_(std::move(runtime)) {}
Model::~Model() = default;

std::unique_ptr<Model> Model::load(const void *tflite, std::size_t bytes, std::string *error,
                                   const Options &options) {
  const std::vector<edgeq::TensorForm> inputs = {
      form(edgeq::kLrInt8, image::kShape, image::kElements * sizeof(image::Type)),
      form(edgeq::kLrFloat32, class_input::kShape, class_input::kElements * sizeof(class_input::Type)),
  };
  const std::vector<edgeq::TensorForm> outputs = {
      form(edgeq::kLrInt8, digit::kShape, digit::kElements * sizeof(digit::Type)),
      form(edgeq::kLrFloat32, sum::kShape, sum::kElements * sizeof(sum::Type)),
  };
  auto runtime = edgeq::Runtime::create(tflite, bytes, kModelSha256, inputs, outputs, options.litert,
                                        options.threads, error);
  return runtime == nullptr ? nullptr : std::unique_ptr<Model>(new Model(std::move(runtime)));
}

bool Model::run(const Inputs &inputs, Outputs *outputs, std::string *error) {
  if (!has(inputs.image, image::kElements, "image", error)) return false;
  if (!has(inputs.class_input, class_input::kElements, "class_input", error)) return false;
  auto *to_0 = static_cast<image::Type *>(runtime_->input(0));
  for (const float value : inputs.image) {
    *to_0++ = edgeq::quantize<image::Type>(value, image::kQuantization);
  }
  std::memcpy(runtime_->input(1), inputs.class_input.data(), class_input::kElements * sizeof(float));
  if (!runtime_->run(error)) return false;
  outputs->digit.resize(digit::kElements);
  auto *from_0 = static_cast<const digit::Type *>(runtime_->output(0));
  for (float &value : outputs->digit) value = edgeq::dequantize(*from_0++, digit::kQuantization);
  outputs->sum.resize(sum::kElements);
  std::memcpy(outputs->sum.data(), runtime_->output(1), sum::kElements * sizeof(float));
  return true;
}

}  // namespace small_net
