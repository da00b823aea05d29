/* CRC-32 of IEEE 802.3, the same as zlib's crc32(): reflected, polynomial 0xEDB88320, all ones before and
 * after. */
#ifndef EDGEQ_CRC32_H
#define EDGEQ_CRC32_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Continues `crc` (0 to begin) over `bytes` bytes at `data`. edgeq_crc32(edgeq_crc32(0, a), b) is the CRC of
 * a then b. About 12 cycles a byte. */
uint32_t edgeq_crc32(uint32_t crc, const void *data, uint32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
