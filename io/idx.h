/* io/idx.h: arrays in the IDX format of the MNIST files (Y. LeCun, C. Cortes, C. Burges, "The MNIST database"), plain or
 * gzip, read one item after the other.
 *
 * A file has two zero bytes, a type, the number of dimensions, the size of each as 32 bits, and the numbers, big-endian. The
 * first dimension counts the items.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_IO_IDX_H
#define RONDO_IO_IDX_H

#include "io/gzip.h"

enum idx_type { IDX_U8 = 0x08, IDX_I8 = 0x09, IDX_I16 = 0x0B, IDX_I32 = 0x0C, IDX_F32 = 0x0D, IDX_F64 = 0x0E };
enum { IDX_MOST_DIMS = 4 };

struct idx_file {
    struct gzip_stream *stream; /* borrowed */
    struct location where;      /* the file, for messages; borrowed */
    int32_t type;               /* enum idx_type */
    int32_t bytes;              /* of a number */
    int32_t n_dims;             /* from 1 */
    int64_t shape[IDX_MOST_DIMS];
    int64_t item_numbers; /* product of the sizes after the first */
    int64_t at;           /* items that have been read */
};

/* 1 if the bytes begin as such a file does. */
int idx_is(const unsigned char *bytes, size_t length);
/* "unsigned bytes", for messages. */
const char *idx_type_text(int32_t type);

/* Reads the header, from the beginning of the stream. RONDO_INVALID at the file: an unknown type, no dimension or too many,
 * or items of more than 2^30 bytes. The number of items is only what the file claims. */
rondo_status idx_open(struct idx_file *file, struct gzip_stream *stream, const char *name, struct errors *errors);
/* The bytes of the next item, [item_numbers * bytes]. RONDO_INVALID if the file is cut short. */
rondo_status idx_next(struct idx_file *file, unsigned char *item, struct errors *errors);
/* After the last item: RONDO_INVALID if the file has more bytes, or a wrong check sum. */
rondo_status idx_finish(struct idx_file *file, struct errors *errors);

/* Number `index` of an item of integers. */
int64_t idx_integer(const struct idx_file *file, const unsigned char *item, int64_t index);

#endif
