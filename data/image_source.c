#include "data/image_source.h"

#include <string.h>

#include "io/file.h"
#include "io/folder.h"
#include "io/picture.h"
#include "io/utf8.h"

/* Bytes of one PNG or JPEG file. */
#define MOST_PICTURE ((size_t)1 << 30)

/* ---- pictures ---- */

/* Reads a picture that is a file, or the bytes of `path`; with arena NULL only its size. */
static rondo_status read_picture(struct image_source *source, const struct reader_path *path, int decodes,
                                 struct picture *picture, struct errors *errors) {
    char *bytes;
    size_t length;
    RONDO_TRY(reader_path_read(path, MOST_PICTURE, source->scratch, &bytes, &length, errors));
    return picture_read(bytes, length, (struct location){.file = path->text}, decodes ? source->scratch : NULL, picture,
                        errors);
}

/* A file of the folder as a path. One that has disappeared since it was listed is reported at its own name. */
static struct reader_path picture_path(const struct image_source *source, int64_t index) {
    const char *file = source->folder.files[index].path;
    return (struct reader_path){.text = file, .where = {.file = file}};
}

static struct image_form form_of(const struct picture *picture) {
    return (struct image_form){picture->height, picture->width, picture->channels};
}

rondo_status image_source_form(const struct image_source *source, int64_t index, struct image_form *form,
                               struct errors *errors) {
    const struct reader_path path = picture_path(source, index);
    struct file_map map = {0};
    struct picture picture = {0};
    rondo_status status = reader_path_map(&path, &map, errors);
    if (status == RONDO_OK) {
        status = picture_read(map.bytes, map.length, path.where, NULL, &picture, errors);
    }
    file_map_close(&map);
    *form = form_of(&picture);
    return status;
}

/* ---- opening ---- */

/* Finds the first picture of a folder that can be read, from the first class on. The others are reported when all are read; if there is none, or
 * after ten mistakes, they are reported here. */
static rondo_status find_first(struct image_source *source, struct errors *errors) {
    const struct image_folder *folder = &source->folder;
    struct errors own = {0};
    int64_t begin = 0;
    while (folder->files[begin].class_index > 0) {
        begin++;
    }
    rondo_status status = RONDO_INVALID;
    for (int64_t i = 0; status == RONDO_INVALID && i < folder->count && own.count < IMAGES_MOST_MISTAKES; i++) {
        const int64_t index = (begin + i) % folder->count;
        source->first_name = folder->files[index].path;
        status = image_source_form(source, index, &source->first, &own);
    }
    if (status == RONDO_OK) {
        errors_free(&own);
    } else {
        errors_move(errors, &own);
    }
    return status;
}

static rondo_status open_folder(struct image_source *source, int with_targets, struct errors *errors) {
    const struct reader_path *path = source->path;
    source->kind = IMAGES_OF_FOLDER;
    RONDO_TRY(image_folder_list(&source->folder, path->text, with_targets, path->where, source->arena, errors));
    if (with_targets && source->folder.n_classes == 0) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = path->text},
                             "the folder has no subfolders, expected one for each class");
    }
    source->count = source->folder.count;
    return find_first(source, errors);
}

/* "[3, 2, 2]" */
static const char *shape_text(const struct item_file *file, struct arena *arena) {
    const char *text = "[";
    for (int32_t dim = 0; dim < file->n_dims && text != NULL; dim++) {
        text = arena_printf(arena, "%s%s%lld", text, dim == 0 ? "" : ", ", (long long)file->shape[dim]);
    }
    return text == NULL ? NULL : arena_printf(arena, "%s]", text);
}

/* Checks the shape of an array of images: [images, height, width], or with 1 or 3 colours at the end. */
static rondo_status open_array(struct image_source *source, struct errors *errors) {
    struct item_file *images = &source->images;
    source->kind = IMAGES_OF_ARRAY;
    RONDO_TRY(item_file_open(images, source->path, "images", errors));
    const int64_t *shape = images->shape;
    const int64_t channels = images->n_dims == 4 ? shape[3] : 1;
    if ((images->n_dims != 3 && images->n_dims != 4) || (channels != 1 && channels != 3) || images->item_numbers < 1) {
        const char *text = shape_text(images, source->arena);
        return text == NULL ? errors_no_memory(errors)
                            : errors_add_at(errors, RONDO_INVALID, images->where,
                                            "the images have the shape %s, expected [images, height, width] or "
                                            "[images, height, width, 1 or 3 colours]",
                                            text);
    }
    if (!images->is_bytes) {
        return errors_add_at(errors, RONDO_INVALID, images->where,
                             "the images are of the type '%s', expected unsigned bytes, from 0 (dark) to 255",
                             images->type);
    }
    source->first = (struct image_form){shape[1], shape[2], channels};
    source->count = images->count;
    source->array_item = arena_alloc(source->arena, (size_t)images->item_numbers);
    return source->array_item == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status open_labels(struct image_source *source, struct errors *errors) {
    struct item_file *labels = &source->labels;
    RONDO_TRY(item_file_open(labels, source->labels_path, "labels", errors));
    source->has_labels = 1;
    if (labels->item_numbers != 1 || !labels->is_integer) {
        return errors_add_at(errors, RONDO_INVALID, labels->where,
                             "the labels are of the type '%s', %lld for each image, expected one whole number",
                             labels->type, (long long)labels->item_numbers);
    }
    return labels->count == source->count
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, labels->where, "there are %lld labels, and '%s' has %lld images",
                               (long long)labels->count, source->path->text, (long long)source->count);
}

static rondo_status open_alone(struct image_source *source, struct errors *errors) {
    struct picture picture;
    source->kind = IMAGE_ALONE;
    source->count = 1;
    RONDO_TRY(read_picture(source, source->path, 0, &picture, errors));
    source->first = form_of(&picture);
    return RONDO_OK;
}

/* What a file is by its first bytes: a picture or an array. */
static rondo_status find_kind(const struct reader_path *path, int32_t *kind, struct errors *errors) {
    unsigned char head[GZIP_HEAD];
    size_t got = 0;
    struct gzip_stream *stream = path->bytes == NULL ? gzip_open(path->text, path->where, errors)
                                                     : gzip_open_bytes(path->bytes, path->length, path->text, errors);
    const rondo_status status = stream == NULL ? errors->status : gzip_head(stream, head, &got, errors);
    gzip_close(stream);
    RONDO_TRY(status);
    *kind = picture_format(head, got) != PICTURE_NONE ? IMAGE_ALONE : IMAGES_OF_ARRAY;
    return *kind == IMAGE_ALONE || npy_is(head, got) || idx_is(head, got)
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, (struct location){.file = path->text},
                               "an unknown format, expected a PNG or JPEG file, a folder of them, or images in an IDX "
                               "file, plain or gzip, or in an .npy file");
}

static rondo_status open_one(struct image_source *source, int with_targets, struct errors *errors) {
    const struct reader_path *path = source->path;
    if (path->bytes == NULL && folder_is(path->text)) {
        return open_folder(source, with_targets, errors);
    }
    int32_t kind;
    RONDO_TRY(find_kind(path, &kind, errors));
    if (with_targets) {
        return errors_add_at(errors, RONDO_INVALID, path->where,
                             "'%s' has no labels; expected a folder with a subfolder for each class, or {input: FILE, "
                             "target: FILE}",
                             path->text);
    }
    return kind == IMAGE_ALONE ? open_alone(source, errors) : open_array(source, errors);
}

/* Finds the files of the streams. */
static rondo_status find_streams(struct image_source *source, const struct reader_path *paths, int32_t count,
                                 int with_targets, struct errors *errors) {
    for (int32_t i = 0; i < count; i++) {
        const int is_input = strcmp(paths[i].stream, "input") == 0;
        if (!is_input && strcmp(paths[i].stream, "target") != 0) {
            struct suggestion near = {0};
            suggest(&near, paths[i].stream, "input");
            suggest(&near, paths[i].stream, "target");
            return errors_add_at(errors, RONDO_INVALID, paths[i].where,
                                 "unknown stream '%s'%s, expected input and target", paths[i].stream,
                                 suggestion_text(&near).text);
        }
        *(is_input ? &source->path : &source->labels_path) = &paths[i];
    }
    if (source->path == NULL || (with_targets && source->labels_path == NULL)) {
        return errors_add_at(errors, RONDO_INVALID, paths[0].where,
                             "there is no file for '%s', expected {input: FILE, target: FILE}",
                             source->path == NULL ? "input" : "target");
    }
    if (folder_is(source->path->text)) {
        return errors_add_at(errors, RONDO_INVALID, source->path->where,
                             "'%s' is a folder; its subfolders are the classes, so it cannot be one of several files",
                             source->path->text);
    }
    return RONDO_OK;
}

rondo_status image_source_open(struct image_source *source, const struct reader_path *paths, int32_t count,
                               int with_targets, struct errors *errors) {
    *source = (struct image_source){.arena = arena_create(), .scratch = arena_create()};
    if (source->arena == NULL || source->scratch == NULL) {
        return errors_no_memory(errors);
    }
    if (!utf8_check(paths[0].text, strlen(paths[0].text), NULL)) {
        return errors_add_at(errors, RONDO_INVALID, paths[0].where,
                             "the name of the file is not UTF-8 text; rename it");
    }
    if (paths[0].stream == NULL) {
        source->path = &paths[0];
        return open_one(source, with_targets, errors);
    }
    RONDO_TRY(find_streams(source, paths, count, with_targets, errors));
    RONDO_TRY(open_array(source, errors));
    return with_targets ? open_labels(source, errors) : RONDO_OK;
}

void image_source_close(struct image_source *source) {
    item_file_close(&source->images);
    item_file_close(&source->labels);
    arena_destroy(source->arena);
    arena_destroy(source->scratch);
    *source = (struct image_source){0};
}

/* ---- images ---- */

static rondo_status check_size(const struct image_source *source, const struct image_wanted *wanted,
                               struct image_form form, const char *name, struct errors *errors) {
    const struct image_form expected = wanted->form;
    if (wanted->is_resized || (form.height == expected.height && form.width == expected.width)) {
        return RONDO_OK;
    }
    const int names_first = source->kind == IMAGES_OF_FOLDER && source->first.height == expected.height &&
                            source->first.width == expected.width;
    return errors_add_at(
        errors, RONDO_INVALID, (struct location){.file = name},
        "%lld x %lld pixels (height x width), and %s%s%s %lld x %lld; 'data.size: [%lld, %lld]' resizes "
        "all images",
        (long long)form.height, (long long)form.width, names_first ? "'" : "",
        names_first ? source->first_name : "the training images have", names_first ? "' has" : "",
        (long long)expected.height, (long long)expected.width, (long long)expected.height, (long long)expected.width);
}

static rondo_status next_picture(struct image_source *source, const struct image_wanted *wanted, unsigned char *pixels,
                                 const struct reader_path *path, struct errors *errors) {
    struct picture picture;
    RONDO_TRY(read_picture(source, path, 1, &picture, errors));
    RONDO_TRY(check_size(source, wanted, form_of(&picture), path->text, errors));
    return image_convert(picture.pixels, form_of(&picture), pixels, wanted->form, source->scratch, errors);
}

static rondo_status next_of_array(struct image_source *source, const struct image_wanted *wanted, unsigned char *pixels,
                                  struct image_item *item, struct errors *errors) {
    RONDO_TRY(check_size(source, wanted, source->first, source->path->text, errors));
    RONDO_TRY(item_file_bytes(&source->images, source->array_item, errors));
    RONDO_TRY(source->has_labels ? item_file_integer(&source->labels, &item->label, errors) : RONDO_OK);
    item->name = arena_printf(source->scratch, "%s:%lld", source->path->text, (long long)source->at);
    return item->name == NULL
               ? errors_no_memory(errors)
               : image_convert(source->array_item, source->first, pixels, wanted->form, source->scratch, errors);
}

rondo_status image_source_next(struct image_source *source, const struct image_wanted *wanted, unsigned char *pixels,
                               struct image_item *item, struct errors *errors) {
    RONDO_CHECK(source->at < source->count, errors, "the source has one more image");
    arena_reset(source->scratch);
    *item = (struct image_item){.name = source->path->text, .label = -1};
    rondo_status status;
    if (source->kind == IMAGES_OF_FOLDER) {
        const struct reader_path path = picture_path(source, source->at);
        item->name = path.text;
        item->label = source->folder.files[source->at].class_index;
        status = next_picture(source, wanted, pixels, &path, errors);
    } else if (source->kind == IMAGE_ALONE) {
        status = next_picture(source, wanted, pixels, source->path, errors);
    } else {
        status = next_of_array(source, wanted, pixels, item, errors);
    }
    source->at++;
    return status;
}

rondo_status image_source_finish(struct image_source *source, struct errors *errors) {
    RONDO_TRY(source->kind == IMAGES_OF_ARRAY ? item_file_finish(&source->images, errors) : RONDO_OK);
    return source->has_labels ? item_file_finish(&source->labels, errors) : RONDO_OK;
}

rondo_status image_source_label(struct image_source *source, int64_t *label, struct errors *errors) {
    return item_file_integer(&source->labels, label, errors);
}
