#include "facts.h"

#include <stdio.h>
#include <string.h>

#include "cpus.h"
#include "edgeq/board.h"
#include "edgeq/link.h"
#include "engine.h"

#if defined(__ANDROID__)
#include <sys/system_properties.h>
#endif

namespace edgeq {
namespace {

enum Fact : uint32_t {
  kMachine,
  kPlatform,
  kRuntime,
  kKernels,
  kThreads,
  kCpus,
  kGovernor,
  kWarmUp,
  kLayers,
  kOpProfile,
  kCount
};

constexpr const char *kKeys[kCount] = {
    "machine", "platform", "runtime", "kernels", "threads",
    "cpus",    "governor", "warm-up", "layers",  "per-op profile",
};

constexpr size_t kRoom = 201; /* what ABOUT carries, and a zero */
const Options *g_options = nullptr;
char g_values[kCount][kRoom];

#if defined(__ANDROID__)
/* What the phone is sold as. */
void model_name(char *to) {
  static_assert(PROP_VALUE_MAX <= kRoom, "a property fits into a fact");
  if (__system_property_get("ro.product.model", to) <= 0) to[0] = '\0';
}
#else
/* What the kernel calls the board. */
void model_name(char *to) {
  to[0] = '\0';
  FILE *file = fopen("/proc/device-tree/model", "re");
  if (file == nullptr) return;
  if (fgets(to, static_cast<int>(kRoom), file) == nullptr) to[0] = '\0';
  to[strcspn(to, "\n")] = '\0';
  (void)fclose(file);
}
#endif

void machine(char *to) {
  char name[kRoom];
  model_name(name);
  if (g_options->emulated != nullptr) {
    (void)snprintf(to, kRoom, "%s, emulated", g_options->emulated);
  } else if (name[0] != '\0') {
    (void)snprintf(to, kRoom, "%.160s (%s)", name, edgeq_board_name);
  } else {
    (void)snprintf(to, kRoom, "%s", edgeq_board_name);
  }
}

const char *kernels() {
  if (g_options->builtin_kernels) return "LiteRT's own, without XNNPACK";
  return fully_accelerated() ? "XNNPACK" : "XNNPACK, and LiteRT's own for ops that it lacks";
}

const char *op_profile() {
  if (g_options->emulated != nullptr) return "none: the processor is emulated";
  return can_profile() ? "by LiteRT's profiler, in whole microseconds" : "none: this LiteRT has no profiler";
}

}  // namespace

void collect_facts(const LiteRt &litert, const Options &options) {
  g_options = &options;
  machine(g_values[kMachine]);
  (void)snprintf(g_values[kPlatform], kRoom, "%s", edgeq_board_name);
  describe_litert(litert, g_values[kRuntime], kRoom);
  (void)snprintf(g_values[kKernels], kRoom, "%s", kernels());
  (void)snprintf(g_values[kThreads], kRoom, "%u", options.threads);
  allowed_cpus(g_values[kCpus], kRoom);
  (void)snprintf(g_values[kWarmUp], kRoom, "%u", warm_ups());
  (void)snprintf(
      g_values[kLayers], kRoom,
      "none: the native agent gives whole outputs; `edgeq agent` of the Python package has layers");
  (void)snprintf(g_values[kOpProfile], kRoom, "%s", op_profile());
}

}  // namespace edgeq

uint32_t edgeq_board_fact_count(void) {
  return edgeq::kCount;
}

void edgeq_board_fact(uint32_t index, const char **key, const char **value) {
  /* The governor may change at any time. */
  if (index == edgeq::kGovernor) edgeq::clock_governor(edgeq::g_values[edgeq::kGovernor], edgeq::kRoom);
  *key = edgeq::kKeys[index];
  *value = edgeq::g_values[index];
}

uint32_t edgeq_board_hello_flags(void) {
  return EDGEQ_LINK_HELLO_INTERPRETER |
         (edgeq::g_options->emulated != nullptr ? EDGEQ_LINK_HELLO_EMULATED : 0u);
}
