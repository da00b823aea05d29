/* What edgeq/mve.h promises, in plain C: for machines without the vector extension. */
#ifndef EDGEQ_MVE_IN_C_H
#define EDGEQ_MVE_IN_C_H

#include <stdint.h>

typedef struct edgeq_bytes {
  int8_t lane[16];
} edgeq_bytes;

typedef struct edgeq_halves {
  int16_t lane[8];
} edgeq_halves;

typedef struct edgeq_words {
  int32_t lane[4];
} edgeq_words;

static inline int32_t edgeq_lanes(int32_t count, int32_t all) {
  return count < all ? count : all;
}

static inline edgeq_bytes edgeq_load_bytes(const int8_t *from, int32_t count) {
  edgeq_bytes a = {{0}};
  for (int32_t i = 0; i < edgeq_lanes(count, 16); i++) a.lane[i] = from[i];
  return a;
}

static inline void edgeq_store_bytes(int8_t *to, edgeq_bytes a, int32_t count) {
  for (int32_t i = 0; i < edgeq_lanes(count, 16); i++) to[i] = a.lane[i];
}

static inline edgeq_bytes edgeq_same_bytes(int32_t value) {
  edgeq_bytes a;
  for (int32_t i = 0; i < 16; i++) a.lane[i] = (int8_t)value;
  return a;
}

static inline edgeq_bytes edgeq_larger_bytes(edgeq_bytes a, edgeq_bytes b) {
  for (int32_t i = 0; i < 16; i++) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

static inline edgeq_bytes edgeq_smaller_bytes(edgeq_bytes a, edgeq_bytes b) {
  for (int32_t i = 0; i < 16; i++) a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

static inline int32_t edgeq_multiply_add_bytes(int32_t sum, edgeq_bytes a, edgeq_bytes b) {
  for (int32_t i = 0; i < 16; i++) sum += a.lane[i] * b.lane[i];
  return sum;
}

static inline edgeq_halves edgeq_load_bytes_as_halves(const int8_t *from, int32_t count) {
  edgeq_halves a = {{0}};
  for (int32_t i = 0; i < edgeq_lanes(count, 8); i++) a.lane[i] = from[i];
  return a;
}

static inline void edgeq_store_halves_as_bytes(int8_t *to, edgeq_halves a, int32_t count) {
  for (int32_t i = 0; i < edgeq_lanes(count, 8); i++) to[i] = (int8_t)a.lane[i];
}

static inline edgeq_halves edgeq_multiples(int32_t step) {
  edgeq_halves a;
  for (int32_t i = 0; i < 8; i++) a.lane[i] = (int16_t)(uint16_t)(i * step);
  return a;
}

static inline void edgeq_scatter_halves_as_bytes(int8_t *to, edgeq_halves offsets, edgeq_halves a) {
  for (int32_t i = 0; i < 8; i++) to[(uint16_t)offsets.lane[i]] = (int8_t)a.lane[i];
}

static inline edgeq_halves edgeq_same_halves(int32_t value) {
  edgeq_halves a;
  for (int32_t i = 0; i < 8; i++) a.lane[i] = (int16_t)value;
  return a;
}

static inline edgeq_halves edgeq_add_halves(edgeq_halves a, edgeq_halves b) {
  for (int32_t i = 0; i < 8; i++) a.lane[i] = (int16_t)(a.lane[i] + b.lane[i]);
  return a;
}

static inline edgeq_halves edgeq_subtract_halves(edgeq_halves a, edgeq_halves b) {
  for (int32_t i = 0; i < 8; i++) a.lane[i] = (int16_t)(a.lane[i] - b.lane[i]);
  return a;
}

static inline edgeq_halves edgeq_exclusive_or_halves(edgeq_halves a, edgeq_halves b) {
  for (int32_t i = 0; i < 8; i++) a.lane[i] = (int16_t)(a.lane[i] ^ b.lane[i]);
  return a;
}

static inline edgeq_halves edgeq_larger_halves(edgeq_halves a, edgeq_halves b) {
  for (int32_t i = 0; i < 8; i++) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

static inline edgeq_halves edgeq_smaller_halves(edgeq_halves a, edgeq_halves b) {
  for (int32_t i = 0; i < 8; i++) a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

static inline edgeq_halves edgeq_sign_of_halves(edgeq_halves a) {
  for (int32_t i = 0; i < 8; i++) a.lane[i] = a.lane[i] < 0 ? -1 : 0;
  return a;
}

static inline edgeq_halves edgeq_high_multiply_halves(edgeq_halves a, edgeq_halves b, int32_t right) {
  for (int32_t i = 0; i < 8; i++) {
    const uint32_t product = (uint32_t)(uint16_t)a.lane[i] * (uint16_t)b.lane[i];
    a.lane[i] = (int16_t)(uint16_t)(product >> 16 >> right);
  }
  return a;
}

static inline edgeq_words edgeq_load_words(const int32_t *from) {
  edgeq_words a;
  for (int32_t i = 0; i < 4; i++) a.lane[i] = from[i];
  return a;
}

typedef struct edgeq_word_pairs {
  edgeq_words first;
  edgeq_words second;
} edgeq_word_pairs;

static inline edgeq_word_pairs edgeq_load_word_pairs(const int32_t *from) {
  edgeq_word_pairs pairs;
  for (int32_t i = 0; i < 4; i++) {
    pairs.first.lane[i] = from[2 * i];
    pairs.second.lane[i] = from[2 * i + 1];
  }
  return pairs;
}

static inline edgeq_words edgeq_look_up_words(const int32_t *table, const int8_t *at, int32_t count) {
  edgeq_words a;
  for (int32_t i = 0; i < 4; i++) a.lane[i] = table[i < count ? (uint8_t)at[i] : 0];
  return a;
}

static inline edgeq_words edgeq_load_bytes_as_words(const int8_t *from, int32_t count) {
  edgeq_words a = {{0}};
  for (int32_t i = 0; i < edgeq_lanes(count, 4); i++) a.lane[i] = from[i];
  return a;
}

static inline void edgeq_store_words_as_bytes(int8_t *to, edgeq_words a, int32_t count) {
  for (int32_t i = 0; i < edgeq_lanes(count, 4); i++) to[i] = (int8_t)(uint8_t)(uint32_t)a.lane[i];
}

static inline edgeq_words edgeq_same_words(int32_t value) {
  edgeq_words a;
  for (int32_t i = 0; i < 4; i++) a.lane[i] = value;
  return a;
}

static inline edgeq_words edgeq_add_words(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] = (int32_t)((uint32_t)a.lane[i] + (uint32_t)b.lane[i]);
  return a;
}

static inline edgeq_words edgeq_larger_words(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

static inline edgeq_words edgeq_smaller_words(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

static inline edgeq_words edgeq_sign_of_words(edgeq_words a) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] = a.lane[i] < 0 ? -1 : 0;
  return a;
}

static inline edgeq_words edgeq_high_multiply_words(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) {
    a.lane[i] = (int32_t)(((int64_t)a.lane[i] * b.lane[i] + (INT64_C(1) << 30)) >> 31);
  }
  return a;
}

static inline edgeq_words edgeq_multiply_high_words(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) {
    a.lane[i] = (int32_t)(((int64_t)a.lane[i] * b.lane[i] + (INT64_C(1) << 31)) >> 32);
  }
  return a;
}

static inline edgeq_words edgeq_multiply_high_bytes(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] = (int32_t)((int64_t)a.lane[i] * b.lane[i] >> 8);
  return a;
}

static inline edgeq_words edgeq_upper_halves(edgeq_words a) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] >>= 16;
  return a;
}

static inline edgeq_words edgeq_shift_words(edgeq_words a, edgeq_words b) {
  for (int32_t i = 0; i < 4; i++) a.lane[i] >>= -b.lane[i];
  return a;
}

#endif
