#include "data/item_file.h"

#include <string.h>

#include "io/picture.h"

static rondo_status open_npy(struct item_file *file, const struct reader_path *path, const char *what,
                             struct errors *errors) {
    RONDO_TRY(reader_path_map(path, &file->map, errors));
    if (!npy_is(file->map.bytes, file->map.length)) {
        return errors_add_at(errors, RONDO_INVALID, file->where,
                             "an .npy file that is packed with gzip, expected it plain; unpack it with gunzip");
    }
    RONDO_TRY(npy_open(&file->npy, file->map.bytes, file->map.length, what, file->where, errors));
    const struct npy_array *npy = &file->npy;
    file->n_dims = npy->n_dims;
    memcpy(file->shape, npy->shape, sizeof file->shape);
    file->is_bytes = npy->bytes == 1 && (npy->kind == NPY_UNSIGNED || npy->kind == NPY_BOOL);
    file->is_integer = npy->kind == NPY_UNSIGNED || npy->kind == NPY_INTEGER || npy->kind == NPY_BOOL;
    file->type = npy->type;
    return RONDO_OK;
}

static rondo_status open_idx(struct item_file *file, const struct reader_path *path, struct errors *errors) {
    RONDO_TRY(idx_open(&file->idx, file->stream, path->text, errors));
    const struct idx_file *idx = &file->idx;
    file->n_dims = idx->n_dims;
    memcpy(file->shape, idx->shape, sizeof idx->shape);
    file->is_bytes = idx->type == IDX_U8;
    file->is_integer = idx->type != IDX_F32 && idx->type != IDX_F64;
    file->type = idx_type_text(idx->type);
    file->item = arena_alloc(file->arena, (size_t)(idx->item_numbers * idx->bytes));
    return file->item == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status open_format(struct item_file *file, const struct reader_path *path, const char *what,
                                struct errors *errors) {
    unsigned char head[GZIP_HEAD];
    size_t got;
    file->stream = path->bytes == NULL ? gzip_open(path->text, path->where, errors)
                                       : gzip_open_bytes(path->bytes, path->length, path->text, errors);
    if (file->stream == NULL) {
        return errors->status;
    }
    RONDO_TRY(gzip_head(file->stream, head, &got, errors));
    if (npy_is(head, got)) {
        gzip_close(file->stream);
        file->stream = NULL;
        return open_npy(file, path, what, errors);
    }
    if (idx_is(head, got)) {
        return open_idx(file, path, errors);
    }
    return errors_add_at(errors, RONDO_INVALID, file->where,
                         "%s, expected %s in an IDX file, plain or gzip, or in an "
                         ".npy file",
                         picture_format(head, got) != PICTURE_NONE ? "a single picture" : "an unknown format", what);
}

rondo_status item_file_open(struct item_file *file, const struct reader_path *path, const char *what,
                            struct errors *errors) {
    *file = (struct item_file){.where = {.file = path->text}, .arena = arena_create()};
    if (file->arena == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(open_format(file, path, what, errors));
    file->count = file->n_dims > 0 ? file->shape[0] : 1;
    file->item_numbers = 1;
    for (int32_t dim = 1; dim < file->n_dims; dim++) {
        file->item_numbers *= file->shape[dim];
    }
    return file->count > 0 ? RONDO_OK : errors_add_at(errors, RONDO_INVALID, file->where, "has no %s", what);
}

void item_file_close(struct item_file *file) {
    gzip_close(file->stream);
    file_map_close(&file->map);
    arena_destroy(file->arena);
    *file = (struct item_file){0};
}

/* ---- items ---- */

/* Copies the bytes of an item of an .npy file, in whatever order its array is stored. */
static void npy_item(const struct npy_array *npy, int64_t item, int64_t numbers, unsigned char *bytes) {
    int64_t index[NPY_MOST_DIMS] = {item};
    for (int64_t k = 0; k < numbers; k++) {
        int64_t at = 0;
        for (int32_t dim = 0; dim < npy->n_dims; dim++) {
            at += index[dim] * npy->stride[dim];
        }
        bytes[k] = npy->data[at];
        for (int32_t dim = npy->n_dims - 1; dim > 0 && ++index[dim] == npy->shape[dim]; dim--) {
            index[dim] = 0;
        }
    }
}

/* In C order, an item is one piece of the data. */
static int is_in_order(const struct npy_array *npy) {
    return npy->n_dims == 0 || npy->stride[npy->n_dims - 1] == 1;
}

rondo_status item_file_bytes(struct item_file *file, unsigned char *bytes, struct errors *errors) {
    RONDO_CHECK(file->is_bytes && file->at < file->count, errors, "the file has bytes, and one more item");
    const int64_t item = file->at++;
    if (file->stream != NULL) {
        return idx_next(&file->idx, bytes, errors);
    }
    if (!is_in_order(&file->npy)) {
        npy_item(&file->npy, item, file->item_numbers, bytes);
        return RONDO_OK;
    }
    const unsigned char *data = file->npy.data + item * file->item_numbers;
    memcpy(bytes, data, (size_t)file->item_numbers);
    return file_map_pass(&file->map, (size_t)((const char *)data - file->map.bytes), errors);
}

rondo_status item_file_integer(struct item_file *file, int64_t *number, struct errors *errors) {
    RONDO_CHECK(file->is_integer && file->item_numbers == 1 && file->at < file->count, errors,
                "the file has integers, and one more item");
    const int64_t item = file->at++;
    if (file->stream != NULL) {
        RONDO_TRY(idx_next(&file->idx, file->item, errors));
        *number = idx_integer(&file->idx, file->item, 0);
        return RONDO_OK;
    }
    double value;
    npy_numbers(&file->npy, item * (file->npy.n_dims > 0 ? file->npy.stride[0] : 0), 1, 1, &value);
    *number = value > -9e15 && value < 9e15 ? (int64_t)value : -1;
    return RONDO_OK;
}

rondo_status item_file_finish(struct item_file *file, struct errors *errors) {
    return file->stream == NULL ? RONDO_OK : idx_finish(&file->idx, errors);
}
