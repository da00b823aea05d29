/* Arduino Nano 33 BLE: an nRF52840 whose serial port of a computer is USB, by the bootloader alone; the link
 * is on the header's pins TX and RX. The image stands behind the bootloader. */
#include "edgeq/board.h"

#include "edgeq/nrf52840.h"

const char edgeq_board_name[] = "arduino-nano33ble";

const edgeq_nrf52840_pins edgeq_nrf52840 = {.tx = 32u + 3u, .rx = 32u + 10u};
