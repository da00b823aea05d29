/* Unary operators on int8, by table, four values at a time, for cores that load words from any address. */
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"

void edgeq_table_dsp_int8(const edgeq_table_params *p, const int8_t *input, int8_t *output) {
  const int8_t *const table = p->table;
  int32_t left = p->count;
  for (; left > 3; left -= 4, input += 4, output += 4) {
    const uint32_t word = edgeq_load_word(input);
    const int32_t a = table[word & 0xffu];
    const int32_t b = table[word >> 8 & 0xffu];
    const int32_t c = table[word >> 16 & 0xffu];
    const int32_t d = table[word >> 24];
    edgeq_store_word(output, edgeq_four_bytes(a, b, c, d));
  }
  for (; left > 0; left--) *output++ = table[(uint8_t)*input++];
}
