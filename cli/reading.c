#define _POSIX_C_SOURCE 200809L
#include "cli/reading.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/print.h"
#include "train/trainer.h"

static void report(void *arg, const char *what, double share) {
    const double silent_seconds = 1, interval = 0.1;
    struct reading *reading = arg;
    const double now = trainer_clock();
    if (what == NULL) {
        if (reading->drawn > 0) {
            fprintf(stderr, "\r\033[K");
        }
        *reading = (struct reading){0};
        return;
    }
    reading->start = reading->start > 0 ? reading->start : now;
    if (now - reading->start < silent_seconds || now - reading->drawn < interval) {
        return;
    }
    reading->drawn = now;
    fprintf(stderr, "\r\033[Kreading ");
    print_text(stderr, what);
    fprintf(stderr, " %3.0f%%", 100 * share);
    fflush(stderr);
}

struct work_progress reading_progress(struct reading *reading) {
    return isatty(STDERR_FILENO) ? (struct work_progress){report, reading} : (struct work_progress){NULL, NULL};
}
