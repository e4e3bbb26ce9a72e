/* io/npy.h: arrays as NumPy writes them (numpy.lib.format, versions 1, 2 and 3).
 *
 * Integers of 1 to 8 bytes, floats of 2, 4 and 8 bytes, booleans and texts of a fixed width, in either byte order, in C and
 * in Fortran order. Elements are addressed by their place in storage: that of element [i, j, k] is
 * i * stride[0] + j * stride[1] + k * stride[2].
 *
 * Threads: any.
 */
#ifndef RONDO_IO_NPY_H
#define RONDO_IO_NPY_H

#include "core/arena.h"

enum npy_kind { NPY_FLOAT, NPY_INTEGER, NPY_UNSIGNED, NPY_BOOL, NPY_TEXT /* UCS-4 */, NPY_BYTES /* of text */ };
enum { NPY_MOST_DIMS = 8 };

struct npy_array {
    const char *name;              /* the subject of messages, such as the member of an archive; borrowed */
    struct location where;         /* for messages */
    int32_t kind;                  /* enum npy_kind */
    int32_t bytes;                 /* of an element */
    int32_t is_swapped;            /* the other byte order than that of this machine */
    char type[16];                 /* as the file names it: "<f4" */
    int32_t n_dims;                /* 0: a single element */
    int64_t shape[NPY_MOST_DIMS];  /* >= 0 */
    int64_t stride[NPY_MOST_DIMS]; /* in elements */
    int64_t elements;              /* product of the shape */
    const unsigned char *data;     /* within the bytes of the file; of any alignment */
};

/* 1 if the bytes begin as an array does. */
int npy_is(const void *bytes, size_t length);

/* Reads the header of an array that is stored in `length` bytes, which it borrows. RONDO_INVALID, at `where`: a file that is
 * cut short, or a type that is not among those above. */
rondo_status npy_open(struct npy_array *array, const void *bytes, size_t length, const char *name,
                      struct location where, struct errors *errors);

/* Copies `count` numbers, each `stride` elements after the one before, beginning at place `at` in storage. Integers above
 * 2^53 are rounded. Not for texts. */
void npy_numbers(const struct npy_array *array, int64_t at, int64_t stride, int64_t count, double *numbers);

/* The text at place `at`, in UTF-8, without the padding at its end; from `arena`. NULL: no memory. Only for texts.
 * Characters that are not Unicode become U+FFFD, and bytes that are not UTF-8 "?". */
const char *npy_text(const struct npy_array *array, int64_t at, struct arena *arena);

int npy_is_text(const struct npy_array *array);
int npy_is_float(const struct npy_array *array);

/* "(270, 29, 12)" */
struct npy_shape_text {
    char text[200];
};
struct npy_shape_text npy_shape(const struct npy_array *array);

#endif
