/* The time of each op, by LiteRT's profiler, in a compiled model of its own. */
#ifndef EDGEQ_AGENT_PROFILE_H
#define EDGEQ_AGENT_PROFILE_H

#include <stdint.h>

#include "litert.h"
#include "memory.h"
#include "tensors.h"

namespace edgeq {

/* The mean time of each op of an inference, as rows of what the link's mode PROFILE gives. */
class Profile {
 public:
  /* Whether LiteRT's library has a profiler. */
  bool can();

  /* Runs `compiled`, which was made with profiling on, on the inputs as they are, for half a second or so.
   * False: LiteRT refused, or its library's events are of another form; said on stderr. */
  bool measure(const LiteRt &litert, LrCompiledModel compiled, Tensors *inputs, Tensors *outputs);

  const uint8_t *rows() const { return rows_.data(); }
  uint32_t bytes() const { return bytes_; }

 private:
  bool run(const LiteRt &litert, LrCompiledModel compiled, Tensors *inputs, Tensors *outputs);
  bool add(const LrEvent *events, size_t count);
  void write(const LrEvent *events, size_t count);

  LiteRtProfiler calls_ = {};
  LrProfiler profiler_ = nullptr;
  uint32_t runs_ = 0;
  Array<LrEvent> events_;
  Array<uint64_t> microseconds_; /* of each op, over all runs */
  Array<uint8_t> rows_;
  uint32_t bytes_ = 0;
};

}  // namespace edgeq

#endif
