/* Settings of small. Made by edgeq 0.1.0.
 *
 * A later export replaces this file. Define what you want to set with -D, or in a small_user_config.h of your own that
 * the compiler finds as it finds small.h.
 *
 * SMALL_ARENA_SECTION    a string: the linker section of the arena (500 bytes of RAM); else .bss
 * SMALL_WEIGHTS_SECTION  a string: the linker section of the weights (1,148 bytes of flash); else .rodata
 * SMALL_NO_SELFTEST      leaves the golden input (72 bytes of flash) out
 */
#ifndef SMALL_CONFIG_H
#define SMALL_CONFIG_H

#if defined(__AVR__)
#error "small: AVR has neither 32-bit registers nor constants that are read like RAM; use a 32-bit board"
#endif

#if defined(EDGEQ_ENGINE_ABI) && EDGEQ_ENGINE_ABI != 1u
#error "small: a header of another model came first, whose edgeq has other types; export both with one version"
#endif

#if defined(__has_include)
#if __has_include("small_user_config.h")
#include "small_user_config.h"
#endif
#endif

#endif
