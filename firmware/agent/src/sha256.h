/* SHA-256 (FIPS 180-4). */
#ifndef EDGEQ_AGENT_SHA256_H
#define EDGEQ_AGENT_SHA256_H

#include <stddef.h>
#include <stdint.h>

namespace edgeq {

constexpr size_t kSha256Bytes = 32;

/* The digest of `bytes` bytes at `data`, into kSha256Bytes bytes at `to`. */
void sha256(const void *data, size_t bytes, uint8_t *to);

}  // namespace edgeq

#endif
