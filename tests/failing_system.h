/* tests/failing_system.h: calls of the operating system that fail when a test wants it: a full disk, a quota, a disk that
 * is read-only or defect, for tests that run as any user and may mount nothing.
 *
 * The functions of the C library are replaced in the whole process. Threads: system_fail one at a time.
 *
 *     for (long number = 1; status != RONDO_OK; number++) {
 *         system_fail(SYSTEM_WRITE, number, ENOSPC);
 *         status = work();
 *         system_fail(SYSTEM_WRITE, 0, 0);
 *         …
 *     }
 */
#ifndef RONDO_TESTS_FAILING_SYSTEM_H
#define RONDO_TESTS_FAILING_SYSTEM_H

enum system_call {
    SYSTEM_OPEN,       /* openat, for writing */
    SYSTEM_LOOK,       /* openat, for reading */
    SYSTEM_OPEN_FILE,  /* open */
    SYSTEM_READ,       /* read, from regular files */
    SYSTEM_WRITE,      /* write, to regular files: nothing is written */
    SYSTEM_WRITE_HALF, /* write, to regular files: half is written; the next one fails with the error */
    SYSTEM_SYNC,       /* fsync and fdatasync */
    SYSTEM_TRUNCATE,
    SYSTEM_LINK,
    SYSTEM_RENAME,
    SYSTEM_MAKE_FOLDER, /* mkdir and mkdirat */
    SYSTEM_CLOSE,       /* of a file that was open for writing; it is closed then, too */
    SYSTEM_CALLS
};

/* The call `number` from now on, and all later ones, fail with this value of errno; 0: none does. */
void system_fail(enum system_call call, long number, int error);
/* The number of calls since system_fail. */
long system_calls(enum system_call call);
/* Files without a name (O_TMPFILE) cannot be opened while `on`, as on file systems without them. */
void system_without_unnamed_files(int on);

#endif
