#include "edgeq/frame.h"

#include <stdbool.h>

#include "edgeq/attributes.h"
#include "edgeq/crc32.h"

/* What the CRC of a whole frame and its own CRC is, whatever the frame. */
#define EDGEQ_CRC32_RESIDUE 0x2144DF1Cu
#define EDGEQ_COBS_FULL 0xFFu /* code of a block of 254 bytes that no zero follows */

void edgeq_frame_reset(edgeq_frame_decoder *decoder) {
  decoder->length = 0;
  decoder->crc = 0;
  decoder->left = 0;
  decoder->block = 0;
}

/* Takes those of `count` bytes that stand before a zero byte, as far as the block and the buffer go; how many
 * these are. With their CRC, not that of the whole frame at its end: meanwhile a UART that is polled would
 * lose bytes. */
static uint32_t edgeq_frame_take_run(edgeq_frame_decoder *decoder, const uint8_t *bytes, uint32_t count) {
  if (decoder->length >= decoder->capacity) return 0;
  const uint32_t room = decoder->capacity - decoder->length;
  uint8_t *const to = decoder->buffer + decoder->length;
  if (count > decoder->left) count = decoder->left;
  if (count > room) count = room;
  uint32_t at = 0;
  EDGEQ_ROLLED
  for (; at < count; at++) {
    const uint8_t byte = bytes[at];
    if (byte == 0u) break;
    to[at] = byte;
  }
  decoder->crc = edgeq_crc32(decoder->crc, to, at);
  decoder->length += at;
  decoder->left = (uint8_t)(decoder->left - at);
  return at;
}

static edgeq_frame_event edgeq_frame_end(edgeq_frame_decoder *decoder) {
  const uint8_t left = decoder->left;
  decoder->left = 0;
  decoder->block = 0;
  if (left != 0u || decoder->length < EDGEQ_FRAME_BYTES(0u) || decoder->length > decoder->capacity ||
      decoder->crc != EDGEQ_CRC32_RESIDUE) {
    return EDGEQ_FRAME_BAD;
  }
  return EDGEQ_FRAME_GOOD;
}

edgeq_frame_event edgeq_frame_decode_byte(edgeq_frame_decoder *decoder, uint8_t byte) {
  const uint32_t block = decoder->block, left = decoder->left;
  if (byte == 0u) return block != 0u ? edgeq_frame_end(decoder) : EDGEQ_FRAME_NONE; /* delimiters in a row */
  if (left != 0u) {
    decoder->left = (uint8_t)(left - 1u);
  } else {
    if (block == 0u) edgeq_frame_reset(decoder);
    decoder->block = byte;
    decoder->left = (uint8_t)(byte - 1u);
    if (block == 0u || block == EDGEQ_COBS_FULL) return EDGEQ_FRAME_NONE;
    byte = 0; /* that COBS has taken out of the frame */
  }
  const uint32_t length = decoder->length, capacity = decoder->capacity;
  if (length < capacity) {
    decoder->buffer[length] = byte;
    decoder->crc = edgeq_crc32_byte(decoder->crc, byte);
  }
  /* One beyond the capacity is enough to know that the frame is too long, and cannot wrap. */
  if (length <= capacity) decoder->length = length + 1u;
  return EDGEQ_FRAME_NONE;
}

edgeq_frame_event edgeq_frame_decode(edgeq_frame_decoder *decoder, const uint8_t *bytes, uint32_t count,
                                     uint32_t *taken) {
  uint32_t at = 0;
  edgeq_frame_event event = EDGEQ_FRAME_NONE;
  while (at < count && event == EDGEQ_FRAME_NONE) {
    at += edgeq_frame_take_run(decoder, bytes + at, count - at);
    if (at < count) event = edgeq_frame_decode_byte(decoder, bytes[at++]);
  }
  *taken = at;
  return event;
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
