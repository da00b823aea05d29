/* The constants of small, for its own sources. Made by edgeq 0.1.0. */
#ifndef SMALL_WEIGHTS_H
#define SMALL_WEIGHTS_H

#include <stdint.h>

#include "edgeq/selftest.h"

extern const int32_t small_weights_00[30];
extern const int32_t small_row_bytes_01[2];
extern const int32_t small_weights_03[144];
extern const int32_t small_exp_table_04[111];

extern const small_edgeq_golden small_golden;

#endif
