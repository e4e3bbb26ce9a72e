/* core/memory_size.h: reads sizes of memory as people write them: "512M", "4GB", "1.5 GiB".
 *
 * Threads: any.
 */
#ifndef RONDO_CORE_MEMORY_SIZE_H
#define RONDO_CORE_MEMORY_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* Reads a whole text: digits, which may have a decimal point, and a unit. K, M, G and T are powers of 1000, as are KB, MB, GB
 * and TB; KiB, MiB, GiB and TiB are powers of 1024; letters may be small. Returns NULL, or, after a mistake, the place in the
 * text where something else was expected: a number of at least one byte and less than 2^63, or a unit. */
const char *memory_size_parse(const char *text, uint64_t *bytes);

#endif
