/* data/readers/arrays.c: which elements an example gets from arrays of every form, what is learned from the training files,
 * and what is refused where. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "array_goldens.h"
#include "reader_fixture.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct reader_fixture fixture;
static struct array_goldens goldens;

static void setup(void) {
    reader_fixture_open(&fixture);
    array_goldens_open(&goldens, fixture.arena);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

/* Writes the files of "a.npz" or "input=x.npy target=y.npy" to the folder of the fixture; those that are not among the
 * goldens are left out. */
static void store(const char *names) {
    char *text = arena_strdup(fixture.arena, names);
    for (char *rest, *item = strtok_r(text, " ", &rest); item != NULL; item = strtok_r(NULL, " ", &rest)) {
        const char *equals = strchr(item, '='), *name = equals == NULL ? item : equals + 1;
        size_t length;
        if (strcmp(name, "missing.npy") != 0) {
            const unsigned char *bytes = array_goldens_file(&goldens, name, fixture.arena, &length);
            reader_fixture_write(&fixture, name, bytes, length);
        }
    }
}

static void make(const char *options, const char *columns) {
    reader_fixture_columns(&fixture, columns);
    reader_fixture_make(&fixture, "arrays", options);
}

static rondo_status learn(const char *names) {
    store(names);
    return reader_fixture_learn(&fixture, names, 0, 0);
}

static struct dataset *read_files(const char *names, int with_targets) {
    store(names);
    return reader_fixture_read(&fixture, names, PART_TRAIN, with_targets);
}

/* A stream of all examples: "1 2; 3; "; "none" without the stream. */
static const char *show(const struct dataset *dataset, const char *stream, int is_named) {
    const char *text = "";
    for (int64_t i = 0; dataset_find(dataset, stream) != NULL && i < dataset->count; i++) {
        text = arena_printf(fixture.arena, "%s%s; ", text, reader_fixture_show(&fixture, dataset, stream, i, is_named));
    }
    return dataset_find(dataset, stream) == NULL ? "none" : text;
}

static const struct {
    const char *options, *columns, *files;
    const char *input, *target, *weight;
} good[] = {
    /* Padded, with lengths: what is after a length is not read, here NaN. */
    {"", NULL, "padded.npz", "0,1 2,3; 6,7 8,9 10,11; 12,13; ", "0; 2; 1; ", "none"},
    {"", NULL, "padded_other.npz", "0,1 2,3; 6,7 8,9 10,11; 12,13; ", "0; 2; 1; ", "none"},
    {"", "input=X target=y", "renamed.npz", "6,7 8,9 10,11; 12,13 14,15 16,17; ", "2; 1; ", "none"},
    {"", "input=X target=y lengths=labels", "renamed.npz", "6,7; 12,13; ", "2; 1; ", "none"},
    /* Two files are one after the other. */
    {"", NULL, "padded.npz padded_other.npz", "0,1 2,3; 6,7 8,9 10,11; 12,13; 0,1 2,3; 6,7 8,9 10,11; 12,13; ",
     "0; 2; 1; 0; 2; 1; ", "none"},
    /* Whole numbers are symbols and classes; per step, -1 is no target. */
    {"", NULL, "per_step.npz", "3 1 0; 2 2 1; ", "- 0 1; 2 - 0; ", "0.5; 2; "},
    {"target_is=class", NULL, "nan_classes.npz", "0 1 2; ", "0 - 1; ", "none"},
    {"target_is=number", NULL, "one_class.npz", "0,1 2,3 4,5; 6,7 8,9 10,11; ", "0; 0; ", "none"},
    /* One after the other, with and without lengths. */
    {"", NULL, "packed.npz", "0,1 2,3; 4,5 6,7 8,9; ", "0.5,1 -; 1,2 3,4 5,6; ", "none"},
    {"", NULL, "packed_lengths.npz", "6,7 8,9; 0,1 2,3 4,5; 2,3; ", "1; 0; 1; ", "none"},
    {"", NULL, "packed_symbols.npz", "0 1 2 3; 4; ", "0 1 0 1; 1; ", "none"},
    /* Lists; bytes are numbers if they have three dimensions. */
    {"", NULL, "lists.npz", "0,1 2,3 4,5; 6,7 8,9 10,11; ", "2; 0 1; ", "none"},
    {"", NULL, "one_to_many.npz", "1; 0; ", "1 2 3; 4 5; ", "none"},
    {"", NULL, "one_to_one.npz", "0,1; 2,3; 4,5; ", "10,11; 12,13; 14,15; ", "none"},
    {"", NULL, "single_numbers.npz", "0; 1; 2; ", "1; 0; 1; ", "none"},
    {"input_is=none", NULL, "targets.npz", "none", "0 1 2; 2 1; ", "none"},
    {"", NULL, "zip64.npz", "0,1 2,3; 4,5 6,7; ", "1; 0; ", "none"},
    /* A file for each array. */
    {"", NULL, "input=x.npy target=y.npy", "0,1 2,3; 4,5 6,7; ", "1; 0; ", "none"},
    {"", NULL, "input=x_2.npy target=y_numbers.npy lengths=lengths.npy", "0,1; 4,5 6,7; ", "0.25; -4; ", "none"},
    {"", NULL, "target=y.npy input=x_3.npy", "0,1 2,3; 4,5 6,7; ", "1; 0; ", "none"},
    {"", NULL, "input=symbols.npy target=y.npy", "0 3; 1 1; ", "1; 0; ", "none"},
    {"input_is=number", NULL, "input=symbols.npy target=y.npy", "0,3; 1,1; ", "1; 0; ", "none"},
};

START_TEST(examples_get_their_elements) {
    make(good[_i].options, good[_i].columns);
    ck_assert_msg(learn(good[_i].files) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = read_files(good[_i].files, 1);
        ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(show(dataset, "input", 0), good[_i].input);
        ck_assert_str_eq(show(dataset, "target", 0), good[_i].target);
        ck_assert_str_eq(show(dataset, "weight", 0), good[_i].weight);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

static const struct {
    const char *options, *files;
    const char *stream;
    int32_t kind, store;
    int64_t size;
} learned[] = {
    {"", "padded.npz", "input", STREAM_REAL, STORE_F32, 2},
    {"", "padded.npz", "target", STREAM_CLASS, STORE_I32, 3},
    {"", "per_step.npz", "input", STREAM_CLASS, STORE_I32, 4},
    {"symbols=9", "per_step.npz", "input", STREAM_CLASS, STORE_I32, 9},
    {"", "symbols.npz new_symbol.npz", "input", STREAM_CLASS, STORE_I32, 5}, /* the largest of all files */
    {"classes=5", "per_step.npz", "target", STREAM_CLASS, STORE_I32, 5},
    {"", "packed.npz", "target", STREAM_REAL, STORE_F32, 2},
    {"", "lists.npz", "input", STREAM_REAL, STORE_U8, 2},
    {"", "lists.npz", "target", STREAM_LIST, STORE_I32, 3}, /* the padding is not counted */
    {"classes=7", "lists.npz", "target", STREAM_LIST, STORE_I32, 7},
    {"", "single_numbers.npz", "target", STREAM_CLASS, STORE_I32, 2},
    {"", "one_to_many.npz", "target", STREAM_REAL, STORE_F32, 1},
};

START_TEST(sizes_come_from_the_training_files) {
    make(learned[_i].options, NULL);
    ck_assert_msg(learn(learned[_i].files) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
        ck_assert_ptr_nonnull(dataset);
        const struct stream *stream = dataset_find(dataset, learned[_i].stream);
        ck_assert_ptr_nonnull(stream);
        ck_assert_int_eq(stream->kind, learned[_i].kind);
        ck_assert_int_eq(stream->store, learned[_i].store);
        ck_assert_int_eq(stream->size, learned[_i].size);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

START_TEST(classes_have_the_names_of_the_file) {
    make("", NULL);
    ck_assert_int_eq(learn("padded.npz"), RONDO_OK);
    reader_fixture_reload(&fixture);
    struct dataset *dataset = read_files("padded.npz", 1);
    ck_assert_str_eq(show(dataset, "target", 1), "low; höch; mid; ");
    dataset_destroy(dataset);
}
END_TEST

/* A larger id of another part of the training file is none of another size: the file decides. */
START_TEST(the_largest_class_may_be_in_another_part_of_the_training_file) {
    make("", NULL);
    store("padded.npz");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "padded.npz", 0.34, 0.34), RONDO_OK);
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    ck_assert_int_eq(dataset_find(dataset, "target")->size, 3);
    dataset_destroy(dataset);
}
END_TEST

/* For prediction, only what the model sees is read. */
static const struct {
    const char *options, *training, *files;
    const char *input;
} predicted[] = {
    {"", "padded.npz", "padded.npz", "0,1 2,3; 6,7 8,9 10,11; 12,13; "},
    {"", "padded.npz", "x.npy", "0,1 2,3; 4,5 6,7; "},
    {"", "padded.npz", "input=x.npy lengths=lengths.npy target=missing.npy", "0,1; 4,5 6,7; "},
    {"", "per_step.npz", "symbols.npy", "0 3; 1 1; "},
    {"", "one_to_many.npz", "one_to_many.npz", "1; 0; "},
    {"", "good.npz", "no_target.npz", "0,1 2,3 4,5; 6,7 8,9 10,11; "},
    {"", "good.npz", "negative.npz", "0,1 2,3 4,5; 6,7 8,9 10,11; "},
};

START_TEST(predictions_need_no_targets) {
    make(predicted[_i].options, NULL);
    ck_assert_int_eq(learn(predicted[_i].training), RONDO_OK);
    struct dataset *dataset = read_files(predicted[_i].files, 0);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    ck_assert_str_eq(show(dataset, "input", 0), predicted[_i].input);
    ck_assert_int_eq(dataset_find(dataset, "target")->length[0], 0);
    dataset_destroy(dataset);
}
END_TEST

/* '%' is the path of the file; `other` NULL: the training file is at fault. */
static const struct {
    const char *options, *columns, *training, *other, *fault;
    const char *expected;
} bad[] = {
    {"", NULL, "input=cut.npy target=y.npy", NULL, "cut.npy",
     "%: 'input' is cut short: the shape (2, 2, 2) of type '<f4' does not fit into the 27 bytes after its header"},
    {"", NULL, "input=cut_header.npy target=y.npy", NULL, "cut_header.npy", "%: 'input' is cut short: it has 40 bytes"},
    {"", NULL, "input=cut_magic.npy target=y.npy", NULL, "cut_magic.npy", "%: 'input' is cut short: it has 7 bytes"},
    {"", NULL, "input=longer.npy target=y.npy", NULL, "longer.npy",
     "%: 'input' has 8 bytes after an array of the shape (2, 2, 2), expected one array"},
    {"", NULL, "input=version.npy target=y.npy", NULL, "version.npy",
     "%: 'input' has the version 9 of NumPy's format, expected 1, 2 or 3"},
    {"", NULL, "input=huge.npy target=y.npy", NULL, "huge.npy",
     "%: 'input' is cut short: the shape (1152921504606846976, 2, 2) of type '<f4' does not fit into the 32 bytes "
     "after its header"},
    {"", NULL, "input=overflow.npy target=y.npy", NULL, "overflow.npy",
     "%: 'input' is cut short: the shape (9999999999, 9999999999, 2) of type '<f4' does not fit into the 32 bytes "
     "after its header"},
    {"", NULL, "input=endless.npy target=y.npy", NULL, "endless.npy",
     "%: 'input' is cut short: the shape (9223372036854775807, 2, 2) of type '<f4' does not fit into the 32 bytes "
     "after its header"},
    {"", NULL, "input=header.npy target=y.npy", NULL, "header.npy",
     "%: 'input' has a header that cannot be read, expected a type, an order and a shape of at most 8 dimensions"},
    {"", NULL, "input=object.npy target=y.npy", NULL, "object.npy",
     "%: 'input' is an array of Python objects, which only Python can read; expected an array of numbers. Rows of "
     "different lengths are padded to one length, with their lengths in an array of their own"},
    {"", NULL, "input=complex.npy target=y.npy", NULL, "complex.npy",
     "%: 'input' has the type '<c16', expected integers, booleans, or floats of 2, 4 or 8 bytes"},
    {"", NULL, "input=date.npy target=y.npy", NULL, "date.npy",
     "%: 'input' has the type '<M8[s]', expected integers, booleans, or floats of 2, 4 or 8 bytes"},
    {"", NULL, "input=fields.npy target=y.npy", NULL, "fields.npy",
     "%: 'input' is an array with fields, expected an array of numbers"},
    {"", NULL, "input=text.npy target=y.npy", NULL, "text.npy",
     "%: 'input' is an array of texts, expected numbers; numpy.unique(…, return_inverse=True) gives each text a "
     "number"},
    {"", NULL, "input=four.npy target=y.npy", NULL, "four.npy",
     "%: 'input' has the shape (2, 2, 2, 2), expected [examples, steps, numbers] or [examples, numbers]"},
    {"", NULL, "input=nine.npy target=y.npy", NULL, "nine.npy",
     "%: 'input' has a header that cannot be read, expected a type, an order and a shape of at most 8 dimensions"},
    {"", NULL, "input=no_array.npy target=y.npy", NULL, "no_array.npy",
     "%: 'input' is not an array in NumPy's format, as numpy.save and numpy.savez write it"},
    {"", NULL, "cut.npz", NULL, "cut.npz", "%: a damaged zip archive: it has no list of members, so it is cut short"},
    {"", NULL, "empty.npz", NULL, "empty.npz",
     "%: there is no array 'input'; it has no arrays; data.columns.input names another one"},
    {"", NULL, "encrypted.npz", NULL, "encrypted.npz",
     "%: member 'input.npy' is encrypted, expected a stored or deflated one"},
    {"", NULL, "method.npz", NULL, "method.npz",
     "%: member 'input.npy' is compressed by another method, expected a stored or deflated one"},
    {"", NULL, "checksum.npz", NULL, "checksum.npz", "%: a damaged zip archive: the checksum of a member is wrong"},
    {"", NULL, "packed_size.npz", NULL, "packed_size.npz",
     "%: a damaged zip archive: a member claims more bytes than the file has"},
    {"", NULL, "unpacked_size.npz", NULL, "unpacked_size.npz",
     "%: a damaged zip archive: a member claims more bytes than the file has"},
    {"", NULL, "smaller_size.npz", NULL, "smaller_size.npz", "%: a damaged zip archive: a member cannot be unpacked"},
    {"", NULL, "place.npz", NULL, "place.npz", "%: a damaged zip archive: the header of a member is missing"},
    {"", NULL, "directory.npz", NULL, "directory.npz",
     "%: a damaged zip archive: its list of members does not fit into the file"},
    {"", NULL, "deflate.npz", NULL, "deflate.npz", "%: a damaged zip archive: a member cannot be unpacked"},
    {"", NULL, "examples.npz", NULL, "examples.npz",
     "%: 'target' has the shape (3,), expected 2 examples, as in 'input'"},
    {"", NULL, "no_examples.npz", NULL, "no_examples.npz",
     "%: 'input' has the shape (0, 3, 2), expected at least one example"},
    {"", NULL, "no_numbers.npz", NULL, "no_numbers.npz",
     "%: 'input' has the shape (2, 3, 0), expected at least one step and one number"},
    {"", NULL, "dims.npz", NULL, "dims.npz",
     "%: 'input' has the shape (2, 3, 2, 2), expected [examples, steps, numbers] or [examples, numbers]"},
    {"input_is=symbol", NULL, "symbol_dims.npz", NULL, "symbol_dims.npz",
     "%: 'input' has the shape (2, 3, 2), expected [examples, steps] or [examples]"},
    {"", NULL, "scalar.npz", NULL, "scalar.npz",
     "%: 'target' has the shape (), expected [examples, steps] or [examples]"},
    {"", NULL, "steps.npz", NULL, "steps.npz",
     "%: 'target' has the shape (2, 4), expected targets for 3 steps, as in 'input'"},
    {"", NULL, "one_step.npz", NULL, "one_step.npz",
     "%: 'target' has the shape (2, 1), expected targets for 3 steps, as in 'input', or one for each example, of the "
     "shape [examples]"},
    {"", NULL, "length_zero.npz", NULL, "length_zero.npz",
     "%: 'lengths'[1] is 0, expected a number of steps from 1 to 3"},
    {"", NULL, "length_long.npz", NULL, "length_long.npz",
     "%: 'lengths'[0] is 4, expected a number of steps from 1 to 3"},
    {"", NULL, "length_half.npz", NULL, "length_half.npz",
     "%: 'lengths'[0] is 1.5, expected a number of steps from 1 to 3"},
    {"", NULL, "length_shape.npz", NULL, "length_shape.npz",
     "%: 'lengths' has the shape (1, 2) and the type '<i8', expected one whole number for each of 2 examples"},
    {"", NULL, "length_count.npz", NULL, "length_count.npz",
     "%: 'lengths' has the shape (3,) and the type '<i8', expected one whole number for each of 2 examples"},
    {"", NULL, "length_unused.npz", NULL, "length_unused.npz",
     "%: 'lengths' is given, but no array has steps; a sequence of single numbers has the shape [examples, steps, 1]"},
    {"", NULL, "nan.npz", NULL, "nan.npz",
     "%: 'input'[1, 2, 0] (example 1, step 2, counted from 0) is nan, expected a finite number"},
    {"", NULL, "inf.npz", NULL, "inf.npz",
     "%: 'input'[0, 1, 1] (example 0, step 1, counted from 0) is -inf, expected a finite number"},
    {"", NULL, "large.npz", NULL, "large.npz",
     "%: 'input'[0, 0, 1] (example 0, step 0, counted from 0) is 1e+300, expected a number that 32 bits hold"},
    {"", NULL, "many.npz", NULL, "many.npz",
     "%: 'input'[0, 0, 0] (example 0, step 0, counted from 0) is nan, expected a finite number"},
    {"", NULL, "negative.npz", NULL, "negative.npz",
     "%: 'target'[1] (example 1, counted from 0) is -1, expected a class from 0 to 9999999"},
    {"target_is=class", NULL, "half.npz", NULL, "half.npz",
     "%: 'target'[0] (example 0, counted from 0) is 0.5, expected a class from 0 to 9999999"},
    {"", NULL, "one_class.npz", NULL, "one_class.npz", "%: every target is class 0, expected at least two classes"},
    {"", NULL, "sparse.npz", NULL, "sparse.npz",
     "%: 'target'[1] (example 1, counted from 0) is 1099511627776, expected a class from 0 to 9999999"},
    {"", NULL, "symbol.npz", NULL, "symbol.npz",
     "%: 'input'[1, 0] (example 1, step 0, counted from 0) is -1, expected a symbol from 0 to 9999999"},
    {"", NULL, "nan_target.npz", NULL, "nan_target.npz",
     "%: 'target'[1] (example 1, counted from 0) is nan, expected a finite number"},
    {"", NULL, "half_missing.npz", NULL, "half_missing.npz",
     "%: 'target'[1, 1, 1] (example 1, step 1, counted from 0) is nan, expected a finite number"},
    {"", NULL, "begin_large.npz", NULL, "begin_large.npz",
     "%: 'begin'[1] is 5, expected the first step of an example, from 0 to 4"},
    {"", NULL, "begin_order.npz", NULL, "begin_order.npz",
     "%: 'begin'[0] is not before the next entry, so example 0 has no steps; expected ascending numbers, or an array "
     "of lengths"},
    {"", NULL, "begin_length.npz", NULL, "begin_length.npz",
     "%: example 1 (counted from 0) begins at step 4 and has 2 steps, but the arrays end at 5"},
    {"input_is=none", NULL, "begin_targets.npz", NULL, "begin_targets.npz",
     "%: 'target' has the shape (2, 2), expected a target for each step of all examples, one after the other, or for "
     "each example"},
    {"", NULL, "begin_steps.npz", NULL, "begin_steps.npz",
     "%: 'target' has the shape (2, 3), expected a target for each step of all examples, as the input has, or for each "
     "example"},
    {"", NULL, "list_lengths.npz", NULL, "list_lengths.npz",
     "%: 'target_lengths'[1] is 3, expected a length of a list from 0 to 2"},
    {"", NULL, "list_dims.npz", NULL, "list_dims.npz",
     "%: 'target' has the shape (2,), expected [examples, longest list]"},
    {"", NULL, "weight.npz", NULL, "weight.npz",
     "%: 'weight'[1] (example 1, counted from 0) is -0.5, expected a number from 0"},
    {"", NULL, "weight_shape.npz", NULL, "weight_shape.npz",
     "%: 'weight' has the shape (2, 3) and the type '<f8', expected one number for each of 2 examples"},
    {"", NULL, "names_twice.npz", NULL, "names_twice.npz",
     "%: 'class_names'[1] is 'a', expected texts that differ and are not empty"},
    {"", NULL, "names_empty.npz", NULL, "names_empty.npz",
     "%: 'class_names'[1] is '', expected texts that differ and are not empty"},
    {"", NULL, "names_numbers.npz", NULL, "names_numbers.npz",
     "%: 'class_names' has the shape (2,) and the type '<i8', expected a text for each class"},
    {"", NULL, "no_target.npz", NULL, "no_target.npz",
     "%: there is no array 'target'; it has 'input', 'y', 'lengths'; data.columns.target names another one"},
    {"classes=2", NULL, "names_few.npz", NULL, "names_few.npz",
     "%: 'class_names' has 1 names, expected data.classes, 2"},
    {"", NULL, "names_few.npz", NULL, "names_few.npz",
     "%: 'target'[1] (example 1, counted from 0) is 1, expected one of the 1 classes, from 0 to 0"},
    {"target_is=list", NULL, "good.npz", NULL, "good.npz",
     "%: 'target' has the shape (2,), expected [examples, longest list]"},
    {"target_is=list", NULL, "steps.npz", NULL, "steps.npz",
     "%: targets that are lists need an array 'target_lengths' with the length of each"},
    {"", "input=imput", "good.npz", NULL, "good.npz",
     "experiment.yaml:4:9: '%' has no array 'imput' (did you mean 'input'?); it has 'input', 'target'"},
    {"", NULL, "x.npy", NULL, "x.npy",
     "experiment.yaml:3:9: '%' has only one array; expected an .npz file, or a file for each array: {input: FILE, "
     "target: FILE}"},
    {"", NULL, "input=x.npy", NULL, "x.npy", "experiment.yaml:3:9: there is no file for the array 'target'"},
    {"", NULL, "input=x.npy targets=y.npy", NULL, "x.npy",
     "experiment.yaml:3:9: unknown array 'targets' (did you mean 'target'?), expected input, target, lengths, "
     "target_lengths, begin, weight or class_names"},
    {"", NULL, "input=missing.npy target=y.npy", NULL, "missing.npy",
     "experiment.yaml:3:9: cannot read '%': there is no such file"},
    {"", NULL, "none.npz", NULL, "none.npz", "experiment.yaml:3:9: cannot read '%': there is no such file"},
    {"input_is=symbol", NULL, "input=y_numbers.npy target=y.npy", NULL, "y_numbers.npy",
     "%: 'input'[0] (example 0, counted from 0) is 0.25, expected a symbol from 0 to 9999999"},
    {"classes=1", NULL, "good.npz", NULL, "good.npz",
     "%: 'target'[1] (example 1, counted from 0) is 1, expected one of the 1 classes, from 0 to 0"},
    {"symbols=3", NULL, "symbols.npz", NULL, "symbols.npz",
     "%: 'input'[0, 1] (example 0, step 1, counted from 0) is 3, expected one of the 3 symbols, from 0 to 2"},
    {"", NULL, "good.npz", "new_class.npz", "new_class.npz",
     "%: 'target'[1] (example 1, counted from 0) is 2, expected one of the 2 classes, from 0 to 1"},
    {"", NULL, "good.npz", "wider.npz", "wider.npz",
     "%: 'input' has 3 numbers per step (shape (2, 3, 3)), expected 2, as in the training data"},
    {"", NULL, "good.npz", "bytes.npz", "bytes.npz",
     "%: 'input' has the type '|u1', expected no bytes, as in the training data"},
    {"", NULL, "bytes.npz", "good.npz", "good.npz",
     "%: 'input' has the type '<f4', expected bytes, as in the training data"},
    {"", NULL, "symbols.npz", "new_symbol.npz", "new_symbol.npz",
     "%: 'input'[1, 0] (example 1, step 0, counted from 0) is 4, expected one of the 4 symbols, from 0 to 3"},
    {"", NULL, "symbols.npz", "good.npz", "good.npz",
     "%: 'input' has the shape (2, 3, 2), expected [examples, steps] or [examples]"},
    {"", NULL, "good.npz", "symbols.npz", "symbols.npz",
     "%: 'input' has the shape (2, 2), expected an element for each step, as in the training data"},
    {"", NULL, "good.npz", "nan.npz", "nan.npz",
     "%: 'input'[1, 2, 0] (example 1, step 2, counted from 0) is nan, expected a finite number"},
    {"", NULL, "good.npz", "no_target.npz", "no_target.npz",
     "%: there is no array 'target'; it has 'input', 'y', 'lengths'; data.columns.target names another one"},
    {"", NULL, "good.npz weight.npz", NULL, "weight.npz",
     "%: 'weight' is there, and the first arrays of the training data have none; expected weights there too, such as 1 "
     "for each example"},
    {"", NULL, "good.npz", "weight.npz", "weight.npz",
     "%: 'weight' is there, and the first arrays of the training data have none; expected weights there too, such as 1 "
     "for each example"},
    {"", NULL, "good.npz wider.npz", NULL, "wider.npz",
     "%: 'input' has 3 numbers per step (shape (2, 3, 3)), expected 2, as in the training data"},
};

START_TEST(bad_files_are_refused_where_the_mistake_is) {
    make(bad[_i].options, bad[_i].columns);
    if (strcmp(bad[_i].fault, "none.npz") != 0) {
        store(bad[_i].training);
    }
    const rondo_status status = reader_fixture_learn(&fixture, bad[_i].training, 0, 0);
    ck_assert_msg(bad[_i].other == NULL || status == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    if (status == RONDO_OK) { /* numbers are looked at when they are read */
        struct dataset *dataset = read_files(bad[_i].other == NULL ? bad[_i].training : bad[_i].other, 1);
        ck_assert_ptr_null(dataset);
    }
    ck_assert_str_eq(errors_text(&fixture.errors, 0), reader_fixture_expect(&fixture, bad[_i].expected, bad[_i].fault));
}
END_TEST

START_TEST(ten_mistakes_of_a_file_are_reported) {
    make("", NULL);
    ck_assert_int_eq(learn("many.npz"), RONDO_OK);
    ck_assert_ptr_null(read_files("many.npz", 1));
    ck_assert_int_eq(fixture.errors.count, 10);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("arrays");
    TCase *cases = tcase_create("arrays");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, examples_get_their_elements, 0, ROWS(good));
    tcase_add_loop_test(cases, sizes_come_from_the_training_files, 0, ROWS(learned));
    tcase_add_test(cases, classes_have_the_names_of_the_file);
    tcase_add_test(cases, the_largest_class_may_be_in_another_part_of_the_training_file);
    tcase_add_loop_test(cases, predictions_need_no_targets, 0, ROWS(predicted));
    tcase_add_loop_test(cases, bad_files_are_refused_where_the_mistake_is, 0, ROWS(bad));
    tcase_add_test(cases, ten_mistakes_of_a_file_are_reported);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
