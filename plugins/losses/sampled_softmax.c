/* plugins/losses/sampled_softmax.c: one class out of very many. In training only some of the outputs are computed;
 * evaluation, predictions and metrics are those of softmax_cross_entropy.
 *
 * Sources: Bengio & Senecal, "Adaptive importance sampling to accelerate training of a neural probabilistic language
 * model", IEEE Transactions on Neural Networks 19(4), 2008; Jean, Cho, Memisevic & Bengio, "On using very large target
 * vocabulary for neural machine translation", ACL 2015, section 3.2; weights of the drawn classes: Horvitz & Thompson,
 * "A generalization of sampling without replacement from a finite universe", JASA 47, 1952.
 *
 * `record` gets the input h (rows, width) of the output layer W (width, classes), b (classes). It draws m classes from q,
 * with repetition, the same for all rows of a call. S is the set of these classes, and pi_k the probability that class k
 * is in it. With o_k = h W_k + b_k and y the class of the row,
 *
 *     pi_k = 1 - (1 - q_k)^m
 *     loss = ln(e^o_y + sum over k in S, except y, of e^o_k / pi_k) - o_y
 *
 * The expectation of the sum over S is the sum of e^o_k over all k except y. As m grows, S becomes the set of all classes,
 * and the loss that of the full softmax. A class that was drawn several times counts once: frequent classes, which are
 * nearly always in S, then add next to no variance, and S is much smaller than m.
 */
#include <stdio.h>

#include "softmax_rows.h"

struct sampled_softmax {
    int64_t samples;
    int32_t distribution;
};

/* log_uniform is Zipf's law for classes that are numbered from the most frequent on:
 *     q_k = ln((k + 2) / (k + 1)) / ln(classes + 1) */
enum { LOG_UNIFORM, UNIFORM };
static const char *const distributions[] = {"log_uniform", "uniform", NULL};
static const rondo_option options[] = {
    RONDO_OPTION_INT(struct sampled_softmax, samples, "1024", 1, 65536,
                     "number of draws for each part of a batch; a class that is drawn several times counts once"),
    RONDO_OPTION_CHOICE(struct sampled_softmax, distribution, "log_uniform", distributions,
                        "how classes are drawn: low class numbers more often, for classes in the order of their "
                        "frequency, such as words; or all with equal probability"),
    RONDO_OPTION_END,
};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    const rondo_status status = softmax_check_kind(ctx, call);
    if (status == RONDO_OK) {
        *size = call->target_size;
    }
    return status;
}

/* ---- the op log_softmax_sampled ----
 *
 *     y[i] = ln(e^o[i] / B_i),   B_i = e^o[i] + sum over j with drawn[j] != class[i] of e^x[i, j]
 *
 *     dy[i]/do[i] = 1 - e^o[i] / B_i,   dy[i]/dx[i, j] = -e^x[i, j] / B_i, or 0 if drawn[j] = class[i]
 *
 * (rows), (rows, n), (n), (rows) -> (rows). */

enum { OWN, OTHERS, DRAWN, CLASS, INPUTS };

static rondo_status sampled_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *own = &call->inputs[OWN], *others = &call->inputs[OTHERS];
    const rondo_tensor *drawn = &call->inputs[DRAWN], *class = &call->inputs[CLASS];
    const int is_float = own->dtype == RONDO_F32 || own->dtype == RONDO_F64;
    if (!is_float || others->dtype != own->dtype || drawn->dtype != RONDO_I32 || class->dtype != RONDO_I32 ||
        own->ndim != 1 || others->ndim != 2 || drawn->ndim != 1 || class->ndim != 1 ||
        others->shape[0] != own->shape[0] || class->shape[0] != own->shape[0] || others->shape[1] != drawn->shape[0]) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "shapes are [%lld], [%lld, %lld], [%lld] and [%lld] with %d, %d, %d and %d dimensions, "
                               "expected [rows], [rows, n] of one float type, [n] and [rows] of i32",
                               (long long)own->shape[0], (long long)others->shape[0], (long long)others->shape[1],
                               (long long)drawn->shape[0], (long long)class->shape[0], (int)own->ndim,
                               (int)others->ndim, (int)drawn->ndim, (int)class->ndim);
    }
    call->output = (rondo_tensor){.dtype = own->dtype, .ndim = 1, .shape = {own->shape[0]}};
    call->saved_bytes = 3 * (size_t)own->shape[0] * sizeof(double);
    return RONDO_OK;
}

/* Saved of each row: m, the largest of the numbers that are added; B e^-m; the part of it that is not the row's own.
 * exp_of is only called for numbers up to 0, as far as its result is used. */
#define SAMPLED_OF(real, suffix, exp_of)                                                                               \
    static real largest_##suffix(const real *x, const int32_t *drawn, int64_t n, int32_t class, real own) {            \
        real most[SOFTMAX_LANES], largest = own;                                                                       \
        int64_t j = 0;                                                                                                 \
        for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                      \
            most[l] = own;                                                                                             \
        }                                                                                                              \
        for (; j + SOFTMAX_LANES <= n; j += SOFTMAX_LANES) {                                                           \
            for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                  \
                const real other = drawn[j + l] == class ? own : x[j + l];                                             \
                most[l] = other > most[l] ? other : most[l];                                                           \
            }                                                                                                          \
        }                                                                                                              \
        for (; j < n; j++) {                                                                                           \
            most[0] = drawn[j] != class && x[j] > most[0] ? x[j] : most[0];                                            \
        }                                                                                                              \
        for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                      \
            largest = most[l] > largest ? most[l] : largest;                                                           \
        }                                                                                                              \
        return largest;                                                                                                \
    }                                                                                                                  \
    static double sum_of_others_##suffix(const real *x, const int32_t *drawn, int64_t n, int32_t class,                \
                                         real largest) {                                                               \
        real terms[SOFTMAX_LANES];                                                                                     \
        double sums[SOFTMAX_LANES] = {0}, sum = 0;                                                                     \
        for (int64_t j = 0; j < n; j += SOFTMAX_LANES) {                                                               \
            const int count = n - j < SOFTMAX_LANES ? (int)(n - j) : SOFTMAX_LANES;                                    \
            for (int l = 0; l < count; l++) {                                                                          \
                const real term = exp_of(x[j + l] - largest);                                                          \
                terms[l] = drawn[j + l] == class ? 0 : term;                                                           \
            }                                                                                                          \
            for (int l = 0; l < count; l++) {                                                                          \
                sums[l] += (double)terms[l];                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; l < SOFTMAX_LANES; l++) {                                                                      \
            sum += sums[l];                                                                                            \
        }                                                                                                              \
        return sum;                                                                                                    \
    }                                                                                                                  \
    static void sampled_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {                              \
        const int64_t n = call->inputs[OTHERS].shape[1];                                                               \
        const int32_t *drawn = call->inputs[DRAWN].data, *class = call->inputs[CLASS].data;                            \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const real *x = (const real *)call->inputs[OTHERS].data + i * n;                                           \
            const real own = ((const real *)call->inputs[OWN].data)[i];                                                \
            const real largest = largest_##suffix(x, drawn, n, class[i], own);                                         \
            const double others = sum_of_others_##suffix(x, drawn, n, class[i], largest);                              \
            const double total = (double)exp_of(own - largest) + others;                                               \
            double *saved = (double *)call->saved + 3 * i;                                                             \
            saved[0] = (double)largest;                                                                                \
            saved[1] = total;                                                                                          \
            saved[2] = others;                                                                                         \
            ((real *)call->output.data)[i] =                                                                           \
                (real)(own < largest ? (double)(own - largest) - log(total) : -log1p(others));                         \
        }                                                                                                              \
    }                                                                                                                  \
    static void sampled_grad_##suffix(const rondo_op_call *call, int64_t begin, int64_t end) {                         \
        const int64_t n = call->inputs[OTHERS].shape[1];                                                               \
        const int32_t *drawn = call->inputs[DRAWN].data, *class = call->inputs[CLASS].data;                            \
        real *of_own = call->grad_inputs[OWN].data, *of_others = call->grad_inputs[OTHERS].data;                       \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const real *x = (const real *)call->inputs[OTHERS].data + i * n;                                           \
            const double *saved = (const double *)call->saved + 3 * i;                                                 \
            const real largest = (real)saved[0], g = ((const real *)call->grad_output->data)[i];                       \
            const real scale = (real)((double)g / saved[1]);                                                           \
            if (of_own != NULL) {                                                                                      \
                of_own[i] += (real)((double)g * (saved[2] / saved[1]));                                                \
            }                                                                                                          \
            for (int64_t j = 0; of_others != NULL && j < n; j++) {                                                     \
                const real term = exp_of(x[j] - largest) * scale;                                                      \
                of_others[i * n + j] -= drawn[j] == class[i] ? 0 : term;                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

SAMPLED_OF(float, f32, softmax_exp)
SAMPLED_OF(double, f64, exp)

static void sampled_range(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    (call->output.dtype == RONDO_F32 ? sampled_f32 : sampled_f64)(call, begin, end);
}

static void sampled_grad_range(void *arg, int64_t begin, int64_t end) {
    const rondo_op_call *call = arg;
    (call->output.dtype == RONDO_F32 ? sampled_grad_f32 : sampled_grad_f64)(call, begin, end);
}

static rondo_status sampled_forward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t grain = SOFTMAX_GRAIN / (call->inputs[OTHERS].shape[1] + 1) + 1;
    ctx->host->parallel_for(ctx, call->inputs[OTHERS].shape[0], grain, sampled_range, call);
    return RONDO_OK;
}

static rondo_status sampled_backward(rondo_context *ctx, rondo_op_call *call) {
    const int64_t grain = SOFTMAX_GRAIN / (call->inputs[OTHERS].shape[1] + 1) + 1;
    ctx->host->parallel_for(ctx, call->inputs[OTHERS].shape[0], grain, sampled_grad_range, call);
    return RONDO_OK;
}

static int32_t sampled_sample(int32_t index, rondo_sample *sample) {
    static const int64_t cases[][2] = {{5, 3}, {4, 37}, {1, 1}, {2, 0}, {0, 3}}; /* rows, n */
    if (index < 0 || index >= (int32_t)(sizeof cases / sizeof cases[0])) {
        return 0;
    }
    const int64_t rows = cases[index][0], n = cases[index][1];
    *sample = (rondo_sample){.n_inputs = INPUTS, .low = {-2, -2, 0, 0}, .high = {2, 2, 5, 5}};
    sample->inputs[OWN] = (rondo_tensor){.dtype = RONDO_F64, .ndim = 1, .shape = {rows}};
    sample->inputs[OTHERS] = (rondo_tensor){.dtype = RONDO_F64, .ndim = 2, .shape = {rows, n}};
    sample->inputs[DRAWN] = (rondo_tensor){.dtype = RONDO_I32, .ndim = 1, .shape = {n}};
    sample->inputs[CLASS] = (rondo_tensor){.dtype = RONDO_I32, .ndim = 1, .shape = {rows}};
    return 1;
}

static const rondo_op log_softmax_sampled = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "log_softmax_sampled",
             .summary = "y[i] = ln(e^o[i] / (e^o[i] + sum over j with drawn[j] != class[i] of e^x[i, j]))"},
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .operands = "o, x, drawn, class",
    .infer = sampled_infer,
    .forward = sampled_forward,
    .backward = sampled_backward,
    .sample = sampled_sample,
};

/* ---- draws ---- */

/* A class from a number u in [0, 1), by the inverse of the distribution function; log_uniform:
 *     P(k <= c) = ln(c + 2) / ln(classes + 1),  so  c = floor((classes + 1)^u) - 1 */
static int32_t class_at(int32_t distribution, double u, int64_t classes) {
    const double n = (double)classes;
    const double place = floor(distribution == UNIFORM ? u * n : exp(u * log(n + 1)) - 1);
    return (int32_t)(place < n ? place : n - 1); /* rounding can reach n */
}

/* ln pi_k = ln(1 - (1 - q_k)^m) */
static double log_inclusion(const struct sampled_softmax *self, int32_t class, int64_t classes) {
    const double n = (double)classes;
    const double q = self->distribution == UNIFORM ? 1 / n : log1p(1 / ((double)class + 1)) / log(n + 1);
    return log(-expm1((double)self->samples * log1p(-q)));
}

/* The set S in ascending order, and then the classes of the rows. Draw j is made from the words 2 j and 2 j + 1, which
 * give 53 bits. */
static rondo_status choose_outputs(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *targets,
                                   const int32_t **chosen, int64_t *count) {
    const struct sampled_softmax *self = call->options;
    const int64_t classes = call->target_size, rows = rondo_count(targets), samples = self->samples;
    const int64_t most = samples < classes ? samples : classes;
    const size_t bytes = (size_t)(classes / 8 + 1);
    uint32_t *words = ctx->host->alloc(ctx, (size_t)samples * 2 * sizeof *words);
    int32_t *list = ctx->host->alloc(ctx, (size_t)(most + rows) * sizeof *list);
    unsigned char *is_drawn = ctx->host->alloc(ctx, bytes); /* a bit for each class */
    if (words == NULL || list == NULL || is_drawn == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    const rondo_status status = rondo_check_classes(ctx, targets, classes);
    if (status != RONDO_OK) {
        return status;
    }
    memset(is_drawn, 0, bytes);
    ctx->host->random(ctx, 0, 2 * samples, words);
    for (int64_t j = 0; j < samples; j++) {
        const uint64_t bits = ((uint64_t)words[2 * j + 1] << 32 | words[2 * j]) >> 11;
        const int32_t class = class_at(self->distribution, (double)bits / 9007199254740992.0, classes); /* 2^53 */
        is_drawn[class / 8] |= (unsigned char)(1u << class % 8);
    }
    *count = 0;
    for (int64_t class = 0; class < classes; class ++) {
        if (is_drawn[class / 8] == 0) {
            class |= 7; /* the next byte */
        } else if ((is_drawn[class / 8] >> class % 8 & 1) != 0) {
            list[(*count)++] = (int32_t) class;
        }
    }
    if (rows > 0) {
        memcpy(list + *count, targets->data, (size_t)rows * sizeof *list);
    }
    *count += rows;
    *chosen = list;
    return RONDO_OK;
}

/* ---- the loss ---- */

/* -ln pi_k of the drawn classes, (drawn) */
static rondo_value corrections(rondo_context *ctx, const rondo_loss_call *call, int32_t dtype, int64_t drawn) {
    rondo_tensor table = {.dtype = dtype, .ndim = 1, .shape = {drawn}};
    table.data = ctx->host->alloc(ctx, (size_t)drawn * sizeof(double));
    if (table.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t j = 0; j < drawn; j++) {
        rondo_set(&table, j, -log_inclusion(call->options, call->chosen[j], call->target_size));
    }
    return ctx->host->constant(ctx, &table);
}

/* Elements begin .. end - 1 along the first dimension. */
static rondo_value part_of(rondo_context *ctx, rondo_value value, int64_t begin, int64_t end) {
    char text[80];
    snprintf(text, sizeof text, "axis=0 begin=%lld end=%lld", (long long)begin, (long long)end);
    return rondo_apply1(ctx, "slice", text, value);
}

static rondo_value record_chosen(rondo_context *ctx, const rondo_loss_call *call, rondo_value h, rondo_value targets,
                                 int32_t dtype, int64_t rows) {
    const int64_t chosen = call->n_chosen, drawn = chosen - rows;
    const rondo_tensor list = {.data = (void *)(intptr_t)call->chosen, .dtype = RONDO_I32, .ndim = 1, .shape = {drawn}};
    const rondo_value index = ctx->host->constant(ctx, &list); /* (drawn) */
    /* o_k and o_y */
    const rondo_value weight = rondo_apply1(ctx, "transpose", NULL, part_of(ctx, call->output_weight, 0, drawn));
    const rondo_value offset = rondo_apply2(ctx, "add", NULL, part_of(ctx, call->output_bias, 0, drawn),
                                            corrections(ctx, call, dtype, drawn)); /* (drawn) */
    const rondo_value product = rondo_apply2(ctx, "matmul", NULL, h, weight);      /* (rows, drawn) */
    const rondo_value each = rondo_apply2(ctx, "mul", NULL, h, part_of(ctx, call->output_weight, drawn, chosen));
    const rondo_value sum = rondo_apply1(ctx, "sum", "axis=-1", each); /* (rows) */
    const rondo_value inputs[INPUTS] = {
        [OWN] = rondo_apply2(ctx, "add", NULL, sum, part_of(ctx, call->output_bias, drawn, chosen)),
        [OTHERS] = rondo_apply2(ctx, "add", NULL, product, offset),
        [DRAWN] = index,
        [CLASS] = targets,
    };
    return rondo_apply1(ctx, "neg", NULL, ctx->host->apply(ctx, "log_softmax_sampled", NULL, inputs, INPUTS));
}

/* `outputs` is h in training, else the outputs. */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, width), or (rows, classes) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    if (call->training) {
        return record_chosen(ctx, call, outputs, targets, x->dtype, classes->shape[0]);
    }
    return rondo_apply1(ctx, "neg", NULL, rondo_apply2(ctx, "log_softmax_pick", NULL, outputs, targets));
}

static const rondo_loss sampled_softmax = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "sampled_softmax",
             .summary = "-log softmax(x)[class] with a sum over drawn classes in training, for very many classes "
                        "(Bengio & Senecal 2008; Jean et al. 2015)",
             .options = options,
             .options_size = sizeof(struct sampled_softmax)},
    .flags = RONDO_LOSS_BEFORE_OUTPUT,
    .metrics = softmax_metrics,
    .output_size = output_size,
    .record = record,
    .predict = softmax_predict,
    .measure = softmax_measure,
    .choose_outputs = choose_outputs,
};

RONDO_PLUGIN("sampled_softmax", "1.0", "MIT", &sampled_softmax.base, &log_softmax_sampled.base);
