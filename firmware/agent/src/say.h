/* Messages of the agent: one line of stderr each, behind the program's name. */
#ifndef EDGEQ_AGENT_SAY_H
#define EDGEQ_AGENT_SAY_H

namespace edgeq {

/* printf to stderr, with the program's name before it and a line's end behind it. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

}  // namespace edgeq

#endif
