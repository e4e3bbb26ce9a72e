/* Runs on images, through the command: every form of them trains on both engines, with the same bits on any number of threads, and
 * predicts; what cannot be read is refused with exit status 2. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "array_goldens.h"
#include "sandbox.h"
#include "suite.h"

static struct arena *arena;
static struct array_goldens goldens;

static void store(const char *name, const char *golden) {
    size_t length;
    const unsigned char *bytes = array_goldens_file(&goldens, golden, arena, &length);
    sandbox_write_bytes(name, bytes, length);
}

/* Three arrays of images and their labels, a folder with two classes, one whose pictures have different sizes, and one with a
 * class that is empty but for a hidden file. */
static void setup(void) {
    static const char *const arrays[] = {"images.gz", "images.npy", "images_rgb.npy", "labels.npy"};
    arena = arena_create();
    array_goldens_open_list(&goldens, "pictures.txt", arena);
    for (int i = 0; i < ROWS(arrays); i++) {
        store(arrays[i], arrays[i]);
    }
    store("d/cats/1.png", "interlaced.png");
    store("d/cats/2.jpg", "progressive.jpg");
    store("d/dogs/1.jpg", "rgb.jpg");
    store("d/dogs/2.jpg", "grey.jpg");
    store("sizes/cats/1.png", "grey.png");
    store("sizes/dogs/1.png", "larger.png");
    store("damaged/cats/1.png", "grey.png");
    store("damaged/dogs/1.png", "cut.png");
    store("hollow/cats/1.png", "grey.png");
    store("hollow/dogs/.hidden", "grey.png");
    store("bare/.hidden", "grey.png");
}

static void teardown(void) {
    arena_destroy(arena);
}

static void write_experiment(const char *architecture, const char *data, const char *model) {
    char text[1000];
    snprintf(text, sizeof text,
             "rondo: 1\n"
             "architecture: \"%s\"\n"
             "data: {reader: images, %s}\n"
             "model: {%slayers: [{cell: gru, hidden: 4}]}\n"
             "loss: {plugin: softmax_cross_entropy}\n"
             "optimizer: {plugin: adam, lr: 0.05}\n"
             "schedule: {epochs: 3, batch: 2, seed: 1}\n",
             architecture, data, model);
    sandbox_write("e.yaml", text);
}

static struct outcome run(const char *arguments) {
    return sandbox_run((struct call){.arguments = arguments});
}

static const struct {
    const char *architecture, *data, *model, *predicted;
    const char *lines; /* of the prediction: how they begin, separated by '|' */
} runs[] = {
    {"N:1", "train: {input: images.gz, target: labels.npy}, as: rows, shift: 1", "", "images.npy",
     "images.npy:0\t|images.npy:1\t|images.npy:2\t"},
    {"N:1", "train: {input: images.npy, target: labels.npy}, as: columns, flip: true, names: 'a, b, c'", "",
     "images.gz", "images.gz:0\t|images.gz:1\t|images.gz:2\t"},
    {"N:1", "train: {input: images_rgb.npy, target: labels.npy}, as: pixels", "", "images_rgb.npy",
     "images_rgb.npy:0\t|images_rgb.npy:1\t|images_rgb.npy:2\t"},
    {"1:1", "train: {input: images.gz, target: labels.npy}, as: vector, shift: 1, flip: true", "steps: 3, ",
     "images.npy", "images.npy:0\t|images.npy:1\t|images.npy:2\t"},
    {"N:1", "train: d, colour: grey, shift: 1", "", "d", "d/cats/1.png\t|d/cats/2.jpg\t|d/dogs/1.jpg\t|d/dogs/2.jpg\t"},
    {"N:1", "train: d", "", "d/dogs/2.jpg", "d/dogs/2.jpg\t"},
    {"N:1", "train: sizes, size: [3, 3]", "", "damaged/cats/1.png", "damaged/cats/1.png\t"},
};

/* Trains into the folder `name`; the weights. */
static const char *train(const char *name, const char *flags, size_t *size) {
    char arguments[200];
    snprintf(arguments, sizeof arguments, "train e.yaml --out %s --quiet%s", name, flags);
    const struct outcome trained = run(arguments);
    assert_status(arguments, &trained, 0);
    return sandbox_read(arena_printf(arena, "%s/weights.safetensors", name), size);
}

START_TEST(images_of_every_form_train_and_predict) {
    char arguments[200];
    size_t one, three, tape;
    write_experiment(runs[_i].architecture, runs[_i].data, runs[_i].model);
    const char *weights = train("run", " --threads 1", &one);
    const char *others = train("threads", " --threads 3", &three);
    ck_assert_uint_eq(one, three);
    ck_assert_mem_eq(weights, others, one);
    train("tape", " --engine tape", &tape);
    ck_assert_uint_eq(one, tape);
    snprintf(arguments, sizeof arguments, "predict run %s", runs[_i].predicted);
    const struct outcome predicted = run(arguments);
    assert_status(runs[_i].data, &predicted, 0);
    const char *line = predicted.out;
    char *expected = arena_strdup(arena, runs[_i].lines);
    for (char *rest, *begin = strtok_r(expected, "|", &rest); begin != NULL; begin = strtok_r(NULL, "|", &rest)) {
        ck_assert_msg(strncmp(line, begin, strlen(begin)) == 0, "%s", predicted.out);
        line += strcspn(line, "\n") + 1;
    }
    ck_assert_msg(*line == '\0', "%s", predicted.out);
    sandbox_remove("run");
    sandbox_remove("threads");
    sandbox_remove("tape");
}
END_TEST

static const struct {
    const char *architecture, *data;
    const char *parts; /* of the message */
} misfits[] = {
    {"N:1", "train: {input: labels.npy, target: labels.npy}",
     "labels.npy: the images have the shape [3], expected [images, height, width] or"},
    {"N:1", "train: {input: images.gz, target: images.gz}", "images.gz: the labels are of the type 'unsigned bytes'"},
    {"N:1", "train: sizes", "sizes/dogs/1.png: 3 x 4 pixels (height x width), and |'data.size: [2, 3]' resizes"},
    {"N:1", "train: damaged", "damaged/dogs/1.png: a damaged PNG file: "},
    {"N:1", "train: hollow", "hollow/dogs: the class 'dogs' has no pictures"},
    {"N:1", "train: nothing", "e.yaml:3:|cannot read |there is no such file"},
    {"N:1", "train: d, as: vector",
     "e.yaml:3:|'data.as: vector' gives the whole image at once, and the architecture takes input at every step"},
    {"1:1", "train: d, as: rows", "e.yaml:3:|'data.as: rows' gives the image in steps"},
    {"N:N", "train: d", "e.yaml:3:|an image has one class, and the architecture gives an output at every step"},
    {"N:1", "train: d, as: row", "e.yaml:3:|'as' is 'row', expected one of |(did you mean 'rows'?)"},
    {"N:1", "train: d, size: 28", "e.yaml:3:|'size'"},
    {"N:1", "train: d, size: 0", "e.yaml:3:40: 'size' is 0, expected [height, width]: integers in [1, 32768]"},
    {"N:1", "train: d, size: [30000, 30000]",
     "e.yaml:3:40: 'size' is [30000, 30000], and an image has 2700000000 bytes then, expected at most 1073741824"},
    {"N:1", "train: d, size: [8, 9], shift: 8",
     "e.yaml:3:55: 'shift' is 8, expected less than the sides of the images, 8 x 9 pixels"},
    {"N:1", "train: d, size: [28]", "e.yaml:3:|'size' has 1 number, expected [height, width]"},
    {"N:1", "train: d, window: 2", "e.yaml:3:|unknown key 'window' in data"},
};

START_TEST(images_that_cannot_be_read_are_refused) {
    write_experiment(misfits[_i].architecture, misfits[_i].data, "");
    const struct outcome refused = run("train e.yaml --out run --quiet");
    assert_status(misfits[_i].parts, &refused, 2);
    assert_parts(misfits[_i].parts, refused.err, misfits[_i].parts);
    ck_assert(!sandbox_has("run"));
}
END_TEST

/* The labels are 0, 1 and 2 of 3 images; a part of the files may be without pictures of a class. */
static const struct {
    const char *data, *parts;
} checked[] = {
    {"train: d", "images of 9 x 11 pixels (height x width), in colour\n"},
    {"train: d, colour: grey, size: [5, 6]", "input: 5 elements |images of 5 x 6 pixels (height x width), grey\n"},
    {"train: d, valid: {last: 0.75}", "\nclasses without a training example: dogs\n"},
    {"train: {input: images.gz, target: labels.npy}, names: 'a, b, c, d, e'",
     "one of 5 classes\nclasses without a training example: d, e\n"},
};

START_TEST(check_says_what_images_are_and_which_classes_are_never_trained) {
    write_experiment("N:1", checked[_i].data, "");
    const struct outcome outcome = run("check e.yaml");
    assert_status(checked[_i].data, &outcome, 0);
    assert_parts(checked[_i].data, outcome.out, checked[_i].parts);
}
END_TEST

START_TEST(predicting_what_is_no_image_is_refused) {
    size_t size;
    write_experiment("N:1", "train: {input: images.gz, target: labels.npy}", "");
    train("run", "", &size);
    static const struct {
        const char *file, *parts;
    } files[] = {
        {"e.yaml",
         "e.yaml: an unknown format, expected a PNG or JPEG file, a folder of them, or images in an IDX file"},
        {"labels.npy", "labels.npy: the images have the shape [3], expected [images, height, width] or"},
        {"d", "d/cats/1.png: 9 x 11 pixels (height x width), and the training images have 2 x 2"},
        {"damaged/dogs/1.png", "damaged/dogs/1.png: a damaged PNG file: "},
        {"nothing.png", "cannot read 'nothing.png': there is no such file"},
        {"bare", "bare: the folder is empty, expected PNG and JPEG files"},
    };
    for (int i = 0; i < ROWS(files); i++) {
        const struct outcome refused = run(arena_printf(arena, "predict run %s", files[i].file));
        assert_status(files[i].file, &refused, 2);
        assert_parts(files[i].file, refused.err, files[i].parts);
    }
    sandbox_remove("run");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("image_runs");
    TCase *cases = add_case(suite, "image_runs", 120, setup, teardown);
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, images_of_every_form_train_and_predict, 0, ROWS(runs));
    tcase_add_loop_test(cases, images_that_cannot_be_read_are_refused, 0, ROWS(misfits));
    tcase_add_loop_test(cases, check_says_what_images_are_and_which_classes_are_never_trained, 0, ROWS(checked));
    tcase_add_test(cases, predicting_what_is_no_image_is_refused);
    return run_suite(suite);
}
