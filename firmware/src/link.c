/* The device side of firmware/PROTOCOL.md: takes the line's bytes, and has the requests in them answered. */
#include "edgeq/attributes.h"
#include "edgeq/board.h"
#include "edgeq/bytes.h"
#include "edgeq/mem.h"
#include "edgeq/request.h"
#include "edgeq/tensors.h"

#if EDGEQ_LINK_PAYLOAD < 256 || EDGEQ_LINK_PAYLOAD > 32768
#error "EDGEQ_LINK_PAYLOAD must be 256 to 32768: HELLO and DESCRIBE need 256 bytes"
#endif

/* Damaged frames in a row after which the line goes back to its first speed: the host does not hear any
 * other. */
#define EDGEQ_LOST_FRAMES 16u

static void edgeq_set_speed(edgeq_link *link, uint32_t baud) {
  link->other_speed = baud != EDGEQ_BOARD_BAUD;
  link->lost_frames = 0;
  edgeq_board_set_baud(baud);
}

static void edgeq_on_speed(const edgeq_request *request) {
  const uint32_t fastest = edgeq_board_max_baud();
  const uint32_t baud = request->length < 4u ? 0u : edgeq_get32(request->payload);
  if (baud < EDGEQ_BOARD_BAUD || baud > fastest) {
    edgeq_refuse(request, request->length < 4u ? EDGEQ_LINK_MALFORMED : EDGEQ_LINK_OUT_OF_RANGE,
                 request->length < 4u ? 4u : fastest);
    return;
  }
  edgeq_reply(request, request->payload + 4); /* the payload is in place */
  edgeq_set_speed(request->link, baud);
}

static void edgeq_answer(const edgeq_request *request) {
  const uint8_t known = request->type == EDGEQ_LINK_WRITE ? EDGEQ_LINK_QUIET : 0u;
  if ((request->flags & (uint8_t)~known) != 0u) {
    edgeq_refuse(request, EDGEQ_LINK_UNKNOWN_REQUEST, request->flags);
    return;
  }
  /* What belongs to a run: a device that has started anew knows nothing of it, and says so. */
  if (request->link->session == 0u && request->type >= EDGEQ_LINK_WRITE && request->type <= EDGEQ_LINK_READ) {
    edgeq_refuse(request, EDGEQ_LINK_NO_SESSION, 0);
    return;
  }
  switch (request->type) {
    case EDGEQ_LINK_PING:
      edgeq_reply(request, request->payload + request->length); /* the payload is in place */
      break;
    case EDGEQ_LINK_HELLO:
      edgeq_on_hello(request);
      break;
    case EDGEQ_LINK_DESCRIBE:
      edgeq_on_describe(request);
      break;
#ifdef EDGEQ_LINK_FACTS
    case EDGEQ_LINK_ABOUT:
      edgeq_on_about(request);
      break;
#endif
    case EDGEQ_LINK_WRITE:
      edgeq_on_write(request);
      break;
    case EDGEQ_LINK_RUN:
      edgeq_on_run(request);
      break;
    case EDGEQ_LINK_READ:
      edgeq_on_read(request);
      break;
    case EDGEQ_LINK_STATS:
      edgeq_on_stats(request);
      break;
    case EDGEQ_LINK_RESET:
      edgeq_reply(request, request->payload);
      edgeq_board_reset();
      break;
    case EDGEQ_LINK_SPEED:
      edgeq_on_speed(request);
      break;
    case EDGEQ_LINK_ENGINE_STATE:
      edgeq_on_engine_state(request);
      break;
    default:
      edgeq_refuse(request, EDGEQ_LINK_UNKNOWN_REQUEST, 0);
      break;
  }
}

void edgeq_link_init(edgeq_link *link, const edgeq_model *model) {
  memset(link, 0, sizeof *link);
  link->model = model;
  link->input_bytes = edgeq_total_bytes(model->inputs, model->input_count);
  link->output_bytes = edgeq_total_bytes(model->outputs, model->output_count);
  link->decoder.buffer = link->frame;
  link->decoder.capacity = (uint32_t)sizeof link->frame;
  edgeq_frame_reset(&link->decoder);
  link->engine = model->init();
  edgeq_send_event(EDGEQ_LINK_BOOT, EDGEQ_PROTOCOL_VERSION, (uint32_t)link->engine);
}

EDGEQ_NOINLINE static void edgeq_on_event(edgeq_link *link, edgeq_frame_event event) {
  switch (event) {
    case EDGEQ_FRAME_GOOD: {
      const uint8_t *frame = link->frame;
      const edgeq_request request = {link,
                                     frame + EDGEQ_FRAME_HEADER,
                                     edgeq_frame_payload_length(&link->decoder),
                                     (uint16_t)edgeq_get16(frame + 2),
                                     frame[0],
                                     frame[1]};
      link->stats.frames_good++;
      link->lost_frames = 0;
      /* Replies and events come back from a line that echoes: answering them would never end. */
      if ((request.type & EDGEQ_LINK_REPLY) == 0u) edgeq_answer(&request);
      break;
    }
    case EDGEQ_FRAME_BAD:
      link->stats.frames_bad++;
      if (link->other_speed && ++link->lost_frames == EDGEQ_LOST_FRAMES) {
        edgeq_set_speed(link, EDGEQ_BOARD_BAUD);
        break;
      }
      /* A few stray bytes are no frame; a damaged request is worth a word, so that it is repeated at once. */
      if (link->decoder.length >= EDGEQ_FRAME_HEADER) {
        edgeq_send_event(EDGEQ_LINK_DAMAGED, link->open_run, link->received);
      }
      break;
    default:
      break;
  }
}

EDGEQ_NOINLINE static void edgeq_take_many(edgeq_link *link, const uint8_t *bytes, uint32_t count) {
  while (count > 0u) {
    uint32_t taken = 0;
    const edgeq_frame_event event = edgeq_frame_decode(&link->decoder, bytes, count, &taken);
    if (event != EDGEQ_FRAME_NONE) edgeq_on_event(link, event);
    bytes += taken;
    count -= taken;
  }
}

/* A UART that is polled gives one byte, and the next one is on its way. */
void edgeq_link_receive(edgeq_link *link, const uint8_t *bytes, uint32_t count) {
  if (count == 1u) {
    const edgeq_frame_event event = edgeq_frame_decode_byte(&link->decoder, bytes[0]);
    if (event != EDGEQ_FRAME_NONE) edgeq_on_event(link, event);
  } else {
    edgeq_take_many(link, bytes, count);
  }
}
