/* Frames on the serial line: COBS, a header of 4 bytes, CRC-32. The bytes are specified in
 * firmware/PROTOCOL.md.
 *
 * No state but the caller's, no heap, no waiting. Any sequence of bytes may be fed to the decoder: a damaged
 * frame is an event, and decoding goes on behind the next delimiter.
 */
#ifndef EDGEQ_FRAME_H
#define EDGEQ_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGEQ_FRAME_HEADER 4u  /* type, flags, sequence (16 bits) */
#define EDGEQ_FRAME_TRAILER 4u /* CRC-32 of header and payload */
/* Bytes of a whole frame before COBS. */
#define EDGEQ_FRAME_BYTES(payload) (EDGEQ_FRAME_HEADER + (payload) + EDGEQ_FRAME_TRAILER)

typedef enum edgeq_frame_event {
  EDGEQ_FRAME_NONE = 0, /* nothing complete yet */
  EDGEQ_FRAME_GOOD = 1, /* the buffer holds a whole frame until more bytes are fed */
  EDGEQ_FRAME_BAD = 2,  /* a frame ended that is too short, too long, not COBS, or fails its CRC */
} edgeq_frame_event;

/* The caller sets `buffer` and `capacity` (EDGEQ_FRAME_BYTES of the largest payload) and calls
 * edgeq_frame_reset. */
typedef struct edgeq_frame_decoder {
  uint8_t *buffer;   /* the caller's: receives header, payload, CRC */
  uint32_t capacity; /* bytes of buffer */
  uint32_t length;   /* decoded bytes so far; may count beyond capacity, the buffer is never written there */
  uint32_t crc;
  uint8_t left;  /* bytes until the next COBS code byte */
  uint8_t block; /* the current block's code byte; 0: a new frame begins */
} edgeq_frame_decoder;

/* Forgets a frame that has begun. */
void edgeq_frame_reset(edgeq_frame_decoder *decoder);

/* Takes bytes of the line up to the end of a frame, or all `count`; `*taken` is how many these were: one at
 * least. */
edgeq_frame_event edgeq_frame_decode(edgeq_frame_decoder *decoder, const uint8_t *bytes, uint32_t count,
                                     uint32_t *taken);

/* Takes one byte: what edgeq_frame_decode does with each, but for blocks, in a third of the time. */
edgeq_frame_event edgeq_frame_decode_byte(edgeq_frame_decoder *decoder, uint8_t byte);

/* Bytes of payload of the frame that EDGEQ_FRAME_GOOD announced; it begins at buffer[EDGEQ_FRAME_HEADER]. */
uint32_t edgeq_frame_payload_length(const edgeq_frame_decoder *decoder);

/* Completes the frame in `frame` and sends it, delimiter first and last: fills in the header and, behind
 * `payload` bytes of payload that the caller has put at frame + EDGEQ_FRAME_HEADER, the CRC. `frame` has room
 * for EDGEQ_FRAME_BYTES(payload). `write` is called once per byte. */
void edgeq_frame_send(uint8_t *frame, uint8_t type, uint8_t flags, uint16_t sequence, uint32_t payload,
                      void (*write)(uint8_t byte));

#ifdef __cplusplus
}
#endif

#endif
