/* The processors that the agent runs on. */
#ifndef EDGEQ_AGENT_CPUS_H
#define EDGEQ_AGENT_CPUS_H

#include <stddef.h>
#include <stdint.h>

namespace edgeq {

/* Keeps this thread, and those that it starts later, on the processors of a list like 0-3,6. Says on stderr
 * what is wrong, and returns false. */
bool pin_to(const char *list);

/* Who sets the clock of those that this thread may run on, and to what: "schedutil, 600 to 2400 MHz"; says so
 * where nothing is known. At most `room` bytes, with a zero at the end. */
void clock_governor(char *to, size_t room);

/* Those processors, as a list. Likewise. */
void allowed_cpus(char *to, size_t room);

/* Their fastest clock in Hz; 0 where the system does not tell. */
uint32_t fastest_clock_hz();

}  // namespace edgeq

#endif
