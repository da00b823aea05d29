#include "runtime.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "sha256.h"

namespace edgeq {
namespace {

constexpr char kUsualName[] = "libLiteRt.so";
constexpr std::size_t kAlignment = 64; /* LiteRT takes host memory of this alignment only */

struct Symbol {
  const char *name;
  std::size_t member; /* where its address goes */
};

constexpr Symbol kSymbols[] = {
#define EDGEQ_SYMBOL(result, name, arguments) {#name, offsetof(LiteRt, name)},
    EDGEQ_LITERT_CALLS(EDGEQ_SYMBOL)
#undef EDGEQ_SYMBOL
};

std::string hex_digest(const void *data, std::size_t bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::uint8_t digest[kSha256Bytes];
  sha256(data, bytes, digest);
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

void Runtime::Release::operator()(void *memory) const {
  std::free(memory);
}

/* XNNPACK reads a little beyond a tensor's end. */
Runtime::Memory Runtime::zeros(std::size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes + kAlignment) != 0) throw std::bad_alloc();
  std::memset(memory, 0, bytes + kAlignment);
  return Memory(memory);
}

std::unique_ptr<Runtime> Runtime::create(const void *tflite, std::size_t bytes, const std::string &sha256,
                                         const std::vector<TensorForm> &inputs,
                                         const std::vector<TensorForm> &outputs, const char *library,
                                         unsigned threads, std::string *error) {
  const std::string found = hex_digest(tflite, bytes);
  if (found != sha256) {
    *error = "the .tflite has the SHA-256 " + found + ", and not " + sha256;
    return nullptr;
  }
  std::unique_ptr<Runtime> made(new Runtime);
  made->model_bytes_ = zeros(bytes);
  std::memcpy(made->model_bytes_.get(), tflite, bytes);
  const bool done = made->load(library, error) && made->compile(bytes, threads, error) &&
                    made->bind(inputs, true, error) && made->bind(outputs, false, error);
  return done ? std::move(made) : nullptr;
}

Runtime::~Runtime() {
  for (const std::vector<Bound> *side : {&inputs_, &outputs_}) {
    for (const Bound &bound : *side) litert_.LiteRtDestroyTensorBuffer(bound.buffer);
  }
  if (compiled_ != nullptr) litert_.LiteRtDestroyCompiledModel(compiled_);
  if (model_ != nullptr) litert_.LiteRtDestroyModel(model_);
  if (environment_ != nullptr) litert_.LiteRtDestroyEnvironment(environment_);
}

bool Runtime::run(std::string *error) {
  std::vector<LrBuffer> in, out;
  for (const Bound &bound : inputs_) in.push_back(bound.buffer);
  for (const Bound &bound : outputs_) out.push_back(bound.buffer);
  return !failed(litert_.LiteRtRunCompiledModel(compiled_, 0, in.size(), in.data(), out.size(), out.data()),
                 "running the model", error);
}

bool Runtime::load(const char *library, std::string *error) {
  void *handle = dlopen(library != nullptr ? library : kUsualName, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    *error = std::string("LiteRT's library cannot be loaded: ") + dlerror();
    return false;
  }
  for (const Symbol &symbol : kSymbols) {
    void *address = dlsym(handle, symbol.name);
    if (address == nullptr) {
      *error = std::string("LiteRT's library has no ") + symbol.name + ": it is of another version than 2.3";
      return false;
    }
    std::memcpy(reinterpret_cast<char *>(&litert_) + symbol.member, &address, sizeof address);
  }
  return true;
}

bool Runtime::compile(std::size_t bytes, unsigned threads, std::string *error) {
  const LrEnvironmentOption settings[] = {
      {kLrTagAccelerators, {kLrAnyInt, kLrCpu}},
      {kLrTagSeverity, {kLrAnyInt, kLrSeverityError}},
  };
  if (failed(litert_.LiteRtCreateEnvironment(2, settings, &environment_), "making an environment", error) ||
      failed(litert_.LiteRtCreateModelFromBuffer(environment_, model_bytes_.get(), bytes, &model_),
             "reading the model", error)) {
    return false;
  }
  LrOptions options = nullptr;
  if (failed(litert_.LiteRtCreateOptions(&options), "making options", error)) return false;
  LrStatus status = litert_.LiteRtSetOptionsHardwareAccelerators(options, kLrCpu);
  if (status == kLrOk) status = add_cpu_options(options, threads);
  if (status == kLrOk) {
    status = litert_.LiteRtCreateCompiledModel(environment_, model_, options, &compiled_);
  }
  litert_.LiteRtDestroyOptions(options);
  return !failed(status, "compiling the model", error);
}

/* LiteRT reads options of its CPU kernels as TOML, and frees the text. */
LrStatus Runtime::add_cpu_options(LrOptions options, unsigned threads) const {
  constexpr std::size_t kRoom = 64;
  char *text = static_cast<char *>(std::malloc(kRoom));
  if (text == nullptr) throw std::bad_alloc();
  (void)std::snprintf(text, kRoom, "kernel_mode = \"delegate\"\nnum_threads = %u\n", threads);
  LrOpaqueOptions opaque = nullptr;
  LrStatus status = litert_.LiteRtCreateOpaqueOptions("xnnpack", text, std::free, &opaque);
  if (status != kLrOk) {
    std::free(text);
    return status;
  }
  status = litert_.LiteRtAddOpaqueOptions(options, opaque);
  if (status != kLrOk) litert_.LiteRtDestroyOpaqueOptions(opaque);
  return status;
}

bool Runtime::bind(const std::vector<TensorForm> &forms, bool are_inputs, std::string *error) {
  std::vector<Bound> &side = are_inputs ? inputs_ : outputs_;
  for (const TensorForm &form : forms) {
    LrTensorType type = {};
    type.element = form.element;
    type.rank = static_cast<std::uint8_t>(std::min<std::size_t>(form.shape.size(), kLrMaxRank));
    std::copy_n(form.shape.begin(), type.rank, type.shape);

    LrRequirements wanted = nullptr;
    std::size_t bytes = 0;
    LrStatus status =
        are_inputs
            ? litert_.LiteRtGetCompiledModelInputBufferRequirements(compiled_, 0, side.size(), &wanted)
            : litert_.LiteRtGetCompiledModelOutputBufferRequirements(compiled_, 0, side.size(), &wanted);
    if (status == kLrOk) status = litert_.LiteRtGetTensorBufferRequirementsBufferSize(wanted, &bytes);
    Bound bound = {zeros(std::max(bytes, form.bytes)), nullptr};
    if (status == kLrOk) {
      status = litert_.LiteRtCreateTensorBufferFromHostMemory(
          &type, bound.memory.get(), std::max(bytes, form.bytes), nullptr, &bound.buffer);
    }
    if (failed(status, are_inputs ? "memory for an input" : "memory for an output", error)) return false;
    side.push_back(std::move(bound));
  }
  return true;
}

bool Runtime::failed(LrStatus status, const char *what, std::string *error) const {
  if (status == kLrOk) return false;
  *error = std::string(what) + ": LiteRT's status " + std::to_string(status);
  return true;
}

}  // namespace edgeq
