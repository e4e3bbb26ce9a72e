/* kit/check_loss.c: the checks of losses, and those of what a loss declares and answers. */
#include "kit/check_loss.h"

#include <time.h>

#include "kit/judged.h"
#include "kit/option_ends.h"

/* ---- output_size, record ---- */

static enum verdict taken(struct judged_visit *visit) {
    (void)visit;
    return VERDICT_PASS;
}

/* judged_each asks for the sizes, and refuses a loss that takes nothing. */
static enum verdict check_output_size(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, taken, reason, size);
}

static enum verdict visit_record(struct judged_visit *visit) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        struct judged *judged = judged_create(visit, dtype, JUDGED_ROWS, 0);
        if (judged == NULL) {
            return VERDICT_FAIL;
        }
        if (judged_record(judged, 1) != RONDO_OK) { /* looks at the shape as well */
            return judged_failed(visit, judged, "record");
        }
        if (!tensor_is_finite(judged->losses)) {
            return judged_say(visit, VERDICT_FAIL, "the losses of normal outputs are not finite, %s",
                              dtype_name(dtype));
        }
        judged_close(judged);
    }
    return VERDICT_PASS;
}

static enum verdict check_record(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_record, reason, size);
}

/* ---- status ---- */

static enum verdict judge_answers(const struct judged_visit *visit, const struct judged *judged) {
    if (judged->unknown_status != 0) {
        return judged_say(visit, VERDICT_FAIL, "predict or measure returned %d, expected one of rondo_status_code",
                          (int)judged->unknown_status);
    }
    if (judged->quiet) {
        return judged_say(visit, VERDICT_FAIL,
                          "a call failed and did not say why, expected  ctx->host->fail(ctx, code, \"why\")");
    }
    if (judged->ignored) {
        return judged_say(visit, VERDICT_FAIL, "a call returned RONDO_OK after it had called fail: %s",
                          errors_text(&judged->errors, 0));
    }
    return VERDICT_PASS;
}

/* Whether the calls work is looked at elsewhere. */
static enum verdict visit_status(struct judged_visit *visit) {
    struct judged *judged = judged_create(visit, RONDO_F32, JUDGED_ROWS, 0);
    double sums[JUDGED_METRICS] = {0};
    if (judged == NULL) {
        return VERDICT_FAIL;
    }
    judged_record(judged, 0);
    judged_predict(judged);
    judged_measure(judged, sums);
    const enum verdict verdict = judge_answers(visit, judged);
    judged_close(judged);
    return verdict;
}

static enum verdict check_status(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_status, reason, size);
}

/* ---- zero_size ---- */

static enum verdict visit_zero(struct judged_visit *visit) {
    if (visit->tried.has_sequences) {
        return VERDICT_PASS; /* there is one at least */
    }
    struct judged *judged = judged_create(visit, RONDO_F32, 0, 0);
    double sums[JUDGED_METRICS] = {0};
    if (judged == NULL) {
        return VERDICT_FAIL;
    }
    const char *failed = judged_record(judged, 1) != RONDO_OK       ? "record"
                         : judged_predict(judged) != RONDO_OK       ? "predict"
                         : judged_measure(judged, sums) != RONDO_OK ? "measure"
                                                                    : NULL;
    if (failed != NULL) {
        return judged_say(visit, VERDICT_FAIL, "%s of a batch without rows failed: %s", failed,
                          errors_text(&judged->errors, 0));
    }
    for (int32_t m = 0; m < judged_metrics(visit->loss); m++) {
        if (sums[m] != 0) {
            return judged_say(visit, VERDICT_FAIL, "measure of a batch without rows adds %g to '%s'", sums[m],
                              visit->loss->metrics[m].name);
        }
    }
    judged_close(judged);
    return VERDICT_PASS;
}

static enum verdict check_zero_size(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_zero, reason, size);
}

/* ---- options_ends ---- */

/* An end, and since when it has been tried. */
struct trial {
    struct option_end end;
    clock_t begin;
};

/* To refuse is right, and so is to ask for more memory than there is; to crash, to give not-a-number in silence or a
 * bug's status is not. What takes long, as the most samples that a row may have do, is tried on two rows
 * of few kinds of targets. */
static enum verdict visit_end(struct judged_visit *visit) {
    const struct trial *trial = visit->arg;
    if (clock() - trial->begin > CLOCKS_PER_SEC) {
        return VERDICT_PASS;
    }
    struct judged *judged = judged_create(visit, RONDO_F32, 2, 0);
    double sums[JUDGED_METRICS] = {0};
    if (judged == NULL) {
        return VERDICT_FAIL;
    }
    rondo_status status = judged_record(judged, 1);
    const int is_finite = status != RONDO_OK || tensor_is_finite(judged->losses);
    if (status == RONDO_OK) {
        status = judged_predict(judged);
    }
    if (status == RONDO_OK) {
        status = judged_measure(judged, sums);
    }
    if (status == RONDO_INTERNAL || status == RONDO_IO || status == RONDO_INTERRUPTED) {
        return judged_say(visit, VERDICT_FAIL, "with %s: %s", trial->end.text, errors_text(&judged->errors, 0));
    }
    if (!is_finite && !option_end_may_diverge(&trial->end)) {
        return judged_say(visit, VERDICT_WARNING,
                          "with %s the losses are not finite: a narrower range would say so before", trial->end.text);
    }
    judged_close(judged);
    return VERDICT_PASS;
}

static enum verdict check_options_ends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct trial trial;
    for (int32_t i = 0; option_end(descriptor->options, i, &trial.end); i++) {
        trial.begin = clock();
        const enum verdict verdict = judged_each_with(kit, descriptor, trial.end.text, &trial, visit_end, reason, size);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    return VERDICT_PASS;
}

const struct kit_check kit_loss_checks[] = {
    {"output_size", "targets of some kind are taken, others refused with the reason", check_output_size},
    {"status", "every call returns a known status, and says why where it fails", check_status},
    {"stays_inside", "calls read and write what they are given, and nothing beside it", loss_stays_inside},
    {"zero_size", "a batch without rows costs nothing and counts nothing", check_zero_size},
    {"record", "there is one finite loss for every row, or for every sequence with lists", check_record},
    {"gradient", "gradients are those of central differences", loss_gradient},
    {"dtypes", "f32 gives the losses and gradients of f64, but for rounding", loss_dtypes},
    {"rows", "the loss of a row does not depend on its batch mates, unless the loss says so", loss_rows},
    {"predict", "every prediction is written and finite, and classes have probabilities", loss_predict},
    {"measure", "sums of metrics are added, row by row", loss_measure},
    {"extremes", "large outputs give finite losses and gradients; huge ones never not-a-number", loss_extremes},
    {"class_range", "a class out of range is refused, and not used as an index", loss_class_range},
    {"deterministic", "the same batch gives the same bits again", loss_deterministic},
    {"threads", "several threads give the bits of one, inside a call and beside it", loss_threads},
    {"no_memory", "an allocation that the host refuses ends in RONDO_NO_MEMORY", loss_no_memory},
    {"leaks", "calls leave nothing behind on the heap", loss_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", check_options_ends},
    {"first_call", "nothing is kept of the options of the first call", loss_first_call},
    {NULL, NULL, NULL},
};
