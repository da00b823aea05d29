/* Netduino Plus 2: STM32F405RG at 168 MHz from a 25 MHz crystal. Registers: RM0090 (chapters 3, 7, 8, 18,
 * 30). */
#include "edgeq/board.h"

#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"
#include "edgeq/receiver.h"
#include "edgeq/stm32_usart.h"

#define RCC_CR EDGEQ_REG32(0x40023800u)
#define RCC_PLLCFGR EDGEQ_REG32(0x40023804u)
#define RCC_CFGR EDGEQ_REG32(0x40023808u)
#define RCC_AHB1ENR EDGEQ_REG32(0x40023830u)
#define RCC_APB1ENR EDGEQ_REG32(0x40023840u)
#define RCC_APB2ENR EDGEQ_REG32(0x40023844u)
#define FLASH_ACR EDGEQ_REG32(0x40023C00u)
#define GPIOB_MODER EDGEQ_REG32(0x40020400u)
#define GPIOB_PUPDR EDGEQ_REG32(0x4002040Cu)
#define GPIOB_AFRL EDGEQ_REG32(0x40020420u)
#define USART1 0x40011000u
#define TIM2_CR1 EDGEQ_REG32(0x40000000u)
#define TIM2_EGR EDGEQ_REG32(0x40000014u)
#define TIM2_CNT EDGEQ_REG32(0x40000024u)
#define TIM2_PSC EDGEQ_REG32(0x40000028u)

#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define PLL_SOURCE_HSE (1u << 22)
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_APB1_BY_4 (5u << 10)
#define CFGR_APB2_BY_2 (4u << 13)

#define ACR_WAIT_STATES 7u
#define ACR_5_WAIT_STATES 5u
#define ACR_CACHES (7u << 8) /* and prefetch */

#define HSI_MHZ 16u
#define HSI_HZ 16000000u
#define HSE_MHZ 25u
#define PLL_HZ 168000000u

const char edgeq_board_name[] = "netduinoplus2";
uint32_t edgeq_board_clock_hz = PLL_HZ;
uint32_t edgeq_board_ticks_hz = PLL_HZ;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

const edgeq_stm32_usart_map edgeq_stm32_usart = {
    .status = USART1,
    .receive = USART1 + 4u,
    .transmit = USART1 + 4u,
    .control_1 = USART1 + 0x0Cu,
    .control_3 = USART1 + 0x14u,
    .divisor = USART1 + 0x08u,
    .control_1_enable = 1u << 13,
    .control_3_value = 0,
    .divisor_scale = 1u,
    .irq = 37u,
};
EDGEQ_RECEIVER_VECTOR(37);

/* 1 MHz into the PLL, 336 MHz in it, 168 MHz out of it; APB1 has 42 MHz, APB2 84 MHz. Without a crystal the
 * PLL runs from the internal oscillator (1 %). False without a PLL: everything stays at 16 MHz. */
static bool start_clock(void) {
  RCC_CR |= RCC_CR_HSEON;
  const bool crystal = edgeq_becomes(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
  const uint32_t source = crystal ? (PLL_SOURCE_HSE | HSE_MHZ) : HSI_MHZ;
  RCC_PLLCFGR = (7u << 24) | (336u << 6) | source; /* Q = 7, P = 2, N = 336, M */
  RCC_CR |= RCC_CR_PLLON;
  if (!edgeq_becomes(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) return false;
  FLASH_ACR = ACR_CACHES | ACR_5_WAIT_STATES; /* 2.7 to 3.6 V */
  if (!edgeq_becomes(&FLASH_ACR, ACR_WAIT_STATES, ACR_5_WAIT_STATES)) return false;
  RCC_CFGR = CFGR_APB1_BY_4 | CFGR_APB2_BY_2 | CFGR_SW_PLL;
  if (edgeq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL)) return true;
  RCC_CFGR = 0; /* nor are the buses divided then */
  return false;
}

/* USART1 on PB6 and PB7, the header's pins SDA and SCL (alternate function 7). */
static void start_uart(uint32_t clock_hz) {
  RCC_AHB1ENR |= 1u << 1;
  RCC_APB2ENR |= 1u << 4;
  (void)RCC_APB2ENR; /* two cycles until the clock is there */
  GPIOB_AFRL = (GPIOB_AFRL & 0x00FFFFFFu) | 0x77000000u;
  GPIOB_PUPDR = (GPIOB_PUPDR & ~(3u << 14)) | (1u << 14); /* an open receiver reads idle */
  GPIOB_MODER = (GPIOB_MODER & ~(15u << 12)) | (10u << 12);
  edgeq_stm32_usart_start(clock_hz);
}

/* For emulators, where the core's own counter stands still: TIM2, whose clock QEMU lets run at 1 GHz. */
static void start_timer(void) {
  RCC_APB1ENR |= 1u;
  (void)RCC_APB1ENR;
  TIM2_PSC = 39u;
  TIM2_EGR = 1u;
  TIM2_CR1 = 1u;
  edgeq_board_ticks_kind = EDGEQ_TICKS_TIMER;
  edgeq_board_ticks_hz = 25000000u;
}

void edgeq_board_init(void) {
  const bool counts = edgeq_dwt_start();
  const bool fast = start_clock();
  start_uart(fast ? PLL_HZ / 2u : HSI_HZ);
  if (!counts) {
    start_timer(); /* nor has an emulator a PLL: it plays the board as it should be */
  } else if (!fast) {
    edgeq_board_clock_hz = edgeq_board_ticks_hz = HSI_HZ;
  }
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_board_ticks_kind == EDGEQ_TICKS_CPU ? edgeq_dwt_cycles() : TIM2_CNT;
}
