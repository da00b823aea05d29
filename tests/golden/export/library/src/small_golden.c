/* A golden input of small, and the CRC-32 of its outputs on the host. Made by edgeq 0.1.0 from the .tflite
 * with SHA-256 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf. */
#include "small/config.h"

#ifndef SMALL_NO_SELFTEST

#include "small.h"
#include "small_weights.h"

/* clang-format off */

static const int8_t small_golden_input[SMALL_INPUT_ELEMENTS] = {
    -32, -71, -29, -68, -60, 17, -86, -24, -108, 8, 1, -84, 15, -112, -69, -97, -51, 3,
    -85, -113, -58, -90, -107, -31, -74, -16, -90, 25, -64, -104, -23, 23, -52, 27, -43, -55,
    -25, 34, 27, -49, -3, -44, -39, 1, -56, -7, -10, 24, -103, -8, 23, 29, -118, 13,
    32, 28, -98, 30, 17, 7, -46, -85, 4, 23, -79, -37, -52, 24, -114, -7, -25, -116};

static const void *const small_golden_inputs[SMALL_INPUT_COUNT] = {small_golden_input};
/* clang-format on */

const small_edgeq_golden small_golden = {
    small_golden_inputs, /* inputs */
    0xa5f864b2u, /* output_crc */
};

#else

typedef int small_no_golden; /* a file must declare something */

#endif
