/* kit/judged_each.c: which targets and outputs a loss takes, and visits of them: see kit/judged.h. */
#include <stdarg.h>
#include <stdio.h>

#include "core/number.h"
#include "kit/judged.h"

/* ---- what a loss takes ---- */

static const struct {
    int32_t kind;
    int64_t target_size;
} kinds[] = {{RONDO_TARGET_CLASS, 2}, {RONDO_TARGET_CLASS, 5}, {RONDO_TARGET_CLASS, 40},
             {RONDO_TARGET_REAL, 1},  {RONDO_TARGET_REAL, 3},  {RONDO_TARGET_LIST, 4}};

/* Outputs of a row, with options at the end of their range: more would take long. */
enum { MOST_TRIED = 1024 };

/* Asks for a size. 1: taken; 0: refused, with a text in `errors`; -1: a fault, with the reason. */
static int ask_size(struct judged_visit *visit, const char *name,
                    rondo_status (*ask)(rondo_context *ctx, const rondo_loss_call *call, int64_t *size),
                    const void *options, int64_t *size, struct errors *errors) {
    const rondo_loss_call call = {.struct_size = sizeof call,
                                  .target_kind = visit->tried.kind,
                                  .options = options,
                                  .target_size = visit->tried.target_size,
                                  .output_weight = {-1},
                                  .output_bias = {-1}};
    struct host_call host = host_call(visit->kit->arena, errors, NULL, visit->loss->base.name);
    const rondo_status raw = ask(&host.base, &call, size);
    const rondo_status status = host_result(&host, raw);
    if (status == RONDO_INVALID && host.failed == RONDO_INVALID && raw == RONDO_INVALID) {
        return 0;
    }
    if (status != RONDO_OK) {
        judged_say(visit, VERDICT_FAIL,
                   "%s failed: %s (targets of no use are refused with RONDO_INVALID and the reason)", name,
                   errors_text(errors, 0));
        return -1;
    }
    if (visit->options != NULL && *size > MOST_TRIED) {
        return 0;
    }
    if (*size < 1 || *size > 1 << 20) {
        judged_say(visit, VERDICT_FAIL, "%s is %lld, expected 1 or more, and far below a million", name,
                   (long long)*size);
        return -1;
    }
    return 1;
}

static int ask_sizes(struct judged_visit *visit, struct errors *errors) {
    const rondo_loss *loss = visit->loss;
    const void *options = kit_options(visit->kit, &loss->base, visit->options);
    if (options == NULL && loss->base.options != NULL) {
        judged_say(visit, VERDICT_FAIL, "cannot make options of '%s': %s", visit->options == NULL ? "" : visit->options,
                   errors_text(visit->kit->errors, 0));
        return -1;
    }
    visit->tried.output_size = 0;
    visit->tried.prediction_size = visit->tried.target_size;
    const int taken = ask_size(visit, "output_size", loss->output_size, options, &visit->tried.output_size, errors);
    if (taken != 1 || loss->prediction_size == NULL) {
        return taken;
    }
    visit->tried.prediction_size = 0;
    return ask_size(visit, "prediction_size", loss->prediction_size, options, &visit->tried.prediction_size, errors);
}

/* Records one batch. 1: taken; 0: refused with RONDO_INVALID and the reason; -1: a fault, with the reason. */
static int try_draw(struct judged_visit *visit, char *refusal, size_t refusal_size) {
    struct judged *judged = judged_create(visit, RONDO_F64, JUDGED_ROWS, 0);
    if (judged == NULL) {
        return -1;
    }
    const rondo_status status = judged_record(judged, 0);
    int taken = status == RONDO_OK ? 1 : -1;
    if (status == RONDO_INVALID && !judged->quiet) {
        taken = 0;
        snprintf(refusal, refusal_size, "%s", errors_text(&judged->errors, 0));
    } else if (status != RONDO_OK) {
        judged_failed(visit, judged, "record");
    }
    judged_close(judged);
    return taken;
}

/* Finds numbers that record takes. As try_draw. */
static int find_draw(struct judged_visit *visit, char *refusal, size_t refusal_size) {
    const int target_draws = visit->tried.kind == RONDO_TARGET_REAL ? TARGETS_DRAWS : 1;
    visit->training = 0;
    for (int outputs = 0; outputs < OUTPUTS_DRAWS; outputs++) {
        for (int targets = 0; targets < target_draws; targets++) {
            visit->tried.outputs = (enum draw_outputs)outputs;
            visit->tried.targets = (enum draw_targets)targets;
            const int taken = try_draw(visit, refusal, refusal_size);
            if (taken != 0) {
                return taken;
            }
        }
    }
    return 0;
}

/* One kind of targets, without sequences and with them: *taken where either is. */
static enum verdict visit_kind(struct judged_visit *one, enum verdict (*visit)(struct judged_visit *visit),
                               int *taken) {
    char refusal[300] = "";
    int found = 0;
    for (int32_t sequences = one->tried.kind == RONDO_TARGET_LIST; sequences < 2; sequences++) {
        one->tried.has_sequences = sequences;
        const int own = find_draw(one, refusal, sizeof refusal);
        if (own < 0) {
            return VERDICT_FAIL;
        }
        found |= own;
        for (int32_t training = 0; own && training < 2; training++) {
            one->training = training;
            const enum verdict verdict = visit(one);
            if (verdict == VERDICT_FAIL || verdict == VERDICT_WARNING) {
                return verdict;
            }
        }
    }
    *taken |= found;
    return found || one->options != NULL
               ? VERDICT_PASS
               : judged_say(one, VERDICT_FAIL, "output_size takes such targets, and record refused all, last: %s",
                            refusal);
}

enum verdict judged_each_with(struct kit *kit, const rondo_descriptor *descriptor, const char *options, const void *arg,
                              enum verdict (*visit)(struct judged_visit *visit), char *reason, size_t size) {
    struct errors errors = {0};
    int taken = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct judged_visit one = {.kit = kit,
                                   .loss = (const rondo_loss *)descriptor,
                                   .options = options,
                                   .tried = {.kind = kinds[i].kind, .target_size = kinds[i].target_size},
                                   .arg = arg,
                                   .reason = reason,
                                   .size = size};
        const int asked = ask_sizes(&one, &errors);
        const enum verdict verdict = asked < 0    ? VERDICT_FAIL
                                     : asked == 0 ? VERDICT_PASS
                                                  : visit_kind(&one, visit, &taken);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    if (!taken && options == NULL) {
        return kit_say(reason, size, VERDICT_FAIL, "output_size refuses classes, numbers and lists alike, last: %s",
                       errors.count == 0 ? "" : errors_text(&errors, errors.count - 1));
    }
    return VERDICT_PASS;
}

enum verdict judged_each(struct kit *kit, const rondo_descriptor *descriptor,
                         enum verdict (*visit)(struct judged_visit *visit), char *reason, size_t size) {
    return judged_each_with(kit, descriptor, NULL, NULL, visit, reason, size);
}

/* ---- reasons ---- */

enum verdict judged_say(const struct judged_visit *visit, enum verdict verdict, const char *format, ...) {
    static const char *const names[] = {"classes", "numbers a row", "classes in lists"};
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    return kit_say(visit->reason, visit->size, verdict, "%lld %s%s%s: %s", (long long)visit->tried.target_size,
                   names[visit->tried.kind], visit->tried.has_sequences ? ", sequences" : "",
                   visit->training ? ", in training" : "", text);
}

enum verdict judged_failed(const struct judged_visit *visit, const struct judged *judged, const char *what) {
    return judged_say(visit, VERDICT_FAIL, "%s failed: %s", what, errors_text(&judged->errors, 0));
}
