/* tests/test_event_file.c: store/event_file.h writes what TensorBoard's own classes would, and a training has each event once. */
#define _GNU_SOURCE /* memmem */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event_records.h"
#include "io/crc32c.h"
#include "store/event_file.h"
#include "tests/run_fixture.h"
#include "tests/sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* ---- the file ---- */

/* RFC 3720, appendix B.4, and the check value of the algorithm. */
START_TEST(checksums_are_those_that_are_published) {
    unsigned char bytes[32];
    ck_assert_uint_eq(crc32c("123456789", 9), 0xE3069283U);
    ck_assert_uint_eq(crc32c("", 0), 0);
    memset(bytes, 0, sizeof bytes);
    ck_assert_uint_eq(crc32c(bytes, sizeof bytes), 0x8A9136AAU);
    memset(bytes, 0xFF, sizeof bytes);
    ck_assert_uint_eq(crc32c(bytes, sizeof bytes), 0x62A8AB43U);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    ck_assert_uint_eq(crc32c(bytes, sizeof bytes), 0x46DD794EU);
}
END_TEST

/* The records of the run in 'run'. */
static struct event_records read_records(void) {
    size_t size;
    const char *text = file_content("run/" EVENT_FILE, &size);
    return event_records_of(text, size);
}

static struct event_file *open_events(struct run_folder *run, int64_t last) {
    struct event_file *file = event_file_open(run, last, &run_errors);
    ck_assert_msg(file != NULL, "%s", errors_text(&run_errors, 0));
    return file;
}

static void write_event(struct event_file *file, int64_t step) {
    event_file_scalar(file, "train/loss", (double)step / 7);
    ck_assert_int_eq(event_file_write(file, step, &run_errors), RONDO_OK);
}

/* tests/golden/make_events.py writes the same messages with the classes of TensorBoard. */
START_TEST(messages_are_those_of_tensorboard) {
    float values[] = {-1.0F, -0.5F, INFINITY, 0.25F, 0.25F, NAN, 0.75F, 2.0F};
    double equal[] = {0.125, 0.125, 0.125};
    const rondo_tensor tensor = tensor_1d(RONDO_F32, 8, values), same = tensor_1d(RONDO_F64, 3, equal);
    struct run_folder *run = run_start("run");
    struct event_file *file = open_events(run, -1);
    event_file_scalar(file, "train/loss", 0.75);
    event_file_scalar(file, "valid/accuracy", NAN);
    ck_assert_int_eq(event_file_write(file, 10, &run_errors), RONDO_OK);
    event_file_histogram(file, "parameters/layers.0.W", &tensor);
    event_file_histogram(file, "parameters/head.b", &same);
    ck_assert_int_eq(event_file_write(file, INT64_C(300000000000), &run_errors), RONDO_OK);
    ck_assert_int_eq(event_file_sync(file, &run_errors), RONDO_OK);
    event_file_close(file);
    const struct event_records records = read_records();
    char golden[4096];
    snprintf(golden, sizeof golden, "%s/golden/events.txt", variable("RONDO_TEST_SOURCE"));
    FILE *stream = fopen(golden, "r");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(records.count, 3);
    for (int i = 0; i < records.count; i++) {
        for (size_t k = 0; k < records.length[i]; k++) {
            unsigned byte;
            ck_assert_int_eq(fscanf(stream, "%2x", &byte), 1);
            ck_assert_msg(records.bytes[i][k] == byte, "byte %zu of message %d is %02x, expected %02x", k, i,
                          records.bytes[i][k], byte);
        }
        ck_assert_int_eq(fgetc(stream), '\n');
    }
    fclose(stream);
    run_folder_keep(run);
    run_folder_close(run);
}
END_TEST

/* Events of steps 10, 20, 30, and then some damage: the byte at `at` (negative: from the end) is changed, or `cut` bytes are
 * removed from the end. Those up to step `last` remain, as far as they are whole. */
static const struct {
    long at;
    int cut, adds;
    int64_t last;
    int events;
} damages[] = {
    {0, 0, 0, 30, 4},   {0, 0, 0, 1000, 4}, {0, 0, 0, 29, 3},  {0, 0, 0, 20, 3}, {0, 0, 0, 9, 1},    {0, 0, 0, -1, 1},
    {0, 1, 0, 30, 3},   {0, 16, 0, 30, 3},  {0, 45, 0, 30, 3}, {0, 0, 7, 30, 4}, {0, 0, 400, 30, 4}, {-1, 0, 0, 30, 3},
    {-20, 0, 0, 30, 3}, {-43, 0, 0, 30, 3}, {30, 0, 0, 30, 1}, {9, 0, 0, 30, 1}, {60, 0, 0, 30, 1},
};

START_TEST(what_goes_beyond_a_step_or_is_damaged_is_cut) {
    struct run_folder *run = run_start("run");
    struct event_file *file = open_events(run, -1);
    for (int64_t step = 10; step <= 30; step += 10) {
        write_event(file, step);
    }
    event_file_close(file);
    size_t size;
    char *text = sandbox_memory(1 << 16);
    const struct event_records before = read_records();
    const char *content = file_content("run/" EVENT_FILE, &size);
    memcpy(text, content, size);
    if (damages[_i].at != 0) {
        text[damages[_i].at > 0 ? damages[_i].at : (long)size + damages[_i].at] ^= 0x10;
    }
    FILE *stream = fopen("run/" EVENT_FILE, "wb");
    fwrite(text, 1, size - (size_t)damages[_i].cut, stream);
    fwrite(text, 1, (size_t)(damages[_i].adds < 20 ? damages[_i].adds : 0), stream);
    for (int i = 20; i < damages[_i].adds; i++) {
        fputc('x', stream);
    }
    fclose(stream);
    file = open_events(run, damages[_i].last);
    const struct event_records after = read_records();
    ck_assert_int_eq(after.count, damages[_i].events);
    for (int i = 0; i < after.count; i++) {
        ck_assert_int_eq(after.step[i], before.step[i]);
    }
    write_event(file, 40); /* it goes on there */
    event_file_close(file);
    ck_assert_int_eq(read_records().count, damages[_i].events + 1);
    ck_assert_int_eq(read_records().step[damages[_i].events], 40);
    run_folder_keep(run);
    run_folder_close(run);
}
END_TEST

/* A link is not written through, and a run without results leaves nothing. */
START_TEST(the_file_belongs_to_its_run) {
    struct run_folder *run = run_start("run");
    event_file_close(open_events(run, -1));
    run_folder_close(run);
    ck_assert(!file_is_there("run"));

    run = run_start("run");
    ck_assert_int_eq(mkdir("run/" EVENT_FOLDER, 0777), 0);
    file_touch("mine");
    ck_assert_int_eq(symlink("../../mine", "run/" EVENT_FILE), 0);
    ck_assert_ptr_null(event_file_open(run, -1, &run_errors));
    ck_assert_ptr_nonnull(strstr(errors_text(&run_errors, 0), "cannot write 'run/" EVENT_FILE "'"));
    size_t size;
    file_content("mine", &size);
    ck_assert_uint_eq(size, 0);
    run_folder_close(run);
}
END_TEST

/* ---- of a training ---- */

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

#define SETTINGS                                                                                                       \
    " --set schedule.tensorboard=true --set schedule.checkpoint.every.steps=2 --set schedule.checkpoint.keep=100"

static void setup_runs(void) {
    sandbox_open();
    tiny_write();
    rondo("train e.yaml --quiet --out run --set schedule.epochs=4" SETTINGS, 0);
}

static struct event_records records_of(const char *run) {
    char file[128];
    size_t size;
    snprintf(file, sizeof file, "%s/" EVENT_FILE, run);
    const char *text = sandbox_read(file, &size);
    return event_records_of(text, size);
}

/* Removes the last `lines` lines of a log. */
static void remove_lines(const char *file, int lines) {
    char *text = sandbox_read(file, NULL);
    for (size_t end = strlen(text); lines > 0 && end > 0; end--) {
        lines -= end > 1 && text[end - 2] == '\n';
        text[end - 1] = lines > 0 ? '\0' : text[end - 1];
    }
    sandbox_write(file, text);
}

START_TEST(a_training_has_an_event_for_each_interval) {
    const struct event_records records = records_of("run");
    ck_assert_int_eq(records.count, 1 + 4);
    for (int i = 1; i < records.count; i++) {
        ck_assert_int_eq(records.step[i], 3 * i);
    }
    ck_assert_ptr_nonnull(memmem(records.bytes[4], records.length[4], "valid/loss", 10));
    ck_assert_ptr_null(memmem(records.bytes[4], records.length[4], "update_ratio/", 13));
    rondo("train e.yaml --quiet --out with --set schedule.diagnostics=true" SETTINGS, 0);
    const struct event_records with = records_of("with");
    ck_assert_ptr_nonnull(memmem(with.bytes[3], with.length[3], "update_ratio/head.W", 19));
    rondo("train e.yaml --quiet --out without", 0);
    ck_assert(!sandbox_has("without/tensorboard"));
}
END_TEST

/* More epochs for a finished run: the same events as of one that had them from the start. */
START_TEST(a_run_that_goes_on_has_the_events_of_one_that_was_never_interrupted) {
    rondo("train e.yaml --quiet --out longer --set schedule.epochs=2" SETTINGS, 0);
    ck_assert_int_eq(records_of("longer").count, 1 + 2);
    rondo("train --resume longer --quiet --set schedule.epochs=4", 0);
    const struct event_records whole = records_of("run"), resumed = records_of("longer");
    assert_same_events(&resumed, &whole);
}
END_TEST

/* Killed after an event and before its line; after the line; with half an event; with the file lost. The checkpoints are those of steps
 * 2, 4, 6, …, 12. */
static const struct {
    int lines;          /* of metrics.jsonl that are missing */
    int64_t checkpoint; /* the newest one that remains */
    int cut;
} kills[] = {{2, 10, 0}, {1, 10, 0}, {2, 4, 0}, {3, 8, 0}, {2, 10, 9}, {1, 12, 0}};

START_TEST(a_run_that_was_killed_has_no_event_twice) {
    char folder[32], file[96], arguments[96];
    snprintf(folder, sizeof folder, "killed/%d", _i);
    sandbox_copy("run", folder);
    for (int64_t step = kills[_i].checkpoint + 2; step <= 12; step += 2) {
        snprintf(file, sizeof file, "%s/checkpoints/step-%012lld.safetensors", folder, (long long)step);
        sandbox_remove(file);
    }
    snprintf(file, sizeof file, "%s/metrics.jsonl", folder);
    remove_lines(file, kills[_i].lines);
    snprintf(file, sizeof file, "%s/" EVENT_FILE, folder);
    size_t size;
    const char *text = sandbox_read(file, &size);
    sandbox_write_bytes(file, text, size - (size_t)kills[_i].cut);
    snprintf(arguments, sizeof arguments, "train --resume %s --quiet", folder);
    rondo(arguments, 0);
    const struct event_records whole = records_of("run"), resumed = records_of(folder);
    assert_same_events(&resumed, &whole);
}
END_TEST

/* Trainings that diverge and go back to a checkpoint. */
static const char *const diverging[] = {"lr: 5", "lr: 1000"};

/* What was trained and then given up has no event: the steps are those of the intervals in metrics.jsonl. */
START_TEST(a_training_that_goes_back_has_the_events_that_remain) {
    char text[800], run[32], arguments[96];
    sandbox_write("three.tsv", "tea\t1e9\nsoup\t-1e9\ncake\t3\n");
    snprintf(
        text, sizeof text,
        "rondo: 1\nname: diverging\narchitecture: \"N:1\"\n"
        "data: {reader: text, train: three.tsv, valid: three.tsv, columns: {text: 0, label: 1}, target: number}\n"
        "model: {embedding: {size: 4}, layers: [{cell: rnn_tanh, hidden: 4}]}\nloss: {plugin: squared_error}\n"
        "optimizer: {plugin: sgd, %s}\nschedule: {epochs: 9, batch: 1, on_nonfinite: rollback, validate: {steps: 5}, "
        "checkpoint: {every: {steps: 4}, keep: 1}, rollback_factor: 0.05, tensorboard: true}\n",
        diverging[_i]);
    sandbox_write("diverging.yaml", text);
    snprintf(run, sizeof run, "back-%d", _i);
    snprintf(arguments, sizeof arguments, "train diverging.yaml --quiet --out %s", run);
    rondo(arguments, 0);
    snprintf(arguments, sizeof arguments, "%s/metrics.jsonl", run);
    const char *log = sandbox_read(arguments, NULL);
    const struct event_records records = records_of(run);
    int intervals = 0;
    ck_assert_ptr_nonnull(strstr(log, "{\"rollback\":"));
    for (const char *line = log; (line = strstr(line, "{\"epoch\":")) != NULL; line++) {
        ck_assert_int_lt(++intervals, records.count);
        ck_assert_int_eq(records.step[intervals], strtol(strstr(line, "\"step\":") + 7, NULL, 10));
    }
    ck_assert_int_eq(records.count, 1 + intervals);
    ck_assert_int_gt(intervals, 2);
}
END_TEST

/* The option changes no result, so that it can be switched on for the rest of a training; and off. */
START_TEST(the_option_can_change_while_a_run_goes_on) {
    rondo("train e.yaml --quiet --out on --set schedule.epochs=2", 0);
    rondo("train --resume on --quiet --set schedule.epochs=4 --set schedule.tensorboard=true", 0);
    const struct event_records records = records_of("on");
    ck_assert_int_eq(records.count, 1 + 2);
    ck_assert_int_eq(records.step[1], 9);
    sandbox_copy("run", "off");
    rondo("train --resume off --quiet --set schedule.epochs=5 --set schedule.tensorboard=false", 0);
    ck_assert_int_eq(records_of("off").count, 1 + 4);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("event_file");
    TCase *files = tcase_create("file"), *runs = tcase_create("training");
    tcase_set_timeout(files, 60);
    tcase_add_unchecked_fixture(files, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(files, run_setup, run_teardown);
    tcase_add_test(files, checksums_are_those_that_are_published);
    tcase_add_test(files, messages_are_those_of_tensorboard);
    tcase_add_loop_test(files, what_goes_beyond_a_step_or_is_damaged_is_cut, 0, ROWS(damages));
    tcase_add_test(files, the_file_belongs_to_its_run);
    suite_add_tcase(suite, files);
    tcase_set_timeout(runs, 60);
    tcase_add_unchecked_fixture(runs, setup_runs, sandbox_close);
    tcase_add_test(runs, a_training_has_an_event_for_each_interval);
    tcase_add_test(runs, a_run_that_goes_on_has_the_events_of_one_that_was_never_interrupted);
    tcase_add_loop_test(runs, a_run_that_was_killed_has_no_event_twice, 0, ROWS(kills));
    tcase_add_loop_test(runs, a_training_that_goes_back_has_the_events_that_remain, 0, ROWS(diverging));
    tcase_add_test(runs, the_option_can_change_while_a_run_goes_on);
    suite_add_tcase(suite, runs);
    return run_suite(suite);
}
