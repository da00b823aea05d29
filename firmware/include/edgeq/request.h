/* One request and its reply. For the link's own files: link.c takes requests apart, describe.c and runs.c
 * answer them, reply.c sends what they say. */
#ifndef EDGEQ_REQUEST_H
#define EDGEQ_REQUEST_H

#include <stdint.h>

#include "edgeq/link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A request that is being answered. The reply is built over it, so what is needed later is read before. */
typedef struct edgeq_request {
  edgeq_link *link;
  const uint8_t *payload;
  uint32_t length; /* bytes of payload */
  uint16_t sequence;
  uint8_t type; /* edgeq_link_type */
  uint8_t flags;
} edgeq_request;

/* Where the reply's payload goes: room for EDGEQ_LINK_PAYLOAD bytes. */
uint8_t *edgeq_reply_payload(const edgeq_request *request);

/* Sends the reply, whose payload ends at `end`. */
void edgeq_reply(const edgeq_request *request, const uint8_t *end);

/* Sends ERROR instead. */
void edgeq_refuse(const edgeq_request *request, edgeq_link_error error, uint32_t detail);

/* Sends an event of two numbers. It has a small frame of its own on the stack: link->frame and link->answer
 * may be in use. */
void edgeq_send_event(uint8_t type, uint32_t first, uint32_t second);

/* The requests. Each checks its payload, and replies or refuses. */
void edgeq_on_hello(const edgeq_request *request);
void edgeq_on_describe(const edgeq_request *request);
void edgeq_on_about(const edgeq_request *request);
void edgeq_on_stats(const edgeq_request *request);
void edgeq_on_engine_state(const edgeq_request *request);
void edgeq_on_write(const edgeq_request *request);
void edgeq_on_run(const edgeq_request *request);
void edgeq_on_read(const edgeq_request *request);

#ifdef __cplusplus
}
#endif

#endif
