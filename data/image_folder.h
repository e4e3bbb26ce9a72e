/* data/image_folder.h: the pictures of a folder that has a subfolder for each class, or only pictures.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_IMAGE_FOLDER_H
#define RONDO_DATA_IMAGE_FOLDER_H

#include "data/image_convert.h"

struct image_class {
    const char *name;
    int64_t count; /* pictures */
};

struct image_file {
    const char *path;
    int32_t class_index; /* in `classes`; -1: the folder has no classes */
};

struct image_folder {
    const char *path;
    int64_t n_classes;           /* 0: the folder has only pictures */
    struct image_class *classes; /* in the order of the bytes of their names */
    int64_t count;
    struct image_file *files;
};

/* Lists a folder; everything is from `arena`. Hidden names are left out. The pictures of a class are in the order of their names,
 * and the classes one after the other; or mixed evenly, if `has_classes`, as training needs it: the last tenth of the list is the last tenth of every class. A folder that
 * is missing or cannot be read is a mistake at `where`. RONDO_INVALID at the folder: files beside classes, a folder within
 * a class, a class without pictures, an empty folder. */
rondo_status image_folder_list(struct image_folder *folder, const char *path, int has_classes, struct location where,
                               struct arena *arena, struct errors *errors);

#endif
