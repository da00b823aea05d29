/* Stands for LiteRT's library: all that edgeq's C++ calls succeeds, and makes nothing. A file beside it may define
 * functions that do something. */
#include "litert_api.h"

namespace edgeq {
extern "C" {
#define EDGEQ_NOTHING(result, name, arguments) \
  __attribute__((weak)) result name arguments { return result(); }
EDGEQ_LITERT_CALLS(EDGEQ_NOTHING)
#undef EDGEQ_NOTHING
}
}  // namespace edgeq
