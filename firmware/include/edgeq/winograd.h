/* Products of transformed tiles and weights (kernels/winograd.h), by how many steps are unrolled: names for
 * the parameters of edgeq_conv_winograd_dsp_int8.
 *
 * edgeq_winograd_<steps>        positions of <steps> steps
 * edgeq_winograd_<steps>_loop   positions of a multiple of <steps> steps
 */
#ifndef EDGEQ_WINOGRAD_H
#define EDGEQ_WINOGRAD_H

typedef struct edgeq_winograd edgeq_winograd;
typedef void edgeq_winograd_run(const edgeq_winograd *w);

extern edgeq_winograd_run edgeq_winograd_2_loop, edgeq_winograd_8_loop;
extern edgeq_winograd_run edgeq_winograd_4, edgeq_winograd_8, edgeq_winograd_12, edgeq_winograd_16;
extern edgeq_winograd_run edgeq_winograd_24, edgeq_winograd_32;

#endif
