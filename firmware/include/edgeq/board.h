/* What the firmware asks of a board. One board.c per folder under boards/ defines these; registers only. */
#ifndef EDGEQ_BOARD_H
#define EDGEQ_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const char edgeq_board_name[]; /* as the folder under boards/ */

typedef enum edgeq_ticks_kind {
  EDGEQ_TICKS_NONE = 0,    /* no counter: ticks are always 0 */
  EDGEQ_TICKS_CPU = 1,     /* CPU cycles of a real core, counted by its DWT unit */
  EDGEQ_TICKS_TIMER = 2,   /* a timer of edgeq_board_ticks_hz; in an emulator a measure of instructions */
  EDGEQ_TICKS_SYSTICK = 3, /* CPU cycles of a real core, counted by SysTick */
} edgeq_ticks_kind;

/* Of what runs now: edgeq_board_init may change them where a clock does not start or a counter stands still.
 */
extern uint32_t edgeq_board_clock_hz;
extern uint32_t edgeq_board_ticks_hz;
extern edgeq_ticks_kind edgeq_board_ticks_kind;

/* Clocks, UART (8N1), counter. Called once, after .data and .bss are set up. */
void edgeq_board_init(void);

/* A counter that runs up and wraps at 2^32. */
uint32_t edgeq_board_ticks(void);

/* Bytes that are kept by the receiver while the engine runs and nobody reads: by an interrupt or DMA that
 * fills a buffer (edgeq/receiver.h). 0 (the default, src/board_defaults.c): only a few, or none. */
uint32_t edgeq_board_rx_window(void);

/* The line's speed after the start, and the fastest that edgeq_board_set_baud takes; 0 (the default,
 * src/board_defaults.c): it takes none. */
#define EDGEQ_BOARD_BAUD 115200u
uint32_t edgeq_board_max_baud(void);

/* Sets the line's speed, from EDGEQ_BOARD_BAUD to the fastest one, when everything that was written has left
 * the transmitter. */
void edgeq_board_set_baud(uint32_t baud);

/* The next received byte, or -1 if none is there yet. Never waits. */
int edgeq_board_read(void);

/* Moves received bytes to `to`, as many as are there and `room` takes; how many these are. Never waits. The
 * default (src/board_defaults.c) moves one: with a UART that is polled, more would come while these are
 * looked at, and be lost. Not for fault handlers. */
uint32_t edgeq_board_read_many(uint8_t *to, uint32_t room);

/* Sleeps until a byte may have been received (or at once returns: waiting is optional). */
void edgeq_board_wait(void);

/* Sends a byte; waits for room in the transmitter. */
void edgeq_board_write(uint8_t byte);

/* Starts anew, as after power-on, when everything that was written has left the transmitter. Does not return.
 */
void edgeq_board_reset(void);

/* What a device with an operating system tells of itself, in words that ABOUT carries, and in flags of HELLO.
 * Needed where EDGEQ_LINK_FACTS is defined. Texts end with a zero, and are valid until the next call. */
uint32_t edgeq_board_fact_count(void);
void edgeq_board_fact(uint32_t index, const char **key, const char **value);
uint32_t edgeq_board_hello_flags(void);

/* Runs the model on the input that is there, and tells the time of each op: the rows of the mode PROFILE,
 * valid until the next call. Needed where EDGEQ_LINK_PROFILES is defined. False: it cannot. */
bool edgeq_board_profile(const void **rows, uint32_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
