#include "store/archive_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"
#include "io/file.h"
#include "store/tensor_file.h"

#define FORMAT "rondo checkpoint"

enum { FLAGS = TENSOR_FILE_CHECKSUM | TENSOR_FILE_I64, OWN_TEXTS = 2 };

static const char *const reserved[] = {"checksum", "format", "version"};

static int is_reserved(const char *name) {
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcmp(reserved[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- writing ---- */

static struct archive_entry text_entry(const char *name, const char *text) {
    return (struct archive_entry){.name = name, .kind = ARCHIVE_TEXT, .data = (char *)text};
}

static rondo_status write_entries(struct file_writer *writer, const struct archive *archive, struct errors *errors) {
    char version[16];
    snprintf(version, sizeof version, "%d", ARCHIVE_FILE_VERSION);
    const int32_t count = archive_count(archive);
    struct archive_entry *entries = calloc((size_t)count + OWN_TEXTS, sizeof *entries);
    if (entries == NULL) {
        return errors_no_memory(errors);
    }
    entries[0] = text_entry("format", FORMAT);
    entries[1] = text_entry("version", version);
    int has_reserved = 0;
    for (int32_t i = 0; i < count; i++) {
        entries[OWN_TEXTS + i] = *archive_entry(archive, i);
        has_reserved |= is_reserved(entries[OWN_TEXTS + i].name);
    }
    const rondo_status status = has_reserved
                                    ? errors_bug(errors, __FILE__, __LINE__, "names of a checkpoint are not reserved")
                                    : tensor_file_write(writer, entries, OWN_TEXTS + count, FLAGS, errors);
    free(entries);
    return status;
}

rondo_status archive_write_to(struct file_writer *writer, const struct archive *archive, struct errors *errors) {
    const rondo_status status =
        archive_is_failed(archive) ? errors_no_memory(errors) : write_entries(writer, archive, errors);
    file_abort(writer); /* does nothing after a commit */
    return status;
}

rondo_status archive_write(const char *file, const struct archive *archive, struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(file_begin(&writer, file, errors));
    return archive_write_to(&writer, archive, errors);
}

/* ---- reading ---- */

static struct location place(const struct tensor_file *reading) {
    return (struct location){.file = reading->file};
}

static rondo_status no_memory_for(const struct tensor_file *reading) {
    memory_refuse(reading->data_bytes);
    return errors_memory_for(reading->errors, errors_no_memory(reading->errors), place(reading),
                             "the data of the checkpoint");
}

/* Adds the entry and reads its data. */
static rondo_status read_entry(struct tensor_file *reading, const struct archive_entry *entry,
                               struct archive *archive) {
    if (archive_has(archive, "%s", entry->name)) {
        return errors_add_at(reading->errors, RONDO_INVALID, place(reading),
                             "a text and a tensor have the name '%.100s'", entry->name);
    }
    struct archive_entry *added = archive_add(archive, entry->name, entry->kind, entry->ndim, entry->shape);
    if (added == NULL) {
        return no_memory_for(reading);
    }
    if (entry->kind == ARCHIVE_TEXT) {
        memcpy(added->data, entry->data, entry->bytes);
        return RONDO_OK;
    }
    return tensor_file_next(reading, added->data, entry->bytes);
}

/* A file whose checksum is right is what some version of Rondo has written. */
static rondo_status check_version(const struct tensor_file *reading, int *is_damaged) {
    const char *format = tensor_file_text(reading, "format"), *version = tensor_file_text(reading, "version");
    char *end;
    const long number = version == NULL ? 0 : strtol(version, &end, 10);
    *is_damaged = 0;
    if (format == NULL || strcmp(format, FORMAT) != 0 || number <= 0) {
        return errors_add_at(reading->errors, RONDO_INVALID, place(reading), "not a checkpoint of Rondo");
    }
    return number == ARCHIVE_FILE_VERSION
               ? RONDO_OK
               : errors_add_at(
                     reading->errors, RONDO_INVALID, place(reading),
                     "a checkpoint of format version %ld, and this Rondo reads version %d: it was written by %s "
                     "Rondo",
                     number, ARCHIVE_FILE_VERSION, number > ARCHIVE_FILE_VERSION ? "a newer" : "an older");
}

static rondo_status read_entries(struct tensor_file *reading, struct archive *archive, int *is_damaged) {
    if (!memory_has_room(reading->data_bytes)) {
        return no_memory_for(reading);
    }
    for (int32_t i = 0; i < reading->count; i++) {
        const struct archive_entry *entry = &reading->entries[i];
        if (is_reserved(entry->name) && entry->kind != ARCHIVE_TEXT) {
            return errors_add_at(reading->errors, RONDO_INVALID, place(reading), "tensor '%s' has a reserved name",
                                 entry->name);
        }
        if (!is_reserved(entry->name)) {
            RONDO_TRY(read_entry(reading, entry, archive));
        }
    }
    RONDO_TRY(tensor_file_verify(reading));
    return check_version(reading, is_damaged);
}

/* Adds the reason why the contents of the file are not a checkpoint. */
static void add_damage(const char *file, const struct errors *reasons, struct errors *errors) {
    errors_add_at(errors, reasons->status, (struct location){.file = file}, "the file is damaged: %s",
                  errors_text(reasons, 0) + errors_place(reasons, 0).message);
}

struct archive *archive_read_damaged(const char *file, int *is_damaged, struct errors *errors) {
    struct archive *archive = archive_create();
    struct arena *arena = arena_create(); /* the header */
    struct tensor_file reading = {.descriptor = -1};
    struct errors reasons = {0};
    rondo_status status = archive == NULL || arena == NULL ? errors_no_memory(&reasons)
                                                           : tensor_file_open(&reading, file, arena, FLAGS, &reasons);
    *is_damaged = reading.is_opened;
    if (status == RONDO_OK) {
        status = read_entries(&reading, archive, is_damaged);
        tensor_file_close(&reading);
        archive_set_file(archive, file);
    }
    *is_damaged &= status != RONDO_OK && status != RONDO_NO_MEMORY;
    if (*is_damaged && status == RONDO_INVALID) {
        add_damage(file, &reasons, errors);
    } else {
        errors_move(errors, &reasons);
    }
    errors_free(&reasons);
    arena_destroy(arena);
    if (status != RONDO_OK) {
        archive_destroy(archive);
        return NULL;
    }
    return archive;
}

struct archive *archive_read(const char *file, struct errors *errors) {
    int is_damaged;
    return archive_read_damaged(file, &is_damaged, errors);
}
