/* LiteRT as an engine of firmware/include/edgeq/engine.h: whole outputs, no trace points. */
#ifndef EDGEQ_AGENT_ENGINE_H
#define EDGEQ_AGENT_ENGINE_H

#include "edgeq/engine.h"
#include "litert.h"
#include "options.h"

namespace edgeq {

/* Reads the model that the options name, and asks LiteRT for its tensors. Says on stderr what is wrong, and
 * returns false. There is one engine in a process; `litert` and `options` must live as long as it. */
bool load_engine(const LiteRt &litert, const Options &options);

/* The engine that was loaded. Its init compiles the model, and runs it for warming up. */
const edgeq_model *engine();

/* What the shortest inference of the last warm-up took; 0: there was none. */
uint64_t warm_nanoseconds();

/* How many inferences a warm-up has: none for a model with variables. */
uint32_t warm_ups();

/* Whether every op of the model runs in the accelerated kernels that were asked for. Known after init. */
bool fully_accelerated();

/* Whether the library has a profiler. */
bool can_profile();

/* The mean time of each op, by a second compiled model with LiteRT's profiler, on the inputs as they are:
 * rows of the link's mode PROFILE, until the next call. */
edgeq_status profile_engine(const void **rows, uint32_t *bytes);

/* Gives all memory back. */
void unload_engine();

}  // namespace edgeq

#endif
