#define _POSIX_C_SOURCE 200809L
#include "store/killed_start.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* train/run_record.h; the last one only as a temporary file. */
static const char *const files[] = {"reader.json", "environment.json", "experiment.yaml"};
enum { FILES = sizeof files / sizeof *files };

#define CELLS "cells"

/* 1 if the name is that of a file, or of the temporary file that becomes it. */
static int is_of(const char *name, const char *file, int is_written) {
    const size_t length = strlen(file);
    return strncmp(name, file, length) == 0 &&
           (strncmp(name + length, ".tmp-", 5) == 0 || (is_written && name[length] == '\0'));
}

static int is_start_file(const char *name) {
    int is_one = 0;
    for (int i = 0; i < FILES; i++) {
        is_one |= is_of(name, files[i], i < FILES - 1);
    }
    return is_one;
}

static int is_cell(const char *name) {
    const char *end = strstr(name, ".yaml");
    return end != NULL && is_of(end, ".yaml", 1);
}

static int is_empty_file(int folder, const char *name) {
    struct stat info;
    return fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
}

/* A stream of the names in a folder within an open one; NULL with errno. */
static DIR *open_names(int folder, const char *name) {
    const int descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL && descriptor >= 0) {
        close(descriptor);
    }
    return stream;
}

static int is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 1 if the folder has only cells; -1: lack of memory. */
static int has_only_cells(int folder) {
    DIR *stream = open_names(folder, CELLS);
    if (stream == NULL) {
        return errno == ENOMEM ? -1 : 0;
    }
    int is_start = 1;
    for (const struct dirent *entry = readdir(stream); entry != NULL && is_start; entry = readdir(stream)) {
        is_start = is_dots(entry->d_name) || is_cell(entry->d_name);
    }
    closedir(stream);
    return is_start;
}

/* As killed_start_is, for one name. */
static int is_left_over(int folder, const char *name) {
    return is_dots(name) || is_start_file(name)                                       ? 1
           : strcmp(name, CELLS) == 0                                                 ? has_only_cells(folder)
           : strcmp(name, "metrics.jsonl") == 0 || strcmp(name, "timings.jsonl") == 0 ? is_empty_file(folder, name)
                                                                                      : 0;
}

int killed_start_is(const char *path) {
    DIR *stream = opendir(path);
    if (stream == NULL) {
        return errno == ENOMEM ? -1 : 0;
    }
    const int folder = dirfd(stream);
    int is_start = is_empty_file(folder, "metrics.jsonl");
    for (const struct dirent *entry = readdir(stream); entry != NULL && is_start == 1; entry = readdir(stream)) {
        is_start = is_left_over(folder, entry->d_name);
    }
    closedir(stream);
    return is_start;
}

/* Removes the files of a folder within an open one that are left over. */
static void remove_files(int folder, const char *name, int (*is_one)(const char *name)) {
    DIR *stream = open_names(folder, name);
    if (stream == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (is_one(entry->d_name)) {
            unlinkat(dirfd(stream), entry->d_name, 0);
        }
    }
    closedir(stream);
}

void killed_start_remove(int folder) {
    remove_files(folder, CELLS, is_cell);
    unlinkat(folder, CELLS, AT_REMOVEDIR);
    remove_files(folder, ".", is_start_file);
}
