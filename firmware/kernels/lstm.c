/* UNIDIRECTIONAL_SEQUENCE_LSTM on int8, with gates and a cell of int16. */
#include "edgeq/fixedpoint.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

static int32_t clamp16(int32_t x) {
  return x < INT16_MIN ? INT16_MIN : (x > INT16_MAX ? INT16_MAX : x);
}

/* x * multiplier * 2^-right, rounded to nearest, halves up, if `right` is above 0. */
static int32_t scaled(int32_t x, const edgeq_lstm_scaling *s) {
  const int32_t half = s->right > 0 ? INT32_C(1) << (s->right - 1) : 0;
  return (x * s->multiplier + half) >> s->right;
}

/* 1 / (1 + exp(-x)) for x in steps of 1 / 12288, in Q15, by interpolation. */
static int32_t sigmoid(const uint16_t *table, int32_t x) {
  const int32_t size = x < 0 ? -x : x;
  const int32_t at = size >> 9;
  int32_t y = INT32_C(0x7FFF) << 10;
  if (at < 255) y = (table[at] << 9) + (size & 0x1FF) * (table[at + 1] - table[at]);
  y = x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1;
  return y >> 10;
}

/* tanh(x), by the same table. */
static int32_t hyperbolic(const uint16_t *table, int32_t x) {
  const int32_t size = x < 0 ? -x : x;
  const int32_t at = size >> 8;
  int32_t y = INT32_C(0xFFFF) << 8;
  if (at < 255) y = (table[at] << 8) + (size & 0xFF) * (table[at + 1] - table[at]);
  y = x >= 0 ? y - (1 << 23) + (1 << 7) : (1 << 23) - y + (1 << 7) - 1;
  return y >> 8;
}

/* What goes into a gate of one unit, in Q12. */
static int32_t gate(const edgeq_lstm_params *p, const edgeq_lstm_gate *g, const int8_t *input,
                    const int8_t *hidden, int32_t unit) {
  const int8_t *w = g->input_weights + unit * p->depth;
  const int8_t *r = g->recurrent_weights + unit * p->units;
  int32_t given = 0;
  int32_t recurrent = 0;
  for (int32_t i = 0; i < p->depth; i++) given += w[i] * (input[i] + p->input_offset);
  for (int32_t i = 0; i < p->units; i++) recurrent += r[i] * (hidden[i] + p->hidden_offset);
  given = edgeq_wrapping_add(given, g->bias[unit]);
  return clamp16(clamp16(edgeq_requantize(given, g->input_multiplier, g->input_shift)) +
                 clamp16(edgeq_requantize(recurrent, g->recurrent_multiplier, g->recurrent_shift)));
}

/* One step of one sequence: the new hidden state goes to the output. */
static void step(const edgeq_lstm_params *p, const int8_t *input, const int8_t *hidden, int16_t *cell,
                 int8_t *output) {
  for (int32_t unit = 0; unit < p->units; unit++) {
    const int32_t forget = sigmoid(p->table, 3 * gate(p, &p->forget, input, hidden, unit));
    const int32_t accept = sigmoid(p->table, 3 * gate(p, &p->input, input, hidden, unit));
    const int32_t change = hyperbolic(p->table, 3 * gate(p, &p->cell, input, hidden, unit));
    const int32_t show = sigmoid(p->table, 3 * gate(p, &p->output, input, hidden, unit));
    const int32_t kept =
        clamp16(edgeq_requantize(forget * cell[unit], p->forget_multiplier, p->forget_shift));
    const int32_t added = clamp16(edgeq_requantize(accept * change, p->cell_multiplier, p->cell_shift));
    int32_t now = clamp16(kept + added);
    if (p->cell_clip > 0)
      now = now > p->cell_clip ? p->cell_clip : (now < -p->cell_clip ? -p->cell_clip : now);
    cell[unit] = (int16_t)now;
    const int32_t shown = hyperbolic(p->table, scaled(now, &p->cell_scaling)) * show;
    const int32_t y = edgeq_requantize(shown, p->hidden_multiplier, p->hidden_shift);
    output[unit] = edgeq_clamp_int8(edgeq_wrapping_add(y, -p->hidden_offset), INT8_MIN, INT8_MAX);
  }
}

void edgeq_lstm_int8(const edgeq_lstm_params *p, const int8_t *input, int8_t *hidden, int16_t *cell,
                     int8_t *output) {
  for (int32_t batch = 0; batch < p->batches; batch++, hidden += p->units, cell += p->units) {
    for (int32_t t = 0; t < p->steps; t++) {
      const int32_t at = batch * p->batch_stride + t * p->step_stride;
      step(p, input + at * p->depth, hidden, cell, output + at * p->units);
      memcpy(hidden, output + at * p->units, (size_t)p->units);
    }
  }
}
