/* Feeds stdin to the C code under test, all of it, and writes what it says to stdout.
 *
 *   driver link     the whole device: bytes of the line in, bytes of the line out
 *   driver frames   bytes of the line in; out comes 1 and the frame (length in 4 bytes first) for each good
 * one, 0 for each bad one driver encode   frames (length in 4 bytes first, header and payload) in, bytes of
 * the line out driver fault    stdin is ignored until the first request; then FAULT answers until RESET
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgeq/board.h"
#include "edgeq/link.h"
#include "edgeq/runtime.h"

const char edgeq_board_name[] = "test";
uint32_t edgeq_board_clock_hz = 0;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
uint32_t edgeq_board_ticks_hz = 0;

/* Bytes that the code under test gets at a time: an odd number, so that frames lie across its end everywhere.
 */
#define PIECE 37

static edgeq_link link_state;

void edgeq_board_init(void) {}
uint32_t edgeq_board_ticks(void) {
  return 0;
}
uint32_t edgeq_stack_high_water(void) {
  return 0;
}
void edgeq_board_wait(void) {}
void edgeq_board_write(uint8_t byte) {
  (void)putchar(byte);
}

int edgeq_board_read(void) {
  const int byte = getchar();
  if (byte == EOF) exit(0);
  return byte;
}

static int in_fault;
void edgeq_board_reset(void) {
  if (in_fault) exit(7);
  edgeq_link_init(&link_state, edgeq_app_model());
}

static void decode_frames(void) {
  uint8_t *buffer =
      malloc(EDGEQ_FRAME_BYTES(EDGEQ_LINK_PAYLOAD)); /* on the heap: overruns by one byte are found */
  edgeq_frame_decoder decoder = {buffer, EDGEQ_FRAME_BYTES(EDGEQ_LINK_PAYLOAD), 0, 0, 0, 0};
  edgeq_frame_reset(&decoder);
  uint8_t piece[PIECE];
  uint32_t at = 0, end = 0;
  for (;;) {
    if (at == end) {
      at = 0;
      end = (uint32_t)fread(piece, 1, sizeof piece, stdin);
      if (end == 0) break;
    }
    uint32_t taken = 0;
    const edgeq_frame_event event = edgeq_frame_decode(&decoder, piece + at, end - at, &taken);
    at += taken;
    if (event == EDGEQ_FRAME_BAD) (void)putchar(0);
    if (event == EDGEQ_FRAME_GOOD) {
      const uint32_t length = EDGEQ_FRAME_HEADER + edgeq_frame_payload_length(&decoder);
      (void)putchar(1);
      (void)fwrite(&length, sizeof length, 1, stdout);
      (void)fwrite(buffer, length, 1, stdout);
    }
  }
  free(buffer);
}

static void encode_frames(void) {
  uint32_t length;
  while (fread(&length, sizeof length, 1, stdin) == 1) {
    uint8_t header[EDGEQ_FRAME_HEADER];
    const uint32_t payload = length - EDGEQ_FRAME_HEADER;
    uint8_t *frame = malloc(EDGEQ_FRAME_BYTES(payload));
    if (fread(header, sizeof header, 1, stdin) != 1) exit(2);
    if (payload > 0 && fread(frame + EDGEQ_FRAME_HEADER, payload, 1, stdin) != 1) exit(2);
    edgeq_frame_send(frame, header[0], header[1], (uint16_t)(header[2] | header[3] << 8), payload,
                     edgeq_board_write);
    free(frame);
  }
}

int main(int count, char **words) {
  if (count != 2) return 2;
  if (strcmp(words[1], "frames") == 0) {
    decode_frames();
  } else if (strcmp(words[1], "encode") == 0) {
    encode_frames();
  } else if (strcmp(words[1], "fault") == 0) {
    const edgeq_fault fault = {EDGEQ_FAULT_BUS, true,   0x1234,     0x5679,    0x20001000,
                               0x01000000,      0x8200, 0x40000000, 0x60000000};
    in_fault = 1;
    edgeq_link_serve_fault(&fault);
  } else {
    edgeq_link_init(&link_state, edgeq_app_model());
    uint8_t piece[PIECE];
    for (size_t got = 0; (got = fread(piece, 1, sizeof piece, stdin)) > 0u;)
      edgeq_link_receive(&link_state, piece, (uint32_t)got);
  }
  return 0;
}
