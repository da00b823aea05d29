/* edgeq/board.h on an nRF52840: 64 MHz from the crystal, UART without DMA, DWT. Registers: nRF52840 Product
 * Specification, 4.3 (NVMC, FICR), 5.4 (CLOCK), 6.9 (GPIO), 6.33 (UART). */
#include "edgeq/nrf52840.h"

#include "edgeq/board.h"
#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"

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
#define UART_115200 0x01D7E000u
#define UART_RXDRDY_INTERRUPT (1u << 2)
#define UART_IRQ 2u

uint32_t edgeq_board_clock_hz = 64000000u;
uint32_t edgeq_board_ticks_hz = 64000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

void edgeq_board_init(void) {
  /* A bootloader may have left interrupts on, for which there are no handlers here. */
  EDGEQ_NVIC_ICER(0u) = 0xFFFFFFFFu;
  EDGEQ_NVIC_ICER(32u) = 0xFFFFFFFFu;
  NVMC_ICACHECNF = 1u;
  CLOCK_HFCLKSTARTED = 0;
  CLOCK_HFCLKSTART = 1u; /* the crystal: the internal oscillator is too far off for a UART */
  while (CLOCK_HFCLKSTARTED == 0u) {
  }
  GPIO_OUTSET(edgeq_nrf52840.tx) = 1u << (edgeq_nrf52840.tx % 32u);
  GPIO_PIN_CNF(edgeq_nrf52840.tx) = PIN_OUTPUT;
  GPIO_PIN_CNF(edgeq_nrf52840.rx) = PIN_INPUT_PULL_UP;
  UART_ENABLE = 0;
  UART_PSELTXD = edgeq_nrf52840.tx;
  UART_PSELRXD = edgeq_nrf52840.rx;
  UART_BAUDRATE = UART_115200;
  UART_CONFIG = 0; /* no parity, one stop bit, no flow control */
  UART_ENABLE = UART_ON;
  UART_RXDRDY = 0;
  UART_TXDRDY = 0;
  UART_INTENSET = UART_RXDRDY_INTERRUPT;
  UART_STARTTX = 1u;
  UART_STARTRX = 1u;
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}

static int received(void) {
  return UART_RXDRDY != 0u;
}

/* The interrupt lasts as long as the event, which edgeq_board_read clears. */
static void keep_interrupt(void) {}

int edgeq_board_read(void) {
  if (!received()) return -1;
  UART_RXDRDY = 0; /* before RXD is read, which brings the next byte of six that wait, and its event */
  return (int)(UART_RXD & 0xFFu);
}

void edgeq_board_wait(void) {
  edgeq_sleep_until(UART_IRQ, received, keep_interrupt);
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
