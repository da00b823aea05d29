/* Depthwise products of one channel from pairs of rows (kernels/depthwise_pairs.h), by how many positions of
 * a window's row are unrolled: names for the parameters of edgeq_depthwise_pairs_dsp_int8. Those of "four"
 * take the upper rows of outputs of four windows, the others both rows of two. */
#ifndef EDGEQ_DEPTHWISE_PAIRS_H
#define EDGEQ_DEPTHWISE_PAIRS_H

typedef struct edgeq_depthwise_pairs edgeq_depthwise_pairs;
typedef void edgeq_depthwise_pairs_run(edgeq_depthwise_pairs *d);

extern edgeq_depthwise_pairs_run edgeq_depthwise_pairs_1, edgeq_depthwise_pairs_2, edgeq_depthwise_pairs_3,
    edgeq_depthwise_pairs_4, edgeq_depthwise_pairs_5, edgeq_depthwise_pairs_7;
extern edgeq_depthwise_pairs_run edgeq_depthwise_pairs_four_1, edgeq_depthwise_pairs_four_2,
    edgeq_depthwise_pairs_four_3, edgeq_depthwise_pairs_four_4, edgeq_depthwise_pairs_four_5,
    edgeq_depthwise_pairs_four_7;
extern edgeq_depthwise_pairs_run edgeq_depthwise_pairs_line_3, edgeq_depthwise_pairs_line_4,
    edgeq_depthwise_pairs_line_5, edgeq_depthwise_pairs_line_6;

#endif
