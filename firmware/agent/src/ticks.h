/* The counter that the link reads before and after an inference. */
#ifndef EDGEQ_AGENT_TICKS_H
#define EDGEQ_AGENT_TICKS_H

#include <stdint.h>

namespace edgeq {

/* Counts nanoseconds, or microseconds where an inference takes long or nobody knows how long.
 *
 * Between two readings it runs on by 2^32 - 1 ticks at most: what took longer (4.29 s, or 71 minutes) is told
 * as that, not as what is left of it modulo 2^32. */
class Ticks {
 public:
  /* Nanoseconds where `expected` ones of an inference, 0 if not known, are far below 2^32. */
  void choose(uint64_t expected) {
    constexpr uint64_t kLong = 400000000; /* a tenth of what 32 bits hold of nanoseconds */
    nanoseconds_per_tick_ = expected == 0 || expected >= kLong ? 1000 : 1;
  }

  uint32_t hz() const { return 1000000000u / nanoseconds_per_tick_; }

  /* The counter at a time of nanoseconds(), which is no earlier than the last one. */
  uint32_t at(uint64_t nanoseconds) {
    const uint64_t now = nanoseconds / nanoseconds_per_tick_;
    const uint64_t passed = now - read_at_;
    read_at_ = now;
    count_ += passed < UINT32_MAX ? static_cast<uint32_t>(passed) : UINT32_MAX;
    return count_;
  }

 private:
  uint32_t nanoseconds_per_tick_ = 1000;
  uint32_t count_ = 0;
  uint64_t read_at_ = 0;
};

}  // namespace edgeq

#endif
