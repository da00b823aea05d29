/* edgeq/board.h on an nRF52840: 64 MHz from the crystal, UART without DMA, DWT. Registers: nRF52840 Product
 * Specification, 4.3 (NVMC, FICR), 5.4 (CLOCK), 6.9 (GPIO), 6.33 (UART). */
#include "edgeq/nrf52840.h"

#include "edgeq/board.h"
#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"
#include "edgeq/receiver.h"

#define CLOCK_HFCLKSTART EDGEQ_REG32(0x40000000u)
#define CLOCK_HFCLKSTARTED EDGEQ_REG32(0x40000100u)
#define NVMC_ICACHECNF EDGEQ_REG32(0x4001E540u)
#define GPIO(pin) (0x50000000u + 0x300u * ((pin) / 32u))
#define GPIO_OUTSET(pin) EDGEQ_REG32(GPIO(pin) + 0x508u)
#define GPIO_PIN_CNF(pin) EDGEQ_REG32(GPIO(pin) + 0x700u + 4u * ((pin) % 32u))
#define PIN_OUTPUT 3u         /* with its input disconnected */
#define PIN_INPUT_PULL_UP 12u /* an open receiver reads idle */

#define UART_STARTRX EDGEQ_REG32(0x40002000u)
#define UART_STARTTX EDGEQ_REG32(0x40002008u)
#define UART_RXDRDY EDGEQ_REG32(0x40002108u)
#define UART_TXDRDY EDGEQ_REG32(0x4000211Cu)
#define UART_INTENSET EDGEQ_REG32(0x40002304u)
#define UART_ENABLE EDGEQ_REG32(0x40002500u)
#define UART_PSELTXD EDGEQ_REG32(0x4000250Cu)
#define UART_PSELRXD EDGEQ_REG32(0x40002514u)
#define UART_RXD EDGEQ_REG32(0x40002518u)
#define UART_TXD EDGEQ_REG32(0x4000251Cu)
#define UART_BAUDRATE EDGEQ_REG32(0x40002524u)
#define UART_CONFIG EDGEQ_REG32(0x4000256Cu)
#define UART_ON 4u
#define UART_RXDRDY_INTERRUPT (1u << 2)
#define UART_IRQ 2u

EDGEQ_RECEIVER_VECTOR(2);

uint32_t edgeq_board_clock_hz = 64000000u;
uint32_t edgeq_board_ticks_hz = 64000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

/* The only speeds that PROTOCOL.md's hosts ask for (nRF52840 PS, 6.33.10.14). */
static uint32_t baud_register(uint32_t baud) {
  switch (baud) {
    case 230400u:
      return 0x03AFB000u;
    case 460800u:
      return 0x075F7000u;
    case 921600u:
      return 0x0EBED000u;
    default:
      return 0x01D7E000u;
  }
}

static void start_uart(uint32_t baud) {
  UART_ENABLE = 0;
  UART_PSELTXD = edgeq_nrf52840.tx;
  UART_PSELRXD = edgeq_nrf52840.rx;
  UART_BAUDRATE = baud_register(baud);
  UART_CONFIG = 0; /* no parity, one stop bit, no flow control */
  UART_ENABLE = UART_ON;
  UART_RXDRDY = 0;
  UART_TXDRDY = 0;
  UART_INTENSET = UART_RXDRDY_INTERRUPT;
  UART_STARTTX = 1u;
  UART_STARTRX = 1u;
}

/* The crystal, for the UART: the internal oscillator, which the core has from the start, and keeps if there
 * is no crystal, is up to 6 % off. */
static void start_clock(void) {
  CLOCK_HFCLKSTARTED = 0;
  CLOCK_HFCLKSTART = 1u;
  (void)edgeq_becomes(&CLOCK_HFCLKSTARTED, 1u, 1u);
}

void edgeq_board_init(void) {
  NVMC_ICACHECNF = 1u;
  start_clock();
  GPIO_OUTSET(edgeq_nrf52840.tx) = 1u << (edgeq_nrf52840.tx % 32u);
  GPIO_PIN_CNF(edgeq_nrf52840.tx) = PIN_OUTPUT;
  GPIO_PIN_CNF(edgeq_nrf52840.rx) = PIN_INPUT_PULL_UP;
  start_uart(EDGEQ_BOARD_BAUD);
  edgeq_receiver_start(UART_IRQ);
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}

int edgeq_receiver_take(void) {
  if (UART_RXDRDY == 0u) return -1;
  UART_RXDRDY = 0; /* before RXD is read, which brings the next byte of six that wait, and its event */
  return (int)(UART_RXD & 0xFFu);
}

uint32_t edgeq_board_max_baud(void) {
  return 921600u;
}

/* Nothing is left in the transmitter: see below. */
void edgeq_board_set_baud(uint32_t baud) {
  start_uart(baud);
}

/* TXDRDY comes when a byte has been sent: nothing is left to wait for before a reset. */
void edgeq_board_write(uint8_t byte) {
  UART_TXD = byte;
  while (UART_TXDRDY == 0u) {
  }
  UART_TXDRDY = 0;
}

void edgeq_board_reset(void) {
  edgeq_system_reset();
}
