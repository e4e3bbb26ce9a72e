/* data/item_file.h: a file with one array of images or of labels, IDX (plain or gzip) or .npy, as a list of items.
 *
 * An IDX file is read as it is used, so that only one item of it is in memory; an .npy file is read whole.
 *
 *     status = item_file_open(&file, path, "images", errors);
 *     status = item_file_bytes(&file, item, errors);             file.count times, or item_file_integer
 *     status = item_file_finish(&file, errors);
 *     item_file_close(&file);                                    also after a failure
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_ITEM_FILE_H
#define RONDO_DATA_ITEM_FILE_H

#include "data/reader.h"
#include "io/file_map.h"
#include "io/idx.h"
#include "io/npy.h"

struct item_file {
    struct location where; /* the file */
    int64_t count;         /* items; of an IDX file, what its header claims */
    int32_t n_dims;        /* of the array, with that of the items */
    int64_t shape[NPY_MOST_DIMS];
    int64_t item_numbers;     /* in one item */
    int is_bytes, is_integer; /* unsigned bytes; integers of any size, bytes too */
    const char *type;         /* for messages */
    int64_t at;               /* items that have been read */
    struct arena *arena;
    struct gzip_stream *stream; /* of an IDX file; NULL: an .npy file */
    struct idx_file idx;
    struct file_map map; /* of an .npy file */
    struct npy_array npy;
    unsigned char *item; /* of an IDX file: room for one */
};

/* `what` names the contents in messages. A file that is missing is a mistake of the experiment, at path->where; everything else
 * is reported at the file. */
rondo_status item_file_open(struct item_file *file, const struct reader_path *path, const char *what,
                            struct errors *errors);
void item_file_close(struct item_file *file);

/* The next item of a file of bytes, [item_numbers] in C order. */
rondo_status item_file_bytes(struct item_file *file, unsigned char *bytes, struct errors *errors);
/* The next item of a file of integers, whose items have one number. */
rondo_status item_file_integer(struct item_file *file, int64_t *number, struct errors *errors);
/* After the last item: what follows it is a mistake. */
rondo_status item_file_finish(struct item_file *file, struct errors *errors);

#endif
