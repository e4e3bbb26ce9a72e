/* `rondo train` when the system fails: it ends with status 1 and the reason, and the run goes on from what is there to the
 * same bytes as if nothing had happened. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/failing_system.h"
#include "tests/sandbox.h"
#include "tests/suite.h"
#include "tests/tiny.h"

static const char schedule[] = "schedule: {epochs: 4, batch: 8, seed: 1, validate: {steps: 2}, "
                               "checkpoint: {every: {steps: 2}, keep: 2}}";

static void setup(void) {
    sandbox_open();
    /* A program looks for its plug-ins and cells beside itself. */
    sandbox_copy(variable("RONDO_PROGRAM_THAT_FAILS"), "bin/rondo-that-fails");
    if (symlink(variable("RONDO_TEST_PLUGINS"), sandbox_path("bin/plugins")) != 0 ||
        symlink(variable("RONDO_CELL_PATH"), sandbox_path("bin/cells")) != 0) {
        abort();
    }
    tiny_write();
    tiny_edit("e.yaml", "schedule", schedule);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train e.yaml --quiet --out whole"});
    if (outcome.status != 0) {
        fprintf(stderr, "%s\n", outcome.err);
        abort();
    }
}

/* A training that the failures end, and what is left of it. 1 if it ended before it was through. */
static int train_with(enum system_call call, long number, int error, const char *folder, const char *reason) {
    char arguments[128], failure[64], what[64];
    snprintf(arguments, sizeof arguments, "train e.yaml --quiet --out %s", folder);
    snprintf(failure, sizeof failure, "RONDO_TEST_FAIL=%d %ld %d", (int)call, number, error);
    snprintf(what, sizeof what, "call %ld", number);
    const struct outcome outcome = sandbox_run(
        (struct call){.program = sandbox_path("bin/rondo-that-fails"), .arguments = arguments, .environment = failure});
    if (outcome.status == 0) {
        return 0;
    }
    assert_status(what, &outcome, 1);
    assert_parts(what, outcome.err, reason);
    if (!sandbox_has(folder) && strstr(outcome.err, "checkpoint") != NULL) {
        assert_parts(what, outcome.err, "there is nothing to go on from: the folder '|is removed again");
    }
    if (strstr(outcome.err, "to go on: rondo train --resume") != NULL) {
        ck_assert(sandbox_has(folder));
    }
    return 1;
}

static void assert_same(const char *what, const char *folder, const char *name) {
    size_t size, expected_size;
    const char *bytes = sandbox_read(sandbox_path("%s/%s", folder, name), &size);
    const char *expected = sandbox_read(sandbox_path("whole/%s", name), &expected_size);
    ck_assert_msg(size == expected_size && memcmp(bytes, expected, size) == 0, "%s: %s is another one", what, name);
}

static const struct {
    enum system_call call;
    int error;
    const char *reason;
} failures[] = {
    {SYSTEM_OPEN, EROFS, "Read-only file system"},      {SYSTEM_WRITE, ENOSPC, "No space left on device"},
    {SYSTEM_WRITE_HALF, EDQUOT, "Disk quota exceeded"}, {SYSTEM_SYNC, EIO, "Input/output error"},
    {SYSTEM_LINK, ENOSPC, "No space left on device"},   {SYSTEM_RENAME, EIO, "Input/output error"},
    {SYSTEM_CLOSE, EDQUOT, "Disk quota exceeded"},      {SYSTEM_MAKE_FOLDER, EDQUOT, "Disk quota exceeded"},
};

/* From the start of the training on, some of its calls fail, and all later ones. */
START_TEST(a_training_that_cannot_write_goes_on_later) {
    char folder[32], arguments[96], what[32];
    int n_ended = 0, n_resumed = 0;
    for (long number = 1;; number += 1 + number / 5) {
        snprintf(folder, sizeof folder, "run-%d-%ld", _i, number);
        snprintf(what, sizeof what, "call %ld", number);
        if (!train_with(failures[_i].call, number, failures[_i].error, folder, failures[_i].reason)) {
            break;
        }
        n_ended++;
        if (!sandbox_has(folder)) {
            continue; /* nothing was trained */
        }
        n_resumed++;
        snprintf(arguments, sizeof arguments, "train --resume %s --quiet", folder);
        const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
        assert_status(what, &outcome, 0);
        assert_same(what, folder, "weights.safetensors");
        assert_same(what, folder, "metrics.jsonl");
        sandbox_remove(folder);
    }
    ck_assert_int_ge(n_ended, 1);
    ck_assert_msg(n_resumed >= 1 || failures[_i].call == SYSTEM_MAKE_FOLDER, "no run had anything to go on from");
}
END_TEST

/* The newest checkpoint of a step below `step`; -1: there is none. */
static int newest_below(const char *folder, int step) {
    while (--step >= 0 && !sandbox_has(sandbox_path("%s/checkpoints/step-%012d.safetensors", folder, step))) {
    }
    return step;
}

START_TEST(a_resume_passes_over_a_damaged_checkpoint_and_ends_the_same) {
    enum { STEPS = 12 };
    int newest = -1, before = -1;
    for (long number = 8; before < 0; number++) { /* until the failure leaves two checkpoints */
        ck_assert_int_lt(number, 40);
        if (sandbox_has("damaged")) {
            sandbox_remove("damaged");
        }
        ck_assert(train_with(SYSTEM_RENAME, number, EIO, "damaged", "Input/output error"));
        newest = newest_below("damaged", STEPS);
        before = newest_below("damaged", newest);
    }
    char name[96], expected[160];
    size_t size;
    snprintf(name, sizeof name, "damaged/checkpoints/step-%012d.safetensors", newest);
    char *bytes = sandbox_read(name, &size);
    bytes[size / 2] = (char)(bytes[size / 2] ^ 1);
    sandbox_write_bytes(name, bytes, size);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train --resume damaged"});
    assert_status("damaged", &outcome, 0);
    snprintf(expected, sizeof expected, "passed over: %s: the file is damaged", name);
    assert_parts("damaged", outcome.err, expected);
    assert_same("damaged", "damaged", "weights.safetensors");
    assert_same("damaged", "damaged", "metrics.jsonl");
}
END_TEST

/* Otherwise its first lines would be missing in the end. */
START_TEST(metrics_that_are_emptied_during_the_training_end_it) {
    struct process *process =
        sandbox_start((struct call){.arguments = "train e.yaml --out emptied --set schedule.epochs=100000"});
    sandbox_await(process, "epoch 2/");
    ck_assert_int_eq(truncate(sandbox_path("emptied/metrics.jsonl"), 0), 0);
    const struct outcome outcome = sandbox_finish(process);
    assert_status("emptied", &outcome, 1);
    assert_parts(
        "emptied", outcome.err,
        "'emptied/metrics.jsonl' was changed by another program while the run was going on: it has 0 bytes|to go "
        "on: rondo train --resume emptied");
    const struct outcome resumed = sandbox_run((struct call){.arguments = "train --resume emptied --quiet"});
    assert_status("resumed", &resumed, 2);
    assert_parts("resumed", resumed.err, "'emptied/metrics.jsonl' has 0 bytes|--accept-changes");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train_faults");
    TCase *cases = tcase_create("train_faults");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 240);
    tcase_add_loop_test(cases, a_training_that_cannot_write_goes_on_later, 0, ROWS(failures));
    tcase_add_test(cases, a_resume_passes_over_a_damaged_checkpoint_and_ends_the_same);
    tcase_add_test(cases, metrics_that_are_emptied_during_the_training_end_it);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
