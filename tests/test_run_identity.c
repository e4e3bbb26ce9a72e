/* tests/test_run_identity.c: a run that is opened again to be trained on: it has the same data, and what differs is reported. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "array_goldens.h"
#include "core/archive.h"
#include "sandbox.h"
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

/* Files of every form that the readers know. */
static void write_files(void) {
    char text[16384];
    size_t length = 0;
    for (int i = 0; i < 300; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s %s%s", i % 3 ? "the cat" : "a dög",
                                   i % 7 ? "sat" : "is number", i % 5 ? " " : ".\n");
    }
    sandbox_write("book.txt", text);
    sandbox_write("other.txt", "a dog is new.\nthe cat sat sat\n");
    length = (size_t)snprintf(text, sizeof text, "size,colour,price,kind\n");
    for (int i = 0; i < 40; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%d.5,%s,%d,%s\n", i * 7 % 11,
                                   i % 3 == 0 ? "red" : "blue", 100 + i * i % 17, i % 4 ? "old" : "new");
    }
    sandbox_write("things.csv", text);
    length = (size_t)snprintf(text, sizeof text, "d,shop,y,x\n");
    for (int i = 0; i < 2 * 60; i++) { /* January and February */
        length += (size_t)snprintf(text + length, sizeof text - length, "2012-%02d-%02d,%s,%d,%d\n", 1 + i / 2 / 31,
                                   1 + i / 2 % 31, i % 2 ? "north" : "south", 1 + i * 13 % 29, i % 5);
    }
    sandbox_write("days.csv", text);
    struct arena *arena = arena_create();
    struct array_goldens pictures, arrays;
    array_goldens_open_list(&pictures, "pictures.txt", arena);
    array_goldens_open(&arrays, arena);
    static const char *const folders[] = {"pictures/cats/1.png", "pictures/cats/2.png", "pictures/cats/3.png",
                                          "pictures/dogs/1.png", "pictures/dogs/2.png", "pictures/dogs/3.png"};
    for (int i = 0; i < ROWS(folders); i++) {
        size_t size;
        const unsigned char *bytes = array_goldens_file(&pictures, i % 2 ? "grey.png" : "rgb.png", arena, &size);
        sandbox_write_bytes(folders[i], bytes, size);
    }
    static const char *const archives[] = {"packed.npz", "lists.npz"};
    for (int i = 0; i < ROWS(archives); i++) {
        size_t size;
        const unsigned char *bytes = array_goldens_file(&arrays, archives[i], arena, &size);
        sandbox_write_bytes(archives[i], bytes, size);
    }
    arena_destroy(arena);
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
    write_files();
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
    struct task *second = run_record_reopen(sandbox_path("%s", folder), NULL, session, &errors);
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
    /* A file; `find` is replaced by `text` in it, or the whole file if `find` is NULL. `text` "@FILE" is that file; the
     * file of a plug-in, to whose end `text` is added, is found by its ending. NULL: nothing is changed. */
    const char *file, *find, *text;
    const char *assignments[3];
    int is_tape, passes_off;
    const char *parts; /* of the only difference; NULL: there is none */
};

static const char text_run[] =
    "rondo: 1\nname: text\narchitecture: \"N:1\"\nplugins: [mine/adam.so]\n"
    "data: {reader: text, train: train.tsv, valid: valid.tsv, test: test.tsv}\n"
    "model: {embedding: {size: 4}, layers: [{cell: ./own.yaml, hidden: 4}, {cell: ./own.yaml, hidden: 4}]}\n"
    "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam, lr: 0.05}\n"
    "schedule: {epochs: 3, batch: 8, seed: 1}\n";
static const char list_run[] = "rondo: 1\nname: list\narchitecture: \"N:N\"\n"
                               "data: {reader: words, train: [book.txt, other.txt], valid: other.txt, window: 5}\n"
                               "model: {feedback: true, layers: [{cell: gru, hidden: 4}]}\n"
                               "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.05}\n"
                               "schedule: {epochs: 1, batch: 8, seed: 1}\n";
static const char part_run[] = "rondo: 1\nname: part\narchitecture: \"N:N\"\n"
                               "data: {reader: characters, train: book.txt, valid: {last: 0.2}, window: 9}\n"
                               "model: {feedback: true, layers: [{cell: gru, hidden: 4}]}\n"
                               "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.05}\n"
                               "schedule: {epochs: 1, batch: 8, seed: 1}\n";
static const char picture_run[] = "rondo: 1\nname: pictures\narchitecture: \"N:1\"\n"
                                  "data: {reader: images, train: pictures, valid: {share: 0.4}, size: [6, 5]}\n"
                                  "model: {layers: [{cell: gru, hidden: 4}]}\n"
                                  "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.05}\n"
                                  "schedule: {epochs: 1, batch: 8, seed: 1}\n";

static const struct change changes[] = {
    {.experiment = text_run},
    /* data */
    {text_run, "train.tsv", "soup", "some soup",
     .parts = "/train.tsv: data.train has changed since the run was trained: it "
              "had | bytes and has | bytes"},
    {text_run, "train.tsv", "soup", "Soup",
     .parts =
         "/train.tsv: data.train has changed since the run was trained: it had | bytes and has | bytes, with other "
         "contents"},
    {text_run, "valid.tsv", "tea", "TEA", .parts = "/valid.tsv: data.valid has changed since the run was trained"},
    {text_run, "test.tsv", "tea", "TEA", .parts = NULL},
    {text_run, "moved.tsv", NULL, "@train.tsv", {"data.train=moved.tsv"}, .parts = NULL},
    {text_run, .assignments = {"data.train=valid.tsv"},
     .parts = "/valid.tsv: data.train has changed since the run was trained: it had |; it was '|/train.tsv'"},
    {text_run, .assignments = {"data.valid={last: 0.2}"},
     .parts =
         "--set data.valid={last: 0.2}: 'data.valid' was |/valid.tsv when the run was trained, and is {last: 0.2}"},
    {text_run, .assignments = {"data.test=train.tsv"}, .parts = NULL},
    {text_run, .assignments = {"data.test={last: 0.2}"}, .parts = "'data.test' was |/test.tsv |, and is {last: 0.2}"},
    {list_run,
     "other.txt",
     "new",
     "old",
     {"data.valid=kept.txt"},
     .parts = "/other.txt: data.train.1 has changed since the run was trained"},
    {list_run, .assignments = {"data.train=[book.txt, other.txt, other.txt]"},
     .parts = "'data.train' was [|/book.txt, |, and is [/"},
    {part_run, "book.txt", "sat", "SAT", .parts = "/book.txt: data.train has changed since the run was trained"},
    {part_run, .assignments = {"data.valid.last=0.3"},
     .parts = "--set data.valid.last=0.3: 'data.valid.last' was 0.2 |, and is 0.3"},
    {part_run, .assignments = {"data.valid.last=0.20"}, .parts = NULL},
    {picture_run, "pictures/cats/1.png", NULL, "@pictures/cats/2.png",
     .parts = "/pictures: data.train has changed since the run was trained: it had 6 files with "},
    {picture_run, "pictures/cats/4.png", NULL, "@pictures/cats/2.png",
     .parts = "data.train has changed|it had 6 files with | bytes and has 7 files with "},
    {picture_run, "pictures/cats/.4.png", NULL, "@pictures/cats/2.png", .parts = NULL},
    /* cells */
    {text_run, "run/cells/own.yaml", "tanh", "sigmoid",
     .parts =
         "run/cells/own.yaml:|: the cell 'own' of model.layers.0 has changed since the run was trained: this line was "
         "'h' = tanh(|' and is 'h' = sigmoid("},
    {text_run, "own.yaml", "tanh", "sigmoid", .parts = NULL},
    {text_run, .assignments = {"model.layers.1.cell=gru"},
     .parts = "/gru.yaml: the cell of model.layers.1 was 'own' when the run was trained, and is 'gru'"},
    {text_run, .assignments = {"model.layers.0.cell=other/own.yaml"},
     .parts = "other/own.yaml:|: the cell 'own' of model.layers.0 has changed since the run was trained"},
    /* plug-ins */
    {text_run, "mine/adam.so", NULL, "rebuilt",
     .parts = "/mine/adam.so: the plug-in 'adam' has changed since the run was trained"},
    /* keys */
    {text_run, "run/experiment.yaml", "seed: 1", "seed: 7",
     .parts = "run/experiment.yaml:|: 'schedule.seed' was 1 when the run was trained, and is 7"},
    {text_run, "run/experiment.yaml", "lr: 0.05", "lr: 5.0e-2", .parts = NULL},
    {text_run, "run/experiment.yaml", "  seed: 1\n", "", .assignments = {"schedule.seed=3"},
     .parts = "'schedule.seed' was 1 |, and is 3"},
    {text_run, .assignments = {"schedule.seed=2"},
     .parts = "--set schedule.seed=2: 'schedule.seed' was 1 when the run was trained, and is 2"},
    {text_run, .assignments = {"schedule.epochs=9", "schedule.early_stopping.patience=9"}, .parts = NULL},
    {text_run, .assignments = {"schedule.epochs=2"},
     .parts = "'schedule.epochs' was 3 when the run was trained, and is 2"},
    {text_run, .assignments = {"optimizer={plugin: sgd, lr: 0.1}"},
     .parts = "'optimizer.plugin' was adam when the run was trained, and is sgd"},
    {text_run, .assignments = {"model.layers.0.dropout=0.5"},
     .parts = "'model.layers.0.dropout' was 0 when the run was trained, and is 0.5"},
    {text_run, .assignments = {"metrics=[accuracy]"},
     .parts = "'metrics' was not given when the run was trained, and is ["},
    /* what was learned, and the program */
    {text_run, "run/reader.json", "\"soup\"", "\"Soup\"",
     .parts = "what the reader has learned (reader.json) has changed"},
    {text_run, .is_tape = 1, .parts = "trained by the engine 'fused', and this is 'tape'; --engine=fused chooses it"},
    {text_run, .passes_off = 1, .parts = "trained with --passes='', and this is --passes='-"},
};

/* Puts `text` in place of `find` in a file. */
static void edit(const struct change *change) {
    size_t size;
    if (change->text[0] == '@') {
        const char *copy = sandbox_read(change->text + 1, &size);
        sandbox_write_bytes(change->file, copy, size);
        return;
    }
    const char *bytes = sandbox_read(change->file, &size);
    const char *found = change->find == NULL ? bytes + size : strstr(bytes, change->find);
    ck_assert_msg(found != NULL, "%s has no '%s'", change->file, change->find);
    const size_t before = (size_t)(found - bytes), gone = change->find == NULL ? 0 : strlen(change->find);
    const size_t added = strlen(change->text), rest = size - before - gone;
    char *edited = sandbox_memory(size + added + 1);
    memcpy(edited, bytes, before);
    memcpy(edited + before, change->text, added);
    memcpy(edited + before + added, found + gone, rest);
    sandbox_remove(change->file); /* a plug-in that is loaded keeps its own file */
    sandbox_write_bytes(change->file, edited, before + added + rest);
}

static void write_run(const struct change *change) {
    write_files();
    tiny_write();
    size_t size;
    const char *plugin = sandbox_read(sandbox_path("adam.so"), &size);
    sandbox_write_bytes("mine/adam.so", plugin, size);
    sandbox_write("kept.txt", "a dog is new.\nthe cat sat sat\n");
    static const char cell[] =
        "cell: own\nsource: none\nsummary: a test\nstate: [h]\nequations: |\n  h' = %s(x @ W + h @ U)\n";
    char text[sizeof cell + 16];
    snprintf(text, sizeof text, cell, "tanh");
    sandbox_write("own.yaml", text);
    snprintf(text, sizeof text, cell, "sigmoid");
    sandbox_write("other/own.yaml", text);
    sandbox_write("e.yaml", change->experiment);
}

/* Opens the run again, and compares it with what is in the archive. */
static struct task *reopen(const char *const *assignments, struct archive *archive, struct errors *differences) {
    struct task *task = run_record_reopen(sandbox_path("run"), assignments, session, &errors);
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
    write_run(change);
    ck_assert_int_eq(chdir(sandbox_path(".")), 0); /* paths of --set are relative to the working directory */
    struct task *task = open_task("e.yaml", NULL);
    struct run_folder *run = run_record_create(sandbox_path("run"), task, &errors);
    ck_assert_msg(run != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(run_identity_save(task, archive, &errors), RONDO_OK);
    task_destroy(task);
    session_destroy(session);
    if (change->file != NULL) {
        edit(change);
    }
    open_session(NULL, change->is_tape ? ENGINE_TAPE : ENGINE_FUSED, change->passes_off);
    task = reopen(change->assignments, archive, &differences);
    assert_difference(&differences, change->parts);

    ck_assert_int_eq(run_record_rewrite(run, task, &errors), RONDO_OK);
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
    write_run(&changes[0]);
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

static void open_sandbox(void) {
    sandbox_open();
    tiny_write();
    char plugin[1024];
    snprintf(plugin, sizeof plugin, "%s/optimizers/adam.so", variable("RONDO_TEST_PLUGINS"));
    sandbox_copy(plugin, "adam.so");
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
    return run_suite(suite);
}
