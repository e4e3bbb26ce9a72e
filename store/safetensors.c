/* The layout of the file, from the documentation of the format:
 *     8 bytes   n, unsigned, little-endian
 *     n bytes   JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}, padded with spaces;
 *               "__metadata__" holds an object of texts
 *     the rest  data, little-endian; offsets count from its start, and there are no gaps between tensors */
#define _POSIX_C_SOURCE 200809L

#include "store/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"
#include "io/utf8.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the data of a safetensors file is little-endian; this machine would have to swap bytes"
#endif

#define METADATA   "__metadata__"
#define MAX_HEADER ((uint64_t)100 * 1000 * 1000)

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };

/* The format's names of our element types, by enum rondo_dtype. */
static const char *const dtype_names[RONDO_DTYPE_COUNT] = {"F32", "F64", "I32"};

static int32_t dtype_of(const char *name) {
    for (int32_t dtype = 0; dtype < RONDO_DTYPE_COUNT; dtype++) {
        if (strcmp(dtype_names[dtype], name) == 0) {
            return dtype;
        }
    }
    return -1;
}

/* ---- writing ---- */

/* {"dtype": …, "shape": …, "data_offsets": …}; NULL if out of memory. */
static json_t *describe(const rondo_tensor *tensor, size_t begin) {
    json_t *shape = json_array();
    for (int32_t d = 0; d < tensor->ndim; d++) {
        if (json_array_append_new(shape, json_integer(tensor->shape[d])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    const size_t end = begin + tensor_bytes(tensor);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_names[tensor->dtype], "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

static int is_text(const char *text) {
    return utf8_check(text, strlen(text), NULL);
}

static rondo_status add_metadata(json_t *header, const char *const *metadata, struct errors *errors) {
    if (metadata == NULL) {
        return RONDO_OK;
    }
    json_t *texts = json_object();
    if (json_object_set_new(header, METADATA, texts) != 0) {
        return errors_no_memory(errors);
    }
    for (; metadata[0] != NULL; metadata += 2) {
        RONDO_CHECK(metadata[1] != NULL, errors, "every key of the metadata has a value");
        if (!is_text(metadata[0]) || !is_text(metadata[1])) {
            return errors_add(errors, RONDO_INVALID, "metadata '%.100s' is not UTF-8 text", metadata[0]);
        }
        if (json_object_set_new(texts, metadata[0], json_string(metadata[1])) != 0) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
}

/* Adds the tensors whose elements have `size` bytes, one after the other from *end on. */
static rondo_status add_tensors(json_t *header, const struct named_tensor *tensors, int32_t count, size_t size,
                                size_t *end, struct errors *errors) {
    for (int32_t i = 0; i < count; i++) {
        if (dtype_size(tensors[i].tensor.dtype) != size) {
            continue;
        }
        const char *name = tensors[i].name;
        if (!is_text(name)) {
            return errors_add(errors, RONDO_INVALID, "the name of tensor '%.100s' is not UTF-8 text", name);
        }
        if (strcmp(name, METADATA) == 0 || json_object_get(header, name) != NULL) {
            return errors_add(errors, RONDO_INVALID, "the name of tensor '%.100s' is taken", name);
        }
        if (json_object_set_new(header, name, describe(&tensors[i].tensor, *end)) != 0) {
            return errors_no_memory(errors);
        }
        *end += tensor_bytes(&tensors[i].tensor);
    }
    return RONDO_OK;
}

/* Writes the length, the text of the header, and spaces so that the data begins at a multiple of ALIGNMENT. */
static rondo_status write_header(struct file_writer *writer, const json_t *header, struct errors *errors) {
    static const char blanks[ALIGNMENT + 1] = "        ";
    char *text = json_dumps(header, JSON_COMPACT);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    const size_t length = strlen(text), padding = (ALIGNMENT - length % ALIGNMENT) % ALIGNMENT;
    const uint64_t total = length + padding;
    rondo_status status = file_piece(writer, &total, sizeof total, errors);
    if (status == RONDO_OK) {
        status = file_piece(writer, text, length, errors);
    }
    if (status == RONDO_OK) {
        status = file_piece(writer, blanks, padding, errors);
    }
    free(text);
    return status;
}

/* Larger elements come first: then every tensor begins at a multiple of its element size, without gaps. */
static const size_t element_sizes[] = {8, 4};
enum { N_ELEMENT_SIZES = sizeof element_sizes / sizeof element_sizes[0] };

static rondo_status make_header(json_t *header, const struct named_tensor *tensors, int32_t count,
                                const char *const *metadata, struct errors *errors) {
    if (header == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < count; i++) {
        RONDO_CHECK(dtype_size(tensors[i].tensor.dtype) != 0, errors, "tensors have a known dtype");
    }
    RONDO_TRY(add_metadata(header, metadata, errors));
    size_t end = 0;
    for (int s = 0; s < N_ELEMENT_SIZES; s++) {
        RONDO_TRY(add_tensors(header, tensors, count, element_sizes[s], &end, errors));
    }
    return RONDO_OK;
}

static rondo_status write_all(struct file_writer *writer, const json_t *header, const struct named_tensor *tensors,
                              int32_t count, struct errors *errors) {
    RONDO_TRY(write_header(writer, header, errors));
    for (int s = 0; s < N_ELEMENT_SIZES; s++) {
        for (int32_t i = 0; i < count; i++) {
            const rondo_tensor *tensor = &tensors[i].tensor;
            if (dtype_size(tensor->dtype) == element_sizes[s]) {
                RONDO_TRY(file_piece(writer, tensor->data, tensor_bytes(tensor), errors));
            }
        }
    }
    return file_commit(writer, errors);
}

rondo_status safetensors_write_to(struct file_writer *writer, const struct named_tensor *tensors, int32_t count,
                                  const char *const *metadata, struct errors *errors) {
    json_t *header = json_object();
    rondo_status status = make_header(header, tensors, count, metadata, errors);
    if (status == RONDO_OK) {
        status = write_all(writer, header, tensors, count, errors);
    }
    file_abort(writer); /* does nothing after a commit */
    json_decref(header);
    return status;
}

rondo_status safetensors_write(const char *file, const struct named_tensor *tensors, int32_t count,
                               const char *const *metadata, struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(file_begin(&writer, file, errors));
    return safetensors_write_to(&writer, tensors, count, metadata, errors);
}

/* ---- reading ---- */

/* A tensor of the file and its bytes, begin .. end of the data. */
struct tensor_entry {
    int32_t index; /* in the order of the header */
    uint64_t begin, end;
};

/* A file that is being read. */
struct tensor_reading {
    const char *file;
    struct arena *arena;
    struct errors *errors;
    FILE *stream;
    uint64_t data_bytes;
    struct named_tensor *tensors;
    struct tensor_entry *entries; /* [count] as in the header, later by offset */
    int32_t count;
};

/* Adds an error of the file. */
#define REFUSE(reading, ...)                                                                                           \
    errors_add_at((reading)->errors, RONDO_INVALID, (struct location){.file = (reading)->file}, __VA_ARGS__)

static int is_count(const json_t *value) {
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* "shape": fills ndim and shape, and the number of bytes; refuses what overflows. */
static rondo_status read_shape(const struct tensor_reading *reading, const json_t *shape, const char *name,
                               rondo_tensor *tensor, uint64_t *bytes) {
    if (!json_is_array(shape) || json_array_size(shape) > RONDO_MAX_DIMS) {
        return REFUSE(reading, "tensor '%.100s': expected a shape of at most %d numbers", name, RONDO_MAX_DIMS);
    }
    *bytes = dtype_size(tensor->dtype);
    tensor->ndim = (int32_t)json_array_size(shape);
    for (int32_t d = 0; d < tensor->ndim; d++) {
        const json_t *n = json_array_get(shape, (size_t)d);
        if (!is_count(n)) {
            return REFUSE(reading, "tensor '%.100s': dimension %d of the shape is not a whole number from 0", name, d);
        }
        tensor->shape[d] = json_integer_value(n);
        if (tensor->shape[d] != 0 && *bytes > (uint64_t)INT64_MAX / (uint64_t)tensor->shape[d]) {
            return REFUSE(reading, "tensor '%.100s': the shape has more elements than there can be", name);
        }
        *bytes *= (uint64_t)tensor->shape[d];
    }
    return RONDO_OK;
}

/* "data_offsets": must be within the data, and their distance must be the number of bytes of the shape. */
static rondo_status read_offsets(const struct tensor_reading *reading, const json_t *offsets, const char *name,
                                 uint64_t bytes, struct tensor_entry *entry) {
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !is_count(begin) || !is_count(end)) {
        return REFUSE(reading, "tensor '%.100s': expected data_offsets of two whole numbers from 0", name);
    }
    entry->begin = (uint64_t)json_integer_value(begin);
    entry->end = (uint64_t)json_integer_value(end);
    if (entry->begin > entry->end || entry->end > reading->data_bytes) {
        return REFUSE(reading, "tensor '%.100s': data_offsets %llu to %llu are not within the %llu bytes of data", name,
                      (unsigned long long)entry->begin, (unsigned long long)entry->end,
                      (unsigned long long)reading->data_bytes);
    }
    if (entry->end - entry->begin != bytes) {
        return REFUSE(reading, "tensor '%.100s': data_offsets hold %llu bytes, expected %llu for its dtype and shape",
                      name, (unsigned long long)(entry->end - entry->begin), (unsigned long long)bytes);
    }
    return RONDO_OK;
}

static rondo_status read_entry(struct tensor_reading *reading, const char *name, const json_t *value) {
    struct named_tensor *named = &reading->tensors[reading->count];
    struct tensor_entry *entry = &reading->entries[reading->count];
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (dtype == NULL || json_object_size(value) != 3) {
        return REFUSE(reading, "tensor '%.100s': expected dtype, shape and data_offsets", name);
    }
    *named = (struct named_tensor){.name = arena_strdup(reading->arena, name), .tensor.dtype = dtype_of(dtype)};
    if (named->name == NULL) {
        return errors_no_memory(reading->errors);
    }
    if (named->tensor.dtype < 0) {
        return REFUSE(reading, "tensor '%.100s': dtype '%.20s', expected F32, F64 or I32", name, dtype);
    }
    uint64_t bytes = 0;
    RONDO_TRY(read_shape(reading, json_object_get(value, "shape"), name, &named->tensor, &bytes));
    RONDO_TRY(read_offsets(reading, json_object_get(value, "data_offsets"), name, bytes, entry));
    entry->index = reading->count++;
    return RONDO_OK;
}

static rondo_status read_metadata(const struct tensor_reading *reading, json_t *texts, const char *const **metadata) {
    const size_t count = json_object_size(texts);
    const char **list = arena_calloc(reading->arena, 2 * count + 1, sizeof *list);
    if (list == NULL) {
        return errors_no_memory(reading->errors);
    }
    if (texts != NULL && !json_is_object(texts)) {
        return REFUSE(reading, METADATA " is not an object, expected texts by name");
    }
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach(texts, key, value) {
        if (!json_is_string(value)) {
            return REFUSE(reading, METADATA ": '%.100s' is not text", key);
        }
        list[n++] = arena_strdup(reading->arena, key);
        list[n++] = arena_strdup(reading->arena, json_string_value(value));
        if (list[n - 2] == NULL || list[n - 1] == NULL) {
            return errors_no_memory(reading->errors);
        }
    }
    if (metadata != NULL) {
        *metadata = list;
    }
    return RONDO_OK;
}

static int by_offset(const void *left, const void *right) {
    const struct tensor_entry *a = left, *b = right;
    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return (a->end > b->end) - (a->end < b->end);
}

/* The tensors must cover the data exactly once. */
static rondo_status check_cover(const struct tensor_reading *reading) {
    qsort(reading->entries, (size_t)reading->count, sizeof *reading->entries, by_offset);
    uint64_t end = 0;
    for (int32_t i = 0; i < reading->count; i++) {
        const struct tensor_entry *entry = &reading->entries[i];
        const char *name = reading->tensors[entry->index].name;
        if (entry->begin < end) {
            return REFUSE(reading, "tensor '%.100s' overlaps tensor '%.100s'", name,
                          reading->tensors[entry[-1].index].name);
        }
        if (entry->begin > end) {
            return REFUSE(reading, "%llu bytes before tensor '%.100s' belong to no tensor",
                          (unsigned long long)(entry->begin - end), name);
        }
        end = entry->end;
    }
    if (end != reading->data_bytes) {
        return REFUSE(reading, "%llu bytes at the end belong to no tensor",
                      (unsigned long long)(reading->data_bytes - end));
    }
    return RONDO_OK;
}

static rondo_status read_bytes(const struct tensor_reading *reading, void *bytes, size_t count) {
    if (fread(bytes, 1, count, reading->stream) == count) {
        return RONDO_OK;
    }
    return errors_add_at(reading->errors, RONDO_IO, (struct location){.file = reading->file},
                         "the file changed or could not be read");
}

/* Infinity and NaN are refused here, with the tensor's name: later they would only appear as predictions that are not
 * numbers. */
static rondo_status check_finite(const struct tensor_reading *reading, const struct named_tensor *named) {
    const int64_t count = rondo_count(&named->tensor);
    for (int64_t i = 0; i < count; i++) {
        const double value = tensor_get(&named->tensor, i);
        if (!isfinite(value)) {
            return REFUSE(reading, "tensor '%.100s': element %lld is %s, expected finite numbers", named->name,
                          (long long)i, isnan(value) ? "not a number" : "infinite");
        }
    }
    return RONDO_OK;
}

/* Reads the data of all tensors, in the order of their offsets: there are no gaps between them. */
static rondo_status read_data(const struct tensor_reading *reading) {
    for (int32_t i = 0; i < reading->count; i++) {
        const size_t bytes = (size_t)(reading->entries[i].end - reading->entries[i].begin);
        rondo_tensor *tensor = &reading->tensors[reading->entries[i].index].tensor;
        tensor->data = arena_alloc(reading->arena, bytes);
        if (tensor->data == NULL) {
            return errors_no_memory(reading->errors);
        }
        RONDO_TRY(read_bytes(reading, tensor->data, bytes));
        RONDO_TRY(check_finite(reading, &reading->tensors[reading->entries[i].index]));
    }
    return RONDO_OK;
}

static rondo_status read_entries(struct tensor_reading *reading, json_t *header, const char *const **metadata) {
    const size_t count = json_object_size(header);
    if (count > INT32_MAX) {
        return REFUSE(reading, "%zu tensors", count);
    }
    reading->tensors = arena_calloc(reading->arena, count, sizeof *reading->tensors);
    reading->entries = arena_calloc(reading->arena, count, sizeof *reading->entries);
    if (reading->tensors == NULL || reading->entries == NULL) {
        return errors_no_memory(reading->errors);
    }
    RONDO_TRY(read_metadata(reading, json_object_get(header, METADATA), metadata));
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value) {
        if (strcmp(name, METADATA) != 0) {
            RONDO_TRY(read_entry(reading, name, value));
        }
    }
    RONDO_TRY(check_cover(reading));
    return read_data(reading);
}

/* Reads the length and the header; the next byte of the stream is then the first of the data. */
static rondo_status read_header(struct tensor_reading *reading, json_t **header) {
    struct stat info;
    if (fstat(fileno(reading->stream), &info) != 0 || !S_ISREG(info.st_mode)) {
        return REFUSE(reading, "not a regular file");
    }
    const uint64_t size = (uint64_t)info.st_size;
    uint64_t length;
    if (size < LENGTH_BYTES) {
        return REFUSE(reading, "%llu bytes, expected a safetensors file", (unsigned long long)size);
    }
    RONDO_TRY(read_bytes(reading, &length, sizeof length));
    if (length > MAX_HEADER || length > size - LENGTH_BYTES) {
        return REFUSE(reading, "a header of %llu bytes in a file of %llu, expected a safetensors file",
                      (unsigned long long)length, (unsigned long long)size);
    }
    reading->data_bytes = size - LENGTH_BYTES - length;
    const struct arena_mark mark = arena_mark(reading->arena);
    char *text = arena_alloc(reading->arena, (size_t)length + 1);
    if (text == NULL) {
        return errors_no_memory(reading->errors);
    }
    RONDO_TRY(read_bytes(reading, text, (size_t)length));
    json_error_t reason;
    const rondo_status status = json_parse(text, (size_t)length, header, &reason);
    arena_release(reading->arena, mark);
    if (status != RONDO_OK) {
        return status == RONDO_NO_MEMORY
                   ? errors_no_memory(reading->errors)
                   : REFUSE(reading, "the header is not valid JSON, at byte %d: %s", reason.position, reason.text);
    }
    return json_is_object(*header) ? RONDO_OK : REFUSE(reading, "the header is not a JSON object");
}

rondo_status safetensors_read(const char *file, struct arena *arena, struct named_tensor **tensors, int32_t *count,
                              const char *const **metadata, struct errors *errors) {
    struct tensor_reading reading = {.file = file, .arena = arena, .errors = errors};
    /* O_NONBLOCK: opening a pipe must not wait for its other end, only to be refused then. */
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        const rondo_status status = errno == ENOENT || errno == ENOTDIR ? RONDO_NOT_FOUND : RONDO_INVALID;
        return file_failed(errors, status, (struct location){0}, "read", file, errno);
    }
    reading.stream = fdopen(descriptor, "rb");
    if (reading.stream == NULL) {
        close(descriptor);
        return errors_no_memory(errors);
    }
    json_t *header = NULL;
    rondo_status status = read_header(&reading, &header);
    if (status == RONDO_OK) {
        status = read_entries(&reading, header, metadata);
    }
    json_decref(header);
    fclose(reading.stream);
    if (status == RONDO_OK) {
        *tensors = reading.tensors;
        *count = reading.count;
    }
    return status;
}
