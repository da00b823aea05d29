#include "edgeq/attributes.h"
#include "edgeq/board.h"
#include "edgeq/cortexm.h"
#include "edgeq/receiver.h"

#define AT(count) ((count) & (EDGEQ_RECEIVER_BYTES - 1u))

void edgeq_receiver_entry(void);

/* Counts run on and wrap at 2^32; only the handler writes `put`, only main writes `got`. */
static volatile uint8_t edgeq_receiver_ring[EDGEQ_RECEIVER_BYTES];
static volatile uint32_t edgeq_receiver_put, edgeq_receiver_got;
static uint32_t edgeq_receiver_irq;

/* A full ring turns its interrupt off until there is room again: a UART that keeps bytes loses none, another
 * loses them as it would without a ring. */
__attribute__((used)) void edgeq_receiver_entry(void) {
  uint32_t put = edgeq_receiver_put;
  const uint32_t end = edgeq_receiver_got + EDGEQ_RECEIVER_BYTES;
  while (put != end) {
    const int byte = edgeq_receiver_take();
    if (byte < 0) break;
    edgeq_receiver_ring[AT(put)] = (uint8_t)byte;
    put++;
  }
  edgeq_receiver_put = put;
  if (put == end) {
    EDGEQ_NVIC_ICER(edgeq_receiver_irq) = 1u << (edgeq_receiver_irq % 32u);
    __asm volatile("dsb" ::: "memory");
  }
}

void edgeq_receiver_start(uint32_t irq) {
  edgeq_receiver_irq = irq;
  EDGEQ_NVIC_ISER(irq) = 1u << (irq % 32u);
}

uint32_t edgeq_board_rx_window(void) {
  return EDGEQ_RECEIVER_BYTES;
}

uint32_t edgeq_board_read_many(uint8_t *to, uint32_t room) {
  const uint32_t got = edgeq_receiver_got;
  const uint32_t there = edgeq_receiver_put - got;
  const uint32_t count = there < room ? there : room;
  EDGEQ_ROLLED
  for (uint32_t i = 0; i < count; i++) to[i] = edgeq_receiver_ring[AT(got + i)];
  edgeq_receiver_got = got + count;
  /* Looked at when the room is there: a handler before that may have found the ring full. */
  if (count > 0u && edgeq_receiver_put - got >= EDGEQ_RECEIVER_BYTES)
    EDGEQ_NVIC_ISER(edgeq_receiver_irq) = 1u << (edgeq_receiver_irq % 32u);
  return count;
}

int edgeq_board_read(void) {
  uint8_t byte;
  if (edgeq_board_read_many(&byte, 1) > 0u) return byte;
  return edgeq_exception() != 0u ? edgeq_receiver_take() : -1;
}

/* Looks with interrupts off, so that no byte comes between the look and the sleep: a sleeping core wakes up
 * for a pending interrupt although PRIMASK is set (Armv7-M ARM, B1.5.18), and takes it when it is clear
 * again. */
void edgeq_board_wait(void) {
  __asm volatile("cpsid i" ::: "memory");
  if (edgeq_receiver_got == edgeq_receiver_put) __asm volatile("dsb\n  wfi" ::: "memory");
  __asm volatile("cpsie i\n  isb" ::: "memory");
}
