/* io/file_lock.h: a lock on an open file that ends with the process, however it ends (flock). On NFS it holds between the
 * machines.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_FILE_LOCK_H
#define RONDO_IO_FILE_LOCK_H

#include <stdint.h>

enum file_lock {
    FILE_LOCK_OWN,   /* of one owner; the file must be open for writing */
    FILE_LOCK_SHARED /* of any number; the file must be open for reading */
};

/* 1 if the descriptor now has the lock, until it is closed in this process and in those that were forked from it, or if the
 * file system has no locks. 0 if another descriptor has it, of this or another process. */
int file_lock(int descriptor, enum file_lock kind);
/* The process that has the file's lock; 0: unknown, such as one of another machine. */
long file_lock_owner(int descriptor);

#endif
