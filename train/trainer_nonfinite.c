/* train/trainer_nonfinite.c: what a training does and reports when a value is not finite. */
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "train/trainer_state.h"

void trainer_note_update(struct training *training, const struct scores *before) {
    struct scores own = training->scores; /* of this update */
    own.rows -= before->rows;
    own.weight -= before->weight;
    own.sums[0] -= before->sums[0];
    if (training->n_recent == TRAINER_RECENT) {
        const size_t kept = sizeof(double) * (TRAINER_RECENT - 1);
        memmove(training->recent_norms, training->recent_norms + 1, kept);
        memmove(training->recent_losses, training->recent_losses + 1, kept);
        training->n_recent--;
    }
    training->recent_norms[training->n_recent] = training->progress.gradient_norm;
    training->recent_losses[training->n_recent] = network_metric(training->network, &own, 0);
    training->n_recent++;
}

/* The same batches with the same random words. The error is left as it is if memory is short, or if the sum of the ops
 * rounds in another way than the fused engine and is finite. */
void trainer_explain_gradient(struct training *training, const struct network_update *update, struct errors *errors) {
    struct network_update again = *update;
    struct scores unused = {0};
    struct errors found = {0};
    again.sampled = 0;
    again.checks_gradients = 1;
    const rondo_status status = network_train(training->network, &again, &unused, &found);
    if (status == RONDO_OK) {
        network_undo_train(training->network);
    } else if (status == RONDO_NOT_FINITE) {
        struct errors first = {0};
        errors_move(&first, errors);
        errors_add(errors, status, "%s; %s", errors_text(&first, 0), errors_text(&found, 0));
        errors_free(&first);
    }
    errors_free(&found);
}

int trainer_may_skip(const struct training *training, rondo_status status, struct errors *errors) {
    const struct trainer_settings *settings = training->settings;
    if (status != RONDO_NOT_FINITE || settings->on_nonfinite != NONFINITE_SKIP) {
        return 0;
    }
    if (training->progress.skipped >= settings->nonfinite_limit) {
        errors_add(errors, status, "%lld updates have been skipped, and schedule.nonfinite_limit allows no more",
                   (long long)training->progress.skipped);
        return 0;
    }
    return 1;
}

/* "13, 2, 7, 1, …". */
static void list_examples(const int64_t *examples, int64_t count, char *text, size_t size) {
    enum { SHOWN = 4 };
    size_t used = 0;
    for (int64_t i = 0; i < count && i < SHOWN; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i == 0 ? "" : ", ", (long long)examples[i]);
    }
    snprintf(text + used, size - used, "%s", count > SHOWN ? ", …" : "");
}

void trainer_report_update(const struct training *training, const struct network_update *update, int64_t first_batch,
                           int64_t n_batches, rondo_status status, struct errors *errors) {
    const struct trainer_progress *progress = &training->progress;
    const long long epoch = progress->epoch, step = progress->steps + 1;
    if (status != RONDO_NOT_FINITE) {
        errors_add(errors, status, "training stopped in epoch %lld, at step %lld", epoch, step);
        return;
    }
    const long long failed = network_failed_batch(training->network), before = first_batch;
    const long long first = failed >= 0 ? failed : 0, end = failed >= 0 ? failed + 1 : update->batches;
    const int64_t *examples = update->examples + update->begin[first];
    const int64_t count = update->begin[end] - update->begin[first];
    char which[64], list[128];
    if (end - first == 1) {
        snprintf(which, sizeof which, "batch %lld", before + first + 1);
    } else {
        snprintf(which, sizeof which, "batches %lld to %lld", before + first + 1, before + end);
    }
    list_examples(examples, count, list, sizeof list);
    errors_add(errors, status, "training stopped in epoch %lld, at step %lld: %s of %lld, with %s %s (counted from 0)",
               epoch, step, which, (long long)n_batches, count == 1 ? "example" : "examples", list);
    trainer_report_recent(training, status, errors);
}

/* "3.1, 8.9, 120, 4.1e+07". */
static void list_numbers(const double *numbers, int64_t count, char *text, size_t size) {
    size_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        used += (size_t)number_print(text + used, size - used, "%s%.3g", i == 0 ? "" : ", ", numbers[i]);
    }
}

/* If no update has been done, the data or the initial weights are the reason, and neither clipping nor another learning rate
 * would help. */
void trainer_report_recent(const struct training *training, rondo_status status, struct errors *errors) {
    const int64_t count = training->n_recent;
    if (status != RONDO_NOT_FINITE || count == 0) {
        return;
    }
    char updates[32] = "", norms[TRAINER_RECENT * 16], losses[TRAINER_RECENT * 16];
    if (count > 1) {
        snprintf(updates, sizeof updates, "%lld ", (long long)count);
    }
    list_numbers(training->recent_norms, count, norms, sizeof norms);
    list_numbers(training->recent_losses, count, losses, sizeof losses);
    const int is_one = count == 1, clips = training->settings->clip_norm > 0;
    errors_add(errors, status,
               "gradient norm%s of the %supdate%s before: %s; loss%s: %s. If they grow, %s or a smaller "
               "optimizer.lr may help%s",
               is_one ? "" : "s", updates, is_one ? "" : "s", norms, is_one ? "" : "es", losses,
               clips ? "a smaller schedule.clip_norm" : "schedule.clip_norm (now 0: no limit)",
               training->settings->on_nonfinite != NONFINITE_STOP
                   ? ""
                   : "; schedule.on_nonfinite: skip leaves single updates out, and rollback goes back to a checkpoint");
}
