/* memcpy and memset without <string.h>, which a freestanding compiler need not have. Their meaning is the
 * standard's. On bare metal, firmware/src/mem_cortexm.c defines them; elsewhere the C library does. */
#ifndef EDGEQ_MEM_H
#define EDGEQ_MEM_H

#include <stddef.h>

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__ && defined(__has_include)
#if __has_include(<string.h>)
#define EDGEQ_HAVE_STRING_H 1
#endif
#endif

#ifdef EDGEQ_HAVE_STRING_H
#include <string.h>
#else
#ifdef __cplusplus
extern "C" {
#endif
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
#ifdef __cplusplus
}
#endif
#endif

#endif
