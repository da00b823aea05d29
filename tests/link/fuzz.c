/* Feeds the firmware's link random and mutated bytes, and checks what it does with them.
 *
 *   fuzz BYTES SEED < corpus > corpus
 *
 * The corpus is hexadecimal, one input a line; all of it is fed first, then mutations of it and requests made
 * from scratch, until BYTES bytes have been fed. Where the compiler tells which code runs
 * (-fsanitize-coverage=trace-pc), inputs that reached new code come out: they, behind the old ones, are the
 * next corpus.
 *
 * After every input the device must answer a PING, and have sent nothing but whole frames. Sanitizers see the
 * rest.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgeq/board.h"
#include "edgeq/link.h"
#include "edgeq/runtime.h"

#define LONGEST 4096u
#define MOST 4096u

const char edgeq_board_name[] = "fuzz";
uint32_t edgeq_board_clock_hz = 0;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
uint32_t edgeq_board_ticks_hz = 0;

static edgeq_link device;

/* What the device sends, decoded as a host would. */
static uint8_t sent[EDGEQ_FRAME_BYTES(EDGEQ_LINK_PAYLOAD)];
static edgeq_frame_decoder host = {sent, sizeof sent, 0, 0, 0, 0};
static uint32_t pings_answered;
static uint8_t ping_number;

/* Input of the fault handler, which reads by itself; then a RESET, which ends it. */
static const uint8_t *fault_input;
static uint32_t fault_left;
static int in_fault, reset_sent;
static jmp_buf out_of_fault;

static void fail(const char *what) {
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

void edgeq_board_init(void) {}
uint32_t edgeq_board_ticks(void) {
  return 0;
}
uint32_t edgeq_stack_high_water(void) {
  return 0;
}
void edgeq_board_wait(void) {}

void edgeq_board_write(uint8_t byte) {
  uint32_t taken = 0;
  const edgeq_frame_event event = edgeq_frame_decode(&host, &byte, 1, &taken);
  if (event == EDGEQ_FRAME_BAD) fail("the device sent something that is no frame");
  if (event == EDGEQ_FRAME_GOOD && sent[0] == (EDGEQ_LINK_PING | EDGEQ_LINK_REPLY) &&
      edgeq_frame_payload_length(&host) == 1u && sent[EDGEQ_FRAME_HEADER] == ping_number) {
    pings_answered++;
  }
}

void edgeq_board_reset(void) {
  if (in_fault) longjmp(out_of_fault, 1);
  edgeq_link_init(&device, edgeq_app_model());
}

static uint8_t made[2u * LONGEST];
static uint32_t made_length;
static void put(uint8_t byte) {
  if (made_length < sizeof made) made[made_length++] = byte;
}

int edgeq_board_read(void) {
  if (fault_left > 0u) {
    fault_left--;
    return *fault_input++;
  }
  if (reset_sent) fail("the fault handler does not reset");
  reset_sent = 1;
  uint8_t frame[EDGEQ_FRAME_BYTES(0)];
  made_length = 0;
  edgeq_frame_send(frame, EDGEQ_LINK_RESET, 0, 7, 0, put);
  fault_input = made;
  fault_left = made_length;
  return 0;
}

/* xorshift64* (Vigna, 2016). */
static uint64_t state;
static uint32_t draw(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545F4914F6CDD1Du) >> 33) % below;
}

/* Coverage: gcc calls this in every block of the firmware's code, which alone is compiled for it. News is a
 * step from one block to another that no input has made before. */
static uint8_t reached[1u << 16];
static uintptr_t block_before;
static int news;
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
  const uintptr_t block = (uintptr_t)__builtin_return_address(0);
  uint8_t *seen = &reached[((block_before * 31u) ^ block) & 0xFFFFu];
  block_before = block;
  if (*seen == 0u) {
    *seen = 1;
    news = 1;
  }
}

typedef struct input {
  uint32_t length;
  uint8_t *bytes;
} input;
static input corpus[MOST];
static uint32_t count;

static void keep(const uint8_t *bytes, uint32_t length) {
  if (count == MOST || length == 0u) return;
  corpus[count].bytes = malloc(length);
  if (corpus[count].bytes == NULL) fail("no memory");
  memcpy(corpus[count].bytes, bytes, length);
  corpus[count++].length = length;
}

static void read_corpus(void) {
  static char line[2u * LONGEST + 2u];
  static uint8_t bytes[LONGEST];
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint32_t length = 0;
    unsigned value;
    while (length < LONGEST && sscanf(line + 2u * length, "%2x", &value) == 1)
      bytes[length++] = (uint8_t)value;
    keep(bytes, length);
  }
}

static uint32_t interesting(void) {
  static const uint32_t values[] = {0,   1,   2,          3,          4,          5,         8,
                                    9,   10,  16,         17,         18,         19,        238,
                                    239, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
  return values[draw(sizeof values / sizeof values[0])];
}

/* A request with a right CRC: without one, hardly anything random gets past the decoder. */
static void make_request(void) {
  static const uint8_t types[] = {EDGEQ_LINK_PING,         EDGEQ_LINK_HELLO,
                                  EDGEQ_LINK_HELLO,        EDGEQ_LINK_DESCRIBE,
                                  EDGEQ_LINK_WRITE,        EDGEQ_LINK_WRITE,
                                  EDGEQ_LINK_RUN,          EDGEQ_LINK_RUN,
                                  EDGEQ_LINK_READ,         EDGEQ_LINK_READ,
                                  EDGEQ_LINK_STATS,        EDGEQ_LINK_RESET,
                                  EDGEQ_LINK_ENGINE_STATE, 0x22};
  static uint8_t frame[EDGEQ_FRAME_BYTES(EDGEQ_LINK_PAYLOAD)];
  uint32_t payload = draw(8) == 0u ? draw(EDGEQ_LINK_PAYLOAD + 1u) : draw(48);
  for (uint32_t i = 0; i < payload; i++) frame[EDGEQ_FRAME_HEADER + i] = (uint8_t)draw(draw(2) ? 256 : 4);
  for (uint32_t field = 0; field + 4u <= payload && field < 16u; field += 4u) {
    if (draw(3) == 0u) continue;
    const uint32_t value = draw(2) ? draw(4) : interesting();
    for (uint32_t i = 0; i < 4u; i++) frame[EDGEQ_FRAME_HEADER + field + i] = (uint8_t)(value >> (8u * i));
  }
  const uint8_t type = draw(12) == 0u ? (uint8_t)draw(256) : types[draw(sizeof types)];
  if (type == EDGEQ_LINK_RUN && payload >= 16u && draw(4)) {
    uint8_t *at = frame + EDGEQ_FRAME_HEADER;
    at[4] = (uint8_t)draw(5);        /* mode */
    at[6] = (uint8_t)(1u + draw(2)); /* repeat */
    at[7] = at[9] = 0;
    at[8] = (uint8_t)draw(4);         /* point */
    memset(at + 12, 0, 4);            /* offset */
    if (draw(2)) payload = 16u + 18u; /* all of the input */
  }
  edgeq_frame_send(frame, type, (uint8_t)(draw(4) ? 0 : draw(3)), (uint16_t)draw(65536), payload, put);
}

static void damage(void) {
  for (uint32_t times = 1u + draw(3); times > 0u && made_length > 1u; times--) {
    const uint32_t at = draw(made_length), some = 1u + draw(draw(4) ? 4 : 300);
    const uint32_t part = some < made_length - at ? some : made_length - at;
    switch (draw(5)) {
      case 0:
        made[at] ^= (uint8_t)(1u << draw(8));
        break;
      case 1:
        memmove(made + at, made + at + part, made_length - at - part);
        made_length -= part;
        break;
      case 2: /* twice */
        if (made_length + part <= LONGEST) {
          memmove(made + at + part, made + at, made_length - at);
          made_length += part;
        }
        break;
      case 3:
        for (uint32_t i = 0; i < part; i++) made[at + i] = (uint8_t)draw(256);
        break;
      default:
        made[at] = (uint8_t)interesting();
        break;
    }
  }
}

static void make_input(void) {
  made_length = 0;
  const uint32_t kind = draw(8);
  if (kind == 0u) {
    for (uint32_t left = draw(600); left > 0u; left--) put((uint8_t)draw(256));
  } else if (kind < 4u && count > 0u) {
    for (uint32_t parts = 1u + draw(3); parts > 0u; parts--) {
      const input *one = &corpus[draw(count)];
      for (uint32_t i = 0; i < one->length && made_length < LONGEST; i++) put(one->bytes[i]);
    }
  } else {
    for (uint32_t parts = 1u + draw(8); parts > 0u && made_length < LONGEST; parts--) make_request();
  }
  if (made_length > LONGEST) made_length = LONGEST;
  if (draw(3)) damage();
}

/* How many of `left` bytes arrive together. */
static uint32_t piece_of(uint32_t left) {
  const uint32_t some = 1u + draw(draw(2) ? 4 : 300);
  return some < left ? some : left;
}

/* Decoders alone, with buffers on the heap, where one byte too far is noticed. */
static void feed_decoders(const uint8_t *bytes, uint32_t length) {
  static const uint32_t capacities[] = {EDGEQ_FRAME_BYTES(0), EDGEQ_FRAME_BYTES(40)};
  for (uint32_t i = 0; i < 2u; i++) {
    edgeq_frame_decoder decoder = {malloc(capacities[i]), capacities[i], 0, 0, 0, 0};
    if (decoder.buffer == NULL) fail("no memory");
    edgeq_frame_reset(&decoder);
    for (uint32_t at = 0, taken = 0; at < length; at += taken) {
      const uint32_t part = piece_of(length - at);
      taken = 0;
      const edgeq_frame_event event = edgeq_frame_decode(&decoder, bytes + at, part, &taken);
      if (taken == 0u || taken > part) fail("the decoder takes nothing, or more than there is");
      if (event == EDGEQ_FRAME_GOOD &&
          EDGEQ_FRAME_BYTES(edgeq_frame_payload_length(&decoder)) > capacities[i]) {
        fail("a frame is longer than its buffer");
      }
    }
    free(decoder.buffer);
  }
}

static void feed_fault_handler(const uint8_t *bytes, uint32_t length) {
  static const edgeq_fault fault = {EDGEQ_FAULT_BUS, true, 1, 2, 3, 4, 5, 6, 7};
  fault_input = bytes;
  fault_left = length;
  reset_sent = 0;
  in_fault = 1;
  if (setjmp(out_of_fault) == 0) edgeq_link_serve_fault(&fault);
  in_fault = 0;
}

static void feed(const uint8_t *from, uint32_t length) {
  uint8_t *bytes = malloc(length + 1u);
  if (bytes == NULL) fail("no memory");
  memcpy(bytes, from, length);
  if (draw(4) == 0u) edgeq_link_init(&device, edgeq_app_model());
  for (uint32_t at = 0, part = 0; at < length; at += part) {
    part = piece_of(length - at);
    uint8_t *const piece = malloc(part); /* on the heap: reading behind it is noticed */
    if (piece == NULL) fail("no memory");
    memcpy(piece, bytes + at, part);
    edgeq_link_receive(&device, piece, part);
    free(piece);
  }
  if (device.received > device.input_bytes || device.done_run > device.open_run ||
      device.answer_payload > EDGEQ_LINK_PAYLOAD) {
    fail("the link's state is not possible");
  }
  uint8_t frame[EDGEQ_FRAME_BYTES(1)];
  const uint32_t before = pings_answered;
  frame[EDGEQ_FRAME_HEADER] = ++ping_number;
  made_length = 0;
  edgeq_frame_send(frame, EDGEQ_LINK_PING, 0, 1, 1, put);
  edgeq_link_receive(&device, made, made_length);
  if (pings_answered != before + 1u) fail("the device does not answer any more");
  feed_decoders(bytes, length);
  if (draw(8) == 0u) feed_fault_handler(bytes, length);
  free(bytes);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const uint64_t wanted = strtoull(argv[1], NULL, 10);
  state = strtoull(argv[2], NULL, 10) * 0x9E3779B97F4A7C15u + 1u;
  edgeq_frame_reset(&host);
  edgeq_link_init(&device, edgeq_app_model());
  read_corpus();
  const uint32_t old = count;
  uint64_t fed = 0;
  for (uint32_t i = 0; i < old; i++) {
    feed(corpus[i].bytes, corpus[i].length);
    fed += corpus[i].length;
  }
  while (fed < wanted) {
    static uint8_t one[LONGEST];
    make_input();
    const uint32_t length = made_length;
    memcpy(one, made, length);
    news = 0;
    feed(one, length);
    if (news) keep(one, length);
    fed += length;
  }
  for (uint32_t i = old; i < count; i++) {
    for (uint32_t at = 0; at < corpus[i].length; at++) (void)printf("%02x", corpus[i].bytes[at]);
    (void)printf("\n");
  }
  for (uint32_t i = 0; i < count; i++) free(corpus[i].bytes);
  (void)fprintf(stderr, "%" PRIu64 " bytes\n", fed);
  return 0;
}
