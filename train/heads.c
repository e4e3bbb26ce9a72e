#include "train/heads.h"

#include <math.h>
#include <string.h>

#include "core/number.h"

enum { CLASS_WORDS = 2 }; /* to draw a class: a number with 53 random bits */

/* The call of the plug-in's functions for one head. */
static rondo_loss_call loss_call(const struct heads *heads, const struct heads_call *call,
                                 const struct loss_term *head) {
    const rondo_value none = {-1};
    return (rondo_loss_call){.struct_size = sizeof(rondo_loss_call),
                             .target_kind = heads->target_kind,
                             .options = head->options,
                             .target_size = heads->target_size,
                             .training = call == NULL ? 0 : call->training,
                             .sequences = call == NULL ? NULL : call->sequences,
                             .output_weight = call == NULL ? none : call->output_weight,
                             .output_bias = call == NULL ? none : call->output_bias,
                             .chosen = call == NULL ? NULL : call->chosen.data,
                             .n_chosen = call == NULL || call->chosen.data == NULL ? 0 : call->chosen.shape[0]};
}

static const char *head_text(const struct loss_term *head, struct arena *arena) {
    return arena_printf(arena, "loss '%s' of '%s'", head->loss->base.name, head->origin);
}

const char *heads_text(const struct heads *heads, struct arena *arena) {
    return head_text(&heads->loss.terms[0], arena);
}

/* ---- sizes, names and directions ---- */

static int32_t own_metrics(const rondo_loss *loss) {
    int32_t count = 0;
    while (loss->metrics != NULL && loss->metrics[count].name != NULL) {
        count++;
    }
    return count;
}

/* 1 if a metric already has this name: the loss, one of the first `n_heads` heads, or a metric of the first
 * head. */
static int has_name(const struct heads *heads, int32_t n_heads, const char *name) {
    for (int32_t m = 0; m < heads->n_metrics; m++) {
        const int is_named = m <= n_heads || m >= heads->n_losses;
        if (is_named && strcmp(heads->names[m], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static rondo_status name_metrics(struct heads *heads, struct arena *arena, struct errors *errors) {
    const rondo_loss *first = heads->loss.terms[0].loss;
    const int32_t own = own_metrics(first);
    const int32_t more = heads->loss.count > 1 ? heads->loss.count : 0;
    if (1 + own + more > HEADS_MOST_METRICS) {
        return errors_add_at(errors, RONDO_INVALID, heads->loss.terms[0].where,
                             "the loss has %d metrics, expected %d at most: its own, and one for each head of a sum",
                             1 + own + more, HEADS_MOST_METRICS);
    }
    heads->n_losses = 1 + more;
    heads->n_metrics = 1 + more + own;
    heads->names[0] = "loss";
    for (int32_t m = 0; m < own; m++) {
        heads->names[1 + more + m] = first->metrics[m].name;
    }
    for (int32_t h = 0; h < more; h++) {
        const char *name = arena_printf(arena, "%s_loss", heads->loss.terms[h].loss->base.name);
        for (int32_t twice = 2; name != NULL && has_name(heads, h, name); twice++) {
            name = arena_printf(arena, "%s_loss_%d", heads->loss.terms[h].loss->base.name, twice);
        }
        if (name == NULL) {
            return errors_no_memory(errors);
        }
        heads->names[1 + h] = name;
    }
    return RONDO_OK;
}

/* 1 if a loss can use targets of this kind. */
static int accepts(const struct heads *heads, const struct loss_term *head, int32_t kind, struct arena *arena) {
    struct errors own = {0};
    struct host_call host = host_call(arena, &own, NULL, head->loss->base.name);
    rondo_loss_call call = loss_call(heads, NULL, head);
    call.target_kind = kind;
    call.target_size = kind == RONDO_TARGET_REAL ? 1 : 2;
    int64_t size = 0;
    const rondo_status status = host_result(&host, head->loss->output_size(&host.base, &call, &size));
    errors_free(&own);
    return status == RONDO_OK;
}

/* For a loss that has refused the targets: how the experiment makes them what the loss can use; NULL: not known. */
static const char *remedy_of(const struct heads *heads, const struct loss_term *head, const char *const *target_as,
                             struct arena *arena) {
    static const char *const kinds[] = {"classes", "numbers", "lists"};
    for (int32_t kind = RONDO_TARGET_CLASS; target_as != NULL && kind <= RONDO_TARGET_LIST; kind++) {
        if (kind != heads->target_kind && target_as[kind] != NULL && accepts(heads, head, kind, arena)) {
            return arena_printf(arena, "'data.%s' makes them %s", target_as[kind], kinds[kind]);
        }
    }
    return NULL;
}

static rondo_status open_head(struct heads *heads, int32_t index, const char *const *target_as, struct arena *arena,
                              struct errors *errors) {
    const struct loss_term *head = &heads->loss.terms[index];
    struct errors own = {0};
    struct host_call host = host_call(arena, &own, NULL, head->loss->base.name);
    host.log = head->log;
    host.origin = head->origin;
    const rondo_loss_call call = loss_call(heads, NULL, head);
    int64_t size = 0, predictions = heads->target_size;
    rondo_status status = host_result(&host, head->loss->output_size(&host.base, &call, &size));
    if (status == RONDO_OK && head->loss->prediction_size != NULL) {
        status = host_result(&host, head->loss->prediction_size(&host.base, &call, &predictions));
    }
    int64_t words = heads->target_kind == RONDO_TARGET_CLASS ? CLASS_WORDS : 0;
    if (status == RONDO_OK && head->loss->sample != NULL) {
        words = head->loss->sample_words(&host.base, &call);
        status = host_result(&host, RONDO_OK);
    }
    const char *remedy = status != RONDO_INVALID || accepts(heads, head, heads->target_kind, arena)
                             ? NULL
                             : remedy_of(heads, head, target_as, arena);
    plugin_section_errors(head->section, head->where, remedy, &own, errors);
    RONDO_TRY(status);
    if (size < 1) {
        return errors_add_at(errors, RONDO_INTERNAL, head->where, "%s: asks for %lld outputs, expected one at least",
                             head->loss->base.name, (long long)size);
    }
    if (words < 1 && head->loss->sample != NULL) {
        return errors_add_at(errors, RONDO_INTERNAL, head->where,
                             "%s: needs %lld random words a row, expected one at least", head->loss->base.name,
                             (long long)words);
    }
    if (index == 0) {
        heads->output_size = size;
        heads->prediction_size = predictions;
        heads->sample_words = words;
        if (head->loss->predict == NULL && heads->prediction_size != size) {
            return errors_add_at(errors, RONDO_INTERNAL, head->where,
                                 "%s: has no 'predict', and %lld outputs are no %lld predictions",
                                 head->loss->base.name, (long long)size, (long long)heads->prediction_size);
        }
        return RONDO_OK;
    }
    if (size != heads->output_size) {
        return errors_add_at(errors, RONDO_INVALID, head->where,
                             "'%s' wants %lld outputs a row and '%s' %lld: the heads of a sum share them",
                             head->loss->base.name, (long long)size, heads->loss.terms[0].loss->base.name,
                             (long long)heads->output_size);
    }
    return RONDO_OK;
}

rondo_status heads_open(struct heads *heads, const struct loss_section *loss, int32_t target_kind, int64_t target_size,
                        const char *const *target_as, struct arena *arena, struct errors *errors) {
    *heads = (struct heads){.loss = *loss, .target_kind = target_kind, .target_size = target_size};
    for (int32_t h = 0; h < heads->loss.count; h++) {
        RONDO_TRY(open_head(heads, h, target_as, arena, errors));
        if (heads->loss.count > 1 && (heads->loss.terms[h].loss->flags & RONDO_LOSS_BEFORE_OUTPUT) != 0) {
            return errors_add_at(errors, RONDO_INVALID, heads->loss.terms[h].where,
                                 "'%s' computes its own outputs, so it cannot be part of a sum",
                                 heads->loss.terms[h].loss->base.name);
        }
    }
    return name_metrics(heads, arena, errors);
}

int heads_have(const struct heads *heads, uint32_t flag) {
    int found = 0;
    for (int32_t h = 0; h < heads->loss.count; h++) {
        found |= (heads->loss.terms[h].loss->flags & flag) != 0;
    }
    return found;
}

int heads_choose_outputs(const struct heads *heads) {
    return heads->loss.terms[0].loss->choose_outputs != NULL; /* such a loss is never a part of a sum */
}

/* The descriptor of a metric; NULL for a loss. */
static const rondo_metric *own_metric(const struct heads *heads, int32_t metric) {
    return metric < heads->n_losses ? NULL : &heads->loss.terms[0].loss->metrics[metric - heads->n_losses];
}

int heads_higher_is_better(const struct heads *heads, int32_t metric) {
    const rondo_metric *own = own_metric(heads, metric);
    return own != NULL && own->higher_is_better;
}

double heads_metric(const struct heads *heads, int32_t metric, double sum, double weight) {
    const rondo_metric *own = own_metric(heads, metric);
    const double mean = weight > 0 ? sum / weight : NAN;
    switch (own == NULL ? RONDO_METRIC_MEAN : own->finish) {
    case RONDO_METRIC_ROOT:
        return sqrt(mean);
    case RONDO_METRIC_EXP:
        return exp(mean);
    default:
        return mean;
    }
}

/* ---- passes over a shard ---- */

static struct host_call host_of(const struct heads_call *call, const struct loss_term *head) {
    struct arena *arena = tape_arena(call->tape);
    struct host_call host = host_call(arena, call->errors, call->parallel, head_text(head, arena));
    host.recorder = tape_recorder(call->tape);
    host.log = head->log;
    host.origin = head->origin;
    host.stream = rng_stream(call->stream.key, "loss head");
    return host;
}

static rondo_value weighted(const struct heads_call *call, rondo_value loss, double weight) {
    const rondo_tensor *tensor = tape_tensor(call->tape, loss);
    if (weight == 1 || tensor == NULL) {
        return loss;
    }
    rondo_tensor factor = tensor_of(tensor->dtype, 0, NULL);
    if (tensor_alloc(&factor, tape_arena(call->tape), call->errors) != RONDO_OK) {
        return tape_fail(call->tape, RONDO_NO_MEMORY);
    }
    tensor_set(&factor, 0, weight);
    const rondo_value operands[2] = {loss, tape_constant(call->tape, &factor)};
    return tape_apply_named(call->tape, "mul", NULL, operands, 2);
}

rondo_status heads_choose(const struct heads *heads, struct heads_call *call, const rondo_tensor *targets) {
    const struct loss_term *head = &heads->loss.terms[0];
    if (!heads_choose_outputs(heads)) {
        return RONDO_OK;
    }
    struct host_call host = host_of(call, head);
    const rondo_loss_call own = loss_call(heads, call, head);
    const int32_t *chosen = NULL;
    int64_t count = 0;
    RONDO_TRY(host_result(&host, head->loss->choose_outputs(&host.base, &own, targets, &chosen, &count)));
    for (int64_t i = 0; i < count; i++) {
        if (chosen == NULL || chosen[i] < 0 || chosen[i] >= heads->output_size) {
            return errors_add(call->errors, RONDO_INTERNAL, "%s: chose output %ld, expected 0 to %lld", host.subject,
                              chosen == NULL ? -1L : (long)chosen[i], (long long)heads->output_size - 1);
        }
    }
    call->chosen = tensor_1d(RONDO_I32, count, NULL);
    RONDO_TRY(tensor_alloc(&call->chosen, tape_arena(call->tape), call->errors));
    if (count > 0) {
        memcpy(call->chosen.data, chosen, (size_t)count * sizeof *chosen);
    }
    return RONDO_OK;
}

rondo_value heads_record(const struct heads *heads, struct heads_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *rows = tape_tensor(call->tape, outputs);
    const int64_t expected = call->sequences != NULL && heads->target_kind == RONDO_TARGET_LIST ? call->sequences->count
                             : rows == NULL                                                     ? 0
                                                                                                : rows->shape[0];
    rondo_value sum = {-1};
    for (int32_t h = 0; h < heads->loss.count; h++) {
        const struct loss_term *head = &heads->loss.terms[h];
        struct host_call host = host_of(call, head);
        const rondo_loss_call own = loss_call(heads, call, head);
        const struct number_scope scope = number_scope_open(); /* the plug-in may print numbers into options of ops */
        const rondo_value loss = head->loss->record(&host.base, &own, outputs, targets);
        number_scope_close(scope);
        if (tape_status(call->tape) != RONDO_OK) {
            return (rondo_value){-1};
        }
        if (host.failed != RONDO_OK) {
            return tape_fail(call->tape, host.failed);
        }
        const rondo_tensor *found = tape_tensor(call->tape, loss);
        if (found == NULL || rondo_count(found) != expected) {
            errors_add(call->errors, RONDO_INTERNAL, "%s: gave %s, expected a loss for each of %lld %s", host.subject,
                       found == NULL ? "a failed value without a reason" : tensor_shape_text(found).text,
                       (long long)expected, heads->target_kind == RONDO_TARGET_LIST ? "sequences" : "rows");
            return tape_fail(call->tape, RONDO_INTERNAL);
        }
        call->losses[h] = loss;
        const rondo_value term = weighted(call, loss, head->weight);
        const rondo_value both[2] = {sum, term};
        sum = h == 0 ? term : tape_apply_named(call->tape, "add", NULL, both, 2);
    }
    return sum;
}

rondo_status heads_predict(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                           rondo_tensor *predictions) {
    const struct loss_term *first = &heads->loss.terms[0];
    if (first->loss->predict == NULL) {
        *predictions = *outputs;
        return RONDO_OK;
    }
    *predictions = tensor_2d(outputs->dtype, outputs->shape[0], heads->prediction_size, NULL);
    RONDO_TRY(tensor_alloc(predictions, tape_arena(call->tape), call->errors));
    struct host_call host = host_of(call, first);
    const rondo_loss_call own = loss_call(heads, call, first);
    return host_result(&host, first->loss->predict(&host.base, &own, outputs, predictions));
}

int64_t heads_draw_class(const rondo_tensor *predictions, int64_t row, double uniform) {
    const int64_t classes = predictions->shape[1];
    double sum = 0;
    int64_t k = 0;
    for (; k < classes - 1; k++) {
        sum += tensor_get(predictions, row * classes + k);
        if (uniform < sum) {
            break;
        }
    }
    return k;
}

/* The draws of a loss without `sample`, whose predictions are probabilities of the classes, or numbers. */
static rondo_status sample_predictions(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                                       const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    rondo_tensor predictions;
    const int has_form = heads->prediction_size == heads->target_size;
    if (!has_form && !heads_have_quantiles(heads)) {
        return errors_add(call->errors, RONDO_INVALID,
                          "the loss '%s' predicts %lld numbers for targets of %lld, which nothing can be drawn from",
                          heads->loss.terms[0].loss->base.name, (long long)heads->prediction_size,
                          (long long)heads->target_size);
    }
    RONDO_TRY(has_form ? heads_predict(heads, call, outputs, &predictions)
                       : heads_quantile(heads, call, outputs, 0.5, &predictions));
    if (heads->target_kind == RONDO_TARGET_REAL) {
        if (tensor_bytes(targets) > 0) {
            memcpy(targets->data, predictions.data, tensor_bytes(targets));
        }
        return RONDO_OK;
    }
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        const uint32_t *own = words + row * n_words;
        const uint64_t bits = ((uint64_t)own[1] << 32 | own[0]) >> 11;
        tensor_set(targets, row, (double)heads_draw_class(&predictions, row, (double)bits * 0x1p-53));
    }
    return RONDO_OK;
}

rondo_status heads_sample(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                          const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    const struct loss_term *first = &heads->loss.terms[0];
    RONDO_CHECK(n_words == heads->sample_words, call->errors, "every row has the words that the loss needs");
    if (heads->target_kind == RONDO_TARGET_LIST) {
        return errors_add(call->errors, RONDO_INVALID, "the targets of the loss '%s' are lists, which are not drawn",
                          first->loss->base.name);
    }
    if (first->loss->sample == NULL) {
        return sample_predictions(heads, call, outputs, words, n_words, targets);
    }
    struct host_call host = host_of(call, first);
    const rondo_loss_call own = loss_call(heads, call, first);
    return host_result(&host, first->loss->sample(&host.base, &own, outputs, words, n_words, targets));
}

int heads_have_quantiles(const struct heads *heads) {
    return heads->target_kind == RONDO_TARGET_REAL && heads->loss.terms[0].loss->quantile != NULL;
}

rondo_status heads_check_quantile(const struct heads *heads, double probability, struct errors *errors) {
    const struct loss_term *first = &heads->loss.terms[0];
    if (!heads_have_quantiles(heads)) {
        return errors_add(
            errors, RONDO_INVALID,
            "the loss '%s' does not say how targets are distributed, so it has no prediction intervals; `rondo list "
            "loss/NAME` prints 'intervals' for those that do",
            first->loss->base.name);
    }
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    struct host_call host = host_call(arena, errors, NULL, first->loss->base.name);
    host.log = first->log;
    host.origin = first->origin;
    const rondo_loss_call call = loss_call(heads, NULL, first);
    const rondo_tensor outputs = tensor_2d(RONDO_F32, 0, heads->output_size, NULL);
    const rondo_tensor values = tensor_2d(RONDO_F32, 0, heads->target_size, NULL);
    const rondo_status status =
        host_result(&host, first->loss->quantile(&host.base, &call, &outputs, probability, &values));
    arena_destroy(arena);
    return status;
}

rondo_status heads_quantile(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                            double probability, rondo_tensor *values) {
    const struct loss_term *first = &heads->loss.terms[0];
    *values = tensor_2d(outputs->dtype, outputs->shape[0], heads->target_size, NULL);
    RONDO_TRY(tensor_alloc(values, tape_arena(call->tape), call->errors));
    struct host_call host = host_of(call, first);
    rondo_loss_call own = loss_call(heads, call, first);
    own.sequences = NULL;
    return host_result(&host, first->loss->quantile(&host.base, &own, outputs, probability, values));
}

void heads_add_losses(const struct heads *heads, const struct heads_call *call, const rondo_tensor *weight,
                      double *sums) {
    for (int32_t h = 0; h < heads->n_losses - 1; h++) {
        const rondo_tensor *loss = tape_tensor(call->tape, call->losses[h]);
        for (int64_t i = 0; i < rondo_count(loss); i++) {
            sums[1 + h] += tensor_get(loss, i) * (weight->data == NULL ? 1 : tensor_get(weight, i));
        }
    }
}

rondo_status heads_measure(const struct heads *heads, struct heads_call *call, const rondo_tensor *predictions,
                           const rondo_tensor *targets, double *sums) {
    const struct loss_term *first = &heads->loss.terms[0];
    struct host_call host = host_of(call, first);
    const rondo_loss_call own = loss_call(heads, call, first);
    return host_result(&host, first->loss->measure(&host.base, &own, predictions, targets, sums + heads->n_losses));
}
