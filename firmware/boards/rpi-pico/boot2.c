/* The second stage of the RP2040's boot: the first 256 bytes of flash, which its ROM copies into RAM and
 * calls if their CRC is right (RP2040 datasheet, 2.8.1). It sets the flash interface (SSI, 4.10) to plain
 * reads by command 03h, which every flash chip knows, one bit at a time at a quarter of the clock; then it
 * goes to the image behind it.
 *
 * The last word is the CRC-32 (polynomial 04C11DB7, from FFFFFFFF, bits not reflected) of the 252 bytes
 * before it; a test compares it with what both compilers assemble. */
__asm(
    ".syntax unified\n"
    ".section .edgeq_boot2, \"ax\", %progbits\n"
    ".balign 4\n"
    ".thumb\n"
    ".thumb_func\n"
    ".type edgeq_boot2, %function\n"
    ".global edgeq_boot2\n"
    "edgeq_boot2:\n"
    "  ldr r0, 1f\n"
    "  movs r1, #0\n"
    "  str r1, [r0, #0x08]\n" /* SSIENR: off while it is set up */
    "  movs r1, #4\n"
    "  str r1, [r0, #0x14]\n" /* BAUDR */
    "  ldr r1, 2f\n"
    "  str r1, [r0, #0x00]\n" /* CTRLR0 */
    "  movs r1, #0\n"
    "  str r1, [r0, #0x04]\n" /* CTRLR1: one word a read */
    "  movs r2, #0xF4\n"
    "  ldr r1, 3f\n"
    "  str r1, [r0, r2]\n" /* SPI_CTRLR0 */
    "  movs r1, #1\n"
    "  str r1, [r0, #0x08]\n"
    "  ldr r0, 4f\n"
    "  ldr r1, 5f\n"
    "  str r0, [r1]\n" /* VTOR */
    "  ldm r0!, {r1, r2}\n"
    "  msr msp, r1\n"
    "  bx r2\n"
    "  .balign 4, 0\n"
    "1: .word 0x18000000\n"
    "2: .word 0x001F0300\n" /* 32 bits a frame, EEPROM read: write a command, then read */
    "3: .word 0x03000218\n" /* command 03h of 8 bits, 24 bits of address, all on one line */
    "4: .word 0x10000100\n" /* the vector table */
    "5: .word 0xE000ED08\n"
    "  .size edgeq_boot2, . - edgeq_boot2\n"
    "  .space 252 - (. - edgeq_boot2), 0\n"
    "  .word 0xA392695D\n"
    ".text\n");
