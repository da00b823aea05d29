/* memcpy and memset, which compilers call on their own and bare metal does not have. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

/* Words where both ends are aligned: Armv6-M faults on any other. The empty asm keeps a compiler from turning
 * the loop into a call of the function that it is in. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  uint8_t *d = to;
  const uint8_t *s = from;
  if ((((uintptr_t)d | (uintptr_t)s) & 3u) == 0) {
    for (; bytes >= 4u; bytes -= 4u, d += 4, s += 4) {
      *(uint32_t *)(void *)d = *(const uint32_t *)(const void *)s;
      __asm volatile("");
    }
  }
  for (; bytes > 0u; bytes--) {
    *d++ = *s++;
    __asm volatile("");
  }
  return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
  uint8_t *d = to;
  const uint8_t *s = from;
  if ((uintptr_t)d <= (uintptr_t)s || (uintptr_t)d >= (uintptr_t)s + bytes) return memcpy(to, from, bytes);
  for (; bytes > 0u; bytes--) {
    d[bytes - 1u] = s[bytes - 1u];
    __asm volatile("");
  }
  return to;
}

void *memset(void *to, int value, size_t bytes) {
  uint8_t *d = to;
  const uint32_t word = 0x01010101u * (uint8_t)value;
  for (; bytes > 0u && ((uintptr_t)d & 3u) != 0u; bytes--) {
    *d++ = (uint8_t)value;
    __asm volatile("");
  }
  for (; bytes >= 4u; bytes -= 4u, d += 4) {
    *(uint32_t *)(void *)d = word;
    __asm volatile("");
  }
  for (; bytes > 0u; bytes--) {
    *d++ = (uint8_t)value;
    __asm volatile("");
  }
  return to;
}
