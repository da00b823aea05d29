/* Kernels of the aot engine that keep a state from call to call. See edgeq/kernels.h. */
#ifndef EDGEQ_KERNELS_STATE_H
#define EDGEQ_KERNELS_STATE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* SVDF. Each of units * rank filters sees the product of the input and its features (depth values), remembers
 * the last `memory` of them in the state, oldest first, and weighs them by its times; a unit sums its filters
 * and its bias. The state is kept from call to call, (batches, units * rank, memory). */
typedef struct edgeq_svdf_params {
  int32_t batches;
  int32_t depth;
  int32_t units;
  int32_t rank;
  int32_t memory;
  int32_t input_offset;
  int32_t state_offset; /* the state's zero point, negated */
  int32_t output_offset;
  int32_t feature_multiplier; /* from products to the state */
  int32_t feature_shift;
  int32_t time_multiplier; /* from sums to the output */
  int32_t time_shift;
  const int32_t *bias; /* units values, or null */
} edgeq_svdf_params;

void edgeq_svdf_int8(const edgeq_svdf_params *p, const int8_t *input, const int8_t *features,
                     const int8_t *times, int8_t *state, int8_t *output);
void edgeq_svdf_int16(const edgeq_svdf_params *p, const int8_t *input, const int8_t *features,
                      const int16_t *times, int16_t *state, int8_t *output);

/* One gate of an LSTM. Weights (units, depth) and (units, units), bias (units). Both sums are requantized to
 * Q12. */
typedef struct edgeq_lstm_gate {
  const int8_t *input_weights;
  const int8_t *recurrent_weights;
  const int32_t *bias;
  int32_t input_multiplier;
  int32_t input_shift;
  int32_t recurrent_multiplier;
  int32_t recurrent_shift;
} edgeq_lstm_gate;

/* x * multiplier * 2^-right, rounded if right is above 0. */
typedef struct edgeq_lstm_scaling {
  int32_t multiplier;
  int32_t right;
} edgeq_lstm_scaling;

/* UNIDIRECTIONAL_SEQUENCE_LSTM. Input and output hold a row of depth and of units values for each step of
 * each batch: row batch * batch_stride + step * step_stride. The hidden and the cell state, (batches, units),
 * are kept from call to call; the hidden state has the output's quantization. */
typedef struct edgeq_lstm_params {
  int32_t batches;
  int32_t steps;
  int32_t batch_stride;
  int32_t step_stride;
  int32_t depth;
  int32_t units;
  int32_t input_offset;
  int32_t hidden_offset;
  edgeq_lstm_gate input;
  edgeq_lstm_gate forget;
  edgeq_lstm_gate cell;
  edgeq_lstm_gate output;
  int32_t forget_multiplier; /* forget gate * cell, to the cell */
  int32_t forget_shift;
  int32_t cell_multiplier; /* input gate * cell gate, to the cell */
  int32_t cell_shift;
  int32_t hidden_multiplier; /* output gate * tanh of the cell, to the hidden state */
  int32_t hidden_shift;
  int32_t cell_clip;               /* largest cell; 0: none */
  edgeq_lstm_scaling cell_scaling; /* from the cell to 1 / 12288 */
  const uint16_t *table;           /* 256 values of the sigmoid of i / 24, in Q16 */
} edgeq_lstm_params;

void edgeq_lstm_int8(const edgeq_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cell,
                     int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
