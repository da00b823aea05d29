#include "profile.h"

#include <string.h>

#include "clock.h"
#include "say.h"

namespace edgeq {
namespace {

constexpr uint64_t kNanoseconds = 500000000;
constexpr uint32_t kMostRuns = 200;
constexpr uint32_t kWarmUps = 3;
constexpr size_t kMostLabel = 64;
constexpr size_t kRowBytes = 4 + 1 + 1 + kMostLabel; /* at most: nanoseconds, whose op it is, text */

bool is_op(const LrEvent &event) {
  return event.kind == kLrEventOp || event.kind == kLrEventDelegateOp || event.kind == kLrEventDelegateOpAsOp;
}

bool refused(const char *what, LrStatus status) {
  if (status == kLrOk) return false;
  say("profiling: %s: LiteRT's status %d, %s.", what, status, litert_words(status));
  return true;
}

/* Whether the events have the form that is declared here: their kinds are single low bits. */
bool are_known(const LrEvent *events, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const int32_t kind = events[i].kind;
    if (kind <= 0 || kind > kLrEventLast || (kind & (kind - 1)) != 0) {
      say("profiling: LiteRT's library tells events of another form than this agent knows.");
      return false;
    }
  }
  return true;
}

uint8_t *put32(uint8_t *to, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) *to++ = static_cast<uint8_t>(value >> (8 * i));
  return to;
}

}  // namespace

/* One inference; events_ are then its events. */
bool Profile::run(const LiteRt &litert, LrCompiledModel compiled, Tensors *inputs, Tensors *outputs) {
  int count = 0;
  if (refused("resetting", calls_.LiteRtResetProfiler(profiler_)) ||
      refused("starting", calls_.LiteRtStartProfiler(profiler_)) ||
      refused("running the model",
              litert.LiteRtRunCompiledModel(compiled, 0, inputs->count(), inputs->buffers(), outputs->count(),
                                            outputs->buffers())) ||
      refused("stopping", calls_.LiteRtStopProfiler(profiler_)) ||
      refused("counting events", calls_.LiteRtGetNumProfilerEvents(profiler_, &count))) {
    return false;
  }
  events_.allocate(count > 0 ? static_cast<size_t>(count) : 0);
  return !refused("reading events", calls_.LiteRtGetProfilerEvents(profiler_, count, events_.data())) &&
         are_known(events_.data(), events_.size());
}

/* The ops' times of one inference to those before. */
bool Profile::add(const LrEvent *events, size_t count) {
  size_t ops = 0;
  for (size_t i = 0; i < count; i++) ops += is_op(events[i]);
  if (runs_ == 0) microseconds_.allocate(ops);
  if (ops != microseconds_.size()) {
    say("profiling: LiteRT runs other ops from one inference to the next.");
    return false;
  }
  size_t op = 0;
  for (size_t i = 0; i < count; i++) {
    if (is_op(events[i])) microseconds_[op++] += events[i].elapsed_microseconds;
  }
  runs_++;
  return true;
}

/* The rows of all ops; the events are of the last inference, for the names. */
void Profile::write(const LrEvent *events, size_t count) {
  rows_.allocate(microseconds_.size() * kRowBytes);
  uint8_t *to = rows_.data();
  size_t op = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_op(events[i])) continue;
    const uint64_t mean = 1000 * microseconds_[op++] / runs_;
    const char *tag = events[i].tag != nullptr ? events[i].tag : "?";
    const size_t length = strnlen(tag, kMostLabel);
    to = put32(to, mean < UINT32_MAX ? static_cast<uint32_t>(mean) : UINT32_MAX);
    *to++ = events[i].kind != kLrEventOp;
    *to++ = static_cast<uint8_t>(length);
    memcpy(to, tag, length);
    to += length;
  }
  bytes_ = static_cast<uint32_t>(to - rows_.data());
}

bool Profile::can() {
  return find_profiler(&calls_);
}

bool Profile::measure(const LiteRt &litert, LrCompiledModel compiled, Tensors *inputs, Tensors *outputs) {
  runs_ = bytes_ = 0;
  if (!can()) {
    say("profiling: LiteRT's library has no profiler.");
    return false;
  }
  if (refused("asking for it", calls_.LiteRtCompiledModelGetProfiler(compiled, &profiler_))) return false;
  if (profiler_ == nullptr) {
    say("profiling: LiteRT's library does not know the option for it.");
    return false;
  }
  for (uint32_t i = 0; i < kWarmUps; i++) {
    if (!run(litert, compiled, inputs, outputs)) return false;
  }
  const uint64_t begin = nanoseconds();
  while (runs_ == 0 || (runs_ < kMostRuns && nanoseconds() - begin < kNanoseconds)) {
    if (!run(litert, compiled, inputs, outputs) || !add(events_.data(), events_.size())) return false;
  }
  write(events_.data(), events_.size());
  return true;
}

}  // namespace edgeq
