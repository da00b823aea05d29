/* The instructions of Arm's DSP extension that kernels use: the instruction where the core has it, the same
 * result in plain C elsewhere, so that one source runs, and is tested, on every machine.
 *
 * A pair is a word of two int16, the first in the low half. Sums wrap modulo 2^32.
 */
#ifndef EDGEQ_DSP_H
#define EDGEQ_DSP_H

#include <stdint.h>

#include "edgeq/mem.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EDGEQ_DSP 1
#endif

/* The values of a pair. */
static inline int32_t edgeq_first(uint32_t pair) {
  return (int16_t)(uint16_t)pair;
}

static inline int32_t edgeq_second(uint32_t pair) {
  return (int16_t)(uint16_t)(pair >> 16);
}

/* The low bytes of four values, as a word. */
static inline uint32_t edgeq_four_bytes(int32_t a, int32_t b, int32_t c, int32_t d) {
  const uint32_t even = ((uint32_t)a & 0xffffu) | (uint32_t)c << 16;
  const uint32_t odd = ((uint32_t)b & 0xffffu) | (uint32_t)d << 16;
  return (even & 0x00ff00ffu) | (odd & 0x00ff00ffu) << 8;
}

#ifdef EDGEQ_DSP

/* Four int8 from any address, as a word. (GCC calls memcpy for an unaligned word when it is freestanding.) */
static inline uint32_t edgeq_load_word(const int8_t *from) {
  uint32_t word;
  __asm__("ldr %0, [%1]" : "=r"(word) : "r"(from), "m"(*(const int8_t (*)[4])from));
  return word;
}

/* The same to any address. */
static inline void edgeq_store_word(int8_t *to, uint32_t word) {
  __asm__("str %1, [%2]" : "=m"(*(int8_t (*)[4])to) : "r"(word), "r"(to));
}

/* The larger of each two bytes, as int8. */
static inline uint32_t edgeq_larger_bytes(uint32_t a, uint32_t b) {
  uint32_t larger;
  __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(a), "r"(b) : "cc");
  return larger;
}

/* The smaller ones. */
static inline uint32_t edgeq_smaller_bytes(uint32_t a, uint32_t b) {
  uint32_t smaller;
  __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(smaller) : "r"(a), "r"(b) : "cc");
  return smaller;
}

/* Bytes 0 and 2 as a pair. */
static inline uint32_t edgeq_even_bytes(uint32_t bytes) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(bytes));
  return pair;
}

/* Bytes 1 and 3 as a pair. */
static inline uint32_t edgeq_odd_bytes(uint32_t bytes) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
  return pair;
}

/* sum + a's first * b's first + a's second * b's second. */
static inline int32_t edgeq_dual_multiply_add(uint32_t a, uint32_t b, int32_t sum) {
  int32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

/* The firsts of a and b as a pair, and their seconds. */
static inline uint32_t edgeq_firsts(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
  return pair;
}

static inline uint32_t edgeq_seconds(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
  return pair;
}

/* sum + (a * b + 2^31) / 2^32, rounded down. */
static inline int32_t edgeq_high_multiply_add_rounded(int32_t a, int32_t b, int32_t sum) {
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

/* a + b and a - b, each half modulo 2^16. */
static inline uint32_t edgeq_add_pairs(uint32_t a, uint32_t b) {
  uint32_t sum;
  __asm__("sadd16 %0, %1, %2" : "=r"(sum) : "r"(a), "r"(b));
  return sum;
}

static inline uint32_t edgeq_subtract_pairs(uint32_t a, uint32_t b) {
  uint32_t difference;
  __asm__("ssub16 %0, %1, %2" : "=r"(difference) : "r"(a), "r"(b));
  return difference;
}

/* sum + a * b / 2^32, rounded down. */
static inline int32_t edgeq_high_multiply_add(int32_t a, int32_t b, int32_t sum) {
  int32_t result;
  __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

/* pair + bytes 0 and 2, and 1 and 3, of `bytes`, each half modulo 2^16. */
static inline uint32_t edgeq_add_even_bytes(uint32_t pair, uint32_t bytes) {
  uint32_t sum;
  __asm__("sxtab16 %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(bytes));
  return sum;
}

static inline uint32_t edgeq_add_odd_bytes(uint32_t pair, uint32_t bytes) {
  uint32_t sum;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(pair), "r"(bytes));
  return sum;
}

/* sum + a * b / 2^16, rounded down; b is an int16. */
static inline int32_t edgeq_word_multiply_add(int32_t a, int32_t b, int32_t sum) {
  int32_t result;
  __asm__("smlawb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

/* Limited to int8. */
static inline int32_t edgeq_saturate_int8(int32_t x) {
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
  return result;
}

#else

static inline uint32_t edgeq_load_word(const int8_t *from) {
  uint32_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

static inline void edgeq_store_word(int8_t *to, uint32_t word) {
  memcpy(to, &word, sizeof word);
}

static inline uint32_t edgeq_larger_bytes(uint32_t a, uint32_t b) {
  uint32_t larger = 0;
  for (int32_t i = 0; i < 32; i += 8) {
    const uint32_t first = (a >> i) & 0xffu;
    const uint32_t second = (b >> i) & 0xffu;
    larger |= ((int8_t)(uint8_t)first > (int8_t)(uint8_t)second ? first : second) << i;
  }
  return larger;
}

static inline uint32_t edgeq_smaller_bytes(uint32_t a, uint32_t b) {
  return ~edgeq_larger_bytes(~a, ~b);
}

static inline uint32_t edgeq_even_bytes(uint32_t bytes) {
  const int32_t first = (int8_t)(uint8_t)bytes;
  const int32_t second = (int8_t)(uint8_t)(bytes >> 16);
  return ((uint32_t)first & 0xffffu) | (uint32_t)second << 16;
}

static inline uint32_t edgeq_odd_bytes(uint32_t bytes) {
  return edgeq_even_bytes(bytes >> 8);
}

static inline int32_t edgeq_dual_multiply_add(uint32_t a, uint32_t b, int32_t sum) {
  const uint32_t first = (uint32_t)(edgeq_first(a) * edgeq_first(b));
  const uint32_t second = (uint32_t)(edgeq_second(a) * edgeq_second(b));
  return (int32_t)((uint32_t)sum + first + second);
}

static inline uint32_t edgeq_firsts(uint32_t a, uint32_t b) {
  return (a & 0xffffu) | b << 16;
}

static inline uint32_t edgeq_seconds(uint32_t a, uint32_t b) {
  return a >> 16 | (b & 0xffff0000u);
}

static inline int32_t edgeq_high_multiply_add_rounded(int32_t a, int32_t b, int32_t sum) {
  const int64_t product = (int64_t)a * b + (INT64_C(1) << 31);
  return (int32_t)((uint32_t)sum + (uint32_t)(product >> 32));
}

static inline uint32_t edgeq_add_pairs(uint32_t a, uint32_t b) {
  return ((a + b) & 0xffffu) | ((a & 0xffff0000u) + (b & 0xffff0000u));
}

static inline uint32_t edgeq_subtract_pairs(uint32_t a, uint32_t b) {
  return ((a - b) & 0xffffu) | ((a & 0xffff0000u) - (b & 0xffff0000u));
}

static inline int32_t edgeq_high_multiply_add(int32_t a, int32_t b, int32_t sum) {
  return (int32_t)((uint32_t)sum + (uint32_t)(((int64_t)a * b) >> 32));
}

static inline uint32_t edgeq_add_even_bytes(uint32_t pair, uint32_t bytes) {
  const uint32_t even = edgeq_even_bytes(bytes);
  return edgeq_add_pairs(pair, even);
}

static inline uint32_t edgeq_add_odd_bytes(uint32_t pair, uint32_t bytes) {
  return edgeq_add_even_bytes(pair, bytes >> 8);
}

static inline int32_t edgeq_word_multiply_add(int32_t a, int32_t b, int32_t sum) {
  return (int32_t)((uint32_t)sum + (uint32_t)(((int64_t)a * b) >> 16));
}

static inline int32_t edgeq_saturate_int8(int32_t x) {
  return x < INT8_MIN ? INT8_MIN : (x > INT8_MAX ? INT8_MAX : x);
}

#endif

/* `count` values, four at a time. */
static inline void edgeq_copy_int8(int8_t *to, const int8_t *from, int32_t count) {
  for (; count >= 4; count -= 4, to += 4, from += 4) edgeq_store_word(to, edgeq_load_word(from));
  if (count >= 2) {
    to[0] = from[0];
    to[1] = from[1];
  }
  if (count == 1 || count == 3) to[count - 1] = from[count - 1];
}

/* Limits results that are within int8 already to what a fused activation leaves of it. */
static inline void edgeq_limit_int8(int8_t *values, int32_t count, int32_t low, int32_t high) {
  if (low <= INT8_MIN && high >= INT8_MAX) return;
  const uint32_t lows = (uint32_t)(uint8_t)low * 0x01010101u;
  const uint32_t highs = (uint32_t)(uint8_t)high * 0x01010101u;
  for (; count >= 4; count -= 4, values += 4) {
    const uint32_t word = edgeq_larger_bytes(edgeq_load_word(values), lows);
    edgeq_store_word(values, edgeq_smaller_bytes(word, highs));
  }
  for (; count > 0; count--, values++) {
    const int32_t x = *values;
    *values = (int8_t)(x < low ? low : (x > high ? high : x));
  }
}

#endif
