#define _POSIX_C_SOURCE 200809L
#include "io/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "io/file.h"
#include "io/folder.h"

enum {
    BLOCK = 1 << 18, /* bytes that are read and hashed while they are in the processor's cache */
    MOST_DEPTH = 32  /* links may lead in circles */
};

static const struct location nowhere = {0};

/* Room for hashing; the states are of xxhash, from malloc. */
struct hashing {
    XXH3_state_t *contents, *names;
    struct arena *arena;
    unsigned char *block;
    struct fingerprint *print;
    struct errors *errors;
};

static void write_hash(struct fingerprint *print, XXH64_hash_t hash) {
    snprintf(print->hash, sizeof print->hash, "%016" PRIx64, (uint64_t)hash);
}

/* Hashes an open file, and adds its size to *bytes. */
static rondo_status hash_contents(const struct hashing *hashing, const char *file, int descriptor, int64_t *bytes) {
    XXH3_64bits_reset(hashing->contents);
    for (;;) {
        const ssize_t got = read(descriptor, hashing->block, BLOCK);
        if (got == 0) {
            return RONDO_OK;
        }
        if (got < 0 && errno != EINTR) {
            return file_failed(hashing->errors, RONDO_IO, nowhere, "read", file, errno);
        }
        if (got > 0) {
            XXH3_64bits_update(hashing->contents, hashing->block, (size_t)got);
            *bytes += got;
        }
    }
}

static rondo_status hash_file(const struct hashing *hashing, const char *file, XXH64_hash_t *hash, int64_t *bytes) {
    int descriptor;
    int64_t size;
    *bytes = 0;
    RONDO_TRY(file_open(file, &descriptor, &size, nowhere, hashing->errors));
    const rondo_status status = hash_contents(hashing, file, descriptor, bytes);
    close(descriptor);
    *hash = XXH3_64bits_digest(hashing->contents);
    return status;
}

/* Adds a file to the hash of the folder: its name within it, with the NUL that ends it, its size and the hash of its
 * contents, in the order of bytes that is the same on all machines. */
static rondo_status add_file(const struct hashing *hashing, const char *file, const char *name) {
    XXH64_hash_t hash;
    XXH64_canonical_t numbers[2];
    int64_t bytes;
    RONDO_TRY(hash_file(hashing, file, &hash, &bytes));
    XXH64_canonicalFromHash(&numbers[0], (XXH64_hash_t)bytes);
    XXH64_canonicalFromHash(&numbers[1], hash);
    XXH3_64bits_update(hashing->names, name, strlen(name) + 1);
    XXH3_64bits_update(hashing->names, numbers, sizeof numbers);
    hashing->print->files++;
    hashing->print->bytes += bytes;
    return RONDO_OK;
}

/* Adds the files of a folder; `name` is that of the folder within the whole, "" or "cats/". */
static rondo_status add_folder(const struct hashing *hashing, const char *folder, const char *name, int depth) {
    struct folder_entry *entries;
    int64_t count = 0;
    if (depth == MOST_DEPTH) {
        return errors_add(hashing->errors, RONDO_INVALID, "'%s' is nested deeper than %d folders", folder, MOST_DEPTH);
    }
    RONDO_TRY(folder_list(folder, nowhere, hashing->arena, &entries, &count, hashing->errors));
    for (int64_t i = 0; i < count; i++) {
        const struct arena_mark mark = arena_mark(hashing->arena);
        const char *path = arena_printf(hashing->arena, "%s/%s", folder, entries[i].name);
        const char *inner =
            arena_printf(hashing->arena, "%s%s%s", name, entries[i].name, entries[i].is_folder ? "/" : "");
        if (path == NULL || inner == NULL) {
            return errors_no_memory(hashing->errors);
        }
        RONDO_TRY(entries[i].is_folder ? add_folder(hashing, path, inner, depth + 1) : add_file(hashing, path, inner));
        arena_release(hashing->arena, mark);
    }
    return RONDO_OK;
}

static rondo_status hash_path(const struct hashing *hashing, const char *path) {
    struct fingerprint *print = hashing->print;
    print->is_folder = folder_is(path);
    if (!print->is_folder) {
        XXH64_hash_t hash;
        RONDO_TRY(hash_file(hashing, path, &hash, &print->bytes));
        print->files = 1;
        write_hash(print, hash);
        return RONDO_OK;
    }
    XXH3_64bits_reset(hashing->names);
    RONDO_TRY(add_folder(hashing, path, "", 0));
    write_hash(print, XXH3_64bits_digest(hashing->names));
    return RONDO_OK;
}

rondo_status fingerprint_of(const char *path, struct fingerprint *print, struct errors *errors) {
    struct arena *arena = arena_create();
    const struct hashing hashing = {.contents = XXH3_createState(),
                                    .names = XXH3_createState(),
                                    .arena = arena,
                                    .block = arena_alloc(arena, BLOCK),
                                    .print = print,
                                    .errors = errors};
    *print = (struct fingerprint){.hash = ""};
    const int has_room = hashing.contents != NULL && hashing.names != NULL && hashing.block != NULL;
    const rondo_status status = has_room ? hash_path(&hashing, path) : errors_no_memory(errors);
    XXH3_freeState(hashing.contents);
    XXH3_freeState(hashing.names);
    arena_destroy(arena);
    return status;
}

struct fingerprint fingerprint_of_bytes(const void *bytes, size_t length) {
    struct fingerprint print = {.files = 1, .bytes = (int64_t)length};
    write_hash(&print, XXH3_64bits(bytes, length));
    return print;
}
