/* A .tflite in LiteRT's CompiledModel, on the CPU: the model's own types in, and out. For apps (edgeq
 * export). */
#ifndef EDGEQ_APP_RUNTIME_H
#define EDGEQ_APP_RUNTIME_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "litert_api.h"

namespace edgeq {

/* What an input or output is. `element` is LiteRT's element type. */
struct TensorForm {
  std::int32_t element;
  std::vector<std::int32_t> shape;
  std::size_t bytes;
};

/* One model, loaded and compiled. One thread at a time may run it. */
class Runtime {
 public:
  /* Copies the .tflite, checks that it has this SHA-256 (in hexadecimal), and compiles it for so many
   * threads. `library` is LiteRT's shared library, null for libLiteRt.so as it lies in an app; it stays
   * loaded until the process ends. Null if that fails: `error` then says why. */
  static std::unique_ptr<Runtime> create(const void *tflite, std::size_t bytes, const std::string &sha256,
                                         const std::vector<TensorForm> &inputs,
                                         const std::vector<TensorForm> &outputs, const char *library,
                                         unsigned threads, std::string *error);

  Runtime(const Runtime &) = delete;
  Runtime &operator=(const Runtime &) = delete;
  ~Runtime();

  /* Where an input is written to, and an output read from; as many bytes as its form says. They stay where
   * they are. */
  void *input(std::size_t index) { return inputs_[index].memory.get(); }
  const void *output(std::size_t index) const { return outputs_[index].memory.get(); }

  /* One inference. False if LiteRT fails: `error` then says why. */
  bool run(std::string *error);

 private:
  struct Release {
    void operator()(void *memory) const;
  };
  using Memory = std::unique_ptr<void, Release>;
  struct Bound {
    Memory memory;
    LrBuffer buffer;
  };

  Runtime() = default;
  static Memory zeros(std::size_t bytes);
  bool load(const char *library, std::string *error);
  bool compile(std::size_t bytes, unsigned threads, std::string *error);
  LrStatus add_cpu_options(LrOptions options, unsigned threads) const;
  bool bind(const std::vector<TensorForm> &forms, bool are_inputs, std::string *error);
  bool failed(LrStatus status, const char *what, std::string *error) const;

  LiteRt litert_ = {};
  Memory model_bytes_;
  LrEnvironment environment_ = nullptr;
  LrModel model_ = nullptr;
  LrCompiledModel compiled_ = nullptr;
  std::vector<Bound> inputs_, outputs_;
};

}  // namespace edgeq

#endif
