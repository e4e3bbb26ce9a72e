/* The layout of the file, from the documentation of the format:
 *     8 bytes   n, unsigned, little-endian
 *     n bytes   JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}, padded with spaces;
 *               "__metadata__" holds an object of texts
 *     the rest  data, little-endian; offsets count from its start, and there are no gaps between tensors */
#define _POSIX_C_SOURCE 200809L

#include "store/tensor_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"
#include "io/utf8.h"
#include "store/tensor_checksum.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the data of a safetensors file is little-endian; this machine would have to swap bytes"
#endif

#define METADATA   "__metadata__"
#define CHECKSUM   "checksum"
#define MAX_HEADER ((uint64_t)100 * 1000 * 1000)

/* The header of a file with a checksum begins with this text and the digits. */
static const char checksum_prefix[] = "{\"" METADATA "\":{\"" CHECKSUM "\":\"xxh3:";
enum { DIGITS_BEGIN = sizeof checksum_prefix - 1, LENGTH_BYTES = 8, ALIGNMENT = 8 };

/* The format's names of the kinds of tensors, by enum archive_kind. */
static const struct {
    const char *name;
    size_t size;
} dtypes[] = {{"F32", 4}, {"F64", 8}, {"I32", 4}, {"I64", 8}};
_Static_assert(sizeof dtypes / sizeof dtypes[0] == ARCHIVE_TEXT, "each kind of tensors has a name");

/* ---- writing ---- */

/* {"dtype": …, "shape": …, "data_offsets": …}; NULL if out of memory. */
static json_t *describe(const struct archive_entry *entry, size_t begin) {
    json_t *shape = json_array();
    for (int32_t d = 0; d < entry->ndim; d++) {
        if (json_array_append_new(shape, json_integer(entry->shape[d])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[entry->kind].name, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)begin + (json_int_t)entry->bytes);
}

static int is_text(const char *text) {
    return utf8_check(text, strlen(text), NULL);
}

static rondo_status add_text(json_t *texts, const char *name, const char *text, struct errors *errors) {
    if (!is_text(name) || !is_text(text)) {
        return errors_add(errors, RONDO_INVALID, "metadata '%.100s' is not UTF-8 text", name);
    }
    if (json_object_get(texts, name) != NULL) {
        return errors_add(errors, RONDO_INVALID, "the name of metadata '%.100s' is taken", name);
    }
    return json_object_set_new(texts, name, json_string(text)) == 0 ? RONDO_OK : errors_no_memory(errors);
}

static rondo_status add_texts(json_t *header, const struct archive_entry *entries, int32_t count, int flags,
                              struct errors *errors) {
    json_t *texts = json_object();
    if (json_object_set_new(header, METADATA, texts) != 0) {
        return errors_no_memory(errors);
    }
    if ((flags & TENSOR_FILE_CHECKSUM) != 0) {
        RONDO_TRY(add_text(texts, CHECKSUM, "xxh3:" TENSOR_CHECKSUM_ZEROS, errors));
    }
    for (int32_t i = 0; i < count; i++) {
        if (entries[i].kind == ARCHIVE_TEXT) {
            RONDO_TRY(add_text(texts, entries[i].name, entries[i].data, errors));
        }
    }
    return json_object_size(texts) > 0 || json_object_del(header, METADATA) == 0 ? RONDO_OK : errors_no_memory(errors);
}

/* Larger elements come first: then every tensor begins at a multiple of its element size, without gaps. */
static const size_t element_sizes[] = {8, 4};
enum { N_ELEMENT_SIZES = sizeof element_sizes / sizeof element_sizes[0] };

static int is_tensor_of(const struct archive_entry *entry, size_t size) {
    return entry->kind != ARCHIVE_TEXT && dtypes[entry->kind].size == size;
}

static rondo_status add_tensor(json_t *header, const struct archive_entry *entry, size_t *end, struct errors *errors) {
    if (!is_text(entry->name)) {
        return errors_add(errors, RONDO_INVALID, "the name of tensor '%.100s' is not UTF-8 text", entry->name);
    }
    if (strcmp(entry->name, METADATA) == 0 || json_object_get(header, entry->name) != NULL) {
        return errors_add(errors, RONDO_INVALID, "the name of tensor '%.100s' is taken", entry->name);
    }
    if (json_object_set_new(header, entry->name, describe(entry, *end)) != 0) {
        return errors_no_memory(errors);
    }
    *end += entry->bytes;
    return RONDO_OK;
}

static rondo_status make_header(json_t *header, const struct archive_entry *entries, int32_t count, int flags,
                                struct errors *errors) {
    if (header == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < count; i++) {
        RONDO_CHECK(entries[i].kind >= 0 && entries[i].kind <= ARCHIVE_TEXT, errors, "entries have a known kind");
    }
    RONDO_TRY(add_texts(header, entries, count, flags, errors));
    size_t end = 0;
    for (int s = 0; s < N_ELEMENT_SIZES; s++) {
        for (int32_t i = 0; i < count; i++) {
            if (is_tensor_of(&entries[i], element_sizes[s])) {
                RONDO_TRY(add_tensor(header, &entries[i], &end, errors));
            }
        }
    }
    return RONDO_OK;
}

/* What precedes the data: the length, the text of the header, and spaces so that the data begins at a multiple of
 * ALIGNMENT. From malloc; NULL: out of memory. */
static char *header_bytes(const json_t *header, size_t *bytes) {
    const size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT);
    const uint64_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *bytes = LENGTH_BYTES + (size_t)padded;
    char *text = length == 0 ? NULL : malloc(*bytes);
    if (text != NULL && json_dumpb(header, text + LENGTH_BYTES, length, JSON_COMPACT) == length) {
        memcpy(text, &padded, LENGTH_BYTES);
        memset(text + LENGTH_BYTES + length, ' ', (size_t)padded - length);
        return text;
    }
    free(text);
    return NULL;
}

/* Calls `take` with each tensor's data in the order of the file. */
static rondo_status for_data(const struct archive_entry *entries, int32_t count,
                             rondo_status (*take)(void *arg, const void *data, size_t bytes, struct errors *errors),
                             void *arg, struct errors *errors) {
    for (int s = 0; s < N_ELEMENT_SIZES; s++) {
        for (int32_t i = 0; i < count; i++) {
            if (is_tensor_of(&entries[i], element_sizes[s])) {
                RONDO_TRY(take(arg, entries[i].data, entries[i].bytes, errors));
            }
        }
    }
    return RONDO_OK;
}

static rondo_status take_for_checksum(void *arg, const void *data, size_t bytes, struct errors *errors) {
    (void)errors;
    tensor_checksum_add(arg, data, bytes);
    return RONDO_OK;
}

static rondo_status take_for_file(void *arg, const void *data, size_t bytes, struct errors *errors) {
    return file_piece(arg, data, bytes, errors);
}

/* Replaces the zeros in the header by the digits of the checksum. */
static rondo_status put_checksum(char *text, size_t bytes, const struct archive_entry *entries, int32_t count,
                                 struct errors *errors) {
    RONDO_CHECK(memcmp(text + LENGTH_BYTES, checksum_prefix, DIGITS_BEGIN) == 0, errors,
                "the header begins with its checksum");
    struct tensor_checksum *checksum = tensor_checksum_create();
    if (checksum == NULL) {
        return errors_no_memory(errors);
    }
    tensor_checksum_add(checksum, text, bytes);
    const rondo_status status = for_data(entries, count, take_for_checksum, checksum, errors);
    memcpy(text + LENGTH_BYTES + DIGITS_BEGIN, tensor_checksum_digits(checksum).text, TENSOR_CHECKSUM_DIGITS);
    tensor_checksum_destroy(checksum);
    return status;
}

static rondo_status write_all(struct file_writer *writer, const json_t *header, const struct archive_entry *entries,
                              int32_t count, int flags, struct errors *errors) {
    size_t bytes;
    char *text = header_bytes(header, &bytes);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status =
        (flags & TENSOR_FILE_CHECKSUM) != 0 ? put_checksum(text, bytes, entries, count, errors) : RONDO_OK;
    if (status == RONDO_OK) {
        status = file_piece(writer, text, bytes, errors);
    }
    free(text);
    RONDO_TRY(status);
    RONDO_TRY(for_data(entries, count, take_for_file, writer, errors));
    return file_commit(writer, errors);
}

rondo_status tensor_file_write(struct file_writer *writer, const struct archive_entry *entries, int32_t count,
                               int flags, struct errors *errors) {
    json_t *header = json_object();
    rondo_status status = make_header(header, entries, count, flags, errors);
    if (status == RONDO_OK) {
        status = write_all(writer, header, entries, count, flags, errors);
    }
    file_abort(writer); /* does nothing after a commit */
    json_decref(header);
    return status;
}

/* ---- reading the header ---- */

/* A tensor of the file and its bytes, begin .. end of the data. */
struct tensor_place {
    struct archive_entry entry;
    uint64_t begin, end;
};

/* A header that is being read. */
struct header_reading {
    struct tensor_file *reading;
    struct arena *arena;
    int flags;
    struct tensor_place *places; /* [count] as in the header, later by offset */
    size_t count;
};

/* Adds an error of the file. */
#define REFUSE(reading, ...)                                                                                           \
    errors_add_at((reading)->errors, RONDO_INVALID, (struct location){.file = (reading)->file}, __VA_ARGS__)

static int is_count(const json_t *value) {
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static rondo_status read_kind(const struct header_reading *header, const char *dtype, struct archive_entry *entry) {
    const int32_t n_kinds = (header->flags & TENSOR_FILE_I64) != 0 ? ARCHIVE_TEXT : ARCHIVE_I64;
    for (entry->kind = 0; entry->kind < n_kinds; entry->kind++) {
        if (strcmp(dtypes[entry->kind].name, dtype) == 0) {
            return RONDO_OK;
        }
    }
    return REFUSE(header->reading, "tensor '%.100s': dtype '%.20s', expected F32, F64%s", entry->name, dtype,
                  n_kinds == ARCHIVE_TEXT ? ", I32 or I64" : " or I32");
}

/* "shape": fills ndim, shape and bytes; refuses what overflows. */
static rondo_status read_shape(const struct header_reading *header, const json_t *shape, struct archive_entry *entry) {
    if (!json_is_array(shape) || json_array_size(shape) > RONDO_MAX_DIMS) {
        return REFUSE(header->reading, "tensor '%.100s': expected a shape of at most %d numbers", entry->name,
                      RONDO_MAX_DIMS);
    }
    uint64_t bytes = dtypes[entry->kind].size;
    entry->ndim = (int32_t)json_array_size(shape);
    for (int32_t d = 0; d < entry->ndim; d++) {
        const json_t *n = json_array_get(shape, (size_t)d);
        if (!is_count(n)) {
            return REFUSE(header->reading, "tensor '%.100s': dimension %d of the shape is not a whole number from 0",
                          entry->name, d);
        }
        entry->shape[d] = json_integer_value(n);
        if (entry->shape[d] != 0 && bytes > (uint64_t)INT64_MAX / (uint64_t)entry->shape[d]) {
            return REFUSE(header->reading, "tensor '%.100s': the shape has more elements than there can be",
                          entry->name);
        }
        bytes *= (uint64_t)entry->shape[d];
    }
    entry->bytes = (size_t)bytes;
    return RONDO_OK;
}

/* "data_offsets": must be within the data, and their distance must be the number of bytes of the shape. */
static rondo_status read_offsets(const struct header_reading *header, const json_t *offsets,
                                 struct tensor_place *place) {
    const struct tensor_file *reading = header->reading;
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    const char *name = place->entry.name;
    if (json_array_size(offsets) != 2 || !is_count(begin) || !is_count(end)) {
        return REFUSE(reading, "tensor '%.100s': expected data_offsets of two whole numbers from 0", name);
    }
    place->begin = (uint64_t)json_integer_value(begin);
    place->end = (uint64_t)json_integer_value(end);
    if (place->begin > place->end || place->end > reading->data_bytes) {
        return REFUSE(reading, "tensor '%.100s': data_offsets %llu to %llu are not within the %llu bytes of data", name,
                      (unsigned long long)place->begin, (unsigned long long)place->end,
                      (unsigned long long)reading->data_bytes);
    }
    if (place->end - place->begin != place->entry.bytes) {
        return REFUSE(reading, "tensor '%.100s': data_offsets hold %llu bytes, expected %llu for its dtype and shape",
                      name, (unsigned long long)(place->end - place->begin), (unsigned long long)place->entry.bytes);
    }
    return RONDO_OK;
}

static rondo_status read_place(struct header_reading *header, const char *name, const json_t *value) {
    struct tensor_place *place = &header->places[header->count];
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (dtype == NULL || json_object_size(value) != 3) {
        return REFUSE(header->reading, "tensor '%.100s': expected dtype, shape and data_offsets", name);
    }
    place->entry = (struct archive_entry){.name = arena_strdup(header->arena, name)};
    if (place->entry.name == NULL) {
        return errors_no_memory(header->reading->errors);
    }
    RONDO_TRY(read_kind(header, dtype, &place->entry));
    RONDO_TRY(read_shape(header, json_object_get(value, "shape"), &place->entry));
    RONDO_TRY(read_offsets(header, json_object_get(value, "data_offsets"), place));
    header->count++;
    return RONDO_OK;
}

static int by_offset(const void *left, const void *right) {
    const struct tensor_place *a = left, *b = right;
    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return (a->end > b->end) - (a->end < b->end);
}

/* The tensors must cover the data exactly once. */
static rondo_status check_cover(const struct header_reading *header) {
    uint64_t end = 0;
    for (size_t i = 0; i < header->count; i++) {
        const struct tensor_place *place = &header->places[i];
        if (place->begin < end) {
            return REFUSE(header->reading, "tensor '%.100s' overlaps tensor '%.100s'", place->entry.name,
                          place[-1].entry.name);
        }
        if (place->begin > end) {
            return REFUSE(header->reading, "%llu bytes before tensor '%.100s' belong to no tensor",
                          (unsigned long long)(place->begin - end), place->entry.name);
        }
        end = place->end;
    }
    if (end != header->reading->data_bytes) {
        return REFUSE(header->reading, "%llu bytes at the end belong to no tensor",
                      (unsigned long long)(header->reading->data_bytes - end));
    }
    return RONDO_OK;
}

static rondo_status read_texts(const struct header_reading *header, json_t *texts) {
    struct tensor_file *reading = header->reading;
    if (texts != NULL && !json_is_object(texts)) {
        return REFUSE(reading, METADATA " is not an object, expected texts by name");
    }
    const char *name;
    json_t *value;
    json_object_foreach(texts, name, value) {
        if (!json_is_string(value)) {
            return REFUSE(reading, METADATA ": '%.100s' is not text", name);
        }
        const size_t length = json_string_length(value);
        const char *copy = arena_strdup(header->arena, name);
        char *text = arena_strdup(header->arena, json_string_value(value));
        if (copy == NULL || text == NULL) {
            return errors_no_memory(reading->errors);
        }
        reading->entries[reading->count++] =
            (struct archive_entry){copy, ARCHIVE_TEXT, 1, {(int64_t)length}, text, length};
    }
    reading->n_texts = reading->count;
    return RONDO_OK;
}

static rondo_status read_tensors(struct header_reading *header, json_t *root) {
    struct tensor_file *reading = header->reading;
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        if (strcmp(name, METADATA) != 0) {
            RONDO_TRY(read_place(header, name, value));
        }
    }
    if (header->count > 1) {
        qsort(header->places, header->count, sizeof *header->places, by_offset);
    }
    RONDO_TRY(check_cover(header));
    for (size_t i = 0; i < header->count; i++) {
        reading->entries[reading->count++] = header->places[i].entry;
    }
    return RONDO_OK;
}

static rondo_status read_entries(struct tensor_file *reading, json_t *root, struct arena *arena, int flags) {
    json_t *texts = json_object_get(root, METADATA);
    const size_t count = json_object_size(root), n_texts = json_object_size(texts);
    if (count > INT32_MAX || n_texts > INT32_MAX - count) {
        return REFUSE(reading, "%zu tensors", count);
    }
    struct header_reading header = {.reading = reading, .arena = arena, .flags = flags};
    reading->entries = arena_calloc(arena, count + n_texts, sizeof *reading->entries);
    header.places = malloc((count + 1) * sizeof *header.places);
    rondo_status status =
        reading->entries == NULL || header.places == NULL ? errors_no_memory(reading->errors) : RONDO_OK;
    if (status == RONDO_OK) {
        status = read_texts(&header, texts);
    }
    if (status == RONDO_OK) {
        status = read_tensors(&header, root);
    }
    free(header.places);
    return status;
}

/* ---- reading ---- */

static rondo_status read_bytes(const struct tensor_file *reading, void *bytes, size_t count) {
    const struct location where = {.file = reading->file};
    size_t got;
    RONDO_TRY(file_next(reading->descriptor, reading->file, bytes, count, &got, where, reading->errors));
    return got == count ? RONDO_OK
                        : errors_add_at(reading->errors, RONDO_IO, where, "the file changed while it was read");
}

static rondo_status parse_header(struct tensor_file *reading, char *text, size_t length, struct arena *arena,
                                 int flags) {
    json_t *root;
    json_error_t reason;
    const rondo_status parsed = json_parse(text, length, &root, &reason);
    if (parsed == RONDO_NO_MEMORY) {
        return errors_no_memory(reading->errors);
    }
    if (parsed != RONDO_OK) {
        return REFUSE(reading, "the header is not valid JSON, at byte %d: %s", reason.position, reason.text);
    }
    const rondo_status status = json_is_object(root) ? read_entries(reading, root, arena, flags)
                                                     : REFUSE(reading, "the header is not a JSON object");
    json_decref(root);
    return status;
}

/* Begins the checksum of a file with the bytes before the data, where the digits count as zeros. */
static rondo_status begin_checksum(struct tensor_file *reading, uint64_t length, char *text) {
    char *digits = text + DIGITS_BEGIN;
    if (length < DIGITS_BEGIN + TENSOR_CHECKSUM_DIGITS || memcmp(text, checksum_prefix, DIGITS_BEGIN) != 0) {
        return REFUSE(reading, "it has no checksum, or is something else");
    }
    reading->checksum = tensor_checksum_create();
    if (reading->checksum == NULL) {
        return errors_no_memory(reading->errors);
    }
    memcpy(reading->digits, digits, TENSOR_CHECKSUM_DIGITS);
    memset(digits, '0', TENSOR_CHECKSUM_DIGITS);
    tensor_checksum_add(reading->checksum, &length, LENGTH_BYTES);
    tensor_checksum_add(reading->checksum, text, (size_t)length);
    return RONDO_OK;
}

static rondo_status read_text(struct tensor_file *reading, uint64_t length, char *text, struct arena *arena,
                              int flags) {
    RONDO_TRY(read_bytes(reading, text, (size_t)length));
    if ((flags & TENSOR_FILE_CHECKSUM) != 0) {
        RONDO_TRY(begin_checksum(reading, length, text));
    }
    return parse_header(reading, text, (size_t)length, arena, flags);
}

/* Reads the length and the header; the next byte is then the first of the data. */
static rondo_status read_header(struct tensor_file *reading, struct arena *arena, int flags) {
    struct stat info;
    if (fstat(reading->descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        return REFUSE(reading, "not a regular file");
    }
    const uint64_t size = (uint64_t)info.st_size;
    uint64_t length;
    if (size < LENGTH_BYTES) {
        return REFUSE(reading, "%llu bytes, expected a safetensors file", (unsigned long long)size);
    }
    RONDO_TRY(read_bytes(reading, &length, LENGTH_BYTES));
    if (length > MAX_HEADER || length > size - LENGTH_BYTES) {
        return REFUSE(reading, "a header of %llu bytes in a file of %llu, expected a safetensors file",
                      (unsigned long long)length, (unsigned long long)size);
    }
    reading->data_bytes = size - LENGTH_BYTES - length;
    char *text = malloc((size_t)length + 1);
    if (text == NULL) {
        return errors_no_memory(reading->errors);
    }
    const rondo_status status = read_text(reading, length, text, arena, flags);
    free(text);
    return status;
}

rondo_status tensor_file_open(struct tensor_file *reading, const char *file, struct arena *arena, int flags,
                              struct errors *errors) {
    *reading = (struct tensor_file){.file = file, .errors = errors};
    /* O_NONBLOCK: opening a pipe must not wait for its other end, only to be refused then. */
    reading->descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reading->descriptor < 0) {
        const rondo_status status = errno == ENOENT || errno == ENOTDIR ? RONDO_NOT_FOUND : RONDO_INVALID;
        return file_failed(errors, status, (struct location){0}, "read", file, errno);
    }
    reading->is_opened = 1;
    const rondo_status status = read_header(reading, arena, flags);
    if (status != RONDO_OK) {
        tensor_file_close(reading);
    }
    return status;
}

/* In pieces that stay in the cache between reading and the checksum. */
rondo_status tensor_file_next(struct tensor_file *reading, void *data, size_t bytes) {
    enum { PIECE = 1 << 18 };
    for (size_t begin = 0; begin < bytes;) {
        const size_t piece = bytes - begin < PIECE ? bytes - begin : PIECE;
        RONDO_TRY(read_bytes(reading, (char *)data + begin, piece));
        if (reading->checksum != NULL) {
            tensor_checksum_add(reading->checksum, (char *)data + begin, piece);
        }
        begin += piece;
    }
    return RONDO_OK;
}

rondo_status tensor_file_verify(const struct tensor_file *reading) {
    if (reading->checksum == NULL) {
        return RONDO_OK;
    }
    return memcmp(tensor_checksum_digits(reading->checksum).text, reading->digits, TENSOR_CHECKSUM_DIGITS) == 0
               ? RONDO_OK
               : REFUSE(reading, "its bytes do not have its checksum");
}

void tensor_file_close(struct tensor_file *reading) {
    if (reading->descriptor >= 0) {
        close(reading->descriptor);
    }
    tensor_checksum_destroy(reading->checksum);
    reading->descriptor = -1;
    reading->checksum = NULL;
}

const char *tensor_file_text(const struct tensor_file *reading, const char *name) {
    for (int32_t i = 0; i < reading->n_texts; i++) {
        if (strcmp(reading->entries[i].name, name) == 0) {
            return reading->entries[i].data;
        }
    }
    return NULL;
}
