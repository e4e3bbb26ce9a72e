/* tests/test_slurm_cluster.c: job arrays on a real Slurm, which tests/slurm.sh starts for this test; tests/test_slurm.c says
 * more about what is written and read.
 */
#define _XOPEN_SOURCE 700
#include "compare/slurm.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox.h"
#include "tests/suite.h"
#include "tests/tiny.h"

static struct arena *arena;
static struct errors errors;

static void open_test(void) {
    sandbox_open();
    arena = arena_create();
}

static void close_test(void) {
    errors_free(&errors);
    arena_destroy(arena);
    sandbox_close();
}

static void assert_ok(rondo_status status) {
    ck_assert_msg(status == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : status_text(status));
}

/* Waits until no job is in the queue. */
static void wait_for_jobs(struct slurm_jobs *jobs) {
    const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    for (int i = 0; i < 300; i++) {
        assert_ok(slurm_look(jobs, arena, &errors));
        if (jobs->waiting + jobs->running == 0) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%lld tasks still wait (%s), %lld run", (long long)jobs->waiting, jobs->reason,
                 (long long)jobs->running);
}

/* A folder of a name that shells, sbatch and Slurm's patterns could take for something else. */
#define FOLDER "a b's \"c\" #1 50%j $HOME"

/* Task 2 of the first phase fails. The second phase counts the results of the first. */
START_TEST(tasks_run_in_their_phases) {
    static const int32_t first[] = {0, 1, 2, 5}, second[] = {3};
    const char *const train[] = {"/bin/sh",
                                 "-c",
                                 "echo \"task $2\"; [ \"$2\" != 2 ] || exit 3; echo done >\"$1/train-$2\"",
                                 "sh",
                                 sandbox_path("%s", FOLDER),
                                 NULL};
    const char *const score[] = {
        "/bin/sh", "-c", "ls \"$1\" | grep -c ^train- >\"$1/score-$2\"", "sh", sandbox_path("%s", FOLDER), NULL};
    const struct slurm_phase phases[] = {
        {.name = "runs", .missing = first, .n_missing = 4, .command = train, .processors = 1, .memory = 1 << 20},
        {.name = "score", .missing = second, .n_missing = 1, .command = score, .processors = 1, .memory = 1 << 20}};
    struct slurm_options options;
    assert_ok(slurm_options_read("--comment='a b; $HOME' -p all", &options, arena, &errors));
    const struct slurm_request request = {.folder = sandbox_path("%s", FOLDER),
                                          .name = "one \"two\"",
                                          .directory = "/",
                                          .phases = phases,
                                          .n_phases = 2,
                                          .at_once = 2,
                                          .options = &options};
    struct slurm_jobs jobs;
    assert_ok(slurm_submit(&request, &jobs, arena, &errors));
    assert_ok(slurm_jobs_read(request.folder, &jobs, arena, &errors));
    ck_assert_int_eq(jobs.n_jobs, 2);
    assert_ok(slurm_look(&jobs, arena, &errors));
    ck_assert_int_gt(jobs.waiting + jobs.running, 0);
    wait_for_jobs(&jobs);
    ck_assert_str_eq(sandbox_read(FOLDER "/score-3", NULL), "3\n");
    ck_assert_str_eq(sandbox_read(FOLDER "/slurm/runs-5.txt", NULL), "task 5\n");
    ck_assert_str_eq(sandbox_read(FOLDER "/slurm/runs-2.txt", NULL), "task 2\n");
    ck_assert_int_eq(jobs.n_ended, 1);
    ck_assert_str_eq(jobs.ended[0].phase, "runs");
    ck_assert_int_eq(jobs.ended[0].task, 2);
    ck_assert_str_eq(jobs.ended[0].state, "FAILED");
}
END_TEST

/* The node has less memory than the tasks ask for. */
START_TEST(job_that_fits_no_node_is_refused_with_the_words_of_sbatch) {
    static const int32_t tasks[] = {0};
    const char *const command[] = {"/bin/true", NULL};
    const struct slurm_phase phase = {.name = "runs",
                                      .missing = tasks,
                                      .n_missing = 1,
                                      .command = command,
                                      .processors = 1,
                                      .memory = (uint64_t)1 << 50};
    const struct slurm_options options = {0};
    const struct slurm_request request = {.folder = sandbox_path("out"),
                                          .name = "x",
                                          .directory = "/",
                                          .phases = &phase,
                                          .n_phases = 1,
                                          .options = &options};
    struct slurm_jobs jobs;
    ck_assert_int_eq(slurm_submit(&request, &jobs, arena, &errors), RONDO_INVALID);
    assert_parts("error", errors_text(&errors, 0), "sbatch refuses the tasks of the phase 'runs'|sbatch: error: ");
    ck_assert_int_eq(jobs.n_jobs, 0);
}
END_TEST

/* comparison.json, without the lines that are measured. */
static const char *result_of(const char *folder) {
    char *text = sandbox_read(sandbox_path("%s/comparison.json", folder), NULL), *rest;
    char *result = sandbox_memory(strlen(text) + 1);
    result[0] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(line, "\"seconds") == NULL && strstr(line, "peak_memory") == NULL) {
            strcat(strcat(result, line), "\n");
        }
    }
    return result;
}

static void compare(const char *arguments) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
}

START_TEST(comparison_on_a_cluster_is_that_of_this_machine) {
    struct slurm_jobs jobs;
    tiny_write();
    compare("compare e.yaml --cells gru,lstm --set compare.seeds=1 --launcher slurm --out there");
    assert_ok(slurm_jobs_read(sandbox_path("there"), &jobs, arena, &errors));
    ck_assert_int_eq(jobs.n_jobs, 2);
    wait_for_jobs(&jobs);
    compare("compare e.yaml --cells gru,lstm --set compare.seeds=1 --launcher slurm --out there");
    compare("compare e.yaml --cells gru,lstm --set compare.seeds=1 --out here --quiet");
    ck_assert_str_eq(result_of("there"), result_of("here"));
    assert_parts("comparison", result_of("there"), "\"scored\"");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("slurm_cluster");
    TCase *cases = add_case(suite, "cluster", 90, open_test, close_test);
    tcase_add_test(cases, tasks_run_in_their_phases);
    tcase_add_test(cases, job_that_fits_no_node_is_refused_with_the_words_of_sbatch);
    tcase_add_test(cases, comparison_on_a_cluster_is_that_of_this_machine);
    return run_suite(suite);
}
