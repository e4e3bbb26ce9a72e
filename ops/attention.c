/* Scaled dot-product attention of the queries of a sequence over its keys (Vaswani et al. 2017, sections 3.2.1 and 3.2.2),
 * for each head, which has d of the columns of query and keys, and w of those of the values:
 *
 *     s_ij = scale q_i . k_j       p_ij = e^s_ij / sum_j e^s_ij       y_i = sum_j p_ij v_j
 *
 *     dL/dv_j += sum_i p_ij g_i                          g = dL/dy
 *     dL/dp_ij = g_i . v_j                               dL/ds_ij = p_ij (dL/dp_ij - sum_j p_ij dL/dp_ij)
 *     dL/dq_i += scale sum_j dL/ds_ij k_j                dL/dk_j += scale sum_i dL/ds_ij q_i
 *
 * Positions are counted from the end: of a sequence with m queries and n keys, query i has position n - m + i and key j
 * position j. So the queries of a text, one new query with the keys kept so far, and those of another sequence all are
 * described by one definition. The sums run over the keys that the query sees. A query that sees none gives zeros, and
 * passes no gradient on.
 *
 * Rotary positions (Su et al. 2021, section 3.4.2): columns 2c and 2c + 1 of a head, of queries and keys, are first
 * rotated by the angle position * 10000^(-2c / d). Then s_ij depends on the distance of the positions.
 *
 * Nothing is saved: backward computes the weights p again, which costs a fifth of it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/row_math.h"
#include "ops/sample.h"
#include "ops/sequences.h"

struct attention_options {
    int64_t heads, window;
    double scale;
    int32_t causal, rotary;
};

static const rondo_option attention_option_table[] = {
    RONDO_OPTION_INT(struct attention_options, heads, "1", 1, 65536,
                     "number of heads: equal groups of columns, each with its own weights"),
    RONDO_OPTION_BOOL(struct attention_options, causal, "false",
                      "a query sees no keys of later positions; the last query has the position of the last key"),
    RONDO_OPTION_REAL(struct attention_options, scale, "0", 0, 1e6,
                      "factor on the products of query and key; 0: 1 / sqrt(columns of a head)"),
    RONDO_OPTION_INT(struct attention_options, window, "0", 0, INT32_MAX,
                     "a query sees only keys fewer than this number of positions away; 0: all"),
    RONDO_OPTION_BOOL(
        struct attention_options, rotary, "false",
        "rotates queries and keys by their position (Su et al. 2021), so that products depend on distances"),
    RONDO_OPTION_END,
};

enum { QUERY, KEYS, VALUES };

/* What all items of one call read. An item is one head of one sequence: item i is head i % heads of sequence i / heads. If
 * sequences share elements of a gradient, it is one head of all sequences, one after the other. */
struct attention_pass {
    const rondo_op_call *call;
    const struct attention_options *options;
    int64_t d, w;           /* columns of a head: of query and keys, of values */
    int64_t longest;        /* number of keys of a sequence */
    int64_t first_position; /* of the tables; <= 0 */
    const void *cosines;    /* [positions, d / 2] rotary; else NULL */
    const void *sines;
    int shares; /* backward only */
    double scale;
    struct ops_ranges ranges;
};

/* The keys begin up to, and without, end. */
struct key_range {
    int64_t begin, end;
};

static inline struct key_range visible_keys(const struct attention_options *options, int64_t position, int64_t n_keys) {
    struct key_range seen = {0, n_keys};
    if (options->causal && position + 1 < seen.end) {
        seen.end = position + 1;
    }
    if (options->window > 0) {
        seen.begin = position - options->window + 1 > 0 ? position - options->window + 1 : 0;
        seen.end = position + options->window < seen.end ? position + options->window : seen.end;
    }
    return seen;
}

/* Queries of a sequence that are computed together, so that keys and values are loaded once for all of them. */
enum { BLOCK = 8 };

/* Scratch memory of an item, in elements: the weights and their gradients, [BLOCK, row] each, where a row has room for all keys;
 * rotated queries [BLOCK, d], the gradient of one and what it is rotated to, [2, d]; rotated keys and their gradients, [longest,
 * d] each. */
static int64_t weights_row(const struct attention_pass *pass) {
    return row_padded(pass->longest) + ROW_PADDING;
}
static size_t scratch_elements(const struct attention_pass *pass) {
    const int64_t rotated = (BLOCK + 2) * pass->d + 2 * pass->longest * pass->d;
    return (size_t)(2 * BLOCK * weights_row(pass) + (pass->options->rotary ? rotated : 0));
}

/* One head of a sequence: where its parts are in the tensors, in elements, and which keys the queries of a block see. */
struct attention_head {
    struct ops_sequence queries, keys;
    int64_t columns, wide; /* elements of a row of query and keys, and of values and output */
    int64_t q_at, k_at, v_at, y_at;
};

static struct attention_head head_of(const struct attention_pass *pass, int64_t s, int64_t head) {
    struct attention_head part = {.queries = ops_sequence_of(pass->call, QUERY, s),
                                  .keys = ops_sequence_of(pass->call, KEYS, s),
                                  .columns = pass->d * pass->options->heads,
                                  .wide = pass->w * pass->options->heads};
    part.q_at = part.queries.begin * part.columns + head * pass->d;
    part.k_at = part.keys.begin * part.columns + head * pass->d;
    part.v_at = ops_sequence_of(pass->call, VALUES, s).begin * part.wide + head * pass->w;
    part.y_at = part.queries.begin * part.wide + head * pass->w;
    return part;
}

/* The queries first .. first + count - 1 of a sequence, and the keys begin .. end - 1 that one of them or more see. Later
 * queries see neither earlier nor fewer keys at the end. */
struct query_block {
    int64_t first, count, position, begin, end;
    struct key_range seen[BLOCK];
};

static struct query_block block_of(const struct attention_pass *pass, const struct attention_head *head,
                                   int64_t first) {
    const int64_t left = head->queries.length - first;
    struct query_block block = {.first = first,
                                .count = left < BLOCK ? left : BLOCK,
                                .position = head->keys.length - head->queries.length + first};
    for (int64_t b = 0; b < block.count; b++) {
        block.seen[b] = visible_keys(pass->options, block.position + b, head->keys.length);
    }
    block.begin = block.seen[0].begin;
    block.end = block.seen[block.count - 1].end;
    return block;
}

#define ATTENTION_OF(T, suffix)                                                                                        \
    /* y = x rotated by the angle of `position`, or with `sign` -1 by its opposite, the transposed rotation. */        \
    KERNEL_INLINE void rotate_##suffix(const struct attention_pass *pass, int64_t position, T sign, const T *x,        \
                                       T *y) {                                                                         \
        const int64_t half = pass->d / 2, at = (position - pass->first_position) * half;                               \
        const T *cosine = (const T *)pass->cosines + at, *sine = (const T *)pass->sines + at;                          \
        KERNEL_LOOP                                                                                                    \
        for (int64_t c = 0; c < half; c++) {                                                                           \
            const T even = x[2 * c], odd = x[2 * c + 1], turn = sign * sine[c];                                        \
            y[2 * c] = even * cosine[c] - odd * turn;                                                                  \
            y[2 * c + 1] = even * turn + odd * cosine[c];                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_INLINE void rotate_rows_##suffix(const struct attention_pass *pass, int64_t position, const T *x,           \
                                            int64_t stride, int64_t rows, T *y) {                                      \
        for (int64_t r = 0; r < rows; r++) {                                                                           \
            rotate_##suffix(pass, position + r, 1, x + r * stride, y + r * pass->d);                                   \
        }                                                                                                              \
    }                                                                                                                  \
    /* The weights of a block of queries: p[b, j - block.begin] of key j, for the keys that query b sees. */           \
    KERNEL_INLINE void weights_##suffix(const struct attention_pass *pass, const struct query_block *block,            \
                                        const T *q, int64_t q_stride, const T *k, int64_t k_stride, T *p) {            \
        const int64_t row = weights_row(pass);                                                                         \
        row_products_##suffix(q, q_stride, block->count, k + block->begin * k_stride, k_stride,                        \
                              block->end - block->begin, pass->d, p, row);                                             \
        for (int64_t b = 0; b < block->count; b++) {                                                                   \
            const struct key_range seen = block->seen[b];                                                              \
            if (seen.begin < seen.end) {                                                                               \
                row_softmax_##suffix(p + b * row + seen.begin - block->begin, seen.end - seen.begin, (T)pass->scale);  \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void attention_##suffix(const struct attention_pass *pass, int64_t s, int64_t number,         \
                                                 void *scratch) {                                                      \
        const rondo_op_call *call = pass->call;                                                                        \
        const struct attention_head head = head_of(pass, s, number);                                                   \
        const int64_t d = pass->d, w = pass->w, row = weights_row(pass), rotary = pass->options->rotary;               \
        const T *q = (const T *)call->inputs[QUERY].data + head.q_at,                                                  \
                *k = (const T *)call->inputs[KEYS].data + head.k_at;                                                   \
        const T *v = (const T *)call->inputs[VALUES].data + head.v_at;                                                 \
        T *y = (T *)call->output.data + head.y_at;                                                                     \
        T *p = scratch, *rotated = p + 2 * BLOCK * row, *rotated_keys = rotated + (BLOCK + 2) * d;                     \
        const int64_t stride = rotary ? d : head.columns;                                                              \
        if (rotary) {                                                                                                  \
            rotate_rows_##suffix(pass, 0, k, head.columns, head.keys.length, rotated_keys);                            \
            k = rotated_keys;                                                                                          \
        }                                                                                                              \
        for (int64_t first = 0; first < head.queries.length; first += BLOCK) {                                         \
            const struct query_block block = block_of(pass, &head, first);                                             \
            const T *queries = q + first * head.columns;                                                               \
            if (rotary) {                                                                                              \
                rotate_rows_##suffix(pass, block.position, queries, head.columns, block.count, rotated);               \
                queries = rotated;                                                                                     \
            }                                                                                                          \
            weights_##suffix(pass, &block, queries, stride, k, stride, p);                                             \
            for (int64_t b = 0; b < block.count; b++) {                                                                \
                const struct key_range seen = block.seen[b];                                                           \
                T *result = y + (first + b) * head.wide;                                                               \
                memset(result, 0, sizeof(T) * (size_t)w);                                                              \
                row_add_##suffix(result, p + b * row + seen.begin - block.begin, 1, v + seen.begin * head.wide,        \
                                 head.wide, seen.end - seen.begin, w);                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* to_j += sum_b c[b, j - block.begin] x_b over the queries b of a block that see key j. */                        \
    KERNEL_INLINE void add_to_keys_##suffix(const struct query_block *block, const T *c, int64_t row, const T *x,      \
                                            int64_t x_stride, T *to, int64_t to_stride, int64_t n) {                   \
        int64_t first = 0, end = 0;                                                                                    \
        for (int64_t j = block->begin; j < block->end; j++) {                                                          \
            for (; first < block->count && block->seen[first].end <= j; first++) {                                     \
            }                                                                                                          \
            for (; end < block->count && block->seen[end].begin <= j; end++) {                                         \
            }                                                                                                          \
            row_add_##suffix(to + j * to_stride, c + first * row + j - block->begin, row, x + first * x_stride,        \
                             x_stride, end - first, n);                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void attention_grad_##suffix(const struct attention_pass *pass, int64_t s, int64_t number,    \
                                                      void *scratch) {                                                 \
        const rondo_op_call *call = pass->call;                                                                        \
        const struct attention_head head = head_of(pass, s, number);                                                   \
        const int64_t d = pass->d, w = pass->w, row = weights_row(pass), rotary = pass->options->rotary;               \
        const T *q = (const T *)call->inputs[QUERY].data + head.q_at,                                                  \
                *k = (const T *)call->inputs[KEYS].data + head.k_at;                                                   \
        const T *v = (const T *)call->inputs[VALUES].data + head.v_at;                                                 \
        const T *g = (const T *)call->grad_output->data + head.y_at;                                                   \
        T *gq = call->grad_inputs[QUERY].data, *gk = call->grad_inputs[KEYS].data;                                     \
        T *gv = call->grad_inputs[VALUES].data;                                                                        \
        T *p = scratch, *gp = p + BLOCK * row, *rotated = gp + BLOCK * row, *back = rotated + BLOCK * d;               \
        T *rotated_keys = back + 2 * d, *rotated_gk = rotated_keys + pass->longest * d;                                \
        const int64_t stride = rotary ? d : head.columns;                                                              \
        const T one = 1;                                                                                               \
        T *gk_sum = gk == NULL ? NULL : gk + head.k_at;                                                                \
        if (rotary) {                                                                                                  \
            rotate_rows_##suffix(pass, 0, k, head.columns, head.keys.length, rotated_keys);                            \
            memset(rotated_gk, 0, sizeof(T) * (size_t)(head.keys.length * d));                                         \
            k = rotated_keys;                                                                                          \
            gk_sum = gk == NULL ? NULL : rotated_gk;                                                                   \
        }                                                                                                              \
        for (int64_t first = 0; first < head.queries.length; first += BLOCK) {                                         \
            const struct query_block block = block_of(pass, &head, first);                                             \
            const T *queries = q + first * head.columns, *grad = g + first * head.wide;                                \
            if (rotary) {                                                                                              \
                rotate_rows_##suffix(pass, block.position, queries, head.columns, block.count, rotated);               \
                queries = rotated;                                                                                     \
            }                                                                                                          \
            weights_##suffix(pass, &block, queries, stride, k, stride, p);                                             \
            row_products_##suffix(grad, head.wide, block.count, v + block.begin * head.wide, head.wide,                \
                                  block.end - block.begin, w, gp, row);                                                \
            if (gv != NULL) {                                                                                          \
                add_to_keys_##suffix(&block, p, row, grad, head.wide, gv + head.v_at, head.wide, w);                   \
            }                                                                                                          \
            for (int64_t b = 0; b < block.count; b++) {                                                                \
                const struct key_range seen = block.seen[b];                                                           \
                const int64_t n = seen.end - seen.begin, at = b * row + seen.begin - block.begin;                      \
                T mean = 0;                                                                                            \
                if (n <= 0) {                                                                                          \
                    continue;                                                                                          \
                }                                                                                                      \
                row_products_##suffix(p + at, 0, 1, gp + at, 0, 1, n, &mean, 0);                                       \
                KERNEL_LOOP                                                                                            \
                for (int64_t j = 0; j < n; j++) {                                                                      \
                    gp[at + j] = (T)pass->scale * p[at + j] * (gp[at + j] - mean);                                     \
                }                                                                                                      \
                if (gq != NULL) {                                                                                      \
                    T *sum = rotary ? back : gq + head.q_at + (first + b) * head.columns;                              \
                    if (rotary) {                                                                                      \
                        memset(back, 0, sizeof(T) * (size_t)d);                                                        \
                    }                                                                                                  \
                    row_add_##suffix(sum, gp + at, 1, k + seen.begin * stride, stride, n, d);                          \
                    if (rotary) {                                                                                      \
                        rotate_##suffix(pass, block.position + b, -1, back, back + d);                                 \
                        row_add_##suffix(gq + head.q_at + (first + b) * head.columns, &one, 0, back + d, 0, 1, d);     \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
            if (gk_sum != NULL) {                                                                                      \
                add_to_keys_##suffix(&block, gp, row, queries, stride, gk_sum, stride, d);                             \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t j = 0; rotary && gk != NULL && j < head.keys.length; j++) {                                       \
            rotate_##suffix(pass, j, -1, rotated_gk + j * d, back);                                                    \
            row_add_##suffix(gk + head.k_at + j * head.columns, &one, 0, back, 0, 1, d);                               \
        }                                                                                                              \
    }

ATTENTION_OF(float, f32)
ATTENTION_OF(double, f64)

static rondo_status refuse_shapes(rondo_context *ctx, const rondo_op_call *call, const char *why) {
    return ctx->host->fail(ctx, RONDO_INVALID, "query %s, keys %s and values %s do not fit: %s",
                           ops_shape_text(&call->inputs[QUERY]).text, ops_shape_text(&call->inputs[KEYS]).text,
                           ops_shape_text(&call->inputs[VALUES]).text, why);
}

static rondo_status attention_infer(rondo_context *ctx, rondo_op_call *call) {
    static const char *const names[] = {"query", "keys", "values"};
    const struct attention_options *options = call->options;
    const rondo_tensor *query = &call->inputs[QUERY], *keys = &call->inputs[KEYS], *values = &call->inputs[VALUES];
    for (int32_t k = 0; k < 3; k++) {
        const rondo_status status = ops_need_float(ctx, call, k, names[k]);
        if (status != RONDO_OK) {
            return status;
        }
        if (call->inputs[k].ndim != 2) {
            return refuse_shapes(ctx, call, "each needs 2 dimensions, elements and columns");
        }
    }
    const int64_t columns = query->shape[1], wide = values->shape[1];
    if (keys->shape[1] != columns) {
        return refuse_shapes(ctx, call, "query and keys need equally many columns");
    }
    if (keys->shape[0] != values->shape[0]) {
        return refuse_shapes(ctx, call, "there must be a value for each key");
    }
    for (int32_t k = 0; k < 3; k++) {
        const int64_t size = call->inputs[k].shape[1];
        if (size % options->heads != 0) {
            return ctx->host->fail(ctx, RONDO_INVALID,
                                   "'heads' is %" PRId64 ", which does not divide the %" PRId64 " columns of %s %s",
                                   options->heads, size, names[k], ops_shape_text(&call->inputs[k]).text);
        }
    }
    if (options->rotary && columns / options->heads % 2 != 0) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "'rotary' needs an even number of columns in each head, but query %s has %" PRId64
                               " columns in each of %" PRId64,
                               ops_shape_text(query).text, columns / options->heads, options->heads);
    }
    call->output = *query;
    call->output.data = NULL;
    call->output.shape[1] = wide;
    return ops_check_size(ctx, call);
}

/* Steps from a position to the next, or to the one before, turn every angle by the same amount:
 *     cos(a + f) = cos a cos f - sin a sin f,    sin(a + f) = sin a cos f + cos a sin f
 * From position 0 on, so that an angle depends on its position only; in f64, since errors grow with the position. */
struct turning {
    int64_t half;
    double *step_cosine, *step_sine; /* [half] of the angle from one position to the next */
    double *cosine, *sine;           /* [half] of the current position */
};

static void turn_to_start(struct turning *turning) {
    for (int64_t c = 0; c < turning->half; c++) {
        turning->cosine[c] = 1;
        turning->sine[c] = 0;
    }
}

KERNEL_CLONES static void turn(struct turning *turning, double direction) {
    KERNEL_LOOP
    for (int64_t c = 0; c < turning->half; c++) {
        const double cosine = turning->cosine[c], sine = turning->sine[c], by = direction * turning->step_sine[c];
        turning->cosine[c] = cosine * turning->step_cosine[c] - sine * by;
        turning->sine[c] = sine * turning->step_cosine[c] + cosine * by;
    }
}

#define FILL_TABLES_OF(T, suffix)                                                                                      \
    KERNEL_CLONES static void write_angles_##suffix(const struct turning *turning, int64_t row, T *cosines,            \
                                                    T *sines) {                                                        \
        KERNEL_LOOP                                                                                                    \
        for (int64_t c = 0; c < turning->half; c++) {                                                                  \
            cosines[row * turning->half + c] = (T)turning->cosine[c];                                                  \
            sines[row * turning->half + c] = (T)turning->sine[c];                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void fill_tables_##suffix(struct turning *turning, int64_t first, int64_t end, T *cosines, T *sines) {      \
        turn_to_start(turning);                                                                                        \
        for (int64_t position = 0; position < end; position++) {                                                       \
            write_angles_##suffix(turning, position - first, cosines, sines);                                          \
            turn(turning, 1);                                                                                          \
        }                                                                                                              \
        turn_to_start(turning);                                                                                        \
        for (int64_t position = -1; position >= first; position--) {                                                   \
            turn(turning, -1);                                                                                         \
            write_angles_##suffix(turning, position - first, cosines, sines);                                          \
        }                                                                                                              \
    }
FILL_TABLES_OF(float, f32)
FILL_TABLES_OF(double, f64)

/* The angles of all positions of the call. Queries before the first key have negative positions. */
static rondo_status make_tables(rondo_context *ctx, struct attention_pass *pass) {
    const rondo_op_call *call = pass->call;
    for (int64_t s = 0; s < call->rows[QUERY]->count; s++) {
        const int64_t first = ops_sequence_of(call, KEYS, s).length - ops_sequence_of(call, QUERY, s).length;
        pass->first_position = first < pass->first_position ? first : pass->first_position;
    }
    const int64_t positions = pass->longest - pass->first_position, half = pass->d / 2;
    const size_t bytes = ops_element_size(call->output.dtype) * (size_t)(positions * half);
    char *tables = ctx->host->alloc(ctx, 2 * bytes);
    double *turns = ctx->host->alloc(ctx, 4 * sizeof *turns * (size_t)half);
    if (tables == NULL || turns == NULL) {
        return RONDO_NO_MEMORY;
    }
    struct turning turning = {half, turns, turns + half, turns + 2 * half, turns + 3 * half};
    for (int64_t c = 0; c < half; c++) {
        const double frequency = pow(10000, -(double)c / (double)half);
        turning.step_cosine[c] = cos(frequency);
        turning.step_sine[c] = sin(frequency);
    }
    KERNEL_BY_DTYPE(call->output.dtype, fill_tables, &turning, pass->first_position, pass->longest, (void *)tables,
                    (void *)(tables + bytes));
    pass->cosines = tables;
    pass->sines = tables + bytes;
    return RONDO_OK;
}

static rondo_status prepare(rondo_context *ctx, rondo_op_call *call, struct attention_pass *pass, int shares) {
    const struct attention_options *options = call->options;
    const struct ops_sequence_size size = ops_sequence_size(call, KEYS);
    *pass = (struct attention_pass){.call = call,
                                    .options = options,
                                    .d = call->inputs[QUERY].shape[1] / options->heads,
                                    .w = call->inputs[VALUES].shape[1] / options->heads,
                                    .longest = size.longest,
                                    .shares = shares};
    pass->scale = options->scale > 0 ? options->scale : 1 / sqrt((double)(pass->d > 0 ? pass->d : 1));
    rondo_status status = ops_check_lengths(ctx, call, KEYS, "keys", VALUES, "values");
    if (status == RONDO_OK && options->rotary) {
        status = make_tables(ctx, pass);
    }
    const int64_t items = options->heads * (shares ? 1 : call->rows[QUERY]->count);
    const double work = (double)size.pairs * (double)(pass->d + pass->w + 4) * (double)options->heads;
    return status == RONDO_OK ? ops_divide(ctx, &pass->ranges, items, work,
                                           scratch_elements(pass) * ops_element_size(call->output.dtype))
                              : status;
}

static void forward_items(void *arg, int64_t begin, int64_t end) {
    const struct attention_pass *pass = arg;
    const int64_t heads = pass->options->heads;
    void *scratch = ops_range_scratch(&pass->ranges, begin);
    for (int64_t i = begin; i < end; i++) {
        KERNEL_BY_DTYPE(pass->call->output.dtype, attention, pass, i / heads, i % heads, scratch);
    }
}

static rondo_status attention_forward(rondo_context *ctx, rondo_op_call *call) {
    struct attention_pass pass;
    const rondo_status status = prepare(ctx, call, &pass, 0);
    if (status == RONDO_OK) {
        ctx->host->parallel_for(ctx, call->rows[QUERY]->count * pass.options->heads, pass.ranges.grain, forward_items,
                                &pass);
    }
    return status;
}

static void backward_items(void *arg, int64_t begin, int64_t end) {
    const struct attention_pass *pass = arg;
    const int64_t heads = pass->options->heads, count = pass->call->rows[QUERY]->count;
    void *scratch = ops_range_scratch(&pass->ranges, begin);
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = pass->shares ? 0 : i / heads, behind = pass->shares ? count : first + 1;
        for (int64_t s = first; s < behind; s++) {
            KERNEL_BY_DTYPE(pass->call->output.dtype, attention_grad, pass, s, i % heads, scratch);
        }
    }
}

static rondo_status attention_backward(rondo_context *ctx, rondo_op_call *call) {
    struct attention_pass pass;
    int shares = 0;
    for (int32_t k = 0; k < 3; k++) {
        shares |= call->grad_inputs[k].data != NULL && !ops_are_apart(call, k);
    }
    const rondo_status status = prepare(ctx, call, &pass, shares);
    if (status == RONDO_OK) {
        const int64_t items = pass.options->heads * (shares ? 1 : call->rows[QUERY]->count);
        ctx->host->parallel_for(ctx, items, pass.ranges.grain, backward_items, &pass);
    }
    return status;
}

static uint32_t attention_looks(const void *of) {
    const struct attention_options *options = of;
    const int by_position = options->causal || options->window > 0 || options->rotary;
    return (by_position ? RONDO_LOOKS_BY_POSITION : 0u) | (options->causal ? 0u : RONDO_LOOKS_AHEAD);
}

static const struct ops_sequence_case attention_cases[] = {
    {{3, 0, NULL, {{2, {5, 4}}, {2, {8, 4}}, {2, {8, 3}}}}, 2, {{2, 3}, {5, 3}, {5, 3}}},
    {{3, 0, "heads=2", {{2, {6, 4}}, {2, {7, 4}}, {2, {7, 6}}}}, 3, {{1, 4, 1}, {4, 2, 1}, {4, 2, 1}}},
    {{3, 0, "causal=true", {{2, {7, 3}}, {2, {7, 3}}, {2, {7, 3}}}}, 2, {{4, 3}, {4, 3}, {4, 3}}},
    {{3, 0, "causal=true heads=2 rotary=true", {{2, {6, 4}}, {2, {9, 4}}, {2, {9, 2}}}}, 2, {{2, 3}, {5, 3}, {5, 3}}},
    {{3, 0, "window=2 scale=0.7", {{2, {6, 2}}, {2, {6, 2}}, {2, {6, 2}}}}, 1, {{6}, {6}, {6}}},
    {{3, 0, "causal=true", {{2, {4, 2}}, {2, {2, 2}}, {2, {2, 2}}}}, 1, {{4}, {2}, {2}}},
    {{3, 0, "causal=true window=2", {{2, {5, 2}}, {2, {6, 2}}, {2, {6, 1}}}}, 2, {{2, 3}, {3, 3}, {3, 3}}},
    {{3, 0, NULL, {{2, {3, 2}}, {2, {4, 2}}, {2, {4, 3}}}}, 3, {{1, 1, 1}, {ALL_SEQUENCES}, {ALL_SEQUENCES}}},
    {{3, 0, NULL, {{2, {3, 2}}, {2, {2, 2}}, {2, {2, 2}}}}, 3, {{1, 1, 1}, {0, 2, 0}, {0, 2, 0}}},
    {{3, 0, "rotary=true", {{2, {3, 2}}, {2, {2, 2}}, {2, {2, 2}}}}, 1, {{3}, {2}, {2}}},
};

static int32_t attention_sample(int32_t index, rondo_sample *sample) {
    return ops_sample_of_sequences(attention_cases, sizeof attention_cases / sizeof attention_cases[0], index, sample);
}

static int32_t attention_sample_lengths(int32_t index, int32_t input, int64_t lengths[RONDO_SAMPLE_SEQUENCES]) {
    return ops_sample_lengths(attention_cases, index, input, lengths);
}

const rondo_op op_attention = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "attention",
             .summary = "y = softmax(scale * query keys^T) values for each sequence and head, with the keys that each "
                        "query sees; 0 if there are none (Vaswani et al. 2017)",
             .options = attention_option_table,
             .options_size = sizeof(struct attention_options)},
    .flags = RONDO_OP_SEQUENCES,
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "query, keys, values",
    .infer = attention_infer,
    .forward = attention_forward,
    .backward = attention_backward,
    .sample = attention_sample,
    .sample_lengths = attention_sample_lengths,
    .looks = attention_looks,
};
