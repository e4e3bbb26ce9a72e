/* io/gzip.h: the bytes of a file in their order, a piece at a time; unpacked if the file is gzip (RFC 1952).
 *
 * The memory does not depend on the size of the file.
 *
 *     struct gzip_stream *stream = gzip_open(file, where, errors);        or gzip_open_bytes
 *     status = gzip_read(stream, buffer, wanted, &got, errors);           got < wanted: the file has ended
 *     gzip_close(stream);
 *
 * A damaged or truncated gzip file is RONDO_INVALID at the file. The check sum is verified when the end is reached: ask for
 * one byte more than is expected.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_IO_GZIP_H
#define RONDO_IO_GZIP_H

#include "core/status.h"

struct gzip_stream;

/* Opens a regular file, plain or gzip. A file that cannot be opened is an error at `where`. NULL with an error. `file` is
 * borrowed. */
struct gzip_stream *gzip_open(const char *file, struct location where, struct errors *errors);
/* The same of bytes in memory, which are borrowed; `name` is for messages. */
struct gzip_stream *gzip_open_bytes(const void *bytes, size_t length, const char *name, struct errors *errors);
/* NULL is allowed. */
void gzip_close(struct gzip_stream *stream);

/* The next `wanted` bytes; *got is less only at the end. */
rondo_status gzip_read(struct gzip_stream *stream, void *buffer, size_t wanted, size_t *got, struct errors *errors);

/* The first bytes, which gzip_read then gives again; before the first gzip_read. */
enum { GZIP_HEAD = 16 };
rondo_status gzip_head(struct gzip_stream *stream, unsigned char head[GZIP_HEAD], size_t *got, struct errors *errors);

#endif
