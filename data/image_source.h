/* data/image_source.h: the images of one data file or folder, one after the other, in one size and with one number of
 * colours.
 *
 *     a folder        pictures (PNG, JPEG), with a subfolder for each class, or without classes
 *     two files       arrays of images and of their labels: IDX, plain or gzip, or .npy
 *     one array       images without labels, for prediction
 *     one picture     for prediction
 *
 *     status = image_source_open(&source, paths, count, with_targets, errors);
 *     status = image_source_next(&source, &wanted, pixels, &item, errors);      source.count times
 *     status = image_source_finish(&source, errors);
 *     image_source_close(&source);                                              also after a failure
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_IMAGE_SOURCE_H
#define RONDO_DATA_IMAGE_SOURCE_H

#include "data/image_folder.h"
#include "data/item_file.h"

/* Mistakes of one source that are reported. */
enum { IMAGES_MOST_MISTAKES = 10 };

enum image_source_kind { IMAGES_OF_FOLDER, IMAGES_OF_ARRAY, IMAGE_ALONE };

struct image_source {
    int32_t kind;  /* enum image_source_kind */
    int64_t count; /* images; of an IDX file, what its header claims */
    struct image_form
        first; /* of the first image that can be read, from the first class of a folder on; in an array, of all */
    const char *first_name;     /* of a folder: that picture */
    struct image_folder folder; /* of IMAGES_OF_FOLDER */
    int has_labels;             /* an array with labels that are numbers */
    /* private */
    const struct reader_path *path, *labels_path;
    struct item_file images, labels;
    unsigned char *array_item; /* room for one image */
    int64_t at;
    struct arena *arena, *scratch; /* scratch: of one image */
};

/* What image_source_next gives of an image. */
struct image_item {
    const char *name; /* the file or "file:number", counted from 0; valid until the next call */
    int64_t label;    /* a number, or the index in folder.classes; -1: unknown */
};

/* How images are wanted. */
struct image_wanted {
    struct image_form form;
    int is_resized; /* 1: images of other sizes are resized; 0: they are refused */
};

/* `paths` are one path without a stream, or those of the streams `input` and `target`. With targets, every image needs a
 * class. Missing files are mistakes of the experiment, at the path; everything else is reported at the file. */
rondo_status image_source_open(struct image_source *source, const struct reader_path *paths, int32_t count,
                               int with_targets, struct errors *errors);
void image_source_close(struct image_source *source);

/* The next image, [height, width, channels]. RONDO_INVALID at the file: a damaged image, or one of another size. */
rondo_status image_source_next(struct image_source *source, const struct image_wanted *wanted, unsigned char *pixels,
                               struct image_item *item, struct errors *errors);
/* After the last image. */
rondo_status image_source_finish(struct image_source *source, struct errors *errors);

/* Reads only the header of picture `index` of a folder, for its size and channels; errors as image_source_next. */
rondo_status image_source_form(const struct image_source *source, int64_t index, struct image_form *form,
                               struct errors *errors);

/* The next label of an array, without its image. Learning counts the classes with it. */
rondo_status image_source_label(struct image_source *source, int64_t *label, struct errors *errors);

#endif
