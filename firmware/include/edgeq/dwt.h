/* The cycle counter of a core's Data Watchpoint and Trace unit (Armv7-M ARM, C1.8): 32 bits, up, one a cycle.
 * Every Cortex-M3 and later has one, and no Armv6-M. */
#ifndef EDGEQ_DWT_H
#define EDGEQ_DWT_H

#include <stdbool.h>
#include <stdint.h>

/* Starts it. False if it stands still all the same: no core behind the registers, but an emulator. */
bool edgeq_dwt_start(void);

uint32_t edgeq_dwt_cycles(void);

#endif
