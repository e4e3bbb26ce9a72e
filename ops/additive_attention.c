/* Attention of the queries of a sequence over its keys, with the scores of Bahdanau, Cho & Bengio 2015, appendix A.1.2:
 *
 *     t_ij = tanh(q_i + k_j)       s_ij = sum_a v_a t_ija       p_ij = e^s_ij / sum_j e^s_ij       y_i = sum_j p_ij u_j
 *
 * where q, k, u are query, keys and values. The paper's W s_i and U h_j are products that are computed before.
 *
 *     dL/du_j += sum_i p_ij g_i                          g = dL/dy
 *     dL/dp_ij = g_i . u_j                               dL/ds_ij = p_ij (dL/dp_ij - sum_j p_ij dL/dp_ij)
 *     dL/dv += sum_ij dL/ds_ij t_ij                      dL/dq_i, dL/dk_j += dL/ds_ij v (1 - t_ij^2)
 *
 * A query of a sequence without keys gives zeros, and passes no gradient on. Nothing is saved: t is larger than all inputs
 * together, and computing it again costs as much as storing and loading it. */
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/row_math.h"
#include "ops/sample.h"
#include "ops/sequences.h"
#include "ops/vector_math.h"

enum { QUERY, KEYS, VALUES, WEIGHTS };

/* Keys whose terms are computed together. */
enum { GROUP = 4 };

/* What the ranges of one call read. Items are sequences; one item for all of them if they share elements of a gradient. */
struct additive_pass {
    const rondo_op_call *call;
    int64_t a, w;    /* columns of the query, of the values */
    int64_t longest; /* number of keys of a sequence */
    int is_forward;
    int shares; /* backward only */
    struct ops_ranges ranges;
};

/* Scratch memory of a range, in elements: weights and their gradients, a row with room for all keys each; the gradient of v,
 * [a]; stand-ins for gradients that are not requested, [2, a]; t of a query, [longest, a]. Forward needs t of GROUP keys. */
static int64_t weights_row(const struct additive_pass *pass) {
    return row_padded(pass->longest);
}
static size_t scratch_elements(const struct additive_pass *pass) {
    const int64_t keys = pass->is_forward && pass->longest > GROUP ? GROUP : pass->longest;
    return (size_t)(2 * weights_row(pass) + 3 * pass->a + keys * pass->a);
}

#define ADDITIVE_OF(T, suffix)                                                                                         \
    /* Weights p of the n keys of a query. t of key j goes to row j, or if `keep` is 0 to row j % GROUP. */            \
    KERNEL_INLINE void weights_##suffix(const T *q, const T *k, const T *v, int64_t n, int64_t a, int keep, T *p,      \
                                        T *t) {                                                                        \
        for (int64_t first = 0; first < n; first += GROUP) {                                                           \
            const int64_t count = n - first < GROUP ? n - first : GROUP;                                               \
            T *rows = keep ? t + first * a : t;                                                                        \
            for (int64_t j = 0; j < count; j++) {                                                                      \
                const T *key = k + (first + j) * a;                                                                    \
                T *row = rows + j * a;                                                                                 \
                KERNEL_LOOP                                                                                            \
                for (int64_t c = 0; c < a; c++) {                                                                      \
                    row[c] = VECTOR_TANH(q[c] + key[c]);                                                               \
                }                                                                                                      \
            }                                                                                                          \
            row_products_##suffix(v, 0, 1, rows, a, count, a, p + first, 0);                                           \
        }                                                                                                              \
        row_softmax_##suffix(p, n, 1);                                                                                 \
    }                                                                                                                  \
    KERNEL_CLONES static void additive_##suffix(const struct additive_pass *pass, int64_t s, void *scratch) {          \
        const rondo_op_call *call = pass->call;                                                                        \
        const struct ops_sequence queries = ops_sequence_of(call, QUERY, s), keys = ops_sequence_of(call, KEYS, s);    \
        const int64_t a = pass->a, w = pass->w, n = keys.length;                                                       \
        const T *q = (const T *)call->inputs[QUERY].data + queries.begin * a;                                          \
        const T *k = (const T *)call->inputs[KEYS].data + keys.begin * a;                                              \
        const T *u = (const T *)call->inputs[VALUES].data + ops_sequence_of(call, VALUES, s).begin * w;                \
        T *y = (T *)call->output.data + queries.begin * w;                                                             \
        T *p = scratch, *t = p + 2 * weights_row(pass) + 3 * a;                                                        \
        memset(y, 0, sizeof(T) * (size_t)(queries.length * w));                                                        \
        for (int64_t i = 0; i < queries.length && n > 0; i++) {                                                        \
            weights_##suffix(q + i * a, k, call->inputs[WEIGHTS].data, n, a, 0, p, t);                                 \
            row_add_##suffix(y + i * w, p, 1, u, w, n, w);                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    /* Of one key with t and dL/ds: adds to dL/dv, dL/dq and dL/dk, [a] each. */                                       \
    KERNEL_INLINE void add_gradients_##suffix(const T *t, T gs, const T *v, T *gv, T *gq, T *gk, int64_t a) {          \
        KERNEL_LOOP                                                                                                    \
        for (int64_t c = 0; c < a; c++) {                                                                              \
            const T sum = gs * v[c] * (1 - t[c] * t[c]);                                                               \
            gv[c] += gs * t[c];                                                                                        \
            gq[c] += sum;                                                                                              \
            gk[c] += sum;                                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    /* The same of GROUP keys in their order; dL/dk_j is gk_stride elements from that of the key before. */            \
    KERNEL_INLINE void add_group_##suffix(const T *t, const T *gs, const T *v, T *gv, T *gq, T *gk, int64_t gk_stride, \
                                          int64_t a) {                                                                 \
        const T *t0 = t, *t1 = t0 + a, *t2 = t1 + a, *t3 = t2 + a, s0 = gs[0], s1 = gs[1], s2 = gs[2], s3 = gs[3];     \
        T *gk0 = gk, *gk1 = gk0 + gk_stride, *gk2 = gk1 + gk_stride, *gk3 = gk2 + gk_stride;                           \
        KERNEL_LOOP                                                                                                    \
        for (int64_t c = 0; c < a; c++) {                                                                              \
            const T sum0 = s0 * v[c] * (1 - t0[c] * t0[c]), sum1 = s1 * v[c] * (1 - t1[c] * t1[c]);                    \
            const T sum2 = s2 * v[c] * (1 - t2[c] * t2[c]), sum3 = s3 * v[c] * (1 - t3[c] * t3[c]);                    \
            gv[c] = (((gv[c] + s0 * t0[c]) + s1 * t1[c]) + s2 * t2[c]) + s3 * t3[c];                                   \
            gq[c] = (((gq[c] + sum0) + sum1) + sum2) + sum3;                                                           \
            gk0[c] += sum0;                                                                                            \
            gk1[c] += sum1;                                                                                            \
            gk2[c] += sum2;                                                                                            \
            gk3[c] += sum3;                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    /* The gradient of v is added to the sum of the range. */                                                          \
    KERNEL_CLONES static void additive_grad_##suffix(const struct additive_pass *pass, int64_t s, void *scratch) {     \
        const rondo_op_call *call = pass->call;                                                                        \
        const struct ops_sequence queries = ops_sequence_of(call, QUERY, s), keys = ops_sequence_of(call, KEYS, s);    \
        const int64_t a = pass->a, w = pass->w, n = keys.length, u_at = ops_sequence_of(call, VALUES, s).begin * w;    \
        const T *q = (const T *)call->inputs[QUERY].data + queries.begin * a;                                          \
        const T *k = (const T *)call->inputs[KEYS].data + keys.begin * a;                                              \
        const T *u = (const T *)call->inputs[VALUES].data + u_at, *v = call->inputs[WEIGHTS].data;                     \
        const T *g = (const T *)call->grad_output->data + queries.begin * w;                                           \
        T *gu = call->grad_inputs[VALUES].data;                                                                        \
        T *p = scratch, *gs = p + weights_row(pass), *gv = gs + weights_row(pass), *t = gv + 3 * a;                    \
        T *gq = call->grad_inputs[QUERY].data, *gk = call->grad_inputs[KEYS].data;                                     \
        const int64_t gq_stride = gq == NULL ? 0 : a, gk_stride = gk == NULL ? 0 : a;                                  \
        gq = gq == NULL ? gv + a : gq + queries.begin * a;                                                             \
        gk = gk == NULL ? gv + 2 * a : gk + keys.begin * a;                                                            \
        for (int64_t i = 0; i < queries.length && n > 0; i++) {                                                        \
            const T *grad = g + i * w;                                                                                 \
            T mean;                                                                                                    \
            weights_##suffix(q + i * a, k, v, n, a, 1, p, t);                                                          \
            row_products_##suffix(grad, 0, 1, u, w, n, w, gs, 0);                                                      \
            for (int64_t j = 0; gu != NULL && j < n; j++) {                                                            \
                row_add_##suffix(gu + u_at + j * w, p + j, 0, grad, 0, 1, w);                                          \
            }                                                                                                          \
            row_products_##suffix(p, 0, 1, gs, 0, 1, n, &mean, 0);                                                     \
            KERNEL_LOOP                                                                                                \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                gs[j] = p[j] * (gs[j] - mean);                                                                         \
            }                                                                                                          \
            int64_t j = 0;                                                                                             \
            for (; j + GROUP <= n; j += GROUP) {                                                                       \
                add_group_##suffix(t + j * a, gs + j, v, gv, gq + i * gq_stride, gk + j * gk_stride, gk_stride, a);    \
            }                                                                                                          \
            for (; j < n; j++) {                                                                                       \
                add_gradients_##suffix(t + j * a, gs[j], v, gv, gq + i * gq_stride, gk + j * gk_stride, a);            \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* The sum of a range, and the stand-ins after it, start at zero. */                                               \
    static void clear_sum_##suffix(const struct additive_pass *pass, T *scratch) {                                     \
        memset(scratch + 2 * weights_row(pass), 0, sizeof(T) * (size_t)(3 * pass->a));                                 \
    }                                                                                                                  \
    static void add_sum_##suffix(const struct additive_pass *pass, const T *scratch) {                                 \
        const T one = 1;                                                                                               \
        row_add_##suffix(pass->call->grad_inputs[WEIGHTS].data, &one, 0, scratch + 2 * weights_row(pass), 0, 1,        \
                         pass->a);                                                                                     \
    }

ADDITIVE_OF(float, f32)
ADDITIVE_OF(double, f64)

static rondo_status additive_infer(rondo_context *ctx, rondo_op_call *call) {
    static const char *const names[] = {"query", "keys", "values", "v"};
    const rondo_tensor *query = &call->inputs[QUERY], *keys = &call->inputs[KEYS], *values = &call->inputs[VALUES];
    const rondo_tensor *v = &call->inputs[WEIGHTS];
    for (int32_t k = 0; k < 4; k++) {
        const rondo_status status = ops_need_float(ctx, call, k, names[k]);
        if (status != RONDO_OK) {
            return status;
        }
        if (call->inputs[k].ndim != (k == WEIGHTS ? 1 : 2)) {
            return ctx->host->fail(ctx, RONDO_INVALID, "'%s' has shape %s, expected %s", names[k],
                                   ops_shape_text(&call->inputs[k]).text,
                                   k == WEIGHTS ? "one dimension" : "two dimensions, elements and columns");
        }
    }
    if (keys->shape[1] != query->shape[1] || v->shape[0] != query->shape[1]) {
        return ctx->host->fail(
            ctx, RONDO_INVALID,
            "query %s, keys %s and v %s do not fit, expected equally many columns, and one number of "
            "v for each",
            ops_shape_text(query).text, ops_shape_text(keys).text, ops_shape_text(v).text);
    }
    if (keys->shape[0] != values->shape[0]) {
        return ctx->host->fail(ctx, RONDO_INVALID, "keys %s and values %s do not fit, expected a value for each key",
                               ops_shape_text(keys).text, ops_shape_text(values).text);
    }
    call->output = *query;
    call->output.data = NULL;
    call->output.shape[1] = values->shape[1];
    return ops_check_size(ctx, call);
}

static rondo_status prepare(rondo_context *ctx, rondo_op_call *call, struct additive_pass *pass, int is_forward,
                            int shares) {
    const struct ops_sequence_size size = ops_sequence_size(call, KEYS);
    *pass = (struct additive_pass){.call = call,
                                   .a = call->inputs[QUERY].shape[1],
                                   .w = call->inputs[VALUES].shape[1],
                                   .longest = size.longest,
                                   .is_forward = is_forward,
                                   .shares = shares};
    if (call->rows[WEIGHTS] != NULL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "v %s is divided into sequences, expected the same for all",
                               ops_shape_text(&call->inputs[WEIGHTS]).text);
    }
    const rondo_status status = ops_check_lengths(ctx, call, KEYS, "keys", VALUES, "values");
    enum { TANH = 16 }; /* simple operations */
    const double work = (double)size.pairs * ((double)pass->a * TANH + (double)pass->w);
    return status == RONDO_OK ? ops_divide(ctx, &pass->ranges, shares ? 1 : call->rows[QUERY]->count, work,
                                           scratch_elements(pass) * ops_element_size(call->output.dtype))
                              : status;
}

static void forward_items(void *arg, int64_t begin, int64_t end) {
    const struct additive_pass *pass = arg;
    void *scratch = ops_range_scratch(&pass->ranges, begin);
    for (int64_t s = begin; s < end; s++) {
        KERNEL_BY_DTYPE(pass->call->output.dtype, additive, pass, s, scratch);
    }
}

static rondo_status additive_forward(rondo_context *ctx, rondo_op_call *call) {
    struct additive_pass pass;
    const rondo_status status = prepare(ctx, call, &pass, 1, 0);
    if (status == RONDO_OK) {
        ctx->host->parallel_for(ctx, call->rows[QUERY]->count, pass.ranges.grain, forward_items, &pass);
    }
    return status;
}

static void backward_items(void *arg, int64_t begin, int64_t end) {
    const struct additive_pass *pass = arg;
    const int64_t last = pass->shares ? pass->call->rows[QUERY]->count : end;
    void *scratch = ops_range_scratch(&pass->ranges, begin);
    KERNEL_BY_DTYPE(pass->call->output.dtype, clear_sum, pass, scratch);
    for (int64_t s = begin; s < last; s++) {
        KERNEL_BY_DTYPE(pass->call->output.dtype, additive_grad, pass, s, scratch);
    }
}

static rondo_status additive_backward(rondo_context *ctx, rondo_op_call *call) {
    struct additive_pass pass;
    int shares = 0;
    for (int32_t k = 0; k < WEIGHTS; k++) {
        shares |= call->grad_inputs[k].data != NULL && !ops_are_apart(call, k);
    }
    const rondo_status status = prepare(ctx, call, &pass, 0, shares);
    if (status != RONDO_OK) {
        return status;
    }
    const int64_t items = shares ? 1 : call->rows[QUERY]->count;
    ctx->host->parallel_for(ctx, items, pass.ranges.grain, backward_items, &pass);
    /* Every range has a sum of its own, so that the order of additions does not depend on the threads. */
    for (int64_t item = 0; call->grad_inputs[WEIGHTS].data != NULL && item < items; item += pass.ranges.grain) {
        KERNEL_BY_DTYPE(call->output.dtype, add_sum, &pass, ops_range_scratch(&pass.ranges, item));
    }
    return RONDO_OK;
}

static const struct ops_sequence_case additive_cases[] = {
    {{4, 0, NULL, {{2, {5, 4}}, {2, {8, 4}}, {2, {8, 3}}, {1, {4}}}}, 2, {{2, 3}, {5, 3}, {5, 3}, {ALL_SEQUENCES}}},
    {{4, 0, NULL, {{2, {3, 2}}, {2, {9, 2}}, {2, {9, 2}}, {1, {2}}}},
     3,
     {{1, 1, 1}, {4, 2, 3}, {4, 2, 3}, {ALL_SEQUENCES}}},
    {{4, 0, NULL, {{2, {3, 1}}, {2, {2, 1}}, {2, {2, 1}}, {1, {1}}}},
     3,
     {{1, 1, 1}, {0, 2, 0}, {0, 2, 0}, {ALL_SEQUENCES}}},
    {{4, 0, NULL, {{2, {3, 3}}, {2, {4, 3}}, {2, {4, 2}}, {1, {3}}}},
     2,
     {{1, 2}, {ALL_SEQUENCES}, {ALL_SEQUENCES}, {ALL_SEQUENCES}}},
    {{4, 0, NULL, {{2, {2, 17}}, {2, {6, 17}}, {2, {6, 18}}, {1, {17}}}}, 1, {{2}, {6}, {6}, {ALL_SEQUENCES}}},
};

static int32_t additive_sample(int32_t index, rondo_sample *sample) {
    return ops_sample_of_sequences(additive_cases, sizeof additive_cases / sizeof additive_cases[0], index, sample);
}

static int32_t additive_sample_lengths(int32_t index, int32_t input, int64_t lengths[RONDO_SAMPLE_SEQUENCES]) {
    return ops_sample_lengths(additive_cases, index, input, lengths);
}

static uint32_t additive_looks(const void *options) {
    (void)options;
    return RONDO_LOOKS_AHEAD;
}

const rondo_op op_additive_attention = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "additive_attention",
             .summary =
                 "y = sum of p_j values_j for each sequence, p = softmax of v . tanh(query + keys_j); 0 if there "
                 "are no keys (Bahdanau et al. 2015)"},
    .flags = RONDO_OP_SEQUENCES,
    .min_inputs = 4,
    .max_inputs = 4,
    .operands = "query, keys, values, v",
    .infer = additive_infer,
    .forward = additive_forward,
    .backward = additive_backward,
    .sample = additive_sample,
    .sample_lengths = additive_sample_lengths,
    .looks = additive_looks,
};
