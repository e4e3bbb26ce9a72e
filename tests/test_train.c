/* tests/test_train.c: tasks and the training of an experiment, through the library. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"
#include "train/run_record.h"
#include "train/train.h"

static struct errors errors;
static struct session *session;

static void open_sandbox(void) {
    sandbox_open();
    tiny_write();
}

static void setup(void) {
    const struct session_settings settings = {.threads = 1};
    session = session_create(&settings, &errors);
    ck_assert_msg(session != NULL, "%s", errors_text(&errors, 0));
}

static void teardown(void) {
    session_destroy(session);
    errors_free(&errors);
}

static struct experiment *load(const char *const *assignments) {
    struct experiment *experiment = experiment_load(sandbox_path("e.yaml"), assignments, session, &errors);
    ck_assert_msg(experiment != NULL, "%s", errors_text(&errors, 0));
    return experiment;
}

/* The data are missing; or the data are read, and then the network is refused. */
static const char *const unfit[][2] = {{"data.valid=none.tsv", NULL}, {"schedule.warmup={epochs: 99}", NULL}};

START_TEST(a_task_that_fails_leaves_its_arguments_to_the_caller) {
    struct experiment *experiment = load(unfit[_i]);
    json_t *learned = json_pack("{s:[s],s:[s,s]}", "words", "<unk>", "labels", "great", "other");
    ck_assert_ptr_nonnull(learned);
    ck_assert_ptr_null(task_create(experiment, session, TASK_TRAIN | TASK_VALID, learned, "reader.json", &errors));
    ck_assert_int_gt(errors.count, 0);
    ck_assert_ptr_null(task_create(experiment, session, TASK_TRAIN | TASK_VALID, NULL, NULL, &errors));
    ck_assert_str_eq(experiment->name, "tiny");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(learned, "labels"), 1)), "other");
    experiment_destroy(experiment);
    json_decref(learned);
}
END_TEST

/* Changes of an experiment after which a second task uses the data of the first, or reads its own. */
static const struct {
    const char *assignment;
    int is_shared;
} sharings[] = {
    {"model.layers.0.hidden=3", 1}, {"schedule.seed=5", 1},  {"schedule.batch=7", 1},
    {"optimizer.lr=0.5", 1},        {"data.min_count=2", 0}, {"data.header=true", 0},
};

START_TEST(tasks_of_the_same_data_share_them) {
    const char *const changes[] = {sharings[_i].assignment, NULL};
    struct task *donor = task_create_sharing(load(NULL), session, NULL, &errors);
    ck_assert_msg(donor != NULL && !donor->data.is_shared, "%s", errors_text(&errors, 0));
    struct task *task = task_create_sharing(load(changes), session, donor, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(task->data.train == donor->data.train, sharings[_i].is_shared);
    ck_assert_int_eq(task->data.is_shared, sharings[_i].is_shared);
    task_destroy(task);
    ck_assert_int_gt(donor->data.train->count, 0); /* still there */
    task_destroy(donor);
}
END_TEST

/* ---- memory ---- */

/* Sixteen layers of 65536 take terabytes, which no machine has that runs tests; one of 4096 takes more than 1 GiB of
 * addresses. */
static const struct {
    const char *layers;
    rlim_t addresses; /* RLIM_INFINITY: not limited */
    const char *parts;
} large[] = {
    {"model.layers=[{cell: lstm, hidden: 65536, count: 16}]", RLIM_INFINITY,
     "--set model.layers=|training this model takes at least 19172.9 GB of memory: 4260.7 GB| for the gradients of 1 "
     "part of a batch, |which is physical memory and swap"},
    {"model.layers=[{cell: gru, hidden: 8192}]", (rlim_t)1 << 30,
     "training this model takes at least 7.3 GB of memory: 1.6 GB for the parameters and the best ones so "
     "far, 80| MB for the gradients of 1 part of a batch, 1.6 GB for the optimizer, 3.2 GB for the checkpoint that is "
     "written; expected at most 1.1 GB, which is the limit on addresses"},
};

START_TEST(a_model_that_no_memory_holds_is_refused_before_anything_is_allocated) {
    const char *const assignments[] = {large[_i].layers, NULL};
    const struct train_observer observer = {0};
    struct train_result result;
    struct task *task = task_open(sandbox_path("e.yaml"), assignments, session, TASK_TRAIN | TASK_VALID, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    if (large[_i].addresses != RLIM_INFINITY && !has_address_limits()) {
        task_destroy(task);
        return;
    }
    limit.rlim_cur = large[_i].addresses < limit.rlim_cur ? large[_i].addresses : limit.rlim_cur;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(train_experiment(task, sandbox_path("large"), &observer, &result, &errors), RONDO_INVALID);
    assert_parts("error", errors_text(&errors, 0), large[_i].parts);
    for (int32_t p = 0; p < model_parameter_count(network_model(task->network)); p++) {
        ck_assert_ptr_null(model_parameters(network_model(task->network))[p].value.data);
    }
    ck_assert(!sandbox_has("large"));
    task_destroy(task);
}
END_TEST

/* ---- weights of examples ---- */

START_TEST(examples_that_all_have_the_weight_0_are_refused) {
    const struct train_observer observer = {0};
    struct train_result result;
    struct task *task = task_open(sandbox_path("e.yaml"), NULL, session, TASK_TRAIN | TASK_VALID, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    struct dataset *data = dataset_create(&errors);
    dataset_stream(data, "input", STREAM_CLASS, STORE_I32, 20, &errors);
    dataset_stream(data, "target", STREAM_CLASS, STORE_I32, 2, &errors);
    dataset_stream(data, "weight", STREAM_REAL, STORE_F32, 1, &errors);
    static const int32_t words[] = {1, 2}, label = 0;
    const float weight = _i == 0 ? 0 : 0.5F, zero = 0;
    const struct stream_part first[] = {{words, 2}, {&label, 1}, {&weight, 1}};
    const struct stream_part second[] = {{words, 2}, {&label, 1}, {&zero, 1}};
    ck_assert_int_eq(dataset_add(data, second, &errors), RONDO_OK);
    ck_assert_int_eq(dataset_add(data, first, &errors), RONDO_OK);
    dataset_destroy(task->data.train);
    task->data.train = data;
    const rondo_status status = train_experiment(task, sandbox_path("weightless-%d", _i), &observer, &result, &errors);
    ck_assert_int_eq(status, _i == 0 ? RONDO_INVALID : RONDO_OK);
    if (_i == 0) {
        assert_parts("error", errors_text(&errors, 0), "e.yaml:4:|all training examples have the weight 0");
        ck_assert(!sandbox_has("weightless-0"));
    }
    task_destroy(task);
}
END_TEST

/* ---- the vector of unknown words ---- */

/* The largest absolute value in the vector of the unknown word, whose id is 0. */
static double unknown_vector(const struct task *task) {
    const struct model *model = network_model(task->network);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        if (strcmp(model_parameters(model)[p].name, "embedding.W") == 0) {
            const rondo_tensor *table = &model_parameters(model)[p].value;
            double largest = 0;
            for (int64_t k = 0; k < table->shape[1]; k++) {
                largest = fmax(largest, fabs(tensor_get(table, k)));
            }
            return largest;
        }
    }
    ck_abort_msg("the model has no embedding");
}

/* By default it begins at zero, whatever the seed, and is trained, although no text of the training data has an unknown
 * word: so predictions for texts with such words depend on no random vector. */
static const struct {
    const char *assignments[3];
    int begins_at_zero, is_trained;
} unknown_words[] = {
    {{NULL}, 1, 1},
    {{"schedule.seed=2", NULL}, 1, 1},
    {{"data.min_count=1", "model.embedding.input={rare_word_dropout: 1}", NULL}, 1, 1},
    {{"model.embedding.rare_word_dropout=0", NULL}, 0, 0},
    {{"model.embedding.input={rare_word_dropout: 0}", NULL}, 0, 0},
    {{"model.embedding={rare_word_dropout: 0, word_dropout: 0.2, size: 4}", NULL}, 0, 1},
};

START_TEST(the_vector_of_unknown_words_is_trained) {
    const struct train_observer observer = {0};
    struct train_result result;
    struct task *task =
        task_open(sandbox_path("e.yaml"), unknown_words[_i].assignments, session, TASK_TRAIN | TASK_VALID, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    const uint64_t seed = (uint64_t)task->experiment->schedule.options.seed;
    ck_assert_int_eq(model_initialise(network_model(task->network), seed, NULL, &errors), RONDO_OK);
    const double before = unknown_vector(task);
    ck_assert_int_eq(before == 0, unknown_words[_i].begins_at_zero);
    ck_assert_int_eq(train_experiment(task, sandbox_path("unknown-%d", _i), &observer, &result, &errors), RONDO_OK);
    if (unknown_words[_i].is_trained) {
        ck_assert_double_gt(fabs(unknown_vector(task) - before), 0.01);
    } else {
        ck_assert_double_eq(unknown_vector(task), before);
    }
    task_destroy(task);
}
END_TEST

/* ---- observers ---- */

struct seen {
    int begins, batches, epochs, best_lines;
    char folder[1024];
};

static void on_begin(void *arg, const struct task *task, const char *folder) {
    struct seen *seen = arg;
    ck_assert_int_eq(task->data.train->count, 24);
    seen->begins++;
    strncpy(seen->folder, folder, sizeof seen->folder - 1);
}

static void on_update(void *arg, const struct trainer_progress *progress) {
    struct seen *seen = arg;
    ck_assert_int_eq(progress->steps, ++seen->batches);
}

/* The observer is called for an epoch after the folder contains it. */
static void on_interval(void *arg, const struct trainer_progress *progress) {
    struct seen *seen = arg;
    ck_assert_int_eq(progress->epoch, ++seen->epochs);
    int lines = 0;
    for (const char *at = sandbox_read(sandbox_path("%s/metrics.jsonl", seen->folder), NULL); *at != '\0'; at++) {
        lines += *at == '\n';
    }
    ck_assert_int_eq(lines, seen->epochs);
    ck_assert(!progress->is_best || sandbox_has(sandbox_path("%s/weights.safetensors", seen->folder)));
}

START_TEST(an_observer_sees_the_folder_the_batches_and_the_epochs) {
    struct seen seen = {0};
    const struct train_observer observer = {
        .begin = on_begin, .update_end = on_update, .interval_end = on_interval, .arg = &seen};
    struct train_result result;
    struct task *task = task_open(sandbox_path("e.yaml"), NULL, session, TASK_TRAIN | TASK_VALID, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(train_experiment(task, sandbox_path("observed"), &observer, &result, &errors), RONDO_OK);
    ck_assert_int_eq(seen.begins, 1);
    ck_assert_int_eq(seen.batches, 9);
    ck_assert_int_eq(seen.epochs, 3);
    ck_assert_str_eq(result.folder, seen.folder);
    ck_assert_int_eq(result.trainer.epochs, 3);
    ck_assert_int_eq(result.trainer.steps, 9);
    /* The scores in the result belong to the weights in the folder. */
    struct scores scores = {0};
    ck_assert_int_eq(
        network_evaluate(task->network, task->data.valid, (struct batch_size){.examples = 8}, &scores, &errors),
        RONDO_OK);
    ck_assert_int_eq(scores.rows, result.trainer.valid.rows);
    ck_assert_int_eq(memcmp(scores.sums, result.trainer.valid.sums, sizeof scores.sums), 0);
    task_destroy(task);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train");
    TCase *cases = tcase_create("train");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, open_sandbox, sandbox_close);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_task_that_fails_leaves_its_arguments_to_the_caller, 0,
                        (int)(sizeof unfit / sizeof unfit[0]));
    tcase_add_loop_test(cases, tasks_of_the_same_data_share_them, 0, ROWS(sharings));
    tcase_add_loop_test(cases, a_model_that_no_memory_holds_is_refused_before_anything_is_allocated, 0,
                        (int)(sizeof large / sizeof large[0]));
    tcase_add_loop_test(cases, examples_that_all_have_the_weight_0_are_refused, 0, 2);
    tcase_add_loop_test(cases, the_vector_of_unknown_words_is_trained, 0,
                        (int)(sizeof unknown_words / sizeof unknown_words[0]));
    tcase_add_test(cases, an_observer_sees_the_folder_the_batches_and_the_epochs);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
