#define _POSIX_C_SOURCE 200809L
#include "train/checkpoint_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct checkpoint_writer {
    struct run_folder *run;
    int32_t keep;
    struct archive *archive;
    int64_t step;
    pthread_t thread;
    int is_started;     /* the thread must be joined */
    atomic_int is_busy; /* cleared by the thread as its last action */
    rondo_status status;
    struct errors errors; /* of the last write */
};

struct checkpoint_writer *checkpoint_writer_create(struct run_folder *run, int32_t keep, struct errors *errors) {
    struct checkpoint_writer *writer = calloc(1, sizeof *writer);
    struct archive *archive = archive_create();
    if (writer == NULL || archive == NULL) {
        free(writer);
        archive_destroy(archive);
        errors_no_memory(errors);
        return NULL;
    }
    writer->run = run;
    writer->keep = keep;
    writer->archive = archive;
    return writer;
}

int checkpoint_writer_is_busy(const struct checkpoint_writer *writer) {
    return atomic_load(&writer->is_busy);
}

rondo_status checkpoint_writer_wait(struct checkpoint_writer *writer, struct errors *errors) {
    if (writer->is_started) {
        pthread_join(writer->thread, NULL);
        writer->is_started = 0;
    }
    const rondo_status status = writer->status;
    errors_move(errors, &writer->errors);
    writer->status = RONDO_OK;
    return status;
}

void checkpoint_writer_destroy(struct checkpoint_writer *writer) {
    if (writer != NULL) {
        struct errors ignored = {0};
        checkpoint_writer_wait(writer, &ignored);
        errors_free(&ignored);
        archive_destroy(writer->archive);
        free(writer);
    }
}

struct archive *checkpoint_writer_archive(struct checkpoint_writer *writer, struct errors *errors) {
    if (checkpoint_writer_wait(writer, errors) != RONDO_OK) {
        return NULL;
    }
    archive_clear(writer->archive);
    return writer->archive;
}

static void *write_checkpoint(void *arg) {
    struct checkpoint_writer *writer = arg;
    writer->status =
        run_folder_write_checkpoint(writer->run, writer->archive, writer->step, writer->keep, &writer->errors);
    atomic_store(&writer->is_busy, 0);
    return NULL;
}

rondo_status checkpoint_writer_begin(struct checkpoint_writer *writer, int64_t step, struct errors *errors) {
    if (archive_is_failed(writer->archive)) {
        return errors_memory_for(errors, errors_no_memory(errors), (struct location){0}, "the copy for a checkpoint");
    }
    writer->step = step;
    atomic_store(&writer->is_busy, 1);
    writer->is_started = pthread_create(&writer->thread, NULL, write_checkpoint, writer) == 0;
    if (!writer->is_started) {
        write_checkpoint(writer);
        return checkpoint_writer_wait(writer, errors);
    }
    return RONDO_OK;
}
