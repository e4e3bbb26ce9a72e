#include "io/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers of Protocol Buffers are little-endian; this machine would have to swap bytes"
#endif

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void put(struct protobuf *message, const void *bytes, size_t length) {
    if (message->capacity - message->length < length) {
        const size_t capacity = 2 * message->capacity + length + 64;
        char *more = message->failed ? NULL : memory_realloc(message->bytes, capacity);
        if (more == NULL) {
            message->failed = 1;
            return;
        }
        message->bytes = more;
        message->capacity = capacity;
    }
    if (length > 0) {
        memcpy(message->bytes + message->length, bytes, length);
    }
    message->length += length;
}

/* Seven bits per byte, the lowest first; the highest bit says that more follow. */
static void put_varint(struct protobuf *message, uint64_t value) {
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count++] = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value > 0);
    put(message, bytes, count);
}

static void put_tag(struct protobuf *message, uint32_t field, enum wire_type type) {
    put_varint(message, (uint64_t)field << 3 | type);
}

static void put_bytes(struct protobuf *message, uint32_t field, const void *bytes, size_t length) {
    put_tag(message, field, WIRE_BYTES);
    put_varint(message, length);
    put(message, bytes, length);
}

void protobuf_integer(struct protobuf *message, uint32_t field, int64_t value) {
    put_tag(message, field, WIRE_VARINT);
    put_varint(message, (uint64_t)value);
}

void protobuf_double(struct protobuf *message, uint32_t field, double value) {
    put_tag(message, field, WIRE_64);
    put(message, &value, sizeof value);
}

void protobuf_float(struct protobuf *message, uint32_t field, float value) {
    put_tag(message, field, WIRE_32);
    put(message, &value, sizeof value);
}

void protobuf_text(struct protobuf *message, uint32_t field, const char *text) {
    put_bytes(message, field, text, strlen(text));
}

void protobuf_doubles(struct protobuf *message, uint32_t field, const double *values, int64_t count) {
    put_bytes(message, field, values, (size_t)count * sizeof *values);
}

void protobuf_message(struct protobuf *message, uint32_t field, struct protobuf *inner) {
    message->failed |= inner->failed;
    put_bytes(message, field, inner->bytes, inner->length);
    protobuf_clear(inner);
}

void protobuf_clear(struct protobuf *message) {
    message->length = 0;
}

void protobuf_free(struct protobuf *message) {
    free(message->bytes);
    *message = (struct protobuf){0};
}
