/* SysTick as a cycle counter, for cores without a DWT unit (Armv6-M ARM, B3.3). It has 24 bits; an interrupt
 * counts how often they are through. */
#ifndef EDGEQ_SYSTICK_H
#define EDGEQ_SYSTICK_H

#include <stdint.h>

/* Starts it at the processor's clock, with its interrupt. */
void edgeq_systick_start(void);

/* Cycles since the start, modulo 2^32. Not for handlers, nor where interrupts are off. */
uint32_t edgeq_systick_cycles(void);

#endif
