#include "io/idx.h"

static const struct {
    int32_t type, bytes;
    const char *text;
} types[] = {
    {IDX_U8, 1, "unsigned bytes"},   {IDX_I8, 1, "signed bytes"},   {IDX_I16, 2, "16-bit integers"},
    {IDX_I32, 4, "32-bit integers"}, {IDX_F32, 4, "32-bit floats"}, {IDX_F64, 8, "64-bit floats"},
};
enum { TYPES = sizeof types / sizeof types[0] };

static int32_t find_type(int32_t type) {
    int32_t index = 0;
    while (index < TYPES && types[index].type != type) {
        index++;
    }
    return index;
}

int idx_is(const unsigned char *bytes, size_t length) {
    return length >= 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] >= IDX_U8 && bytes[2] <= IDX_F64 && bytes[3] > 0;
}

const char *idx_type_text(int32_t type) {
    const int32_t index = find_type(type);
    return index < TYPES ? types[index].text : "an unknown type";
}

static rondo_status cut_short(const struct idx_file *file, struct errors *errors) {
    return errors_add_at(errors, RONDO_INVALID, file->where,
                         "an IDX file that is cut short: it has %lld of the %lld items that its header promises",
                         (long long)file->at, (long long)file->shape[0]);
}

rondo_status idx_open(struct idx_file *file, struct gzip_stream *stream, const char *name, struct errors *errors) {
    enum { PREFIX = 4, MOST_ITEM_BYTES = 1 << 30 };
    unsigned char header[PREFIX + 4 * IDX_MOST_DIMS];
    size_t got;
    *file = (struct idx_file){.stream = stream, .where = {.file = name}, .item_numbers = 1};
    RONDO_TRY(gzip_read(stream, header, PREFIX, &got, errors));
    if (!idx_is(header, got)) {
        return errors_add_at(errors, RONDO_INVALID, file->where, "not an IDX file");
    }
    const int32_t index = find_type(header[2]);
    file->type = header[2];
    file->n_dims = header[3];
    if (index == TYPES || file->n_dims > IDX_MOST_DIMS) {
        return errors_add_at(errors, RONDO_INVALID, file->where,
                             "an IDX file of the type 0x%02x with %d dimensions, expected a type from 0x08 to 0x0e and "
                             "at most %d dimensions",
                             (unsigned)header[2], (int)header[3], IDX_MOST_DIMS);
    }
    file->bytes = types[index].bytes;
    RONDO_TRY(gzip_read(stream, header, 4 * (size_t)file->n_dims, &got, errors));
    if (got < 4 * (size_t)file->n_dims) {
        return errors_add_at(errors, RONDO_INVALID, file->where, "an IDX file that is cut short within its header");
    }
    for (int32_t dim = 0; dim < file->n_dims; dim++) {
        const unsigned char *size = header + (ptrdiff_t)4 * dim;
        file->shape[dim] = (int64_t)size[0] << 24 | (int64_t)size[1] << 16 | (int64_t)size[2] << 8 | (int64_t)size[3];
        if (dim > 0 &&
            (file->shape[dim] == 0 || file->item_numbers > MOST_ITEM_BYTES / file->shape[dim] / file->bytes)) {
            return errors_add_at(errors, RONDO_INVALID, file->where,
                                 "an IDX file whose dimension %d has the size %lld, expected items of 1 to %d bytes",
                                 dim + 1, (long long)file->shape[dim], MOST_ITEM_BYTES);
        }
        file->item_numbers *= dim > 0 ? file->shape[dim] : 1;
    }
    return RONDO_OK;
}

rondo_status idx_next(struct idx_file *file, unsigned char *item, struct errors *errors) {
    const size_t wanted = (size_t)(file->item_numbers * file->bytes);
    size_t got;
    RONDO_TRY(gzip_read(file->stream, item, wanted, &got, errors));
    if (got < wanted) {
        return cut_short(file, errors);
    }
    file->at++;
    return RONDO_OK;
}

rondo_status idx_finish(struct idx_file *file, struct errors *errors) {
    unsigned char byte;
    size_t got;
    RONDO_TRY(gzip_read(file->stream, &byte, 1, &got, errors));
    return got == 0 ? RONDO_OK
                    : errors_add_at(errors, RONDO_INVALID, file->where,
                                    "an IDX file with bytes after the %lld items that its header promises",
                                    (long long)file->shape[0]);
}

int64_t idx_integer(const struct idx_file *file, const unsigned char *item, int64_t index) {
    const unsigned char *bytes = item + index * file->bytes;
    uint64_t bits = 0;
    for (int32_t i = 0; i < file->bytes; i++) {
        bits = bits << 8 | bytes[i];
    }
    switch (file->type) {
    case IDX_I8:
        return (int8_t)bits;
    case IDX_I16:
        return (int16_t)bits;
    case IDX_I32:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}
