/* The model in LiteRT: real values in, real values out. Made by edgeq 0.1.0. */
#ifndef SMALL_NET_MODEL_H
#define SMALL_NET_MODEL_H

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "small_net/spec.h"

namespace small_net {

namespace edgeq {
class Runtime;
}

/* What the model takes, all real values, row by row and channels last. */
struct Inputs {
  std::vector<float> image; /* image::kElements of them, normalized */
  std::vector<float> class_input; /* class_input::kElements of them */
};

/* What the model answers, real values in the same order. */
struct Outputs {
  std::vector<float> digit; /* digit::kElements of them */
  std::vector<float> sum; /* sum::kElements of them */
};

struct Options {
  const char *litert = nullptr; /* LiteRT's shared library; null: libLiteRt.so, as it lies in an app */
  unsigned threads = 1;
};

/* The model, loaded. One thread at a time may run it. */
class Model {
 public:
  /* Loads the model from the bytes of small_net.tflite, which are copied (AAsset_getBuffer has them), and checks their
   * SHA-256. Slow: not on the thread that draws. Null if that fails: `error` then says why. */
  static std::unique_ptr<Model> load(const void *tflite, std::size_t bytes, std::string *error,
                                     const Options &options = {});
  ~Model();

  /* One inference. False if an input has another number of values than the model takes, or LiteRT fails: `error`
   * then says why. */
  bool run(const Inputs &inputs, Outputs *outputs, std::string *error);

 private:
  explicit Model(std::unique_ptr<edgeq::Runtime> runtime);
  std::unique_ptr<edgeq::Runtime> runtime_;
};

}  // namespace small_net

#endif
