/* The instructions of Arm's vector extension for Cortex-M (Helium, integers) that kernels use: the
 * instruction where the core has it, the same result in plain C elsewhere, so that one source runs, and is
 * tested, on every machine.
 *
 * A vector has 16 bytes, 8 halves or 4 words, all signed. Sums wrap. Where `count` lanes are asked for,
 * others are neither read nor written, and 0 in what is loaded; the count is at least 1, and all lanes are
 * meant by as many or more.
 */
#ifndef EDGEQ_MVE_H
#define EDGEQ_MVE_H

#include <stdint.h>

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define EDGEQ_MVE 1
#include <arm_mve.h>

typedef int8x16_t edgeq_bytes;
typedef int16x8_t edgeq_halves;
typedef int32x4_t edgeq_words;

static inline edgeq_bytes edgeq_load_bytes(const int8_t *from, int32_t count) {
  return count >= 16 ? vldrbq_s8(from) : vldrbq_z_s8(from, vctp8q((uint32_t)count));
}

static inline void edgeq_store_bytes(int8_t *to, edgeq_bytes a, int32_t count) {
  if (count >= 16) {
    vstrbq_s8(to, a);
  } else {
    vstrbq_p_s8(to, a, vctp8q((uint32_t)count));
  }
}

static inline edgeq_bytes edgeq_same_bytes(int32_t value) {
  return vdupq_n_s8((int8_t)value);
}

static inline edgeq_bytes edgeq_larger_bytes(edgeq_bytes a, edgeq_bytes b) {
  return vmaxq_s8(a, b);
}

static inline edgeq_bytes edgeq_smaller_bytes(edgeq_bytes a, edgeq_bytes b) {
  return vminq_s8(a, b);
}

/* The sum of the products of all bytes. */
static inline int32_t edgeq_multiply_add_bytes(int32_t sum, edgeq_bytes a, edgeq_bytes b) {
  return vmladavaq_s8(sum, a, b);
}

/* Bytes as halves. */
static inline edgeq_halves edgeq_load_bytes_as_halves(const int8_t *from, int32_t count) {
  return count >= 8 ? vldrbq_s16(from) : vldrbq_z_s16(from, vctp16q((uint32_t)count));
}

/* The low bytes. */
static inline void edgeq_store_halves_as_bytes(int8_t *to, edgeq_halves a, int32_t count) {
  if (count >= 8) {
    vstrbq_s16(to, a);
  } else {
    vstrbq_p_s16(to, a, vctp16q((uint32_t)count));
  }
}

/* 0, step, 2 * step, ... as unsigned; step is below 8192. */
static inline edgeq_halves edgeq_multiples(int32_t step) {
  return vreinterpretq_s16_u16(vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)step));
}

/* The low bytes, each as far behind `to` as its lane of `offsets` says. */
static inline void edgeq_scatter_halves_as_bytes(int8_t *to, edgeq_halves offsets, edgeq_halves a) {
  vstrbq_scatter_offset_s16(to, vreinterpretq_u16_s16(offsets), a);
}

static inline edgeq_halves edgeq_same_halves(int32_t value) {
  return vdupq_n_s16((int16_t)value);
}

static inline edgeq_halves edgeq_add_halves(edgeq_halves a, edgeq_halves b) {
  return vaddq_s16(a, b);
}

static inline edgeq_halves edgeq_subtract_halves(edgeq_halves a, edgeq_halves b) {
  return vsubq_s16(a, b);
}

static inline edgeq_halves edgeq_exclusive_or_halves(edgeq_halves a, edgeq_halves b) {
  return veorq_s16(a, b);
}

static inline edgeq_halves edgeq_larger_halves(edgeq_halves a, edgeq_halves b) {
  return vmaxq_s16(a, b);
}

static inline edgeq_halves edgeq_smaller_halves(edgeq_halves a, edgeq_halves b) {
  return vminq_s16(a, b);
}

/* -1 where a is negative, 0 elsewhere. */
static inline edgeq_halves edgeq_sign_of_halves(edgeq_halves a) {
  return vshrq_n_s16(a, 15);
}

/* (a * b / 2^16) / 2^right, rounded down twice; a and b as unsigned. */
static inline edgeq_halves edgeq_high_multiply_halves(edgeq_halves a, edgeq_halves b, int32_t right) {
  const uint16x8_t high = vmulhq_u16(vreinterpretq_u16_s16(a), vreinterpretq_u16_s16(b));
  return vreinterpretq_s16_u16(vshlq_r_u16(high, -right));
}

/* From addresses that are multiples of 4. */
static inline edgeq_words edgeq_load_words(const int32_t *from) {
  return vldrwq_s32(from);
}

typedef struct edgeq_word_pairs {
  edgeq_words first;
  edgeq_words second;
} edgeq_word_pairs;

/* Words 0, 2, 4, 6 and words 1, 3, 5, 7. */
static inline edgeq_word_pairs edgeq_load_word_pairs(const int32_t *from) {
  const int32x4x2_t both = vld2q_s32(from);
  const edgeq_word_pairs pairs = {both.val[0], both.val[1]};
  return pairs;
}

/* The words of a table at bytes as unsigned indices. */
static inline edgeq_words edgeq_look_up_words(const int32_t *table, const int8_t *at, int32_t count) {
  const uint8_t *const from = (const uint8_t *)at;
  const uint32x4_t places = count >= 4 ? vldrbq_u32(from) : vldrbq_z_u32(from, vctp32q((uint32_t)count));
  return vldrwq_gather_shifted_offset_s32(table, places);
}

/* Bytes as words. */
static inline edgeq_words edgeq_load_bytes_as_words(const int8_t *from, int32_t count) {
  return count >= 4 ? vldrbq_s32(from) : vldrbq_z_s32(from, vctp32q((uint32_t)count));
}

/* The low bytes. */
static inline void edgeq_store_words_as_bytes(int8_t *to, edgeq_words a, int32_t count) {
  if (count >= 4) {
    vstrbq_s32(to, a);
  } else {
    vstrbq_p_s32(to, a, vctp32q((uint32_t)count));
  }
}

static inline edgeq_words edgeq_same_words(int32_t value) {
  return vdupq_n_s32(value);
}

static inline edgeq_words edgeq_add_words(edgeq_words a, edgeq_words b) {
  return vaddq_s32(a, b);
}

static inline edgeq_words edgeq_larger_words(edgeq_words a, edgeq_words b) {
  return vmaxq_s32(a, b);
}

static inline edgeq_words edgeq_smaller_words(edgeq_words a, edgeq_words b) {
  return vminq_s32(a, b);
}

/* -1 where a is negative, 0 elsewhere. */
static inline edgeq_words edgeq_sign_of_words(edgeq_words a) {
  return vshrq_n_s32(a, 31);
}

/* a * b / 2^31, rounded to nearest, halves up. b is not negative, so that nothing saturates. */
static inline edgeq_words edgeq_high_multiply_words(edgeq_words a, edgeq_words b) {
  return vqrdmulhq_s32(a, b);
}

/* a * b / 2^32, rounded to nearest, halves up. */
static inline edgeq_words edgeq_multiply_high_words(edgeq_words a, edgeq_words b) {
  return vrmulhq_s32(a, b);
}

/* a * b / 2^8, rounded down; a is within int8. */
static inline edgeq_words edgeq_multiply_high_bytes(edgeq_words a, edgeq_words b) {
  return vmulhq_s32(vshlq_n_s32(a, 24), b);
}

/* a / 2^16, rounded down. */
static inline edgeq_words edgeq_upper_halves(edgeq_words a) {
  return vshrq_n_s32(a, 16);
}

/* a * 2^b, rounded down; b in [-31, 0]. */
static inline edgeq_words edgeq_shift_words(edgeq_words a, edgeq_words b) {
  return vshlq_s32(a, b);
}

#else
#include "edgeq/mve_in_c.h"
#endif

#endif
