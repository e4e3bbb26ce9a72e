/* tests/test_embed.c: training, and a trained run, inside another program, which uses only the shared library and
 * rondo/rondo.h.
 *
 * The library is opened at run time, so that only its exported functions are used. Environment variables give its path,
 * the program that trains the run, and the folder of plug-ins: RONDO_SHARED, RONDO_PROGRAM, RONDO_PLUGIN_PATH.
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <dlfcn.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "rondo/rondo.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* The functions of rondo/rondo.h, as their own declarations have them. */
static struct {
    __typeof__(&rondo_version) version;
    __typeof__(&rondo_run_open) open;
    __typeof__(&rondo_run_open_best) open_best;
    __typeof__(&rondo_run_close) close;
    __typeof__(&rondo_run_outputs) outputs;
    __typeof__(&rondo_run_label) label;
    __typeof__(&rondo_run_predict) predict;
    __typeof__(&rondo_experiment_open) open_experiment;
    __typeof__(&rondo_experiment_close) close_experiment;
    __typeof__(&rondo_experiment_train) train;
    __typeof__(&rondo_experiment_folder) folder;
} api;

static char error[1024];

static void find(void *library, const char *name, void *function) {
    void *symbol = dlsym(library, name);
    ck_assert_msg(symbol != NULL, "the library has no %s", name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C has no cast from an object to a function */
}

static void load_library(void) {
    void *library = dlopen(variable("RONDO_SHARED"), RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    find(library, "rondo_version", &api.version);
    find(library, "rondo_run_open", &api.open);
    find(library, "rondo_run_open_best", &api.open_best);
    find(library, "rondo_run_close", &api.close);
    find(library, "rondo_run_outputs", &api.outputs);
    find(library, "rondo_run_label", &api.label);
    find(library, "rondo_run_predict", &api.predict);
    find(library, "rondo_experiment_open", &api.open_experiment);
    find(library, "rondo_experiment_close", &api.close_experiment);
    find(library, "rondo_experiment_train", &api.train);
    find(library, "rondo_experiment_folder", &api.folder);
}

static void train(const char *arguments) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
}

static void setup(void) {
    variable("RONDO_PLUGIN_PATH");
    load_library();
    sandbox_open();
    tiny_write();
    sandbox_write("numbers.tsv", "tea\t0.5\nlovely soup\t1\nawful soup\t-1\n");
    tiny_edit("numbers.yaml", "loss:", "loss: {plugin: squared_error}");
    train("train e.yaml --quiet --out run");
    train("train numbers.yaml --quiet --out numbers --set data.target=number --set data.train=numbers.tsv --set "
          "data.valid=numbers.tsv");
}

static rondo_run *open_run(const char *name, int32_t threads) {
    rondo_run *run = api.open(sandbox_path("%s", name), threads, error, sizeof error);
    ck_assert_msg(run != NULL, "%s", error);
    return run;
}

static const char *const texts[] = {"the soup was lovely",
                                    "",
                                    "awful",
                                    "words that nobody knows",
                                    "caf\xc3\xa9 \xe2\x82\xac 5",
                                    "tea tea tea tea tea tea tea tea cold"};
enum { TEXTS = sizeof texts / sizeof texts[0] };

START_TEST(version_is_that_of_the_build) {
    ck_assert_str_eq(api.version(), RONDO_VERSION);
}
END_TEST

START_TEST(labels_are_those_of_the_training_data) {
    rondo_run *run = open_run("run", 0);
    ck_assert_int_eq(api.outputs(run), 2);
    ck_assert_str_eq(api.label(run, 0), "great");
    ck_assert_str_eq(api.label(run, 1), "other");
    ck_assert_ptr_null(api.label(run, 2));
    ck_assert_ptr_null(api.label(run, -1));
    ck_assert_ptr_null(api.label(run, INT64_MAX));
    api.close(run);
    run = open_run("numbers", 0);
    ck_assert_int_eq(api.outputs(run), 1);
    ck_assert_ptr_null(api.label(run, 0));
    api.close(run);
}
END_TEST

/* The output of `rondo predict --json` for `texts`, one object per line. */
static const char *program_says(const char *arguments) {
    char input[1024] = "";
    for (int i = 0; i < TEXTS; i++) {
        snprintf(input + strlen(input), sizeof input - strlen(input), "%s\n", texts[i]);
    }
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = input});
    assert_status(arguments, &outcome, 0);
    return outcome.out;
}

START_TEST(predictions_are_those_of_the_program) {
    float predictions[2 * TEXTS];
    rondo_run *run = open_run("run", 0);
    ck_assert_int_eq(api.predict(run, texts, TEXTS, predictions, error, sizeof error), RONDO_OK);
    ck_assert_str_eq(error, "");
    char *lines = (char *)program_says("predict run --json");
    int i = 0;
    for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n"), i++) {
        json_t *object = json_loads(line, 0, NULL);
        const json_t *all = json_object_get(object, "probabilities");
        for (int64_t k = 0; k < 2; k++) {
            const double said = json_real_value(json_object_get(all, api.label(run, k)));
            ck_assert_double_eq_tol((double)predictions[2 * i + k], said, 1e-6);
        }
        json_decref(object);
    }
    ck_assert_int_eq(i, TEXTS);
    api.close(run);
}
END_TEST

START_TEST(numbers_are_those_of_the_program) {
    float predictions[TEXTS];
    rondo_run *run = open_run("numbers", 0);
    ck_assert_int_eq(api.predict(run, texts, TEXTS, predictions, error, sizeof error), RONDO_OK);
    char *lines = (char *)program_says("predict numbers");
    int i = 0;
    for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n"), i++) {
        ck_assert_double_eq_tol((double)predictions[i], strtod(line, NULL), 1e-5);
    }
    ck_assert_int_eq(i, TEXTS);
    api.close(run);
}
END_TEST

START_TEST(prediction_does_not_depend_on_the_others_nor_on_threads) {
    enum { MANY = 1000 }; /* several batches */
    static const char *many[MANY];
    static float together[2 * MANY], again[2 * MANY];
    for (int i = 0; i < MANY; i++) {
        many[i] = texts[(i * 7) % TEXTS];
    }
    rondo_run *run = open_run("run", 1), *other = open_run("run", 3);
    ck_assert_int_eq(api.predict(run, many, MANY, together, error, sizeof error), RONDO_OK);
    ck_assert_int_eq(api.predict(other, many, MANY, again, error, sizeof error), RONDO_OK);
    ck_assert_int_eq(memcmp(together, again, sizeof together), 0);
    for (int i = 0; i < TEXTS; i++) {
        float alone[2];
        ck_assert_int_eq(api.predict(run, &many[i], 1, alone, error, sizeof error), RONDO_OK);
        ck_assert_float_eq_tol(alone[0], together[2 * i], 1e-6f);
        ck_assert_float_eq_tol(alone[0] + alone[1], 1, 1e-5f);
    }
    api.close(run);
    api.close(other);
}
END_TEST

START_TEST(no_text_gives_no_prediction) {
    float prediction = 42;
    rondo_run *run = open_run("run", 0);
    ck_assert_int_eq(api.predict(run, texts, 0, &prediction, error, sizeof error), RONDO_OK);
    ck_assert_float_eq(prediction, 42);
    api.close(run);
}
END_TEST

/* ---- failures ---- */

START_TEST(bad_text_is_refused_and_the_run_goes_on) {
    const char *bad[] = {"tea", "caf\xc3", "soup"};
    float predictions[6] = {42, 42, 42, 42, 42, 42};
    rondo_run *run = open_run("run", 0);
    ck_assert_int_eq(api.predict(run, bad, 3, predictions, error, sizeof error), RONDO_INVALID);
    ck_assert_str_eq(error, "text 1 is not UTF-8 at byte 3");
    for (int i = 0; i < 6; i++) {
        ck_assert_float_eq(predictions[i], 42);
    }
    bad[1] = NULL;
    ck_assert_int_eq(api.predict(run, bad, 3, predictions, error, sizeof error), RONDO_INVALID);
    ck_assert_str_eq(error, "text 1 is NULL");
    ck_assert_int_eq(api.predict(run, bad, -1, predictions, error, sizeof error), RONDO_INVALID);
    ck_assert_str_eq(error, "count is negative");
    ck_assert_int_eq(api.predict(run, bad, 1, NULL, error, sizeof error), RONDO_INVALID);
    ck_assert_int_eq(api.predict(run, bad, 1, predictions, error, sizeof error), RONDO_OK);
    ck_assert_str_eq(error, "");
    api.close(run);
    ck_assert_ptr_null(api.open(NULL, 0, error, sizeof error));
    ck_assert_ptr_null(api.open("run", -1, error, sizeof error));
}
END_TEST

START_TEST(text_of_several_words_is_refused_where_the_model_takes_one) {
    train("train e.yaml --quiet --out one --set architecture=1:1 --set data.max_length=1");
    char *text = sandbox_read("one/experiment.yaml", NULL);
    memcpy(strstr(text, "max_length: 1"), "max_length: 0", 13);
    sandbox_write("one/experiment.yaml", text);
    const char *words[] = {"tea", "tea and soup"};
    float predictions[4];
    rondo_run *run = open_run("one", 0);
    ck_assert_int_eq(api.predict(run, words, 1, predictions, error, sizeof error), RONDO_OK);
    ck_assert_int_eq(api.predict(run, words, 2, predictions, error, sizeof error), RONDO_INVALID);
    assert_parts("predict", error, "example 2 has 3 inputs, expected one");
    api.close(run);
}
END_TEST

static const struct {
    const char *name, *file, *text; /* file NULL: there is no run; text NULL: the file is removed */
    const char *parts;
} damages[] = {
    {"no run", NULL, NULL, "is not the folder of a run: it has no experiment.yaml"},
    {"no experiment", "experiment.yaml", NULL, "is not the folder of a run: it has no experiment.yaml"},
    {"two mistakes", "experiment.yaml", "rondo: 1\nfirst: 1\nsecond: 2\n",
     ":2:1: unknown key 'first'|\n|:3:1: unknown key 'second'"},
    {"no vocabulary", "reader.json", NULL, "cannot read '|/reader.json': there is no such file"},
    {"no JSON", "reader.json", "{\"words\": ", "/reader.json:|not JSON: "},
    {"no weights", "weights.safetensors", NULL, "/weights.safetensors': No such file"},
    {"other weights", "weights.safetensors", "no weights", "/weights.safetensors: "},
};

START_TEST(run_that_is_damaged_is_refused) {
    if (damages[_i].file != NULL) {
        sandbox_copy("run", "damaged");
        sandbox_remove(sandbox_path("damaged/%s", damages[_i].file));
        if (damages[_i].text != NULL) {
            sandbox_write(sandbox_path("damaged/%s", damages[_i].file), damages[_i].text);
        }
    }
    ck_assert_ptr_null(api.open(sandbox_path("damaged"), 0, error, sizeof error));
    assert_parts(damages[_i].name, error, damages[_i].parts);
    if (damages[_i].file != NULL) {
        sandbox_remove("damaged");
    }
}
END_TEST

START_TEST(weights_are_chosen_by_a_metric_of_early_stopping) {
    rondo_run *run = api.open_best(sandbox_path("run"), "loss", 1, error, sizeof error);
    ck_assert_msg(run != NULL, "%s", error);
    api.close(run);
    ck_assert_ptr_null(api.open_best(sandbox_path("run"), "lose", 1, error, sizeof error));
    assert_parts("lose", error, "the run has no best weights by 'lose' (did you mean 'loss'?)");
}
END_TEST

START_TEST(error_is_cut_at_its_size) {
    for (size_t size = 1; size < 16; size++) {
        memset(error, '#', sizeof error);
        ck_assert_ptr_null(api.open("/nowhere", 0, error, size));
        ck_assert_uint_eq(strlen(error), size - 1);
        ck_assert_int_eq(strncmp(error, "'/nowhere' is no folder", size - 1), 0);
        ck_assert_int_eq(error[size], '#');
    }
    ck_assert_ptr_null(api.open("/nowhere", 0, NULL, 0));
}
END_TEST

START_TEST(nothing_is_closed_without_harm) {
    api.close(NULL);
    api.close_experiment(NULL);
}
END_TEST

/* ---- training ---- */

static const char *const more_epochs[] = {"schedule.epochs=4", "optimizer.lr=0.02", NULL};

static rondo_experiment *open_experiment(const char *const *assignments, int32_t threads) {
    rondo_experiment *experiment =
        api.open_experiment(sandbox_path("e.yaml"), assignments, threads, error, sizeof error);
    ck_assert_msg(experiment != NULL, "%s", error);
    ck_assert_str_eq(error, "");
    return experiment;
}

static void assert_same_weights(const char *run, const char *other) {
    size_t size, other_size;
    const char *bytes = sandbox_read(sandbox_path("%s/weights.safetensors", run), &size);
    const char *other_bytes = sandbox_read(sandbox_path("%s/weights.safetensors", other), &other_size);
    ck_assert_msg(size == other_size && memcmp(bytes, other_bytes, size) == 0, "'%s' and '%s' have other weights", run,
                  other);
}

START_TEST(training_gives_the_weights_of_the_program) {
    train("train e.yaml --quiet --out program --set schedule.epochs=4 --set optimizer.lr=0.02");
    rondo_experiment *experiment = open_experiment(more_epochs, 2);
    ck_assert_ptr_null(api.folder(experiment));
    for (int again = 0; again < 2; again++) {
        const char *name = again ? "trained-again" : "trained";
        ck_assert_msg(api.train(experiment, sandbox_path("%s", name), NULL, NULL, error, sizeof error) == RONDO_OK,
                      "%s", error);
        ck_assert_str_eq(api.folder(experiment), sandbox_path("%s", name));
        assert_same_weights("program", name);
    }
    rondo_run *run = api.open(api.folder(experiment), 0, error, sizeof error);
    api.close_experiment(experiment);
    float predictions[2 * TEXTS];
    ck_assert_msg(run != NULL, "%s", error);
    ck_assert_int_eq(api.predict(run, texts, TEXTS, predictions, error, sizeof error), RONDO_OK);
    api.close(run);
}
END_TEST

/* What a callback saw, and the number of calls after which it ends the training. */
struct watch {
    int stop_after, calls, epochs_ended, validations, bests;
    rondo_training last;
};

static int watch_training(void *arg, const rondo_training *training) {
    struct watch *watch = arg;
    watch->calls++;
    watch->epochs_ended += training->epoch_ended;
    watch->validations += training->validated;
    watch->bests += training->is_best;
    watch->last = *training;
    /* 24 examples in batches of 8. */
    ck_assert_uint_eq(training->struct_size, sizeof *training);
    ck_assert_int_eq(training->updates, 3);
    ck_assert_int_eq(training->epochs, 4);
    ck_assert_int_eq(training->total_updates, 3 * (training->epoch - 1) + training->update);
    ck_assert(training->loss > 0 && training->loss < 10 && training->seconds > 0);
    ck_assert_int_eq(training->epoch_ended, training->validated && training->update == training->updates);
    ck_assert(training->validated ? training->valid_loss > 0 : training->valid_loss != training->valid_loss);
    return watch->calls == watch->stop_after;
}

START_TEST(callback_sees_every_update_and_every_epoch) {
    struct watch watch = {0};
    rondo_experiment *experiment = open_experiment(more_epochs, 1);
    ck_assert_int_eq(api.train(experiment, sandbox_path("watched"), watch_training, &watch, error, sizeof error),
                     RONDO_OK);
    ck_assert_int_eq(watch.calls, 4 * (3 + 1));
    ck_assert_int_eq(watch.epochs_ended, 4);
    ck_assert_int_eq(watch.validations, 4);
    ck_assert_int_ge(watch.bests, 1);
    ck_assert_int_eq(watch.last.epoch, 4);
    assert_same_weights("watched", "watched"); /* they are there */
    api.close_experiment(experiment);
}
END_TEST

static const struct {
    int calls;
    const char *parts;
} stops[] = {
    {2, "interrupted in epoch 1, after step 2|the weights after step 2, in epoch 1, are in '"},
    {3, "the validation of epoch 1, after step 3|the weights of epoch 1 are in '"},
    {4, "interrupted in epoch 2, after step 3|the weights of epoch 1 are in '"},
    {6, "interrupted in epoch 2, after step 5|the weights of epoch 1 are in '"},
};

START_TEST(callback_ends_the_training_and_weights_are_left) {
    struct watch watch = {.stop_after = stops[_i].calls};
    float prediction[2];
    rondo_experiment *experiment = open_experiment(more_epochs, 1);
    ck_assert_int_eq(api.train(experiment, sandbox_path("stopped-%d", _i), watch_training, &watch, error, sizeof error),
                     RONDO_INTERRUPTED);
    assert_parts("stopped", error, stops[_i].parts);
    ck_assert_int_eq(watch.calls, stops[_i].calls);
    rondo_run *run = api.open(api.folder(experiment), 0, error, sizeof error);
    ck_assert_msg(run != NULL, "%s", error);
    ck_assert_int_eq(api.predict(run, texts, 1, prediction, error, sizeof error), RONDO_OK);
    api.close(run);
    api.close_experiment(experiment);
}
END_TEST

static const struct {
    const char *name, *file, *assignment, *parts;
} bad_experiments[] = {
    {"no file", NULL, NULL, "the file is NULL"},
    {"a file that is not there", "none.yaml", NULL, "none.yaml': there is no such file"},
    {"two mistakes", "e.yaml", "optimizer.rl=1", "unknown key 'rl' in optimizer (did you mean 'lr'?)"},
    {"data that is not there", "e.yaml", "data.train=none.tsv", "none.tsv': there is no such file"},
};

START_TEST(experiment_with_a_mistake_is_refused) {
    const char *const assignments[] = {bad_experiments[_i].assignment, NULL};
    const char *file = bad_experiments[_i].file == NULL ? NULL : sandbox_path("%s", bad_experiments[_i].file);
    ck_assert_ptr_null(api.open_experiment(file, assignments, 0, error, sizeof error));
    assert_parts(bad_experiments[_i].name, error, bad_experiments[_i].parts);
}
END_TEST

START_TEST(training_that_cannot_begin_leaves_nothing) {
    rondo_experiment *experiment = open_experiment(NULL, 1);
    const int before = sandbox_entries();
    ck_assert_int_eq(api.train(experiment, sandbox_path("run"), NULL, NULL, error, sizeof error), RONDO_INVALID);
    assert_parts("not empty", error, "exists and is not empty");
    ck_assert_ptr_null(api.folder(experiment));
    ck_assert_int_eq(sandbox_entries(), before);
    ck_assert_int_eq(api.train(experiment, sandbox_path("after-all"), NULL, NULL, error, sizeof error), RONDO_OK);
    assert_same_weights("run", "after-all");
    api.close_experiment(experiment);
}
END_TEST

static char experiment_file[1024]; /* a copy, because only one thread may use sandbox_path */

static void *train_one(void *arg) {
    const char *folder = arg;
    char own_error[256];
    rondo_experiment *experiment = api.open_experiment(experiment_file, NULL, 2, own_error, sizeof own_error);
    const int is_done =
        experiment != NULL && api.train(experiment, folder, NULL, NULL, own_error, sizeof own_error) == RONDO_OK;
    api.close_experiment(experiment);
    return is_done ? arg : NULL;
}

START_TEST(different_experiments_train_at_the_same_time) {
    enum { THREADS = 3 };
    char folders[THREADS][1024];
    pthread_t threads[THREADS];
    snprintf(experiment_file, sizeof experiment_file, "%s", sandbox_path("e.yaml"));
    for (int i = 0; i < THREADS; i++) {
        snprintf(folders[i], sizeof folders[i], "%s", sandbox_path("thread-%d", i));
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, train_one, folders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *done;
        ck_assert_int_eq(pthread_join(threads[i], &done), 0);
        ck_assert_ptr_nonnull(done);
        assert_same_weights("run", folders[i]);
    }
}
END_TEST

/* ---- threads ---- */

struct visitor {
    rondo_run *run;
    float first[2 * TEXTS];
    int differences;
};

static void *predict_often(void *arg) {
    struct visitor *visitor = arg;
    for (int round = 0; round < 50; round++) {
        float predictions[2 * TEXTS];
        char own_error[64];
        const rondo_status status = api.predict(visitor->run, texts, TEXTS, predictions, own_error, sizeof own_error);
        visitor->differences += status != RONDO_OK || memcmp(predictions, visitor->first, sizeof predictions) != 0;
    }
    return NULL;
}

START_TEST(different_runs_work_at_the_same_time) {
    enum { THREADS = 4 };
    static struct visitor visitors[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        visitors[i].run = open_run("run", 1 + i % 2);
        ck_assert_int_eq(api.predict(visitors[i].run, texts, TEXTS, visitors[i].first, error, sizeof error), RONDO_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, predict_often, &visitors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(visitors[i].differences, 0);
        ck_assert_int_eq(memcmp(visitors[i].first, visitors[0].first, sizeof visitors[0].first), 0);
        api.close(visitors[i].run);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("embed");
    TCase *cases = tcase_create("embed");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_test(cases, version_is_that_of_the_build);
    tcase_add_test(cases, labels_are_those_of_the_training_data);
    tcase_add_test(cases, predictions_are_those_of_the_program);
    tcase_add_test(cases, numbers_are_those_of_the_program);
    tcase_add_test(cases, prediction_does_not_depend_on_the_others_nor_on_threads);
    tcase_add_test(cases, no_text_gives_no_prediction);
    tcase_add_test(cases, bad_text_is_refused_and_the_run_goes_on);
    tcase_add_test(cases, text_of_several_words_is_refused_where_the_model_takes_one);
    tcase_add_loop_test(cases, run_that_is_damaged_is_refused, 0, ROWS(damages));
    tcase_add_test(cases, weights_are_chosen_by_a_metric_of_early_stopping);
    tcase_add_test(cases, error_is_cut_at_its_size);
    tcase_add_test(cases, nothing_is_closed_without_harm);
    tcase_add_test(cases, training_gives_the_weights_of_the_program);
    tcase_add_test(cases, callback_sees_every_update_and_every_epoch);
    tcase_add_loop_test(cases, callback_ends_the_training_and_weights_are_left, 0, ROWS(stops));
    tcase_add_loop_test(cases, experiment_with_a_mistake_is_refused, 0, ROWS(bad_experiments));
    tcase_add_test(cases, training_that_cannot_begin_leaves_nothing);
    tcase_add_test(cases, different_experiments_train_at_the_same_time);
    tcase_add_test(cases, different_runs_work_at_the_same_time);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
