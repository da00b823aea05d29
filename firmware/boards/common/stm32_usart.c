/* The line of edgeq/board.h on an STM32's USART or LPUART. */
#include "edgeq/stm32_usart.h"

#include "edgeq/board.h"
#include "edgeq/cortexm.h"

#define STATUS EDGEQ_REG32(edgeq_stm32_usart.status)
#define STATUS_RXNE (1u << 5)
#define STATUS_TC (1u << 6)
#define STATUS_TXE (1u << 7)

static int received(void) {
  return (STATUS & STATUS_RXNE) != 0u;
}

/* The interrupt is a level, and ends when the byte is read. */
static void keep_interrupt(void) {}

int edgeq_board_read(void) {
  return received() ? (int)(EDGEQ_REG32(edgeq_stm32_usart.receive) & 0xFFu) : -1;
}

void edgeq_board_wait(void) {
  edgeq_sleep_until(edgeq_stm32_usart.irq, received, keep_interrupt);
}

void edgeq_board_write(uint8_t byte) {
  while ((STATUS & STATUS_TXE) == 0u) {
  }
  EDGEQ_REG32(edgeq_stm32_usart.transmit) = byte;
}

void edgeq_board_reset(void) {
  while ((STATUS & STATUS_TC) == 0u) {
  }
  edgeq_system_reset();
}
