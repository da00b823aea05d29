/* Beside litert.cpp: opaque options are made and not taken. Whoever made them must give them back. */
#include "litert_api.h"

namespace edgeq {

struct LrOpaqueOptionsObject {
  void *payload;
  void (*destroy)(void *payload);
};

extern "C" {

LrStatus LiteRtCreateOpaqueOptions(const char *, void *payload, void (*destroy)(void *payload), LrOpaqueOptions *to) {
  *to = new LrOpaqueOptionsObject{payload, destroy};
  return kLrOk;
}

LrStatus LiteRtAddOpaqueOptions(LrOptions, LrOpaqueOptions) {
  return 3;
}

void LiteRtDestroyOpaqueOptions(LrOpaqueOptions options) {
  options->destroy(options->payload);
  delete options;
}
}

}  // namespace edgeq
