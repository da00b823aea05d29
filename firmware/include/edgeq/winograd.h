/* The steps of integer Winograd convolutions (kernels/winograd.h): names for the parameters of
 * edgeq_conv_winograd_dsp_int8. Tiles of 2x2 and of 4x4 outputs.
 *
 * edgeq_winograd_in_<tile>             tiles of the input, transformed
 * edgeq_winograd_<steps>               products of those and the weights, positions of <steps> unrolled steps
 * edgeq_winograd_<steps>_loop          positions of a multiple of <steps> steps
 * edgeq_winograd_out_<tile>            sums, transformed and requantized
 * edgeq_winograd_out_<tile>_clamped    the same, for activations that start at the output's zero point
 */
#ifndef EDGEQ_WINOGRAD_H
#define EDGEQ_WINOGRAD_H

typedef struct edgeq_winograd_input edgeq_winograd_input;
typedef struct edgeq_winograd edgeq_winograd;
typedef struct edgeq_winograd_results edgeq_winograd_results;
typedef void edgeq_winograd_in(const edgeq_winograd_input *t);
typedef void edgeq_winograd_run(const edgeq_winograd *w);
typedef void edgeq_winograd_out(const edgeq_winograd_results *r);

extern edgeq_winograd_in edgeq_winograd_in_2, edgeq_winograd_in_4;

extern edgeq_winograd_run edgeq_winograd_2_loop, edgeq_winograd_8_loop;
extern edgeq_winograd_run edgeq_winograd_2, edgeq_winograd_4, edgeq_winograd_8, edgeq_winograd_12;
extern edgeq_winograd_run edgeq_winograd_16, edgeq_winograd_24, edgeq_winograd_32;

extern edgeq_winograd_out edgeq_winograd_out_2, edgeq_winograd_out_2_clamped;
extern edgeq_winograd_out edgeq_winograd_out_4, edgeq_winograd_out_4_clamped;

#endif
