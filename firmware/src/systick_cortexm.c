#include "edgeq/cortexm.h"
#include "edgeq/systick.h"

#define SYST_ON 7u /* with interrupt, from the processor's clock */
#define SYST_BITS 24u
#define SYST_MOST 0xFFFFFFu

static volatile uint32_t edgeq_systick_rounds;

/* In the place of src/fault_cortexm.c's weak one. */
void edgeq_systick_entry(void) {
  edgeq_systick_rounds++;
}

void edgeq_systick_start(void) {
  EDGEQ_SYST_RVR = SYST_MOST;
  EDGEQ_SYST_CVR = 0;
  EDGEQ_SYST_CSR = SYST_ON;
}

uint32_t edgeq_systick_cycles(void) {
  for (;;) {
    const uint32_t rounds = edgeq_systick_rounds;
    const uint32_t left = EDGEQ_SYST_CVR;
    __asm volatile("isb"); /* an interrupt that this read has raised is taken before the next line */
    if (rounds == edgeq_systick_rounds) return (rounds << SYST_BITS) + (SYST_MOST - left);
  }
}
