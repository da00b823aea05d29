/* The agent as a board of firmware/include/edgeq/board.h: what the link asks of it, answered by a line. */
#ifndef EDGEQ_AGENT_BOARD_H
#define EDGEQ_AGENT_BOARD_H

#include <stdint.h>

#include "line.h"

namespace edgeq {

/* Gives the link its line, which must live as long as the link. */
void use_line(Line *line);

/* Counts ticks of nanoseconds, or of microseconds where an inference takes 0.4 s or more, or is not known
 * (0). One that takes more than 2^32 - 1 ticks is told as that. */
void choose_ticks(uint64_t expected_nanoseconds);

/* An emulated processor's time means nothing: no ticks, and no clock. */
void stop_ticks();

/* Whether the host has asked for a new start since this was asked last. */
bool take_restart();

}  // namespace edgeq

#endif
