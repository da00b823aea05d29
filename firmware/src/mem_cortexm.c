/* memcpy and memset, which compilers call on their own and bare metal does not have. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

/* Words: at any address where the core can, else (Armv6-M faults) where both ends are aligned. In assembly:
 * GCC calls memcpy for a word that may not be aligned. The empty asm keeps a compiler from turning a loop
 * into a call of the function that it is in. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  uint8_t *d = to;
  const uint8_t *s = from;
#ifdef __thumb2__
  __asm volatile(
      "  subs %2, %2, #16\n"
      "  blo  2f\n"
      "1:\n"
      "  ldr  r3, [%1], #4\n"
      "  ldr  r4, [%1], #4\n"
      "  ldr  r5, [%1], #4\n"
      "  ldr  r12, [%1], #4\n"
      "  str  r3, [%0], #4\n"
      "  str  r4, [%0], #4\n"
      "  str  r5, [%0], #4\n"
      "  str  r12, [%0], #4\n"
      "  subs %2, %2, #16\n"
      "  bhs  1b\n"
      "2:\n"
      "  adds %2, %2, #12\n"
      "  bmi  4f\n"
      "3:\n"
      "  ldr  r3, [%1], #4\n"
      "  str  r3, [%0], #4\n"
      "  subs %2, %2, #4\n"
      "  bpl  3b\n"
      "4:\n"
      "  adds %2, %2, #4\n"
      : "+r"(d), "+r"(s), "+r"(bytes)
      :
      : "r3", "r4", "r5", "r12", "cc", "memory");
#else
  if ((((uintptr_t)d | (uintptr_t)s) & 3u) == 0) {
    for (; bytes >= 4u; bytes -= 4u, d += 4, s += 4) {
      *(uint32_t *)(void *)d = *(const uint32_t *)(const void *)s;
      __asm volatile("");
    }
  }
#endif
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
