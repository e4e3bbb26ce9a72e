#include "store/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "store/tensor_file.h"

/* ---- writing ---- */

static struct archive_entry tensor_entry(const struct named_tensor *named) {
    const rondo_tensor *tensor = &named->tensor;
    struct archive_entry entry = {.name = named->name, .kind = tensor->dtype, .ndim = tensor->ndim};
    memcpy(entry.shape, tensor->shape, sizeof entry.shape);
    entry.data = tensor->data;
    entry.bytes = tensor_bytes(tensor);
    return entry;
}

/* The tensors, then the metadata. */
static rondo_status list_entries(struct archive_entry *entries, const struct named_tensor *tensors, int32_t count,
                                 const char *const *metadata, struct errors *errors) {
    for (int32_t i = 0; i < count; i++) {
        RONDO_CHECK(dtype_size(tensors[i].tensor.dtype) != 0, errors, "tensors have a known dtype");
        *entries++ = tensor_entry(&tensors[i]);
    }
    for (; metadata != NULL && metadata[0] != NULL; metadata += 2) {
        RONDO_CHECK(metadata[1] != NULL, errors, "every key of the metadata has a value");
        *entries++ = (struct archive_entry){.name = metadata[0], .kind = ARCHIVE_TEXT, .data = (char *)metadata[1]};
    }
    return RONDO_OK;
}

rondo_status safetensors_write_to(struct file_writer *writer, const struct named_tensor *tensors, int32_t count,
                                  const char *const *metadata, struct errors *errors) {
    int32_t n_texts = 0;
    while (metadata != NULL && metadata[2 * n_texts] != NULL) {
        n_texts++;
    }
    struct archive_entry *entries = calloc((size_t)count + (size_t)n_texts + 1, sizeof *entries);
    rondo_status status =
        entries == NULL ? errors_no_memory(errors) : list_entries(entries, tensors, count, metadata, errors);
    if (status == RONDO_OK) {
        status = tensor_file_write(writer, entries, count + n_texts, 0, errors);
    }
    file_abort(writer); /* does nothing after a commit */
    free(entries);
    return status;
}

rondo_status safetensors_write(const char *file, const struct named_tensor *tensors, int32_t count,
                               const char *const *metadata, struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(file_begin(&writer, file, errors));
    return safetensors_write_to(&writer, tensors, count, metadata, errors);
}

/* ---- reading ---- */

/* Infinity and NaN are refused here, with the tensor's name: later they would only appear as predictions that are not
 * numbers. */
static rondo_status check_finite(const struct tensor_file *reading, const struct named_tensor *named) {
    const int64_t count = rondo_count(&named->tensor);
    for (int64_t i = 0; i < count; i++) {
        const double value = tensor_get(&named->tensor, i);
        if (!isfinite(value)) {
            return errors_add_at(reading->errors, RONDO_INVALID, (struct location){.file = reading->file},
                                 "tensor '%.100s': element %lld is %s, expected finite numbers", named->name,
                                 (long long)i, isnan(value) ? "not a number" : "infinite");
        }
    }
    return RONDO_OK;
}

static rondo_status read_tensors(struct tensor_file *reading, struct arena *arena, struct named_tensor *tensors) {
    for (int32_t i = reading->n_texts; i < reading->count; i++) {
        const struct archive_entry *entry = &reading->entries[i];
        struct named_tensor *named = &tensors[i - reading->n_texts];
        *named = (struct named_tensor){entry->name, tensor_of(entry->kind, entry->ndim, entry->shape)};
        named->tensor.data = arena_alloc(arena, entry->bytes);
        if (named->tensor.data == NULL) {
            return errors_no_memory(reading->errors);
        }
        RONDO_TRY(tensor_file_next(reading, named->tensor.data, entry->bytes));
        RONDO_TRY(check_finite(reading, named));
    }
    return tensor_file_verify(reading);
}

rondo_status safetensors_read(const char *file, struct arena *arena, struct named_tensor **tensors, int32_t *count,
                              const char *const **metadata, struct errors *errors) {
    struct tensor_file reading;
    RONDO_TRY(tensor_file_open(&reading, file, arena, 0, errors));
    const int32_t n_texts = reading.n_texts, n_tensors = reading.count - n_texts;
    struct named_tensor *read = arena_calloc(arena, (size_t)n_tensors, sizeof *read);
    const char **list = arena_calloc(arena, 2 * (size_t)n_texts + 1, sizeof *list);
    const rondo_status status =
        read == NULL || list == NULL ? errors_no_memory(errors) : read_tensors(&reading, arena, read);
    for (int32_t i = 0; list != NULL && i < n_texts; i++) {
        list[2 * i] = reading.entries[i].name;
        list[2 * i + 1] = reading.entries[i].data;
    }
    tensor_file_close(&reading);
    if (status == RONDO_OK) {
        *tensors = read;
        *count = n_tensors;
    }
    if (status == RONDO_OK && metadata != NULL) {
        *metadata = list;
    }
    return status;
}
