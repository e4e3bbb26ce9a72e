/* data/readers/arrays.c: arrays that NumPy has written (.npz and .npy).
 *
 * data/array_set.h says which shapes are read. Numbers are inputs or targets as they are; whole numbers are symbols and
 * classes, by their type: an array of integers has ids, an array of floats has numbers. The sizes come from the training
 * files: the number of symbols and of classes is the largest id plus 1. Larger ids in other files are mistakes.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "data/array_set.h"

/* An id is a row of an embedding or an output of the model: a larger value is probably a number, or a mistake. */
enum { MOST_IDS = 10000000 };

enum { INPUT_AUTO, INPUT_SYMBOL, INPUT_NUMBER, INPUT_NONE };
enum { TARGET_AUTO, TARGET_CLASS, TARGET_NUMBER, TARGET_LIST };

struct arrays_options {
    int32_t input_is, target_is;
    int64_t symbols, classes; /* 0: the largest id plus 1 */
};

static const char *const input_kinds[] = {"auto", "symbol", "number", "none", NULL};
static const char *const target_kinds[] = {"auto", "class", "number", "list", NULL};

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(
        struct arrays_options, input_is, "auto", input_kinds,
        "symbol: whole numbers from 0, each with a vector of its own; number: numbers as they are; auto: "
        "symbol if the array has integers and at most two dimensions, else number; none: the model reads only "
        "its own targets"),
    RONDO_OPTION_CHOICE(
        struct arrays_options, target_is, "auto", target_kinds,
        "class: whole numbers from 0; number: numbers; list: a list of classes per example, which is not "
        "aligned with the steps; auto: list if there are target_lengths, class if the array has "
        "integers, else number"),
    RONDO_OPTION_INT(struct arrays_options, symbols, "0", 0, MOST_IDS,
                     "number of input symbols; 0: the largest one of the training files plus 1"),
    RONDO_OPTION_INT(struct arrays_options, classes, "0", 0, MOST_IDS,
                     "number of classes; 0: the number of class names or, without names, the largest class of the "
                     "training files plus 1"),
    RONDO_OPTION_END};

/* What is learned of a stream. */
struct arrays_form {
    int32_t is;        /* ARRAY_NUMBERS, ARRAY_IDS or ARRAY_LIST */
    int64_t size;      /* numbers of an element, or ids */
    int32_t has_steps; /* 0: one element per example */
    int32_t bytes;     /* numbers are stored as bytes, as in the file */
};
struct arrays_state {
    int32_t has_input;  /* 0: the model reads only its own targets (feedback) */
    int32_t has_weight; /* the training data have weights */
    struct arrays_form input, target;
    struct vocabulary *names; /* of the classes; NULL: none */
};

static const struct arrays_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct arrays_state *state_of(const struct reader *reader) {
    return reader->state;
}

/* ---- opening a set ---- */

/* The files of a source form one set if each has a stream; otherwise each is a set. */
static int32_t paths_of_set(const struct reader_source *source) {
    return source->paths[0].stream != NULL ? source->count : 1;
}

static int is_integer(const struct npy_array *array) {
    return array->kind == NPY_INTEGER || array->kind == NPY_UNSIGNED;
}

static int32_t input_form(const struct reader *reader, const struct npy_array *array) {
    const int32_t given = options_of(reader)->input_is;
    const int looks_like_symbols = is_integer(array) && array->n_dims <= 2;
    return given == INPUT_SYMBOL || (given == INPUT_AUTO && looks_like_symbols) ? ARRAY_IDS : ARRAY_NUMBERS;
}

static int32_t target_form(const struct reader *reader, const struct array_files *files) {
    const struct npy_array *array = &files->items[ARRAY_TARGET];
    switch (options_of(reader)->target_is) {
    case TARGET_CLASS:
        return ARRAY_IDS;
    case TARGET_NUMBER:
        return ARRAY_NUMBERS;
    case TARGET_LIST:
        return ARRAY_LIST;
    default:
        return files->has[ARRAY_TARGET_LENGTHS]               ? ARRAY_LIST
               : is_integer(array) || array->kind == NPY_BOOL ? ARRAY_IDS
                                                              : ARRAY_NUMBERS;
    }
}

static int is_bytes(const struct array_view *view) {
    return view->array->kind == NPY_BOOL || (view->array->kind == NPY_UNSIGNED && view->array->bytes == 1);
}

/* What is known of a stream before its ids have been read. */
static struct arrays_form form_of(int32_t is, const struct array_view *view, int64_t ids) {
    return (struct arrays_form){.is = is,
                                .size = is == ARRAY_NUMBERS ? view->size
                                        : ids > 0           ? ids
                                                            : MOST_IDS,
                                .has_steps = view->form != ARRAY_PER_EXAMPLE,
                                .bytes = is == ARRAY_NUMBERS && is_bytes(view)};
}

/* An array must have the form of that of the training files. */
static rondo_status check_form(const struct array_set *set, const struct array_view *view,
                               const struct arrays_form *form) {
    const struct npy_array *array = view->array;
    if (form->has_steps != (view->form != ARRAY_PER_EXAMPLE)) {
        return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                             "'%s' has the shape %s, expected %s, as in the training data", array->name,
                             npy_shape(array).text,
                             form->has_steps ? "an element for each step" : "one element for each example");
    }
    if (form->is == ARRAY_NUMBERS && view->size != form->size) {
        return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                             "'%s' has %lld numbers per step (shape %s), expected %lld, as in the training data",
                             array->name, (long long)view->size, npy_shape(array).text, (long long)form->size);
    }
    if (form->is == ARRAY_NUMBERS && form->bytes != is_bytes(view)) {
        return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                             "'%s' has the type '%s', expected %s, as in the training data", array->name, array->type,
                             form->bytes ? "bytes" : "no bytes");
    }
    return RONDO_OK;
}

/* Opens a set and relates its arrays to examples. `learned` 1: they must have the forms that were learned; 0: their forms
 * are found here. */
static rondo_status open_set(const struct reader *reader, const struct reader_path *paths, int32_t count,
                             int with_targets, int learned, struct arrays_state *state, struct array_set *set,
                             struct errors *errors) {
    struct array_files *files = &set->files;
    const int needs_target = with_targets || (learned && !state->has_input);
    const int needs_input = learned ? state->has_input : options_of(reader)->input_is != INPUT_NONE;
    const int wanted[ARRAY_ROLES] = {[ARRAY_INPUT] = needs_input,
                                     [ARRAY_TARGET] = needs_target,
                                     [ARRAY_LENGTHS] = 1,
                                     [ARRAY_TARGET_LENGTHS] = needs_target,
                                     [ARRAY_BEGIN] = 1,
                                     [ARRAY_WEIGHT] = with_targets,
                                     [ARRAY_CLASS_NAMES] = !learned};
    RONDO_TRY(array_files_open(files, paths, count, reader->columns, wanted, errors));
    if ((needs_input && !files->has[ARRAY_INPUT]) || (needs_target && !files->has[ARRAY_TARGET])) {
        return array_files_missing(files, paths, reader->columns,
                                   needs_input && !files->has[ARRAY_INPUT] ? ARRAY_INPUT : ARRAY_TARGET);
    }
    if (learned && files->has[ARRAY_WEIGHT] && !state->has_weight) {
        return errors_add_at(
            errors, RONDO_INVALID, files->items[ARRAY_WEIGHT].where,
            "'%s' is there, and the first arrays of the training data have none; expected weights there "
            "too, such as 1 for each example",
            files->items[ARRAY_WEIGHT].name);
    }
    const int32_t input_is = learned                   ? state->input.is
                             : files->has[ARRAY_INPUT] ? input_form(reader, &files->items[ARRAY_INPUT])
                                                       : ARRAY_NUMBERS;
    const int32_t target_is = learned ? state->target.is : target_form(reader, files);
    RONDO_TRY(array_set_make(set, input_is, target_is));
    if (!learned) {
        state->has_input = set->input.array != NULL;
        state->has_weight = files->has[ARRAY_WEIGHT];
        state->input =
            state->has_input ? form_of(input_is, &set->input, options_of(reader)->symbols) : (struct arrays_form){0};
        state->target = form_of(target_is, &set->target, options_of(reader)->classes);
    }
    RONDO_TRY(set->input.array == NULL ? RONDO_OK : check_form(set, &set->input, &state->input));
    return set->target.array == NULL ? RONDO_OK : check_form(set, &set->target, &state->target);
}

/* ---- elements ---- */

/* Memory for the elements of one example, in the form that the dataset takes. */
struct arrays_buffer {
    void *values;
    int64_t capacity; /* bytes */
};

static void *buffer_for(struct arrays_buffer *buffer, struct array_set *set, int64_t elements) {
    const int64_t needed = elements * (int64_t)sizeof(float);
    if (buffer->capacity < needed || buffer->values == NULL) {
        buffer->capacity = 2 * needed + 64;
        buffer->values = arena_alloc(set->files.arena, (size_t)buffer->capacity);
    }
    return buffer->values;
}

static const char *expected_id(const struct array_set *set, const struct array_view *view,
                               const struct arrays_form *form) {
    const int is_input = view == &set->input;
    const long long last = (long long)form->size - 1;
    const char *text = form->size == MOST_IDS
                           ? arena_printf(set->files.arena, "a %s from 0 to %lld", is_input ? "symbol" : "class", last)
                           : arena_printf(set->files.arena, "one of the %lld %s, from 0 to %lld", last + 1,
                                          is_input ? "symbols" : "classes", last);
    return text == NULL ? "an id" : text;
}

/* 1 if a number of an array of ids is STREAM_NO_TARGET: in targets at every step, -1 or NaN. */
static int is_no_target(const struct array_set *set, const struct array_view *view, const struct arrays_form *form,
                        double number) {
    return view == &set->target && form->is == ARRAY_IDS && view->form != ARRAY_PER_EXAMPLE &&
           (isnan(number) || number == -1);
}

/* Converts the ids of an example, which are in set->numbers. *most becomes the largest of all so far. */
static void convert_ids(struct array_set *set, const struct array_view *view, const struct arrays_form *form,
                        int64_t example, int32_t *ids, int64_t *most) {
    const int64_t steps = array_set_steps(set, view, example);
    for (int64_t step = 0; step < steps && set->mistakes < ARRAY_SET_MOST_MISTAKES; step++) {
        const double number = set->numbers[step];
        if (is_no_target(set, view, form, number)) {
            ids[step] = STREAM_NO_TARGET;
        } else if (number >= 0 && number < (double)form->size && number == floor(number)) {
            ids[step] = (int32_t)number;
            *most = ids[step] > *most ? ids[step] : *most;
        } else {
            array_set_report(set, view, example, step, 0, expected_id(set, view, form));
        }
    }
}

/* 1 if all numbers of a target are missing; only of targets at every step. */
static int is_missing(const struct array_set *set, const struct array_view *view, const double *numbers) {
    int is_nan = view == &set->target && view->form != ARRAY_PER_EXAMPLE;
    for (int64_t k = 0; k < view->size && is_nan; k++) {
        is_nan = isnan(numbers[k]);
    }
    return is_nan;
}

/* Converts the numbers of an example, which are in set->numbers, to floats, or to bytes. */
static void convert_numbers(struct array_set *set, const struct array_view *view, const struct arrays_form *form,
                            int64_t example, float *floats, unsigned char *bytes) {
    const int64_t steps = array_set_steps(set, view, example);
    for (int64_t step = 0; step < steps && set->mistakes < ARRAY_SET_MOST_MISTAKES; step++) {
        const double *numbers = set->numbers + step * view->size;
        const int may_be_nan = is_missing(set, view, numbers);
        for (int64_t k = 0; k < view->size && set->mistakes < ARRAY_SET_MOST_MISTAKES; k++) {
            if (form->bytes) {
                bytes[step * view->size + k] = (unsigned char)numbers[k];
                continue;
            }
            floats[step * view->size + k] = (float)numbers[k];
            if (!isfinite((float)numbers[k]) && !may_be_nan) {
                array_set_report(set, view, example, step, k,
                                 isfinite(numbers[k]) ? "a number that 32 bits hold" : "a finite number");
            }
        }
    }
}

/* The elements of an example as a part of a dataset; mistakes are reported and counted. */
static rondo_status read_part(struct array_set *set, const struct array_view *view, const struct arrays_form *form,
                              int64_t example, struct arrays_buffer *buffer, struct stream_part *part) {
    const int64_t steps = array_set_steps(set, view, example);
    void *values = buffer_for(buffer, set, steps * view->size);
    if (values == NULL) {
        return errors_no_memory(set->files.errors);
    }
    array_set_copy(set, view, example);
    if (form->is == ARRAY_NUMBERS) {
        convert_numbers(set, view, form, example, values, values);
    } else {
        int64_t most = 0;
        convert_ids(set, view, form, example, values, &most);
    }
    *part = (struct stream_part){values, steps};
    return RONDO_OK;
}

/* ---- learning ---- */

/* Reads all ids of a set: the number of ids is the largest plus 1. */
static rondo_status learn_ids(const struct reader *reader, struct array_set *set, const struct array_view *view,
                              const struct arrays_form *form, int64_t *most) {
    struct arrays_buffer buffer = {0};
    if (view->array == NULL || form->is == ARRAY_NUMBERS) {
        return RONDO_OK;
    }
    for (int64_t i = 0; i < set->examples && set->mistakes < ARRAY_SET_MOST_MISTAKES; i++) {
        RONDO_TRY(reader_advance(reader, i, set->examples, set->files.where, set->files.errors));
        int32_t *ids = buffer_for(&buffer, set, array_set_steps(set, view, i));
        if (ids == NULL) {
            return errors_no_memory(set->files.errors);
        }
        array_set_copy(set, view, i);
        convert_ids(set, view, form, i, ids, most);
    }
    return set->mistakes > 0 ? RONDO_INVALID : RONDO_OK;
}

static rondo_status learn_names(const struct reader *reader, const struct array_files *files,
                                struct arrays_state *state, struct errors *errors) {
    const struct npy_array *array = &files->items[ARRAY_CLASS_NAMES];
    if (!files->has[ARRAY_CLASS_NAMES] || state->target.is == ARRAY_NUMBERS) {
        return RONDO_OK;
    }
    if (!npy_is_text(array) || array->n_dims != 1 || array->elements < 1 || array->elements > MOST_IDS) {
        return errors_add_at(errors, RONDO_INVALID, array->where,
                             "'%s' has the shape %s and the type '%s', expected a text for each class", array->name,
                             npy_shape(array).text, array->type);
    }
    const int64_t classes = options_of(reader)->classes;
    if (classes > 0 && classes != array->elements) {
        return errors_add_at(errors, RONDO_INVALID, array->where, "'%s' has %lld names, expected data.classes, %lld",
                             array->name, (long long)array->elements, (long long)classes);
    }
    state->names = vocabulary_create();
    for (int64_t i = 0; i < array->elements && state->names != NULL; i++) {
        const char *name = npy_text(array, i * array->stride[0], files->arena);
        const int32_t id = name == NULL ? -1 : vocabulary_count(state->names, name);
        if (id < 0) {
            return errors_no_memory(errors);
        }
        if (id != i || name[0] == '\0') {
            return errors_add_at(errors, RONDO_INVALID, array->where,
                                 "'%s'[%lld] is '%.60s', expected texts that differ and are not empty", array->name,
                                 (long long)i, name);
        }
    }
    state->target.size = array->elements;
    return state->names == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status learn_set(struct reader *reader, const struct reader_source *source, int32_t index, int64_t most[2],
                              struct errors *errors) {
    struct arrays_state *state = state_of(reader);
    struct array_set set = {0};
    rondo_status status =
        open_set(reader, &source->paths[index], paths_of_set(source), 1, index > 0, state, &set, errors);
    if (status == RONDO_OK && index == 0) {
        status = learn_names(reader, &set.files, state, errors);
    }
    if (status == RONDO_OK) {
        status = learn_ids(reader, &set, &set.input, &state->input, &most[0]);
    }
    if (status == RONDO_OK) {
        status = learn_ids(reader, &set, &set.target, &state->target, &most[1]);
    }
    array_files_close(&set.files);
    return status;
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    struct arrays_state *state = state_of(reader);
    int64_t most[2] = {0, 0}; /* the largest symbol and class */
    for (int32_t i = 0; i < source->count; i += paths_of_set(source)) {
        RONDO_TRY(learn_set(reader, source, i, most, errors));
    }
    struct arrays_form *forms[] = {&state->input, &state->target};
    for (int i = 0; i < 2; i++) {
        if (forms[i]->is != ARRAY_NUMBERS && forms[i]->size == MOST_IDS) {
            forms[i]->size = most[i] + 1;
        }
    }
    return state->target.is == ARRAY_IDS && state->target.size < 2
               ? errors_add_at(errors, RONDO_INVALID, (struct location){.file = source->paths[0].text},
                               "every target is class 0, expected at least two classes")
               : RONDO_OK;
}

static void clear(struct reader *reader) {
    vocabulary_destroy(state_of(reader)->names);
    state_of(reader)->names = NULL;
}

/* ---- JSON: {"input": {"is": "numbers", "size": 12, "has_steps": true, "bytes": false}, "target": …, "class_names": […]} ---- */

static const char *const form_names[] = {[ARRAY_NUMBERS] = "numbers", [ARRAY_IDS] = "ids", [ARRAY_LIST] = "list", NULL};

static json_t *form_json(const struct arrays_form *form) {
    return json_pack("{s:s, s:I, s:b, s:b}", "is", form_names[form->is], "size", (json_int_t)form->size, "has_steps",
                     (int)form->has_steps, "bytes", (int)form->bytes);
}

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    const struct arrays_state *state = state_of(reader);
    const int failed =
        (state->has_input && json_object_set_new(object, "input", form_json(&state->input)) != 0) ||
        json_object_set_new(object, "target", form_json(&state->target)) != 0 ||
        json_object_set_new(object, "has_weight", json_boolean(state->has_weight)) != 0 ||
        (state->names != NULL && json_object_set_new(object, "class_names", vocabulary_json(state->names)) != 0);
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status load_form(const struct json_t *object, const char *key, const char *file, struct arrays_form *form,
                              struct errors *errors) {
    const json_t *member = json_object_get(object, key);
    const char *is = json_string_value(json_object_get(member, "is"));
    *form = (struct arrays_form){.size = json_integer_value(json_object_get(member, "size")),
                                 .has_steps = json_is_true(json_object_get(member, "has_steps")),
                                 .bytes = json_is_true(json_object_get(member, "bytes"))};
    while (is != NULL && form_names[form->is] != NULL && strcmp(form_names[form->is], is) != 0) {
        form->is++;
    }
    return is != NULL && form_names[form->is] != NULL && form->size >= 1
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: '%s' must have 'is' (numbers, ids or list) and 'size' (from 1)",
                            file, key);
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct arrays_state *state = state_of(reader);
    state->has_input = json_object_get(object, "input") != NULL;
    state->has_weight = json_is_true(json_object_get(object, "has_weight"));
    RONDO_TRY(state->has_input ? load_form(object, "input", file, &state->input, errors) : RONDO_OK);
    RONDO_TRY(load_form(object, "target", file, &state->target, errors));
    if (json_object_get(object, "class_names") == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(vocabulary_from_json(object, "class_names", file, &state->names, errors));
    return vocabulary_size(state->names) == state->target.size
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: 'class_names' must have a name for each of %lld classes", file,
                            (long long)state->target.size);
}

/* ---- reading ---- */

static struct stream *describe_stream(struct dataset *dataset, const char *name, const struct arrays_form *form,
                                      struct errors *errors) {
    const int32_t kind = form->is == ARRAY_NUMBERS ? STREAM_REAL : form->is == ARRAY_IDS ? STREAM_CLASS : STREAM_LIST;
    const int32_t store = kind != STREAM_REAL ? STORE_I32 : form->bytes ? STORE_U8 : STORE_F32;
    return dataset_stream(dataset, name, kind, store, form->size, errors);
}

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct arrays_state *state = state_of(reader);
    if (state->has_input && describe_stream(dataset, "input", &state->input, errors) == NULL) {
        return errors->status;
    }
    struct stream *target = describe_stream(dataset, "target", &state->target, errors);
    if (target == NULL) {
        return errors->status;
    }
    target->names = state->names;
    const int has_weight =
        !state->has_weight || dataset_stream(dataset, "weight", STREAM_REAL, STORE_F32, 1, errors) != NULL;
    return has_weight ? RONDO_OK : errors->status;
}

static rondo_status read_weight(struct array_set *set, int64_t example, float *weight, struct stream_part *part) {
    const struct npy_array *array = &set->files.items[ARRAY_WEIGHT];
    if (!set->files.has[ARRAY_WEIGHT]) {
        *part = (struct stream_part){NULL, 0};
        return RONDO_OK;
    }
    if (npy_is_text(array) || array->n_dims != 1 || array->shape[0] != set->examples) {
        set->mistakes = ARRAY_SET_MOST_MISTAKES;
        return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                             "'%s' has the shape %s and the type '%s', expected one number for each of %lld examples",
                             array->name, npy_shape(array).text, array->type, (long long)set->examples);
    }
    double number;
    npy_numbers(array, example * array->stride[0], 1, 1, &number);
    *weight = (float)number;
    *part = (struct stream_part){weight, 1};
    if (!isfinite(*weight) || number < 0) {
        const struct array_view view = {.array = array, .size = 1, .example_stride = array->stride[0]};
        return array_set_report(set, &view, example, 0, 0, "a number from 0");
    }
    return RONDO_OK;
}

static rondo_status read_example(struct array_set *set, const struct arrays_state *state, int64_t example,
                                 int with_targets, struct arrays_buffer buffers[2], struct dataset *dataset) {
    struct stream_part parts[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}}, *next = parts;
    float weight = 1;
    if (state->has_input) {
        RONDO_TRY(read_part(set, &set->input, &state->input, example, &buffers[0], next++));
    }
    if (with_targets) {
        RONDO_TRY(read_part(set, &set->target, &state->target, example, &buffers[1], next));
        const rondo_status status = read_weight(set, example, &weight, next + 1);
        if (status != RONDO_OK && status != RONDO_INVALID) {
            return status;
        }
    }
    /* After a mistake the dataset will not be used: the rest is only read to find more mistakes. */
    return set->mistakes > 0 ? RONDO_OK : dataset_add(dataset, parts, set->files.errors);
}

static rondo_status read_set(const struct reader *reader, struct array_set *set, int with_targets,
                             struct dataset *dataset) {
    struct arrays_buffer buffers[2] = {{0}, {0}};
    for (int64_t i = 0; i < set->examples && set->mistakes < ARRAY_SET_MOST_MISTAKES; i++) {
        RONDO_TRY(reader_advance(reader, i, set->examples, set->files.where, set->files.errors));
        RONDO_TRY(read_example(set, state_of(reader), i, with_targets, buffers, dataset));
    }
    return set->mistakes > 0 ? RONDO_INVALID : RONDO_OK;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    for (int32_t i = 0; i < source->count; i += paths_of_set(source)) {
        struct array_set set = {0};
        rondo_status status =
            open_set(reader, &source->paths[i], paths_of_set(source), with_targets, 1, state_of(reader), &set, errors);
        status = status == RONDO_OK ? read_set(reader, &set, with_targets, dataset) : status;
        array_files_close(&set.files);
        RONDO_TRY(status);
    }
    return RONDO_OK;
}

/* Arrays whose forms cannot fit, whatever the lengths of the examples. */
static rondo_status fits(const struct reader *reader, struct architecture architecture, struct location where,
                         struct errors *errors) {
    const struct arrays_state *state = state_of(reader);
    const struct arrays_form *input = &state->input, *target = &state->target;
    const char *const at_once = "the architecture takes input only at the first step";
    if (state->has_input && !architecture.input_every_step && input->has_steps) {
        return input->is == ARRAY_IDS
                   ? errors_add_at(errors, RONDO_INVALID, where,
                                   "'input' has a symbol at each step, since its elements are integers, and %s; "
                                   "'data.input_is: number' reads each row as numbers",
                                   at_once)
                   : errors_add_at(errors, RONDO_INVALID, where,
                                   "'input' has numbers at each step, [examples, steps, numbers], and %s; expected "
                                   "[examples, numbers], such as x.reshape(len(x), -1)",
                                   at_once);
    }
    if (state->has_input && architecture.input_every_step && !input->has_steps) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "'input' has one element for each example, and the architecture takes input at every "
                             "step; expected [examples, steps, numbers], such as x[:, :, None] for a number at each "
                             "step of an x of two dimensions");
    }
    if (architecture.output_every_step && target->is != ARRAY_LIST && !target->has_steps) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "'target' has one element for each example, and the architecture gives an output at every "
                             "step; expected %s",
                             target->is == ARRAY_IDS ? "[examples, steps]"
                                                     : "[examples, steps, numbers], such as y[:, :, None] for a number "
                                                       "at each step of a y of two dimensions");
    }
    return RONDO_OK;
}

extern const struct reader_class reader_arrays;
const struct reader_class reader_arrays = {
    .name = "arrays",
    .summary = "arrays of numbers or symbols, from NumPy's .npz or .npy files",
    .options = options_table,
    .options_size = sizeof(struct arrays_options),
    .columns = array_column_keys,
    .flags = READER_SEQUENCES | READER_BY_STREAM,
    .state_size = sizeof(struct arrays_state),
    .target_as = {[STREAM_CLASS] = "target_is: class", [STREAM_REAL] = "target_is: number"},
    .learn = learn,
    .fits = fits,
    .describe = describe,
    .read = read,
    .save = save,
    .load = load,
    .clear = clear};
