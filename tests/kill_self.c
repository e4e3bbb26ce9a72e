/* tests/kill_self.c: linked into the program, it sends a signal to its own process at a moment that the environment sets:
 *
 *     RONDO_KILL=call:N:SIGNAL    at the N-th moment in which a file is opened or changed, from 1. A call that writes bytes has
 *                                 two: before it, and after half of its bytes
 *     RONDO_KILL=power:N:SIGNAL   the same, as if the power went off: what was written to a file and not synced is cut off
 *     RONDO_KILL=time:N:SIGNAL    after N microseconds
 *     RONDO_KILL=count            never; prints "N moments" to standard error at the end
 *
 * The functions below replace those of the C library in the program, so that nothing has to trace it. Calls of the C library
 * itself (stdio, the dynamic linker) are not counted, nor is what goes to standard streams.
 */
#undef _FILE_OFFSET_BITS /* it would rename the functions that are defined here */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long fatal_call;
static int signal_number;
static int is_counting, has_power_loss;
static atomic_llong moments;

static int is_moment(void) {
    return atomic_fetch_add(&moments, 1) + 1 == fatal_call;
}

/* ---- power ---- */

/* A file with bytes that have not been synced. */
struct unsynced {
    int descriptor; /* our own; 0: not in use */
    dev_t device;
    ino_t file;
    off_t synced; /* length that would be found after a loss of power */
};

enum { MOST_UNSYNCED = 64 };

static struct unsynced unsynced[MOST_UNSYNCED];
static pthread_mutex_t unsynced_lock = PTHREAD_MUTEX_INITIALIZER;

/* The entry of the file, or one that is not in use. */
static struct unsynced *find_unsynced(const struct stat *file) {
    struct unsynced *empty = NULL;
    for (int i = 0; i < MOST_UNSYNCED; i++) {
        struct unsynced *at = &unsynced[i];
        if (at->descriptor != 0 && at->device == file->st_dev && at->file == file->st_ino) {
            return at;
        }
        empty = at->descriptor == 0 ? at : empty;
    }
    return empty;
}

/* Before a write. */
static void note_write(int descriptor) {
    struct stat file;
    if (!has_power_loss || fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode)) {
        return;
    }
    pthread_mutex_lock(&unsynced_lock);
    struct unsynced *entry = find_unsynced(&file);
    if (entry == NULL) {
        _exit(125);
    }
    if (entry->descriptor == 0) {
        *entry = (struct unsynced){fcntl(descriptor, F_DUPFD_CLOEXEC, 3), file.st_dev, file.st_ino, file.st_size};
    }
    pthread_mutex_unlock(&unsynced_lock);
}

/* After a sync. */
static void note_sync(int descriptor) {
    struct stat file;
    if (!has_power_loss || fstat(descriptor, &file) != 0) {
        return;
    }
    pthread_mutex_lock(&unsynced_lock);
    struct unsynced *entry = find_unsynced(&file);
    if (entry != NULL && entry->descriptor != 0) {
        close(entry->descriptor);
        entry->descriptor = 0;
    }
    pthread_mutex_unlock(&unsynced_lock);
}

static void cut_unsynced(void) {
    for (int i = 0; has_power_loss && i < MOST_UNSYNCED; i++) {
        struct stat file;
        if (unsynced[i].descriptor != 0 && fstat(unsynced[i].descriptor, &file) == 0 &&
            file.st_size > unsynced[i].synced) {
            syscall(SYS_ftruncate, unsynced[i].descriptor, unsynced[i].synced);
        }
    }
}

/* ---- the signal ---- */

/* The lock keeps another thread from syncing a file that has been cut, and giving it its name, before the signal arrives. */
static void send_signal(void) {
    pthread_mutex_lock(&unsynced_lock);
    cut_unsynced();
    kill(getpid(), signal_number);
    pthread_mutex_unlock(&unsynced_lock);
}

static void pass_moment(void) {
    if (is_moment()) {
        send_signal();
    }
}

/* After a time: the kernel sends the signal, whatever the program is doing. */
static void start_timer(long long microseconds) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal_number};
    const struct itimerspec when = {.it_value = {microseconds / 1000000, microseconds % 1000000 * 1000 + 1}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &when, NULL) != 0) {
        _exit(125);
    }
}

__attribute__((constructor)) static void prepare(void) {
    const char *text = getenv("RONDO_KILL");
    long long number = 0;
    char kind[8] = "";
    if (text == NULL) {
        return;
    }
    is_counting = strcmp(text, "count") == 0;
    if (!is_counting && sscanf(text, "%7[a-z]:%lld:%d", kind, &number, &signal_number) != 3) {
        _exit(125); /* a test that kills nothing would test nothing */
    }
    if (strcmp(kind, "time") == 0) {
        start_timer(number);
    } else {
        has_power_loss = strcmp(kind, "power") == 0;
        fatal_call = number;
    }
}

__attribute__((destructor)) static void report(void) {
    if (is_counting) {
        fprintf(stderr, "%lld moments\n", (long long)moments);
    }
}

/* ---- the calls ---- */

ssize_t write(int descriptor, const void *bytes, size_t length) {
    if (descriptor > STDERR_FILENO) {
        pass_moment();
        note_write(descriptor);
        if (length > 1 && is_moment()) {
            const long half = syscall(SYS_write, descriptor, bytes, length / 2);
            send_signal();
            return half;
        }
    }
    return syscall(SYS_write, descriptor, bytes, length);
}

int openat(int folder, const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    pass_moment();
    return (int)syscall(SYS_openat, folder, name, flags, mode);
}

int openat64(int folder, const char *name, int flags, ...) __attribute__((alias("openat")));

int open(const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    pass_moment();
    return (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) __attribute__((alias("open")));

/* Nothing is synced: what a process has written outlives it, and the disk would take most of the time of a test. */
int fsync(int descriptor) {
    pass_moment();
    note_sync(descriptor);
    return fcntl(descriptor, F_GETFD) < 0 ? -1 : 0;
}

int fdatasync(int descriptor) {
    return fsync(descriptor);
}

int ftruncate(int descriptor, off_t length) {
    pass_moment();
    return (int)syscall(SYS_ftruncate, descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) __attribute__((alias("ftruncate")));

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    pass_moment();
    return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    pass_moment();
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int rename(const char *from, const char *to) {
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int folder, const char *name, int flags) {
    pass_moment();
    return (int)syscall(SYS_unlinkat, folder, name, flags);
}

int unlink(const char *name) {
    return unlinkat(AT_FDCWD, name, 0);
}

int mkdirat(int folder, const char *name, mode_t mode) {
    pass_moment();
    return (int)syscall(SYS_mkdirat, folder, name, mode);
}

int mkdir(const char *name, mode_t mode) {
    return mkdirat(AT_FDCWD, name, mode);
}
