/* io/crc32c.h: the checksum CRC-32C (Castagnoli; RFC 3720, appendix B.4), reflected polynomial 0x82F63B78.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_CRC32C_H
#define RONDO_IO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `length` bytes; 0xE3069283 for "123456789". */
uint32_t crc32c(const void *bytes, size_t length);

#endif
