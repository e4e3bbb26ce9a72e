/* data/readers/images.c: images with a class each, from arrays (IDX, .npy) or from folders of pictures (PNG, JPEG).
 *
 * data/image_source.h reads them. They are stored as bytes; data.as decides which part of an image is one element:
 *
 *     vector    the whole image                                      one element of height * width * channels numbers
 *     rows      a row of pixels, from the top                        height elements of width * channels numbers
 *     columns   a column, from the left                              width elements of height * channels numbers
 *     pixels    a pixel, row by row                                  height * width elements of `channels` numbers
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/memory_limit.h"
#include "data/augment.h"
#include "data/image_source.h"

/* A side or a class of more would be a mistake. */
enum { MOST_SIDE = 32768, MOST_CLASSES = 1000000 };
/* Bytes of one image, as of a picture (io/picture.h). */
#define MOST_BYTES ((int64_t)1 << 30)

enum { AS_VECTOR, AS_ROWS, AS_COLUMNS, AS_PIXELS };
enum { COLOUR_AUTO, COLOUR_GREY, COLOUR_RGB };

struct images_options {
    int32_t as, colour;
    rondo_ints size; /* height and width; empty: images are not resized */
    int64_t shift;   /* pixels */
    int32_t flip;
    const char *names; /* of classes, separated by commas */
};

static const char *const as_names[] = {"vector", "rows", "columns", "pixels", NULL};
static const char *const colour_names[] = {"auto", "grey", "rgb", NULL};

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(struct images_options, as, "rows", as_names,
                        "what the model reads at each step: rows, columns or pixels of the image, for N:1; vector: the "
                        "whole image at the first step, for 1:1"),
    RONDO_OPTION_CHOICE(struct images_options, colour, "auto", colour_names,
                        "grey: 1 number per pixel; rgb: 3; auto: rgb if any image of the training data has colours"),
    RONDO_OPTION_INTS(struct images_options, size, "[]", 1, MOST_SIDE,
                      "[height, width] in pixels: every image is resized to it; []: all images must have one size"),
    RONDO_OPTION_INT(struct images_options, shift, "0", 0, MOST_SIDE,
                     "training moves each image by up to this number of pixels, up or down and to the left or right, "
                     "anew in each epoch; the pixels of the edge are repeated"),
    RONDO_OPTION_BOOL(struct images_options, flip, "false",
                      "training shows each image as in a mirror, left and right exchanged, every second time"),
    RONDO_OPTION_STRING(struct images_options, names, "",
                        "names of the classes 0, 1, 2, … of labels that are numbers, separated by commas"),
    RONDO_OPTION_END};

/* What is learned. */
struct images_state {
    struct image_form form; /* in which images are stored */
    int64_t classes;
    struct vocabulary *names; /* of the classes; NULL: they are numbers */
    struct augment augment;   /* from form and options */
    char form_text[96];       /* of the input stream */
};

static const struct images_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct images_state *state_of(const struct reader *reader) {
    return reader->state;
}

/* The names of data.names as a vocabulary, which the caller destroys, also after a failure. */
static rondo_status read_names(const char *text, struct vocabulary **names, struct errors *errors) {
    struct arena *arena = arena_create();
    *names = vocabulary_create();
    rondo_status status = arena == NULL || *names == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (const char *next = text; status == RONDO_OK && next != NULL;) {
        next += strspn(next, " ");
        size_t length = strcspn(next, ",");
        const char *after = next[length] == ',' ? next + length + 1 : NULL;
        while (length > 0 && next[length - 1] == ' ') {
            length--;
        }
        const int32_t id = vocabulary_size(*names);
        const char *name = arena_strndup(arena, next, length);
        const int32_t found = name == NULL ? -1 : vocabulary_count(*names, name);
        if (found < 0) {
            status = errors_no_memory(errors);
        } else if (found != id || length == 0) {
            status =
                errors_add(errors, RONDO_INVALID,
                           "'names' has '%.60s' for class %d, expected names that differ and are not empty", name, id);
        }
        next = after;
    }
    arena_destroy(arena);
    return status;
}

static rondo_status check(const struct reader *reader, struct errors *errors) {
    const struct images_options *options = options_of(reader);
    const int32_t count = options->size.count;
    if (count != 0 && count != 2) {
        return errors_add(errors, RONDO_INVALID, "'size' has %d number%s, expected [height, width]", count,
                          count == 1 ? "" : "s");
    }
    if (options->names[0] == '\0') {
        return RONDO_OK;
    }
    struct vocabulary *names;
    const rondo_status status = read_names(options->names, &names, errors);
    vocabulary_destroy(names);
    return status;
}

/* The paths of a source: all if they are given by stream, otherwise each is one. */
static int32_t paths_of_source(const struct reader_source *source) {
    return source->paths[0].stream != NULL ? source->count : 1;
}

static struct image_wanted wanted_of(const struct reader *reader) {
    return (struct image_wanted){state_of(reader)->form, options_of(reader)->size.count == 2};
}

/* ---- learning ---- */

/* The form of all images from that of the first; learn_colours completes it. */
static struct image_form choose_form(const struct images_options *options, struct image_form first) {
    const int is_sized = options->size.count == 2;
    return (struct image_form){.height = is_sized ? options->size.values[0] : first.height,
                               .width = is_sized ? options->size.values[1] : first.width,
                               .channels = options->colour == COLOUR_AUTO   ? first.channels
                                           : options->colour == COLOUR_GREY ? 1
                                                                            : 3};
}

/* Those that `load` accepts. */
static rondo_status check_sides(const struct image_source *source, struct image_form form, struct errors *errors) {
    const char *file = source->kind == IMAGES_OF_FOLDER ? source->first_name : source->path->text;
    return form.height <= MOST_SIDE && form.width <= MOST_SIDE
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, (struct location){.file = file},
                               "%lld x %lld pixels (height x width), expected at most %d of each; 'data.size: [height, "
                               "width]' makes images smaller",
                               (long long)form.height, (long long)form.width, MOST_SIDE);
}

/* One colour picture makes all images colour pictures, since grey ones lose nothing by that. Pictures that cannot be read are
 * left to `read`. */
static rondo_status learn_colours(struct reader *reader, const struct image_source *source, struct errors *errors) {
    struct image_form *form = &state_of(reader)->form;
    if (options_of(reader)->colour != COLOUR_AUTO) {
        return RONDO_OK;
    }
    form->channels = source->first.channels > form->channels ? source->first.channels : form->channels;
    const int64_t count = source->kind == IMAGES_OF_FOLDER ? source->count : 0;
    for (int64_t i = 0; form->channels == 1 && i < count; i++) {
        struct errors own = {0};
        struct image_form found;
        RONDO_TRY(reader_advance(reader, i, count, (struct location){.file = source->folder.path}, errors));
        const rondo_status status = image_source_form(source, i, &found, &own);
        errors_free(&own);
        if (status == RONDO_NO_MEMORY) {
            return errors_no_memory(errors);
        }
        form->channels = status == RONDO_OK ? found.channels : 1;
    }
    return RONDO_OK;
}

/* The size that the option gives must leave room in memory, where all images are stored. Messages begin with the option at fault,
 * and the host finds its place. */
static rondo_status check_options(const struct reader *reader, int64_t count, struct errors *errors) {
    const struct images_options *options = options_of(reader);
    const struct image_form form = state_of(reader)->form;
    const long long height = form.height, width = form.width, bytes = image_bytes(form);
    if (options->size.count == 2 && bytes > MOST_BYTES) {
        return errors_add(errors, RONDO_INVALID,
                          "'size' is [%lld, %lld], and an image has %lld bytes then, expected at most %lld", height,
                          width, bytes, (long long)MOST_BYTES);
    }
    if (options->size.count == 2 && !memory_has_room((uint64_t)bytes * (uint64_t)count)) {
        return errors_add(errors, RONDO_INVALID,
                          "'size' is [%lld, %lld], and %lld images take %.1f GB of memory then, more than is available",
                          height, width, (long long)count, (double)bytes * (double)count / 1e9);
    }
    return options->shift < (height < width ? height : width)
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID,
                            "'shift' is %lld, expected less than the sides of the images, %lld x %lld pixels",
                            (long long)options->shift, height, width);
}

/* A label must be one of the classes; `classes` 0: their number is not known yet. */
static rondo_status check_label(const struct image_source *source, int64_t label, int64_t index, int64_t classes,
                                struct errors *errors) {
    const int64_t most = classes > 0 ? classes : MOST_CLASSES;
    return label >= 0 && label < most
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, source->labels.where,
                               "label %lld, counted from 0, is %lld, expected a class from 0 to %lld", (long long)index,
                               (long long)label, (long long)most - 1);
}

/* The number of classes is the largest label plus 1, unless there are names. */
static rondo_status learn_labels(struct reader *reader, struct image_source *source, struct errors *errors) {
    struct images_state *state = state_of(reader);
    const int64_t known = state->names == NULL ? 0 : vocabulary_size(state->names);
    for (int64_t i = 0; i < source->count; i++) {
        int64_t label;
        RONDO_TRY(reader_advance(reader, i, source->count, source->labels.where, errors));
        RONDO_TRY(image_source_label(source, &label, errors));
        RONDO_TRY(check_label(source, label, i, known, errors));
        state->classes = label >= state->classes ? label + 1 : state->classes;
    }
    state->classes = known > 0 ? known : state->classes;
    return RONDO_OK;
}

static rondo_status learn_source(struct reader *reader, struct image_source *source, int is_first,
                                 struct location where, struct errors *errors) {
    const struct images_options *options = options_of(reader);
    struct images_state *state = state_of(reader);
    if (is_first) {
        state->form = choose_form(options, source->first);
        RONDO_TRY(check_sides(source, state->form, errors));
    }
    RONDO_TRY(learn_colours(reader, source, errors));
    if (source->kind == IMAGES_OF_ARRAY) {
        if (options->names[0] != '\0' && state->names == NULL) {
            RONDO_TRY(read_names(options->names, &state->names, errors));
        }
        return learn_labels(reader, source, errors);
    }
    if (options->names[0] != '\0') {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "'data.names' is not used: the names of the classes are those of the folders");
    }
    state->names = state->names == NULL ? vocabulary_create() : state->names;
    for (int64_t k = 0; state->names != NULL && k < source->folder.n_classes; k++) {
        if (vocabulary_count(state->names, source->folder.classes[k].name) < 0) {
            return errors_no_memory(errors);
        }
    }
    return state->names == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    struct images_state *state = state_of(reader);
    int is_folder = 0;
    int64_t count = 0;
    for (int32_t i = 0; i < source->count; i += paths_of_source(source)) {
        struct image_source own;
        rondo_status status = image_source_open(&own, &source->paths[i], paths_of_source(source), 1, errors);
        if (status == RONDO_OK) {
            is_folder = own.kind == IMAGES_OF_FOLDER;
            count += own.count;
            status = learn_source(reader, &own, i == 0, source->paths[i].where, errors);
        }
        image_source_close(&own);
        RONDO_TRY(status);
    }
    if (is_folder) {
        RONDO_TRY(vocabulary_finish_labels(state->names, errors));
        state->classes = vocabulary_size(state->names);
    }
    RONDO_TRY(check_options(reader, count, errors));
    return state->classes >= 2 ? RONDO_OK
                               : errors_add_at(errors, RONDO_INVALID, (struct location){.file = source->paths[0].text},
                                               "every image has the same class, expected at least two classes");
}

static void clear(struct reader *reader) {
    vocabulary_destroy(state_of(reader)->names);
    state_of(reader)->names = NULL;
}

static rondo_status fits(const struct reader *reader, struct architecture architecture, struct location where,
                         struct errors *errors) {
    const int is_vector = options_of(reader)->as == AS_VECTOR;
    if (architecture.output_every_step) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "an image has one class, and the architecture gives an output at every step; expected %s",
                             is_vector ? "1:1" : "N:1");
    }
    if (is_vector != architecture.input_every_step) {
        return RONDO_OK;
    }
    return errors_add_at(errors, RONDO_INVALID, where,
                         is_vector
                             ? "'data.as: vector' gives the whole image at once, and the architecture takes input at "
                               "every step; expected data.as: rows, or the architecture 1:1"
                             : "'data.as: %s' gives the image in steps, and the architecture takes input only at the "
                               "first; expected data.as: vector, or the architecture N:1",
                         as_names[options_of(reader)->as]);
}

/* ---- JSON: {"height": 28, "width": 28, "channels": 1, "classes": 10, "names": […]} ---- */

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    const struct images_state *state = state_of(reader);
    const int failed = json_object_set_new(object, "height", json_integer(state->form.height)) |
                       json_object_set_new(object, "width", json_integer(state->form.width)) |
                       json_object_set_new(object, "channels", json_integer(state->form.channels)) |
                       json_object_set_new(object, "classes", json_integer(state->classes)) |
                       (state->names != NULL && json_object_set_new(object, "names", vocabulary_json(state->names)));
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status load_integer(const struct json_t *object, const char *key, int64_t most, const char *file,
                                 int64_t *number, struct errors *errors) {
    *number = json_integer_value(json_object_get(object, key));
    return *number >= 1 && *number <= most
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: '%s' must be a whole number from 1 to %lld", file, key,
                            (long long)most);
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct images_state *state = state_of(reader);
    RONDO_TRY(load_integer(object, "height", MOST_SIDE, file, &state->form.height, errors));
    RONDO_TRY(load_integer(object, "width", MOST_SIDE, file, &state->form.width, errors));
    RONDO_TRY(load_integer(object, "channels", 3, file, &state->form.channels, errors));
    RONDO_TRY(load_integer(object, "classes", MOST_CLASSES, file, &state->classes, errors));
    if (state->form.channels == 2) {
        return errors_add(errors, RONDO_INVALID, "%s: 'channels' must be 1 or 3", file);
    }
    if (json_object_get(object, "names") == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(vocabulary_from_json(object, "names", file, &state->names, errors));
    return vocabulary_size(state->names) == state->classes
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: 'names' must have a name for each of %lld classes", file,
                            (long long)state->classes);
}

/* ---- reading ---- */

/* Columns are stored one after the other, so that they are the rows of the grid. */
static const struct augment *make_augment(const struct reader *reader) {
    const struct images_options *options = options_of(reader);
    struct images_state *state = state_of(reader);
    const int by_column = options->as == AS_COLUMNS;
    state->augment = (struct augment){.rows = by_column ? state->form.width : state->form.height,
                                      .columns = by_column ? state->form.height : state->form.width,
                                      .channels = state->form.channels,
                                      .shift = options->shift,
                                      .flips_rows = options->flip && by_column,
                                      .flips_columns = options->flip && !by_column};
    return options->shift > 0 || options->flip ? &state->augment : NULL;
}

/* Elements of an image, and numbers of each. */
static int64_t elements_of(const struct reader *reader) {
    const struct image_form form = state_of(reader)->form;
    const int64_t elements[] = {
        [AS_VECTOR] = 1, [AS_ROWS] = form.height, [AS_COLUMNS] = form.width, [AS_PIXELS] = form.height * form.width};
    return elements[options_of(reader)->as];
}

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    struct images_state *state = state_of(reader);
    const int64_t size = image_bytes(state->form) / elements_of(reader);
    struct stream *input = dataset_stream(dataset, "input", STREAM_REAL, STORE_U8, size, errors);
    struct stream *target = dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, state->classes, errors);
    if (input == NULL || target == NULL) {
        return errors->status;
    }
    input->channels = state->form.channels;
    input->augment = make_augment(reader);
    snprintf(state->form_text, sizeof state->form_text, "images of %lld x %lld pixels (height x width), %s",
             (long long)state->form.height, (long long)state->form.width,
             state->form.channels == 1 ? "grey" : "in colour");
    input->form = state->form_text;
    target->names = state->names;
    return RONDO_OK;
}

/* Room for one image, and the classes of the folders of a source. */
struct images_reading {
    const struct reader *reader;
    struct image_source source;
    int with_targets;
    struct arena *arena;
    unsigned char *pixels, *transposed;
    int32_t *class_of_folder; /* [source.folder.n_classes] */
    struct dataset *dataset;
    struct errors *errors;
};

/* The class of each folder. */
static rondo_status find_classes(struct images_reading *reading) {
    const struct image_folder *folder = &reading->source.folder;
    const struct vocabulary *names = state_of(reading->reader)->names;
    for (int64_t k = 0; reading->with_targets && k < folder->n_classes; k++) {
        const char *name = folder->classes[k].name;
        reading->class_of_folder[k] = names == NULL ? -1 : vocabulary_find(names, name);
        if (reading->class_of_folder[k] < 0) {
            struct suggestion near = {0};
            for (int32_t i = 0; names != NULL && i < vocabulary_size(names); i++) {
                suggest(&near, name, vocabulary_word(names, i));
            }
            return errors_add_at(reading->errors, RONDO_INVALID, (struct location){.file = folder->path},
                                 "the folder '%.60s' is not among the classes of the training data%s", name,
                                 suggestion_text(&near).text);
        }
    }
    return RONDO_OK;
}

static rondo_status prepare(struct images_reading *reading) {
    const int64_t bytes = image_bytes(state_of(reading->reader)->form);
    reading->arena = arena_create();
    reading->pixels = arena_alloc(reading->arena, (size_t)bytes);
    reading->transposed = arena_alloc(reading->arena, (size_t)bytes);
    reading->class_of_folder =
        arena_calloc(reading->arena, (size_t)reading->source.folder.n_classes + 1, sizeof(int32_t));
    return arena_failed(reading->arena) ? errors_no_memory(reading->errors) : find_classes(reading);
}

static rondo_status add_image(struct images_reading *reading, int64_t index) {
    const struct images_state *state = state_of(reading->reader);
    const struct image_wanted wanted = wanted_of(reading->reader);
    struct image_item item;
    int32_t class_id = 0;
    RONDO_TRY(image_source_next(&reading->source, &wanted, reading->pixels, &item, reading->errors));
    if (reading->with_targets && reading->source.kind == IMAGES_OF_ARRAY) {
        RONDO_TRY(check_label(&reading->source, item.label, index, state->classes, reading->errors));
        class_id = (int32_t)item.label;
    } else if (reading->with_targets) {
        class_id = reading->class_of_folder[item.label];
    }
    const unsigned char *pixels = reading->pixels;
    if (options_of(reading->reader)->as == AS_COLUMNS) {
        image_transpose(reading->pixels, state->form, reading->transposed);
        pixels = reading->transposed;
    }
    const struct stream_part parts[] = {{pixels, elements_of(reading->reader)}, {&class_id, reading->with_targets}};
    RONDO_TRY(dataset_add(reading->dataset, parts, reading->errors));
    return reading->with_targets ? RONDO_OK : dataset_add_text(reading->dataset, item.name, reading->errors);
}

/* Continues after a picture that is damaged or has another size, so that the next ones are reported as well. */
static rondo_status read_images(struct images_reading *reading) {
    const struct image_source *source = &reading->source;
    const int is_folder = source->kind == IMAGES_OF_FOLDER;
    const int32_t before = reading->errors->count;
    RONDO_TRY(prepare(reading));
    for (int64_t i = 0; i < source->count && reading->errors->count - before < IMAGES_MOST_MISTAKES; i++) {
        const struct location where = {.file = is_folder ? source->folder.files[i].path : source->path->text};
        /* A picture may take long, so each is a step; an image of an array is not. */
        RONDO_TRY(is_folder ? reader_check_interrupt(reading->reader, 0, where, reading->errors)
                            : reader_advance(reading->reader, i, source->count, where, reading->errors));
        if (is_folder) {
            progress_report(&reading->reader->progress, source->path->text, (double)i / (double)source->count);
        }
        const rondo_status status = add_image(reading, i);
        if (status != RONDO_OK && (!is_folder || status != RONDO_INVALID)) {
            return status;
        }
    }
    return reading->errors->count > before ? RONDO_INVALID : image_source_finish(&reading->source, reading->errors);
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    for (int32_t i = 0; i < source->count; i += paths_of_source(source)) {
        struct images_reading reading = {
            .reader = reader, .with_targets = with_targets, .dataset = dataset, .errors = errors};
        rondo_status status =
            image_source_open(&reading.source, &source->paths[i], paths_of_source(source), with_targets, errors);
        if (status == RONDO_OK) {
            status = read_images(&reading);
        }
        image_source_close(&reading.source);
        arena_destroy(reading.arena);
        RONDO_TRY(status);
    }
    return RONDO_OK;
}

/* The name of the file, and then the usual form. */
static rondo_status render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    (void)reader;
    (void)errors;
    struct dataset bare = *prediction->dataset;
    struct reader_prediction rest = *prediction;
    if (bare.texts != NULL) {
        fields_text(fields, "image", bare.texts[prediction->example], 1);
    }
    bare.texts = NULL;
    rest.dataset = &bare;
    fields_of_prediction(&rest, fields);
    return RONDO_OK;
}

extern const struct reader_class reader_images;
const struct reader_class reader_images = {
    .name = "images",
    .summary = "images with a class each, from IDX or NumPy files, or folders of PNG and JPEG",
    .options = options_table,
    .options_size = sizeof(struct images_options),
    .flags = READER_BY_STREAM,
    .state_size = sizeof(struct images_state),
    .check = check,
    .learn = learn,
    .fits = fits,
    .describe = describe,
    .read = read,
    .render = render,
    .save = save,
    .load = load,
    .clear = clear};
