#include "core/archive.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

/* Entries are found by a table of hashes with open addressing: a model has thousands of tensors in its optimizer. */
struct archive {
    struct arena *arena; /* names and data */
    struct archive_entry *entries;
    unsigned char *taken;
    int32_t count, capacity;
    int32_t *table; /* [slots] 1 + number of an entry; 0: free */
    uint32_t slots; /* a power of 2, more than `count` */
    int is_failed;
    const char *file; /* from the arena; NULL: none */
};

struct archive *archive_create(void) {
    struct archive *archive = calloc(1, sizeof *archive);
    if (archive != NULL) {
        archive->arena = arena_create();
    }
    if (archive != NULL && archive->arena == NULL) {
        free(archive);
        return NULL;
    }
    return archive;
}

void archive_destroy(struct archive *archive) {
    if (archive != NULL) {
        arena_destroy(archive->arena);
        free(archive->entries);
        free(archive->taken);
        free(archive->table);
        free(archive);
    }
}

void archive_clear(struct archive *archive) {
    arena_reset(archive->arena);
    archive->count = 0;
    archive->is_failed = 0;
    archive->file = NULL;
    if (archive->table != NULL) {
        memset(archive->table, 0, sizeof *archive->table * archive->slots);
    }
}

int archive_is_failed(const struct archive *archive) {
    return archive == NULL || archive->is_failed;
}

void archive_set_file(struct archive *archive, const char *file) {
    archive->file = arena_strdup(archive->arena, file);
    archive->is_failed |= archive->file == NULL;
}

int32_t archive_count(const struct archive *archive) {
    return archive->count;
}

const struct archive_entry *archive_entry(const struct archive *archive, int32_t index) {
    return &archive->entries[index];
}

size_t archive_capacity(const struct archive *archive) {
    return arena_capacity(archive->arena);
}

/* The place of a name in the table: that of its entry, or the free one for it. The table is not full. */
static uint32_t slot_of(const struct archive *archive, const char *name) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    }
    uint32_t slot = (uint32_t)hash & (archive->slots - 1);
    while (archive->table[slot] != 0 && strcmp(archive->entries[archive->table[slot] - 1].name, name) != 0) {
        slot = (slot + 1) & (archive->slots - 1);
    }
    return slot;
}

/* The number of the entry; -1: there is none. */
static int32_t find(const struct archive *archive, const char *name) {
    return archive->count == 0 ? -1 : archive->table[slot_of(archive, name)] - 1;
}

/* Doubles the room for entries. 0: out of memory. */
static int grow(struct archive *archive) {
    const int32_t capacity = archive->capacity == 0 ? 64 : 2 * archive->capacity;
    struct archive_entry *entries = realloc(archive->entries, sizeof *entries * (size_t)capacity);
    if (entries == NULL) {
        return 0;
    }
    archive->entries = entries;
    unsigned char *taken = realloc(archive->taken, (size_t)capacity);
    if (taken == NULL) {
        return 0;
    }
    archive->taken = taken;
    int32_t *table = calloc(2 * (size_t)capacity, sizeof *table);
    if (table == NULL) {
        return 0;
    }
    free(archive->table);
    archive->table = table;
    archive->slots = 2 * (uint32_t)capacity;
    archive->capacity = capacity;
    for (int32_t i = 0; i < archive->count; i++) {
        archive->table[slot_of(archive, archive->entries[i].name)] = i + 1;
    }
    return 1;
}

static size_t element_size(int32_t kind) {
    return kind == ARCHIVE_TEXT ? 1 : kind == ARCHIVE_I64 ? sizeof(int64_t) : dtype_size(kind);
}

/* SIZE_MAX if it overflows. */
static size_t bytes_of(int32_t kind, int32_t ndim, const int64_t *shape) {
    size_t bytes = element_size(kind);
    for (int32_t d = 0; d < ndim; d++) {
        if (shape[d] < 0 || (shape[d] > 0 && bytes > SIZE_MAX / 2 / (size_t)shape[d])) {
            return SIZE_MAX;
        }
        bytes *= (size_t)shape[d];
    }
    return bytes;
}

static struct archive_entry *add(struct archive *archive, const char *name, int32_t kind, int32_t ndim,
                                 const int64_t *shape) {
    const size_t bytes = bytes_of(kind, ndim, shape);
    if (archive_is_failed(archive) || bytes == SIZE_MAX || (archive->count == archive->capacity && !grow(archive)) ||
        find(archive, name) >= 0) {
        return NULL;
    }
    struct archive_entry entry = {.name = arena_strdup(archive->arena, name),
                                  .kind = kind,
                                  .ndim = ndim,
                                  .data = arena_alloc(archive->arena, bytes + 1),
                                  .bytes = bytes};
    if (entry.name == NULL || entry.data == NULL) {
        return NULL;
    }
    if (ndim > 0) {
        memcpy(entry.shape, shape, sizeof *shape * (size_t)ndim);
    }
    ((char *)entry.data)[bytes] = '\0';
    archive->table[slot_of(archive, name)] = archive->count + 1;
    archive->taken[archive->count] = 0;
    archive->entries[archive->count] = entry;
    return &archive->entries[archive->count++];
}

struct archive_entry *archive_add(struct archive *archive, const char *name, int32_t kind, int32_t ndim,
                                  const int64_t *shape) {
    struct archive_entry *entry = add(archive, name, kind, ndim, shape);
    if (entry == NULL && archive != NULL) {
        archive->is_failed = 1;
    }
    return entry;
}

/* ---- names ---- */

/* A formatted name. Those that do not fit the array are malloc'ed. */
struct formatted {
    char text[256];
    char *longer;
};

/* The name; NULL: out of memory. */
static const char *format_name(struct formatted *formatted, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int length = number_vprint(formatted->text, sizeof formatted->text, format, arguments);
    formatted->longer = NULL;
    const char *name = length < 0 ? NULL : formatted->text;
    if (length >= (int)sizeof formatted->text) {
        formatted->longer = malloc((size_t)length + 1);
        if (formatted->longer != NULL) {
            number_vprint(formatted->longer, (size_t)length + 1, format, again);
        }
        name = formatted->longer;
    }
    va_end(again);
    return name;
}

/* ---- putting ---- */

static void put(struct archive *archive, int32_t kind, int32_t ndim, const int64_t *shape, const void *data,
                const char *format, va_list arguments) {
    if (archive_is_failed(archive)) {
        return;
    }
    struct formatted formatted;
    const char *name = format_name(&formatted, format, arguments);
    struct archive_entry *entry = name == NULL ? NULL : archive_add(archive, name, kind, ndim, shape);
    if (entry == NULL) {
        archive->is_failed = 1;
    } else if (entry->bytes > 0) {
        memcpy(entry->data, data, entry->bytes);
    }
    free(formatted.longer);
}

void archive_put_tensor(struct archive *archive, const rondo_tensor *tensor, const char *name, ...) {
    va_list arguments;
    va_start(arguments, name);
    put(archive, tensor->dtype, tensor->ndim, tensor->shape, tensor->data, name, arguments);
    va_end(arguments);
}

void archive_put_integers(struct archive *archive, const int64_t *values, int64_t count, const char *name, ...) {
    va_list arguments;
    va_start(arguments, name);
    put(archive, ARCHIVE_I64, 1, &count, values, name, arguments);
    va_end(arguments);
}

void archive_put_reals(struct archive *archive, const double *values, int64_t count, const char *name, ...) {
    va_list arguments;
    va_start(arguments, name);
    put(archive, ARCHIVE_F64, 1, &count, values, name, arguments);
    va_end(arguments);
}

void archive_put_integer(struct archive *archive, int64_t value, const char *name, ...) {
    va_list arguments;
    va_start(arguments, name);
    put(archive, ARCHIVE_I64, 0, NULL, &value, name, arguments);
    va_end(arguments);
}

void archive_put_real(struct archive *archive, double value, const char *name, ...) {
    va_list arguments;
    va_start(arguments, name);
    put(archive, ARCHIVE_F64, 0, NULL, &value, name, arguments);
    va_end(arguments);
}

void archive_put_text(struct archive *archive, const char *text, const char *name, ...) {
    const int64_t length = (int64_t)strlen(text);
    va_list arguments;
    va_start(arguments, name);
    put(archive, ARCHIVE_TEXT, 1, &length, text, name, arguments);
    va_end(arguments);
}

void archive_put_all(struct archive *archive, const struct archive *from) {
    for (int32_t i = 0; i < from->count; i++) {
        const struct archive_entry *entry = &from->entries[i];
        struct archive_entry *copy = archive_add(archive, entry->name, entry->kind, entry->ndim, entry->shape);
        if (copy != NULL) {
            memcpy(copy->data, entry->data, entry->bytes);
        }
    }
}

/* ---- taking ---- */

static const char *kind_name(int32_t kind) {
    return kind == ARCHIVE_TEXT ? "text" : kind == ARCHIVE_I64 ? "i64" : dtype_name(kind);
}

static struct shape_text shape_text(int32_t ndim, const int64_t *shape) {
    const rondo_tensor tensor = tensor_of(RONDO_F32, ndim, shape);
    return tensor_shape_text(&tensor);
}

/* What is wanted: the shape of a text is not compared. */
struct archive_wanted {
    int32_t kind, ndim;
    const int64_t *shape;
};

/* The entry of this name; NULL with an error. */
static const struct archive_entry *take(struct archive *archive, const struct archive_wanted *wanted,
                                        struct errors *errors, const char *format, va_list arguments) {
    struct formatted formatted;
    const char *name = format_name(&formatted, format, arguments);
    const int32_t index = name == NULL ? -1 : find(archive, name);
    const struct archive_entry *entry = index < 0 ? NULL : &archive->entries[index];
    const struct location where = {.file = archive->file};
    if (name == NULL) {
        errors_no_memory(errors);
    } else if (entry == NULL) {
        errors_add_at(errors, RONDO_INVALID, where, "there is no entry '%s'", name);
    } else if (entry->kind != wanted->kind ||
               (wanted->kind != ARCHIVE_TEXT &&
                (entry->ndim != wanted->ndim ||
                 (wanted->ndim > 0 &&
                  memcmp(entry->shape, wanted->shape, sizeof *wanted->shape * (size_t)wanted->ndim) != 0)))) {
        errors_add_at(errors, RONDO_INVALID, where, "the entry '%s' is %s %s, expected %s %s", name,
                      kind_name(entry->kind), shape_text(entry->ndim, entry->shape).text, kind_name(wanted->kind),
                      shape_text(wanted->ndim, wanted->shape).text);
        entry = NULL;
    } else {
        archive->taken[index] = 1;
    }
    free(formatted.longer);
    return entry;
}

static rondo_status take_into(struct archive *archive, const struct archive_wanted *wanted, void *into,
                              struct errors *errors, const char *format, va_list arguments) {
    const struct archive_entry *entry = take(archive, wanted, errors, format, arguments);
    if (entry != NULL && entry->bytes > 0) {
        memcpy(into, entry->data, entry->bytes);
    }
    return entry == NULL ? errors->status : RONDO_OK;
}

rondo_status archive_take_tensor(struct archive *archive, const rondo_tensor *into, struct errors *errors,
                                 const char *name, ...) {
    const struct archive_wanted wanted = {into->dtype, into->ndim, into->shape};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_into(archive, &wanted, into->data, errors, name, arguments);
    va_end(arguments);
    return status;
}

rondo_status archive_take_integers(struct archive *archive, int64_t *into, int64_t count, struct errors *errors,
                                   const char *name, ...) {
    const struct archive_wanted wanted = {ARCHIVE_I64, 1, &count};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_into(archive, &wanted, into, errors, name, arguments);
    va_end(arguments);
    return status;
}

rondo_status archive_take_reals(struct archive *archive, double *into, int64_t count, struct errors *errors,
                                const char *name, ...) {
    const struct archive_wanted wanted = {ARCHIVE_F64, 1, &count};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_into(archive, &wanted, into, errors, name, arguments);
    va_end(arguments);
    return status;
}

rondo_status archive_take_integer(struct archive *archive, int64_t *into, struct errors *errors, const char *name,
                                  ...) {
    const struct archive_wanted wanted = {ARCHIVE_I64, 0, NULL};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_into(archive, &wanted, into, errors, name, arguments);
    va_end(arguments);
    return status;
}

/* Numbers of [count], or one if the wanted entry has no dimensions. */
static rondo_status take_counts(struct archive *archive, const struct archive_wanted *wanted, int64_t *into,
                                struct archive_range range, struct errors *errors, const char *format,
                                va_list arguments) {
    const struct archive_entry *entry = take(archive, wanted, errors, format, arguments);
    const int64_t count = entry == NULL ? 0 : (int64_t)(entry->bytes / sizeof *into);
    const int64_t *values = entry == NULL ? NULL : entry->data;
    for (int64_t i = 0; i < count; i++) {
        if (values[i] < range.least || values[i] > range.most) {
            return errors_add_at(errors, RONDO_INVALID, (struct location){.file = archive->file},
                                 "the entry '%s' has the number %lld, expected %lld to %lld", entry->name,
                                 (long long)values[i], (long long)range.least, (long long)range.most);
        }
        into[i] = values[i];
    }
    return entry == NULL ? errors->status : RONDO_OK;
}

rondo_status archive_take_counts(struct archive *archive, int64_t *into, int64_t count, struct archive_range range,
                                 struct errors *errors, const char *name, ...) {
    const struct archive_wanted wanted = {ARCHIVE_I64, 1, &count};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_counts(archive, &wanted, into, range, errors, name, arguments);
    va_end(arguments);
    return status;
}

rondo_status archive_take_count(struct archive *archive, int64_t *into, struct archive_range range,
                                struct errors *errors, const char *name, ...) {
    const struct archive_wanted wanted = {ARCHIVE_I64, 0, NULL};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_counts(archive, &wanted, into, range, errors, name, arguments);
    va_end(arguments);
    return status;
}

rondo_status archive_take_real(struct archive *archive, double *into, struct errors *errors, const char *name, ...) {
    const struct archive_wanted wanted = {ARCHIVE_F64, 0, NULL};
    va_list arguments;
    va_start(arguments, name);
    const rondo_status status = take_into(archive, &wanted, into, errors, name, arguments);
    va_end(arguments);
    return status;
}

const char *archive_take_text(struct archive *archive, struct errors *errors, const char *name, ...) {
    const struct archive_wanted wanted = {ARCHIVE_TEXT, 0, NULL};
    va_list arguments;
    va_start(arguments, name);
    const struct archive_entry *entry = take(archive, &wanted, errors, name, arguments);
    va_end(arguments);
    return entry == NULL ? NULL : entry->data;
}

int archive_has(const struct archive *archive, const char *name, ...) {
    struct formatted formatted;
    va_list arguments;
    va_start(arguments, name);
    const char *text = format_name(&formatted, name, arguments);
    va_end(arguments);
    const int has = text != NULL && find(archive, text) >= 0;
    free(formatted.longer);
    return has;
}

rondo_status archive_check_taken(const struct archive *archive, struct errors *errors) {
    for (int32_t i = 0; i < archive->count; i++) {
        if (!archive->taken[i]) {
            return errors_add_at(errors, RONDO_INVALID, (struct location){.file = archive->file},
                                 "the entry '%s' belongs to nothing in this training", archive->entries[i].name);
        }
    }
    return RONDO_OK;
}
