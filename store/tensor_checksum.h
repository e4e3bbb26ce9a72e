/* store/tensor_checksum.h: the checksum of a tensor file: XXH3 with 64 bits (github.com/Cyan4973/xxHash), of bytes in any
 * number of pieces.
 *
 * Threads: any, on different checksums.
 */
#ifndef RONDO_STORE_TENSOR_CHECKSUM_H
#define RONDO_STORE_TENSOR_CHECKSUM_H

#include <stddef.h>

#define TENSOR_CHECKSUM_DIGITS 16
#define TENSOR_CHECKSUM_ZEROS  "0000000000000000"

struct tensor_checksum;

/* NULL: out of memory. */
struct tensor_checksum *tensor_checksum_create(void);
/* `checksum` may be NULL. */
void tensor_checksum_destroy(struct tensor_checksum *checksum);
void tensor_checksum_add(struct tensor_checksum *checksum, const void *bytes, size_t count);

/* Hexadecimal, in lower case. */
struct tensor_checksum_digits {
    char text[TENSOR_CHECKSUM_DIGITS + 1];
};
/* Of all bytes so far. */
struct tensor_checksum_digits tensor_checksum_digits(const struct tensor_checksum *checksum);

#endif
