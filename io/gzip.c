#define _POSIX_C_SOURCE 200809L
#include "io/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST /* packed bytes are only read */
#include <zlib.h>

#include "io/file.h"

enum { BLOCK = 1 << 16, MAGIC = 2 /* bytes that begin each member */ };

struct gzip_stream {
    const char *name;
    int descriptor;                        /* of the file; -1: the bytes are in memory */
    const unsigned char *input;            /* packed bytes that have not been used: within `block`, or in memory */
    size_t left;                           /* of them */
    int is_packed, is_finished;            /* gzip; its end has been reached */
    unsigned char head[GZIP_HEAD], *block; /* block: [BLOCK] bytes of a file */
    size_t head_left;                      /* bytes of the head that gzip_read gives before all others */
    size_t head_at;
    z_stream zlib;
};

static struct location place_of(const struct gzip_stream *stream) {
    return (struct location){.file = stream->name};
}

static rondo_status damaged(const struct gzip_stream *stream, const char *what, struct errors *errors) {
    return errors_add_at(errors, RONDO_INVALID, place_of(stream), "a damaged gzip file: %s", what);
}

/* Makes sure that at least `least` bytes of a file are unused, unless it ends before. */
static rondo_status refill(struct gzip_stream *stream, size_t least, struct errors *errors) {
    if (stream->left >= least || stream->descriptor < 0) {
        return RONDO_OK;
    }
    size_t got;
    memmove(stream->block, stream->input, stream->left);
    stream->input = stream->block;
    RONDO_TRY(file_next(stream->descriptor, stream->name, stream->block + stream->left, BLOCK - stream->left, &got,
                        place_of(stream), errors));
    stream->left += got;
    return RONDO_OK;
}

/* 1 if the unused bytes begin as gzip does. */
static int is_gzip(const struct gzip_stream *stream) {
    return stream->left >= MAGIC && stream->input[0] == 0x1f && stream->input[1] == 0x8b;
}

static struct gzip_stream *stream_create(const char *name, int descriptor, struct errors *errors) {
    struct gzip_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    stream->name = name;
    stream->descriptor = descriptor;
    stream->block = descriptor < 0 ? NULL : malloc(BLOCK);
    stream->input = stream->block;
    if (descriptor >= 0 && stream->block == NULL) {
        errors_no_memory(errors);
        free(stream);
        return NULL;
    }
    return stream;
}

/* Finds out whether the bytes are packed. Takes over `stream`; NULL with an error. */
static struct gzip_stream *begin(struct gzip_stream *stream, struct errors *errors) {
    if (refill(stream, MAGIC, errors) != RONDO_OK) {
        gzip_close(stream);
        return NULL;
    }
    if (is_gzip(stream)) {
        const int gzip_only = 16; /* added to the bits of the window: the header is that of gzip (zlib.h) */
        if (inflateInit2(&stream->zlib, MAX_WBITS + gzip_only) != Z_OK) {
            errors_no_memory(errors);
            gzip_close(stream);
            return NULL;
        }
        stream->is_packed = 1;
    }
    return stream;
}

struct gzip_stream *gzip_open(const char *file, struct location where, struct errors *errors) {
    int descriptor;
    int64_t bytes;
    if (file_open(file, &descriptor, &bytes, where, errors) != RONDO_OK) {
        return NULL;
    }
    struct gzip_stream *stream = stream_create(file, descriptor, errors);
    if (stream == NULL) {
        close(descriptor);
        return NULL;
    }
    return begin(stream, errors);
}

struct gzip_stream *gzip_open_bytes(const void *bytes, size_t length, const char *name, struct errors *errors) {
    struct gzip_stream *stream = stream_create(name, -1, errors);
    if (stream == NULL) {
        return NULL;
    }
    stream->input = bytes;
    stream->left = length;
    return begin(stream, errors);
}

void gzip_close(struct gzip_stream *stream) {
    if (stream == NULL) {
        return;
    }
    if (stream->is_packed) {
        inflateEnd(&stream->zlib);
    }
    if (stream->descriptor >= 0) {
        close(stream->descriptor);
    }
    free(stream->block);
    free(stream);
}

/* ---- reading ---- */

/* Copies unused bytes as they are. */
static size_t copy_plain(struct gzip_stream *stream, unsigned char *buffer, size_t wanted) {
    const size_t count = wanted < stream->left ? wanted : stream->left;
    memcpy(buffer, stream->input, count);
    stream->input += count;
    stream->left -= count;
    return count;
}

/* A gzip file may have several members, one after the other. What follows the last one is not part of the data. */
static rondo_status next_member(struct gzip_stream *stream, struct errors *errors) {
    RONDO_TRY(refill(stream, MAGIC, errors));
    if (!is_gzip(stream)) {
        stream->is_finished = 1;
        return RONDO_OK;
    }
    return inflateReset(&stream->zlib) == Z_OK ? RONDO_OK : damaged(stream, "a member that cannot be read", errors);
}

/* Unpacks some of the unused bytes. */
static rondo_status unpack(struct gzip_stream *stream, unsigned char *buffer, size_t wanted, size_t *count,
                           struct errors *errors) {
    enum { MOST = 1 << 30 }; /* zlib counts in 32 bits */
    z_stream *zlib = &stream->zlib;
    zlib->next_in = stream->input;
    zlib->avail_in = (uInt)(stream->left < MOST ? stream->left : MOST);
    zlib->next_out = buffer;
    zlib->avail_out = (uInt)(wanted < MOST ? wanted : MOST);
    const int result = inflate(zlib, Z_NO_FLUSH);
    const size_t used = (size_t)(zlib->next_in - stream->input);
    stream->input += used;
    stream->left -= used;
    *count = (size_t)(zlib->next_out - buffer);
    if (result == Z_MEM_ERROR) {
        return errors_no_memory(errors);
    }
    if (result == Z_STREAM_END) {
        return next_member(stream, errors);
    }
    return result == Z_OK || result == Z_BUF_ERROR
               ? RONDO_OK
               : damaged(stream, zlib->msg == NULL ? "its bytes cannot be unpacked" : zlib->msg, errors);
}

/* Reads without the head. */
static rondo_status read_on(struct gzip_stream *stream, unsigned char *buffer, size_t wanted, size_t *got,
                            struct errors *errors) {
    *got = 0;
    while (*got < wanted && !stream->is_finished) {
        RONDO_TRY(refill(stream, 1, errors));
        const int has_ended = stream->left == 0;
        if (has_ended && stream->is_packed) {
            return damaged(stream, "it is cut short", errors);
        }
        if (has_ended) {
            stream->is_finished = 1;
        } else if (stream->is_packed) {
            size_t count;
            RONDO_TRY(unpack(stream, buffer + *got, wanted - *got, &count, errors));
            *got += count;
        } else {
            *got += copy_plain(stream, buffer + *got, wanted - *got);
        }
    }
    return RONDO_OK;
}

rondo_status gzip_read(struct gzip_stream *stream, void *buffer, size_t wanted, size_t *got, struct errors *errors) {
    const size_t from_head = wanted < stream->head_left ? wanted : stream->head_left;
    memcpy(buffer, stream->head + stream->head_at, from_head);
    stream->head_at += from_head;
    stream->head_left -= from_head;
    RONDO_TRY(read_on(stream, (unsigned char *)buffer + from_head, wanted - from_head, got, errors));
    *got += from_head;
    return RONDO_OK;
}

rondo_status gzip_head(struct gzip_stream *stream, unsigned char head[GZIP_HEAD], size_t *got, struct errors *errors) {
    RONDO_TRY(read_on(stream, stream->head, GZIP_HEAD, &stream->head_left, errors));
    *got = stream->head_left;
    memcpy(head, stream->head, *got);
    return RONDO_OK;
}
