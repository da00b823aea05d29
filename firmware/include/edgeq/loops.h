/* Loops over inputs, as parameters of kernels. */
#ifndef EDGEQ_LOOPS_H
#define EDGEQ_LOOPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most loops that a broadcast or a reduction can need. */
#define EDGEQ_MAX_LOOPS 8

/* One loop over two inputs: `extent` steps, each of which moves the inputs on by their strides (in elements).
 */
typedef struct edgeq_broadcast_loop {
  int32_t extent;
  int32_t stride1;
  int32_t stride2;
} edgeq_broadcast_loop;

/* One loop over the input: `extent` steps of `stride` elements; a copy's stride may be negative. */
typedef struct edgeq_reduce_loop {
  int32_t extent;
  int32_t stride;
} edgeq_reduce_loop;

#ifdef __cplusplus
}
#endif

#endif
