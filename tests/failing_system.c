/* tests/failing_system.c: see tests/failing_system.h. */
#define _GNU_SOURCE
#include "tests/failing_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    atomic_long calls;
    long first; /* that fails; 0: none */
    int error;
} states[SYSTEM_CALLS];
static int no_unnamed_files;

void system_fail(enum system_call call, long number, int error) {
    states[call].calls = 0;
    states[call].first = number;
    states[call].error = error;
}

long system_calls(enum system_call call) {
    return states[call].calls;
}

void system_without_unnamed_files(int on) {
    no_unnamed_files = on;
}

/* Counts a call; 1 if it fails. */
static int fails(enum system_call call) {
    const long number = atomic_fetch_add(&states[call].calls, 1) + 1;
    errno = states[call].error;
    return states[call].first > 0 && number >= states[call].first;
}

int openat(int folder, const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const int mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    if ((flags & O_TMPFILE) == O_TMPFILE && no_unnamed_files) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (fails((flags & O_ACCMODE) == O_RDONLY ? SYSTEM_LOOK : SYSTEM_OPEN)) {
        return -1;
    }
    return (int)syscall(SYS_openat, folder, name, flags, mode);
}

int open(const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const int mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return fails(SYSTEM_OPEN_FILE) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

static int is_regular(int descriptor) {
    struct stat info;
    return fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    return is_regular(descriptor) && fails(SYSTEM_READ) ? -1 : syscall(SYS_read, descriptor, bytes, count);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (is_regular(descriptor)) {
        if (fails(SYSTEM_WRITE)) {
            return -1;
        }
        if (fails(SYSTEM_WRITE_HALF)) {
            if (states[SYSTEM_WRITE_HALF].calls > states[SYSTEM_WRITE_HALF].first || count < 2) {
                return -1;
            }
            count /= 2;
        }
    }
    return syscall(SYS_write, descriptor, bytes, count);
}

int fsync(int descriptor) {
    return fails(SYSTEM_SYNC) ? -1 : (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    return fails(SYSTEM_SYNC) ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

int ftruncate(int descriptor, off_t length) {
    return fails(SYSTEM_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, descriptor, length);
}

int linkat(int from_folder, const char *from, int folder, const char *name, int flags) {
    return fails(SYSTEM_LINK) ? -1 : (int)syscall(SYS_linkat, from_folder, from, folder, name, flags);
}

int renameat(int from_folder, const char *from, int folder, const char *name) {
    return fails(SYSTEM_RENAME) ? -1 : (int)syscall(SYS_renameat2, from_folder, from, folder, name, 0);
}

int mkdirat(int folder, const char *name, mode_t mode) {
    return fails(SYSTEM_MAKE_FOLDER) ? -1 : (int)syscall(SYS_mkdirat, folder, name, mode);
}

int mkdir(const char *name, mode_t mode) {
    return fails(SYSTEM_MAKE_FOLDER) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, name, mode);
}

int close(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    const int is_written = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && is_regular(descriptor);
    const int result = (int)syscall(SYS_close, descriptor);
    return is_written && fails(SYSTEM_CLOSE) ? -1 : result;
}
