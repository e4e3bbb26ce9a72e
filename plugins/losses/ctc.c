/* plugins/losses/ctc.c: connectionist temporal classification: a list of labels per sequence, which are not aligned
 * with its steps.
 *
 * Source: Graves, Fernandez, Gomez & Schmidhuber, "Connectionist temporal classification: labelling unsegmented
 * sequence data with recurrent neural networks", ICML 2006; section numbers are of that paper.
 *
 * At each step the model gives a probability to every label and to a blank, which is class 0: label k is output k + 1.
 * A path has one class per step. It represents the labels that remain after repeated classes are merged and blanks are
 * then removed. The loss is -ln of the probability of all paths that represent the target. The op `ctc_path` sums over
 * these paths.
 */
#include <math.h>
#include <string.h>

#include "rondo/plugin.h"

/* ---- the op: forward-backward over the paths of a target ----
 *
 *     y[s] = -ln sum over the paths p of sequence s of exp(sum_t x[t, p_t])
 *
 * x         (rows, classes) scores; if the rows are log-probabilities, y is the loss of the paper
 * sequence  (rows) i32: the sequence that a row belongs to; the steps of a sequence are its rows, in order
 * target    (sequences, longest) i32: the labels of a sequence; 0, the blank, is padding and is ignored
 *
 * Sums are stored as logarithms in f64 for every dtype. With a thousand steps, f32 would have no digits left for the
 * differences that the gradient is computed from. */

enum { BLANK = 0 };

struct ctc {
    int32_t zero_infinity;
};

static const rondo_option options[] = {
    RONDO_OPTION_BOOL(
        struct ctc, zero_infinity, "false",
        "give loss and gradient 0 to a target that needs more steps than its sequence has; otherwise this is an error"),
    RONDO_OPTION_END,
};

/* What forward leaves for backward. A target of n labels has 2 n + 1 states: blank, label, blank, ..., label, blank. */
struct paths {
    double *alpha;   /* (rows, states): ln of the sum over the paths that reach a state at a step; by sequence, step */
    double *log_sum; /* (sequences): ln of the sum over all paths */
    double *beta;    /* (sequences, 2, states), scratch: of two steps */
    int64_t *begin;  /* (sequences + 1): where in `alpha` and `row` a sequence starts */
    int64_t *row;    /* (rows): of x, by sequence, step */
    int32_t *labels; /* (sequences, longest), without the blanks */
    int32_t *count;  /* (sequences): labels */
    int64_t sequences, longest, states, classes;
};

static struct paths paths_of(const rondo_op_call *call) {
    const int64_t rows = call->inputs[0].shape[0];
    struct paths paths = {.sequences = call->inputs[2].shape[0],
                          .longest = call->inputs[2].shape[1],
                          .states = 2 * call->inputs[2].shape[1] + 1,
                          .classes = call->inputs[0].shape[1],
                          .beta = call->scratch};
    if (call->saved != NULL) {
        paths.alpha = call->saved;
        paths.log_sum = paths.alpha + rows * paths.states;
        paths.begin = (void *)(paths.log_sum + paths.sequences); /* 8 bytes per element, like the arrays before it */
        paths.row = paths.begin + paths.sequences + 1;
        paths.count = (void *)(paths.row + rows);
        paths.labels = paths.count + paths.sequences;
    }
    return paths;
}

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *sequence = &call->inputs[1], *target = &call->inputs[2];
    if ((x->dtype != RONDO_F32 && x->dtype != RONDO_F64) || sequence->dtype != RONDO_I32 ||
        target->dtype != RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INVALID, "expected an x of f32 or f64, and sequence and target of i32");
    }
    if (x->ndim != 2 || x->shape[1] < 1 || sequence->ndim != 1 || sequence->shape[0] != x->shape[0] ||
        target->ndim != 2) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "x has %d dimensions [%lld, %lld], sequence %d [%lld] and target %d, expected "
                               "[rows, classes], [rows] and [sequences, labels]",
                               (int)x->ndim, (long long)x->shape[0], (long long)x->shape[1], (int)sequence->ndim,
                               (long long)sequence->shape[0], (int)target->ndim);
    }
    const size_t rows = (size_t)x->shape[0], sequences = (size_t)target->shape[0], longest = (size_t)target->shape[1];
    const size_t states = 2 * longest + 1;
    call->output = (rondo_tensor){.dtype = x->dtype, .ndim = 1, .shape = {target->shape[0]}};
    call->saved_bytes = (rows * states + sequences) * sizeof(double) + (rows + sequences + 1) * sizeof(int64_t) +
                        (sequences + sequences * longest) * sizeof(int32_t);
    call->scratch_bytes = 2 * sequences * states * sizeof(double);
    return RONDO_OK;
}

/* Sorts the rows by sequence, keeping the order of the rows of each sequence. */
static rondo_status sort_rows(rondo_context *ctx, const rondo_op_call *call, const struct paths *paths) {
    const int64_t rows = call->inputs[0].shape[0];
    const int32_t *sequence = call->inputs[1].data;
    memset(paths->begin, 0, (size_t)(paths->sequences + 1) * sizeof *paths->begin);
    for (int64_t r = 0; r < rows; r++) {
        if (sequence[r] < 0 || sequence[r] >= paths->sequences) {
            return ctx->host->fail(ctx, RONDO_INVALID, "row %lld is of sequence %d, expected 0 to %lld", (long long)r,
                                   (int)sequence[r], (long long)paths->sequences - 1);
        }
        paths->begin[sequence[r] + 1]++;
    }
    for (int64_t s = 0; s < paths->sequences; s++) {
        paths->begin[s + 1] += paths->begin[s];
    }
    for (int64_t r = 0; r < rows; r++) {
        paths->row[paths->begin[sequence[r]]++] = r; /* moves begin[s] to its end, which is begin[s + 1] */
    }
    memmove(paths->begin + 1, paths->begin, (size_t)paths->sequences * sizeof *paths->begin);
    paths->begin[0] = 0;
    return RONDO_OK;
}

/* Copies the labels of sequence s. Two that are equal need a blank between them: labels + repeats steps in all. */
static rondo_status read_target(rondo_context *ctx, const rondo_op_call *call, const struct paths *paths, int64_t s) {
    const int32_t *target = (const int32_t *)call->inputs[2].data + s * paths->longest;
    int32_t *labels = paths->labels + s * paths->longest, count = 0;
    int64_t repeats = 0;
    for (int64_t i = 0; i < paths->longest; i++) {
        if (target[i] < 0 || target[i] >= paths->classes) {
            return ctx->host->fail(ctx, RONDO_INVALID, "label %lld of sequence %lld is class %d, expected 0 to %lld",
                                   (long long)i, (long long)s, (int)target[i], (long long)paths->classes - 1);
        }
        if (target[i] != BLANK) {
            repeats += count > 0 && labels[count - 1] == target[i];
            labels[count++] = target[i];
        }
    }
    paths->count[s] = count;
    const int64_t steps = paths->begin[s + 1] - paths->begin[s];
    if (count + repeats > steps && !((const struct ctc *)call->options)->zero_infinity) {
        return ctx->host->fail(
            ctx, RONDO_INVALID,
            "sequence %lld of the batch has %lld steps, and a target that needs %lld: %d labels, and "
            "a blank between each pair of equal ones (zero_infinity=true ignores such sequences)",
            (long long)s, (long long)steps, (long long)count + repeats, (int)count);
    }
    return RONDO_OK;
}

static int32_t class_of(const int32_t *labels, int64_t state) {
    return state % 2 == 1 ? labels[state / 2] : BLANK;
}

/* 1 if a path may skip the blank before `state`: between two labels that differ. */
static int may_skip_to(const int32_t *labels, int64_t state) {
    return state % 2 == 1 && state >= 3 && labels[state / 2] != labels[state / 2 - 1];
}

/* ln(e^a + e^b + e^c); not-a-number if one of them is. */
static double log_add(double a, double b, double c) {
    const double larger = a > b ? a : b;
    const double most = larger > c ? larger : c;
    return most == -INFINITY ? a + b + c : most + log(exp(a - most) + exp(b - most) + exp(c - most));
}

/* Section 4.1, with u a state and l_u its class:
 *     alpha_0(0) = x[0, blank],  alpha_0(1) = x[0, l_1]
 *     alpha_t(u) = x[t, l_u] + ln(sum of e^alpha_{t-1} over u, u - 1, and u - 2 if a step may go from there)
 *     ln sum     = ln(e^alpha_T(last) + e^alpha_T(last - 1)) */
static double run_forward(const rondo_tensor *x, const struct paths *paths, int64_t s) {
    const int32_t *labels = paths->labels + s * paths->longest;
    const int64_t states = 2 * (int64_t)paths->count[s] + 1;
    const int64_t begin = paths->begin[s], end = paths->begin[s + 1];
    if (begin == end) {
        return states == 1 ? 0 : -INFINITY; /* the empty path */
    }
    for (int64_t at = begin; at < end; at++) {
        double *now = paths->alpha + at * paths->states;
        const double *before = now - paths->states; /* read only after the first step */
        for (int64_t u = 0; u < states; u++) {
            const double stay = at > begin ? before[u] : u < 2 ? 0 : -INFINITY;
            const double next = at > begin && u > 0 ? before[u - 1] : -INFINITY;
            const double skip = at > begin && may_skip_to(labels, u) ? before[u - 2] : -INFINITY;
            now[u] = rondo_get(x, paths->row[at] * paths->classes + class_of(labels, u)) + log_add(stay, next, skip);
        }
    }
    const double *last = paths->alpha + (end - 1) * paths->states;
    return log_add(last[states - 1], states > 1 ? last[states - 2] : -INFINITY, -INFINITY);
}

static void forward_range(void *arg, int64_t first, int64_t last) {
    const rondo_op_call *call = arg;
    const struct paths paths = paths_of(call);
    for (int64_t s = first; s < last; s++) {
        paths.log_sum[s] = run_forward(&call->inputs[0], &paths, s);
        const int is_zero = paths.log_sum[s] == -INFINITY && ((const struct ctc *)call->options)->zero_infinity;
        rondo_set(&call->output, s, is_zero ? 0 : -paths.log_sum[s]);
    }
}

/* Sequences enough for some thousand logarithms. */
static int64_t grain_of(const rondo_op_call *call, const struct paths *paths) {
    const int64_t rows = call->inputs[0].shape[0];
    return 1 + 4096 / (1 + rows * paths->states / (paths->sequences + 1));
}

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const struct paths paths = paths_of(call);
    rondo_status status = sort_rows(ctx, call, &paths);
    for (int64_t s = 0; status == RONDO_OK && s < paths.sequences; s++) {
        status = read_target(ctx, call, &paths, s);
    }
    if (status == RONDO_OK) {
        ctx->host->parallel_for(ctx, paths.sequences, grain_of(call, &paths), forward_range, call);
    }
    return status;
}

/* Sections 4.1 and 4.2, from the last step to the first. beta_t(u) is ln of the sum over all ways to continue from
 * state u at step t; beta_T is 0 at the last two states:
 *     beta_t(u)    = ln(sum over v of e^(x[t + 1, l_v] + beta_{t+1}(v)))
 *                    over v = u, u + 1, and u + 2 if a step may go there
 *     dy/dx[t, k]  = -sum over the states u of class k of e^(alpha_t(u) + beta_t(u) - ln sum)
 * The two rows of beta hold x[t, l_u] + beta_t(u), which is what the step before needs. */
static void run_backward(const rondo_tensor *x, const rondo_tensor *gx, const struct paths *paths, int64_t s,
                         double g) {
    const int32_t *labels = paths->labels + s * paths->longest;
    const int64_t states = 2 * (int64_t)paths->count[s] + 1;
    const int64_t begin = paths->begin[s], end = paths->begin[s + 1];
    double *now = paths->beta + 2 * s * paths->states, *after = now + paths->states;
    for (int64_t at = end - 1; at >= begin; at--) {
        const double *alpha = paths->alpha + at * paths->states;
        for (int64_t u = 0; u < states; u++) {
            const int is_last = at == end - 1;
            const double stay = !is_last ? after[u] : u >= states - 2 ? 0 : -INFINITY;
            const double next = !is_last && u + 1 < states ? after[u + 1] : -INFINITY;
            const double skip = !is_last && u + 2 < states && may_skip_to(labels, u + 2) ? after[u + 2] : -INFINITY;
            const double beta = log_add(stay, next, skip);
            const int64_t place = paths->row[at] * paths->classes + class_of(labels, u);
            now[u] = rondo_get(x, place) + beta;
            rondo_set(gx, place, rondo_get(gx, place) - g * exp(alpha[u] + beta - paths->log_sum[s]));
        }
        double *free_row = after;
        after = now;
        now = free_row;
    }
}

static void backward_range(void *arg, int64_t first, int64_t last) {
    const rondo_op_call *call = arg;
    const struct paths paths = paths_of(call);
    for (int64_t s = first; s < last; s++) {
        if (paths.log_sum[s] != -INFINITY) { /* no path: no gradient */
            run_backward(&call->inputs[0], &call->grad_inputs[0], &paths, s, rondo_get(call->grad_output, s));
        }
    }
}

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    const struct paths paths = paths_of(call);
    if (call->grad_inputs[0].data != NULL) {
        ctx->host->parallel_for(ctx, paths.sequences, grain_of(call, &paths), backward_range, call);
    }
    return RONDO_OK;
}

/* Rows may belong to any sequences, and labels may be any, so both are drawn at random. */
static int32_t sample(int32_t index, rondo_sample *sample) {
    static const struct {
        int64_t rows, classes, sequences, longest;
        double label_begin, label_end;
        const char *options;
    } cases[] = {
        {5, 4, 1, 2, 1, 4, NULL},                  /* one sequence */
        {4, 3, 1, 0, 0, 0, NULL},                  /* no label */
        {7, 3, 1, 3, 1, 2, NULL},                  /* the same label three times */
        {12, 4, 3, 2, 0, 4, "zero_infinity=true"}, /* several lengths */
        {40, 6, 4, 5, 0, 6, "zero_infinity=true"}, /* some sequences have more states than steps */
        {3, 2, 1, 3, 1, 2, "zero_infinity=true"},  /* impossible */
        {0, 3, 2, 2, 0, 1, NULL},                  /* no step, no label */
        {0, 2, 0, 0, 0, 0, NULL},
        {3, 1, 2, 1, 0, 1, NULL}, /* empty targets; no class except the blank */
    };
    if (index < 0 || index >= (int32_t)(sizeof cases / sizeof cases[0])) {
        return 0;
    }
    *sample = (rondo_sample){.n_inputs = 3, .low = {-2, 0, 0}, .high = {2, 0, 0}, .options = cases[index].options};
    sample->inputs[0] =
        (rondo_tensor){.dtype = RONDO_F64, .ndim = 2, .shape = {cases[index].rows, cases[index].classes}};
    sample->inputs[1] = (rondo_tensor){.dtype = RONDO_I32, .ndim = 1, .shape = {cases[index].rows}};
    sample->inputs[2] =
        (rondo_tensor){.dtype = RONDO_I32, .ndim = 2, .shape = {cases[index].sequences, cases[index].longest}};
    sample->high[1] = (double)cases[index].sequences;
    sample->low[2] = cases[index].label_begin;
    sample->high[2] = cases[index].label_end;
    return 1;
}

static const rondo_op ctc_path = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "ctc_path",
             .summary = "y = -ln sum over the paths of a target of e^(sum of x along it) (Graves et al. 2006)",
             .options = options,
             .options_size = sizeof(struct ctc)},
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "x, sequence, target",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .sample = sample,
};

/* ---- the loss ---- */

static const rondo_metric metrics[] = {{"label_error_rate", RONDO_METRIC_MEAN, 0}, {0}};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_LIST) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are %s, expected a list of classes for each sequence",
                               call->target_kind == RONDO_TARGET_REAL ? "numbers" : "one class per row");
    }
    if (call->target_size < 1) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have no class, expected 1 or more");
    }
    *size = call->target_size + 1;
    return RONDO_OK;
}

static rondo_status prediction_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    return output_size(ctx, call, size);
}

/* Checks that there is an output for each step and a list for each sequence, and that labels are in [0,
 * target_size). */
static rondo_status check_targets(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *targets) {
    if (call->sequences == NULL || call->sequences->target_begin == NULL) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "the model gives an output for each sequence, expected one for each "
                               "step of it");
    }
    const int32_t *labels = targets->data;
    for (int64_t s = 0; s < call->sequences->count; s++) {
        const int64_t begin = call->sequences->target_begin[s];
        for (int64_t i = begin; i < call->sequences->target_begin[s + 1]; i++) {
            if (labels[i] < 0 || labels[i] >= call->target_size) {
                return ctx->host->fail(
                    ctx, RONDO_INVALID, "target %lld of sequence %lld is class %d, expected 0 to %lld",
                    (long long)(i - begin), (long long)s, (int)labels[i], (long long)call->target_size - 1);
            }
        }
    }
    return RONDO_OK;
}

/* Puts `count` integers of the given shape on the tape, after `fill` has written them. */
static rondo_value
constant(rondo_context *ctx, rondo_tensor shape, const rondo_loss_call *call, const rondo_tensor *targets,
         void (*fill)(const rondo_loss_call *call, const rondo_tensor *targets, const rondo_tensor *into)) {
    shape.data = ctx->host->alloc(ctx, (size_t)rondo_count(&shape) * sizeof(int32_t) + 1);
    if (shape.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    fill(call, targets, &shape);
    return ctx->host->constant(ctx, &shape);
}

/* Whose step each row is, see rondo_sequences. */
static void fill_sequences(const rondo_loss_call *call, const rondo_tensor *targets, const rondo_tensor *into) {
    (void)targets;
    const int64_t *begin = call->sequences->begin;
    for (int64_t t = 0; t < call->sequences->steps; t++) {
        for (int64_t r = begin[t]; r < begin[t + 1]; r++) {
            ((int32_t *)into->data)[r] = (int32_t)(r - begin[t]);
        }
    }
}

/* The labels of each sequence, filled up with blanks. */
static void fill_labels(const rondo_loss_call *call, const rondo_tensor *targets, const rondo_tensor *into) {
    const int64_t *begin = call->sequences->target_begin;
    const int32_t *classes = targets->data;
    int32_t *labels = into->data; /* (sequences, longest) */
    for (int64_t s = 0; s < into->shape[0]; s++) {
        for (int64_t i = 0; i < into->shape[1]; i++) {
            const int64_t at = begin[s] + i;
            labels[s * into->shape[1] + i] = at < begin[s + 1] ? classes[at] + 1 : BLANK;
        }
    }
}

/* loss[s] = -ln p(target | x) = ctc_path(ln softmax(x)) */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);     /* (rows, classes + 1) */
    const rondo_tensor *lists = ctx->host->tensor(ctx, targets); /* (labels of all sequences) */
    if (x == NULL || lists == NULL || check_targets(ctx, call, lists) != RONDO_OK) {
        return (rondo_value){-1};
    }
    int64_t longest = 0;
    for (int64_t s = 0; s < call->sequences->count; s++) {
        const int64_t length = call->sequences->target_begin[s + 1] - call->sequences->target_begin[s];
        longest = length > longest ? length : longest;
    }
    const rondo_tensor rows = {.dtype = RONDO_I32, .ndim = 1, .shape = {x->shape[0]}};
    const rondo_tensor labels = {.dtype = RONDO_I32, .ndim = 2, .shape = {call->sequences->count, longest}};
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs); /* (rows, classes + 1) */
    const rondo_value sequence = constant(ctx, rows, call, lists, fill_sequences);  /* (rows) */
    const rondo_value padded = constant(ctx, labels, call, lists, fill_labels);     /* (sequences, longest) */
    const int is_zero = ((const struct ctc *)call->options)->zero_infinity;
    return rondo_apply3(ctx, "ctc_path", is_zero ? "zero_infinity=true" : NULL, log_p, sequence,
                        padded); /* (sequences) */
}

/* The softmax of a row: probabilities of the blank and of every label. */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    (void)call;
    const int64_t classes = outputs->shape[1];
    for (int64_t at = 0; at < rondo_count(outputs); at += classes) {
        double highest = rondo_get(outputs, at), sum = 0;
        for (int64_t k = 1; k < classes; k++) {
            highest = fmax(highest, rondo_get(outputs, at + k));
        }
        for (int64_t k = 0; k < classes; k++) {
            sum += exp(rondo_get(outputs, at + k) - highest);
        }
        for (int64_t k = 0; k < classes; k++) {
            rondo_set(predictions, at + k, exp(rondo_get(outputs, at + k) - highest) / sum);
        }
    }
    return RONDO_OK;
}

/* Section 3.2, best path decoding: the most probable class of each step, repeats merged, then blanks dropped. Returns
 * the number of labels. */
static int64_t decode(const rondo_sequences *sequences, const rondo_tensor *p, int64_t s, int32_t *labels) {
    const int64_t classes = p->shape[1];
    int64_t count = 0, before = BLANK;
    for (int64_t t = 0; t < sequences->lengths[s]; t++) {
        const int64_t at = (sequences->begin[t] + s) * classes;
        const int64_t best = rondo_argmax(p, at, classes);
        if (best != BLANK && best != before) {
            labels[count++] = (int32_t)best - 1;
        }
        before = best;
    }
    return count;
}

/* Levenshtein's distance: insertions, deletions and substitutions that make one list the other. distance[j] is the
 * distance between the labels of `a` so far and the first j labels of `b`; it has room for n_b + 1 numbers. */
static int64_t edit_distance(const int32_t *a, int64_t n_a, const int32_t *b, int64_t n_b, int64_t *distance) {
    for (int64_t j = 0; j <= n_b; j++) {
        distance[j] = j;
    }
    for (int64_t i = 0; i < n_a; i++) {
        int64_t diagonal = distance[0]++;
        for (int64_t j = 0; j < n_b; j++) {
            const int64_t substituted = diagonal + (a[i] != b[j]);
            const int64_t shorter = distance[j] < distance[j + 1] ? distance[j] : distance[j + 1];
            diagonal = distance[j + 1];
            distance[j + 1] = substituted < shorter + 1 ? substituted : shorter + 1;
        }
    }
    return distance[n_b];
}

/* Section 2.1: the edit distance of the decoded labels to the target, divided by the length of the target (by 1 if it
 * is empty).
 */
static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    const rondo_status status = check_targets(ctx, call, targets);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_sequences *sequences = call->sequences;
    int32_t *labels = ctx->host->alloc(ctx, (size_t)sequences->steps * sizeof *labels);
    int64_t *distance = ctx->host->alloc(ctx, (size_t)(targets->shape[0] + 1) * sizeof *distance);
    if (labels == NULL || distance == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t s = 0; s < sequences->count; s++) {
        const int64_t begin = sequences->target_begin[s], length = sequences->target_begin[s + 1] - begin;
        const int64_t found = decode(sequences, predictions, s, labels);
        const int64_t errors = edit_distance(labels, found, (const int32_t *)targets->data + begin, length, distance);
        sums[0] += (double)errors / (double)(length > 0 ? length : 1);
    }
    return RONDO_OK;
}

static const rondo_loss ctc = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "ctc",
             .summary = "-ln p(list of labels), over all alignments with the steps (Graves et al. 2006)",
             .options = options,
             .options_size = sizeof(struct ctc)},
    .metrics = metrics,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .measure = measure,
    .prediction_size = prediction_size,
};

RONDO_PLUGIN("ctc", "1.0", "MIT", &ctc.base, &ctc_path.base);
