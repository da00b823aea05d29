/* MAX_POOL_2D on int8 for cores with the DSP extension, eight channels at a time, and four. */
#include "pool_2d_dsp.h"

#ifdef EDGEQ_DSP

/* The largest of all values of each of `count` windows, of eight channels from `in` on; twelve cycles for
 * each place of a window, and thirty besides. */
static void eight(const int8_t *in, const window *w, int32_t count, int32_t channels, int8_t *output) {
  /* Bytes from behind a row of a window to the next one, and from behind a window to the next one. */
  const int32_t next = w->row_bytes - w->columns * w->column_bytes;
  const int32_t step = w->step - w->rows * w->row_bytes;
  const int32_t all[7] = {w->columns, w->column_bytes, next, w->rows, step, channels, count};
  __asm__ volatile(
      "  ldr    r5, [%[all]]\n"
      "  ldr    r8, [%[all], #4]\n"
      "  ldr    lr, [%[all], #24]\n"
      "0:\n"
      "  ldr    r2, [%[in]]\n"
      "  ldr    r3, [%[in], #4]\n"
      "  ldr    r10, [%[all], #12]\n"
      "1:\n"
      "  mov    r4, r5\n"
      "2:\n"
      "  ldr    r12, [%[in]]\n"
      "  ldr    r9, [%[in], #4]\n"
      "  add    %[in], %[in], r8\n"
      "  ssub8  r6, r2, r12\n"
      "  sel    r2, r2, r12\n"
      "  ssub8  r6, r3, r9\n"
      "  sel    r3, r3, r9\n"
      "  subs   r4, r4, #1\n"
      "  bne    2b\n"
      "  ldr    r6, [%[all], #8]\n"
      "  subs   r10, r10, #1\n"
      "  add    %[in], %[in], r6\n"
      "  bne    1b\n"
      "  ldr    r6, [%[all], #16]\n"
      "  ldr    r9, [%[all], #20]\n"
      "  str    r2, [%[output]]\n"
      "  str    r3, [%[output], #4]\n"
      "  add    %[in], %[in], r6\n"
      "  add    %[output], %[output], r9\n"
      "  subs   lr, lr, #1\n"
      "  bne    0b\n"
      : [in] "+&r"(in), [output] "+&r"(output)
      : [all] "r"(all)
      : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "cc", "memory");
}

#else

static void eight(const int8_t *in, const window *w, int32_t count, int32_t channels, int8_t *output) {
  for (; count > 0; count--, in += w->step, output += channels) {
    uint32_t first = edgeq_load_word(in);
    uint32_t second = edgeq_load_word(in + 4);
    for (int32_t row = 0; row < w->rows; row++) {
      const int8_t *at = in + row * w->row_bytes;
      for (int32_t left = w->columns; left > 0; left--, at += w->column_bytes) {
        first = edgeq_larger_bytes(first, edgeq_load_word(at));
        second = edgeq_larger_bytes(second, edgeq_load_word(at + 4));
      }
    }
    edgeq_store_word(output, first);
    edgeq_store_word(output + 4, second);
  }
}

#endif

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
  if (p->channels < 4) {
    for (int32_t i = 0; i < p->channels; i++) output[i] = largest_of_one(w, i);
  } else {
    largest_of_four(w, 0, output);
    if (p->channels > 4) largest_of_four(w, p->channels - 4, output);
  }
}

static void pixels(const edgeq_pool_2d_params *p, window *w, int32_t count, int8_t *output) {
  if (p->channels < 8) {
    for (; count > 0; count--, w->first += w->step, output += p->channels) pixel(p, w, output);
    return;
  }
  for (int32_t left = p->channels; left > 0; left -= 8) {
    /* The last ones may begin among those that are done. */
    const int32_t channel = left < 8 ? p->channels - 8 : p->channels - left;
    eight(w->first + channel, w, count, p->channels, output + channel);
  }
}

void edgeq_max_pool_2d_dsp_int8(const edgeq_pool_2d_params *p, const int8_t *input, int8_t *output) {
  pool(p, input, output, pixels, 1);
  edgeq_limit_int8(output, p->batches * p->output_height * p->output_width * p->channels, p->activation_min,
                   p->activation_max);
}
