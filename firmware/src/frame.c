#include "edgeq/frame.h"

#include <stdbool.h>

#include "edgeq/attributes.h"
#include "edgeq/crc32.h"

/* What the CRC of a whole frame and its own CRC is, whatever the frame. */
#define EDGEQ_CRC32_RESIDUE 0x2144DF1Cu
#define EDGEQ_COBS_FULL 0xFFu /* code of a block of 254 bytes that no zero follows */

void edgeq_frame_reset(edgeq_frame_decoder *decoder) {
  decoder->length = 0;
  decoder->checked = 0;
  decoder->crc = 0;
  decoder->left = 0;
  decoder->block = 0;
}

/* Takes those of `count` bytes, 1 to 254, that stand before a zero byte, as far as there is room; how many
 * these are. The first one is not zero. */
static uint32_t edgeq_frame_take(edgeq_frame_decoder *decoder, const uint8_t *bytes, uint32_t count) {
  /* One beyond the capacity is enough to know that the frame is too long, and cannot wrap. */
  if (decoder->length >= decoder->capacity) {
    decoder->length = decoder->capacity + 1u;
    return 1;
  }
  const uint32_t room = decoder->capacity - decoder->length;
  uint8_t *const to = decoder->buffer + decoder->length;
  if (count > room) count = room;
  uint32_t at = 0;
  EDGEQ_ROLLED
  for (; at < count; at++) {
    if (bytes[at] == 0u) break;
    to[at] = bytes[at];
  }
  decoder->length += at;
  return at;
}

/* A zero that COBS has taken out of the frame. */
static void edgeq_frame_take_zero(edgeq_frame_decoder *decoder) {
  if (decoder->length < decoder->capacity) decoder->buffer[decoder->length] = 0;
  if (decoder->length <= decoder->capacity) decoder->length++;
}

/* Of each piece, not of the whole frame at its end: meanwhile a UART that is polled would lose bytes. */
static void edgeq_frame_check(edgeq_frame_decoder *decoder) {
  if (decoder->length > decoder->capacity) return;
  decoder->crc =
      edgeq_crc32(decoder->crc, decoder->buffer + decoder->checked, decoder->length - decoder->checked);
  decoder->checked = decoder->length;
}

/* Takes bytes up to the delimiter of a frame, or all; how many these are. */
static uint32_t edgeq_frame_take_blocks(edgeq_frame_decoder *decoder, const uint8_t *bytes, uint32_t count,
                                        bool *ended) {
  uint32_t at = 0;
  *ended = false;
  while (at < count && !*ended) {
    const uint8_t byte = bytes[at];
    if (byte != 0u && decoder->left != 0u) {
      const uint32_t left = decoder->left, there = count - at;
      const uint32_t part = edgeq_frame_take(decoder, bytes + at, left < there ? left : there);
      decoder->left = (uint8_t)(left - part);
      at += part;
      continue;
    }
    at++;
    if (byte == 0u) {
      *ended = decoder->block != 0u; /* else: delimiters in a row */
      continue;
    }
    if (decoder->block == 0u) {
      edgeq_frame_reset(decoder);
    } else if (decoder->block != EDGEQ_COBS_FULL) {
      edgeq_frame_take_zero(decoder);
    }
    decoder->block = byte;
    decoder->left = (uint8_t)(byte - 1u);
  }
  return at;
}

edgeq_frame_event edgeq_frame_decode(edgeq_frame_decoder *decoder, const uint8_t *bytes, uint32_t count,
                                     uint32_t *taken) {
  bool ended;
  *taken = edgeq_frame_take_blocks(decoder, bytes, count, &ended);
  edgeq_frame_check(decoder);
  if (!ended) return EDGEQ_FRAME_NONE;
  const uint8_t left = decoder->left;
  decoder->left = 0;
  decoder->block = 0;
  if (left != 0u || decoder->length < EDGEQ_FRAME_BYTES(0u) || decoder->length > decoder->capacity ||
      decoder->crc != EDGEQ_CRC32_RESIDUE) {
    return EDGEQ_FRAME_BAD;
  }
  return EDGEQ_FRAME_GOOD;
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
