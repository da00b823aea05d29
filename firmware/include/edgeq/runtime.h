/* What the start-up code of a board offers to the firmware that it runs. */
#ifndef EDGEQ_RUNTIME_H
#define EDGEQ_RUNTIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of main's stack: all that may be used, reserved at link time. Link and aot engine take up to 400. */
#ifndef EDGEQ_STACK_BYTES
#define EDGEQ_STACK_BYTES 2048
#endif

/* The most bytes of main's stack that were in use at any time since the start. */
uint32_t edgeq_stack_high_water(void);

#ifdef __cplusplus
}
#endif

#endif
