/* A golden input of small, and the CRC-32 of its outputs on the host. Made by edgeq 0.1.0 from the .tflite
 * with SHA-256 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf. */
#ifndef EDGEQ_NO_SELFTEST

#include "small.h"
#include "small_settings.h"

/* clang-format off */

static const int8_t small_golden_input[SMALL_INPUT_ELEMENTS] = {
    89, 35, 2, -59, -50, -118, -109, -124, -84, 80, 38, 105, 0, 27, 120, 58, 33, 11,
    15, 111, -57, 80, 43, -128, -28, 91, 13, -120, 67, 58, 88, -84, -106, 92, -123, 10,
    -108, -52, -5, -20, -25, -121, -127, -97, -126, 43, 6, 37, -63, 29, 67, -30, -11, 127,
    78, 123, -31, 47, 115, 38, 87, 48, 52, -29, 96, -94, 20, 56, 88, 6, -32, -49};

static const void *const small_golden_inputs[SMALL_INPUT_COUNT] = {small_golden_input};
/* clang-format on */

const edgeq_golden small_golden = {
    small_golden_inputs, /* inputs */
    0x3e3330abu, /* output_crc */
};

#else

typedef int small_no_golden; /* a file must declare something */

#endif
