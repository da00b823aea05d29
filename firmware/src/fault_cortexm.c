/* What every fault of a Cortex-M ends in: collect what is known, report it over the link, answer nothing
 * else. */
#include <stdbool.h>

#include "edgeq/cortexm.h"
#include "edgeq/link.h"

#define EXC_RETURN_PROCESS_STACK 4u
#define EXC_RETURN_BASIC_FRAME 16u
#define BASIC_FRAME_BYTES 0x20u
#define EXTENDED_FRAME_BYTES 0x68u
#define XPSR_PADDED (1u << 9)

#define CFSR_MEMORY 0x000000FFu
#define CFSR_BUS 0x0000FF00u
#define CFSR_USAGE 0xFFFF0000u
#define CFSR_MMFAR_VALID (1u << 7)
#define CFSR_BFAR_VALID (1u << 15)
#define CFSR_STKOF (1u << 20)
#define CFSR_STACKING ((1u << 4) | (1u << 12)) /* pushing the frame faulted: MSTKERR, STKERR */

#define EXCEPTION_HARD_FAULT 3u
#define EXCEPTION_SECURE_FAULT 7u

void edgeq_fault_report(uint32_t msp, uint32_t psp, uint32_t exc_return);

/* A main stack pointer that is not in the handlers' stack would make the report itself fault. */
__attribute__((naked)) void edgeq_fault_entry(void) {
  __asm volatile(
      ".syntax unified\n"
      "  mrs r0, msp\n"
      "  mrs r1, psp\n"
      "  mov r2, lr\n"
      "  ldr r3, =edgeq_stack_top\n"
      "  cmp r0, r3\n"
      "  ldr r3, =edgeq_stack_end\n"
      "  blo 1f\n"
      "  cmp r0, r3\n"
      "  bls 2f\n"
      "1: msr msp, r3\n"
      "2: bl edgeq_fault_report\n"
      "  .ltorg\n");
}

/* Where SysTick is not the cycle counter. */
__attribute__((weak, alias("edgeq_fault_entry"))) void edgeq_systick_entry(void);

/* Whether `address` follows a call: BL, or BLX with a register (Armv7-M ARM, A7.7.18 and A7.7.19). */
static bool follows_call(uint32_t address) {
  const uint16_t *next = (const uint16_t *)(uintptr_t)address;
  return ((next[-2] & 0xF800u) == 0xF000u && (next[-1] & 0xD000u) == 0xD000u) ||
         (next[-1] & 0xFF87u) == 0x4780u;
}

/* The address behind the innermost call whose return address is still on the stack. An overflow leaves no
 * frame that would tell the address of the instruction at fault, but the words next to the stack's end are
 * the newest. */
static uint32_t innermost_call(void) {
  const uint32_t first = (uint32_t)(uintptr_t)edgeq_code_start + 4u;
  const uint32_t last = (uint32_t)(uintptr_t)edgeq_code_end;
  for (const uint32_t *word = edgeq_stack_bottom; word < edgeq_stack_top; word++) {
    if ((*word & 1u) != 0u && *word > first && *word < last && follows_call(*word & ~1u)) return *word & ~1u;
  }
  return 0;
}

/* Whether a frame at `sp` may be read. If the stack pointer itself was wrong, reading there could fault
 * again, which ends in lockup without a word. */
static bool on_a_stack(uint32_t sp) {
  return sp >= (uint32_t)(uintptr_t)edgeq_stack_bottom &&
         sp <= (uint32_t)(uintptr_t)edgeq_stack_end - BASIC_FRAME_BYTES && (sp & 3u) == 0u;
}

static edgeq_fault_kind kind_of(uint32_t exception, uint32_t cfsr) {
  if (exception == EXCEPTION_SECURE_FAULT) return EDGEQ_FAULT_SECURE;
  if (exception < EXCEPTION_HARD_FAULT || exception > EXCEPTION_SECURE_FAULT)
    return EDGEQ_FAULT_UNEXPECTED_INTERRUPT;
  if ((cfsr & CFSR_MEMORY) != 0u) return EDGEQ_FAULT_MEMORY;
  if ((cfsr & CFSR_BUS) != 0u) return EDGEQ_FAULT_BUS;
  if ((cfsr & CFSR_USAGE) != 0u) return EDGEQ_FAULT_USAGE;
  return EDGEQ_FAULT_HARD;
}

__attribute__((used)) void edgeq_fault_report(uint32_t msp, uint32_t psp, uint32_t exc_return) {
  const bool on_process_stack = (exc_return & EXC_RETURN_PROCESS_STACK) != 0u;
  const uint32_t bottom = (uint32_t)(uintptr_t)edgeq_stack_bottom;
  const uint32_t top = (uint32_t)(uintptr_t)edgeq_stack_top;
  const uint32_t sp = on_process_stack ? psp : msp;
  const uint32_t exception = edgeq_exception();
  edgeq_fault fault = {0};
#if EDGEQ_HAS_FAULT_STATUS
  fault.cfsr = EDGEQ_SCB_CFSR;
  fault.hfsr = EDGEQ_SCB_HFSR;
  if ((fault.cfsr & CFSR_BFAR_VALID) != 0u) {
    fault.address = EDGEQ_SCB_BFAR;
    fault.address_valid = true;
  } else if ((fault.cfsr & CFSR_MMFAR_VALID) != 0u) {
    fault.address = EDGEQ_SCB_MMFAR;
    fault.address_valid = true;
  }
#endif
  fault.sp = sp;
  const bool stacking_failed = (fault.cfsr & CFSR_STACKING) != 0u;
  const bool limit_reached = (fault.cfsr & CFSR_STKOF) != 0u;
  bool pushed = true;
  if (on_process_stack && (sp < bottom || limit_reached || (stacking_failed && sp < top))) {
    fault.kind = EDGEQ_FAULT_STACK_OVERFLOW;
    /* A limit stops the stack pointer itself (Armv8-M ARM, B3.21). What wanted more than was left has a frame
     * all the same if that had room; if not, the pointer is at the limit, and the handler's own return
     * address tells nothing either. */
    pushed = limit_reached && !stacking_failed && sp > bottom;
    if (!pushed) fault.pc = innermost_call();
    fault.address = bottom;
    fault.address_valid = true;
  } else {
    fault.kind = (uint8_t)kind_of(exception, fault.cfsr);
  }
  if (pushed && on_a_stack(sp)) {
    const uint32_t *frame = (const uint32_t *)(uintptr_t)sp;
    fault.lr = frame[5];
    fault.pc = frame[6];
    fault.xpsr = frame[7];
    fault.sp = sp + ((exc_return & EXC_RETURN_BASIC_FRAME) != 0u ? BASIC_FRAME_BYTES : EXTENDED_FRAME_BYTES) +
               ((fault.xpsr & XPSR_PADDED) != 0u ? 4u : 0u);
  }
  edgeq_link_serve_fault(&fault);
}
