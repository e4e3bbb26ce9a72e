/* tests/kill_run.c: see tests/kill_run.h. */
#define _XOPEN_SOURCE 700
#include "kill_run.h"

#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

enum { LINE = 1024, CHECKPOINTS = 2, MOST_FILES = 32, NAME_SIZE = 128 };

/* ---- processes ---- */

void kill_open(void) {
    /* The program looks for plug-ins and cells in folders next to it. */
    sandbox_copy(variable("RONDO_PROGRAM_KILL_SELF"), "bin/kill-self");
    ck_assert_int_eq(symlink(variable("RONDO_TEST_PLUGINS"), sandbox_path("bin/plugins")), 0);
    ck_assert_int_eq(symlink(variable("RONDO_CELL_PATH"), sandbox_path("bin/cells")), 0);
}

static struct process *start(const char *arguments, const char *moment) {
    char setting[96];
    snprintf(setting, sizeof setting, "RONDO_KILL=%s", moment == NULL ? "" : moment);
    return sandbox_start((struct call){.program = sandbox_path("bin/kill-self"),
                                       .arguments = arguments,
                                       .environment = moment == NULL ? NULL : setting});
}

struct outcome kill_session(const char *arguments, const char *moment) {
    return sandbox_finish(start(arguments, moment));
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

/* What a training has printed with --json, without the name of the run, which differs; of the sandbox. */
static const char *result_of(const char *what, const struct outcome *outcome) {
    json_t *result = json_loads(outcome->out, 0, NULL);
    ck_assert_msg(result != NULL, "%s printed '%s'", what, outcome->out);
    json_object_del(result, "run");
    char *text = json_dumps(result, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(result);
    ck_assert_ptr_nonnull(text);
    char *kept = sandbox_memory(strlen(text) + 1);
    strcpy(kept, text);
    free(text);
    return kept;
}

/* What a process that counts says at its end. */
static int64_t counted(const char *what, const struct outcome *outcome) {
    assert_status(what, outcome, 0);
    const char *end = strstr(outcome->err, " moments\n");
    ck_assert_ptr_nonnull(end);
    while (end > outcome->err && end[-1] != '\n') {
        end--;
    }
    const int64_t calls = strtoll(end, NULL, 10);
    ck_assert_int_gt(calls, 10);
    return calls;
}

int64_t kill_calls(const char *arguments) {
    const struct outcome outcome = kill_session(arguments, "count");
    return counted(arguments, &outcome);
}

void kill_reference(struct kill_reference *reference, const char *experiment, const char *folder) {
    char line[LINE];
    snprintf(line, sizeof line, "train %s --out %s --threads 1 --json", experiment, folder);
    const double begin = now();
    const struct outcome outcome = kill_session(line, "count");
    const double microseconds = now() - begin;
    *reference = (struct kill_reference){experiment, folder, counted(line, &outcome), microseconds,
                                         result_of(experiment, &outcome)};
}

/* ---- comparison ---- */

/* The files of a run, sorted. */
struct run_files {
    char names[MOST_FILES][NAME_SIZE];
    int count;
};

static void list_files(struct run_files *files, const char *run, const char *below) {
    DIR *folder = opendir(sandbox_path("%s/%s", run, below));
    ck_assert_msg(folder != NULL, "there is no '%s/%s'", run, below);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[LINE];
        struct stat found;
        snprintf(name, sizeof name, "%s%s%s", below, below[0] == '\0' ? "" : "/", entry->d_name);
        ck_assert_int_eq(lstat(sandbox_path("%s/%s", run, name), &found), 0);
        if (!S_ISDIR(found.st_mode)) {
            ck_assert(files->count < MOST_FILES && strlen(name) < NAME_SIZE);
            memcpy(files->names[files->count++], name, strlen(name) + 1);
        } else if (entry->d_name[0] != '.') {
            list_files(files, run, name);
        }
    }
    closedir(folder);
    qsort(files->names, (size_t)files->count, NAME_SIZE, (int (*)(const void *, const void *))strcmp);
}

static int is_temporary(const char *name) {
    return strstr(name, ".tmp") != NULL;
}

static int is_checkpoint(const char *name) {
    return strncmp(name, "checkpoints/", strlen("checkpoints/")) == 0 && !is_temporary(name);
}

/* Takes the checkpoints out of the list; their number. */
static int take_checkpoints(struct run_files *files) {
    int kept = 0;
    for (int i = 0; i < files->count; i++) {
        if (!is_checkpoint(files->names[i])) {
            memmove(files->names[kept++], files->names[i], NAME_SIZE);
        }
    }
    const int taken = files->count - kept;
    files->count = kept;
    return taken;
}

/* Not the same in two trainings: what is measured, and the time and the threads of the environment. */
static int is_measured(const char *name) {
    return strcmp(name, "timings.jsonl") == 0 || strcmp(name, "environment.json") == 0;
}

static void assert_same_bytes(const char *expected, const char *found, const char *name) {
    size_t size_a, size_b;
    const char *a = sandbox_read(sandbox_path("%s/%s", expected, name), &size_a);
    const char *b = sandbox_read(sandbox_path("%s/%s", found, name), &size_b);
    size_t at = 0;
    while (at < size_a && at < size_b && a[at] == b[at]) {
        at++;
    }
    ck_assert_msg(size_a == size_b && at == size_a,
                  "'%s/%s' has %zu bytes and '%s/%s' %zu; they differ from byte %zu on: '%.300s' and '%.300s'",
                  expected, name, size_a, found, name, size_b, at, a + at, b + at);
}

/* The steps of the lines of timings.jsonl, one after the other. */
static void read_steps(const char *run, char *steps, size_t size) {
    char *text = sandbox_read(sandbox_path("%s/timings.jsonl", run), NULL);
    steps[0] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        ck_assert_msg(object != NULL, "%s/timings.jsonl: '%s' is not JSON", run, line);
        const size_t length = strlen(steps);
        snprintf(steps + length, size - length, "%lld ",
                 (long long)json_integer_value(json_object_get(object, "step")));
        json_decref(object);
    }
}

void kill_compare_runs(const char *expected, const char *found) {
    static struct run_files own, other;
    static char steps[2][1 << 16];
    own.count = other.count = 0;
    list_files(&own, expected, "");
    list_files(&other, found, "");
    take_checkpoints(&own);
    const int checkpoints = take_checkpoints(&other);
    ck_assert_msg(checkpoints >= 1 && checkpoints <= CHECKPOINTS, "'%s' has %d checkpoints", found, checkpoints);
    for (int i = 0; i < own.count || i < other.count; i++) {
        ck_assert_msg(i < own.count && i < other.count && strcmp(own.names[i], other.names[i]) == 0,
                      "'%s' has the file '%s' where '%s' has '%s'", found, i < other.count ? other.names[i] : "",
                      expected, i < own.count ? own.names[i] : "");
        if (!is_measured(own.names[i])) {
            assert_same_bytes(expected, found, own.names[i]);
        }
    }
    read_steps(expected, steps[0], sizeof steps[0]);
    read_steps(found, steps[1], sizeof steps[1]);
    ck_assert_str_eq(steps[0], steps[1]);
}

static void compare_output(const char *expected, const char *found, const char *format) {
    char line[LINE];
    const char *outputs[2];
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line, format, i == 0 ? expected : found); /* NOLINT(clang-diagnostic-format-nonliteral) */
        const struct outcome outcome = sandbox_run((struct call){.arguments = line});
        assert_status(line, &outcome, 0);
        outputs[i] = outcome.out;
    }
    ck_assert_msg(outputs[0][0] != '\0' && strcmp(outputs[0], outputs[1]) == 0, "%s: '%s' and '%s'", line, outputs[0],
                  outputs[1]);
}

void kill_compare_outputs(const char *expected, const char *found) {
    compare_output(expected, found, "eval %s --on train --json");
    compare_output(expected, found, "predict %s predict.txt --json");
}

/* ---- lanes ---- */

/* A number from 0 up to `below`, as core/rng.h would draw it; the tests have a sequence of their own. */
static double draw(struct kill_lane *lane, double below) {
    lane->seed = lane->seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(lane->seed >> 11) / 9007199254740992.0 * below; /* 2^53 */
}

static const char *draw_moment(struct kill_lane *lane, char *text, size_t size) {
    static const char *const kinds[] = {[KILL_AT_CALLS] = "call", [KILL_AT_TIMES] = "time", [KILL_BY_POWER] = "power"};
    const struct kill_reference *reference = lane->reference;
    const double share = lane->share > 0 ? lane->share : 0.6;
    const double early = lane->when == KILL_AT_TIMES && draw(lane, 4) < 1 ? 0.1 : share;
    const double all = lane->when == KILL_AT_TIMES ? reference->microseconds : (double)reference->calls;
    const int64_t moment = lane->call > 0 ? lane->call : 1 + (int64_t)draw(lane, early * all);
    snprintf(text, size, "%s:%lld:%d", kinds[lane->when], (long long)moment, lane->signal);
    return text;
}

static int has_checkpoint(const struct kill_lane *lane) {
    static struct run_files files;
    files.count = 0;
    if (sandbox_has(lane->folder)) {
        list_files(&files, lane->folder, "");
    }
    return take_checkpoints(&files) > 0;
}

/* Whether the run can be resumed. If it was killed before all was written that a training begins with, the command says so,
 * and the training begins again. */
static int can_resume(const struct kill_lane *lane) {
    if (!sandbox_has(lane->folder) || sandbox_has(sandbox_path("%s/experiment.yaml", lane->folder))) {
        return sandbox_has(lane->folder);
    }
    char line[LINE];
    snprintf(line, sizeof line, "train --resume %s", lane->folder);
    const struct outcome outcome = kill_session(line, NULL);
    assert_status(line, &outcome, 2);
    assert_parts(line, outcome.err, "is not the folder of a run");
    sandbox_remove(lane->folder);
    return 0;
}

static void start_session(struct kill_lane *lane) {
    char line[LINE], moment[64];
    const int threads = lane->threads > 0 ? lane->threads : 1 + (int)draw(lane, 2);
    if (!lane->has_begun && lane->from != NULL) {
        sandbox_copy(lane->from, lane->folder);
    }
    lane->has_begun = 1;
    if (can_resume(lane)) {
        snprintf(line, sizeof line, "train --resume %s --threads %d --json %s", lane->folder, threads,
                 lane->flags == NULL ? "" : lane->flags);
    } else {
        snprintf(line, sizeof line, "train %s --out %s --threads %d --json", lane->reference->experiment, lane->folder,
                 threads);
    }
    lane->sessions++;
    lane->process = start(line, lane->hits < lane->signals ? draw_moment(lane, moment, sizeof moment) : NULL);
}

/* The training has come to its end. */
static void end_training(struct kill_lane *lane, const struct outcome *outcome) {
    assert_status(lane->folder, outcome, 0);
    const char *result = result_of(lane->folder, outcome);
    ck_assert_msg(strcmp(result, lane->reference->result) == 0, "'%s' printed %s, expected %s", lane->folder, result,
                  lane->reference->result);
    kill_compare_runs(lane->reference->folder, lane->folder);
    if (lane->ended == 0) {
        kill_compare_outputs(lane->reference->folder, lane->folder);
    }
    lane->ended++;
    lane->has_begun = 0;
    sandbox_remove(lane->folder);
}

/* 1 if the signal hit the process. */
static int is_hit(const struct kill_lane *lane, const struct outcome *outcome) {
    if (lane->signal == SIGKILL || outcome->signal != 0) { /* or it came before the program could answer it */
        return outcome->signal == lane->signal;
    }
    if (outcome->status == 0) {
        return 0; /* it came when there was nothing left to do */
    }
    assert_status(lane->folder, outcome, 1);
    assert_parts(lane->folder, outcome->err, "interrupted");
    char command[LINE];
    snprintf(command, sizeof command, "to go on: rondo train --resume %s", lane->folder);
    const int has_trained = strstr(outcome->err, command) != NULL;
    ck_assert_msg(has_trained || strstr(outcome->err, "the same command ") != NULL,
                  "'%s' does not say how to go on: %s", lane->folder, outcome->err);
    /* Without a checkpoint, the run begins again: it must have been interrupted before its first update. */
    ck_assert_msg(!has_trained || has_checkpoint(lane) || strstr(outcome->err, "while the parameters got") != NULL,
                  "'%s' was interrupted, and has no checkpoint: %s", lane->folder, outcome->err);
    return 1;
}

/* Waits for the process of a lane, and starts the next one. */
static void go_on(struct kill_lane *lane) {
    const struct outcome outcome = sandbox_finish(lane->process);
    lane->process = NULL;
    const int hit = is_hit(lane, &outcome);
    lane->hits += hit;
    if (!hit) {
        end_training(lane, &outcome);
    }
    ck_assert_msg(lane->sessions <= 4 * lane->signals + 8, "'%s': %d processes, and only %d signals hit one",
                  lane->folder, lane->sessions, lane->hits);
    if (hit || lane->hits < lane->signals) {
        start_session(lane);
    }
}

void kill_lanes(struct kill_lane *lanes, int count) {
    struct kill_lane *slots[2] = {NULL, NULL};
    int next = 0, running = 0;
    for (int turn = 0; next < count || running > 0; turn++) {
        struct kill_lane **slot = &slots[turn % 2];
        if (*slot != NULL) {
            go_on(*slot);
            running -= (*slot)->process == NULL;
            *slot = (*slot)->process == NULL ? NULL : *slot;
        }
        if (*slot == NULL && next < count) {
            *slot = &lanes[next++];
            start_session(*slot);
            running++;
        }
    }
}
