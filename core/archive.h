/* core/archive.h: named tensors, numbers and texts in memory: what a checkpoint file contains. store/archive_file.h writes it
 * and reads it.
 *
 * Everything whose state a training depends on puts it into the archive under a prefix of its own, and takes it back:
 *
 *     struct archive *archive = archive_create();
 *     archive_put_tensor(archive, &parameter->value, "model.%s", parameter->name);
 *     archive_put_integer(archive, steps, "optimizer.steps");
 *     if (archive_is_failed(archive)) …                       one question at the end
 *
 *     RONDO_TRY(archive_take_tensor(archive, &parameter->value, errors, "model.%s", parameter->name));
 *
 * Values are copied, so that an archive can be written to a file while the training goes on. They come back with the same
 * bits. What is not taken back would be lost without notice: archive_check_taken refuses that.
 *
 * Failure is sticky, as for arenas (core/arena.h).
 * Threads: an archive belongs to one thread at a time.
 */
#ifndef RONDO_CORE_ARCHIVE_H
#define RONDO_CORE_ARCHIVE_H

#include "core/tensor.h"

struct archive;

/* Kinds of entries; the first three are those of enum rondo_dtype. */
enum archive_kind {
    ARCHIVE_F32 = RONDO_F32,
    ARCHIVE_F64 = RONDO_F64,
    ARCHIVE_I32 = RONDO_I32,
    ARCHIVE_I64,
    ARCHIVE_TEXT
};

/* All borrowed from the archive. */
struct archive_entry {
    const char *name;
    int32_t kind; /* enum archive_kind */
    int32_t ndim;
    int64_t shape[RONDO_MAX_DIMS]; /* of a text: its length in bytes */
    void *data;                    /* 64-byte aligned; a text ends with NUL, which `bytes` does not count */
    size_t bytes;
};

/* A new, empty archive; NULL: out of memory. */
struct archive *archive_create(void);
/* `archive` may be NULL. */
void archive_destroy(struct archive *archive);
/* Removes all entries and keeps the memory, so that the next checkpoint of the same training needs no new one. */
void archive_clear(struct archive *archive);
/* 1 if memory ran out since the archive was created or cleared, or if it is NULL. */
int archive_is_failed(const struct archive *archive);

/* Copies a value into a new entry. The name is formatted as by printf; a name must not occur twice. */
void archive_put_tensor(struct archive *archive, const rondo_tensor *tensor, const char *name, ...) RONDO_PRINTF(3, 4);
void archive_put_integers(struct archive *archive, const int64_t *values, int64_t count, const char *name, ...)
    RONDO_PRINTF(4, 5);
void archive_put_reals(struct archive *archive, const double *values, int64_t count, const char *name, ...)
    RONDO_PRINTF(4, 5);
void archive_put_integer(struct archive *archive, int64_t value, const char *name, ...) RONDO_PRINTF(3, 4);
void archive_put_real(struct archive *archive, double value, const char *name, ...) RONDO_PRINTF(3, 4);
void archive_put_text(struct archive *archive, const char *text, const char *name, ...) RONDO_PRINTF(3, 4);
/* Copies all entries of another archive. */
void archive_put_all(struct archive *archive, const struct archive *from);
/* An entry with memory for its data, which the caller fills: a file is read in this way. NULL: out of memory. */
struct archive_entry *archive_add(struct archive *archive, const char *name, int32_t kind, int32_t ndim,
                                  const int64_t *shape);

/* The file that the archive was read from, for messages; copied, and forgotten by archive_clear. */
void archive_set_file(struct archive *archive, const char *file);

/* Copies an entry to the caller's memory. RONDO_INVALID if it is missing, or if its kind or its shape is another one; the
 * error names file and entry. */
rondo_status archive_take_tensor(struct archive *archive, const rondo_tensor *into, struct errors *errors,
                                 const char *name, ...) RONDO_PRINTF(4, 5);
rondo_status archive_take_integers(struct archive *archive, int64_t *into, int64_t count, struct errors *errors,
                                   const char *name, ...) RONDO_PRINTF(5, 6);
rondo_status archive_take_reals(struct archive *archive, double *into, int64_t count, struct errors *errors,
                                const char *name, ...) RONDO_PRINTF(5, 6);
rondo_status archive_take_integer(struct archive *archive, int64_t *into, struct errors *errors, const char *name, ...)
    RONDO_PRINTF(4, 5);
rondo_status archive_take_real(struct archive *archive, double *into, struct errors *errors, const char *name, ...)
    RONDO_PRINTF(4, 5);
/* Numbers of `range`, both ends included: a file whose checksum is right may still contain numbers that none of our trainings
 * has, which must not become an index or overflow. RONDO_INVALID also if one is outside. */
struct archive_range {
    int64_t least, most;
};
rondo_status archive_take_counts(struct archive *archive, int64_t *into, int64_t count, struct archive_range range,
                                 struct errors *errors, const char *name, ...) RONDO_PRINTF(6, 7);
rondo_status archive_take_count(struct archive *archive, int64_t *into, struct archive_range range,
                                struct errors *errors, const char *name, ...) RONDO_PRINTF(5, 6);
/* The largest number of anything that is counted: as many again can be added to it without an overflow. */
#define ARCHIVE_MOST (INT64_MAX / 4)
/* The text, borrowed from the archive; NULL with an error as above. */
const char *archive_take_text(struct archive *archive, struct errors *errors, const char *name, ...) RONDO_PRINTF(3, 4);
/* 1 if there is an entry of this name. */
int archive_has(const struct archive *archive, const char *name, ...) RONDO_PRINTF(2, 3);
/* RONDO_INVALID, with the name of an entry that was never taken, if there is one. */
rondo_status archive_check_taken(const struct archive *archive, struct errors *errors);

/* The entries, in the order in which they were added. */
int32_t archive_count(const struct archive *archive);
const struct archive_entry *archive_entry(const struct archive *archive, int32_t index);
/* Bytes of memory that the archive holds. */
size_t archive_capacity(const struct archive *archive);

#endif
