/* MAX_POOL_2D on int8 for cores with the DSP extension, eight channels at a time, and four. */
#include "pool_2d_dsp.h"

#ifdef EDGEQ_DSP

/* The larger of `first` and `second` and of all values of a window, of eight channels from `in` on; twelve
 * cycles for each place. `next` is from behind a row of the window to the next one. */
static inline void take(const int8_t *in, const window *w, int32_t next, uint32_t *first, uint32_t *second) {
  int32_t rows = w->rows;
  uint32_t a, b, larger;
  int32_t left;
  __asm__(
      "1:\n"
      "  mov    %[left], %[columns]\n"
      "2:\n"
      "  ldr    %[a], [%[in]]\n"
      "  ldr    %[b], [%[in], #4]\n"
      "  add    %[in], %[in], %[column]\n"
      "  ssub8  %[larger], %[first], %[a]\n"
      "  sel    %[first], %[first], %[a]\n"
      "  ssub8  %[larger], %[second], %[b]\n"
      "  sel    %[second], %[second], %[b]\n"
      "  subs   %[left], %[left], #1\n"
      "  bne    2b\n"
      "  add    %[in], %[in], %[next]\n"
      "  subs   %[rows], %[rows], #1\n"
      "  bne    1b\n"
      : [in] "+&r"(in), [rows] "+&r"(rows), [first] "+&r"(*first), [second] "+&r"(*second), [a] "=&r"(a),
        [b] "=&r"(b), [left] "=&r"(left), [larger] "=&r"(larger)
      : [columns] "r"(w->columns), [column] "r"(w->column_bytes), [next] "r"(next)
      : "cc", "memory");
}

#else

static inline void take(const int8_t *in, const window *w, int32_t next, uint32_t *first, uint32_t *second) {
  for (int32_t rows = w->rows; rows > 0; rows--, in += next) {
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      *first = edgeq_larger_bytes(*first, edgeq_load_word(in));
      *second = edgeq_larger_bytes(*second, edgeq_load_word(in + 4));
    }
  }
}

#endif

static void largest_of_eight(const window *w, int32_t channel, int8_t *output) {
  const int8_t *in = w->first + channel;
  uint32_t first = edgeq_load_word(in);
  uint32_t second = edgeq_load_word(in + 4);
  take(in, w, w->row_bytes - w->columns * w->column_bytes, &first, &second);
  edgeq_store_word(output + channel, first);
  edgeq_store_word(output + channel + 4, second);
}

static void largest_of_four(const window *w, int32_t channel, int8_t *output) {
  const int32_t column_bytes = w->column_bytes;
  const int8_t *row = w->first + channel;
  uint32_t largest = edgeq_load_word(row);
  for (int32_t rows = w->rows; rows > 0; rows--, row += w->row_bytes) {
    const int8_t *in = row;
    int32_t left = w->columns;
    for (; left > 1; left -= 2, in += 2 * column_bytes) {
      largest = edgeq_larger_bytes(largest, edgeq_load_word(in));
      largest = edgeq_larger_bytes(largest, edgeq_load_word(in + column_bytes));
    }
    if (left > 0) largest = edgeq_larger_bytes(largest, edgeq_load_word(in));
  }
  edgeq_store_word(output + channel, largest);
}

static int8_t largest_of_one(const window *w, int32_t channel) {
  int8_t largest = w->first[channel];
  for (int32_t row = 0; row < w->rows; row++) {
    const int8_t *in = w->first + row * w->row_bytes + channel;
    for (int32_t left = w->columns; left > 0; left--, in += w->column_bytes) {
      if (*in > largest) largest = *in;
    }
  }
  return largest;
}

static void pixel(const edgeq_pool_2d_params *p, const window *w, int8_t *output) {
  int32_t channel = 0;
  for (; channel + 8 <= p->channels; channel += 8) largest_of_eight(w, channel, output);
  /* The last ones may begin among those that are done. */
  if (p->channels > 8 && channel < p->channels) {
    largest_of_eight(w, p->channels - 8, output);
  } else if (p->channels >= 4 && p->channels < 8) {
    largest_of_four(w, 0, output);
    if (p->channels > 4) largest_of_four(w, p->channels - 4, output);
  } else {
    for (; channel < p->channels; channel++) output[channel] = largest_of_one(w, channel);
  }
}

void edgeq_max_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, pixel);
  edgeq_limit_int8(output, p->batches * p->output_height * p->output_width * p->channels, p->activation_min,
                   p->activation_max);
}
