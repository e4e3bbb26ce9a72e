/* data/readers/images.c: which elements an example gets from images of every form, what is learned, and what is refused
 * where. */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array_goldens.h"
#include "core/options.h"
#include "reader_fixture.h"
#include "suite.h"

static struct reader_fixture fixture;
static struct array_goldens pictures;

static void setup(void) {
    reader_fixture_open(&fixture);
    array_goldens_open_list(&pictures, "pictures.txt", fixture.arena);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

/* ---- files ---- */

/* Copies a golden picture, or the empty file "empty.png", to a file of the folder. */
static void store_picture(const char *name, const char *golden) {
    size_t length = 0;
    const int is_empty = strcmp(golden, "empty.png") == 0;
    const unsigned char *bytes = (const unsigned char *)"";
    if (!is_empty) {
        bytes = array_goldens_file(&pictures, golden, fixture.arena, &length);
    }
    reader_fixture_write(&fixture, name, bytes, length);
}

/* Pictures as in "cats/a.png=grey.png dogs/b.png=rgb.png". */
static void store_pictures(const char *list) {
    char *text = arena_strdup(fixture.arena, list);
    for (char *rest, *item = strtok_r(text, " ", &rest); item != NULL; item = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(item, '=');
        *equals = '\0';
        store_picture(item, equals + 1);
    }
}

/* An IDX file of bytes; `dims` as in "3 2 2", numbers from `first` upwards. */
static void store_idx(const char *name, const char *dims, int first) {
    unsigned char bytes[4096] = {0, 0, 8, 0};
    size_t length = 4, count = 1;
    for (char *next = arena_strdup(fixture.arena, dims); *next != '\0'; bytes[3]++) {
        const long size = strtol(next, &next, 10);
        const unsigned char number[] = {0, 0, (unsigned char)(size >> 8), (unsigned char)size};
        memcpy(bytes + length, number, 4);
        length += 4;
        count *= (size_t)size;
    }
    for (size_t i = 0; i < count; i++) {
        bytes[length++] = (unsigned char)(first + (int)i);
    }
    reader_fixture_write(&fixture, name, bytes, length);
}

/* The usual files: three images of 2 x 2 pixels, 0 to 11, of the classes 0, 1 and 2. */
static void store_usual(void) {
    store_idx("x.idx", "3 2 2", 0);
    store_idx("y.idx", "3", 0);
}

/* Sets options such as "shift=1 names=a, b" of the reader; names come last, and are the rest of the text. */
static void set_options(const char *options) {
    void *set = (void *)(uintptr_t)fixture.reader->options;
    const rondo_option *table = fixture.reader->class->options;
    for (const char *next = options; *next != '\0';) {
        const char *equals = strchr(next, '=');
        const char *key = arena_strndup(fixture.arena, next, (size_t)(equals - next));
        const size_t length = strcspn(equals, strcmp(key, "names") == 0 ? "" : " ");
        const char *value = arena_strndup(fixture.arena, equals + 1, length - 1);
        ck_assert_int_eq(
            option_set(option_find(table, key), set, value, fixture.arena, (struct location){0}, &fixture.errors),
            RONDO_OK);
        next = equals + length + (equals[length] == ' ');
    }
}

static void make(const char *options) {
    reader_fixture_make(&fixture, "images", "");
    set_options(options);
}

/* A stream of all examples: "1 2; 3; ". */
static const char *show(const struct dataset *dataset, const char *stream, int is_named) {
    const char *text = "";
    for (int64_t i = 0; i < dataset->count; i++) {
        text = arena_printf(fixture.arena, "%s%s; ", text, reader_fixture_show(&fixture, dataset, stream, i, is_named));
    }
    return text;
}

/* ---- forms ---- */

static const struct {
    const char *options, *images, *input;
} forms[] = {
    {"as=vector", "x.idx", "0,1,2,3; 4,5,6,7; 8,9,10,11; "},
    {"", "x.idx", "0,1 2,3; 4,5 6,7; 8,9 10,11; "},
    {"as=columns", "x.idx", "0,2 1,3; 4,6 5,7; 8,10 9,11; "},
    {"as=pixels", "x.idx", "0 1 2 3; 4 5 6 7; 8 9 10 11; "},
    {"as=pixels colour=rgb", "x.idx",
     "0,0,0 1,1,1 2,2,2 3,3,3; 4,4,4 5,5,5 6,6,6 7,7,7; 8,8,8 9,9,9 10,10,10 11,11,11; "},
    {"", "images.gz", "0,1 2,3; 4,5 6,7; 8,9 10,11; "},
    {"", "images.npy", "0,1 2,3; 4,5 6,7; 8,9 10,11; "},
    {"", "images_fortran.npy", "0,1 2,3; 4,5 6,7; 8,9 10,11; "},
    {"", "images_one_colour.npy", "0,1 2,3; 4,5 6,7; 8,9 10,11; "},
    {"", "images_rgb.npy", "0,1,2,3,4,5; 6,7,8,9,10,11; 12,13,14,15,16,17; "},
    {"as=columns", "images_rgb.npy", "0,1,2 3,4,5; 6,7,8 9,10,11; 12,13,14 15,16,17; "},
    {"colour=grey", "images_rgb.npy", "1,4; 7,10; 13,16; "}, /* 0.299 r + 0.587 g + 0.114 b */
    /* Shorter sides are averaged, here rounded up from a half; longer ones are linear between the centres. */
    {"size=[1,1]", "x.idx", "2; 6; 10; "},
    {"size=[1,2]", "x.idx", "1,2; 5,6; 9,10; "},
    {"size=[2,4]", "x.idx", "0,0,1,1 2,2,3,3; 4,4,5,5 6,6,7,7; 8,8,9,9 10,10,11,11; "},
    {"size=[2,2]", "x.idx", "0,1 2,3; 4,5 6,7; 8,9 10,11; "},
};

/* Stores the files of "input=x.idx target=y.idx" that are goldens, and the usual ones. */
static const char *store_files(const char *names) {
    store_usual();
    char *text = arena_strdup(fixture.arena, names);
    for (char *rest, *item = strtok_r(text, " ", &rest); item != NULL; item = strtok_r(NULL, " ", &rest)) {
        const char *equals = strchr(item, '='), *name = equals == NULL ? item : equals + 1;
        if (access(reader_fixture_path(&fixture, name), F_OK) != 0 && strstr(name, "missing") == NULL) {
            store_picture(name, name);
        }
    }
    return names;
}

START_TEST(an_image_becomes_elements) {
    const char *files = store_files(arena_printf(fixture.arena, "input=%s target=y.idx", forms[_i].images));
    make(forms[_i].options);
    ck_assert_msg(reader_fixture_learn(&fixture, files, 0, 0) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = reader_fixture_read(&fixture, files, PART_TRAIN, 1);
        ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(show(dataset, "input", 0), forms[_i].input);
        ck_assert_str_eq(show(dataset, "target", 0), "0; 1; 2; ");
        ck_assert_int_eq(dataset->streams[0].store, STORE_U8);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

START_TEST(classes_have_the_names_of_the_option) {
    const char *files = store_files("input=images.npy target=labels_column.npy");
    make("names=T-shirt,coat, top , boot");
    ck_assert_int_eq(reader_fixture_learn(&fixture, files, 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, files, PART_TRAIN, 1);
    ck_assert_str_eq(show(dataset, "target", 1), "T-shirt; coat; top; ");
    ck_assert_int_eq(dataset_find(dataset, "target")->size, 4);
    dataset_destroy(dataset);
}
END_TEST

/* ---- folders ---- */

/* Classes are in the order of their names, and mixed: the last third of all is the last third of each. */
START_TEST(a_folder_has_a_class_for_each_subfolder) {
    store_pictures("d/b/1.png=grey.png d/b/2.png=grey_interlaced.png d/b/3.png=grey_16.png d/a/1.png=grey_2.png "
                   "d/a/2.png=grey_1.png d/a/3.png=grey.png d/.hidden=rgb.png d/a/.hidden=rgb.png");
    make("as=vector");
    ck_assert_msg(reader_fixture_learn(&fixture, "d", 0, 0) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    reader_fixture_reload(&fixture);
    struct dataset *dataset = reader_fixture_read(&fixture, "d", PART_TRAIN, 1);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    ck_assert_str_eq(show(dataset, "target", 1), "a; b; a; b; a; b; ");
    ck_assert_str_eq(show(dataset, "input", 0),
                     "0,85,170,255,85,170; 0,85,170,255,17,204; 255,0,255,0,0,255; 0,85,170,255,17,204; "
                     "0,85,170,255,17,204; 0,85,170,255,17,204; ");
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    const char *options, *pictures;
    int channels;
    const char *form, *last; /* last: the pixels of the last picture; NULL: not compared */
} colours[] = {
    {"", "d/a/1.png=rgb.png d/a/2.png=grey.png d/b/1.png=palette_4.png", 3, "in colour",
     "0,0,0,85,85,85,170,170,170,255,255,255,17,17,17,204,204,204"},
    {"", "d/a/1.png=grey.png d/b/1.png=grey.png d/b/2.png=rgb.png", 3, "in colour", NULL},
    {"colour=grey", "d/a/1.png=rgb.png d/b/1.png=rgb.png", 1, "grey", NULL},
    {"", "d/a/1.png=grey_16.png d/b/1.png=grey.png", 1, "grey", "0,85,170,255,17,204"},
    {"colour=rgb", "d/a/1.png=grey.png d/b/1.png=grey.png", 3, "in colour", NULL},
};

START_TEST(one_colour_picture_keeps_the_colours_of_all) {
    store_pictures(colours[_i].pictures);
    make("as=vector");
    set_options(colours[_i].options);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "d", 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, "d", PART_TRAIN, 1);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    ck_assert_int_eq(dataset->streams[0].size, 6 * colours[_i].channels);
    ck_assert_int_eq(dataset->streams[0].channels, colours[_i].channels);
    ck_assert_str_eq(dataset->streams[0].form,
                     arena_printf(fixture.arena, "images of 2 x 3 pixels (height x width), %s", colours[_i].form));
    if (colours[_i].last != NULL) {
        ck_assert_str_eq(reader_fixture_show(&fixture, dataset, "input", dataset->count - 1, 0), colours[_i].last);
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(pictures_of_different_sizes_may_be_resized) {
    store_pictures("d/a/1.png=interlaced.png d/b/1.jpg=grey.jpg d/b/2.png=grey.png");
    make("size=[3,4]");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "d", 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, "d", PART_TRAIN, 1);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    ck_assert_int_eq(dataset->streams[0].size, 4 * 3);
    ck_assert_int_eq(dataset->streams[0].length[2], 3);
    dataset_destroy(dataset);
}
END_TEST

/* ---- prediction ---- */

static const struct {
    const char *file;
    const char *names; /* of the images, of which '%' is the folder of the test */
} predicted[] = {
    {"grey.png", "%/grey.png; "},
    {"grey_interlaced.png", "%/grey_interlaced.png; "},
    {"only", "%/only/a.png; %/only/b.png; "},
    {"d", "%/d/a/1.png; %/d/b/1.png; "},
    {"one.idx", "%/one.idx:0; %/one.idx:1; "},
};

START_TEST(predictions_have_the_name_of_the_image) {
    static const float values[] = {0.25F, 0.75F};
    store_pictures(
        "d/a/1.png=grey.png d/b/1.png=grey_16.png only/b.png=grey.png only/a.png=grey_16.png grey.png=grey.png "
        "grey_interlaced.png=grey_interlaced.png");
    store_idx("one.idx", "2 2 3", 0);
    make("");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "d", 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, predicted[_i].file, PART_TEST, 0);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    const char *expected = predicted[_i].names;
    for (int64_t i = 0; i < dataset->count; i++) {
        const char *end = strstr(expected, "; ");
        const char *name =
            arena_printf(fixture.arena, "%s%.*s", fixture.folder, (int)(end - expected - 1), expected + 1);
        const struct reader_fixture_rendered rendered = reader_fixture_render(&fixture, dataset, i, values, 1, 2);
        ck_assert_str_eq(rendered.line, arena_printf(fixture.arena, "%s | b", name));
        ck_assert_ptr_nonnull(strstr(rendered.json, arena_printf(fixture.arena, "\"image\":\"%s\"", name)));
        ck_assert_int_eq(dataset_find(dataset, "target")->length[i], 0);
        expected = end + 2;
    }
    ck_assert_str_eq(expected, "");
    dataset_destroy(dataset);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *options, *expected;
} bad_options[] = {
    {"size=[3]", "'size' has 1 number, expected [height, width]"},
    {"size=[3,3,3]", "'size' has 3 numbers, expected [height, width]"},
    {"names=a,b,a", "'names' has 'a' for class 2, expected names that differ and are not empty"},
    {"names=a,,b", "'names' has '' for class 1, expected names that differ and are not empty"},
};

START_TEST(options_that_mean_nothing_are_refused) {
    make("");
    set_options(bad_options[_i].options);
    ck_assert_int_eq(fixture.reader->class->check(fixture.reader, &fixture.errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&fixture.errors, 0), bad_options[_i].expected);
}
END_TEST

/* `fault` is the file that '%' stands for in the message. */
static const struct {
    const char *options, *files, *fault, *expected;
} bad_arrays[] = {
    {"", "input=cut.idx target=y.idx", "cut.idx",
     "%: an IDX file that is cut short: it has 2 of the 3 items that its header promises"},
    {"", "input=cut.gz target=y.idx", "cut.gz", "%: a damaged gzip file: it is cut short"},
    {"", "input=packed.npy target=y.idx", "packed.npy",
     "%: an .npy file that is packed with gzip, expected it plain; unpack it with gunzip"},
    {"", "input=images_float.npy target=y.idx", "images_float.npy",
     "%: the images are of the type '<f4', expected unsigned bytes, from 0 (dark) to 255"},
    {"", "input=short.idx target=y.idx", "short.idx",
     "%: the images are of the type '16-bit integers', expected unsigned bytes, from 0 (dark) to 255"},
    {"", "input=images_two_colours.npy target=y.idx", "images_two_colours.npy",
     "%: the images have the shape [3, 2, 1, 2], expected [images, height, width] or [images, height, width, 1 or 3 "
     "colours]"},
    {"", "input=images_empty.npy target=y.idx", "images_empty.npy",
     "%: the images have the shape [3, 0, 2], expected [images, height, width] or [images, height, width, 1 or 3 "
     "colours]"},
    {"", "input=y.idx target=y.idx", "y.idx",
     "%: the images have the shape [3], expected [images, height, width] or [images, height, width, 1 or 3 colours]"},
    {"", "input=claim.idx target=y.idx", "claim.idx",
     "%: an IDX file whose dimension 2 has the size 4294967295, expected items of 1 to 1073741824 bytes"},
    {"", "input=wide.idx target=y.idx", "wide.idx",
     "%: 1 x 40000 pixels (height x width), expected at most 32768 of each; 'data.size: [height, width]' makes images "
     "smaller"},
    {"", "input=many.idx target=y.idx", "y.idx", "%: there are 3 labels, and '/many.idx' has 4294967295 images"},
    {"", "input=x.idx target=two.idx", "two.idx", "%: there are 2 labels, and '/x.idx' has 3 images"},
    {"", "input=x.idx target=labels_float.npy", "labels_float.npy",
     "%: the labels are of the type '<f8', 1 for each image, expected one whole number"},
    {"", "input=x.idx target=x.idx", "x.idx",
     "%: the labels are of the type 'unsigned bytes', 4 for each image, expected one whole number"},
    {"", "input=x.idx target=labels_negative.npy", "labels_negative.npy",
     "%: label 2, counted from 0, is -1, expected a class from 0 to 999999"},
    {"names=a,b", "input=x.idx target=y.idx", "y.idx",
     "%: label 2, counted from 0, is 2, expected a class from 0 to 1"},
    {"", "input=x.idx target=zeros.idx", "x.idx", "%: every image has the same class, expected at least two classes"},
    {"", "input=grey.png target=y.idx", "grey.png",
     "%: a single picture, expected images in an IDX file, plain or gzip, or in an .npy file"},
    {"", "input=text target=y.idx", "text",
     "%: an unknown format, expected images in an IDX file, plain or gzip, or in an .npy file"},
    {"", "input=empty target=y.idx", "empty",
     "%: an unknown format, expected images in an IDX file, plain or gzip, or in an .npy file"},
    {"", "input=missing.idx target=y.idx", "missing.idx",
     "experiment.yaml:3:9: cannot read '%': there is no such file"},
    {"", "x.idx", "x.idx",
     "experiment.yaml:3:9: '%' has no labels; expected a folder with a subfolder for each class, or {input: FILE, "
     "target: "
     "FILE}"},
    {"", "input=x.idx", "x.idx",
     "experiment.yaml:3:9: there is no file for 'target', expected {input: FILE, target: FILE}"},
    {"", "inputs=x.idx target=y.idx", "x.idx",
     "experiment.yaml:3:9: unknown stream 'inputs' (did you mean 'input'?), expected input and target"},
    {"", "input=d target=y.idx", "d",
     "experiment.yaml:3:9: '%' is a folder; its subfolders are the classes, so it cannot be one of several files"},
};

/* The message without the path of the folder of the test. */
static const char *message(int32_t index) {
    const char *text = errors_text(&fixture.errors, index), *found;
    const char *result = "";
    while ((found = strstr(text, fixture.folder)) != NULL) {
        result = arena_printf(fixture.arena, "%s%.*s", result, (int)(found - text), text);
        text = found + strlen(fixture.folder);
    }
    return arena_printf(fixture.arena, "%s%s", result, text);
}

static void check_message(const char *expected, const char *fault) {
    const char *mark = strchr(expected, '%');
    const char *text =
        mark == NULL ? expected
                     : arena_printf(fixture.arena, "%.*s/%s%s", (int)(mark - expected), expected, fault, mark + 1);
    ck_assert_int_ge(fixture.errors.count, 1);
    ck_assert_str_eq(message(0), text);
}

static void store_bad_arrays(void) {
    size_t length;
    store_usual();
    store_idx("two.idx", "2", 0);
    reader_fixture_write(&fixture, "zeros.idx", "\0\0\x08\1\0\0\0\3\0\0\0", 11);
    reader_fixture_write(&fixture, "cut.idx", "\0\0\x08\3\0\0\0\3\0\0\0\2\0\0\0\2ABCDEFGHIJ", 26);
    reader_fixture_write(&fixture, "short.idx", "\0\0\x0b\3\0\0\0\3\0\0\0\1\0\0\0\1ABCDEF", 22);
    reader_fixture_write(&fixture, "claim.idx", "\0\0\x08\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    reader_fixture_write(&fixture, "wide.idx", "\0\0\x08\3\0\0\0\3\0\0\0\1\0\0\x9c\x40", 16);
    reader_fixture_write(&fixture, "many.idx", "\0\0\x08\3\xff\xff\xff\xff\0\0\0\2\0\0\0\2ABCD", 20);
    reader_fixture_write(&fixture, "text", "tea and coffee", 14);
    reader_fixture_write(&fixture, "empty", "", 0);
    store_picture("d/a/1.png", "grey.png");
    const unsigned char *bytes = array_goldens_file(&pictures, "images.gz", fixture.arena, &length);
    reader_fixture_write(&fixture, "cut.gz", bytes, length - 9);
}

START_TEST(bad_arrays_are_refused_where_the_mistake_is) {
    store_bad_arrays();
    store_files(bad_arrays[_i].files);
    make(bad_arrays[_i].options);
    if (reader_fixture_learn(&fixture, bad_arrays[_i].files, 0, 0) == RONDO_OK) {
        ck_assert_ptr_null(reader_fixture_read(&fixture, bad_arrays[_i].files, PART_TRAIN, 1));
    }
    check_message(bad_arrays[_i].expected, bad_arrays[_i].fault);
}
END_TEST

static const struct {
    const char *options, *pictures, *fault, *expected;
} bad_folders[] = {
    {"", "d/a/1.png=grey.png d/b/1.png=cut.png", "d/b/1.png", "%: a damaged PNG file: "},
    {"", "d/a/1.png=cut.png d/b/1.png=grey.png", "d/a/1.png", "%: a damaged PNG file: "},
    {"", "d/a/1.png=grey.png d/b/1.jpg=cut.jpg", "d/b/1.jpg", "%: a damaged JPEG file: "},
    {"", "d/a/1.png=grey.png d/b/1.jpg=cmyk.jpg", "d/b/1.jpg",
     "%: a JPEG file in the colours of print (CMYK), expected grey or RGB; convert it first"},
    {"", "d/a/1.png=grey.png d/b/1.png=larger.png", "d/b/1.png",
     "%: 3 x 4 pixels (height x width), and '/d/a/1.png' has 2 x 3; 'data.size: [2, 3]' resizes all images"},
    {"", "d/a/1.png=empty.png d/b/1.png=grey.png", "d/a/1.png", "%: the file is empty, expected a PNG or JPEG file"},
    {"", "d/a/1.png=grey.png d/b/notes.txt=numbers.gz", "d/b/notes.txt", "%: neither a PNG nor a JPEG file"},
    {"", "d/a/1.png=grey.png d/b/.hidden=grey.png", "d/b",
     "%: the class 'b' has no pictures; add some, or remove the folder"},
    {"", "d/a/1.png=grey.png d/b/c/1.png=grey.png", "d/b",
     "%: the class has a folder 'c', expected only PNG and JPEG files"},
    {"", "d/a/1.png=grey.png d/b.png=grey.png", "d",
     "%: the file 'b.png' is beside the folders of the classes; move it"},
    {"", "d/1.png=grey.png d/2.png=grey.png", "d", "%: the folder has no subfolders, expected one for each class"},
    {"", "d/.hidden=grey.png", "d", "%: the folder is empty, expected a subfolder for each class"},
    {"", "d/a/1.png=grey.png", "d", "%: every image has the same class, expected at least two classes"},
    {"names=a,b", "d/a/1.png=grey.png d/b/1.png=grey.png", "d",
     "experiment.yaml:3:9: 'data.names' is not used: the names of the classes are those of the folders"},
    {"", "d/a/1.png=grey.png d/caf\xe9/1.png=grey.png", "d", "%: the name 'caf?' is not UTF-8 text; rename it"},
    {"", "d/a/1.png=grey.png d/b/caf\xe9.png=grey.png", "d/b", "%: the name 'caf?.png' is not UTF-8 text; rename it"},
    {"", "other/1.png=grey.png", "d", "experiment.yaml:3:9: cannot read '%': there is no such file"},
};

START_TEST(bad_folders_are_refused_where_the_mistake_is) {
    store_pictures(bad_folders[_i].pictures);
    make(bad_folders[_i].options);
    if (reader_fixture_learn(&fixture, "d", 0, 0) == RONDO_OK) {
        ck_assert_ptr_null(reader_fixture_read(&fixture, "d", PART_TRAIN, 1));
    }
    const char *mark = strchr(bad_folders[_i].expected, '%');
    const size_t length = strlen(bad_folders[_i].expected);
    if (mark != NULL && bad_folders[_i].expected[length - 1] == ' ') { /* what follows is the text of the library */
        const char *beginning = arena_printf(fixture.arena, "/%s%s", bad_folders[_i].fault, mark + 1);
        ck_assert_msg(strncmp(message(0), beginning, strlen(beginning)) == 0, "%s", message(0));
    } else {
        check_message(bad_folders[_i].expected, bad_folders[_i].fault);
    }
}
END_TEST

START_TEST(a_folder_that_cannot_be_read_is_refused) {
    if (geteuid() == 0) {
        return; /* root may read everything */
    }
    store_pictures("d/a/1.png=grey.png d/b/1.png=grey.png");
    ck_assert_int_eq(chmod(reader_fixture_path(&fixture, "d/b"), 0), 0);
    make("");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "d", 0, 0), RONDO_INVALID);
    ck_assert_int_eq(chmod(reader_fixture_path(&fixture, "d/b"), 0700), 0);
    check_message("experiment.yaml:3:9: cannot read '%': Permission denied", "d/b");
}
END_TEST

/* Damaged pictures are reported together, also those before the first good one; ten at most. */
static const struct {
    const char *pictures;
    int count;
} damaged[] = {
    {"d/a/0.png=grey.png d/b/1.png=cut.png d/b/2.png=grey.png d/b/3.png=cut.png", 2},
    {"d/a/0.png=numbers.gz d/a/1.png=empty.png d/b/1.png=cut.png d/b/2.png=grey.png d/b/3.png=numbers.gz", 4},
    {"d/a/0.png=numbers.gz d/b/1.png=empty.png d/b/2.png=numbers.gz", 3},
};

START_TEST(all_damaged_pictures_are_named) {
    store_pictures(damaged[_i].pictures);
    make("");
    if (reader_fixture_learn(&fixture, "d", 0, 0) == RONDO_OK) {
        ck_assert_ptr_null(reader_fixture_read(&fixture, "d", PART_TRAIN, 1));
    }
    ck_assert_msg(fixture.errors.count == damaged[_i].count, "%d: %s; %s", fixture.errors.count, message(0),
                  message(1));
}
END_TEST

static const struct {
    const char *pictures, *expected;
} other_folders[] = {
    {"e/a/1.png=grey.png e/bb/1.png=grey.png",
     "/e: the folder 'bb' is not among the classes of the training data (did you mean 'b'?)"},
    {"e/a/1.png=larger.png",
     "/e/a/1.png: 3 x 4 pixels (height x width), and the training images have 2 x 3; 'data.size: [2, 3]' resizes all "
     "images"},
};

START_TEST(other_files_must_be_like_the_training_data) {
    store_pictures("d/a/1.png=grey.png d/b/1.png=grey.png");
    store_pictures(other_folders[_i].pictures);
    make("");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "d", 0, 0), RONDO_OK);
    ck_assert_ptr_null(reader_fixture_read(&fixture, "e", PART_TEST, 1));
    ck_assert_str_eq(message(0), other_folders[_i].expected);
}
END_TEST

/* Reading asks at every picture. */
static int asked;

static int is_requested(void *arg) {
    (void)arg;
    return ++asked == 2;
}

START_TEST(reading_a_folder_can_be_interrupted) {
    store_pictures("d/a/1.png=grey.png d/b/1.png=grey.png");
    make("");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "d", 0, 0), RONDO_OK);
    fixture.reader->interrupt.is_requested = is_requested;
    ck_assert_ptr_null(reader_fixture_read(&fixture, "d", PART_TRAIN, 1));
    ck_assert_int_eq(fixture.errors.status, RONDO_INTERRUPTED);
    ck_assert_str_eq(message(0), "/d/b/1.png: interrupted while this file was read");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("images");
    TCase *cases = add_case(suite, "forms", 60, setup, teardown);
    tcase_add_loop_test(cases, an_image_becomes_elements, 0, ROWS(forms));
    tcase_add_test(cases, classes_have_the_names_of_the_option);
    tcase_add_test(cases, a_folder_has_a_class_for_each_subfolder);
    tcase_add_loop_test(cases, one_colour_picture_keeps_the_colours_of_all, 0, ROWS(colours));
    tcase_add_test(cases, pictures_of_different_sizes_may_be_resized);
    tcase_add_loop_test(cases, predictions_have_the_name_of_the_image, 0, ROWS(predicted));
    cases = add_case(suite, "mistakes", 60, setup, teardown);
    tcase_add_loop_test(cases, options_that_mean_nothing_are_refused, 0, ROWS(bad_options));
    tcase_add_loop_test(cases, bad_arrays_are_refused_where_the_mistake_is, 0, ROWS(bad_arrays));
    tcase_add_loop_test(cases, bad_folders_are_refused_where_the_mistake_is, 0, ROWS(bad_folders));
    tcase_add_test(cases, a_folder_that_cannot_be_read_is_refused);
    tcase_add_loop_test(cases, all_damaged_pictures_are_named, 0, ROWS(damaged));
    tcase_add_loop_test(cases, other_files_must_be_like_the_training_data, 0, ROWS(other_folders));
    tcase_add_test(cases, reading_a_folder_can_be_interrupted);
    return run_suite(suite);
}
