#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#include "litert.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "model_file.h"
#include "say.h"
#include "sha256.h"

namespace edgeq {
namespace {

constexpr char kUsualName[] = "libLiteRt.so";

struct Symbol {
  const char *name;
  size_t member; /* where its address goes */
};

constexpr Symbol kSymbols[] = {
#define EDGEQ_SYMBOL(result, name, arguments) {#name, offsetof(LiteRt, name)},
    EDGEQ_LITERT_CALLS(EDGEQ_SYMBOL)
#undef EDGEQ_SYMBOL
};

constexpr Symbol kProfilerSymbols[] = {
#define EDGEQ_SYMBOL(result, name, arguments) {#name, offsetof(LiteRtProfiler, name)},
    EDGEQ_LITERT_PROFILER_CALLS(EDGEQ_SYMBOL)
#undef EDGEQ_SYMBOL
};

void *g_library = nullptr;

/* The function to its member of a struct of functions. */
bool look_up(const Symbol &symbol, void *to) {
  void *address = dlsym(g_library, symbol.name);
  memcpy(static_cast<char *>(to) + symbol.member, &address, sizeof address);
  return address != nullptr;
}

}  // namespace

bool load_litert(const char *path, LiteRt *to) {
  g_library = dlopen(path != nullptr ? path : kUsualName, RTLD_NOW | RTLD_LOCAL);
  if (g_library == nullptr) {
    say("LiteRT's library cannot be loaded: %s\n"
        "  Give its path with --litert. It is in the ai-edge-litert wheel of this machine's kind, or in "
        "LiteRT's "
        "Android package (jni/arm64-v8a/%s).",
        dlerror(), kUsualName);
    return false;
  }
  for (const Symbol &symbol : kSymbols) {
    if (!look_up(symbol, to)) {
      say("%s has no %s: it is of another version than this agent was made for (ai-edge-litert 2.3).",
          path != nullptr ? path : kUsualName, symbol.name);
      return false;
    }
  }
  return true;
}

bool find_profiler(LiteRtProfiler *to) {
  for (const Symbol &symbol : kProfilerSymbols) {
    if (!look_up(symbol, to)) return false;
  }
  return true;
}

void describe_litert(const LiteRt &litert, char *to, size_t room) {
  Dl_info where = {};
  ModelFile file;
  void *address = nullptr;
  memcpy(&address, &litert.LiteRtRunCompiledModel, sizeof address);
  if (dladdr(address, &where) == 0 || where.dli_fname == nullptr || !file.open(where.dli_fname)) {
    (void)snprintf(to, room, "LiteRT, of a library that cannot be read");
    return;
  }
  const char *slash = strrchr(where.dli_fname, '/');
  uint8_t digest[kSha256Bytes];
  char hex[2 * kSha256Bytes + 1];
  sha256(file.data(), file.bytes(), digest);
  for (size_t i = 0; i < kSha256Bytes; i++)
    (void)snprintf(hex + 2 * i, 3, "%02x", static_cast<unsigned>(digest[i]));
  (void)snprintf(to, room, "LiteRT, %.64s with SHA-256 %s", slash != nullptr ? slash + 1 : where.dli_fname,
                 hex);
}

const char *litert_words(LrStatus status) {
  switch (status) {
    case 1:
      return "invalid argument";
    case 2:
      return "no memory";
    case 3:
      return "failure at run time";
    case 5:
      return "not supported";
    case 6:
      return "not found";
    case 8:
      return "wrong version";
    case 500:
      return "file error";
    case 501:
      return "not a whole .tflite file";
    case 504:
      return "compilation failed";
    default:
      return "see LiteRT's own messages";
  }
}

}  // namespace edgeq
