/* tests/test_compare_slurm.c: `rondo compare --launcher slurm` with an sbatch that runs the tasks of an array at once, one after
 * the other, as Slurm would run them: from the script, by their number. tests/test_slurm_cluster.c has the real one.
 */
#define _DEFAULT_SOURCE /* flock */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static void make_program(const char *name, const char *body) {
    char text[2048];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", body);
    sandbox_write(sandbox_path("bin/%s", name), text);
    ck_assert_int_eq(chmod(sandbox_path("bin/%s", name), 0755), 0);
}

/* While there is a file `busy`, sbatch runs nothing, and squeue shows the job as waiting. */
static void open_sandbox(void) {
    char path[4096];
    sandbox_open();
    tiny_write();
    make_program("sbatch",
                 "root=$(dirname \"$0\")/..\n"
                 "echo \"$*\" >>\"$root/calls\"\n"
                 "for script; do :; done\n"
                 "for range in $(sed -n 's/^#SBATCH --array=//p' \"$script\" | sed 's/%.*//' | tr , ' '); do\n"
                 "    for i in $(seq ${range%-*} ${range#*-}); do\n"
                 "        [ -e \"$root/busy\" ] || SLURM_ARRAY_TASK_ID=$i sh \"$script\" >>\"$root/output\" 2>&1\n"
                 "    done\n"
                 "done\n"
                 "echo $((100 + $(wc -l <\"$root/calls\")))\n");
    make_program("squeue", "[ ! -e \"$(dirname \"$0\")/../busy\" ] || echo '101|1|PENDING|Resources'");
    make_program("sacct", "exit 1");
    make_program("scontrol", "exit 1");
    snprintf(path, sizeof path, "%s:/bin:/usr/bin", sandbox_path("bin"));
    setenv("PATH", path, 1);
}

static struct outcome compare(const char *arguments, int status) {
    char line[1024];
    snprintf(line, sizeof line, "compare %s", arguments);
    const struct outcome outcome = sandbox_run((struct call){.arguments = line});
    assert_status(line, &outcome, status);
    return outcome;
}

static void write_comparison(const char *compare_section) {
    char text[2048];
    snprintf(text, sizeof text, "extends: e.yaml\nname: c\ncompare:\n%s", compare_section);
    sandbox_write("c.yaml", text);
}

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

static void assert_missing(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) == NULL, "'%s' is in:\n%s", part, text);
}

static const char tuned[] = "  model.layers.0.cell: [gru, ./bad.yaml]\n"
                            "  seeds: 2\n"
                            "  tune: {optimizer.lr: {from: 0.01, to: 0.1}, trials: 3, seeds: 1, halving: 2}\n";

START_TEST(comparison_on_slurm_is_that_of_this_machine) {
    sandbox_write("bad.yaml", "cell: bad\nstate: [h]\nequations: |\n  h' = log(0 - exp(x @ W + h @ U + b))\n");
    write_comparison(tuned);
    const struct outcome submitted = compare("c.yaml --launcher slurm --out there", 0);
    assert_parts("submission", submitted.err, "submitted 18 tasks to Slurm, jobs 101 102 103 104|scancel 101 102 103");
    assert_parts("calls", sandbox_read("calls", NULL),
                 "slurm/tuning-1.sh|afterany:101 |slurm/tuning-2.sh|slurm/runs.sh|afterany:103 |slurm/scores.sh");
    const struct outcome ended = compare("c.yaml --launcher slurm --out there", 0);
    assert_missing(ended.err, "submitted");
    compare("c.yaml --out here --quiet", 0);
    ck_assert_str_eq(result_of("there"), result_of("here"));
    assert_parts("comparison", result_of("there"), "\"scored\"|\"failed\"");
}
END_TEST

START_TEST(nothing_is_submitted_while_tasks_wait) {
    write_comparison("  model.layers.0.cell: [gru, lstm]\n  seeds: 2\n");
    sandbox_write("busy", "");
    compare("c.yaml --launcher slurm", 0);
    const char *calls = sandbox_read("calls", NULL);
    const struct outcome again = compare("c.yaml --launcher slurm", 0);
    assert_parts("state", again.err, "in Slurm, 0 tasks run and 1 wait (Resources)|scancel 101 102");
    const struct outcome json = compare("c.yaml --launcher slurm --json", 0);
    assert_parts("state", json.out, "\"state\":\"queued\"|\"missing\":8|\"waiting\":1|\"jobs\":[\"101\",\"102\"]");
    const struct outcome here = compare("c.yaml", 2);
    assert_parts("local", here.err, "1 task waits or runs in Slurm for this comparison: add '--launcher slurm'");
    ck_assert_str_eq(calls, sandbox_read("calls", NULL));
}
END_TEST

START_TEST(only_missing_tasks_are_submitted_again) {
    write_comparison("  model.layers.0.cell: [gru, lstm]\n  seeds: 2\n");
    compare("c.yaml --launcher slurm", 0);
    compare("c.yaml --launcher slurm", 0);
    const char *before = result_of("comparisons/c");
    sandbox_remove("comparisons/c/runs/lstm/seed-1");
    sandbox_write("calls", "");
    make_program("squeue", "echo '101|3|TIMEOUT|None'; echo '101|1|FAILED|None'");
    const struct outcome again = compare("c.yaml --launcher slurm", 0);
    assert_parts("submission", again.err,
                 "Slurm has ended task 3 of 'runs' without a result: TIMEOUT|submitted 2 tasks to Slurm, jobs 101 102");
    assert_missing(again.err, "FAILED");
    assert_parts("runs.sh", sandbox_read("comparisons/c/slurm/runs.sh", NULL), "--array=3\n|--phase 1 --task \"$SLURM");
    assert_parts("scores.sh", sandbox_read("comparisons/c/slurm/scores.sh", NULL), "--array=3\n|--phase 2");
    compare("c.yaml --launcher slurm", 0);
    ck_assert_str_eq(before, result_of("comparisons/c"));
}
END_TEST

/* The task repeats the flags that decide what is trained. */
START_TEST(tasks_have_the_flags_of_the_command) {
    sandbox_write("busy", "");
    compare("e.yaml --cells gru,lstm --seeds 2 --set optimizer.lr=0.2 --engine fused --passes=-fuse "
            "--threads-per-job 2 --jobs 3 --launcher slurm --slurm --mem=5G",
            0);
    assert_parts("calls", sandbox_read("calls", NULL), "--parsable --mem=5G ");
    const char *script = sandbox_read("comparisons/tiny/slurm/runs.sh", NULL);
    assert_parts(
        "script", script,
        "--array=1-4%3\n|--cpus-per-task=2\n| compare e.yaml --out |--cells gru,lstm --set optimizer.lr=0.2 --set "
        "compare.seeds=2 --engine fused --passes=-fuse --threads-per-job 2 --plan | --phase 1 --task");
    assert_missing(script, "--mem");
    const struct outcome task = sandbox_run((struct call){
        .program = "/bin/sh", .arguments = "comparisons/tiny/slurm/runs.sh", .environment = "SLURM_ARRAY_TASK_ID=4"});
    assert_status("the plan is the same", &task, 0);
    ck_assert(sandbox_has("comparisons/tiny/runs/lstm/seed-2/weights.safetensors"));
}
END_TEST

START_TEST(memory_that_is_asked_for_is_predicted) {
    sandbox_write("busy", "");
    compare("e.yaml --cells gru --set compare.seeds=1 --launcher slurm", 0);
    const char *memory = strstr(sandbox_read("comparisons/tiny/slurm/runs.sh", NULL), "#SBATCH --mem=");
    ck_assert_ptr_nonnull(memory);
    ck_assert_int_gt(strtol(memory + strlen("#SBATCH --mem="), NULL, 10), 200);
}
END_TEST

/* Slurm starts a task again when it has lost the node of the first, which may still train. */
START_TEST(task_whose_run_another_process_trains_is_no_failure) {
    write_comparison("  model.layers.0.cell: [gru]\n  seeds: 1\n");
    sandbox_write("comparisons/c/comparison.json", "");
    sandbox_write("comparisons/c/runs/gru/seed-1/metrics.jsonl", "");
    const int other = open(sandbox_path("comparisons/c/runs/gru/seed-1/metrics.jsonl"), O_RDWR);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    const struct outcome task = compare("c.yaml --phase 1 --task 1", 1);
    assert_parts("task", task.err, "another process trains in|runs/gru/seed-1' now");
    ck_assert(!sandbox_has("comparisons/c/runs/gru/seed-1.failed.json"));
    close(other);
    compare("c.yaml --phase 1 --task 1", 0);
    ck_assert(sandbox_has("comparisons/c/runs/gru/seed-1/weights.safetensors"));
}
END_TEST

static const struct {
    const char *arguments, *parts;
    int status;
} mistakes[] = {
    {"e.yaml --cells gru --launcher slum", "there is no launcher 'slum', expected 'slurm'", 2},
    {"e.yaml --cells gru --slurm --time=1", "--slurm has options for --launcher slurm, which is missing", 2},
    {"e.yaml --cells gru --launcher slurm --slurm short", "'short' is not an option for sbatch", 2},
    {"e.yaml --cells gru --launcher slurm --slurm --array=1", "'--array=1' cannot be an option for sbatch here", 2},
    {"e.yaml --cells gru --phase 1 --task 9", "phase 1 has no task 9, expected 1 to 8", 2},
    {"e.yaml --cells gru --phase 9 --task 1", "there is no phase 9, expected 1 to 2", 2},
};

START_TEST(mistake_is_reported_before_anything_is_submitted) {
    const struct outcome outcome = compare(mistakes[_i].arguments, mistakes[_i].status);
    assert_parts(mistakes[_i].arguments, outcome.err, mistakes[_i].parts);
    ck_assert(!sandbox_has("calls"));
}
END_TEST

START_TEST(refusal_of_sbatch_is_shown) {
    make_program("sbatch", "echo 'sbatch: error: invalid partition specified: x' >&2; exit 1");
    const struct outcome refused = compare("e.yaml --cells gru --launcher slurm --slurm --partition=x", 2);
    assert_parts("refused", refused.err, "sbatch refuses the tasks of the phase 'runs'|invalid partition specified: x");
    const struct outcome missing = sandbox_run(
        (struct call){.arguments = "compare e.yaml --cells gru --launcher slurm", .environment = "PATH=/nothing"});
    assert_parts("missing", missing.err, "cannot find the program 'sbatch'");
}
END_TEST

START_TEST(tasks_before_a_refused_phase_are_shown) {
    make_program("sbatch", "case $* in *scores.sh) echo 'sbatch: error: too many jobs' >&2; exit 1;; esac; echo 55");
    const struct outcome refused = compare("e.yaml --cells gru,lstm --launcher slurm", 2);
    assert_parts("refused", refused.err,
                 "submitted 16 tasks to Slurm, job 55;|scancel 55|phase 'scores':\n  sbatch: error: too many jobs");
}
END_TEST

/* With another seed, other runs have the numbers of tasks that still wait. */
START_TEST(task_of_a_changed_comparison_is_refused) {
    write_comparison("  model.layers.0.cell: [gru, lstm]\n  seeds: 1\n");
    sandbox_write("busy", "");
    compare("c.yaml --launcher slurm", 0);
    const struct call task = {
        .program = "/bin/sh", .arguments = "comparisons/c/slurm/runs.sh", .environment = "SLURM_ARRAY_TASK_ID=2"};
    static const char *const changes[] = {"  model.layers.0.cell: [gru, lstm]\n  seeds: 2\n",
                                          "  model.layers.0.cell: [gru, mgu]\n  seeds: 1\n"};
    for (int i = 0; i < ROWS(changes); i++) {
        write_comparison(changes[i]);
        const struct outcome refused = sandbox_run(task);
        assert_status(changes[i], &refused, 2);
        assert_parts(changes[i], refused.err, "the comparison has changed since this task was submitted");
    }
    ck_assert(!sandbox_has("comparisons/c/runs"));
    write_comparison("  model.layers.0.cell: [gru, lstm]\n  seeds: 1\n");
    const struct outcome done = sandbox_run(task);
    assert_status("unchanged", &done, 0);
    ck_assert(sandbox_has("comparisons/c/runs/lstm/seed-1/weights.safetensors"));
}
END_TEST

/* Slurm sends this signal at the end of the time limit. */
START_TEST(ended_task_leaves_a_checkpoint) {
    write_comparison("  model.layers.0.cell: [gru]\n  seeds: 1\n");
    struct process *task =
        sandbox_start((struct call){.arguments = "compare c.yaml --phase 1 --task 1 --set schedule.epochs=1000000 "
                                                 "--set schedule.checkpoint.every.epochs=1000000"});
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    for (int i = 0; i < 6000 && !sandbox_has("comparisons/c/runs/gru/seed-1/weights.safetensors"); i++) {
        nanosleep(&pause, NULL);
    }
    sandbox_signal(task, SIGTERM);
    const struct outcome outcome = sandbox_finish(task);
    assert_status("task", &outcome, 1);
    assert_parts("task", outcome.err, "interrupted: the same task goes on");
    ck_assert(sandbox_has("comparisons/c/runs/gru/seed-1/checkpoints"));
    ck_assert(!sandbox_has("comparisons/c/runs/gru/seed-1.failed.json"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compare_slurm");
    TCase *cases = add_case(suite, "launcher", 120, open_sandbox, sandbox_close);
    tcase_add_test(cases, comparison_on_slurm_is_that_of_this_machine);
    tcase_add_test(cases, nothing_is_submitted_while_tasks_wait);
    tcase_add_test(cases, only_missing_tasks_are_submitted_again);
    tcase_add_test(cases, tasks_have_the_flags_of_the_command);
    tcase_add_test(cases, memory_that_is_asked_for_is_predicted);
    tcase_add_test(cases, task_whose_run_another_process_trains_is_no_failure);
    tcase_add_loop_test(cases, mistake_is_reported_before_anything_is_submitted, 0, ROWS(mistakes));
    tcase_add_test(cases, refusal_of_sbatch_is_shown);
    tcase_add_test(cases, tasks_before_a_refused_phase_are_shown);
    tcase_add_test(cases, task_of_a_changed_comparison_is_refused);
    tcase_add_test(cases, ended_task_leaves_a_checkpoint);
    return run_suite(suite);
}
