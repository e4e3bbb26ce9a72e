/* core/log.h: lines about what the library does, for the program that embeds it.
 *
 * The library prints nothing. A session may give its registry a receiver (registry_set_log); it then gets one line for
 * each event worth knowing, such as a plug-in that was loaded, and each line that a plug-in logs (rondo_host.log).
 *
 * Threads: a receiver may be called from several threads at the same time.
 */
#ifndef RONDO_CORE_LOG_H
#define RONDO_CORE_LOG_H

#include "rondo/plugin.h"

/* rondo/rondo.h has the same levels. */
enum log_level {
    LOG_LEVEL_DEBUG = 0, /* details, for finding out why something happens */
    LOG_LEVEL_INFO = 1   /* events that a user may want to know about, and the lines of plug-ins */
};

/* A receiver of log lines. `origin` is the file of the plug-in that the line comes from, NULL for Rondo itself; both
 * texts are valid during the call. write NULL: lines are dropped. */
struct log_receiver {
    void (*write)(void *arg, int32_t level, const char *origin, const char *text);
    void *arg;
};

/* Hands one line to the receiver, cut at 1023 bytes. `receiver` may be NULL. */
void log_line(const struct log_receiver *receiver, enum log_level level, const char *origin, const char *format, ...)
    RONDO_PRINTF(4, 5);

#endif
