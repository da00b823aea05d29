/* Numbers and texts in the payloads of the link: little-endian, at any address. For the link's own files. */
#ifndef EDGEQ_BYTES_H
#define EDGEQ_BYTES_H

#include <stdint.h>

#include "edgeq/mem.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t edgeq_get16(const uint8_t *from) {
  return (uint32_t)from[0] | ((uint32_t)from[1] << 8);
}

static inline uint32_t edgeq_get32(const uint8_t *from) {
  return edgeq_get16(from) | (edgeq_get16(from + 2) << 16);
}

/* Those that put something return the address behind it. */
static inline uint8_t *edgeq_put16(uint8_t *to, uint32_t value) {
  to[0] = (uint8_t)value;
  to[1] = (uint8_t)(value >> 8);
  return to + 2;
}

static inline uint8_t *edgeq_put32(uint8_t *to, uint32_t value) {
  return edgeq_put16(edgeq_put16(to, value), value >> 16);
}

/* At most `limit` bytes of a text that ends with a zero, behind their number; `limit` is below 256. */
static inline uint8_t *edgeq_put_text(uint8_t *to, const char *text, uint32_t limit) {
  uint32_t length = 0;
  while (length < limit && text[length] != '\0') length++;
  *to++ = (uint8_t)length;
  memcpy(to, text, length);
  return to + length;
}

#ifdef __cplusplus
}
#endif

#endif
