#include "edgeq/cortexm.h"
#include "edgeq/systick.h"

#define SYST_CSR EDGEQ_REG32(0xE000E010u)
#define SYST_RVR EDGEQ_REG32(0xE000E014u)
#define SYST_CVR EDGEQ_REG32(0xE000E018u)
#define SYST_ON 7u /* with interrupt, from the processor's clock */
#define SYST_BITS 24u
#define SYST_MOST 0xFFFFFFu

static volatile uint32_t edgeq_systick_rounds;

/* Replaces the weak nothing of edgeq/cortexm.h. */
void edgeq_systick_entry(void) {
  edgeq_systick_rounds++;
}

void edgeq_systick_start(void) {
  SYST_RVR = SYST_MOST;
  SYST_CVR = 0;
  SYST_CSR = SYST_ON;
}

uint32_t edgeq_systick_cycles(void) {
  for (;;) {
    const uint32_t rounds = edgeq_systick_rounds;
    const uint32_t left = SYST_CVR;
    __asm volatile("isb"); /* an interrupt that this read has raised is taken before the next line */
    if (rounds == edgeq_systick_rounds) return (rounds << SYST_BITS) + (SYST_MOST - left);
  }
}
