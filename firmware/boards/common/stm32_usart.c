#include "edgeq/stm32_usart.h"

#include "edgeq/board.h"
#include "edgeq/cortexm.h"
#include "edgeq/receiver.h"

#define STATUS EDGEQ_REG32(edgeq_stm32_usart.status)
#define STATUS_ORE (1u << 3)
#define STATUS_RXNE (1u << 5)
#define STATUS_TC (1u << 6)
#define STATUS_TXE (1u << 7)
#define CONTROL_1 EDGEQ_REG32(edgeq_stm32_usart.control_1)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_RXNEIE (1u << 5)

#define FASTEST 921600u
/* A divisor is rounded: of this much at least, the speed is 1.6 % off at most. */
#define LEAST_DIVISOR 32u

static uint32_t edgeq_stm32_usart_hz;

/* hz * divisor_scale / baud, rounded, without a product of 64 bits. BRR may be written while the USART is off
 * (RM0410, 34.8.4). */
static void set_speed(uint32_t baud) {
  const uint32_t scale = edgeq_stm32_usart.divisor_scale;
  const uint32_t whole = edgeq_stm32_usart_hz / baud, rest = edgeq_stm32_usart_hz % baud;
  CONTROL_1 = 0;
  EDGEQ_REG32(edgeq_stm32_usart.divisor) = whole * scale + (rest * scale + baud / 2u) / baud;
  CONTROL_1 = edgeq_stm32_usart.control_1_enable | CR1_RE | CR1_TE | CR1_RXNEIE;
}

void edgeq_stm32_usart_start(uint32_t hz) {
  edgeq_stm32_usart_hz = hz;
  EDGEQ_REG32(edgeq_stm32_usart.control_3) = edgeq_stm32_usart.control_3_value;
  set_speed(EDGEQ_BOARD_BAUD);
  edgeq_receiver_start(edgeq_stm32_usart.irq);
}

/* An overrun raises the interrupt, too, also where no byte is left; reading the register ends it (RM0090,
 * 30.3.3). Newer ones have it turned off. */
int edgeq_receiver_take(void) {
  const uint32_t status = STATUS;
  if ((status & (STATUS_RXNE | STATUS_ORE)) == 0u) return -1;
  const uint32_t byte = EDGEQ_REG32(edgeq_stm32_usart.receive) & 0xFFu;
  return (status & STATUS_RXNE) != 0u ? (int)byte : -1;
}

void edgeq_board_write(uint8_t byte) {
  while ((STATUS & STATUS_TXE) == 0u) {
  }
  EDGEQ_REG32(edgeq_stm32_usart.transmit) = byte;
}

static void flush(void) {
  while ((STATUS & STATUS_TC) == 0u) {
  }
}

uint32_t edgeq_board_max_baud(void) {
  const uint32_t fastest = edgeq_stm32_usart_hz / LEAST_DIVISOR;
  return fastest < FASTEST ? fastest : FASTEST;
}

void edgeq_board_set_baud(uint32_t baud) {
  flush();
  set_speed(baud);
}

void edgeq_board_reset(void) {
  flush();
  edgeq_system_reset();
}
