/* plugins/losses/softmax_cross_entropy.c: one class out of several. The loss sampled_softmax, in the same file, is for
 * very many classes: in training it computes only some of their outputs. Its predictions and metrics are the same.
 *
 * Sources: Bridle 1990 (softmax with cross-entropy); label smoothing: Szegedy et al., "Rethinking the Inception
 * architecture for computer vision", CVPR 2016, section 7; weights of classes: King & Zeng, "Logistic regression in
 * rare events data", Political Analysis 9, 2001, section 4; focal loss: Lin et al., "Focal loss for dense object
 * detection", ICCV 2017, equation 4; sampled softmax: Bengio & Senecal, "Adaptive importance sampling to accelerate
 * training of a neural probabilistic language model", IEEE Transactions on Neural Networks 19(4), 2008; Jean, Cho,
 * Memisevic & Bengio, "On using very large target vocabulary for neural machine translation", ACL 2015, section 3.2.
 *
 * sampled_softmax.so is a link to softmax_cross_entropy.so, so that each is found by its name.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "rondo/plugin.h"

/* Perplexity is computed from the probability of the true class, without label smoothing. */
enum { ACCURACY, PERPLEXITY };
static const rondo_metric metrics[] = {{"accuracy", RONDO_METRIC_MEAN, 1}, {"perplexity", RONDO_METRIC_EXP, 0}, {0}};

/* The number of copies, multiplications or exponentials per range that justifies starting a thread. */
enum { GRAIN = 16384 };

/* Targets are one class of two or more. */
static rondo_status check_kind(rondo_context *ctx, const rondo_loss_call *call) {
    if (call->target_kind != RONDO_TARGET_CLASS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are %s, expected classes",
                               call->target_kind == RONDO_TARGET_LIST ? "lists of classes" : "numbers");
    }
    if (call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets have %lld class, expected 2 or more",
                               (long long)call->target_size);
    }
    return RONDO_OK;
}

/* ---- softmax_cross_entropy ----
 *
 * The host takes the mean over the rows: weights w_c only scale the loss of a row. PyTorch's cross_entropy with
 * reduction 'mean' divides by the sum of the rows' weights instead; with 'none' it gives the same losses as this
 * file. */

struct softmax_cross_entropy {
    double label_smoothing, focus;
    rondo_reals class_weights;
};

static const rondo_option full_options[] = {
    RONDO_OPTION_REAL(struct softmax_cross_entropy, label_smoothing, "0", 0, 0.999,
                      "share of the target probability that is distributed evenly over all classes"),
    RONDO_OPTION_CLASS_REALS(
        struct softmax_cross_entropy, class_weights, "[]", 0, 1e6,
        "factors on the loss of each class: {label: factor}, balanced, or a list in the order of the "
        "labels; empty: 1 for all"),
    RONDO_OPTION_REAL(
        struct softmax_cross_entropy, focus, "0", 0, 100,
        "exponent g of the focal factor (1 - p)^g, which reduces the weight of rows that are already predicted well"),
    RONDO_OPTION_END,
};

static rondo_status full_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    const rondo_status status = check_kind(ctx, call);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_reals *weights = &((const struct softmax_cross_entropy *)call->options)->class_weights;
    if (weights->count != 0 && weights->count != call->target_size) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'class_weights' has %lld numbers, expected one for each of %lld classes",
                               (long long)weights->count, (long long)call->target_size);
    }
    double sum = 0;
    for (int64_t k = 0; k < weights->count; k++) {
        sum += weights->values[k];
    }
    if (weights->count > 0 && sum == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'class_weights' are all 0, expected one above 0");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* Weights of the classes, (classes), of the given dtype. */
static rondo_value weights_of(rondo_context *ctx, int32_t dtype, const rondo_reals *weights) {
    rondo_tensor tensor = {.dtype = dtype, .ndim = 1, .shape = {weights->count}};
    tensor.data = ctx->host->alloc(ctx, (size_t)weights->count * sizeof(double));
    if (tensor.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t k = 0; k < weights->count; k++) {
        rondo_set(&tensor, k, weights->values[k]);
    }
    return ctx->host->constant(ctx, &tensor);
}

/* -(1 - p)^g log p, element by element, by (1 - p)^g = exp(g log(1 - p)). 1 - p = -expm1(log p) keeps its digits where
 * p is near 1. At p = 1 a floor replaces the logarithm of 0; the gradient is 0 there, as in the limit. */
static rondo_value surprise_of(rondo_context *ctx, int32_t dtype, double focus, rondo_value log_p) {
    const rondo_value surprise = rondo_apply1(ctx, "neg", NULL, log_p);
    if (focus == 0) {
        return surprise;
    }
    const rondo_value others = rondo_apply1(ctx, "neg", NULL, rondo_apply1(ctx, "expm1", NULL, log_p));
    const rondo_value log_others =
        rondo_apply1(ctx, "log", NULL, rondo_apply1(ctx, "clamp", "low=1e-30 high=1", others));
    const rondo_value power = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, focus), log_others);
    return rondo_apply2(ctx, "mul", NULL, rondo_apply1(ctx, "exp", NULL, power), surprise);
}

/* With x the outputs of a row, c its class, p = softmax(x), e the smoothing, w the weights and g the focus:
 *     s_k = -(1 - p_k)^g log p_k,    loss = (1 - e) w_c s_c + e mean_k w_k s_k */
static rondo_value record_full(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                               rondo_value targets) {
    const struct softmax_cross_entropy *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, classes) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const int32_t dtype = x->dtype;
    const int has_weights = self->class_weights.count > 0;
    const rondo_value weights = has_weights ? weights_of(ctx, dtype, &self->class_weights) : (rondo_value){-1};
    const double e = self->label_smoothing;
    if (e == 0) {
        const rondo_value of_class = rondo_apply2(ctx, "log_softmax_pick", NULL, outputs, targets); /* (rows) */
        const rondo_value surprise = surprise_of(ctx, dtype, self->focus, of_class);                /* (rows) */
        return has_weights ? rondo_apply2(ctx, "mul", NULL, surprise,
                                          rondo_apply2(ctx, "gather", NULL, weights, targets)) /* (rows) */
                           : surprise;
    }
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs);                /* (rows, classes) */
    const rondo_value plain = surprise_of(ctx, dtype, self->focus, log_p);                         /* (rows, classes) */
    const rondo_value each = has_weights ? rondo_apply2(ctx, "mul", NULL, plain, weights) : plain; /* (rows, classes) */
    const rondo_value of_class = rondo_apply2(ctx, "pick", NULL, each, targets);                   /* (rows) */
    const rondo_value spread = rondo_apply1(ctx, "mean", "axis=-1", each);                         /* (rows) */
    const rondo_value sharp_part = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, 1 - e), of_class);
    const rondo_value smooth_part = rondo_apply2(ctx, "mul", NULL, rondo_number(ctx, dtype, e), spread);
    return rondo_apply2(ctx, "add", NULL, sharp_part, smooth_part); /* (rows) */
}

/* ---- the op of sampled_softmax: columns by index ----
 *
 *     y[i, j] = x[i, index[j]],   dL/dx[i, c] = sum over j with index[j] = c of dL/dy[i, j]
 *
 * (rows, columns) and (n) -> (rows, n). Gathering rows of the transpose would copy all of x, forward and backward. */

static rondo_status columns_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *index = &call->inputs[1];
    if (x->ndim != 2 || index->ndim != 1 || index->dtype != RONDO_I32 ||
        (x->dtype != RONDO_F32 && x->dtype != RONDO_F64)) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "x has %d dimensions and index %d, expected 2 of f32 or f64 and 1 of i32", (int)x->ndim,
                               (int)index->ndim);
    }
    call->output = (rondo_tensor){.dtype = x->dtype, .ndim = 2, .shape = {x->shape[0], index->shape[0]}};
    return RONDO_OK;
}

/* Rows begin .. end of y, and of the gradient of x. One thread handles a whole row, so additions are made in the order
 * of the index.
 */
#define COLUMNS_OF(T, suffix)                                                                                          \
    static void columns_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {                              \
        const int64_t columns = call->inputs[0].shape[1], n = call->inputs[1].shape[0];                                \
        const int32_t *index = call->inputs[1].data;                                                                   \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T *x = (const T *)call->inputs[0].data + i * columns;                                                \
            T *y = (T *)call->output.data + i * n;                                                                     \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                y[j] = x[index[j]];                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void columns_grad_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {                         \
        const int64_t columns = call->inputs[0].shape[1], n = call->inputs[1].shape[0];                                \
        const int32_t *index = call->inputs[1].data;                                                                   \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T *g = (const T *)call->grad_output->data + i * n;                                                   \
            T *gx = (T *)call->grad_inputs[0].data + i * columns;                                                      \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                gx[index[j]] += g[j];                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }

COLUMNS_OF(float, f32)
COLUMNS_OF(double, f64)

static void columns_range(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    (call->output.dtype == RONDO_F32 ? columns_f32 : columns_f64)(call, begin, end);
}

static void columns_grad_range(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    (call->output.dtype == RONDO_F32 ? columns_grad_f32 : columns_grad_f64)(call, begin, end);
}

static rondo_status columns_forward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t columns = call->inputs[0].shape[1], n = call->inputs[1].shape[0];
    const int32_t *index = call->inputs[1].data;
    for (int64_t j = 0; j < n; j++) {
        if (index[j] < 0 || index[j] >= columns) {
            return ctx->host->fail(ctx, RONDO_INVALID, "index %lld is %d, expected 0 to %lld: x has %lld columns",
                                   (long long)j, (int)index[j], (long long)columns - 1, (long long)columns);
        }
    }
    ctx->host->parallel_for(ctx, call->inputs[0].shape[0], GRAIN / (n + 1) + 1, columns_range, call);
    return RONDO_OK;
}

static rondo_status columns_backward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t grain = GRAIN / (call->inputs[1].shape[0] + 1) + 1;
    if (call->grad_inputs[0].data != NULL) {
        ctx->host->parallel_for(ctx, call->inputs[0].shape[0], grain, columns_grad_range, call);
    }
    return RONDO_OK;
}

static int32_t columns_sample(int32_t index, rondo_sample *sample) {
    static const int64_t cases[][3] = {/* rows, columns, indices */
                                       {3, 5, 4},
                                       {2, 3, 9},
                                       {1, 1, 1},
                                       {4, 2, 0},
                                       {0, 3, 2}};
    if (index < 0 || index >= (int32_t)(sizeof cases / sizeof cases[0])) {
        return 0;
    }
    *sample = (rondo_sample){.n_inputs = 2, .low = {-2, 0}, .high = {2, (double)cases[index][1]}};
    sample->inputs[0] = (rondo_tensor){.dtype = RONDO_F64, .ndim = 2, .shape = {cases[index][0], cases[index][1]}};
    sample->inputs[1] = (rondo_tensor){.dtype = RONDO_I32, .ndim = 1, .shape = {cases[index][2]}};
    return 1;
}

static const rondo_op gather_columns = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "gather_columns",
             .summary = "y[i, j] = x[i, index[j]]: the columns of x that the index selects"},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "x, index",
    .infer = columns_infer,
    .forward = columns_forward,
    .backward = columns_backward,
    .sample = columns_sample,
};

/* ---- sampled_softmax ----
 *
 * In training, `record` gets the input h (rows, width) of the output layer W (width, classes), b (classes). It draws m
 * classes c_1 ... c_m from q, with repetition, the same for all rows of a call. With o_k = h W_k + b_k and y the class
 * of the row,
 *     loss = ln(e^o_y + sum_j [c_j != y] e^o_{c_j} / (m q(c_j))) - o_y
 * m q(k) is the expected number of times that class k is drawn, so the expectation of the sum over j is the sum of
 * e^o_k over all k except y. As m grows, the loss approaches that of the full softmax. Evaluation uses the full
 * softmax. */

struct sampled_softmax {
    int64_t samples;
    int32_t distribution;
};

/* log_uniform is Zipf's law for classes that are numbered from the most frequent on:
 *     q(k) = ln((k + 2) / (k + 1)) / ln(classes + 1) */
enum { LOG_UNIFORM, UNIFORM };
static const char *const distributions[] = {"log_uniform", "uniform", NULL};
static const rondo_option sampled_options[] = {
    RONDO_OPTION_INT(struct sampled_softmax, samples, "1024", 1, 65536,
                     "number of classes drawn for a batch, in addition to the classes of its rows"),
    RONDO_OPTION_CHOICE(struct sampled_softmax, distribution, "log_uniform", distributions,
                        "how classes are drawn: low class numbers more often, or all with equal probability"),
    RONDO_OPTION_END,
};

static rondo_status sampled_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    const rondo_status status = check_kind(ctx, call);
    if (status == RONDO_OK) {
        *size = call->target_size;
    }
    return status;
}

/* A class from a number u in [0, 1), by the inverse of the distribution function; log_uniform:
 *     P(k <= c) = ln(c + 2) / ln(classes + 1),  so  c = floor((classes + 1)^u) - 1 */
static int32_t class_at(int32_t distribution, double u, int64_t classes) {
    const double n = (double)classes;
    const double place = floor(distribution == UNIFORM ? u * n : exp(u * log(n + 1)) - 1);
    return (int32_t)(place < n ? place : n - 1); /* rounding can reach n */
}

static double log_probability(int32_t distribution, int32_t class, int64_t classes) {
    const double n = (double)classes;
    return distribution == UNIFORM ? -log(n) : log(log1p(1 / ((double)class + 1)) / log(n + 1));
}

/* Draws `samples` classes: number j from words 2 j and 2 j + 1, which give 53 bits. NULL after an error. */
static int32_t *draw(rondo_context *ctx, const struct sampled_softmax *self, int64_t classes) {
    uint32_t *words = ctx->host->alloc(ctx, (size_t)self->samples * 2 * sizeof *words);
    int32_t *drawn = ctx->host->alloc(ctx, (size_t)self->samples * sizeof *drawn);
    if (words == NULL || drawn == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return NULL;
    }
    ctx->host->random(ctx, 0, 2 * self->samples, words);
    for (int64_t j = 0; j < self->samples; j++) {
        const uint64_t bits = ((uint64_t)words[2 * j + 1] << 32 | words[2 * j]) >> 11;
        drawn[j] = class_at(self->distribution, (double)bits / 9007199254740992.0, classes); /* 2^53 */
    }
    return drawn;
}

/* What is added to the logits of the drawn classes, (rows, samples): -ln(m q(c_j)), or a large negative number if c_j
 * is the class of the row, which has its own term in the sum. */
static rondo_value corrections(rondo_context *ctx, const struct sampled_softmax *self, int64_t classes, int32_t dtype,
                               const int32_t *drawn, const rondo_tensor *targets) {
    const double excluded = -1e30;
    const int64_t rows = targets->shape[0], samples = self->samples;
    const int32_t *class_of = targets->data;
    rondo_tensor table = {.dtype = dtype, .ndim = 2, .shape = {rows, samples}};
    const size_t size = dtype == RONDO_F32 ? sizeof(float) : sizeof(double);
    table.data = ctx->host->alloc(ctx, (size_t)(rows * samples) * size + 1);
    double *expected = ctx->host->alloc(ctx, (size_t)samples * sizeof *expected);
    if (table.data == NULL || expected == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t j = 0; j < samples; j++) {
        expected[j] = log((double)samples) + log_probability(self->distribution, drawn[j], classes);
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t j = 0; j < samples; j++) {
            rondo_set(&table, row * samples + j, drawn[j] == class_of[row] ? excluded : -expected[j]);
        }
    }
    return ctx->host->constant(ctx, &table);
}

/* o_y = sum_i h_i W[i, y] + b_y, (rows, 1) */
static rondo_value logits_of_targets(rondo_context *ctx, const rondo_loss_call *call, rondo_value h,
                                     rondo_value targets) {
    const rondo_value columns = rondo_apply2(ctx, "gather_columns", NULL, call->output_weight, targets);
    const rondo_value weights = rondo_apply1(ctx, "transpose", NULL, columns); /* (rows, width) */
    const rondo_value product = rondo_apply2(ctx, "mul", NULL, h, weights);
    const rondo_value sum = rondo_apply1(ctx, "sum", "axis=-1", product); /* (rows) */
    const rondo_value bias = rondo_apply2(ctx, "gather", NULL, call->output_bias, targets);
    return rondo_apply1(ctx, "expand_dims", NULL, rondo_apply2(ctx, "add", NULL, sum, bias));
}

/* loss = -ln softmax([o_y, o_{c_1} + correction_1, ...])[0] */
static rondo_value record_drawn(rondo_context *ctx, const rondo_loss_call *call, rondo_value h, rondo_value targets,
                                int32_t dtype, const rondo_tensor *classes) {
    const struct sampled_softmax *self = call->options;
    int32_t *drawn = draw(ctx, self, call->target_size);
    if (drawn == NULL) {
        return (rondo_value){-1};
    }
    const rondo_tensor list = {.data = drawn, .dtype = RONDO_I32, .ndim = 1, .shape = {self->samples}};
    const rondo_value index = ctx->host->constant(ctx, &list);
    const rondo_value weight = rondo_apply2(ctx, "gather_columns", NULL, call->output_weight, index);
    const rondo_value bias = rondo_apply2(ctx, "gather", NULL, call->output_bias, index); /* (samples) */
    const rondo_value logits = rondo_apply2(ctx, "add", NULL, rondo_apply2(ctx, "matmul", NULL, h, weight), bias);
    const rondo_value corrected =
        rondo_apply2(ctx, "add", NULL, logits, corrections(ctx, self, call->target_size, dtype, drawn, classes));
    const rondo_value all = rondo_apply2(ctx, "concat", "axis=-1", logits_of_targets(ctx, call, h, targets), corrected);
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", all); /* (rows, 1 + samples) */
    const rondo_value first = rondo_apply1(ctx, "slice", "end=1", log_p);       /* (rows, 1) */
    return rondo_apply1(ctx, "neg", NULL, rondo_apply1(ctx, "sum", "axis=-1", first));
}

/* `outputs` is h in training, else the outputs. */
static rondo_value record_sampled(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                  rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, width), or (rows, classes) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    if (call->training) {
        return record_drawn(ctx, call, outputs, targets, x->dtype, classes);
    }
    return rondo_apply1(ctx, "neg", NULL, rondo_apply2(ctx, "log_softmax_pick", NULL, outputs, targets));
}

/* ---- predictions and metrics ---- */

/* exp(x) for x <= 0, with a relative error of 1e-7, and 0 where it is below the normal numbers. It has no call and no
 * branch, so that compilers generate vector code: for many classes, evaluation would take most of its time in expf.
 * exp(x) = 2^k exp(r),  x = k ln 2 + r,  |r| <= ln 2 / 2;  exp(r) = 1 + r + r^2 q(r), as in Rondo's own ops. */
static inline float exp_below_zero(float x) {
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to the nearest integer, in its low bits */
    const float within = x < -87.0f ? -87.0f : x;
    const float shifted = within * 1.44269504f + to_integer;
    const float k = shifted - to_integer;
    const float r = (within - k * 0x1.62e4p-1f) - k * 1.42860682e-6f;
    const float q =
        0.4999999345f + r * (0.1666652063f + r * (0.04166838805f + r * (0.00836871688f + r * 0.001381459865f)));
    uint32_t bits, bits_of_zero;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&bits_of_zero, &to_integer, sizeof bits_of_zero);
    bits = (bits - bits_of_zero + 127) << 23; /* of 2^k */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : (1.0f + (r + r * r * q)) * scale;
}

/* Elements that are compared or added side by side: compilers keep the order of a single sum, one element at a time. */
enum { LANES = 16 };

/* p_k = exp(x_k - max x) / sum_j exp(x_j - max x), and the sums of the metrics. A probability of 0 counts as the
 * smallest positive number of its dtype, so that perplexity stays finite. The target is the most probable class, the
 * first one if several are equal, if all classes before it are less probable, and none after it more. */
#define ROW_KERNELS(suffix, real, exponential, smallest)                                                               \
    static real highest_##suffix(const real *x, int64_t classes) {                                                     \
        real most[LANES], highest = x[0];                                                                              \
        int64_t k = 0;                                                                                                 \
        for (int l = 0; l < LANES; l++) {                                                                              \
            most[l] = x[0];                                                                                            \
        }                                                                                                              \
        for (; k + LANES <= classes; k += LANES) {                                                                     \
            for (int l = 0; l < LANES; l++) {                                                                          \
                most[l] = x[k + l] > most[l] ? x[k + l] : most[l];                                                     \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; l < LANES; l++) {                                                                              \
            highest = most[l] > highest ? most[l] : highest;                                                           \
        }                                                                                                              \
        for (; k < classes; k++) {                                                                                     \
            highest = x[k] > highest ? x[k] : highest;                                                                 \
        }                                                                                                              \
        return highest;                                                                                                \
    }                                                                                                                  \
    static real total_##suffix(const real *p, int64_t classes) {                                                       \
        real sums[LANES] = {0};                                                                                        \
        int64_t k = 0;                                                                                                 \
        for (; k + LANES <= classes; k += LANES) {                                                                     \
            for (int l = 0; l < LANES; l++) {                                                                          \
                sums[l] += p[k + l];                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; k + l < classes; l++) {                                                                        \
            sums[l] += p[k + l];                                                                                       \
        }                                                                                                              \
        for (int half = LANES / 2; half > 0; half /= 2) {                                                              \
            for (int l = 0; l < half; l++) {                                                                           \
                sums[l] += sums[l + half];                                                                             \
            }                                                                                                          \
        }                                                                                                              \
        return sums[0];                                                                                                \
    }                                                                                                                  \
    static void softmax_##suffix(const real *restrict x, real *restrict p, int64_t classes) {                          \
        const real highest = highest_##suffix(x, classes);                                                             \
        for (int64_t k = 0; k < classes; k++) {                                                                        \
            p[k] = exponential(x[k] - highest);                                                                        \
        }                                                                                                              \
        const real sum = total_##suffix(p, classes);                                                                   \
        for (int64_t k = 0; k < classes; k++) {                                                                        \
            p[k] /= sum;                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void measure_##suffix(const real *p, int64_t classes, int32_t target, double *sums) {                       \
        const real of_target = p[target];                                                                              \
        int32_t others = 0;                                                                                            \
        for (int64_t k = 0; k < target; k++) {                                                                         \
            others |= !(p[k] < of_target);                                                                             \
        }                                                                                                              \
        for (int64_t k = target + 1; k < classes; k++) {                                                               \
            others |= !(p[k] <= of_target);                                                                            \
        }                                                                                                              \
        sums[ACCURACY] += !others;                                                                                     \
        sums[PERPLEXITY] -= log(of_target > smallest ? of_target : smallest);                                          \
    }
ROW_KERNELS(f32, float, exp_below_zero, FLT_MIN)
ROW_KERNELS(f64, double, exp, DBL_MIN)

struct cross_entropy_rows {
    const rondo_tensor *from, *to; /* (rows, classes) */
};

static void predict_rows(void *arg, int64_t begin, int64_t end) {
    const struct cross_entropy_rows *rows = arg;
    const int64_t classes = rows->from->shape[1];
    for (int64_t at = begin * classes; at < end * classes; at += classes) {
        if (rows->from->dtype == RONDO_F32) {
            softmax_f32((const float *)rows->from->data + at, (float *)rows->to->data + at, classes);
        } else {
            softmax_f64((const double *)rows->from->data + at, (double *)rows->to->data + at, classes);
        }
    }
}

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    struct cross_entropy_rows rows = {outputs, predictions};
    ctx->host->parallel_for(ctx, outputs->shape[0], GRAIN / call->target_size + 1, predict_rows, &rows);
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    const int64_t classes = call->target_size;
    const int32_t *class_of = targets->data; /* (rows) */
    const rondo_status status = rondo_check_classes(ctx, targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < targets->shape[0]; row++) {
        if (predictions->dtype == RONDO_F32) {
            measure_f32((const float *)predictions->data + row * classes, classes, class_of[row], sums);
        } else {
            measure_f64((const double *)predictions->data + row * classes, classes, class_of[row], sums);
        }
    }
    return status;
}

static const rondo_loss softmax_cross_entropy = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "softmax_cross_entropy",
             .summary = "-log softmax(x)[class], for one class out of several (Bridle 1990; focal: Lin et al. 2017)",
             .options = full_options,
             .options_size = sizeof(struct softmax_cross_entropy)},
    .metrics = metrics,
    .output_size = full_output_size,
    .record = record_full,
    .predict = predict,
    .measure = measure,
};

static const rondo_loss sampled_softmax = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "sampled_softmax",
             .summary = "-log softmax(x)[class] with a sum over drawn classes in training, for very many classes "
                        "(Bengio & Senecal 2008; Jean et al. 2015)",
             .options = sampled_options,
             .options_size = sizeof(struct sampled_softmax)},
    .flags = RONDO_LOSS_BEFORE_OUTPUT,
    .metrics = metrics,
    .output_size = sampled_output_size,
    .record = record_sampled,
    .predict = predict,
    .measure = measure,
};

RONDO_PLUGIN("softmax_cross_entropy", "1.0", "MIT", &softmax_cross_entropy.base, &sampled_softmax.base,
             &gather_columns.base);
