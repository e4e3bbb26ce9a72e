#define _POSIX_C_SOURCE 200809L
#include "compare/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compare/phases.h"
#include "compare/run_result.h"
#include "experiment/experiment_changes.h"
#include "io/file.h"
#include "io/file_lock.h"
#include "io/folder.h"
#include "store/run_folder.h"
#include "train/run_record.h"

#define LOCK_FILE "lock"

/* ---- the lock ---- */

/* Refuses a folder with something that a comparison does not write. */
static rondo_status check_content(const char *folder, struct arena *arena, struct errors *errors) {
    static const char *const own[] = {LOCK_FILE,  COMPARISON_FILE, "output.txt", "runs",      "tuning",
                                      "slurm",    "table.txt",     "table.md",   "table.tex", "table.csv",
                                      "runs.csv", "table.json",    "report.html"};
    struct folder_entry *entries;
    int64_t count;
    int has_lock = 0;
    const char *other = NULL;
    RONDO_TRY(folder_list(folder, (struct location){folder, 0, 0}, arena, &entries, &count, errors));
    for (int64_t i = 0; i < count; i++) {
        int is_own = 0;
        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) {
            is_own |= strcmp(entries[i].name, own[k]) == 0;
        }
        has_lock |= strcmp(entries[i].name, LOCK_FILE) == 0;
        other = is_own ? other : entries[i].name;
    }
    return has_lock || other == NULL ? RONDO_OK
                                     : errors_add(errors, RONDO_INVALID,
                                                  "'%s' has '%s' and is not the folder of a comparison; --out names "
                                                  "another",
                                                  folder, other);
}

/* Waits for the lock while its owner is gone, but jobs of it still end. */
static int wait_for_lock(int descriptor) {
    enum { MOST_TENTHS = 150 };
    const struct timespec tenth = {0, 100000000};
    for (int i = 0; i < MOST_TENTHS; i++) {
        if (file_lock(descriptor, FILE_LOCK_OWN)) {
            return 1;
        }
        const long owner = file_lock_owner(descriptor);
        if (owner > 0 && kill((pid_t)owner, 0) == 0) {
            return 0;
        }
        nanosleep(&tenth, NULL);
    }
    return 0;
}

rondo_status comparison_lock(const struct comparison_plan *plan, int *lock, struct errors *errors) {
    const char *folder = plan->comparison.folder, *file = arena_printf(plan->arena, "%s/" LOCK_FILE, folder);
    *lock = -1;
    RONDO_TRY(folder_make(folder, errors));
    RONDO_TRY(check_content(folder, plan->arena, errors));
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    const int descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return file_failed(errors, RONDO_IO, (struct location){file, 0, 0}, "open", file, errno);
    }
    if (!wait_for_lock(descriptor)) {
        const long owner = file_lock_owner(descriptor);
        close(descriptor);
        return owner > 0 ? errors_add(errors, RONDO_INVALID, "process %ld works in '%s' now", owner, folder)
                         : errors_add(errors, RONDO_INVALID, "another process works in '%s' now", folder);
    }
    *lock = descriptor;
    return RONDO_OK;
}

void comparison_unlock(int lock) {
    if (lock >= 0) {
        close(lock);
    }
}

/* ---- what the runs were trained with ---- */

/* A run as the plan would train it. */
struct planned_run {
    struct task *task; /* of the variant, with the settings of a trial or the chosen ones; NULL: not needed yet */
};

static rondo_status check_run(const struct planned_run *planned, const char *folder, int64_t seed, struct arena *arena,
                              struct errors *changes, struct errors *errors) {
    const char *file = arena_printf(arena, "%s/experiment.yaml", folder);
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    if (run_folder_is_free(folder)) {
        return RONDO_OK;
    }
    const struct yaml_node *was = yaml_read(file, arena, errors);
    struct yaml_node *now = planned->task->experiment->root;
    struct yaml_node *seed_node = yaml_get(yaml_get(now, "schedule"), "seed");
    if (was == NULL) {
        return errors->status == RONDO_NO_MEMORY
                   ? errors->status
                   : errors_add(
                         errors, RONDO_INVALID,
                         "so it is not known what '%s' was trained with; without this folder, the run is trained "
                         "again",
                         folder);
    }
    struct errors own = {0};
    seed_node->text = arena_printf(arena, "%lld", (long long)seed);
    RONDO_TRY(seed_node->text == NULL ? errors_no_memory(errors) : RONDO_OK);
    RONDO_TRY(experiment_changes(was, now, CHANGES_OF_RESULT, &own, errors));
    run_record_changes(folder, planned->task, TASK_TRAIN | TASK_VALID, &own);
    run_record_engine_changes(folder, planned->task, &own);
    /* Test data matter from the scoring on: before it, a mistake in them can be corrected. */
    const char *scored_on = run_result_scored_on(folder, arena);
    const char *data = scored_on == NULL ? NULL : comparison_test_data(planned->task->experiment, arena, errors);
    if (scored_on != NULL && data == NULL) {
        return errors->status;
    }
    if (own.count > 0) {
        errors_add(changes, RONDO_INVALID, "the run '%s' was trained with other settings:", folder);
        errors_move(changes, &own);
    } else if (scored_on != NULL && strcmp(scored_on, data) != 0) {
        errors_add(
            changes, RONDO_INVALID,
            "the test data have changed since the run '%s' was scored; without the files test.json, all runs are "
            "scored again",
            folder);
    }
    return RONDO_OK;
}

/* Checks runs of a variant, which have the same settings, until one has changed. */
static rondo_status check_runs(const struct comparison_plan *plan, const struct phase_job *jobs, int32_t count,
                               struct errors *changes, struct errors *errors) {
    struct arena *arena = arena_create();
    const struct run_job *first = &jobs[0].job;
    struct planned_run planned = {.task = NULL};
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (int32_t i = 0; i < count && status == RONDO_OK && changes->count == 0; i++) {
        if (!folder_is(jobs[i].job.folder)) {
            continue;
        }
        if (planned.task == NULL) {
            planned.task = comparison_plan_task(plan, first->variant, first->more, first->n_more, first->seed, errors);
        }
        status = planned.task == NULL
                     ? errors->status
                     : check_run(&planned, jobs[i].job.folder, jobs[i].job.seed, arena, changes, errors);
    }
    task_destroy(planned.task);
    arena_destroy(arena);
    return status;
}

/* Checks the jobs of a phase: runs of the same settings are neighbours. */
static rondo_status check_phase(const struct comparison_plan *plan, const struct comparison_phase *phase,
                                struct errors *changes, struct errors *errors) {
    for (int32_t begin = 0, end; begin < phase->count && changes->count == 0; begin = end) {
        const struct phase_job *first = &phase->jobs[begin];
        for (end = begin + 1; end < phase->count && phase->jobs[end].job.variant == first->job.variant &&
                              phase->jobs[end].trial == first->trial;
             end++) {
        }
        RONDO_TRY(check_runs(plan, first, end - begin, changes, errors));
    }
    return RONDO_OK;
}

/* Reports the changes, if there are any. */
static rondo_status refuse_changes(struct errors *changes, struct errors *errors) {
    if (changes->count == 0) {
        return RONDO_OK;
    }
    errors_move(errors, changes);
    return errors_add(errors, RONDO_INVALID,
                      "the rows of a table must be made alike: --out names another folder for the changed comparison");
}

rondo_status comparison_check_phase(const struct comparison_plan *plan, const struct comparison_phase *phase,
                                    struct errors *errors) {
    struct errors changes = {0};
    rondo_status status = check_phase(plan, phase, &changes, errors);
    status = status == RONDO_OK ? refuse_changes(&changes, errors) : status;
    errors_free(&changes);
    return status;
}

rondo_status comparison_check_runs(const struct comparison_plan *plan, struct errors *errors) {
    rondo_status status = RONDO_OK;
    for (int32_t number = 0; number < comparison_phase_count(plan) && status == RONDO_OK; number++) {
        struct arena *arena = arena_create();
        struct comparison_phase phase;
        struct errors unknown = {0}; /* the jobs of later phases are not known yet */
        status = comparison_phase_open(plan, number, &phase, arena, &unknown);
        if (status == RONDO_NO_MEMORY) {
            errors_move(errors, &unknown);
        } else if (status != RONDO_OK) {
            status = RONDO_OK;
            number = comparison_phase_count(plan);
        } else if (!phase.jobs[0].is_score) {
            status = comparison_check_phase(plan, &phase, errors);
        }
        errors_free(&unknown);
        arena_destroy(arena);
    }
    return status;
}

rondo_status comparison_check_folder(const struct comparison_plan *plan, struct errors *errors) {
    const char *folder = plan->comparison.folder;
    if (!file_exists(folder)) {
        return RONDO_OK;
    }
    RONDO_TRY(check_content(folder, plan->arena, errors));
    return comparison_check_runs(plan, errors);
}
