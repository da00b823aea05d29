#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "edgeq/crc32.h"
#include "model_file.h"
#include "profile.h"
#include "say.h"
#include "sha256.h"
#include "tensors.h"

namespace edgeq {
namespace {

/* Ops whose results depend on the runs before (codes of TensorFlow Lite's schema): LSTM, RNN, SVDF, sequences
 * of them, CALL_ONCE, and resource variables. */
constexpr int32_t kStatefulOps[] = {16, 24, 27, 35, 44, 46, 52, 129, 142, 143, 144};

constexpr size_t kNameBytes = 64;
constexpr char kCpuOptions[] = "xnnpack"; /* what LiteRT calls its options for all kernels of the CPU */
constexpr char kRuntimeOptions[] = "runtime_options_string";

struct Engine {
  const LiteRt *litert = nullptr;
  const Options *options = nullptr;
  ModelFile file;
  LrEnvironment environment = nullptr;
  LrModel model = nullptr;
  LrCompiledModel compiled = nullptr;
  Tensors inputs{Direction::kInput};
  Tensors outputs{Direction::kOutput};
  Profile profile;
  bool stateful = false;
  bool accelerated = false;
  uint64_t warm_nanoseconds = 0;
  uint8_t digest[kSha256Bytes] = {};
  char name[kNameBytes] = {};
  edgeq_model contract = {};
};

Engine g_engine;

bool refused(const char *what, LrStatus status) {
  if (status == kLrOk) return false;
  say("%s: %s: LiteRT's status %d, %s.", g_engine.options->model, what, status, litert_words(status));
  return true;
}

/* The file's name without folder and suffix. */
void keep_name(const char *path) {
  const char *slash = strrchr(path, '/');
  (void)snprintf(g_engine.name, sizeof g_engine.name, "%s", slash != nullptr ? slash + 1 : path);
  char *dot = strrchr(g_engine.name, '.');
  if (dot != nullptr && dot != g_engine.name) *dot = '\0';
}

bool make_environment() {
  const LrEnvironmentOption options[] = {
      {kLrTagAccelerators, {kLrAnyInt, kLrCpu}},
      {kLrTagSeverity, {kLrAnyInt, kLrSeverityError}},
  };
  const int count = static_cast<int>(sizeof options / sizeof options[0]);
  return !refused("making an environment",
                  g_engine.litert->LiteRtCreateEnvironment(count, options, &g_engine.environment));
}

/* Counts the ops, and looks for those that have a state. */
bool look_at_ops(LrSubgraph subgraph, size_t *count) {
  const LiteRt &litert = *g_engine.litert;
  if (refused("counting ops", litert.LiteRtGetNumSubgraphOps(subgraph, count))) return false;
  for (size_t i = 0; i < *count; i++) {
    LrOp op = nullptr;
    int32_t code = 0;
    if (refused("reading ops", litert.LiteRtGetSubgraphOp(subgraph, i, &op))) return false;
    if (refused("reading ops", litert.LiteRtGetOpCode(op, &code))) return false;
    for (const int32_t stateful : kStatefulOps) g_engine.stateful |= code == stateful;
  }
  return true;
}

void release_compiled() {
  const LiteRt &litert = *g_engine.litert;
  g_engine.inputs.unbind(litert);
  g_engine.outputs.unbind(litert);
  if (g_engine.compiled != nullptr) litert.LiteRtDestroyCompiledModel(g_engine.compiled);
  g_engine.compiled = nullptr;
}

/* Options that LiteRT reads as TOML, a copy of which it frees. */
LrStatus add_options(LrOptions options, const char *name, const char *toml) {
  char *text = strdup(toml);
  if (text == nullptr) abort();
  LrOpaqueOptions opaque = nullptr;
  LrStatus status = g_engine.litert->LiteRtCreateOpaqueOptions(name, text, free, &opaque);
  if (status != kLrOk) {
    free(text);
    return status;
  }
  status = g_engine.litert->LiteRtAddOpaqueOptions(options, opaque);
  if (status != kLrOk) g_engine.litert->LiteRtDestroyOpaqueOptions(opaque);
  return status;
}

LrStatus add_cpu_options(LrOptions options) {
  char text[96];
  (void)snprintf(text, sizeof text, "kernel_mode = \"%s\"\nnum_threads = %u\n",
                 g_engine.options->builtin_kernels ? "builtin" : "delegate", g_engine.options->threads);
  return add_options(options, kCpuOptions, text);
}

/* The model, compiled; null and said on stderr if LiteRT refuses. */
LrCompiledModel compiled_model(bool profiled) {
  const LiteRt &litert = *g_engine.litert;
  LrOptions options = nullptr;
  if (refused("making options", litert.LiteRtCreateOptions(&options))) return nullptr;
  LrCompiledModel compiled = nullptr;
  LrStatus status = litert.LiteRtSetOptionsHardwareAccelerators(options, kLrCpu);
  if (status == kLrOk) status = add_cpu_options(options);
  if (status == kLrOk && profiled)
    status = add_options(options, kRuntimeOptions, "enable_profiling = true\n");
  if (status == kLrOk) {
    status = litert.LiteRtCreateCompiledModel(g_engine.environment, g_engine.model, options, &compiled);
  }
  litert.LiteRtDestroyOptions(options);
  return refused("compiling the model", status) ? nullptr : compiled;
}

bool compile() {
  const LiteRt &litert = *g_engine.litert;
  release_compiled();
  g_engine.compiled = compiled_model(false);
  if (g_engine.compiled == nullptr) return false;
  if (litert.LiteRtCompiledModelIsFullyAccelerated(g_engine.compiled, &g_engine.accelerated) != kLrOk) {
    g_engine.accelerated = false;
  }
  return g_engine.inputs.bind(litert, g_engine.compiled) && g_engine.outputs.bind(litert, g_engine.compiled);
}

edgeq_status invoke() {
  const LrStatus status = g_engine.litert->LiteRtRunCompiledModel(
      g_engine.compiled, 0, g_engine.inputs.count(), g_engine.inputs.buffers(), g_engine.outputs.count(),
      g_engine.outputs.buffers());
  return refused("running the model", status) ? EDGEQ_FAILED : EDGEQ_OK;
}

/* Runs on zeros. A model with variables begins with its first values, and is not warmed up. */
edgeq_status warm_up() {
  g_engine.warm_nanoseconds = 0;
  for (uint32_t i = 0; i < warm_ups(); i++) {
    const uint64_t begin = nanoseconds();
    if (invoke() != EDGEQ_OK) return EDGEQ_FAILED;
    const uint64_t took = nanoseconds() - begin;
    if (i == 0 || took < g_engine.warm_nanoseconds) g_engine.warm_nanoseconds = took;
  }
  return EDGEQ_OK;
}

edgeq_status init() {
  return compile() ? warm_up() : EDGEQ_FAILED;
}

/* The CRC-32 of the outputs for ramps, in memory that was full of a byte before. */
edgeq_status run_ramps(uint8_t before, uint32_t *crc) {
  g_engine.inputs.fill_with_ramps();
  g_engine.outputs.fill(before);
  const edgeq_status status = invoke();
  *crc = 0;
  for (size_t i = 0; i < g_engine.outputs.count(); i++) {
    const edgeq_tensor &output = g_engine.outputs.tensors()[i];
    *crc = edgeq_crc32(*crc, output.data, output.bytes);
  }
  return status;
}

/* There is no golden output: the model is compiled anew, and must give the same twice; what LiteRT does not
 * write differs. */
edgeq_status selftest() {
  uint32_t first = 0, second = 0;
  if (init() != EDGEQ_OK || run_ramps(0x55, &first) != EDGEQ_OK || init() != EDGEQ_OK ||
      run_ramps(0xAA, &second) != EDGEQ_OK || (g_engine.stateful && init() != EDGEQ_OK)) {
    return EDGEQ_FAILED;
  }
  return first == second ? EDGEQ_OK : EDGEQ_MISMATCH;
}

}  // namespace

bool load_engine(const LiteRt &litert, const Options &options) {
  Engine &e = g_engine;
  e.litert = &litert;
  e.options = &options;
  if (!e.file.open(options.model)) return false;
  sha256(e.file.data(), e.file.bytes(), e.digest);
  keep_name(options.model);

  LrSignature signature = nullptr;
  LrSubgraph subgraph = nullptr;
  size_t ops = 0;
  if (!make_environment() ||
      refused("reading the model",
              litert.LiteRtCreateModelFromBuffer(e.environment, e.file.data(), e.file.bytes(), &e.model)) ||
      refused("reading its signature", litert.LiteRtGetModelSignature(e.model, 0, &signature)) ||
      refused("reading its graph", litert.LiteRtGetSignatureSubgraph(signature, &subgraph)) ||
      !look_at_ops(subgraph, &ops) || !e.inputs.describe(litert, subgraph) ||
      !e.outputs.describe(litert, subgraph)) {
    unload_engine();
    return false;
  }
  e.contract.abi = EDGEQ_ENGINE_ABI;
  e.contract.name = e.name;
  e.contract.engine = options.builtin_kernels ? "litert-builtin" : "litert";
  e.contract.sha256 = e.digest;
  e.contract.inputs = e.inputs.tensors();
  e.contract.outputs = e.outputs.tensors();
  e.contract.input_count = static_cast<uint16_t>(e.inputs.count());
  e.contract.output_count = static_cast<uint16_t>(e.outputs.count());
  e.contract.op_count = static_cast<uint16_t>(ops);
  e.contract.init = init;
  e.contract.invoke = invoke;
  e.contract.selftest = selftest;
  return true;
}

const edgeq_model *engine() {
  return &g_engine.contract;
}

uint64_t warm_nanoseconds() {
  return g_engine.warm_nanoseconds;
}

uint32_t warm_ups() {
  return g_engine.stateful ? 0 : g_engine.options->warmup;
}

bool fully_accelerated() {
  return g_engine.accelerated;
}

bool can_profile() {
  return g_engine.profile.can();
}

/* Buffers are of host memory, and fit every compiled model of the same graph. */
edgeq_status profile_engine(const void **rows, uint32_t *bytes) {
  Engine &e = g_engine;
  LrCompiledModel profiled = compiled_model(true);
  if (profiled == nullptr) return EDGEQ_FAILED;
  const bool done = e.profile.measure(*e.litert, profiled, &e.inputs, &e.outputs);
  e.litert->LiteRtDestroyCompiledModel(profiled);
  *rows = e.profile.rows();
  *bytes = done ? e.profile.bytes() : 0;
  return done ? EDGEQ_OK : EDGEQ_FAILED;
}

void unload_engine() {
  Engine &e = g_engine;
  release_compiled();
  e.inputs.clear();
  e.outputs.clear();
  if (e.model != nullptr) e.litert->LiteRtDestroyModel(e.model);
  if (e.environment != nullptr) e.litert->LiteRtDestroyEnvironment(e.environment);
  e.model = nullptr;
  e.environment = nullptr;
  e.file.close();
}

}  // namespace edgeq
