/* tests/test_run_result.c: the state of a run in the folder of a comparison, from all of its logs, and from their ends. */
#include "compare/run_result.h"

#include <check.h>
#include <math.h>

#include "tests/sandbox.h"
#include "tests/suite.h"

#define EPOCH    "{\"epoch\":1,\"step\":3,\"best\":true,\"valid\":{\"loss\":0.5}}\n"
#define FINISHED "{\"finished\":true,\"epochs\":1}\n"

static const struct {
    const char *what;
    const char *metrics, *scores, *failed; /* files; NULL: there is none */
    enum compared_state state;
} runs[] = {
    {"nothing", NULL, NULL, NULL, COMPARED_MISSING},
    {"failed before it began", NULL, NULL, "{\"reason\": \"x\", \"is_final\": true}", COMPARED_FAILED},
    {"begun", "", NULL, NULL, COMPARED_RUNNING},
    {"after an epoch", EPOCH, NULL, NULL, COMPARED_RUNNING},
    {"cut within the last line", EPOCH "{\"finished\":tr", NULL, NULL, COMPARED_RUNNING},
    {"failed after an epoch", EPOCH, NULL, "{\"reason\": \"x\", \"is_final\": false}", COMPARED_FAILED},
    {"trained", EPOCH FINISHED, NULL, NULL, COMPARED_FINISHED},
    {"scored", EPOCH FINISHED, "{\"part\": \"test\", \"scores\": {\"loss\": 0.5}}", NULL, COMPARED_SCORED},
    {"trained, but its score failed", EPOCH FINISHED, NULL, "{\"reason\": \"x\", \"is_final\": false}",
     COMPARED_FAILED},
};

START_TEST(state_is_the_same_from_the_whole_logs_and_from_their_ends) {
    struct arena *arena = arena_create();
    struct errors errors = {0};
    struct compared_run run = {.seed = 1};
    const struct run_result_settings settings = {
        .folder = sandbox_path("run"), .metric = "loss", .part = "test", .target = NAN};
    if (runs[_i].metrics != NULL) {
        sandbox_write("run/experiment.yaml", "rondo: 1\n");
        sandbox_write("run/metrics.jsonl", runs[_i].metrics);
    }
    if (runs[_i].scores != NULL) {
        sandbox_write("run/test.json", runs[_i].scores);
    }
    if (runs[_i].failed != NULL) {
        sandbox_write("run.failed.json", runs[_i].failed);
    }
    ck_assert_int_eq(run_result_read(&settings, &run, arena, &errors), RONDO_OK);
    ck_assert_msg(run.state == runs[_i].state, "%s: state %d, expected %d", runs[_i].what, run.state, runs[_i].state);
    const enum compared_state state = run_result_state(settings.folder, arena);
    ck_assert_msg(state == runs[_i].state, "%s: state %d, expected %d", runs[_i].what, state, runs[_i].state);
    ck_assert(!arena_failed(arena));
    arena_destroy(arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("run_result");
    TCase *cases = add_case(suite, "state", 20, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, state_is_the_same_from_the_whole_logs_and_from_their_ends, 0, ROWS(runs));
    return run_suite(suite);
}
