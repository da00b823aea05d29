/* What C99 has no words for, on the compilers that edgeq supports: GCC and Clang. Another one is an
 * error that says what to define. */
#ifndef EDGEQ_ATTRIBUTES_H
#define EDGEQ_ATTRIBUTES_H

#if defined(__GNUC__) || defined(__clang__)
#define EDGEQ_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define EDGEQ_NOINLINE __attribute__((noinline))
#define EDGEQ_INLINE static inline __attribute__((always_inline)) /* with constant arguments */
#define EDGEQ_SECTION(name) __attribute__((section(name)))
#else
#error \
    "edgeq: define EDGEQ_ALIGNED, EDGEQ_NOINLINE, EDGEQ_INLINE and EDGEQ_SECTION for this compiler in edgeq/attributes.h"
#endif

/* Before a loop that stays one: cores of 13 registers spill what more passes at once would need. */
#if defined(__clang__)
#define EDGEQ_ROLLED _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__) && __GNUC__ >= 8
#define EDGEQ_ROLLED _Pragma("GCC unroll 1")
#else
#define EDGEQ_ROLLED
#endif

/* A condition that must hold when this is compiled; at file scope. */
#if defined(__cplusplus)
#define EDGEQ_STATIC_ASSERT(condition, message) static_assert(condition, message)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define EDGEQ_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#else
#define EDGEQ_STATIC_ASSERT(condition, message) extern char edgeq_static_assert[(condition) ? 1 : -1]
#endif

#endif
