/* core/progress.h: how long-running work reports how far it is. Library code prints nothing; the host decides what it shows.
 *
 * Threads: those of the work.
 */
#ifndef RONDO_CORE_PROGRESS_H
#define RONDO_CORE_PROGRESS_H

#include <stddef.h>

/* The receiver of reports. If zero-initialised, there is none. */
struct work_progress {
    /* The share 0 … 1 of `what`, a file for example, is done. Work may have several passes over a file, each from 0 to 1.
     * `what` NULL: the work is done, or has failed. Called some thousand times per second at most. */
    void (*report)(void *arg, const char *what, double share);
    void *arg;
};

static inline void progress_report(const struct work_progress *progress, const char *what, double share) {
    if (progress->report != NULL) {
        progress->report(progress->arg, what, share);
    }
}

#endif
