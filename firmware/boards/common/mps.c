/* edgeq/board.h on Arm's MPS2 and MPS3 FPGA images (CMSDK APB UART: Arm DDI 0479). */
#include "edgeq/mps.h"

#include "edgeq/board.h"
#include "edgeq/cortexm.h"

#define UART_DATA EDGEQ_REG32(edgeq_mps.uart + 0x00u)
#define UART_STATE EDGEQ_REG32(edgeq_mps.uart + 0x04u)
#define UART_CTRL EDGEQ_REG32(edgeq_mps.uart + 0x08u)
#define UART_INTCLEAR EDGEQ_REG32(edgeq_mps.uart + 0x0Cu)
#define UART_BAUDDIV EDGEQ_REG32(edgeq_mps.uart + 0x10u)

/* Cycles of a byte on the line: 10 bits, and one more for a divisor that is rounded. The CPU's clock is at
 * most 1.28 times the UART's; twice as many leave room for that where a turn of a loop takes one cycle only.
 */
#define BYTE_CYCLES (22u * UART_BAUDDIV)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_ENABLE 1u
#define CTRL_RX_ENABLE 2u
#define CTRL_RX_INTERRUPT 8u
#define INT_RX 2u

edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_TIMER;

static int received(void) {
  return (UART_STATE & STATE_RX_FULL) != 0u;
}

static void clear_interrupt(void) {
  UART_INTCLEAR = INT_RX;
}

static void set_speed(uint32_t baud) {
  UART_BAUDDIV = (edgeq_mps.uart_hz + baud / 2u) / baud;
}

void edgeq_board_init(void) {
  set_speed(EDGEQ_BOARD_BAUD);
  UART_CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE | CTRL_RX_INTERRUPT;
}

uint32_t edgeq_board_ticks(void) {
  return EDGEQ_REG32(edgeq_mps.counter);
}

edgeq_mps_pieces edgeq_mps_line;

int edgeq_board_read(void) {
  if (!received()) return -1;
  edgeq_mps_line.room = 0;
  return (int)(UART_DATA & 0xFFu);
}

uint32_t edgeq_board_read_many(uint8_t *to, uint32_t room) {
  if (room == 0u || !received()) return 0;
  if (edgeq_mps_line.collects != EDGEQ_MPS_COLLECTS) {
    *to = (uint8_t)(UART_DATA & 0xFFu);
    return 1;
  }
  edgeq_mps_line.place = (uint32_t)(uintptr_t)(to + 1);
  edgeq_mps_line.given = 0;
  edgeq_mps_line.room = room - 1u;
  *to = (uint8_t)(UART_DATA & 0xFFu);
  edgeq_mps_line.room = 0;
  __asm volatile("" ::: "memory"); /* the emulator may have written there */
  return 1u + edgeq_mps_line.given;
}

void edgeq_board_wait(void) {
  edgeq_sleep_until(edgeq_mps.uart_rx_irq, received, clear_interrupt);
}

void edgeq_board_write(uint8_t byte) {
  const uint32_t count = edgeq_mps_line.count;
  if (edgeq_mps_line.collects == EDGEQ_MPS_COLLECTS && count < sizeof edgeq_mps_line.bytes &&
      edgeq_exception() == 0u) {
    edgeq_mps_line.bytes[count] = byte;
    edgeq_mps_line.count = count + 1u;
    /* A delimiter, whether in front of a frame or behind it: no frame stays here. */
    if (byte == 0u || count + 1u == sizeof edgeq_mps_line.bytes) UART_DATA = byte;
    return;
  }
  edgeq_mps_line.count = 0;
  while ((UART_STATE & STATE_TX_FULL) != 0u) {
  }
  UART_DATA = byte;
}

/* The last byte is in the transmitter's register until it goes to the shift register, and has no state that
 * tells that it left that one too: the time of a byte is waited for. */
static void flush(void) {
  while ((UART_STATE & STATE_TX_FULL) != 0u) {
  }
  for (uint32_t cycles = BYTE_CYCLES; cycles > 0u; cycles--) __asm volatile("");
}

/* A divisor of 27 at 25 MHz, of 22 at 20 MHz: 1.4 % off at most. */
uint32_t edgeq_board_max_baud(void) {
  return 921600u;
}

void edgeq_board_set_baud(uint32_t baud) {
  flush();
  set_speed(baud);
}

void edgeq_board_reset(void) {
  flush();
  edgeq_system_reset();
}
