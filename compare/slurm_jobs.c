#include "compare/slurm_jobs.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/json.h"
#include "io/program.h"

enum { FORMAT = 1 }; /* of jobs.json */

static const char *jobs_file(const char *folder, struct arena *arena) {
    return arena_printf(arena, "%s/" SLURM_FOLDER "/jobs.json", folder);
}

/* ---- the file ---- */

rondo_status slurm_jobs_write(const char *folder, const struct slurm_jobs *jobs, struct arena *arena,
                              struct errors *errors) {
    const char *file = jobs_file(folder, arena);
    json_t *list = json_array();
    int failed = file == NULL || list == NULL;
    for (int32_t i = 0; i < jobs->n_jobs && !failed; i++) {
        const struct slurm_job *job = &jobs->jobs[i];
        failed = json_array_append_new(list, json_pack("{s:s, s:s*, s:s, s:i, s:s, s:i}", "id", job->id, "cluster",
                                                       job->cluster, "phase", job->phase, "first", (int)job->first,
                                                       "indices", job->indices, "tasks", (int)job->n_tasks)) != 0;
    }
    if (failed) {
        json_decref(list);
        return errors_no_memory(errors);
    }
    json_t *root = json_pack("{s:i, s:o}", "format", FORMAT, "jobs", list);
    char *text = json_write(root, JSON_INDENT(2));
    json_decref(root);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = file_write(file, text, strlen(text), errors);
    free(text);
    return status;
}

/* An id goes into a command as a word, so it is a number. */
static int is_number(const char *text) {
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Reads an entry of the list; 0: it is damaged. */
static int read_job(json_t *entry, struct slurm_job *job, struct arena *arena) {
    const char *id, *cluster = NULL, *phase, *indices;
    int first, n_tasks;
    if (json_unpack(entry, "{s:s, s?s, s:s, s:i, s:s, s:i}", "id", &id, "cluster", &cluster, "phase", &phase, "first",
                    &first, "indices", &indices, "tasks", &n_tasks) != 0 ||
        !is_number(id) || first < 0 || n_tasks < 0) {
        return 0;
    }
    *job = (struct slurm_job){.id = arena_strdup(arena, id),
                              .cluster = cluster == NULL ? NULL : arena_strdup(arena, cluster),
                              .phase = arena_strdup(arena, phase),
                              .first = first,
                              .indices = arena_strdup(arena, indices),
                              .n_tasks = n_tasks};
    return 1;
}

rondo_status slurm_jobs_read(const char *folder, struct slurm_jobs *jobs, struct arena *arena, struct errors *errors) {
    const char *file = jobs_file(folder, arena);
    json_error_t reason = {.line = -1};
    json_t *root = NULL;
    *jobs = (struct slurm_jobs){0};
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    if (!file_exists(file)) {
        return RONDO_OK;
    }
    if (json_parse_file(file, &root, &reason) == RONDO_NO_MEMORY) {
        return errors_no_memory(errors);
    }
    json_t *list = json_object_get(root, "jobs");
    struct slurm_job *all = arena_calloc(arena, json_array_size(list) + 1, sizeof *all);
    int is_good = json_is_array(list) && json_integer_value(json_object_get(root, "format")) == FORMAT;
    for (size_t i = 0; all != NULL && is_good && i < json_array_size(list); i++) {
        is_good = read_job(json_array_get(list, i), &all[i], arena);
    }
    *jobs = (struct slurm_jobs){.jobs = all, .n_jobs = (int32_t)json_array_size(list)};
    json_decref(root);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    return is_good
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID,
                            "'%s' is damaged: if none of these jobs is in the queue (squeue --me), remove it", file);
}

/* ---- what Slurm knows ---- */

/* What becomes of a task in a state of Slurm; states that are not listed wait. */
enum slurm_state { STATE_WAITS, STATE_RUNS, STATE_SUCCEEDED, STATE_FAILED };
static const struct {
    const char *name;
    enum slurm_state state;
} states[] = {
    {"RUNNING", STATE_RUNS},     {"COMPLETING", STATE_RUNS},  {"SUSPENDED", STATE_RUNS},
    {"SIGNALING", STATE_RUNS},   {"STAGE_OUT", STATE_RUNS},   {"STOPPED", STATE_RUNS},
    {"RESIZING", STATE_RUNS},    {"CONFIGURING", STATE_RUNS}, {"COMPLETED", STATE_SUCCEEDED},
    {"BOOT_FAIL", STATE_FAILED}, {"CANCELLED", STATE_FAILED}, {"DEADLINE", STATE_FAILED},
    {"FAILED", STATE_FAILED},    {"NODE_FAIL", STATE_FAILED}, {"OUT_OF_MEMORY", STATE_FAILED},
    {"PREEMPTED", STATE_FAILED}, {"REVOKED", STATE_FAILED},   {"TIMEOUT", STATE_FAILED},
};

static enum slurm_state state_of(const char *name) {
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(states[i].name, name) == 0) {
            return states[i].state;
        }
    }
    return STATE_WAITS;
}

/* The answers while they are read. */
struct slurm_answer {
    struct slurm_jobs *jobs;
    struct slurm_ended *ended; /* [most] */
    int32_t most;
    struct arena *arena;
};

static const struct slurm_job *find_job(const struct slurm_jobs *jobs, const char *id) {
    for (int32_t i = 0; i < jobs->n_jobs; i++) {
        if (strcmp(jobs->jobs[i].id, id) == 0) {
            return &jobs->jobs[i];
        }
    }
    return NULL;
}

/* Counts a task. `index` is that of the array. */
static void count_task(struct slurm_answer *answer, const char *id, const char *index, const char *state,
                       const char *reason) {
    struct slurm_jobs *jobs = answer->jobs;
    const struct slurm_job *job = find_job(jobs, id);
    const enum slurm_state kind = state_of(state);
    if (job == NULL) {
        return;
    }
    if (kind == STATE_WAITS) {
        jobs->waiting++;
        if (jobs->reason == NULL && strcmp(reason, "None") != 0) {
            jobs->reason = arena_strdup(answer->arena, reason);
        }
    } else if (kind == STATE_RUNS) {
        jobs->running++;
    } else if (kind == STATE_FAILED && jobs->n_ended < answer->most) {
        answer->ended[jobs->n_ended++] = (struct slurm_ended){.phase = job->phase,
                                                              .task = job->first + (int32_t)strtol(index, NULL, 10),
                                                              .state = arena_strdup(answer->arena, state)};
    }
}

/* The next line of `*text`, which is cut into at most `count` fields at '|'. Returns the number of fields; -1: no line. */
static int next_line(char **text, char **fields, int count) {
    if (**text == '\0') {
        return -1;
    }
    char *line = *text;
    const size_t length = strcspn(line, "\n");
    *text += length + (line[length] == '\n');
    line[length] = '\0';
    int found = 0;
    while (found < count) {
        fields[found++] = line;
        char *bar = strchr(line, '|');
        if (bar == NULL) {
            break;
        }
        *bar = '\0';
        line = bar + 1;
    }
    return found;
}

/* The ids of the jobs on a cluster, separated by commas. */
static const char *job_ids(const struct slurm_jobs *jobs, const char *cluster, struct arena *arena) {
    const char *ids = "";
    for (int32_t i = 0; i < jobs->n_jobs && ids != NULL; i++) {
        const char *other = jobs->jobs[i].cluster;
        if (strcmp(cluster == NULL ? "" : cluster, other == NULL ? "" : other) == 0) {
            ids = arena_printf(arena, "%s%s%s", ids, ids[0] == '\0' ? "" : ",", jobs->jobs[i].id);
        }
    }
    return ids;
}

/* 1 if an earlier job has the cluster of job i, so that it has been asked already. */
static int is_asked(const struct slurm_jobs *jobs, int32_t i) {
    for (int32_t j = 0; j < i; j++) {
        const char *a = jobs->jobs[i].cluster, *b = jobs->jobs[j].cluster;
        if (strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Runs squeue or sacct with the jobs of a cluster. *text is the answer; NULL: the program has failed, as in *outcome. */
static rondo_status ask(const struct slurm_jobs *jobs, const char *cluster, const char *const *words, char **text,
                        struct program_outcome *outcome, struct arena *arena, struct errors *errors) {
    const char *line[12] = {NULL};
    int count = 0;
    for (; words[count] != NULL; count++) {
        line[count] = words[count];
    }
    const char *ids = job_ids(jobs, cluster, arena);
    line[count++] = ids == NULL ? NULL : arena_printf(arena, "--jobs=%s", ids);
    if (cluster != NULL) {
        line[count] = arena_printf(arena, "--clusters=%s", cluster);
    }
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(program_run(line, outcome, arena, errors));
    *text = outcome->status == 0 ? arena_strdup(arena, outcome->out) : NULL;
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* What squeue knows of the jobs of a cluster, which it forgets some minutes after their end. */
static rondo_status ask_queue(struct slurm_answer *answer, const char *cluster, struct errors *errors) {
    static const char *const words[] = {"squeue",       "--noheader",           "--array",
                                        "--states=all", "--format=%F|%K|%T|%r", NULL};
    struct program_outcome outcome;
    char *text, *fields[4];
    RONDO_TRY(ask(answer->jobs, cluster, words, &text, &outcome, answer->arena, errors));
    if (text == NULL) {
        return strstr(outcome.err, "Invalid job id") != NULL /* a single job that is forgotten */
                   ? RONDO_OK
                   : errors_add(errors, RONDO_IO, "squeue cannot tell the state of the jobs: %.*s",
                                (int)strcspn(outcome.err, "\n"), outcome.err);
    }
    for (int found; (found = next_line(&text, fields, 4)) >= 0;) {
        if (found == 4) { /* otherwise "CLUSTER: name" */
            count_task(answer, fields[0], fields[1], fields[2], fields[3]);
        }
    }
    return RONDO_OK;
}

/* How tasks have ended that squeue has forgotten. Many clusters have no accounting: then nothing is known. */
static rondo_status ask_accounting(struct slurm_answer *answer, const char *cluster, struct errors *errors) {
    static const char *const words[] = {"sacct",   "--noheader",           "--parsable2", "--allocations",
                                        "--array", "--format=JobID,State", NULL};
    struct program_outcome outcome;
    struct errors ignored = {0};
    char *text, *fields[2];
    const rondo_status status = ask(answer->jobs, cluster, words, &text, &outcome, answer->arena, &ignored);
    errors_free(&ignored);
    if (status == RONDO_NO_MEMORY) {
        return errors_no_memory(errors);
    }
    while (status == RONDO_OK && text != NULL) {
        const int found = next_line(&text, fields, 2);
        if (found < 0) {
            break;
        }
        char *mark = strchr(fields[0], '_');
        if (found == 2 && mark != NULL) {
            *mark = '\0';
            fields[1][strcspn(fields[1], " ")] = '\0'; /* "CANCELLED by 1000" */
            const enum slurm_state kind = state_of(fields[1]);
            if (kind == STATE_FAILED) { /* what waits or runs is known from squeue */
                count_task(answer, fields[0], mark + 1, fields[1], "");
            }
        }
    }
    return RONDO_OK;
}

rondo_status slurm_look(struct slurm_jobs *jobs, struct arena *arena, struct errors *errors) {
    struct slurm_answer answer = {.jobs = jobs, .arena = arena};
    for (int32_t i = 0; i < jobs->n_jobs; i++) {
        answer.most += jobs->jobs[i].n_tasks;
    }
    answer.ended = arena_calloc(arena, (size_t)answer.most + 1, sizeof *answer.ended);
    jobs->ended = answer.ended;
    jobs->waiting = jobs->running = jobs->n_ended = 0;
    jobs->reason = NULL;
    if (answer.ended == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < jobs->n_jobs; i++) {
        if (!is_asked(jobs, i)) {
            RONDO_TRY(ask_queue(&answer, jobs->jobs[i].cluster, errors));
        }
    }
    for (int32_t i = 0; i < jobs->n_jobs && jobs->waiting + jobs->running + jobs->n_ended == 0; i++) {
        if (!is_asked(jobs, i)) {
            RONDO_TRY(ask_accounting(&answer, jobs->jobs[i].cluster, errors));
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}
