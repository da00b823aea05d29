#include "edgeq/frame.h"

#include "edgeq/crc32.h"

/* What the running CRC of a whole frame is after its own CRC, whatever the frame. */
#define EDGEQ_CRC32_RESIDUE 0xDEBB20E3u
#define EDGEQ_COBS_FULL 0xFFu /* code of a block of 254 bytes that no zero follows */

void edgeq_frame_reset(edgeq_frame_decoder *decoder) {
  decoder->length = 0;
  decoder->crc = 0xFFFFFFFFu;
  decoder->left = 0;
  decoder->block = 0;
}

static void edgeq_frame_take(edgeq_frame_decoder *decoder, uint8_t byte) {
  if (decoder->length < decoder->capacity) {
    decoder->buffer[decoder->length] = byte;
    decoder->crc = edgeq_crc32_step(decoder->crc, byte);
  }
  /* One beyond the capacity is enough to know that the frame is too long, and cannot wrap. */
  if (decoder->length <= decoder->capacity) decoder->length++;
}

edgeq_frame_event edgeq_frame_decode(edgeq_frame_decoder *decoder, uint8_t byte) {
  if (byte == 0u) {
    const uint8_t block = decoder->block;
    decoder->block = 0;
    if (block == 0u) return EDGEQ_FRAME_NONE; /* delimiters in a row */
    const uint8_t left = decoder->left;
    decoder->left = 0;
    if (left != 0u || decoder->length < EDGEQ_FRAME_BYTES(0u) || decoder->length > decoder->capacity ||
        decoder->crc != EDGEQ_CRC32_RESIDUE) {
      return EDGEQ_FRAME_BAD;
    }
    return EDGEQ_FRAME_GOOD;
  }
  if (decoder->left != 0u) {
    decoder->left--;
    edgeq_frame_take(decoder, byte);
    return EDGEQ_FRAME_NONE;
  }
  if (decoder->block == 0u) {
    edgeq_frame_reset(decoder);
  } else if (decoder->block != EDGEQ_COBS_FULL) {
    edgeq_frame_take(decoder, 0);
  }
  decoder->block = byte;
  decoder->left = (uint8_t)(byte - 1u);
  return EDGEQ_FRAME_NONE;
}

uint32_t edgeq_frame_payload_length(const edgeq_frame_decoder *decoder) {
  return decoder->length - EDGEQ_FRAME_BYTES(0u);
}

void edgeq_frame_send(uint8_t *frame, uint8_t type, uint8_t flags, uint16_t sequence, uint32_t payload,
                      void (*write)(uint8_t byte)) {
  const uint32_t covered = EDGEQ_FRAME_HEADER + payload;
  frame[0] = type;
  frame[1] = flags;
  frame[2] = (uint8_t)(sequence & 0xFFu);
  frame[3] = (uint8_t)(sequence >> 8);
  const uint32_t crc = edgeq_crc32(0, frame, covered);
  for (uint32_t i = 0; i < EDGEQ_FRAME_TRAILER; i++) frame[covered + i] = (uint8_t)(crc >> (8u * i));

  const uint32_t length = EDGEQ_FRAME_BYTES(payload);
  uint32_t at = 0;
  write(0);
  for (;;) {
    uint32_t run = 0;
    while (run < EDGEQ_COBS_FULL - 1u && at + run < length && frame[at + run] != 0u) run++;
    write((uint8_t)(run + 1u));
    for (uint32_t i = 0; i < run; i++) write(frame[at + i]);
    at += run;
    if (at == length) break;
    if (run < EDGEQ_COBS_FULL - 1u) at++; /* the zero that ended the run */
  }
  write(0);
}
