/* tests/test_run_identity.c: a run that is opened again to be trained on: it has the same data, and what differs is reported. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "changing_run.h"
#include "core/archive.h"
#include "sandbox.h"
#include "store/provenance.h"
#include "tests/failing_allocator.h"
#include "tests/suite.h"
#include "tiny.h"
#include "train/run_identity.h"
#include "train/run_record.h"
#include "train/train.h"

static struct errors errors;
static struct session *session;

static void open_session(const char *const *plugins, enum engine engine, int32_t passes_off) {
    const struct session_settings settings = {
        .threads = 1, .plugins = plugins, .engine = engine, .passes_off = passes_off};
    session = session_create(&settings, &errors);
    ck_assert_msg(session != NULL, "%s", errors_text(&errors, 0));
}

static void setup(void) {
    open_session(NULL, ENGINE_FUSED, 0);
}

static void teardown(void) {
    session_destroy(session);
    errors_free(&errors);
}

static struct task *open_task(const char *file, const char *const *assignments) {
    struct task *task = task_open(sandbox_path("%s", file), assignments, session, TASK_TRAIN | TASK_VALID, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    return task;
}

/* Trains the task into the folder. */
static void train(struct task *task, const char *folder) {
    const struct train_observer observer = {0};
    struct train_result result;
    const rondo_status status = train_experiment(task, sandbox_path("%s", folder), &observer, &result, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
}

/* ---- the same data ---- */

static void assert_same_bytes(const char *what, const char *stream, const void *first, const void *second,
                              size_t size) {
    ck_assert_msg((first == NULL) == (second == NULL), "%s of '%s': only one has it", what, stream);
    ck_assert_msg(first == NULL || memcmp(first, second, size) == 0, "%s of '%s' differs", what, stream);
}

static void assert_same_names(const struct vocabulary *first, const struct vocabulary *second) {
    ck_assert_int_eq(first == NULL, second == NULL);
    const int32_t count = first == NULL ? 0 : vocabulary_size(first);
    ck_assert(first == NULL || vocabulary_size(second) == count);
    for (int32_t i = 0; i < count; i++) {
        ck_assert_str_eq(vocabulary_word(first, i), vocabulary_word(second, i));
    }
}

static void assert_same_stream(const struct stream *first, const struct stream *second, int64_t count, int64_t groups) {
    static const size_t bytes[] = {[STORE_I32] = 4, [STORE_F32] = 4, [STORE_U8] = 1, [STORE_U16] = 2};
    const char *name = first->name;
    ck_assert_str_eq(name, second->name);
    ck_assert_int_eq(first->kind, second->kind);
    ck_assert_int_eq(first->store, second->store);
    ck_assert_int_eq(first->size, second->size);
    ck_assert_int_eq(first->elements, second->elements);
    ck_assert_int_eq(first->stride, second->stride);
    ck_assert_int_eq(first->channels, second->channels);
    ck_assert_int_eq(first->has_missing, second->has_missing);
    ck_assert_int_eq(first->unknown, second->unknown);
    ck_assert_int_eq(first->end, second->end);
    ck_assert_int_eq(first->augment == NULL, second->augment == NULL);
    const size_t row = (size_t)groups * (size_t)first->size * sizeof(float);
    const size_t numbers = first->kind == STREAM_REAL ? (size_t)first->stride : 1;
    assert_same_bytes("begin", name, first->begin, second->begin, (size_t)count * sizeof *first->begin);
    assert_same_bytes("length", name, first->length, second->length, (size_t)count * sizeof *first->length);
    assert_same_bytes("data", name, first->data, second->data, (size_t)first->elements * numbers * bytes[first->store]);
    assert_same_bytes("shift", name, first->shift, second->shift, row);
    assert_same_bytes("scale", name, first->scale, second->scale, row);
    assert_same_bytes("naive", name, first->naive, second->naive, row);
    assert_same_bytes("transform", name, first->transform, second->transform, (size_t)first->size);
    assert_same_names(first->names, second->names);
}

static void assert_same_timeline(const struct timeline *first, const struct timeline *second) {
    ck_assert_int_eq(first->n_series, second->n_series);
    ck_assert_int_eq(first->groups, second->groups);
    ck_assert_int_eq(first->season, second->season);
    ck_assert_int_eq(first->zone, second->zone);
    ck_assert_int_eq(first->elements, second->elements);
    assert_same_bytes("time", "timeline", first->time, second->time, (size_t)first->elements * sizeof *first->time);
    for (int32_t s = 0; s < first->n_series; s++) {
        ck_assert_int_eq(first->series[s].begin, second->series[s].begin);
        ck_assert_int_eq(first->series[s].count, second->series[s].count);
        ck_assert_int_eq(first->series[s].group, second->series[s].group);
    }
}

static void assert_same_dataset(const struct dataset *first, const struct dataset *second) {
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    const size_t count = (size_t)first->count;
    ck_assert_int_gt(first->count, 0);
    ck_assert_int_eq(first->count, second->count);
    ck_assert_int_eq(first->n_streams, second->n_streams);
    ck_assert_int_eq(first->lanes, second->lanes);
    ck_assert_int_eq(first->updates, second->updates);
    ck_assert_int_eq(first->left_out, second->left_out);
    ck_assert_int_eq(first->timeline == NULL, second->timeline == NULL);
    assert_same_bytes("continues", "all", first->continues, second->continues, count);
    assert_same_bytes("key", "all", first->key, second->key, count * sizeof *first->key);
    assert_same_bytes("lane", "all", first->lane, second->lane, count * sizeof *first->lane);
    assert_same_bytes("series", "all", first->series, second->series, count * sizeof *first->series);
    assert_same_bytes("context", "all", first->context, second->context, count * sizeof *first->context);
    if (first->timeline != NULL) {
        assert_same_timeline(first->timeline, second->timeline);
    }
    for (int32_t i = 0; i < first->n_streams; i++) {
        assert_same_stream(&first->streams[i], &second->streams[i], first->count,
                           first->timeline == NULL ? 1 : first->timeline->groups);
    }
}

static const struct {
    const char *architecture, *data, *model, *loss, *more;
} readers[] = {
    {"N:1", "reader: text, train: train.tsv, valid: valid.tsv, min_count: 2", "", "plugin: softmax_cross_entropy", ""},
    {"N:1", "reader: text, train: train.tsv, valid: {share: 0.25}, test: {last: 0.1}, tokens: bytes", "",
     "plugin: softmax_cross_entropy, class_weights: balanced", ""},
    {"N:N", "reader: characters, train: book.txt, valid: {last: 0.2}, window: 9, carry: true", "feedback: true, ",
     "plugin: softmax_cross_entropy", ""},
    {"N:N", "reader: words, train: [book.txt, other.txt], valid: other.txt, window: 5, max_words: 6",
     "feedback: true, ", "plugin: softmax_cross_entropy", ""},
    {"N:N",
     "reader: pairs, train: train.tsv, valid: {share: 0.25}, tokens: {source: characters, target: words}, "
     "max_length: {target: 3}, too_long: cut",
     "feedback: true, encoder: [{cell: gru, hidden: 2, direction: both}], ", "plugin: softmax_cross_entropy", ""},
    {"1:N", "reader: pairs, train: train.tsv, valid: valid.tsv, columns: {input: 1, target: 0}", "feedback: true, ",
     "plugin: softmax_cross_entropy", ""},
    {"1:1", "reader: table, train: things.csv, valid: {share: 0.2}, header: true, columns: {target: kind}", "",
     "plugin: softmax_cross_entropy", "metrics: [accuracy]\n"},
    {"1:1",
     "reader: table, train: things.csv, valid: {last: 0.2}, header: true, target: number, columns: {target: price}", "",
     "plugin: squared_error", ""},
    {"N:1",
     "reader: series, train: days.csv, valid: {from: 2012-02-10}, window: 4, horizon: 2, season: 3, transform: log1p, "
     "columns: {time: d, target: y, series: shop}",
     "", "plugin: squared_error", "metrics: [mase]\n"},
    {"N:1", "reader: images, train: pictures, valid: {share: 0.4}, size: [6, 5], shift: 1, flip: true", "",
     "plugin: softmax_cross_entropy", ""},
    {"N:N", "reader: arrays, train: packed.npz, valid: packed.npz, window: 2, carry: true", "", "plugin: squared_error",
     ""},
    {"N:N", "reader: arrays, train: lists.npz, valid: {last: 0.5}", "", "plugin: ctc", ""},
    {"N:1", "reader: synthetic, task: adding, train: 20, valid: 8, test: 4, length: 6", "", "plugin: squared_error",
     ""},
};

START_TEST(a_run_that_is_opened_again_has_the_same_data_and_trains_to_the_same_bits) {
    char text[1024];
    changing_run_files();
    snprintf(text, sizeof text,
             "rondo: 1\nname: again\narchitecture: \"%s\"\ndata: {%s}\nmodel: {%slayers: [{cell: gru, hidden: 3}]}\n"
             "loss: {%s}\n%soptimizer: {plugin: adam, lr: 0.05}\nschedule: {epochs: 2, batch: 4, seed: 1}\n",
             readers[_i].architecture, readers[_i].data, readers[_i].model, readers[_i].loss, readers[_i].more);
    sandbox_write("again.yaml", text);
    struct task *first = open_task("again.yaml", NULL);
    char folder[32], other[32];
    snprintf(folder, sizeof folder, "again-%d", _i);
    snprintf(other, sizeof other, "again-%d-2", _i);
    train(first, folder);
    struct task *second = run_record_reopen(sandbox_path("%s", folder), NULL, NULL, session, &errors);
    ck_assert_msg(second != NULL, "%s", errors_text(&errors, 0));
    assert_same_dataset(first->data.train, second->data.train);
    assert_same_dataset(first->data.valid, second->data.valid);
    train(second, other);
    static const char *const files[] = {"weights.safetensors", "reader.json", "metrics.jsonl", "experiment.yaml"};
    for (int i = 0; i < ROWS(files); i++) {
        size_t sizes[2];
        const char *before = sandbox_read(sandbox_path("%s/%s", folder, files[i]), &sizes[0]);
        const char *after = sandbox_read(sandbox_path("%s/%s", other, files[i]), &sizes[1]);
        ck_assert_msg(sizes[0] == sizes[1] && memcmp(before, after, sizes[0]) == 0, "%s differs", files[i]);
    }
    task_destroy(first);
    task_destroy(second);
}
END_TEST

START_TEST(every_reader_is_in_the_table) {
    for (int32_t i = 0; reader_at(i) != NULL; i++) {
        int found = 0;
        char data[64];
        snprintf(data, sizeof data, "reader: %s,", reader_at(i)->name);
        for (int row = 0; row < ROWS(readers); row++) {
            found |= strncmp(readers[row].data, data, strlen(data)) == 0;
        }
        ck_assert_msg(found, "no row has the reader '%s'", reader_at(i)->name);
    }
}
END_TEST

/* ---- what differs ---- */

/* A run, a change of one file in it or beside it, and how it is opened again. */
struct change {
    const char *experiment;
    const char *file, *find, *text; /* of changing_run_edit; file NULL: nothing is changed */
    const char *assignments[3];
    int is_tape, passes_off;
    const char *parts; /* of the only difference; NULL: there is none */
};

static const struct change changes[] = {
    {.experiment = changing_run_text},
    /* data */
    {changing_run_text, "train.tsv", "soup", "some soup",
     .parts = "/train.tsv: data.train has changed since the run was trained: it "
              "had | bytes and has | bytes"},
    {changing_run_text, "train.tsv", "soup", "Soup",
     .parts =
         "/train.tsv: data.train has changed since the run was trained: it had | bytes and has | bytes, with other "
         "contents"},
    {changing_run_text, "valid.tsv", "tea", "TEA",
     .parts = "/valid.tsv: data.valid has changed since the run was trained"},
    {changing_run_text, "test.tsv", "tea", "TEA", .parts = NULL},
    {changing_run_text, "moved.tsv", NULL, "@train.tsv", {"data.train=moved.tsv"}, .parts = NULL},
    {changing_run_text, .assignments = {"data.train=valid.tsv"},
     .parts = "/valid.tsv: data.train has changed since the run was trained: it had |; it was '|/train.tsv'"},
    {changing_run_text, .assignments = {"data.valid={last: 0.2}"},
     .parts =
         "--set data.valid={last: 0.2}: 'data.valid' was |/valid.tsv when the run was trained, and is {last: 0.2}"},
    {changing_run_text, .assignments = {"data.test=train.tsv"}, .parts = NULL},
    {changing_run_text, .assignments = {"data.test={last: 0.2}"},
     .parts = "'data.test' was |/test.tsv |, and is {last: 0.2}"},
    {changing_run_list,
     "other.txt",
     "new",
     "old",
     {"data.valid=kept.txt"},
     .parts = "/other.txt: data.train.1 has changed since the run was trained"},
    {changing_run_list, .assignments = {"data.train=[book.txt, other.txt, other.txt]"},
     .parts = "'data.train' was [|/book.txt, |, and is [/"},
    {changing_run_part, "book.txt", "sat", "SAT",
     .parts = "/book.txt: data.train has changed since the run was trained"},
    {changing_run_part, .assignments = {"data.valid.last=0.3"},
     .parts = "--set data.valid.last=0.3: 'data.valid.last' was 0.2 |, and is 0.3"},
    {changing_run_part, .assignments = {"data.valid.last=0.20"}, .parts = NULL},
    {changing_run_picture, "pictures/cats/1.png", NULL, "@pictures/cats/2.png",
     .parts = "/pictures: data.train has changed since the run was trained: it had 6 files with "},
    {changing_run_picture, "pictures/cats/4.png", NULL, "@pictures/cats/2.png",
     .parts = "data.train has changed|it had 6 files with | bytes and has 7 files with "},
    {changing_run_picture, "pictures/cats/.4.png", NULL, "@pictures/cats/2.png", .parts = NULL},
    /* cells */
    {changing_run_text, "run/cells/own.yaml", "tanh", "sigmoid",
     .parts =
         "run/cells/own.yaml:|: the cell 'own' of model.layers.0 has changed since the run was trained: this line was "
         "'h' = tanh(|' and is 'h' = sigmoid("},
    {changing_run_text, "own.yaml", "tanh", "sigmoid", .parts = NULL},
    {changing_run_text, .assignments = {"model.layers.1.cell=gru"},
     .parts = "/gru.yaml: the cell of model.layers.1 was 'own' when the run was trained, and is 'gru'"},
    {changing_run_text, .assignments = {"model.layers.0.cell=other/own.yaml"},
     .parts = "other/own.yaml:|: the cell 'own' of model.layers.0 has changed since the run was trained"},
    /* plug-ins */
    {changing_run_text, "mine/adam.so", NULL, "rebuilt",
     .parts = "/mine/adam.so: the plug-in 'adam' has changed since the run was trained"},
    /* keys */
    {changing_run_text, "run/experiment.yaml", "seed: 1", "seed: 7",
     .parts = "run/experiment.yaml:|: 'schedule.seed' was 1 when the run was trained, and is 7"},
    {changing_run_text, "run/experiment.yaml", "lr: 0.05", "lr: 5.0e-2", .parts = NULL},
    {changing_run_text, "run/experiment.yaml", "  seed: 1\n", "", .assignments = {"schedule.seed=3"},
     .parts = "'schedule.seed' was 1 |, and is 3"},
    {changing_run_text, .assignments = {"schedule.seed=2"},
     .parts = "--set schedule.seed=2: 'schedule.seed' was 1 when the run was trained, and is 2"},
    {changing_run_text, .assignments = {"schedule.epochs=9", "schedule.early_stopping.patience=9"}, .parts = NULL},
    {changing_run_text, .assignments = {"schedule.on_nonfinite=skip", "schedule.nonfinite_limit=3"}, .parts = NULL},
    {changing_run_text, .assignments = {"schedule.checkpoint={every: {steps: 3}, keep: 5}"}, .parts = NULL},
    {changing_run_text, .assignments = {"schedule.epochs=2"},
     .parts = "'schedule.epochs' was 3 when the run was trained, and is 2"},
    {changing_run_text, .assignments = {"optimizer={plugin: sgd, lr: 0.1}"},
     .parts = "'optimizer.plugin' was adam when the run was trained, and is sgd"},
    {changing_run_text, .assignments = {"model.layers.0.dropout=0.5"},
     .parts = "'model.layers.0.dropout' was 0 when the run was trained, and is 0.5"},
    {changing_run_text, .assignments = {"metrics=[f1]"},
     .parts = "'metrics.0.plugin' was accuracy when the run was trained, and is f1"},
    /* what was learned, and the program */
    {changing_run_text, "run/reader.json", "\"soup\"", "\"Soup\"",
     .parts = "what the reader has learned (reader.json) has changed"},
    {changing_run_text, .is_tape = 1,
     .parts = "trained by the engine 'fused', and this is 'tape'; --engine=fused chooses it"},
    {changing_run_text, .passes_off = 1, .parts = "trained with --passes='', and this is --passes='-"},
};

/* Opens the run again, and compares it with what is in the archive. */
static struct task *reopen(const char *const *assignments, struct archive *archive, struct errors *differences) {
    struct task *task = run_record_reopen(sandbox_path("run"), NULL, assignments, session, &errors);
    ck_assert_msg(task != NULL, "%s", errors_text(&errors, 0));
    const rondo_status status = run_identity_compare(task, archive, differences, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(archive_check_taken(archive, &errors), RONDO_OK);
    return task;
}

/* The only difference has these parts; NULL: there is none. Frees the texts. */
static void assert_difference(struct errors *differences, const char *parts) {
    ck_assert_msg(differences->count == (parts != NULL), "%d differences: %s; %s", differences->count,
                  differences->count > 0 ? errors_text(differences, 0) : "",
                  differences->count > 1 ? errors_text(differences, 1) : "");
    if (parts != NULL) {
        assert_parts("difference", errors_text(differences, 0), parts);
    }
    errors_free(differences);
}

/* The run begins; something changes; it is opened again. Once the change has been accepted, the run is one that was begun with
 * it. */
START_TEST(what_has_changed_since_the_training_is_reported_until_it_is_accepted) {
    const struct change *change = &changes[_i];
    struct archive *archive = archive_create();
    struct errors differences = {0};
    changing_run_write(change->experiment);
    ck_assert_int_eq(chdir(sandbox_path(".")), 0); /* paths of --set are relative to the working directory */
    struct task *task = open_task("e.yaml", NULL);
    struct run_folder *run = run_record_create(sandbox_path("run"), task, &errors);
    ck_assert_msg(run != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(run_identity_save(task, archive, &errors), RONDO_OK);
    task_destroy(task);
    session_destroy(session);
    if (change->file != NULL) {
        changing_run_edit(change->file, change->find, change->text);
    }
    open_session(NULL, change->is_tape ? ENGINE_TAPE : ENGINE_FUSED, change->passes_off);
    task = reopen(change->assignments, archive, &differences);
    assert_difference(&differences, change->parts);

    changing_run_edit("run/environment.json", "\"started\": \"2", "\"started\": \"1");
    ck_assert_int_eq(run_record_rewrite(run, task, &errors), RONDO_OK);
    assert_parts("environment", sandbox_read("run/environment.json", NULL), "\"started\": \"1");
    archive_clear(archive);
    ck_assert_int_eq(run_identity_save(task, archive, &errors), RONDO_OK);
    task_destroy(task);
    task = reopen(NULL, archive, &differences);
    assert_difference(&differences, NULL);
    run_record_changes(sandbox_path("run"), task, TASK_TRAIN | TASK_VALID | TASK_TEST, &differences);
    assert_difference(&differences, NULL);
    task_destroy(task);
    run_folder_close(run);
    archive_destroy(archive);
}
END_TEST

/* ---- the entries of an archive ---- */

static const struct {
    const char *entry, *value; /* NULL: the entry is left out */
    const char *difference, *error;
} entries[] = {
    {"meta.rondo", "0.0.9", "the run was trained by Rondo 0.0.9, and this is |", NULL},
    {"meta.abi", "1.0", "the run was trained by a Rondo whose plug-in interface is 1.0, and that of this one is 1.",
     NULL},
    {"meta.dtype", "f64", "the run was trained in f64, and this is f32", NULL},
    {"meta.kernels", "other", NULL, NULL},
    {"meta.data", "{", NULL, "the entry 'meta.data' is not JSON: "},
    {"meta.data", "[1, 2]", NULL, NULL},
    {"meta.plugins", "{\"a\": [3]}", NULL, NULL},
    {"meta.experiment", "a: [", NULL, "meta.experiment:"},
    {"meta.experiment", NULL, NULL, "meta.experiment"},
    {"meta.format", NULL, NULL, "meta.format"},
};

START_TEST(entries_of_another_program_or_damaged_ones_are_reported) {
    struct archive *archive = archive_create(), *other = archive_create();
    struct errors differences = {0};
    changing_run_write(changing_run_text);
    struct task *task = open_task("e.yaml", NULL);
    ck_assert_int_eq(run_identity_save(task, archive, &errors), RONDO_OK);
    for (int32_t i = 0; i < archive_count(archive); i++) {
        const struct archive_entry *entry = archive_entry(archive, i);
        const int is_row = strcmp(entry->name, entries[_i].entry) == 0;
        if (is_row && entries[_i].value != NULL) {
            archive_put_text(other, entries[_i].value, "%s", entry->name);
        } else if (!is_row && entry->kind == ARCHIVE_TEXT) {
            archive_put_text(other, entry->data, "%s", entry->name);
        } else if (!is_row) {
            archive_put_integer(other, *(const int64_t *)entry->data, "%s", entry->name);
        }
    }
    const rondo_status status = run_identity_compare(task, other, &differences, &errors);
    ck_assert_int_eq(status, entries[_i].error == NULL ? RONDO_OK : RONDO_INVALID);
    assert_difference(&errors, entries[_i].error);
    assert_difference(&differences, entries[_i].difference);
    archive_destroy(archive);
    archive_destroy(other);
    task_destroy(task);
}
END_TEST

/* Each allocation of a comparison fails once. A difference is never lost, and memory is never taken for one. */
START_TEST(memory_that_is_missing_is_no_difference) {
    static const char *const assignments[] = {"schedule.seed=2", NULL};
    struct archive *archive = archive_create();
    changing_run_write(changing_run_text);
    struct task *task = open_task("e.yaml", NULL), *other = open_task("e.yaml", assignments);
    rondo_status status = RONDO_NO_MEMORY;
    for (long number = 1; ALLOCATOR_COUNTS && status != RONDO_OK; number++) {
        struct errors differences = {0};
        provenance_clear(task->provenance);
        provenance_clear(other->provenance);
        archive_clear(archive);
        allocator_fail(number);
        status = run_identity_save(task, archive, &errors);
        status = status == RONDO_OK ? run_identity_compare(other, archive, &differences, &errors) : status;
        const long left = allocator_fail(0);
        ck_assert_msg(left > 0 ? status == RONDO_OK : status == RONDO_NO_MEMORY || differences.count == 1,
                      "status %d, %d differences after allocation %ld failed: %s", (int)status, differences.count,
                      number, errors.count > 0 ? errors_text(&errors, 0) : "no message");
        ck_assert(status != RONDO_OK || differences.count == 1);
        status = left > 0 ? RONDO_OK : RONDO_NO_MEMORY;
        errors_free(&differences);
        errors_free(&errors);
    }
    archive_destroy(archive);
    task_destroy(task);
    task_destroy(other);
}
END_TEST

static void open_sandbox(void) {
    sandbox_open();
    tiny_write();
}

int main(void) {
    Suite *suite = suite_create("run_identity");
    TCase *data = add_case(suite, "data", 60, setup, teardown);
    tcase_add_unchecked_fixture(data, open_sandbox, sandbox_close);
    tcase_add_loop_test(data, a_run_that_is_opened_again_has_the_same_data_and_trains_to_the_same_bits, 0,
                        ROWS(readers));
    tcase_add_test(data, every_reader_is_in_the_table);
    TCase *differences = add_case(suite, "differences", 60, open_sandbox, sandbox_close);
    tcase_add_checked_fixture(differences, setup, teardown);
    tcase_add_loop_test(differences, what_has_changed_since_the_training_is_reported_until_it_is_accepted, 0,
                        ROWS(changes));
    tcase_add_loop_test(differences, entries_of_another_program_or_damaged_ones_are_reported, 0, ROWS(entries));
    tcase_add_test(differences, memory_that_is_missing_is_no_difference);
    return run_suite(suite);
}
