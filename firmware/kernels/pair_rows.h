/* Rows of an image as pairs of rows (kernels/depthwise_3x3.h), four channels at a time. */
#ifndef EDGEQ_KERNELS_PAIR_ROWS_H
#define EDGEQ_KERNELS_PAIR_ROWS_H

#include "depthwise_3x3.h"
#include "edgeq/dsp.h"
#include "edgeq/image.h"

/* `count` values of one position, as a word. */
static inline uint32_t edgeq_load_some(const int8_t *values, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = 0; i < count; i++) word |= (uint32_t)(uint8_t)values[i] << (8 * i);
  return word;
}

/* What to make pair row `t` of four channels from, and those after it as far as both their rows are inside,
 * but at most `rows` of them. `input` is the first channel's first value. */
static inline edgeq_depthwise_3x3_source edgeq_pair_rows_source(const edgeq_image *p, const int8_t *input,
                                                                int32_t t, int32_t rows, uint32_t *to) {
  const int8_t *const outside = (const int8_t *)&p->outside;
  const int32_t y = 2 * t - p->pad_top;
  const int upper_inside = y >= 0 && y < p->height;
  const int lower_inside = y + 1 >= 0 && y + 1 < p->height;
  edgeq_depthwise_3x3_source s;
  s.to = to + 4 * p->pad_left;
  s.upper = upper_inside ? input + y * p->row : outside;
  s.lower = lower_inside ? input + (y + 1) * p->row : outside;
  s.upper_step = upper_inside ? p->column : 0;
  s.lower_step = lower_inside ? p->column : 0;
  s.count = p->inside;
  s.to_next = p->pitch - 16 * p->inside;
  s.next = 2 * p->row - p->inside * p->column;
  s.rows = upper_inside && lower_inside ? (p->height - y) / 2 : 1;
  if (s.rows > rows) s.rows = rows;
  return s;
}

/* Makes these pair rows, of channels of which `count` exist. Returns how many it made. */
static inline int32_t edgeq_pair_rows(const edgeq_image *p, const int8_t *input, int32_t t, int32_t rows,
                                      int32_t count, uint32_t *to) {
  edgeq_depthwise_3x3_source s = edgeq_pair_rows_source(p, input, t, rows, to);
  const int32_t made = s.rows;
  if (count == 4 && p->pitch == 16) {
    /* Rows of one position are each other's positions. */
    s.count = s.rows;
    s.rows = 1;
    if (s.upper_step != 0) s.upper_step = 2 * p->row;
    if (s.lower_step != 0) s.lower_step = 2 * p->row;
  }
  if (count == 4) {
    edgeq_depthwise_3x3_pairs(&s);
    return made;
  }
  uint32_t words[2];
  s.rows = 1;
  s.count = 1;
  const int8_t *upper = s.upper;
  const int8_t *lower = s.lower;
  s.upper = (const int8_t *)&words[0];
  s.lower = (const int8_t *)&words[1];
  for (int32_t x = p->inside; x > 0; x--, upper += s.upper_step, lower += s.lower_step, s.to += 4) {
    words[0] = edgeq_load_some(upper, count);
    words[1] = edgeq_load_some(lower, count);
    edgeq_depthwise_3x3_pairs(&s);
  }
  return 1;
}

/* The padding at both ends of a pair row, which stays. */
static inline void edgeq_pad_pair_row(const edgeq_image *p, uint32_t *row) {
  const uint32_t zero = (uint32_t)p->outside & 0xffu;
  const uint32_t pair = edgeq_even_bytes(zero | zero << 16);
  for (int32_t i = 0; i < 4 * p->pad_left; i++) row[i] = pair;
  for (int32_t i = 4 * (p->pad_left + p->inside); i < 4 * p->positions; i++) row[i] = pair;
}

#endif
