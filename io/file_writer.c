/* io/file_writer.c: files that are written completely or not at all, see io/file.h. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"

/* Names to try for the temporary file before giving up. More than one is needed only where a killed process with our
 * own number left its file behind, or where this process writes the same file twice at the same time. */
enum { TEMPORARY_NAMES = 1000 };

static rondo_status io_failed(struct errors *errors, const char *verb, const char *file, int error) {
    return file_failed(errors, RONDO_IO, (struct location){0}, verb, file, error);
}

rondo_status file_write(const char *file, const void *bytes, size_t length, struct errors *errors) {
    struct file_writer writer;
    RONDO_TRY(file_begin(&writer, file, errors));
    rondo_status status = file_piece(&writer, bytes, length, errors);
    status = status == RONDO_OK ? file_commit(&writer, errors) : status;
    file_abort(&writer); /* does nothing after a commit */
    return status;
}

rondo_status file_begin(struct file_writer *writer, const char *file, struct errors *errors) {
    return file_begin_in(writer, AT_FDCWD, file, file, errors);
}

/* The folder part of a name; malloc'ed. NULL: out of memory. */
static char *folder_of(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash == NULL ? strdup(".") : strndup(name, slash == name ? 1 : (size_t)(slash - name));
}

/* The link through which a file without a name gets one. */
struct descriptor_path {
    char text[40];
};

static struct descriptor_path descriptor_path(int descriptor) {
    struct descriptor_path path;
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", descriptor);
    return path;
}

/* Opens a file that has no name, in the folder of the writer's file. -1 if that is not possible: the file system
 * cannot do it, or /proc, which commit needs, is not mounted. */
static int open_unnamed(const struct file_writer *writer) {
    char *folder = folder_of(writer->name);
    const int descriptor = folder == NULL ? -1 : openat(writer->folder, folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    free(folder);
    if (descriptor >= 0 && access(descriptor_path(descriptor).text, F_OK) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* Calls make(writer) with one name after the other until one is free. Returns 0, or the reason as a value of errno. */
static int with_free_name(struct file_writer *writer, int (*make)(struct file_writer *writer)) {
    const size_t size = strlen(writer->name) + 64;
    int error = EEXIST;
    for (int n = 0; n < TEMPORARY_NAMES && error == EEXIST; n++) {
        snprintf(writer->temporary, size, "%s.tmp-%ld-%d", writer->name, (long)getpid(), n);
        error = make(writer) == 0 ? 0 : errno;
    }
    return error;
}

/* O_EXCL and not mkstemp: the new file gets the permissions that the user's umask asks for, and no link is followed. */
static int open_named(struct file_writer *writer) {
    writer->descriptor = openat(writer->folder, writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return writer->descriptor < 0 ? -1 : 0;
}

static int link_unnamed(struct file_writer *writer) {
    return linkat(AT_FDCWD, descriptor_path(writer->descriptor).text, writer->folder, writer->temporary,
                  AT_SYMLINK_FOLLOW);
}

rondo_status file_begin_in(struct file_writer *writer, int folder, const char *name, const char *file,
                           struct errors *errors) {
    *writer = (struct file_writer){.descriptor = -1, .folder = folder, .name = name, .file = file};
    writer->temporary = malloc(strlen(name) + 64);
    if (writer->temporary == NULL) {
        return errors_no_memory(errors);
    }
    writer->descriptor = open_unnamed(writer);
    writer->is_unnamed = writer->descriptor >= 0;
    const int error = writer->is_unnamed ? 0 : with_free_name(writer, open_named);
    if (error != 0) {
        free(writer->temporary);
        writer->temporary = NULL;
        return io_failed(errors, "write", file, error);
    }
    return RONDO_OK;
}

rondo_status file_piece(struct file_writer *writer, const void *bytes, size_t length, struct errors *errors) {
    RONDO_CHECK(writer->descriptor >= 0, errors, "pieces are written between file_begin and file_commit");
    const char *next = bytes;
    while (length > 0) {
        const ssize_t put = write(writer->descriptor, next, length);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            const int error = errno;
            file_abort(writer);
            return io_failed(errors, "write", writer->file, error);
        }
        next += put;
        length -= (size_t)put;
    }
    return RONDO_OK;
}

int file_sync(int descriptor) {
    int error;
    do {
        error = fsync(descriptor) == 0 ? 0 : errno;
    } while (error == EINTR);
    return error == EINVAL || error == ENOTSUP ? 0 : error;
}

int file_sync_folder(int folder, const char *name) {
    const int descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        /* A folder that may be written but not read cannot be synced; the file itself has been. */
        return errno == EACCES ? 0 : errno;
    }
    const int error = file_sync(descriptor);
    close(descriptor);
    return error;
}

/* Makes a rename in the folder of the file last. */
static int sync_folder(const struct file_writer *writer) {
    char *folder = folder_of(writer->name);
    if (folder == NULL) {
        return ENOMEM;
    }
    const int error = file_sync_folder(writer->folder, folder);
    free(folder);
    return error;
}

/* Puts the finished temporary file in the place of the file. 0 or a value of errno. */
static int put_in_place(struct file_writer *writer) {
    int error = file_sync(writer->descriptor);
    if (error == 0 && writer->is_unnamed) {
        error = with_free_name(writer, link_unnamed);
        writer->is_unnamed = error != 0;
    }
    if (close(writer->descriptor) != 0 && error == 0) {
        error = errno;
    }
    writer->descriptor = -1;
    if (error == 0 && renameat(writer->folder, writer->temporary, writer->folder, writer->name) != 0) {
        error = errno;
    }
    return error;
}

rondo_status file_commit(struct file_writer *writer, struct errors *errors) {
    RONDO_CHECK(writer->descriptor >= 0, errors, "file_commit follows file_begin");
    int error = put_in_place(writer);
    if (error != 0) {
        file_abort(writer);
        return io_failed(errors, "write", writer->file, error);
    }
    free(writer->temporary);
    writer->temporary = NULL;
    error = sync_folder(writer);
    return error == 0 ? RONDO_OK : io_failed(errors, "sync the folder of", writer->file, error);
}

void file_abort(struct file_writer *writer) {
    if (writer->descriptor >= 0) {
        close(writer->descriptor);
        writer->descriptor = -1;
    }
    if (writer->temporary != NULL && !writer->is_unnamed) {
        unlinkat(writer->folder, writer->temporary, 0);
    }
    free(writer->temporary);
    writer->temporary = NULL;
}

/* ---- files that killed processes left ---- */

/* 1 if the name is that of a temporary file; its process in *process. */
static int is_temporary(const char *name, long *process) {
    const char *suffix = NULL;
    for (const char *next = strstr(name, ".tmp-"); next != NULL; next = strstr(next + 1, ".tmp-")) {
        suffix = next + 5;
    }
    if (suffix == NULL) {
        return 0;
    }
    const size_t first = strspn(suffix, "0123456789");
    const char *second = suffix + first;
    if (first == 0 || *second++ != '-' || *second == '\0' || second[strspn(second, "0123456789")] != '\0') {
        return 0;
    }
    *process = strtol(suffix, NULL, 10);
    return 1;
}

static int is_alive(long process) {
    return getpgid((pid_t)process) >= 0 || errno != ESRCH;
}

void file_remove_left_over(int folder, const char *name, const char *own) {
    const int descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL) {
        if (descriptor >= 0) {
            close(descriptor);
        }
        return;
    }
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        long process;
        if (is_temporary(entry->d_name, &process) &&
            (strncmp(entry->d_name, own, strlen(own)) == 0 || !is_alive(process))) {
            unlinkat(descriptor, entry->d_name, 0);
        }
    }
    closedir(stream);
}
