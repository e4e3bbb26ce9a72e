#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* One metric. Its accumulators are one after the other in the memory of a shard. */
struct metric_state {
    const struct metric_entry *entry;
    int32_t n_accumulators;
    int64_t *sizes;   /* [n_accumulators] */
    int64_t *offsets; /* [n_accumulators] of each accumulator in the sums of a shard */
    /* Numbers of quantiles: the ends of the interval, and the median in place of predictions of another form; -1: none */
    int32_t lower, upper, median;
};

/* A metric with a value: number `index` of the heads, or of the plug-ins. */
struct metric_figure {
    const char *name;
    int32_t index;
    int is_plugin;
};

struct metrics {
    struct arena *arena;
    const struct heads *heads;
    struct metric_state *states; /* [count] */
    int32_t count;
    struct metric_figure figures[HEADS_MOST_METRICS + METRICS_MOST];
    int32_t n_figures;
    int64_t n_sums[2]; /* in each shard: of metrics with a value, and of all; those with only a table come last */
    double **sums;     /* [n_shards] of n_allocated each */
    int64_t n_allocated;
    int32_t n_shards;
    int has_tables;                         /* metrics that have only a table are measured */
    double probabilities[3 * METRICS_MOST]; /* of the quantiles that metrics need; each once */
    int32_t n_probabilities;
};

static rondo_metric_call metric_call(const struct metrics *metrics, const struct metric_state *state) {
    return (rondo_metric_call){.struct_size = sizeof(rondo_metric_call),
                               .target_kind = metrics->heads->target_kind,
                               .options = state->entry->plugin.options,
                               .target_size = metrics->heads->target_size,
                               .prediction_size =
                                   state->median >= 0 ? metrics->heads->target_size : metrics->heads->prediction_size};
}

static struct host_call host_of(const struct metric_state *state, const struct parallel *parallel, struct arena *arena,
                                struct errors *errors) {
    const struct plugin_section *plugin = &state->entry->plugin;
    const char *subject = arena_printf(arena, "metric '%s' of '%s'", plugin->descriptor->name, plugin->origin);
    struct host_call host = host_call(arena, errors, parallel, subject == NULL ? "metric" : subject);
    host.log = plugin->log;
    host.origin = plugin->origin;
    return host;
}

/* ---- fitting ---- */

static int is_of_texts(const struct metric_state *state) {
    return (state->entry->metric->flags & RONDO_METRIC_TEXTS) != 0;
}

static const char *target_text(int32_t kind) {
    static const char *const texts[] = {"classes", "numbers", "lists of classes"};
    return texts[kind];
}

/* The number of the quantile with this probability, which is added if no metric needs it yet. */
static int32_t add_quantile(struct metrics *metrics, double probability) {
    int32_t i = 0;
    while (i < metrics->n_probabilities && metrics->probabilities[i] != probability) {
        i++;
    }
    metrics->probabilities[i] = probability;
    metrics->n_probabilities += i == metrics->n_probabilities;
    return i;
}

/* 1 if the loss gives the median of each number, which metrics then read in place of predictions of another form. */
static int has_median(const struct metrics *metrics) {
    struct errors ignored = {0};
    const int is_given = heads_check_quantile(metrics->heads, 0.5, &ignored) == RONDO_OK;
    errors_free(&ignored);
    return is_given;
}

/* The two ends of the interval that a metric asks for. */
static rondo_status find_interval(struct metrics *metrics, struct metric_state *state, struct errors *errors) {
    const rondo_metric_plugin *metric = state->entry->metric;
    const struct location where = state->entry->plugin.where;
    const double level = metric->interval(state->entry->plugin.options);
    if (!(level > 0 && level < 1)) {
        return errors_add_at(errors, RONDO_INTERNAL, where, "metric '%s' asks for an interval of %g, expected (0, 1)",
                             metric->base.name, level);
    }
    const double ends[2] = {(1 - level) / 2, (1 + level) / 2};
    for (int end = 0; end < 2; end++) {
        struct errors own = {0};
        const rondo_status status = heads_check_quantile(metrics->heads, ends[end], &own);
        if (status != RONDO_OK) {
            errors_add_at(errors, status, where, "metric '%s' does not fit: %s", metric->base.name,
                          errors_text(&own, 0));
        }
        errors_free(&own);
        RONDO_TRY(status);
        *(end == 0 ? &state->lower : &state->upper) = add_quantile(metrics, ends[end]);
    }
    return RONDO_OK;
}

/* What the host can decide: the kind of the targets, the form of the predictions, the naive forecast, intervals. */
static rondo_status check_fit(struct metrics *metrics, struct metric_state *state, int has_naive,
                              struct errors *errors) {
    const struct heads *heads = metrics->heads;
    const rondo_metric_plugin *metric = state->entry->metric;
    const struct location where = state->entry->plugin.where;
    const rondo_loss *loss = heads->loss.terms[0].loss;
    const char *expected = "";
    if (is_of_texts(state) && state->entry->n_without > 0) {
        return errors_add_at(errors, RONDO_INVALID, state->entry->without[0].where,
                             "'without' leaves out targets, and metric '%s' compares whole texts", metric->base.name);
    }
    if ((metric->targets & RONDO_ACCEPTS(heads->target_kind)) == 0) {
        for (int32_t kind = RONDO_TARGET_CLASS; kind <= RONDO_TARGET_LIST && expected != NULL; kind++) {
            if ((metric->targets & RONDO_ACCEPTS(kind)) != 0) {
                expected = arena_printf(metrics->arena, "%s%s%s", expected, expected[0] == '\0' ? "" : " or ",
                                        target_text(kind));
            }
        }
        return errors_add_at(errors, RONDO_INVALID, where, "metric '%s' does not fit: targets are %s, expected %s",
                             metric->base.name, target_text(heads->target_kind),
                             expected == NULL ? "others" : expected);
    }
    if (is_of_texts(state)) {
        return RONDO_OK; /* it reads no predictions */
    }
    const int has_target_form = loss->prediction_size == NULL || (heads->target_kind == RONDO_TARGET_REAL &&
                                                                  heads->prediction_size == heads->target_size);
    const int needs_form = heads->target_kind != RONDO_TARGET_LIST && !has_target_form &&
                           (metric->flags & RONDO_METRIC_ANY_PREDICTIONS) == 0;
    if (needs_form && has_median(metrics)) {
        state->median = add_quantile(metrics, 0.5);
    } else if (needs_form) {
        return errors_add_at(
            errors, RONDO_INVALID, where,
            "metric '%s' does not fit the loss '%s', which predicts %lld numbers of its own for %lld %s",
            metric->base.name, loss->base.name, (long long)heads->prediction_size, (long long)heads->target_size,
            target_text(heads->target_kind));
    }
    if ((metric->flags & RONDO_METRIC_NAIVE) != 0 && !has_naive) {
        return errors_add_at(
            errors, RONDO_INVALID, where,
            "metric '%s' compares with the naive forecast, whose error these data do not have%s", metric->base.name,
            heads->target_kind == RONDO_TARGET_REAL ? ": that needs series whose target changes in the training part"
                                                    : "");
    }
    return metric->interval == NULL ? RONDO_OK : find_interval(metrics, state, errors);
}

/* What only the plug-in can decide, and the sizes of its accumulators. */
static rondo_status ask(struct metrics *metrics, struct metric_state *state, struct errors *errors) {
    const rondo_metric_plugin *metric = state->entry->metric;
    const rondo_metric_call call = metric_call(metrics, state);
    struct host_call host = host_call(metrics->arena, errors, NULL, metric->base.name);
    host.log = state->entry->plugin.log;
    host.origin = state->entry->plugin.origin;
    if (metric->check != NULL) {
        RONDO_TRY(host_result(&host, metric->check(&host.base, &call)));
    }
    while (metric->accumulators[state->n_accumulators].name != NULL) {
        state->n_accumulators++;
    }
    state->sizes = arena_calloc(metrics->arena, (size_t)state->n_accumulators, sizeof *state->sizes);
    state->offsets = arena_calloc(metrics->arena, (size_t)state->n_accumulators, sizeof *state->offsets);
    if (state->sizes == NULL || state->offsets == NULL) {
        return errors_no_memory(errors);
    }
    int64_t own = 0;
    for (int32_t a = 0; a < state->n_accumulators; a++) {
        int64_t size = 1;
        if (metric->size != NULL) {
            RONDO_TRY(host_result(&host, metric->size(&host.base, &call, a, &size)));
        }
        if (size < 1 || size > RONDO_MOST_SUMS - own) {
            return errors_add(errors, RONDO_INVALID,
                              "%s: the accumulator '%s' has %lld numbers, expected 1 or more, and at most %d in all",
                              metric->base.name, metric->accumulators[a].name, (long long)size, RONDO_MOST_SUMS);
        }
        state->sizes[a] = size;
        own += size;
    }
    return RONDO_OK;
}

/* Places the accumulators of all metrics in the sums of a shard. */
static void place_sums(struct metrics *metrics) {
    int64_t next = 0;
    for (int only_table = 0; only_table < 2; only_table++) {
        for (int32_t i = 0; i < metrics->count; i++) {
            const struct metric_state *state = &metrics->states[i];
            for (int32_t a = 0; (state->entry->metric->finish == NULL) == only_table && a < state->n_accumulators;
                 a++) {
                state->offsets[a] = next;
                next += state->sizes[a];
            }
        }
        metrics->n_sums[only_table] = next;
    }
}

static rondo_status open_all(struct metrics *metrics, const struct metrics_section *section, int has_naive,
                             struct errors *errors) {
    rondo_status first = RONDO_OK;
    /* All mistakes are reported together; that memory is short, once. */
    for (int32_t i = 0; i < section->count && first != RONDO_NO_MEMORY; i++) {
        struct metric_state *state = &metrics->states[i];
        *state = (struct metric_state){.entry = &section->entries[i], .lower = -1, .upper = -1, .median = -1};
        rondo_status status = check_fit(metrics, state, has_naive, errors);
        if (status == RONDO_OK) {
            struct errors own = {0};
            status = ask(metrics, state, &own);
            plugin_section_errors(state->entry->plugin.section, state->entry->plugin.where, NULL, &own, errors);
        }
        first = first == RONDO_OK ? status : first;
    }
    metrics->count = section->count;
    return first;
}

static void list_figures(struct metrics *metrics) {
    const struct heads *heads = metrics->heads;
    for (int32_t m = 0; m < heads->n_metrics; m++) {
        int is_replaced = 0;
        for (int32_t i = 0; m >= heads->n_losses && i < metrics->count; i++) {
            is_replaced |= strcmp(metrics->states[i].entry->name, heads->names[m]) == 0;
        }
        if (!is_replaced) {
            metrics->figures[metrics->n_figures++] = (struct metric_figure){heads->names[m], m, 0};
        }
    }
    for (int32_t i = 0; i < metrics->count; i++) {
        const struct metric_entry *entry = metrics->states[i].entry;
        if (entry->metric->finish != NULL) {
            metrics->figures[metrics->n_figures++] = (struct metric_figure){entry->name, i, 1};
        }
    }
}

struct metrics *metrics_create(const struct metrics_section *section, const struct heads *heads, int has_naive,
                               int32_t n_shards, struct errors *errors) {
    struct arena *arena = arena_create();
    struct metrics *metrics = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *metrics);
    if (metrics == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    metrics->arena = arena;
    metrics->heads = heads;
    metrics->n_shards = n_shards;
    metrics->states = arena_calloc(arena, (size_t)section->count + 1, sizeof *metrics->states);
    metrics->sums = arena_calloc(arena, (size_t)n_shards, sizeof *metrics->sums);
    const rondo_status status =
        arena_failed(arena) ? errors_no_memory(errors) : open_all(metrics, section, has_naive, errors);
    if (status != RONDO_OK) {
        metrics_destroy(metrics);
        return NULL;
    }
    place_sums(metrics);
    list_figures(metrics);
    return metrics;
}

void metrics_destroy(struct metrics *metrics) {
    if (metrics != NULL) {
        for (int32_t s = 0; metrics->sums != NULL && s < metrics->n_shards; s++) {
            free(metrics->sums[s]);
        }
        arena_destroy(metrics->arena);
    }
}

int32_t metrics_count(const struct metrics *metrics) {
    return metrics->n_figures;
}

const char *metrics_name(const struct metrics *metrics, int32_t metric) {
    return metrics->figures[metric].name;
}

int metrics_higher_is_better(const struct metrics *metrics, int32_t metric) {
    const struct metric_figure *figure = &metrics->figures[metric];
    return figure->is_plugin ? metrics->states[figure->index].entry->metric->higher_is_better
                             : heads_higher_is_better(metrics->heads, figure->index);
}

double metrics_value(const struct metrics *metrics, const struct scores *scores, int32_t metric) {
    const struct metric_figure *figure = &metrics->figures[metric];
    const double rows = metric < metrics->heads->n_losses ? scores->weight : (double)scores->rows;
    return figure->is_plugin ? scores->figures[figure->index]
                             : heads_metric(metrics->heads, figure->index, scores->sums[figure->index], rows);
}

/* 1 if the predictions of the loss, which its own metrics read, have the form of targets. */
static int has_plain_heads(const struct metrics *metrics) {
    const struct heads *heads = metrics->heads;
    return heads->target_kind == RONDO_TARGET_REAL && heads->prediction_size == heads->target_size;
}

static int is_plain(const struct metric_state *state) {
    return (state->entry->metric->flags & (RONDO_METRIC_ANY_PREDICTIONS | RONDO_METRIC_TEXTS)) == 0 &&
           state->entry->metric->interval == NULL;
}

int metrics_is_plain(const struct metrics *metrics, int32_t metric) {
    const struct metric_figure *figure = &metrics->figures[metric];
    return figure->is_plugin ? is_plain(&metrics->states[figure->index])
                             : metric >= metrics->heads->n_losses && has_plain_heads(metrics);
}

/* ---- an evaluation ---- */

void metrics_want_tables(struct metrics *metrics) {
    metrics->has_tables = 1;
}

/* The number of sums of the metrics that are measured. */
static int64_t used_sums(const struct metrics *metrics) {
    return metrics->n_sums[metrics->has_tables];
}

rondo_status metrics_begin(struct metrics *metrics, struct errors *errors) {
    const int64_t count = used_sums(metrics);
    for (int32_t s = 0; s < metrics->n_shards && count > 0; s++) {
        if (count > metrics->n_allocated) {
            free(metrics->sums[s]);
            metrics->sums[s] = memory_alloc(sizeof(double) * (size_t)count);
        }
        if (metrics->sums[s] == NULL) {
            return errors_no_memory(errors);
        }
        for (int64_t i = 0; i < count; i++) {
            metrics->sums[s][i] = 0;
        }
    }
    metrics->n_allocated = count > metrics->n_allocated ? count : metrics->n_allocated;
    return RONDO_OK;
}

static int is_measured(const struct metrics *metrics, const struct metric_state *state) {
    return metrics->has_tables || state->entry->metric->finish != NULL;
}

/* Pointers to the accumulators of a metric in a shard; NULL: out of memory. */
static double **accumulators_of(const struct metrics *metrics, const struct metric_state *state, int32_t shard,
                                struct arena *arena) {
    double **accumulators = arena_calloc(arena, (size_t)state->n_accumulators, sizeof *accumulators);
    for (int32_t a = 0; accumulators != NULL && a < state->n_accumulators; a++) {
        accumulators[a] = metrics->sums[shard] + state->offsets[a];
    }
    return accumulators;
}

/* The weights of the rows of a metric: those of the batch, and 0 for targets of classes that it leaves out. NULL: out of
 * memory. */
static const rondo_tensor *weights_of(const struct metric_state *state, const struct metrics_rows *rows,
                                      struct arena *arena, struct errors *errors) {
    const struct metric_entry *entry = state->entry;
    if (entry->n_without == 0) {
        return rows->weights;
    }
    const int64_t count = rondo_count(rows->targets);
    rondo_tensor *weights = arena_calloc(arena, 1, sizeof *weights);
    if (weights == NULL) {
        return NULL;
    }
    *weights = tensor_1d(RONDO_F32, count, NULL);
    if (tensor_alloc(weights, arena, errors) != RONDO_OK) {
        return NULL;
    }
    for (int64_t row = 0; row < count; row++) {
        double weight = rows->weights == NULL ? 1 : tensor_get(rows->weights, row);
        for (int32_t k = 0; k < entry->n_without; k++) {
            weight = (int64_t)tensor_get(rows->targets, row) == entry->without[k].id ? 0 : weight;
        }
        tensor_set(weights, row, weight);
    }
    return weights;
}

/* Adds the predictions of a batch to the accumulators of all plug-ins. */
static rondo_status measure_plugins(struct metrics *metrics, int32_t shard, const struct heads_call *heads_call,
                                    const struct metrics_rows *rows) {
    struct arena *arena = tape_arena(heads_call->tape);
    struct errors *errors = heads_call->errors;
    for (int32_t i = 0; i < metrics->count; i++) {
        const struct metric_state *state = &metrics->states[i];
        if (!is_measured(metrics, state) || is_of_texts(state) || (rows->is_plain && !is_plain(state))) {
            continue;
        }
        rondo_metric_call call = metric_call(metrics, state);
        call.accumulators = accumulators_of(metrics, state, shard, arena);
        call.predictions = state->median < 0 || rows->is_plain ? rows->predictions : &rows->quantiles[state->median];
        call.lower = state->lower < 0 ? NULL : &rows->quantiles[state->lower];
        call.upper = state->upper < 0 ? NULL : &rows->quantiles[state->upper];
        call.targets = rows->targets;
        call.sequences = heads_call->sequences;
        call.weights = weights_of(state, rows, arena, errors);
        call.naive = (state->entry->metric->flags & RONDO_METRIC_NAIVE) != 0 ? rows->naive : NULL;
        if (call.accumulators == NULL || (state->entry->n_without > 0 && call.weights == NULL)) {
            return errors_no_memory(errors);
        }
        struct host_call host = host_of(state, heads_call->parallel, arena, errors);
        RONDO_TRY(host_result(&host, state->entry->metric->measure(&host.base, &call)));
    }
    return RONDO_OK;
}

const double *metrics_quantiles(const struct metrics *metrics, int32_t *count) {
    *count = metrics->n_probabilities;
    return metrics->probabilities;
}

int metrics_are_measured(const struct metrics *metrics) {
    int are_measured = metrics->heads->n_metrics > metrics->heads->n_losses;
    for (int32_t i = 0; i < metrics->count; i++) {
        are_measured |= !is_of_texts(&metrics->states[i]);
    }
    return are_measured;
}

rondo_status metrics_measure(struct metrics *metrics, int32_t shard, struct heads_call *call,
                             const struct metrics_rows *rows, struct scores *scores) {
    const struct heads *heads = metrics->heads;
    if (heads->n_metrics > heads->n_losses && (!rows->is_plain || has_plain_heads(metrics))) {
        RONDO_TRY(heads_measure(heads, call, rows->predictions, rows->targets, scores->sums));
    }
    return measure_plugins(metrics, shard, call, rows);
}

/* ---- texts ---- */

int metrics_compare_texts(const struct metrics *metrics) {
    int compare_texts = 0;
    for (int32_t i = 0; i < metrics->count; i++) {
        compare_texts |= is_of_texts(&metrics->states[i]);
    }
    return compare_texts;
}

rondo_status metrics_refuse_texts(const struct metrics *metrics, const char *why, struct errors *errors) {
    rondo_status status = RONDO_OK;
    for (int32_t i = 0; i < metrics->count; i++) {
        const struct metric_entry *entry = metrics->states[i].entry;
        if (is_of_texts(&metrics->states[i])) {
            status = errors_add_at(errors, RONDO_INVALID, entry->plugin.where,
                                   "metric '%s' compares texts that the model generates with those of the data, and %s",
                                   entry->metric->base.name, why);
        }
    }
    return status;
}

/* The texts are not divided among shards: their sums are those of shard 0. */
rondo_status metrics_measure_texts(struct metrics *metrics, const struct metrics_texts *texts, struct errors *errors) {
    struct arena *arena = arena_create();
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (int32_t i = 0; i < metrics->count && status == RONDO_OK; i++) {
        const struct metric_state *state = &metrics->states[i];
        if (!is_of_texts(state) || !is_measured(metrics, state)) {
            continue;
        }
        rondo_metric_call call = metric_call(metrics, state);
        call.accumulators = accumulators_of(metrics, state, 0, arena);
        call.n_texts = texts->count;
        call.generated = texts->generated;
        call.references = texts->references;
        call.reference_begin = texts->reference_begin;
        call.weights = texts->weights;
        struct host_call host = host_of(state, NULL, arena, errors);
        status = call.accumulators == NULL ? errors_no_memory(errors)
                                           : host_result(&host, state->entry->metric->measure(&host.base, &call));
    }
    arena_destroy(arena);
    return status;
}

/* ---- figures ---- */

/* sums[0] = (s0 + s1) + (s2 + s3) + …, in the tree in which the network adds gradients. */
static void add_shards(const struct metrics *metrics) {
    for (int32_t step = 1; step < metrics->n_shards; step *= 2) {
        for (int32_t s = 0; s + step < metrics->n_shards; s += 2 * step) {
            for (int64_t i = 0; i < used_sums(metrics); i++) {
                metrics->sums[s][i] += metrics->sums[s + step][i];
            }
        }
    }
}

static rondo_status finish(const struct metrics *metrics, const struct metric_state *state, struct arena *arena,
                           double *value, struct errors *errors) {
    rondo_metric_call call = metric_call(metrics, state);
    call.accumulators = accumulators_of(metrics, state, 0, arena);
    if (call.accumulators == NULL) {
        return errors_no_memory(errors);
    }
    *value = (double)NAN;
    struct host_call host = host_of(state, NULL, arena, errors);
    return host_result(&host, state->entry->metric->finish(&host.base, &call, value));
}

rondo_status metrics_end(struct metrics *metrics, struct scores *scores, struct errors *errors) {
    if (metrics->count == 0) {
        return RONDO_OK;
    }
    struct arena *arena = arena_create();
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    add_shards(metrics);
    for (int32_t i = 0; i < metrics->count && status == RONDO_OK; i++) {
        const struct metric_state *state = &metrics->states[i];
        if (state->entry->metric->finish != NULL) {
            status = finish(metrics, state, arena, &scores->figures[i], errors);
        }
    }
    arena_destroy(arena);
    return status;
}

/* ---- tables ---- */

static rondo_status fill_table(const struct metrics *metrics, const struct metric_state *state, struct arena *arena,
                               rondo_metric_table *table, struct errors *errors) {
    rondo_metric_call call = metric_call(metrics, state);
    call.accumulators = accumulators_of(metrics, state, 0, arena);
    if (call.accumulators == NULL) {
        return errors_no_memory(errors);
    }
    *table = (rondo_metric_table){.struct_size = sizeof *table};
    struct host_call host = host_of(state, NULL, arena, errors);
    RONDO_TRY(host_result(&host, state->entry->metric->table(&host.base, &call, table)));
    const int64_t classes = metrics->heads->target_size;
    const int is_complete = table->rows >= 1 && table->columns >= 1 && table->values != NULL &&
                            (table->row_names != NULL || table->rows == classes) &&
                            (table->column_names != NULL || table->columns == classes);
    return is_complete ? RONDO_OK
                       : host_blame(&host, "gave a table of %lld rows and %lld columns, without all names or values",
                                    (long long)table->rows, (long long)table->columns);
}

rondo_status metrics_table(struct metrics *metrics, int32_t index, struct arena *arena, struct metric_table *table,
                           struct errors *errors) {
    for (int32_t i = 0; i < metrics->count; i++) {
        const struct metric_state *state = &metrics->states[i];
        if (state->entry->metric->table != NULL && index-- == 0) {
            table->name = state->entry->name;
            return fill_table(metrics, state, arena, &table->table, errors);
        }
    }
    return RONDO_NOT_FOUND;
}
