/* The device's side of the link: answers the requests of firmware/PROTOCOL.md with an edgeq_model.
 *
 * Bytes go in through edgeq_link_receive and out through edgeq_board_write. Nothing waits except for room in
 * the transmitter and for the engine.
 */
#ifndef EDGEQ_LINK_H
#define EDGEQ_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "edgeq/engine.h"
#include "edgeq/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EDGEQ_PROTOCOL_VERSION 1u

/* Largest payload in either direction. Two frames of this size are held in RAM. */
#ifndef EDGEQ_LINK_PAYLOAD
#define EDGEQ_LINK_PAYLOAD 1024
#endif

/* Times of single inferences of one run that are kept in RAM, 4 bytes each, for READ. None by default. */
#ifndef EDGEQ_LINK_TIMES
#define EDGEQ_LINK_TIMES 0
#endif

/* Fingerprints of one traced run that are kept in RAM, 4 bytes each, in builds with EDGEQ_TRACE only. A model
 * with more trace points is traced in several runs. */
#ifndef EDGEQ_LINK_TRACE_POINTS
#define EDGEQ_LINK_TRACE_POINTS 256
#endif

/* Requests; a reply has the same type with the top bit set. */
typedef enum edgeq_link_type {
  EDGEQ_LINK_PING = 0x01,
  EDGEQ_LINK_HELLO = 0x02,
  EDGEQ_LINK_DESCRIBE = 0x03,
  EDGEQ_LINK_ABOUT = 0x04, /* refused without EDGEQ_LINK_FACTS */
  EDGEQ_LINK_WRITE = 0x10,
  EDGEQ_LINK_RUN = 0x11,
  EDGEQ_LINK_READ = 0x12,
  EDGEQ_LINK_STATS = 0x20,
  EDGEQ_LINK_RESET = 0x21,
  EDGEQ_LINK_SPEED = 0x22,
  EDGEQ_LINK_ENGINE_STATE = 0x23,
  EDGEQ_LINK_REPLY = 0x80, /* the bit of a reply */
  EDGEQ_LINK_FAULT = 0xF0, /* events, which nobody asked for */
  EDGEQ_LINK_RUNNING = 0xF1,
  EDGEQ_LINK_DAMAGED = 0xF2,
  EDGEQ_LINK_BOOT = 0xF3,
  EDGEQ_LINK_ERROR = 0xFE, /* the reply to a request that was not done */
} edgeq_link_type;

/* Flags of the header. */
#define EDGEQ_LINK_QUIET 0x01u /* of WRITE: no reply if all is well */

typedef enum edgeq_link_error {
  EDGEQ_LINK_UNKNOWN_REQUEST = 1, /* type or flags that this firmware does not know */
  EDGEQ_LINK_MALFORMED = 2,       /* the payload is too short for its type */
  EDGEQ_LINK_OUT_OF_RANGE = 3,    /* an index, offset, length or mode that does not exist */
  EDGEQ_LINK_NEED_INPUT = 4,      /* bytes of the input are missing; detail: how many have arrived in order */
  EDGEQ_LINK_STALE = 5,           /* of an earlier run than the current one */
  EDGEQ_LINK_NOT_AVAILABLE = 6,   /* READ of what is not there, or no longer */
  EDGEQ_LINK_NOT_TRACED = 7,      /* trace or fetch in a build without EDGEQ_TRACE */
  EDGEQ_LINK_ENGINE = 8,          /* the engine did not start; detail: its status */
  EDGEQ_LINK_NO_SESSION = 9,      /* input, a run or its result before HELLO: the device has started anew */
} edgeq_link_error;

typedef enum edgeq_link_mode {
  EDGEQ_LINK_INFER = 0,
  EDGEQ_LINK_TRACE = 1,
  EDGEQ_LINK_FETCH = 2,
  EDGEQ_LINK_SELFTEST = 3,
  EDGEQ_LINK_TICKS = 4,   /* refused where the engine does not time its kernel calls */
  EDGEQ_LINK_PROFILE = 5, /* refused without EDGEQ_LINK_PROFILES */
} edgeq_link_mode;

/* What READ reads. */
typedef enum edgeq_link_item {
  EDGEQ_LINK_ITEM_OUTPUT = 0, /* all outputs, one behind the other */
  EDGEQ_LINK_ITEM_RESULT =
      1, /* what the mode of the run yields: outputs, fingerprints, or the tensor of a trace point */
  EDGEQ_LINK_ITEM_TIMES = 2, /* the ticks of each inference; refused without EDGEQ_LINK_TIMES */
} edgeq_link_item;

/* Bits of HELLO's flags. */
#define EDGEQ_LINK_HELLO_TRACED 0x1u      /* a build with EDGEQ_TRACE: never measure its ticks */
#define EDGEQ_LINK_HELLO_FAILED 0x2u      /* the engine did not start: every RUN is refused */
#define EDGEQ_LINK_HELLO_INTERPRETER 0x4u /* trace points are the outputs of all ops of the .tflite */
#define EDGEQ_LINK_HELLO_EMULATED 0x8u    /* an emulated processor: its time means nothing */

/* What a fault handler knows. */
typedef enum edgeq_fault_kind {
  EDGEQ_FAULT_HARD = 1,
  EDGEQ_FAULT_MEMORY = 2,
  EDGEQ_FAULT_BUS = 3,
  EDGEQ_FAULT_USAGE = 4,
  EDGEQ_FAULT_SECURE = 5,
  EDGEQ_FAULT_STACK_OVERFLOW = 6,
  EDGEQ_FAULT_UNEXPECTED_INTERRUPT = 7,
} edgeq_fault_kind;

typedef struct edgeq_fault {
  uint8_t kind;       /* edgeq_fault_kind */
  bool address_valid; /* whether `address` is known */
  uint32_t pc;        /* of the instruction at fault */
  uint32_t lr;
  uint32_t sp;
  uint32_t xpsr;
  uint32_t cfsr;    /* Configurable Fault Status Register, 0 where the core has none */
  uint32_t hfsr;    /* HardFault Status Register, likewise */
  uint32_t address; /* that was accessed: BFAR, MMFAR or the stack's limit */
} edgeq_fault;

typedef struct edgeq_link_stats {
  uint32_t frames_good;
  uint32_t frames_bad;
  uint32_t runs;    /* executed, not answered from memory */
  uint32_t repeats; /* RUN requests answered from memory */
} edgeq_link_stats;

/* All state of the link. Set up by edgeq_link_init; the members are for the link's own files alone. */
typedef struct edgeq_link {
  const edgeq_model *model;
  edgeq_frame_decoder decoder;
  edgeq_status engine; /* what model->init returned */
  uint32_t session;    /* given by the host's last HELLO, 0 since the start */
  uint32_t input_bytes, output_bytes;
  uint32_t open_run;  /* the run whose input is being received, or that was executed last */
  uint32_t received;  /* bytes of its input that have arrived in order */
  uint32_t done_run;  /* the run whose reply is in `answer`; 0: none */
  uint32_t fresh_run; /* the run whose outputs and result are still in the arena; 0: none */
  bool outputs_ready; /* whether fresh_run computed all outputs */
  uint32_t answer_payload;
  uint32_t lost_frames; /* damaged ones in a row, at a speed other than the first one */
  bool other_speed;     /* whether the line has such a speed */
  const void *result;   /* of done_run: fingerprints or a trace point's tensor; null: its outputs */
  uint32_t result_bytes;
  edgeq_link_stats stats;
  uint8_t frame[EDGEQ_FRAME_BYTES(EDGEQ_LINK_PAYLOAD)];  /* the request, then its reply */
  uint8_t answer[EDGEQ_FRAME_BYTES(EDGEQ_LINK_PAYLOAD)]; /* the reply to done_run, kept for a retry */
#if EDGEQ_LINK_TIMES > 0
  uint8_t times[4u * EDGEQ_LINK_TIMES]; /* of done_run's inferences, little-endian */
  uint32_t times_bytes;
#endif
#ifdef EDGEQ_TRACE
  uint32_t trace[EDGEQ_LINK_TRACE_POINTS];
  uint32_t trace_first, trace_count;
#endif
} edgeq_link;

/* Starts the engine and announces itself (BOOT). */
void edgeq_link_init(edgeq_link *link, const edgeq_model *model);

/* Takes the next `count` received bytes; requests that they complete are executed and answered before this
 * returns. */
void edgeq_link_receive(edgeq_link *link, const uint8_t *bytes, uint32_t count);

/* The model of this firmware: generated beside it. */
const edgeq_model *edgeq_app_model(void);

/* Sends one FAULT frame. Needs no state of the link and about 128 bytes of stack; may be called from a fault
 * handler. */
void edgeq_link_send_fault(const edgeq_fault *fault);

/* Sends the fault, then answers whatever arrives with it again, so that no host misses it, until a RESET
 * request. About 256 bytes of stack. Never returns. */
void edgeq_link_serve_fault(const edgeq_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
