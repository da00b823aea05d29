/* Received bytes in a ring, which the UART's interrupt fills while the engine runs. src/receiver_cortexm.c
 * defines edgeq_board_read, edgeq_board_read_many, edgeq_board_wait and edgeq_board_rx_window; the board has
 * the three things below.
 */
#ifndef EDGEQ_RECEIVER_H
#define EDGEQ_RECEIVER_H

#include <stdint.h>

/* Bytes of the ring: a power of two. */
#ifndef EDGEQ_RECEIVER_BYTES
#define EDGEQ_RECEIVER_BYTES 4096u
#endif

/* The vectors of the interrupts 0 to `irq`, behind those of start-up: the last one is the receiver's, the
 * others are never on. Once in a board's file, outside of functions; `irq` is a plain number. */
#define EDGEQ_RECEIVER_VECTOR(irq)                          \
  __asm(                                                    \
      ".pushsection .edgeq_irq_vectors, \"a\", %progbits\n" \
      ".rept " #irq                                         \
      "\n"                                                  \
      "  .word edgeq_fault_entry\n"                         \
      ".endr\n"                                             \
      "  .word edgeq_receiver_entry\n"                      \
      ".popsection\n")

/* Takes bytes from now on. The UART's interrupt is on, and lasts as long as there is a byte to take; `irq` is
 * the vector's number. */
void edgeq_receiver_start(uint32_t irq);

/* The board's: the next byte of the UART itself, or -1 if there is none. Called by the interrupt's handler,
 * and by the fault handler, during which no interrupt is taken. */
int edgeq_receiver_take(void);

#endif
