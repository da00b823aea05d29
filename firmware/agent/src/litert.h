/* LiteRT's shared library: loaded when the agent starts. */
#ifndef EDGEQ_AGENT_LITERT_H
#define EDGEQ_AGENT_LITERT_H

#include "litert_api.h"

namespace edgeq {

/* Loads the library: `path`, or by its usual name where `path` is null. Says on stderr what is wrong, and
 * returns false, if it cannot be loaded or lacks a function. It stays loaded until the process ends. */
bool load_litert(const char *path, LiteRt *to);

/* Which library was loaded: its file's name and digest, at most `room` bytes with a zero at the end. LiteRT's
 * API does not tell a version. */
void describe_litert(const LiteRt &litert, char *to, size_t room);

/* The words for a status, for messages. */
const char *litert_words(LrStatus status);

}  // namespace edgeq

#endif
