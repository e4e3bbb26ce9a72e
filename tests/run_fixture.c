/* tests/run_fixture.c: see tests/run_fixture.h. */
#define _XOPEN_SOURCE 700
#include "tests/run_fixture.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/archive_file.h"
#include "tests/sandbox.h"

struct errors run_errors, run_notes;

/* Each test is a process of its own in a folder of its own. */
void run_setup(void) {
    char folder[64];
    snprintf(folder, sizeof folder, "test-%ld", (long)getpid());
    ck_assert_int_eq(chdir(sandbox_path("%s", ".")), 0);
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    ck_assert_int_eq(chdir(folder), 0);
}

void run_teardown(void) {
    errors_free(&run_errors);
    errors_free(&run_notes);
}

int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

int file_is_there(const char *name) {
    struct stat info;
    return lstat(name, &info) == 0;
}

/* The number of files in a folder; with `part` in their names, if it is not NULL. */
int files_in(const char *folder, const char *part) {
    int count = 0;
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
        count += entry->d_name[0] != '.' && (part == NULL || strstr(entry->d_name, part) != NULL);
    }
    if (stream != NULL) {
        closedir(stream);
    }
    return count;
}

/* The whole file, from malloc: the process is short. */
const char *file_content(const char *name, size_t *size) {
    return sandbox_read(sandbox_path("test-%ld/%s", (long)getpid(), name), size);
}

void file_touch(const char *name) {
    const int descriptor = open(name, O_WRONLY | O_CREAT, 0666);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}

/* A run with all that makes it one. */
struct run_folder *run_start(const char *folder) {
    struct run_folder *run = run_folder_create(folder, "tiny", &run_errors);
    ck_assert_msg(run != NULL, "%s", errors_text(&run_errors, 0));
    ck_assert_int_eq(run_folder_write(run, "experiment.yaml", "name: tiny\n", 11, &run_errors), RONDO_OK);
    return run;
}

struct run_folder *run_reopen(const char *folder) {
    struct run_folder *run = run_folder_open(folder, &run_errors);
    ck_assert_msg(run != NULL, "%s", errors_text(&run_errors, 0));
    return run;
}

rondo_status run_append(struct run_folder *run, const char *key, int64_t value) {
    json_t *object = json_pack("{s:I}", key, (json_int_t)value);
    const rondo_status status = run_folder_append(run, RUN_METRICS, object, &run_errors);
    json_decref(object);
    return status;
}

/* A checkpoint that contains its step, and some thousand numbers. */
rondo_status run_checkpoint(struct run_folder *run, int64_t step, int32_t keep) {
    struct archive *archive = archive_create();
    const int64_t shape[] = {4096};
    struct archive_entry *entry = archive_add(archive, "model.W", ARCHIVE_F32, 1, shape);
    for (int64_t i = 0; i < 4096; i++) {
        ((float *)entry->data)[i] = (float)(i * step);
    }
    archive_put_integer(archive, step, "trainer.step");
    const rondo_status status = run_folder_write_checkpoint(run, archive, step, keep, &run_errors);
    archive_destroy(archive);
    return status;
}

/* Asserts that the checkpoint that is read is that of `step`; -1: that there is none. */
void assert_newest_checkpoint(struct run_folder *run, int64_t step) {
    struct archive *archive;
    int64_t found, inside;
    ck_assert_msg(run_folder_read_checkpoint(run, &archive, &found, &run_notes, &run_errors) == RONDO_OK, "%s",
                  errors_text(&run_errors, 0));
    ck_assert_int_eq(found, step);
    ck_assert_int_eq(archive != NULL, step >= 0);
    if (archive != NULL) {
        ck_assert_int_eq(archive_take_integer(archive, &inside, &run_errors, "trainer.step"), RONDO_OK);
        ck_assert_int_eq(inside, step);
        ck_assert_int_eq(run_folder_checkpoint(run), step);
    }
    archive_destroy(archive);
}

const char *checkpoint_path(int64_t step) {
    static char path[128];
    snprintf(path, sizeof path, "run/checkpoints/step-%012lld.safetensors", (long long)step);
    return path;
}

/* Changes a byte in the middle of a file. */
void file_damage(const char *file) {
    const int descriptor = open(file, O_RDWR);
    char byte;
    ck_assert_int_eq(pread(descriptor, &byte, 1, 9000), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(descriptor, &byte, 1, 9000), 1);
    close(descriptor);
}
