/* plugins/losses/contrastive.c: embeddings in which rows of one class are near each other and others farther away:
 * the contrastive loss compares pairs of rows of a batch, the triplet loss two distances from one row.
 *
 * Sources: contrastive: Hadsell, Chopra & LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR
 * 2006, over all pairs of rows of a batch; triplet: Schroff, Kalenichenko & Philbin, "FaceNet: a unified embedding for
 * face recognition and clustering", CVPR 2015, section 3.1; which triplets of a batch: Hermans, Beyer & Leibe, "In
 * defense of the triplet loss for person re-identification", arXiv 1703.07737, 2017, section 2.
 *
 * Outputs (rows, size) are the embeddings, and the predictions as well; targets (rows) are classes.
 *
 * triplet.so is a link to contrastive.so, so that each is found by its name.
 */
#include <math.h>
#include <stdio.h>

#include "rondo/plugin.h"

struct embedding {
    int64_t size;
    double margin;
    int32_t normalise;
    int32_t soft_margin, mining, squared; /* triplet */
};

/* The default of triplet. With a soft margin, margin must keep this value. */
#define TRIPLET_MARGIN 0.2

static const rondo_option contrastive_options[] = {
    RONDO_OPTION_INT(struct embedding, size, "64", 1, 65536, "width of an embedding"),
    RONDO_OPTION_REAL(struct embedding, margin, "1", 0, 1e6,
                      "distance from which on two rows of different classes have no loss"),
    RONDO_OPTION_BOOL(struct embedding, normalise, "false", "scale embeddings to length 1"),
    RONDO_OPTION_END,
};

enum { BATCH_HARD, BATCH_ALL, BATCH_ALL_NONZERO };
static const char *const minings[] = {"batch_hard", "batch_all", "batch_all_nonzero", NULL};
static const rondo_option triplet_options[] = {
    RONDO_OPTION_INT(struct embedding, size, "64", 1, 65536, "width of an embedding"),
    RONDO_OPTION_REAL(struct embedding, margin, "0.2", 0, 1e6,
                      "how much farther from a row the rows of other classes should be than those of its own class"),
    RONDO_OPTION_BOOL(struct embedding, soft_margin, "false", "use ln(1 + e^difference) instead of the margin"),
    RONDO_OPTION_CHOICE(struct embedding, mining, "batch_hard", minings,
                        "for each row, the farthest row of its class and the nearest row of another class; or the mean "
                        "over all triplets, or over all triplets with a loss above 0"),
    RONDO_OPTION_BOOL(struct embedding, squared, "false", "compare squared distances, as FaceNet does"),
    RONDO_OPTION_BOOL(struct embedding, normalise, "false", "scale embeddings to length 1"),
    RONDO_OPTION_END,
};

static const rondo_metric metrics[] = {{"recall_at_1", RONDO_METRIC_MEAN, 1}, {0}};

/* Lower bounds of squared lengths, because a root has no derivative at 0. With them gradients stay finite, and nothing
 * else changes. */
static const double LEAST_SQUARE = 1e-24, LEAST_NORM_SQUARE = 1e-12;

/* The number of multiplications per range that justifies starting a thread. */
enum { GRAIN = 1 << 16 };

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are %s, expected classes",
                               call->target_kind == RONDO_TARGET_REAL ? "numbers" : "lists");
    }
    const struct embedding *self = call->options;
    if (self->soft_margin && self->margin != TRIPLET_MARGIN) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'margin' is %g, and is not used if 'soft_margin' is true",
                               self->margin);
    }
    *size = self->size;
    return RONDO_OK;
}

static double squared_distance(const rondo_tensor *x, int64_t a, int64_t b) {
    const int64_t size = x->shape[1];
    double sum = 0;
    for (int64_t d = 0; d < size; d++) {
        const double difference = rondo_get(x, a * size + d) - rondo_get(x, b * size + d);
        sum += difference * difference;
    }
    return sum;
}

/* `count` integers on the tape. */
static rondo_value indices(rondo_context *ctx, int32_t *numbers, int64_t count) {
    const rondo_tensor tensor = {.data = numbers, .dtype = RONDO_I32, .ndim = 1, .shape = {count}};
    return ctx->host->constant(ctx, &tensor);
}

/* e = x / |x| if embeddings are scaled to length 1, else x */
static rondo_value embed(rondo_context *ctx, const rondo_loss_call *call, int32_t dtype, rondo_value x) {
    if (!((const struct embedding *)call->options)->normalise) {
        return x;
    }
    const rondo_value square = rondo_apply1(ctx, "sum", "axis=-1 keep=true", rondo_apply1(ctx, "square", NULL, x));
    const rondo_value bounded = rondo_apply2(ctx, "maximum", NULL, square, rondo_number(ctx, dtype, LEAST_NORM_SQUARE));
    return rondo_apply2(ctx, "div", NULL, x, rondo_apply1(ctx, "sqrt", NULL, bounded)); /* (rows, size) */
}

/* D = |e_a - e_b| for each pair (a, b) */
static rondo_value distances(rondo_context *ctx, int32_t dtype, rondo_value e, rondo_value first, rondo_value second) {
    const rondo_value difference = rondo_apply2(ctx, "sub", NULL, rondo_apply2(ctx, "gather", NULL, e, first),
                                                rondo_apply2(ctx, "gather", NULL, e, second)); /* (pairs, size) */
    const rondo_value square = rondo_apply1(ctx, "sum", "axis=-1", rondo_apply1(ctx, "square", NULL, difference));
    const rondo_value bounded = rondo_apply2(ctx, "maximum", NULL, square, rondo_number(ctx, dtype, LEAST_SQUARE));
    return rondo_apply1(ctx, "sqrt", NULL, bounded); /* (pairs) */
}

/* ---- contrastive: every pair of rows; n rows take memory for n (n - 1) / 2 differences of embeddings ---- */

/* All pairs of rows a < b, and the positions of the pairs of each row. */
struct pairs {
    int64_t count;
    int32_t *first, *second; /* (pairs) */
    int32_t *of_row;         /* (rows, rows - 1): numbers of pairs */
};

static rondo_status list_pairs(rondo_context *ctx, int64_t rows, struct pairs *pairs) {
    if (rows > 65536) { /* indices have 32 bits */
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "a batch has %lld rows, expected 65536 at most: every pair is compared",
                               (long long)rows);
    }
    pairs->count = rows * (rows - 1) / 2;
    const size_t bytes = (size_t)pairs->count * sizeof(int32_t);
    pairs->first = ctx->host->alloc(ctx, bytes + 1);
    pairs->second = ctx->host->alloc(ctx, bytes + 1);
    pairs->of_row = ctx->host->alloc(ctx, 2 * bytes + 1);
    if (pairs->first == NULL || pairs->second == NULL || pairs->of_row == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    int32_t pair = 0;
    for (int64_t a = 0; a < rows; a++) {
        for (int64_t b = a + 1; b < rows; b++, pair++) {
            pairs->first[pair] = (int32_t)a;
            pairs->second[pair] = (int32_t)b;
            pairs->of_row[a * (rows - 1) + b - 1] = pair;
            pairs->of_row[b * (rows - 1) + a] = pair;
        }
    }
    return RONDO_OK;
}

/* 1 for each pair of one class, else 0. */
static rondo_value same_class(rondo_context *ctx, const struct pairs *pairs, const int32_t *class_of, int32_t dtype) {
    rondo_tensor same = {.dtype = dtype, .ndim = 1, .shape = {pairs->count}};
    same.data = ctx->host->alloc(ctx, (size_t)pairs->count * sizeof(double) + 1);
    if (same.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t pair = 0; pair < pairs->count; pair++) {
        rondo_set(&same, pair, class_of[pairs->first[pair]] == class_of[pairs->second[pair]]);
    }
    return ctx->host->constant(ctx, &same);
}

/* For a pair at distance D:
 *     1/2 D^2 where the classes are equal, 1/2 max(0, margin - D)^2 where they are not
 * The loss of a row is the mean over the pairs that contain it, so the mean over the rows equals the mean over all
 * pairs. */
static rondo_value record_pairs(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                rondo_value targets) {
    const struct embedding *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, size) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    struct pairs pairs = {0};
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK ||
        list_pairs(ctx, x->shape[0], &pairs) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const int64_t rows = x->shape[0], others = rows > 0 ? rows - 1 : 0;
    const int32_t dtype = x->dtype;
    const rondo_tensor table = {.data = pairs.of_row, .dtype = RONDO_I32, .ndim = 2, .shape = {rows, others}};
    const rondo_value e = embed(ctx, call, dtype, outputs); /* (rows, size) */
    const rondo_value d = distances(ctx, dtype, e, indices(ctx, pairs.first, pairs.count),
                                    indices(ctx, pairs.second, pairs.count));                              /* (pairs) */
    const rondo_value missing = rondo_apply2(ctx, "sub", NULL, rondo_number(ctx, dtype, self->margin), d); /* (pairs) */
    const rondo_value error = rondo_apply3(ctx, "where", NULL, same_class(ctx, &pairs, classes->data, dtype), d,
                                           rondo_apply1(ctx, "relu", NULL, missing)); /* (pairs) */
    const rondo_value square = rondo_apply1(ctx, "square", NULL, error);              /* (pairs) */
    const rondo_value of_row = rondo_apply2(ctx, "gather", NULL, square, ctx->host->constant(ctx, &table));
    const rondo_value sum = rondo_apply1(ctx, "sum", "axis=-1", of_row); /* (rows) */
    return rondo_apply2(ctx, "mul", NULL, sum, rondo_number(ctx, dtype, others > 0 ? 0.5 / (double)others : 0));
}

/* ---- triplet: a row a, another row p of its class and a row n of another class; a row in no triplet as `a` has
 * loss 0 ---- */

/* The rows that are compared: in triplet t, the distance of pair near[t] should be smaller than that of pair far[t];
 * both pairs contain row anchor[t].
 */
struct mined {
    int64_t pairs, triplets;
    int32_t *first, *second;      /* (pairs): rows */
    int32_t *anchor, *near, *far; /* (triplets): a row, two pairs */
};

static rondo_status make_room(rondo_context *ctx, struct mined *mined, int64_t pairs, int64_t triplets) {
    if (pairs > INT32_MAX || triplets > INT32_MAX) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "a batch has %lld triplets of %lld pairs of rows, expected 2147483647 at most (use "
                               "smaller batches, or mining=batch_hard)",
                               (long long)triplets, (long long)pairs);
    }
    const size_t pair_bytes = (size_t)pairs * sizeof(int32_t) + 1, bytes = (size_t)triplets * sizeof(int32_t) + 1;
    *mined = (struct mined){.first = ctx->host->alloc(ctx, pair_bytes),
                            .second = ctx->host->alloc(ctx, pair_bytes),
                            .anchor = ctx->host->alloc(ctx, bytes),
                            .near = ctx->host->alloc(ctx, bytes),
                            .far = ctx->host->alloc(ctx, bytes)};
    if (mined->first == NULL || mined->second == NULL || mined->anchor == NULL || mined->near == NULL ||
        mined->far == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    return RONDO_OK;
}

static int32_t add_pair(struct mined *mined, int64_t a, int64_t b) {
    mined->first[mined->pairs] = (int32_t)a;
    mined->second[mined->pairs] = (int32_t)b;
    return (int32_t)mined->pairs++;
}

static void add_triplet(struct mined *mined, int64_t anchor, int32_t near, int32_t far) {
    mined->anchor[mined->triplets] = (int32_t)anchor;
    mined->near[mined->triplets] = near;
    mined->far[mined->triplets] = far;
    mined->triplets++;
}

/* The partners of each row in a batch-hard triplet; -1: none. */
struct partners {
    const rondo_tensor *embeddings; /* (rows, size) */
    const int32_t *class_of;        /* (rows) */
    int32_t *positive, *negative;   /* (rows) */
};

static void find_partners(void *arg, int64_t begin, int64_t end) {
    const struct partners *p = arg;
    const int64_t rows = p->embeddings->shape[0];
    for (int64_t row = begin; row < end; row++) {
        double farthest = -1, nearest = INFINITY;
        p->positive[row] = p->negative[row] = -1;
        for (int64_t other = 0; other < rows; other++) {
            const double distance = squared_distance(p->embeddings, row, other);
            const int is_positive = p->class_of[other] == p->class_of[row];
            const int is_nan = distance != distance; /* it is chosen and kept, so that the loss shows it */
            if (is_positive && other != row && (distance > farthest || is_nan)) {
                farthest = distance;
                p->positive[row] = (int32_t)other;
            } else if (!is_positive && (distance < nearest || is_nan)) {
                nearest = distance;
                p->negative[row] = (int32_t)other;
            }
        }
    }
}

/* Batch hard: each row with the farthest row of its class and the nearest row of another class. */
static rondo_status mine_hard(rondo_context *ctx, const rondo_tensor *e, const int32_t *class_of, struct mined *mined) {
    const int64_t rows = e->shape[0];
    const size_t bytes = (size_t)rows * sizeof(int32_t) + 1;
    struct partners partners = {e, class_of, ctx->host->alloc(ctx, bytes), ctx->host->alloc(ctx, bytes)};
    if (partners.positive == NULL || partners.negative == NULL) {
        return ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
    }
    const rondo_status status = make_room(ctx, mined, 2 * rows, rows);
    if (status != RONDO_OK) {
        return status;
    }
    ctx->host->parallel_for(ctx, rows, GRAIN / (1 + rondo_count(e)) + 1, find_partners, &partners);
    for (int64_t row = 0; row < rows; row++) {
        if (partners.positive[row] >= 0 && partners.negative[row] >= 0) {
            const int32_t near = add_pair(mined, row, partners.positive[row]);
            add_triplet(mined, row, near, add_pair(mined, row, partners.negative[row]));
        }
    }
    return RONDO_OK;
}

/* The number of the pair of two different rows, in the order in which mine_all lists them. */
static int32_t pair_of(int64_t rows, int64_t a, int64_t b) {
    const int64_t low = a < b ? a : b, high = a < b ? b : a;
    return (int32_t)(low * rows - low * (low + 1) / 2 + high - low - 1);
}

/* Batch all: every triplet. */
static rondo_status mine_all(rondo_context *ctx, const rondo_tensor *e, const int32_t *class_of, struct mined *mined) {
    const int64_t rows = e->shape[0];
    int64_t triplets = 0;
    for (int64_t a = 0; a < rows; a++) {
        int64_t same = 0;
        for (int64_t b = 0; b < rows; b++) {
            same += class_of[b] == class_of[a];
        }
        triplets += (same - 1) * (rows - same);
    }
    const rondo_status status = make_room(ctx, mined, rows * (rows - 1) / 2, triplets);
    for (int64_t a = 0; status == RONDO_OK && a < rows; a++) {
        for (int64_t b = a + 1; b < rows; b++) {
            add_pair(mined, a, b);
        }
        for (int64_t p = 0; p < rows; p++) {
            for (int64_t n = 0; p != a && class_of[p] == class_of[a] && n < rows; n++) {
                if (class_of[n] != class_of[a]) {
                    add_triplet(mined, a, pair_of(rows, a, p), pair_of(rows, a, n));
                }
            }
        }
    }
    return status;
}

/* The factor on the sum over the triplets of a row. It makes the mean over rows equal to the mean over triplets, except
 * for batch_hard, where every row counts once. */
static double share_of_triplets(int32_t mining, const rondo_tensor *costs, int64_t rows) {
    if (mining == BATCH_HARD) {
        return 1;
    }
    int64_t counted = 0;
    for (int64_t t = 0; t < costs->shape[0]; t++) {
        counted += mining == BATCH_ALL || rondo_get(costs, t) > 0;
    }
    return counted == 0 ? 0 : (double)rows / (double)counted;
}

/* loss = max(0, margin + D(a, p) - D(a, n)), or ln(1 + e^(D(a, p) - D(a, n))), with D the distance or its square */
static rondo_value record_triplets(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                   rondo_value targets) {
    const struct embedding *self = call->options;
    const rondo_tensor *x = ctx->host->tensor(ctx, outputs);       /* (rows, size) */
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets); /* (rows) */
    if (x == NULL || classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    const int32_t dtype = x->dtype;
    const int64_t rows = x->shape[0];
    const rondo_value e = embed(ctx, call, dtype, outputs); /* (rows, size) */
    const rondo_tensor *embeddings = ctx->host->tensor(ctx, e);
    struct mined m = {0};
    if (embeddings == NULL ||
        (self->mining == BATCH_HARD ? mine_hard : mine_all)(ctx, embeddings, classes->data, &m) != RONDO_OK) {
        return (rondo_value){-1};
    }
    rondo_value d = distances(ctx, dtype, e, indices(ctx, m.first, m.pairs), indices(ctx, m.second, m.pairs));
    d = self->squared ? rondo_apply1(ctx, "square", NULL, d) : d; /* (pairs) */
    const rondo_value near = rondo_apply2(ctx, "gather", NULL, d, indices(ctx, m.near, m.triplets));
    const rondo_value far = rondo_apply2(ctx, "gather", NULL, d, indices(ctx, m.far, m.triplets));
    const rondo_value excess = rondo_apply2(ctx, "sub", NULL, near, far); /* (triplets) */
    const rondo_value costs =
        self->soft_margin
            ? rondo_apply1(ctx, "softplus", NULL, excess)
            : rondo_apply1(ctx, "relu", NULL,
                           rondo_apply2(ctx, "add", NULL, excess, rondo_number(ctx, dtype, self->margin)));
    char text[48];
    snprintf(text, sizeof text, "count=%lld", (long long)rows);
    const rondo_value sum = rondo_apply2(ctx, "segment", text, costs, indices(ctx, m.anchor, m.triplets)); /* (rows) */
    const rondo_tensor *found = ctx->host->tensor(ctx, costs);
    const double share = found == NULL ? 0 : share_of_triplets(self->mining, found, rows);
    return rondo_apply2(ctx, "mul", NULL, sum, rondo_number(ctx, dtype, share));
}

/* ---- predictions and the metric ---- */

/* predictions = embeddings, scaled to length 1 if record does so */
static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t size = outputs->shape[1];
    for (int64_t at = 0; at < rondo_count(outputs); at += size) {
        double square = 0;
        for (int64_t d = 0; d < size; d++) {
            square += rondo_get(outputs, at + d) * rondo_get(outputs, at + d);
        }
        const int scales = ((const struct embedding *)call->options)->normalise;
        const double length = scales ? sqrt(fmax(square, LEAST_NORM_SQUARE)) : 1;
        for (int64_t d = 0; d < size; d++) {
            rondo_set(predictions, at + d, rondo_get(outputs, at + d) / length);
        }
    }
    return RONDO_OK;
}

/* The arguments of measure. */
struct neighbours {
    const rondo_tensor *embeddings; /* (rows, size) */
    const int32_t *class_of;        /* (rows) */
    unsigned char *is_right;        /* (rows) */
};

/* Sets is_right to 1 if the nearest other row (the first one, if several are equally near) has the row's class. */
static void find_neighbours(void *arg, int64_t begin, int64_t end) {
    const struct neighbours *n = arg;
    const int64_t rows = n->embeddings->shape[0];
    for (int64_t row = begin; row < end; row++) {
        double least = INFINITY;
        n->is_right[row] = 0;
        for (int64_t other = 0; other < rows; other++) {
            const double distance = other == row ? INFINITY : squared_distance(n->embeddings, row, other);
            if (distance < least) {
                least = distance;
                n->is_right[row] = n->class_of[other] == n->class_of[row];
            }
        }
    }
}

static rondo_status measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums) {
    const rondo_status status = rondo_check_classes(ctx, targets, call->target_size);
    if (status != RONDO_OK) {
        return status;
    }
    const int64_t rows = predictions->shape[0];
    struct neighbours neighbours = {predictions, targets->data, ctx->host->alloc(ctx, (size_t)rows + 1)};
    if (neighbours.is_right == NULL) {
        return RONDO_NO_MEMORY;
    }
    ctx->host->parallel_for(ctx, rows, GRAIN / (1 + rondo_count(predictions)) + 1, find_neighbours, &neighbours);
    for (int64_t row = 0; row < rows; row++) {
        sums[0] += neighbours.is_right[row];
    }
    return RONDO_OK;
}

static const rondo_loss contrastive = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "contrastive",
             .summary = "1/2 D^2 for two rows of one class, 1/2 max(0, margin - D)^2 for others (Hadsell et al. 2006)",
             .options = contrastive_options,
             .options_size = sizeof(struct embedding)},
    .flags = RONDO_LOSS_COUPLES_ROWS,
    .metrics = metrics,
    .output_size = output_size,
    .record = record_pairs,
    .predict = predict,
    .measure = measure,
    .prediction_size = output_size,
};

static const rondo_loss triplet = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "triplet",
             .summary = "max(0, margin + D(a, p) - D(a, n)), p of the class of row a and n of another (Schroff et al. "
                        "2015; Hermans et al. 2017)",
             .options = triplet_options,
             .options_size = sizeof(struct embedding)},
    .flags = RONDO_LOSS_COUPLES_ROWS,
    .metrics = metrics,
    .output_size = output_size,
    .record = record_triplets,
    .predict = predict,
    .measure = measure,
    .prediction_size = output_size,
};

RONDO_PLUGIN("contrastive", "1.0", "MIT", &contrastive.base, &triplet.base);
