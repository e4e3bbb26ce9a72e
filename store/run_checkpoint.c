#define _POSIX_C_SOURCE 200809L
/* store/run_checkpoint.c: the checkpoints of a run, see store/run_folder.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "io/file.h"
#include "store/archive_file.h"
#include "store/checkpoint_files.h"
#include "store/line_file.h"
#include "store/run_folder_parts.h"

static rondo_status write_checkpoint(struct run_folder *run, const struct archive *archive, const char *name,
                                     const char *shown, struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(run_folder_check(run, errors));
    for (int log = 0; log < RUN_LOG_COUNT; log++) {
        if (run->logs[log].descriptor >= 0) {
            RONDO_TRY(line_file_sync(run->logs[log].descriptor, run->logs[log].path, errors));
        }
    }
    RONDO_TRY(checkpoint_make_folder(run->descriptor, run->path, errors));
    RONDO_TRY(file_begin_in(&writer, run->descriptor, name, shown, errors));
    return archive_write_to(&writer, archive, errors);
}

rondo_status run_folder_write_checkpoint(struct run_folder *run, const struct archive *archive, int64_t step,
                                         int32_t keep, struct errors *errors) {
    RONDO_CHECK(step >= 0 && keep >= 1, errors, "a checkpoint has a step, and is kept");
    const struct checkpoint_name name = checkpoint_name(step);
    struct arena *arena = arena_create(); /* that of the run belongs to the main thread */
    const char *shown = arena_printf(arena, "%s/%s", run->path, name.text);
    const rondo_status status =
        shown == NULL ? errors_no_memory(errors) : write_checkpoint(run, archive, name.text, shown, errors);
    arena_destroy(arena);
    if (status == RONDO_OK) {
        atomic_store(&run->checkpoint, step);
        checkpoint_remove_old(run->descriptor, step, keep, run->protected_step);
    }
    return status;
}

void run_folder_limit_checkpoints(struct run_folder *run, int64_t step, int32_t keep) {
    struct errors moved = {0};
    if (run_folder_check(run, &moved) == RONDO_OK) {
        checkpoint_remove_old(run->descriptor, step, keep, run->protected_step);
    }
    errors_free(&moved);
}

int run_folder_is_full(const struct run_folder *run, int64_t *checkpoint, int64_t *free) {
    const int64_t step = run_folder_checkpoint(run);
    struct stat file;
    struct statvfs disk;
    if (step == RUN_FOLDER_NO_CHECKPOINT || fstatat(run->descriptor, checkpoint_name(step).text, &file, 0) != 0 ||
        fstatvfs(run->descriptor, &disk) != 0) {
        return 0;
    }
    *checkpoint = (int64_t)file.st_size;
    *free = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    return *free < *checkpoint + *checkpoint / 8; /* a file takes more of the disk than its bytes */
}

static const char passed_over[] = "a checkpoint cannot be read and is passed over: ";

/* Reads one checkpoint. RONDO_OK with *archive NULL: it is damaged, or is no longer there, and `notes` says so. */
static rondo_status read_checkpoint(struct run_folder *run, int64_t step, struct archive **archive,
                                    struct errors *notes, struct errors *errors) {
    const struct arena_mark mark = arena_mark(run->arena);
    const char *file = run_folder_file(run, checkpoint_name(step).text);
    struct errors reasons = {0};
    int is_damaged = 0;
    *archive = NULL;
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    *archive = archive_read_damaged(file, &is_damaged, &reasons);
    rondo_status status = RONDO_OK;
    if (*archive == NULL && is_damaged) {
        errors_add(notes, reasons.status, "a checkpoint cannot be read and is passed over: %s",
                   errors_text(&reasons, 0));
    } else if (*archive == NULL) {
        status = reasons.status;
        errors_move(errors, &reasons);
    }
    errors_free(&reasons);
    arena_release(run->arena, mark);
    return status;
}

static rondo_status read_newest(struct run_folder *run, const int64_t *steps, int32_t count, struct archive **archive,
                                struct errors *notes, struct errors *errors) {
    for (int32_t i = 0; i < count; i++) {
        RONDO_TRY(read_checkpoint(run, steps[i], archive, notes, errors));
        if (*archive != NULL) {
            atomic_store(&run->checkpoint, steps[i]);
            return RONDO_OK;
        }
    }
    if (count == 0) {
        return RONDO_OK;
    }
    const char *last = errors_text(notes, notes->count - 1);
    const size_t skipped = strncmp(last, passed_over, sizeof passed_over - 1) == 0 ? sizeof passed_over - 1 : 0;
    return errors_add(
        errors, RONDO_INVALID,
        "none of the %d checkpoints in '%s/" CHECKPOINT_FOLDER
        "' can be read, the oldest for this reason: %s; remove the folder of the checkpoints to begin the "
        "run again from its start",
        count, run->path, last + skipped);
}

rondo_status run_folder_read_checkpoint(struct run_folder *run, struct archive **archive, int64_t *step,
                                        struct errors *notes, struct errors *errors) {
    int64_t *steps;
    int32_t count;
    *archive = NULL;
    *step = RUN_FOLDER_NO_CHECKPOINT;
    RONDO_TRY(run_folder_check(run, errors));
    RONDO_TRY(checkpoint_list(run->descriptor, run->path, &steps, &count, errors));
    const rondo_status status = read_newest(run, steps, count, archive, notes, errors);
    if (*archive != NULL) {
        *step = run_folder_checkpoint(run);
    }
    free(steps);
    return status;
}

rondo_status run_folder_read_checkpoint_of(struct run_folder *run, int64_t step, struct archive **archive,
                                           struct errors *errors) {
    struct errors notes = {0};
    *archive = NULL;
    RONDO_TRY(run_folder_check(run, errors));
    rondo_status status = read_checkpoint(run, step, archive, &notes, errors);
    if (status == RONDO_OK && *archive == NULL) {
        status = errors_add(errors, RONDO_INVALID, "the training cannot go back: %s", errors_text(&notes, 0));
    } else if (status == RONDO_OK) {
        atomic_store(&run->checkpoint, step);
    }
    errors_free(&notes);
    return status;
}

void run_folder_forget_checkpoints(struct run_folder *run, int64_t step) {
    checkpoint_remove_old(run->descriptor, step, INT32_MAX, step);
    atomic_store(&run->checkpoint, step);
}

void run_folder_protect(struct run_folder *run, int64_t step) {
    run->protected_step = step;
}
