#define _POSIX_C_SOURCE 200809L
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/print.h"

enum { BAR_WIDTH = 24 };

struct progress progress_start(const struct network *network) {
    return (struct progress){.network = network, .terminal = isatty(STDERR_FILENO)};
}

/* A line above the bar. */
static void print_skip(const struct progress *progress, const struct trainer_progress *state) {
    fprintf(stderr, "%sstep %lld of epoch %lld is skipped: ", progress->terminal ? "\r\033[K" : "",
            (long long)state->steps, (long long)state->epoch);
    print_text(stderr, state->skip_reason);
    fprintf(stderr, "\n");
}

void progress_rollback(struct progress *progress, int64_t step, double lr_factor, const char *reason) {
    const char *clear = progress->terminal ? "\r\033[K" : "";
    if (step > 0) {
        fprintf(stderr, "%sback to the checkpoint after step %lld", clear, (long long)step);
    } else {
        fprintf(stderr, "%sback to the initial weights", clear);
    }
    fprintf(stderr, ", learning rate times %g: ", lr_factor);
    print_text(stderr, reason);
    fprintf(stderr, "\n");
    progress->drawn = 0;
}

void progress_update(struct progress *progress, const struct trainer_progress *state) {
    if (state->skip_reason != NULL) {
        print_skip(progress, state);
    }
    if (!progress->terminal || trainer_clock() - progress->drawn < 0.1) {
        return;
    }
    progress->drawn = trainer_clock();
    const double share = (double)state->update / (double)state->updates, seconds = state->interval_seconds;
    const double rate = (double)state->interval_examples / (seconds > 0 ? seconds : 1);
    const double left = seconds / (double)state->interval_updates * (double)(state->updates - state->update);
    char bar[BAR_WIDTH + 1];
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r\033[Kepoch %lld/%lld [%s] %3.0f%%  loss %.4f  %.0f examples/s  %d:%02d left",
            (long long)state->epoch, (long long)state->epochs, bar, 100 * share,
            network_metric(progress->network, state->train, 0), rate, (int)left / 60, (int)left % 60);
    fflush(stderr);
}

static void print_scores(const struct progress *progress, const char *split, const struct scores *scores,
                         int32_t count) {
    fprintf(stderr, "  %s", split);
    for (int32_t m = 0; m < count; m++) {
        fprintf(stderr, " %s %.4f", network_metric_name(progress->network, m),
                network_metric(progress->network, scores, m));
    }
}

void progress_interval(struct progress *progress, const struct trainer_progress *state) {
    fprintf(stderr, "%sepoch %lld/%lld", progress->terminal ? "\r\033[K" : "", (long long)state->epoch,
            (long long)state->epochs);
    if (state->update < state->updates) {
        fprintf(stderr, ", update %lld/%lld", (long long)state->update, (long long)state->updates);
    }
    print_scores(progress, "train", state->train, network_loss_count(progress->network));
    if (state->valid != NULL) {
        print_scores(progress, "valid", state->valid, network_metric_count(progress->network));
    }
    fprintf(stderr, "  %.1f s%s\n", state->interval_seconds,
            state->is_best && state->valid != NULL ? "  (best so far)" : "");
    progress->drawn = 0;
}
