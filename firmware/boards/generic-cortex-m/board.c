/* generic-cortex-m
 *
 * Three places are to be filled in, and marked. What stands there is an example that works: USART1 of an
 * STM32F4 at the 16 MHz of its start. */
#include "edgeq/board.h"

#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"

const char edgeq_board_name[] = "generic-cortex-m";
uint32_t edgeq_board_clock_hz = 16000000u;
uint32_t edgeq_board_ticks_hz = 16000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

/* FILL IN (1 of 3): where the UART tells its state, and where bytes are read and written. */
#define UART_STATE EDGEQ_REG32(0x40011000u)
#define UART_HAS_BYTE (1u << 5)
#define UART_HAS_ROOM (1u << 7)
#define UART_ALL_SENT (1u << 6)
#define UART_RECEIVE EDGEQ_REG32(0x40011004u)
#define UART_TRANSMIT EDGEQ_REG32(0x40011004u)

/* FILL IN (2 of 3): the clock, if it shall be another than after a reset. edgeq_board_clock_hz above and
 * clock_hz in board.toml say what it is. */
static void start_clock(void) {}

/* FILL IN (3 of 3): the UART's clock and pins, 8 bits, no parity, one stop bit, 115,200 baud. */
static void start_uart(void) {
  EDGEQ_REG32(0x40023830u) |= 1u << 1;                                               /* clock of port B */
  EDGEQ_REG32(0x40023844u) |= 1u << 4;                                               /* and of USART1 */
  EDGEQ_REG32(0x40020420u) = (EDGEQ_REG32(0x40020420u) & 0x00FFFFFFu) | 0x77000000u; /* PB6, PB7: USART1 */
  EDGEQ_REG32(0x40020400u) = (EDGEQ_REG32(0x40020400u) & ~(15u << 12)) | (10u << 12);
  EDGEQ_REG32(0x40011008u) = (edgeq_board_clock_hz + EDGEQ_BOARD_BAUD / 2u) / EDGEQ_BOARD_BAUD; /* BRR */
  EDGEQ_REG32(0x4001100Cu) = (1u << 13) | (1u << 3) | (1u << 2); /* CR1: on, transmitter, receiver */
}

void edgeq_board_init(void) {
  start_clock();
  start_uart();
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE; /* an emulator */
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}

int edgeq_board_read(void) {
  return (UART_STATE & UART_HAS_BYTE) != 0u ? (int)(UART_RECEIVE & 0xFFu) : -1;
}

/* Sleeping saves power, and is optional: edgeq/cortexm.h has edgeq_sleep_until. */
void edgeq_board_wait(void) {}

void edgeq_board_write(uint8_t byte) {
  while ((UART_STATE & UART_HAS_ROOM) == 0u) {
  }
  UART_TRANSMIT = byte;
}

void edgeq_board_reset(void) {
  while ((UART_STATE & UART_ALL_SENT) == 0u) {
  }
  edgeq_system_reset();
}
