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

#include "ops/axis.h"
#include "ops/dot.h"
#include "ops/sample.h"
#include "ops/sequences.h"
#include "ops/softmax_line.h"

enum { QUERY, KEYS, VALUES, WEIGHTS };

/* What the ranges of one call read. Items are sequences; one item for all of them if they share elements of a gradient. */
struct additive_pass {
    const rondo_op_call *call;
    int64_t a, w;    /* columns of the query, of the values */
    int64_t longest; /* number of keys of a sequence */
    int shares;      /* backward only */
    struct ops_ranges ranges;
};

/* Scratch memory of a range, in elements: weights and their gradients, [longest] each; t of a query, [longest, a]; the
 * gradient of v, [a]. */
static size_t scratch_elements(const struct additive_pass *pass) {
    const size_t n = (size_t)pass->longest, a = (size_t)pass->a;
    return 2 * n + n * a + a;
}

#define ADDITIVE_OF(T, suffix)                                                                                           \
    /* Weights p of the keys; t[j] is row j * `t_stride` of t, so that forward, which needs no t, overwrites one row. */ \
    KERNEL_INLINE void weights_##suffix(const T *q, const T *k, const T *v, int64_t n, int64_t a, T *p, T *t,            \
                                        int64_t t_stride) {                                                              \
        for (int64_t j = 0; j < n; j++) {                                                                                \
            const T *key = k + j * a;                                                                                    \
            T *row = t + j * t_stride;                                                                                   \
            KERNEL_LOOP                                                                                                  \
            for (int64_t i = 0; i < a; i++) {                                                                            \
                row[i] = VECTOR_TANH(q[i] + key[i]);                                                                     \
            }                                                                                                            \
            p[j] = dot_##suffix(v, row, a);                                                                              \
        }                                                                                                                \
        const T largest = line_max_##suffix(p, n, 1);                                                                    \
        KERNEL_LOOP                                                                                                      \
        for (int64_t j = 0; j < n; j++) {                                                                                \
            p[j] = VECTOR_EXP(p[j] - largest);                                                                           \
        }                                                                                                                \
        const T share = (T)(1 / line_sum_##suffix(p, n, 1));                                                             \
        KERNEL_LOOP                                                                                                      \
        for (int64_t j = 0; j < n; j++) {                                                                                \
            p[j] *= share;                                                                                               \
        }                                                                                                                \
    }                                                                                                                    \
    KERNEL_CLONES static void additive_##suffix(const struct additive_pass *pass, int64_t s, void *scratch) {            \
        const rondo_op_call *call = pass->call;                                                                          \
        const struct ops_sequence queries = ops_sequence_of(call, QUERY, s), keys = ops_sequence_of(call, KEYS, s);      \
        const int64_t a = pass->a, w = pass->w, n = keys.length;                                                         \
        const T *q = (const T *)call->inputs[QUERY].data + queries.begin * a;                                            \
        const T *k = (const T *)call->inputs[KEYS].data + keys.begin * a;                                                \
        const T *u = (const T *)call->inputs[VALUES].data + ops_sequence_of(call, VALUES, s).begin * w;                  \
        T *y = (T *)call->output.data + queries.begin * w;                                                               \
        T *p = scratch, *t = p + 2 * pass->longest;                                                                      \
        memset(y, 0, sizeof(T) * (size_t)(queries.length * w));                                                          \
        for (int64_t i = 0; i < queries.length && n > 0; i++) {                                                          \
            weights_##suffix(q + i * a, k, call->inputs[WEIGHTS].data, n, a, p, t, 0);                                   \
            for (int64_t j = 0; j < n; j++) {                                                                            \
                add_scaled_##suffix(y + i * w, p[j], u + j * w, w);                                                      \
            }                                                                                                            \
        }                                                                                                                \
    }                                                                                                                    \
    /* Adds the gradient of v to `v_sum`, [a]. */                                                                        \
    KERNEL_CLONES static void additive_grad_##suffix(const struct additive_pass *pass, int64_t s, void *scratch,         \
                                                     void *v_sum) {                                                      \
        const rondo_op_call *call = pass->call;                                                                          \
        const struct ops_sequence queries = ops_sequence_of(call, QUERY, s), keys = ops_sequence_of(call, KEYS, s);      \
        const int64_t a = pass->a, w = pass->w, n = keys.length, u_at = ops_sequence_of(call, VALUES, s).begin * w;      \
        const T *q = (const T *)call->inputs[QUERY].data + queries.begin * a;                                            \
        const T *k = (const T *)call->inputs[KEYS].data + keys.begin * a;                                                \
        const T *u = (const T *)call->inputs[VALUES].data + u_at, *v = call->inputs[WEIGHTS].data;                       \
        const T *g = (const T *)call->grad_output->data + queries.begin * w;                                             \
        T *gq = call->grad_inputs[QUERY].data, *gk = call->grad_inputs[KEYS].data;                                       \
        T *gu = call->grad_inputs[VALUES].data, *gv = v_sum;                                                             \
        T *p = scratch, *gp = p + pass->longest, *t = gp + pass->longest;                                                \
        for (int64_t i = 0; i < queries.length && n > 0; i++) {                                                          \
            const T *grad = g + i * w;                                                                                   \
            weights_##suffix(q + i * a, k, v, n, a, p, t, a);                                                            \
            for (int64_t j = 0; j < n; j++) {                                                                            \
                gp[j] = dot_##suffix(grad, u + j * w, w);                                                                \
                if (gu != NULL) {                                                                                        \
                    add_scaled_##suffix(gu + u_at + j * w, p[j], grad, w);                                               \
                }                                                                                                        \
            }                                                                                                            \
            const T mean = dot_##suffix(p, gp, n);                                                                       \
            for (int64_t j = 0; j < n; j++) {                                                                            \
                const T gs = p[j] * (gp[j] - mean);                                                                      \
                T *row = t + j * a;                                                                                      \
                if (gv != NULL) {                                                                                        \
                    add_scaled_##suffix(gv, gs, row, a);                                                                 \
                }                                                                                                        \
                KERNEL_LOOP                                                                                              \
                for (int64_t c = 0; c < a; c++) {                                                                        \
                    row[c] = gs * v[c] * (1 - row[c] * row[c]);                                                          \
                }                                                                                                        \
                if (gk != NULL) {                                                                                        \
                    add_scaled_##suffix(gk + (keys.begin + j) * a, 1, row, a);                                           \
                }                                                                                                        \
                if (gq != NULL) {                                                                                        \
                    add_scaled_##suffix(gq + (queries.begin + i) * a, 1, row, a);                                        \
                }                                                                                                        \
            }                                                                                                            \
        }                                                                                                                \
    }                                                                                                                    \
    static void *grad_of_v_##suffix(const struct additive_pass *pass, int64_t item) {                                    \
        T *scratch = ops_range_scratch(&pass->ranges, item);                                                             \
        return scratch + 2 * pass->longest + pass->longest * pass->a;                                                    \
    }                                                                                                                    \
    static void clear_grad_of_v_##suffix(const struct additive_pass *pass, int64_t item) {                               \
        memset(grad_of_v_##suffix(pass, item), 0, sizeof(T) * (size_t)pass->a);                                          \
    }                                                                                                                    \
    static void add_grad_of_v_##suffix(const struct additive_pass *pass, int64_t item) {                                 \
        add_scaled_##suffix(pass->call->grad_inputs[WEIGHTS].data, 1, grad_of_v_##suffix(pass, item), pass->a);          \
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

static rondo_status prepare(rondo_context *ctx, rondo_op_call *call, struct additive_pass *pass, int shares) {
    const struct ops_sequence_size size = ops_sequence_size(call, KEYS);
    *pass = (struct additive_pass){.call = call,
                                   .a = call->inputs[QUERY].shape[1],
                                   .w = call->inputs[VALUES].shape[1],
                                   .longest = size.longest,
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
    const rondo_status status = prepare(ctx, call, &pass, 0);
    if (status == RONDO_OK) {
        ctx->host->parallel_for(ctx, call->rows[QUERY]->count, pass.ranges.grain, forward_items, &pass);
    }
    return status;
}

static void *grad_of_v(const struct additive_pass *pass, int64_t item) {
    return pass->call->output.dtype == RONDO_F32 ? grad_of_v_f32(pass, item) : grad_of_v_f64(pass, item);
}

static void backward_items(void *arg, int64_t begin, int64_t end) {
    const struct additive_pass *pass = arg;
    const int64_t count = pass->call->rows[QUERY]->count;
    void *scratch = ops_range_scratch(&pass->ranges, begin);
    void *v_sum = NULL;
    if (pass->call->grad_inputs[WEIGHTS].data != NULL) {
        KERNEL_BY_DTYPE(pass->call->output.dtype, clear_grad_of_v, pass, begin);
        v_sum = grad_of_v(pass, begin);
    }
    for (int64_t s = begin; s < (pass->shares ? count : end); s++) {
        KERNEL_BY_DTYPE(pass->call->output.dtype, additive_grad, pass, s, scratch, v_sum);
    }
}

static rondo_status additive_backward(rondo_context *ctx, rondo_op_call *call) {
    struct additive_pass pass;
    int shares = 0;
    for (int32_t k = 0; k < WEIGHTS; k++) {
        shares |= call->grad_inputs[k].data != NULL && !ops_are_apart(call, k);
    }
    const rondo_status status = prepare(ctx, call, &pass, shares);
    if (status != RONDO_OK) {
        return status;
    }
    const int64_t items = shares ? 1 : call->rows[QUERY]->count;
    ctx->host->parallel_for(ctx, items, pass.ranges.grain, backward_items, &pass);
    /* Every range has a sum of its own, so that the order of additions does not depend on the threads. */
    for (int64_t item = 0; call->grad_inputs[WEIGHTS].data != NULL && item < items; item += pass.ranges.grain) {
        KERNEL_BY_DTYPE(call->output.dtype, add_grad_of_v, &pass, item);
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
};
