#include "io/zip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

/* Records begin with a signature, and numbers are little-endian. Offsets within a record are those of APPNOTE 4.3. */
enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    MOST_COMMENT = 65535,
    EXTRA_ZIP64 = 1,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
    MOST_MEMBERS = 1 << 20,
    /* Deflate packs at best 1032 bytes into one (zlib, technical details). */
    MOST_RATIO = 1032
};
static const uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                      end64_signature = 0x06064b50, locator_signature = 0x07064b50;

static uint64_t number_at(const unsigned char *bytes, int width) {
    uint64_t number = 0;
    for (int i = 0; i < width; i++) {
        number |= (uint64_t)bytes[i] << 8 * i;
    }
    return number;
}

/* 1 if a record of `bytes` bytes with this signature is at `offset`. */
static int has_record(const struct zip *zip, uint64_t offset, int64_t bytes, uint32_t signature) {
    return bytes <= zip->length && offset <= (uint64_t)(zip->length - bytes) &&
           number_at(zip->bytes + offset, 4) == signature;
}

static rondo_status damaged(const struct zip *zip, const char *what, struct errors *errors) {
    return errors_add_at(errors, RONDO_INVALID, zip->where, "a damaged zip archive: %s", what);
}

int zip_is(const void *bytes, size_t length) {
    return length >= 4 && (number_at(bytes, 4) == local_signature || number_at(bytes, 4) == end_signature);
}

/* ---- the list of members ---- */

/* Where the central directory is. */
struct directory {
    uint64_t offset, bytes, members;
};

/* The end record is the last one of the file; only a comment, whose length it tells, may follow. -1: there is none. */
static int64_t find_end(const struct zip *zip) {
    for (int64_t at = zip->length - END_BYTES; at >= 0 && at >= zip->length - END_BYTES - MOST_COMMENT; at--) {
        if (has_record(zip, (uint64_t)at, END_BYTES, end_signature) &&
            at + END_BYTES + (int64_t)number_at(zip->bytes + at + 20, 2) == zip->length) {
            return at;
        }
    }
    return -1;
}

static rondo_status find_directory(const struct zip *zip, struct directory *directory, struct errors *errors) {
    const int64_t end = find_end(zip);
    if (end < 0) {
        return damaged(zip, "it has no list of members, so it is cut short", errors);
    }
    const unsigned char *record = zip->bytes + end;
    *directory = (struct directory){number_at(record + 16, 4), number_at(record + 12, 4), number_at(record + 10, 2)};
    const int64_t locator = end - LOCATOR_BYTES;
    if (locator >= 0 && has_record(zip, (uint64_t)locator, LOCATOR_BYTES, locator_signature)) {
        const uint64_t at = number_at(zip->bytes + locator + 8, 8);
        if (!has_record(zip, at, END64_BYTES, end64_signature)) {
            return damaged(zip, "its ZIP64 record is missing", errors);
        }
        record = zip->bytes + at;
        *directory =
            (struct directory){number_at(record + 48, 8), number_at(record + 40, 8), number_at(record + 32, 8)};
    }
    if (directory->offset > (uint64_t)end || directory->bytes > (uint64_t)end - directory->offset ||
        directory->members > directory->bytes / CENTRAL_BYTES || directory->members > MOST_MEMBERS) {
        return damaged(zip, "its list of members does not fit into the file", errors);
    }
    return RONDO_OK;
}

/* Replaces sizes and the offset that do not fit into 32 bits by those of the ZIP64 extra field, which has only them, in
 * this order. 0 if the field is too short. */
static int read_zip64(const unsigned char *extra, uint64_t length, uint64_t *size, uint64_t *packed, uint64_t *header) {
    uint64_t *numbers[] = {size, packed, header};
    for (uint64_t at = 0; at + 4 <= length;) {
        const uint64_t id = number_at(extra + at, 2), bytes = number_at(extra + at + 2, 2);
        uint64_t from = at + 4;
        at = from + bytes;
        if (id != EXTRA_ZIP64 || at > length) {
            continue;
        }
        for (int i = 0; i < 3; i++) {
            if (*numbers[i] == UINT32_MAX && from + 8 <= at) {
                *numbers[i] = number_at(extra + from, 8);
                from += 8;
            }
        }
    }
    return *size != UINT32_MAX && *packed != UINT32_MAX && *header != UINT32_MAX;
}

/* Reads the entry of one member, and moves *at behind it. */
static rondo_status read_entry(const struct zip *zip, uint64_t *at, struct zip_member *member, struct arena *arena,
                               struct errors *errors) {
    if (!has_record(zip, *at, CENTRAL_BYTES, central_signature)) {
        return damaged(zip, "an entry of its list of members is missing", errors);
    }
    const unsigned char *entry = zip->bytes + *at;
    const uint64_t name = number_at(entry + 28, 2), extra = number_at(entry + 30, 2),
                   comment = number_at(entry + 32, 2);
    const uint64_t bytes = CENTRAL_BYTES + name + extra + comment;
    if (bytes > (uint64_t)zip->length - *at) {
        return damaged(zip, "an entry of its list of members is cut short", errors);
    }
    uint64_t packed = number_at(entry + 20, 4), size = number_at(entry + 24, 4), header = number_at(entry + 42, 4);
    if (!read_zip64(entry + CENTRAL_BYTES + name, extra, &size, &packed, &header)) {
        return damaged(zip, "the sizes of a member are missing", errors);
    }
    const uint64_t length = (uint64_t)zip->length;
    if (packed > length || header > length || size > (packed + 1) * MOST_RATIO) {
        return damaged(zip, "a member claims more bytes than the file has", errors);
    }
    *member = (struct zip_member){.name = arena_strndup(arena, (const char *)entry + CENTRAL_BYTES, name),
                                  .header = (int64_t)header,
                                  .packed = (int64_t)packed,
                                  .size = (int64_t)size,
                                  .crc = (uint32_t)number_at(entry + 16, 4),
                                  .method = (int)number_at(entry + 10, 2),
                                  .is_encrypted = (number_at(entry + 8, 2) & FLAG_ENCRYPTED) != 0};
    *at += bytes;
    return member->name == NULL ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status zip_open(struct zip *zip, const void *bytes, size_t length, struct location where, struct arena *arena,
                      struct errors *errors) {
    *zip = (struct zip){.bytes = bytes, .length = (int64_t)length, .where = where};
    struct directory directory = {0};
    RONDO_TRY(find_directory(zip, &directory, errors));
    struct zip_member *members = arena_calloc(arena, directory.members + 1, sizeof *members);
    if (members == NULL) {
        return errors_no_memory(errors);
    }
    uint64_t at = directory.offset;
    for (uint64_t i = 0; i < directory.members; i++) {
        RONDO_TRY(read_entry(zip, &at, &members[i], arena, errors));
    }
    zip->members = members;
    zip->count = (int32_t)directory.members;
    return RONDO_OK;
}

const struct zip_member *zip_find(const struct zip *zip, const char *name) {
    for (int32_t i = 0; i < zip->count; i++) {
        if (strcmp(zip->members[i].name, name) == 0) {
            return &zip->members[i];
        }
    }
    return NULL;
}

/* ---- the bytes of a member ---- */

/* Unpacks with zlib, which counts in unsigned int, so large members pass in pieces. RONDO_INVALID if it is not exactly `size` bytes
 * that come out; RONDO_NO_MEMORY. No error is added. */
static rondo_status inflate_all(const unsigned char *packed, uint64_t n_packed, unsigned char *bytes, uint64_t size) {
    z_stream stream = {0};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) { /* negative: no header of zlib's own */
        return RONDO_NO_MEMORY;
    }
    unsigned char extra = 0; /* a place for bytes that are more than `size` */
    uint64_t done = 0;
    int result = Z_OK;
    while (result == Z_OK && done <= size) {
        const uint64_t left_in = n_packed - stream.total_in, left = size - done;
        stream.next_in = (unsigned char *)(uintptr_t)(packed + stream.total_in);
        stream.avail_in = left_in > INT_MAX ? INT_MAX : (unsigned)left_in;
        stream.next_out = left > 0 ? bytes + done : &extra;
        stream.avail_out = left > INT_MAX ? INT_MAX : left > 0 ? (unsigned)left : 1;
        result = inflate(&stream, Z_NO_FLUSH);
        done = stream.total_out;
    }
    inflateEnd(&stream);
    return result == Z_MEM_ERROR ? RONDO_NO_MEMORY : result == Z_STREAM_END && done == size ? RONDO_OK : RONDO_INVALID;
}

static uint32_t crc_of(const unsigned char *bytes, uint64_t size) {
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, size);
}

rondo_status zip_read(const struct zip *zip, const struct zip_member *member, struct arena *arena,
                      const unsigned char **bytes, struct errors *errors) {
    if (member->is_encrypted || (member->method != METHOD_STORED && member->method != METHOD_DEFLATED)) {
        return errors_add_at(errors, RONDO_INVALID, zip->where,
                             "member '%.100s' is %s, expected a stored or deflated one", member->name,
                             member->is_encrypted ? "encrypted" : "compressed by another method");
    }
    if (!has_record(zip, (uint64_t)member->header, LOCAL_BYTES, local_signature)) {
        return damaged(zip, "the header of a member is missing", errors);
    }
    const unsigned char *header = zip->bytes + member->header;
    const int64_t begin =
        member->header + LOCAL_BYTES + (int64_t)number_at(header + 26, 2) + (int64_t)number_at(header + 28, 2);
    if (begin > zip->length || member->packed > zip->length - begin ||
        (member->method == METHOD_STORED && member->size != member->packed)) {
        return damaged(zip, "a member claims more bytes than the file has", errors);
    }
    *bytes = zip->bytes + begin;
    if (member->method == METHOD_DEFLATED) {
        unsigned char *unpacked = arena_alloc(arena, (size_t)member->size + 1);
        if (unpacked == NULL) {
            return errors_no_memory(errors);
        }
        const rondo_status status = inflate_all(*bytes, (uint64_t)member->packed, unpacked, (uint64_t)member->size);
        if (status != RONDO_OK) {
            return status == RONDO_NO_MEMORY ? errors_no_memory(errors)
                                             : damaged(zip, "a member cannot be unpacked", errors);
        }
        *bytes = unpacked;
    }
    return crc_of(*bytes, (uint64_t)member->size) == member->crc
               ? RONDO_OK
               : damaged(zip, "the checksum of a member is wrong", errors);
}
