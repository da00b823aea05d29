/* Time for measurements. */
#ifndef EDGEQ_AGENT_CLOCK_H
#define EDGEQ_AGENT_CLOCK_H

#include <stdint.h>
#include <time.h>

namespace edgeq {

/* Of a clock that runs evenly and is not set. */
inline uint64_t nanoseconds() {
  timespec now = {};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace edgeq

#endif
