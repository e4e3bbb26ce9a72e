#include "cli/compare_slurm.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "cli/print.h"
#include "compare/launcher_slurm.h"
#include "compare/plan_hash.h"
#include "compare/runner.h"
#include "core/loader.h"
#include "io/file.h"
#include "io/json.h"

enum { MOST_SHOWN = 10 }; /* tasks that have ended without a result */

/* ---- the command of a task ---- */

struct word_list {
    const char **words;
    int32_t count;
};

static void add_word(struct word_list *list, const char *word) {
    list->words[list->count++] = word;
}

static void add_flag(struct word_list *list, const char *flag, const char *value) {
    if (value != NULL) {
        add_word(list, flag);
        add_word(list, value);
    }
}

static int32_t list_length(const char *const *list) {
    int32_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    return count;
}

/* This command, as each task repeats it in the same working directory. From the arena of the plan; NULL: out of memory. */
static const char *const *task_command(const struct comparison_plan *plan, const struct compare_slurm *request,
                                       const char *program, const struct fingerprint *hash) {
    enum { OTHERS = 20 };
    const struct comparison_settings *settings = request->settings;
    const int32_t sets = list_length(settings->assignments), plugins = list_length(request->common->plugins);
    struct word_list list = {.words =
                                 arena_calloc(plan->arena, 2 * (size_t)(sets + plugins) + OTHERS, sizeof *list.words)};
    if (list.words == NULL) {
        return NULL;
    }
    add_word(&list, program);
    add_word(&list, "compare");
    add_word(&list, settings->file);
    add_flag(&list, "--out", path_absolute(plan->arena, plan->comparison.folder));
    add_flag(&list, "--cells", settings->cells);
    for (int32_t i = 0; i < sets; i++) {
        add_flag(&list, "--set", settings->assignments[i]);
    }
    for (int32_t i = 0; i < plugins; i++) {
        add_flag(&list, "--plugin", request->common->plugins[i]);
    }
    add_flag(&list, "--engine", request->common->engine);
    if (request->common->passes != NULL) { /* its value begins with a dash */
        add_word(&list, arena_printf(plan->arena, "--passes=%s", request->common->passes));
    }
    if (settings->allows_many) {
        add_word(&list, "--yes");
    }
    add_flag(&list, "--threads-per-job", arena_printf(plan->arena, "%d", (int)request->threads_per_job));
    add_flag(&list, "--plan", arena_strdup(plan->arena, hash->hash));
    return arena_failed(plan->arena) ? NULL : list.words;
}

/* ---- what is printed ---- */

static const char *const states[] = {"complete", "queued", "submitted"};
enum launch_state { LAUNCH_COMPLETE, LAUNCH_QUEUED, LAUNCH_SUBMITTED };

static json_t *ended_json(const struct slurm_jobs *jobs) {
    json_t *list = json_array();
    for (int32_t i = 0; i < jobs->n_ended; i++) {
        const struct slurm_ended *ended = &jobs->ended[i];
        json_array_append_new(
            list, json_pack("{s:s, s:i, s:s}", "phase", ended->phase, "task", (int)ended->task, "state", ended->state));
    }
    return list;
}

static rondo_status print_json(enum launch_state state, const struct slurm_launch *launch,
                               const struct slurm_jobs *before, struct errors *errors) {
    json_t *ids = json_array();
    for (int32_t i = 0; i < launch->jobs.n_jobs; i++) {
        json_array_append_new(ids, json_text(launch->jobs.jobs[i].id));
    }
    return output_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:s?, s:o, s:o}", "event", "slurm", "state", states[state],
                                 "missing", (json_int_t)launch->n_missing, "waiting", (json_int_t)launch->jobs.waiting,
                                 "running", (json_int_t)launch->jobs.running, "reason", launch->jobs.reason, "jobs",
                                 ids, "ended", ended_json(before)),
                       JSON_COMPACT, errors);
}

static void print_ended(const struct slurm_jobs *jobs) {
    for (int32_t i = 0; i < jobs->n_ended && i < MOST_SHOWN; i++) {
        fprintf(stderr, "Slurm has ended task %d of '%s' without a result: %s\n", (int)jobs->ended[i].task,
                jobs->ended[i].phase, jobs->ended[i].state);
    }
    if (jobs->n_ended > MOST_SHOWN) {
        fprintf(stderr, "and %d more\n", (int)jobs->n_ended - MOST_SHOWN);
    }
}

static void print_ids(const struct slurm_jobs *jobs) {
    for (int32_t i = 0; i < jobs->n_jobs; i++) {
        fprintf(stderr, " %s", jobs->jobs[i].id);
    }
}

static void print_state(enum launch_state state, const struct slurm_launch *launch) {
    const struct slurm_jobs *jobs = &launch->jobs;
    if (state == LAUNCH_COMPLETE) {
        return;
    }
    if (state == LAUNCH_QUEUED) {
        fprintf(stderr, "in Slurm, %lld task%s run and %lld wait", (long long)jobs->running,
                jobs->running == 1 ? "" : "s", (long long)jobs->waiting);
        if (jobs->reason != NULL) {
            fprintf(stderr, " (");
            print_text(stderr, jobs->reason);
            fprintf(stderr, ")");
        }
    } else {
        long long n_tasks = 0;
        for (int32_t i = 0; i < jobs->n_jobs; i++) {
            n_tasks += jobs->jobs[i].n_tasks;
        }
        fprintf(stderr, "submitted %lld task%s to Slurm, job%s", n_tasks, n_tasks == 1 ? "" : "s",
                jobs->n_jobs == 1 ? "" : "s");
        print_ids(jobs);
    }
    fprintf(stderr, "; the same command shows how far they are\nend them with: scancel");
    print_ids(jobs);
    fprintf(stderr, "\n");
}

/* ---- the launch ---- */

/* The most memory that a variant is predicted to take; NaN: not known. */
static rondo_status predict_memory(struct comparison_plan *plan, const struct compare_slurm *request, double *most,
                                   struct errors *errors) {
    const int32_t count = plan->comparison.n_variants;
    double *seconds = arena_calloc(plan->arena, (size_t)count, sizeof *seconds);
    double *bytes = arena_calloc(plan->arena, (size_t)count, sizeof *bytes);
    if (seconds == NULL || bytes == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = comparison_estimate(plan, request->threads_per_job, seconds, bytes, errors);
    if (status == RONDO_INTERRUPTED) {
        return errors_add(errors, RONDO_INTERRUPTED, "interrupted: nothing was submitted");
    }
    *most = NAN;
    for (int32_t v = 0; v < count; v++) {
        *most = fmax(*most, bytes[v]);
    }
    return status;
}

static rondo_status submit(struct comparison_plan *plan, const struct compare_slurm *request,
                           const struct slurm_options *options, struct slurm_launch *launch, struct errors *errors) {
    struct fingerprint hash;
    RONDO_TRY(comparison_plan_hash(plan, &hash, errors));
    const char *program = loader_own_file(plan->arena);
    if (program == NULL && !arena_failed(plan->arena)) {
        return errors_add(errors, RONDO_IO, "the file of this program was replaced or removed: give the command again");
    }
    const char *const *command = task_command(plan, request, program, &hash);
    struct slurm_launch_settings settings = {.command = command,
                                             .options = options,
                                             .at_once = request->at_once,
                                             .threads_per_task = request->threads_per_job,
                                             .bytes = NAN};
    if (command == NULL) {
        return errors_no_memory(errors);
    }
    if (!options->has_memory) {
        RONDO_TRY(predict_memory(plan, request, &settings.bytes, errors));
    }
    return slurm_launch_submit(plan, &settings, launch, plan->arena, errors);
}

rondo_status compare_on_slurm(struct comparison_plan *plan, const struct compare_slurm *request,
                              struct errors *errors) {
    struct slurm_options options;
    struct slurm_launch launch;
    RONDO_TRY(slurm_options_read(request->options == NULL ? "" : request->options, &options, plan->arena, errors));
    RONDO_TRY(comparison_look(plan, errors));
    RONDO_TRY(comparison_write(plan, errors));
    RONDO_TRY(slurm_launch_look(plan, &launch, plan->arena, errors));
    const struct slurm_jobs before = launch.jobs;
    const int is_queued = before.waiting + before.running > 0;
    const enum launch_state state = launch.n_missing == 0 ? LAUNCH_COMPLETE
                                    : is_queued           ? LAUNCH_QUEUED
                                                          : LAUNCH_SUBMITTED;
    if (!request->json && !request->quiet) {
        print_ended(&before);
    }
    rondo_status status = RONDO_OK;
    if (state == LAUNCH_SUBMITTED) {
        launch.jobs = (struct slurm_jobs){.n_jobs = 0}; /* those of before have ended */
        status = submit(plan, request, &options, &launch, errors);
    }
    if (status != RONDO_OK && launch.jobs.n_jobs == 0) {
        return status;
    }
    if (request->json) {
        const rondo_status printed = print_json(state, &launch, &before, errors);
        return status == RONDO_OK ? printed : status;
    }
    if (!request->quiet) {
        print_state(state, &launch);
    }
    return status;
}

rondo_status compare_check_slurm(const struct comparison_plan *plan, struct errors *errors) {
    struct slurm_jobs jobs;
    struct errors own = {0};
    rondo_status status = slurm_jobs_read(plan->comparison.folder, &jobs, plan->arena, &own);
    status = status == RONDO_OK ? slurm_look(&jobs, plan->arena, &own) : status;
    errors_free(&own);
    if (status == RONDO_NO_MEMORY) {
        return errors_no_memory(errors);
    }
    const long long count = status == RONDO_OK ? jobs.waiting + jobs.running : 0;
    /* Where Slurm cannot be asked, the lock of each run still protects it. */
    return count == 0 ? RONDO_OK
                      : errors_add(errors, RONDO_INVALID,
                                   "%lld task%s in Slurm for this comparison: add '--launcher slurm' to see how far "
                                   "they are, or end them with scancel",
                                   count, count == 1 ? " waits or runs" : "s wait or run");
}
