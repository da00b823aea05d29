/* What the agent tells of itself in words: the facts of the link's ABOUT. */
#ifndef EDGEQ_AGENT_FACTS_H
#define EDGEQ_AGENT_FACTS_H

#include "litert.h"
#include "options.h"

namespace edgeq {

/* Collects what stays as it is; the engine has been started. `options` must live on. */
void collect_facts(const LiteRt &litert, const Options &options);

}  // namespace edgeq

#endif
