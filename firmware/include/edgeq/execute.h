/* The execution of a run. For the link's own files. */
#ifndef EDGEQ_EXECUTE_H
#define EDGEQ_EXECUTE_H

#include <stdint.h>

#include "edgeq/link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Executes the current run, whose input is complete, and leaves its reply in link->answer. `mode` is of
 * edgeq_link_mode; `point` a trace point, for the modes that have one. */
void edgeq_execute(edgeq_link *link, uint8_t mode, uint32_t repeat, uint32_t point);

/* Sends the kept reply with at most `limit` bytes of the result. */
void edgeq_send_answer(edgeq_link *link, uint16_t sequence, uint32_t limit);

#ifdef __cplusplus
}
#endif

#endif
