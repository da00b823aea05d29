/* LiteRT's shared library: loaded when the agent starts. */
#ifndef EDGEQ_AGENT_LITERT_H
#define EDGEQ_AGENT_LITERT_H

#include "litert_api.h"

namespace edgeq {

/* Loads the library: `path`, or by its usual name where `path` is null. Says on stderr what is wrong, and
 * returns false, if it cannot be loaded or lacks a function. It stays loaded until the process ends. */
bool load_litert(const char *path, LiteRt *to);

/* LiteRT's profiler, which belongs to a compiled model. */
using LrProfiler = struct LrProfilerObject *;

/* What the profiler noted. Its text belongs to the profiler, until that is reset. */
struct LrEvent {
  const char *tag;
  int32_t kind;
  uint64_t start_microseconds;
  uint64_t elapsed_microseconds;
  int64_t memory[6];
  uint64_t op;
  uint64_t second;
  int32_t source;
};
static_assert(sizeof(LrEvent) == 104 && offsetof(LrEvent, op) == 80, "as in LiteRT");
constexpr int32_t kLrEventOp = 2;             /* an op that LiteRT's own kernel ran */
constexpr int32_t kLrEventDelegateOp = 4;     /* one of XNNPACK's */
constexpr int32_t kLrEventDelegateOpAsOp = 8; /* likewise */
constexpr int32_t kLrEventLast = 256;         /* kinds are single bits up to this one */

/* Functions of the profiler: of the agent alone, and a library may lack them. */
#define EDGEQ_LITERT_PROFILER_CALLS(CALL)                                                     \
  CALL(LrStatus, LiteRtCompiledModelGetProfiler, (LrCompiledModel compiled, LrProfiler * to)) \
  CALL(LrStatus, LiteRtStartProfiler, (LrProfiler profiler))                                  \
  CALL(LrStatus, LiteRtStopProfiler, (LrProfiler profiler))                                   \
  CALL(LrStatus, LiteRtResetProfiler, (LrProfiler profiler))                                  \
  CALL(LrStatus, LiteRtGetNumProfilerEvents, (LrProfiler profiler, int *to))                  \
  CALL(LrStatus, LiteRtGetProfilerEvents, (LrProfiler profiler, int count, LrEvent *to))

struct LiteRtProfiler {
#define EDGEQ_MEMBER(result, name, arguments) result(*name) arguments;
  EDGEQ_LITERT_PROFILER_CALLS(EDGEQ_MEMBER)
#undef EDGEQ_MEMBER
};

/* The profiler of the library that was loaded. False: it has none. */
bool find_profiler(LiteRtProfiler *to);

/* Which library was loaded: its file's name and digest, at most `room` bytes with a zero at the end. LiteRT's
 * API does not tell a version. */
void describe_litert(const LiteRt &litert, char *to, size_t room);

/* The words for a status, for messages. */
const char *litert_words(LrStatus status);

}  // namespace edgeq

#endif
