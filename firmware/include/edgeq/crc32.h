/* CRC-32 of IEEE 802.3, the same as zlib's crc32(): reflected, polynomial 0xEDB88320, all ones before and
 * after. */
#ifndef EDGEQ_CRC32_H
#define EDGEQ_CRC32_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Continues `crc` (0 to begin) over `bytes` bytes at `data`. edgeq_crc32(edgeq_crc32(0, a), b) is the CRC of
 * a then b. */
uint32_t edgeq_crc32(uint32_t crc, const void *data, uint32_t bytes);

/* One entry per half byte: 64 bytes of flash, two look-ups a byte. */
extern const uint32_t edgeq_crc32_table[16];

/* As edgeq_crc32, over one byte. */
static inline uint32_t edgeq_crc32_byte(uint32_t crc, uint8_t byte) {
  crc = ~crc ^ byte;
  crc = edgeq_crc32_table[crc & 15u] ^ (crc >> 4);
  return ~(edgeq_crc32_table[crc & 15u] ^ (crc >> 4));
}

#ifdef __cplusplus
}
#endif

#endif
