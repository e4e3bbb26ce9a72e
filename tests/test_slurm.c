/* tests/test_slurm.c: what is written for Slurm and read from it, with programs in its place that record how they are called.
 * tests/test_slurm_cluster.c has the real one. */
#define _XOPEN_SOURCE 700
#include "compare/slurm.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/program.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;

/* Makes a program of the shell in the folder bin/ of the sandbox. */
static void make_program(const char *name, const char *body) {
    char text[2048];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", body);
    sandbox_write(sandbox_path("bin/%s", name), text);
    ck_assert_int_eq(chmod(sandbox_path("bin/%s", name), 0755), 0);
}

/* A program that prints this. */
static void make_printing(const char *name, const char *printed) {
    char body[2048];
    sandbox_write(sandbox_path("bin/%s.out", name), printed);
    snprintf(body, sizeof body, "cat '%s'", sandbox_path("bin/%s.out", name));
    make_program(name, body);
}

/* Programs of this folder only, and those of the system that they need. */
static void open_test(void) {
    char path[4096];
    sandbox_open();
    arena = arena_create();
    snprintf(path, sizeof path, "%s:/bin:/usr/bin", sandbox_path("bin"));
    setenv("PATH", path, 1);
    /* Every call is a line of `calls`; the jobs are 101, 102, … */
    make_program("sbatch", "cd \"$(dirname \"$0\")/..\"\necho \"$*\" >>calls\necho $((100 + $(wc -l <calls)))");
    make_printing("scontrol", "Configuration data\nMaxArraySize            = 1001\nMaxJobCount = 10000\n");
    make_printing("squeue", "");
    make_printing("sacct", "");
}

static void close_test(void) {
    errors_free(&errors);
    arena_destroy(arena);
    sandbox_close();
}

/* Fails unless there is one error with these parts, separated by '|'. */
static void assert_error(rondo_status status, rondo_status expected, const char *parts) {
    ck_assert_msg(status == expected, "%s, expected '%s'", status_text(status), parts);
    ck_assert_int_eq(errors.count, 1);
    assert_parts("error", errors_text(&errors, 0), parts);
}

static void assert_ok(rondo_status status) {
    ck_assert_msg(status == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : status_text(status));
}

/* ---- texts ---- */

static const struct {
    int32_t numbers[6];
    int32_t count;
    const char *text;
} arrays[] = {
    {{0}, 0, ""},
    {{7}, 1, "7"},
    {{0, 1}, 2, "0,1"},
    {{0, 1, 2, 3, 7}, 5, "0-3,7"},
    {{2, 4, 5, 6, 2147483646, 2147483647}, 6, "2,4-6,2147483646,2147483647"},
};

START_TEST(numbers_of_tasks_are_written_as_ranges) {
    ck_assert_str_eq(slurm_array_text(arrays[_i].numbers, arrays[_i].count, arena), arrays[_i].text);
}
END_TEST

static const struct {
    const char *text;
    const char *words; /* joined by '|' */
    int has_memory;
    const char *error; /* NULL: none */
} options[] = {
    {"", "", 0, NULL},
    {"  --partition=short   --time=1:00:00 ", "--partition=short|--time=1:00:00", 0, NULL},
    {"--partition short -p long -t1:00 -H", "--partition=short|-plong|-t1:00|-H", 0, NULL},
    {"--comment='two words; rm -rf $HOME' --mem=4G", "--comment=two words; rm -rf $HOME|--mem=4G", 1, NULL},
    {"--comment=\"it's\" --mem-per-cpu=1G", "--comment=it's|--mem-per-cpu=1G", 1, NULL},
    {"--mem-bind=local", "--mem-bind=local", 0, NULL},
    {"short", NULL, 0, "'short' is not an option for sbatch: write --NAME=VALUE"},
    {"--partition=short job.sh", NULL, 0, "'job.sh' is not an option"},
    {"-p short job.sh", NULL, 0, "'job.sh' is not an option"},
    {"-- job.sh", NULL, 0, "'--' is not an option"},
    {"--array=0-99", NULL, 0, "'--array=0-99' cannot be an option for sbatch here: Rondo sets it to the tasks"},
    {"--arr=0-99", NULL, 0, "'--arr=0-99' cannot be"},
    {"-a0-99", NULL, 0, "'-a0-99' cannot be"},
    {"--wait", NULL, 0, "does not wait"},
    {"--wait-all-nodes=1", "--wait-all-nodes=1", 0, NULL},
    {"--comment='open", NULL, 0, "a quote in the options for sbatch is not closed: --comment='open"},
    {"--comment=a\n#SBATCH", NULL, 0, "control character"},
};

START_TEST(options_of_sbatch_are_words_that_no_shell_reads) {
    struct slurm_options read;
    const rondo_status status = slurm_options_read(options[_i].text, &read, arena, &errors);
    if (options[_i].error != NULL) {
        assert_error(status, RONDO_INVALID, options[_i].error);
        return;
    }
    assert_ok(status);
    const char *joined = "";
    for (int32_t i = 0; i < read.n_words; i++) {
        joined = arena_printf(arena, "%s%s%s", joined, i == 0 ? "" : "|", read.words[i]);
    }
    ck_assert_str_eq(joined, options[_i].words);
    ck_assert_int_eq(read.has_memory, options[_i].has_memory);
    ck_assert_ptr_null(read.words[read.n_words]);
}
END_TEST

static const char *const command[] = {"/usr/bin/rondo", "compare", "/home/a b/it's.yaml", "--task", NULL};

START_TEST(script_has_the_whole_job) {
    const struct slurm_script script = {.name = "rondo a \"b\"\\c runs",
                                        .output = "/home/a b/50% #1/slurm/runs-",
                                        .directory = "/home/a b",
                                        .array = "0-3,7",
                                        .at_once = 2,
                                        .processors = 4,
                                        .megabytes = 700,
                                        .command = command};
    ck_assert_str_eq(slurm_script_text(&script, arena),
                     "#!/bin/sh\n"
                     "# Written by `rondo compare`, which writes it again when it submits further tasks.\n"
                     "#SBATCH --job-name=\"rondo a \\\"b\\\"\\\\c runs\"\n"
                     "#SBATCH --array=0-3,7%2\n"
                     "#SBATCH --cpus-per-task=4\n"
                     "#SBATCH --mem=700M\n"
                     "#SBATCH --output=\"/home/a b/50%% #1/slurm/runs-%a.txt\"\n"
                     "#SBATCH --open-mode=append\n"
                     "#SBATCH --requeue\n"
                     "cd '/home/a b' || exit 1\n"
                     "exec /usr/bin/rondo compare '/home/a b/it'\\''s.yaml' --task \"$SLURM_ARRAY_TASK_ID\"\n");
}
END_TEST

START_TEST(script_leaves_out_what_is_not_known) {
    const struct slurm_script script = {.name = "two\nlines",
                                        .output = "/x/runs+",
                                        .directory = "/x",
                                        .array = "1",
                                        .first = 1000,
                                        .processors = 1,
                                        .command = command};
    ck_assert_str_eq(slurm_script_text(&script, arena),
                     "#!/bin/sh\n"
                     "# Written by `rondo compare`, which writes it again when it submits further tasks.\n"
                     "#SBATCH --job-name=\"two_lines\"\n"
                     "#SBATCH --array=1\n"
                     "#SBATCH --cpus-per-task=1\n"
                     "#SBATCH --output=\"/x/runs+%a.txt\"\n"
                     "#SBATCH --open-mode=append\n"
                     "#SBATCH --requeue\n"
                     "cd /x || exit 1\n"
                     "exec /usr/bin/rondo compare '/home/a b/it'\\''s.yaml' --task $((SLURM_ARRAY_TASK_ID + 1000))\n");
}
END_TEST

/* ---- submission ---- */

static const int32_t tasks[] = {0, 1, 2, 9};
static struct slurm_options no_options;

/* Three phases, of which the second has nothing to do. */
static struct slurm_phase phases[] = {
    {.name = "tuning-1", .missing = tasks, .n_missing = 2, .command = command, .processors = 1, .memory = 1 << 30},
    {.name = "tuning-2", .missing = tasks, .n_missing = 0, .command = command, .processors = 1},
    {.name = "runs", .missing = tasks, .n_missing = 4, .command = command, .processors = 2},
};

static struct slurm_request request(void) {
    return (struct slurm_request){.folder = sandbox_path("out"),
                                  .name = "cells",
                                  .directory = "/",
                                  .phases = phases,
                                  .n_phases = 3,
                                  .options = &no_options};
}

/* The lines that sbatch was called with, without the path of the sandbox. */
static const char *calls(void) {
    const char *text = sandbox_has("calls") ? sandbox_read("calls", NULL) : "", *root = sandbox_path("out");
    const char *result = "";
    for (const char *found; (found = strstr(text, root)) != NULL; text = found + strlen(root)) {
        result = arena_printf(arena, "%s%.*sOUT", result, (int)(found - text), text);
    }
    return arena_printf(arena, "%s%s", result, text);
}

START_TEST(each_phase_waits_for_the_one_before) {
    const struct slurm_request asked = request();
    struct slurm_jobs jobs, read;
    assert_ok(slurm_submit(&asked, &jobs, arena, &errors));
    ck_assert_str_eq(calls(), "--parsable OUT/slurm/tuning-1.sh\n"
                              "--parsable --dependency=afterany:101 OUT/slurm/runs.sh\n");
    assert_parts("tuning-1.sh", sandbox_read("out/slurm/tuning-1.sh", NULL),
                 "--job-name=\"rondo cells tuning-1\"|--array=0,1\n|--mem=1429M\n|slurm/tuning-1-%a.txt");
    assert_parts("runs.sh", sandbox_read("out/slurm/runs.sh", NULL), "--array=0-2,9\n|--cpus-per-task=2\n");
    ck_assert_ptr_null(strstr(sandbox_read("out/slurm/runs.sh", NULL), "--mem"));
    assert_ok(slurm_jobs_read(sandbox_path("out"), &read, arena, &errors));
    ck_assert_int_eq(read.n_jobs, 2);
    ck_assert_int_eq(jobs.n_jobs, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(read.jobs[i].id, i == 0 ? "101" : "102");
        ck_assert_str_eq(read.jobs[i].phase, i == 0 ? "tuning-1" : "runs");
        ck_assert_str_eq(read.jobs[i].indices, i == 0 ? "0,1" : "0-2,9");
        ck_assert_int_eq(read.jobs[i].n_tasks, i == 0 ? 2 : 4);
        ck_assert_int_eq(read.jobs[i].first, 0);
        ck_assert_ptr_null(read.jobs[i].cluster);
        ck_assert_str_eq(read.jobs[i].id, jobs.jobs[i].id);
    }
}
END_TEST

START_TEST(options_of_the_user_replace_our_own) {
    struct slurm_request asked = request();
    struct slurm_options given;
    struct slurm_jobs jobs;
    assert_ok(slurm_options_read("--mem=8G --comment='two words'", &given, arena, &errors));
    asked.options = &given;
    asked.n_phases = 1;
    asked.at_once = 5;
    assert_ok(slurm_submit(&asked, &jobs, arena, &errors));
    ck_assert_str_eq(calls(), "--parsable --mem=8G --comment=two words OUT/slurm/tuning-1.sh\n");
    const char *script = sandbox_read("out/slurm/tuning-1.sh", NULL);
    assert_parts("script", script, "--array=0,1%5\n");
    ck_assert_ptr_null(strstr(script, "--mem="));
}
END_TEST

/* Where arrays have a limit, they run side by side, or one after the other where the number of tasks at once is limited. */
static const struct {
    int32_t at_once;
    const char *calls;
} limits[] = {
    {0, "--parsable OUT/slurm/runs.sh\n--parsable OUT/slurm/runs-8.sh\n"
        "--parsable --dependency=afterany:101:102 OUT/slurm/score.sh\n"},
    {3, "--parsable OUT/slurm/runs.sh\n--parsable --dependency=afterany:101 OUT/slurm/runs-8.sh\n"
        "--parsable --dependency=afterany:101:102 OUT/slurm/score.sh\n"},
};

START_TEST(phase_with_too_many_tasks_becomes_several_arrays) {
    const struct slurm_phase long_phases[] = {
        {.name = "runs", .missing = tasks, .n_missing = 4, .command = command, .processors = 1},
        {.name = "score", .missing = tasks, .n_missing = 1, .command = command, .processors = 1}};
    struct slurm_request asked = request();
    struct slurm_jobs jobs;
    make_printing("scontrol", "Configuration data\nMaxArraySize            = 4\n");
    asked.phases = long_phases;
    asked.n_phases = 2;
    asked.at_once = limits[_i].at_once;
    assert_ok(slurm_submit(&asked, &jobs, arena, &errors));
    ck_assert_str_eq(calls(), limits[_i].calls);
    assert_parts("runs.sh", sandbox_read("out/slurm/runs.sh", NULL), "--array=0-2|\"$SLURM_ARRAY_TASK_ID\"\n");
    assert_parts("runs-8.sh", sandbox_read("out/slurm/runs-8.sh", NULL),
                 "--array=1|/out/slurm/runs-8+%a.txt|$((SLURM_ARRAY_TASK_ID + 8))\n");
    ck_assert_int_eq(jobs.jobs[1].first, 8);
}
END_TEST

START_TEST(cluster_without_arrays_is_an_error) {
    const struct slurm_request asked = request();
    struct slurm_jobs jobs;
    make_printing("scontrol", "Configuration data\nMaxArraySize            = 0\n");
    assert_error(slurm_submit(&asked, &jobs, arena, &errors), RONDO_INVALID, "does not allow job arrays");
    ck_assert_str_eq(calls(), "");
}
END_TEST

START_TEST(array_size_of_a_silent_cluster_is_the_default) {
    const struct slurm_request asked = request();
    struct slurm_jobs jobs;
    make_program("scontrol", "exit 1");
    assert_ok(slurm_submit(&asked, &jobs, arena, &errors));
    ck_assert_int_eq(jobs.n_jobs, 2);
}
END_TEST

static const struct {
    const char *program; /* sbatch */
    rondo_status status;
    const char *error; /* NULL: none */
    const char *id, *cluster;
} answers[] = {
    {"echo '7;north'", RONDO_OK, NULL, "7", "north"},
    {"echo 'Welcome to our 3 nodes'; echo; echo 12", RONDO_OK, NULL, "12", NULL},
    {"echo 3 nodes are free", RONDO_IO, "the number of the job is not in the answer of sbatch: '3 nodes are free'",
     NULL, NULL},
    {"true", RONDO_IO, "the number of the job is not in the answer of sbatch: ''", NULL, NULL},
    {"echo 'sbatch: error: invalid partition specified: x' >&2; echo 'sbatch: error: failed' >&2; exit 1",
     RONDO_INVALID,
     "sbatch refuses the tasks of the phase 'tuning-1':\n  sbatch: error: invalid partition specified: x\n  sbatch: "
     "error: failed",
     NULL, NULL},
    {"kill -9 $$", RONDO_IO, "sbatch was ended by signal 9", NULL, NULL},
};

START_TEST(answer_of_sbatch_is_read_or_shown) {
    struct slurm_request asked = request();
    struct slurm_jobs jobs, read;
    make_program("sbatch", answers[_i].program);
    asked.n_phases = 1;
    const rondo_status status = slurm_submit(&asked, &jobs, arena, &errors);
    if (answers[_i].error != NULL) {
        assert_error(status, answers[_i].status, answers[_i].error);
        ck_assert_int_eq(jobs.n_jobs, 0);
        return;
    }
    assert_ok(status);
    assert_ok(slurm_jobs_read(sandbox_path("out"), &read, arena, &errors));
    ck_assert_int_eq(read.n_jobs, 1);
    ck_assert_str_eq(read.jobs[0].id, answers[_i].id);
    ck_assert_pstr_eq(read.jobs[0].cluster, answers[_i].cluster);
}
END_TEST

START_TEST(arrays_before_a_refused_one_stay_known) {
    const struct slurm_request asked = request();
    struct slurm_jobs jobs, read;
    make_program("sbatch", "case $* in *runs.sh) echo 'too many jobs' >&2; exit 1;; esac; echo 55");
    assert_error(slurm_submit(&asked, &jobs, arena, &errors), RONDO_INVALID, "phase 'runs':\n  too many jobs");
    ck_assert_int_eq(jobs.n_jobs, 1);
    assert_ok(slurm_jobs_read(sandbox_path("out"), &read, arena, &errors));
    ck_assert_int_eq(read.n_jobs, 1);
    ck_assert_str_eq(read.jobs[0].id, "55");
}
END_TEST

START_TEST(missing_sbatch_is_an_error) {
    const struct slurm_request asked = request();
    struct slurm_jobs jobs;
    setenv("PATH", sandbox_path("nothing"), 1);
    assert_error(slurm_submit(&asked, &jobs, arena, &errors), RONDO_NOT_FOUND,
                 "cannot find the program 'sbatch' in the folders of PATH");
}
END_TEST

START_TEST(folder_that_slurm_cannot_write_to_is_refused) {
    struct slurm_request asked = request();
    struct slurm_jobs jobs;
    asked.folder = sandbox_path("back\\slash");
    assert_error(slurm_submit(&asked, &jobs, arena, &errors), RONDO_INVALID,
                 "back\\slash', whose name has a backslash");
    ck_assert(!sandbox_has("back\\slash"));
}
END_TEST

/* ---- what Slurm answers ---- */

static const struct slurm_job submitted[] = {
    {.id = "7", .phase = "tuning", .indices = "0-3", .n_tasks = 4},
    {.id = "8", .phase = "runs", .first = 1000, .indices = "0-5", .n_tasks = 6},
};

static const struct {
    const char *squeue, *sacct; /* bodies of the programs */
    int64_t waiting, running;
    const char *reason, *ended;
} queues[] = {
    {"exit 0", "echo 7_1\\|COMPLETED; echo 7_2\\|FAILED; echo 8_3\\|CANCELLED by 0; echo 9_3\\|FAILED", 0, 0, NULL,
     "tuning 2 FAILED, runs 1003 CANCELLED"},
    {"echo Invalid job id specified >&2; exit 1", "exit 1", 0, 0, NULL, ""},
    {"echo 7\\|0\\|COMPLETED\\|None; echo 7\\|1\\|TIMEOUT\\|TimeLimit; echo 7\\|2\\|COMPLETING\\|None; echo "
     "8\\|4\\|PENDING\\|Dependency; echo 8\\|5\\|PENDING\\|Other",
     "echo 7_1\\|TIMEOUT", 2, 1, "Dependency", "tuning 1 TIMEOUT"},
    {"echo 7\\|0\\|RUNNING\\|None; echo 71\\|0\\|RUNNING\\|None; echo CLUSTER: north", "exit 1", 0, 1, NULL, ""},
    {"echo 7\\|0\\|STATE_OF_THE_FUTURE\\|None; echo 7\\|1\\|PENDING\\|Priority", "exit 1", 2, 0, "Priority", ""},
};

START_TEST(state_of_the_jobs_is_counted) {
    struct slurm_jobs jobs = {.jobs = submitted, .n_jobs = 2};
    make_program("squeue", queues[_i].squeue);
    make_program("sacct", queues[_i].sacct);
    assert_ok(slurm_look(&jobs, arena, &errors));
    ck_assert_int_eq(jobs.waiting, queues[_i].waiting);
    ck_assert_int_eq(jobs.running, queues[_i].running);
    ck_assert_pstr_eq(jobs.reason, queues[_i].reason);
    const char *ended = "";
    for (int32_t i = 0; i < jobs.n_ended; i++) {
        ended = arena_printf(arena, "%s%s%s %d %s", ended, i == 0 ? "" : ", ", jobs.ended[i].phase,
                             (int)jobs.ended[i].task, jobs.ended[i].state);
    }
    ck_assert_str_eq(ended, queues[_i].ended);
}
END_TEST

START_TEST(each_cluster_is_asked_for_its_jobs) {
    const struct slurm_job spread[] = {
        {.id = "7", .phase = "a", .n_tasks = 1},
        {.id = "8", .cluster = "north", .phase = "b", .n_tasks = 1},
        {.id = "9", .cluster = "north", .phase = "c", .n_tasks = 1},
    };
    struct slurm_jobs jobs = {.jobs = spread, .n_jobs = 3};
    make_program("squeue", "cd \"$(dirname \"$0\")/..\"\necho \"$*\" >>calls");
    assert_ok(slurm_look(&jobs, arena, &errors));
    assert_parts("calls", calls(), "--jobs=7\n|--jobs=8,9 --clusters=north\n");
}
END_TEST

/* Submitting again what may still wait would train it twice. */
START_TEST(silent_queue_is_an_error) {
    struct slurm_jobs jobs = {.jobs = submitted, .n_jobs = 2};
    make_program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1");
    assert_error(slurm_look(&jobs, arena, &errors), RONDO_IO, "squeue cannot tell|Unable to contact slurm controller");
}
END_TEST

START_TEST(nobody_is_asked_about_no_jobs) {
    struct slurm_jobs jobs;
    setenv("PATH", sandbox_path("nothing"), 1);
    assert_ok(slurm_jobs_read(sandbox_path("out"), &jobs, arena, &errors));
    assert_ok(slurm_look(&jobs, arena, &errors));
    ck_assert_int_eq(jobs.n_jobs + jobs.waiting + jobs.running + jobs.n_ended, 0);
}
END_TEST

static const char *const damaged[] = {
    "{",
    "[]",
    "{\"format\": 2, \"jobs\": []}",
    ("{\"format\": 1, \"jobs\": [{\"id\": \"7; rm\", \"phase\": \"a\", \"first\": 0, \"indices\": "
     "\"0\", \"tasks\": 1}]}"),
    "{\"format\": 1, \"jobs\": [7]}",
};

START_TEST(damaged_list_of_jobs_is_an_error) {
    struct slurm_jobs jobs;
    sandbox_write("out/slurm/jobs.json", damaged[_i]);
    assert_error(slurm_jobs_read(sandbox_path("out"), &jobs, arena, &errors), RONDO_INVALID,
                 "/out/slurm/jobs.json' is damaged");
}
END_TEST

/* ---- programs ---- */

static const struct {
    const char *body;
    int status, signal;
    const char *out, *err;
} programs[] = {
    {"echo out; echo err >&2; exit 3", 3, 0, "out\n", "err\n"},
    {"kill -15 $$", -1, 15, "", ""},
    {"read line || echo no input", 0, 0, "no input\n", ""},
    {"echo \"$1|$2\"", 0, 0, "a b|$HOME;'\"\n", ""},
};

START_TEST(program_is_run_without_a_shell) {
    const char *const words[] = {"program", "a b", "$HOME;'\"", NULL};
    struct program_outcome outcome;
    make_program("program", programs[_i].body);
    assert_ok(program_run(words, &outcome, arena, &errors));
    ck_assert_int_eq(outcome.status, programs[_i].status);
    ck_assert_int_eq(outcome.signal, programs[_i].signal);
    ck_assert_str_eq(outcome.out, programs[_i].out);
    ck_assert_str_eq(outcome.err, programs[_i].err);
}
END_TEST

/* More than a pipe holds, on both streams. */
START_TEST(program_that_prints_much_does_not_wait) {
    const char *const words[] = {"program", NULL};
    struct program_outcome outcome;
    make_program("program", "head -c 300000 /dev/zero | tr '\\0' x >&2; head -c 300000 /dev/zero | tr '\\0' y");
    assert_ok(program_run(words, &outcome, arena, &errors));
    ck_assert_uint_eq(strlen(outcome.out), 300000);
    ck_assert_uint_eq(strlen(outcome.err), 300000);
    ck_assert(outcome.out[299999] == 'y' && outcome.err[299999] == 'x');
}
END_TEST

START_TEST(missing_program_is_an_error) {
    const char *const words[] = {"/no/such/program", NULL};
    struct program_outcome outcome;
    assert_error(program_run(words, &outcome, arena, &errors), RONDO_NOT_FOUND,
                 "cannot find the program '/no/such/program'");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("slurm");
    TCase *texts = add_case(suite, "texts", 20, open_test, close_test);
    tcase_add_loop_test(texts, numbers_of_tasks_are_written_as_ranges, 0, ROWS(arrays));
    tcase_add_loop_test(texts, options_of_sbatch_are_words_that_no_shell_reads, 0, ROWS(options));
    tcase_add_test(texts, script_has_the_whole_job);
    tcase_add_test(texts, script_leaves_out_what_is_not_known);
    TCase *submission = add_case(suite, "submission", 20, open_test, close_test);
    tcase_add_test(submission, each_phase_waits_for_the_one_before);
    tcase_add_test(submission, options_of_the_user_replace_our_own);
    tcase_add_loop_test(submission, phase_with_too_many_tasks_becomes_several_arrays, 0, ROWS(limits));
    tcase_add_test(submission, cluster_without_arrays_is_an_error);
    tcase_add_test(submission, array_size_of_a_silent_cluster_is_the_default);
    tcase_add_loop_test(submission, answer_of_sbatch_is_read_or_shown, 0, ROWS(answers));
    tcase_add_test(submission, arrays_before_a_refused_one_stay_known);
    tcase_add_test(submission, missing_sbatch_is_an_error);
    tcase_add_test(submission, folder_that_slurm_cannot_write_to_is_refused);
    TCase *queue = add_case(suite, "queue", 20, open_test, close_test);
    tcase_add_loop_test(queue, state_of_the_jobs_is_counted, 0, ROWS(queues));
    tcase_add_test(queue, each_cluster_is_asked_for_its_jobs);
    tcase_add_test(queue, silent_queue_is_an_error);
    tcase_add_test(queue, nobody_is_asked_about_no_jobs);
    tcase_add_loop_test(queue, damaged_list_of_jobs_is_an_error, 0, ROWS(damaged));
    TCase *running = add_case(suite, "programs", 20, open_test, close_test);
    tcase_add_loop_test(running, program_is_run_without_a_shell, 0, ROWS(programs));
    tcase_add_test(running, program_that_prints_much_does_not_wait);
    tcase_add_test(running, missing_program_is_an_error);
    return run_suite(suite);
}
