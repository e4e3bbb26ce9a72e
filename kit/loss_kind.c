/* kit/loss_kind.c: the situations in which a loss is tested, and the adapter for the shared checks (kit/subject.h). */
#include <stdio.h>

#include "kit/loss_fixture.h"

/* ---- what a loss takes ---- */

static const struct {
    int32_t kind;
    int64_t target_size;
} target_kinds[] = {{RONDO_TARGET_CLASS, 2}, {RONDO_TARGET_CLASS, 5}, {RONDO_TARGET_CLASS, 40},
                    {RONDO_TARGET_REAL, 1},  {RONDO_TARGET_REAL, 3},  {RONDO_TARGET_LIST, 4}};

/* The largest number of outputs per row with options other than the defaults; more would take too long. */
enum { MOST_OUTPUTS = 1024 };

static void describe(struct loss_trial *one, const char *dtype) {
    static const char *const names[] = {"classes", "numbers per row", "classes in lists"};
    snprintf(one->trial.situation, sizeof one->trial.situation, "%lld %s%s%s%s%s", (long long)one->target_size,
             names[one->target_kind], one->has_sequences ? ", sequences" : "", one->training ? ", in training" : "",
             dtype[0] == '\0' ? "" : ", ", dtype);
}

typedef rondo_status size_function(rondo_context *ctx, const rondo_loss_call *call, int64_t *size);

/* Calls a function that gives a size. 1: it accepts the targets; 0: it refuses them, with a text in `errors`; -1: a
 * fault, with the reason. */
static int ask_size(const struct loss_trial *one, const char *name, size_function *ask, const void *options,
                    int64_t *size, struct errors *errors) {
    const rondo_loss_call call = {.struct_size = sizeof call,
                                  .target_kind = one->target_kind,
                                  .options = options,
                                  .target_size = one->target_size,
                                  .output_weight = {-1},
                                  .output_bias = {-1}};
    const struct trial *trial = &one->trial;
    struct host_call host = kit_host_call(trial->kit, trial->kit->arena, errors, NULL, trial->descriptor->name);
    const rondo_status answer = ask(&host.base, &call, size);
    const rondo_status status = host_result(&host, answer);
    if (status == RONDO_INVALID && host.failed == RONDO_INVALID && answer == RONDO_INVALID) {
        return 0;
    }
    if (status != RONDO_OK) {
        trial_say(trial, VERDICT_FAIL,
                  "%s failed: %s (a loss refuses targets that it cannot use with RONDO_INVALID and a reason)", name,
                  errors_text(errors, 0));
        return -1;
    }
    if (trial->may_refuse && *size > MOST_OUTPUTS) {
        return 0;
    }
    if (*size < 1 || *size > 1 << 20) {
        trial_say(trial, VERDICT_FAIL, "%s is %lld, expected 1 or more, and far below a million", name,
                  (long long)*size);
        return -1;
    }
    return 1;
}

static int ask_sizes(struct loss_trial *one, struct errors *errors) {
    const struct trial *trial = &one->trial;
    const rondo_loss *loss = (const rondo_loss *)trial->descriptor;
    const void *options = trial_options(trial, NULL);
    if (options == NULL && loss->base.options != NULL) {
        trial_say(trial, VERDICT_FAIL, "cannot make the options: %s", errors_text(trial->kit->errors, 0));
        return -1;
    }
    one->output_size = 0;
    one->prediction_size = one->target_size;
    const int taken = ask_size(one, "output_size", loss->output_size, options, &one->output_size, errors);
    if (taken != 1 || loss->prediction_size == NULL) {
        return taken;
    }
    one->prediction_size = 0;
    return ask_size(one, "prediction_size", loss->prediction_size, options, &one->prediction_size, errors);
}

/* ---- visits ---- */

/* Records one batch. 1: accepted; 0: refused with RONDO_INVALID and the reason; -1: a fault, with the reason. */
static int try_draw(struct loss_trial *one, char *refusal, size_t refusal_size) {
    struct loss_fixture *fixture = loss_fixture_create(&one->trial, RONDO_F64, LOSS_ROWS, 0);
    if (fixture == NULL) {
        return -1;
    }
    const rondo_status status = loss_fixture_record(fixture, 0);
    int taken = status == RONDO_OK ? 1 : -1;
    if (status == RONDO_INVALID && fixture->subject.dishonest_function == NULL) {
        taken = 0;
        snprintf(refusal, refusal_size, "%s", errors_text(&fixture->subject.errors, 0));
    } else if (status != RONDO_OK) {
        subject_failed(&one->trial, &fixture->subject);
    }
    loss_fixture_close(fixture);
    return taken;
}

/* Finds a way to draw numbers that record accepts. Returns the same values as try_draw. */
static int find_draw(struct loss_trial *one, char *refusal, size_t refusal_size) {
    const int target_draws = one->target_kind == RONDO_TARGET_REAL ? TARGETS_DRAWS : 1;
    one->training = 0;
    describe(one, "");
    for (int outputs = 0; outputs < OUTPUTS_DRAWS; outputs++) {
        for (int targets = 0; targets < target_draws; targets++) {
            one->outputs = (enum draw_outputs)outputs;
            one->targets = (enum draw_targets)targets;
            const int taken = try_draw(one, refusal, refusal_size);
            if (taken != 0) {
                return taken;
            }
        }
    }
    return 0;
}

/* Tries one kind of targets, without sequences and with them. *taken becomes 1 if either is accepted. */
static enum verdict visit_kind(struct loss_trial *one, trial_visit *visit, int *taken) {
    char refusal[300] = "";
    int found = 0;
    for (int32_t sequences = one->target_kind == RONDO_TARGET_LIST; sequences < 2; sequences++) {
        one->has_sequences = sequences;
        const int own = find_draw(one, refusal, sizeof refusal);
        if (own < 0) {
            return VERDICT_FAIL;
        }
        found |= own;
        for (int32_t training = 0; own && training < 2; training++) {
            one->training = training;
            describe(one, "");
            const enum verdict verdict = visit(&one->trial);
            if (verdict != VERDICT_PASS) {
                return verdict;
            }
            one->trial.index++;
        }
    }
    *taken |= found;
    return found || one->trial.may_refuse
               ? VERDICT_PASS
               : trial_say(&one->trial, VERDICT_FAIL,
                           "output_size accepts such targets, but record refused all of them; the last time with: %s",
                           refusal);
}

enum verdict loss_each(struct trial *trial, trial_visit *visit) {
    struct errors errors = {0};
    struct loss_trial one = {.trial = *trial};
    int taken = 0;
    one.trial.index = 0;
    for (size_t i = 0; i < sizeof target_kinds / sizeof target_kinds[0]; i++) {
        one.target_kind = target_kinds[i].kind;
        one.target_size = target_kinds[i].target_size;
        one.has_sequences = one.training = 0;
        describe(&one, "");
        const int asked = ask_sizes(&one, &errors);
        const enum verdict verdict = asked < 0    ? VERDICT_FAIL
                                     : asked == 0 ? VERDICT_PASS
                                                  : visit_kind(&one, visit, &taken);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    if (!taken && !trial->may_refuse) {
        return trial_say(trial, VERDICT_FAIL, "output_size refuses classes, numbers and lists; the last time with: %s",
                         errors.count == 0 ? "" : errors_text(&errors, errors.count - 1));
    }
    return VERDICT_PASS;
}

/* ---- the adapter ---- */

/* The function that visit_dtypes calls, with its argument. */
struct loss_inner_visit {
    trial_visit *visit;
    void *arg;
};

static enum verdict visit_dtypes(struct trial *trial) {
    struct loss_trial one = *loss_trial_of(trial);
    const struct loss_inner_visit *inner = trial->arg;
    one.trial.arg = inner->arg;
    const int32_t last = trial->is_brief ? RONDO_F32 : RONDO_F64;
    for (one.dtype = RONDO_F32; one.dtype <= last; one.dtype++) {
        describe(&one, dtype_name(one.dtype));
        const enum verdict verdict = inner->visit(&one.trial);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    return VERDICT_PASS;
}

enum verdict loss_each_dtype(struct trial *trial, trial_visit *visit) {
    struct loss_inner_visit inner = {visit, trial->arg};
    trial->arg = &inner;
    const enum verdict verdict = loss_each(trial, visit_dtypes);
    trial->arg = inner.arg;
    return verdict;
}

/* Buffers of 16 rows, and of the 32 rows of a batch with sequences, end at the guard page; 9 rows leave a gap with
 * canaries. A loss that couples rows may compute all pairs of rows, so its large batch is smaller. */
static struct subject *create(const struct trial *trial, struct subject_settings settings) {
    const int couples = (((const rondo_loss *)trial->descriptor)->flags & RONDO_LOSS_COUPLES_ROWS) != 0;
    const int64_t rows = settings.size == SIZE_SMALL   ? 2
                         : settings.size == SIZE_LARGE ? (couples ? 64 : 2000)
                         : settings.instance % 2 == 1  ? 9
                                                       : LOSS_ROWS;
    struct loss_fixture *fixture = loss_fixture_create(trial, loss_trial_of(trial)->dtype, rows, settings.instance);
    return fixture == NULL ? NULL : &fixture->subject;
}

static struct loss_fixture *fixture_of(struct subject *subject) {
    return (struct loss_fixture *)subject; /* subject is the first member */
}

static rondo_status run(struct subject *subject, int64_t updates) {
    (void)updates;
    return loss_fixture_run(fixture_of(subject), 1);
}

static int result(const struct subject *subject, int32_t index, struct subject_tensor *result) {
    static const char *const inputs[] = {"gradient of the outputs", "gradient of the output layer's weight",
                                         "gradient of the output layer's bias"};
    const struct loss_fixture *fixture = (const struct loss_fixture *)subject;
    const rondo_tensor none = {0};
    struct subject_tensor results[8];
    int32_t n = 0;
    results[n++] = (struct subject_tensor){"losses", *fixture->losses};
    for (int32_t k = 0; k < fixture->n_inputs; k++) {
        results[n++] = (struct subject_tensor){
            fixture->n_inputs > 1 && k == 0 ? "gradient of the hidden states" : inputs[k], fixture->gradients[k]};
    }
    results[n++] = (struct subject_tensor){"predictions", fixture->predictions};
    results[n++] =
        (struct subject_tensor){"metrics", tensor_1d(RONDO_F64, loss_metrics(fixture->loss), (void *)fixture->sums)};
    if (fixture->loss->quantile != NULL && fixture->quantiles.data != NULL) {
        results[n++] = (struct subject_tensor){"quantiles", fixture->quantiles};
    }
    if (fixture->draws.data != NULL) {
        results[n++] = (struct subject_tensor){"draws", fixture->draws};
    }
    *result = index < n ? results[index] : (struct subject_tensor){NULL, none};
    return index < n;
}

static void close_fixture(struct subject *subject) {
    loss_fixture_close(fixture_of(subject));
}

static options_check *check_of(const rondo_descriptor *descriptor) {
    (void)descriptor;
    return NULL;
}

static const struct kind_omission omissions[] = {{"resume", "a loss keeps no state"}, {NULL, NULL}};

const struct subject_kind loss_subject_kind = {.run_name = "a batch",
                                               .refuses_in_calls = 1,
                                               .omissions = omissions,
                                               .check_of = check_of,
                                               .each = loss_each_dtype,
                                               .create = create,
                                               .run = run,
                                               .result = result,
                                               .close = close_fixture};
