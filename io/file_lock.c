#define _DEFAULT_SOURCE /* flock, major and minor */
#include "io/file_lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

/* Whoever asks whether a file is locked has a shared lock of it for an instant, so one failure to own it says nothing. Only an
 * owner is in the way of a shared lock. */
enum { TRIES = 20, PAUSE_NANOSECONDS = 5 * 1000 * 1000 };

int file_lock(int descriptor, enum file_lock kind) {
    const int operation = (kind == FILE_LOCK_OWN ? LOCK_EX : LOCK_SH) | LOCK_NB;
    for (int n = 0; n < TRIES; n++) {
        if (flock(descriptor, operation) == 0) {
            return 1;
        }
        if (errno == EWOULDBLOCK && kind == FILE_LOCK_SHARED) {
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return 1; /* ENOLCK, EOPNOTSUPP, …: locks are not to be had here */
        }
        const struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
        nanosleep(&pause, NULL);
    }
    return 0;
}

long file_lock_owner(int descriptor) {
    struct stat info;
    FILE *locks = fopen("/proc/locks", "r");
    if (locks == NULL) {
        return 0;
    }
    char line[256], kind[16];
    long owner = 0;
    if (fstat(descriptor, &info) == 0) {
        /* "1: FLOCK  ADVISORY  WRITE 4711 fe:01:131090 0 EOF": device and number of the file; the process has no number
         * (0) in this container if it is outside it. */
        while (owner == 0 && fgets(line, sizeof line, locks) != NULL) {
            unsigned device_major, device_minor;
            unsigned long long inode;
            long process;
            if (sscanf(line, "%*d: %15s %*s WRITE %ld %x:%x:%llu", kind, &process, &device_major, &device_minor,
                       &inode) == 5 &&
                strcmp(kind, "FLOCK") == 0 && device_major == major(info.st_dev) &&
                device_minor == minor(info.st_dev) && inode == (unsigned long long)info.st_ino) {
                owner = process > 0 ? process : 0;
            }
        }
    }
    fclose(locks);
    return owner;
}
