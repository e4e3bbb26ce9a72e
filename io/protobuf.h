/* io/protobuf.h: writes messages of Protocol Buffers (protobuf.dev/programming-guides/encoding), field by field.
 *
 *     struct protobuf event = {0}, value = {0};
 *     protobuf_double(&event, 1, seconds);
 *     protobuf_message(&event, 5, &value);          takes the bytes of `value`, and empties it
 *     if (event.failed) …                           one question at the end
 *     protobuf_free(&event);
 *
 * Fields with a value of 0 are written like all others. Threads: any, on different objects.
 */
#ifndef RONDO_IO_PROTOBUF_H
#define RONDO_IO_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. */
struct protobuf {
    char *bytes; /* from malloc */
    size_t length, capacity;
    int failed; /* memory ran out */
};

void protobuf_integer(struct protobuf *message, uint32_t field, int64_t value); /* int64 */
void protobuf_double(struct protobuf *message, uint32_t field, double value);
void protobuf_float(struct protobuf *message, uint32_t field, float value);
void protobuf_text(struct protobuf *message, uint32_t field, const char *text);                       /* string */
void protobuf_doubles(struct protobuf *message, uint32_t field, const double *values, int64_t count); /* packed */
void protobuf_message(struct protobuf *message, uint32_t field, struct protobuf *inner);

/* Removes the contents, and keeps the memory. */
void protobuf_clear(struct protobuf *message);
void protobuf_free(struct protobuf *message);

#endif
