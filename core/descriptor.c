#include "core/descriptor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/kind.h"
#include "core/options.h"

/* The descriptor that is checked, and where to report why it is refused. */
struct descriptor_subject {
    const rondo_descriptor *descriptor;
    const char *origin;
    struct errors *errors;
};

/* Adds "op 'swish' of FILE: reason". */
static rondo_status refuse(const struct descriptor_subject *check, const char *reason) {
    return errors_add(check->errors, RONDO_INVALID, "%s '%s' of '%s': %s", kind_name(check->descriptor->kind),
                      check->descriptor->name, check->origin, reason);
}

/* The same for a part of the descriptor: "…: option 'lr' reason". */
static rondo_status refuse_part(const struct descriptor_subject *check, const char *part, const char *name,
                                const char *reason) {
    return errors_add(check->errors, RONDO_INVALID, "%s '%s' of '%s': %s '%s' %s", kind_name(check->descriptor->kind),
                      check->descriptor->name, check->origin, part, name, reason);
}

#define NAME_MAX_LENGTH 63
#define NAME_RULE       "is not a lower_case name of at most 63 letters, digits and underscores"

static int is_name(const char *text) {
    const size_t length = strlen(text);
    return length >= 1 && length <= NAME_MAX_LENGTH && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static int is_one_line(const char *text) {
    return text != NULL && text[0] != '\0' && strchr(text, '\n') == NULL;
}

/* The field that an option of a type is stored in. */
static const struct option_field {
    const char *type; /* in C */
    size_t size, alignment;
} fields[] = {
    [RONDO_BOOL] = {"int32_t", sizeof(int32_t), _Alignof(int32_t)},
    [RONDO_INT] = {"int64_t", sizeof(int64_t), _Alignof(int64_t)},
    [RONDO_REAL] = {"double", sizeof(double), _Alignof(double)},
    [RONDO_CHOICE] = {"int32_t", sizeof(int32_t), _Alignof(int32_t)},
    [RONDO_STRING] = {"const char *", sizeof(const char *), _Alignof(const char *)},
    [RONDO_INTS] = {"rondo_ints", sizeof(rondo_ints), _Alignof(rondo_ints)},
    [RONDO_REALS] = {"rondo_reals", sizeof(rondo_reals), _Alignof(rondo_reals)},
    [RONDO_CLASS_REALS] = {"rondo_reals", sizeof(rondo_reals), _Alignof(rondo_reals)},
};

/* 1 if experiments use this key for another purpose, in the same section as the options of a plug-in. */
static int is_reserved(int32_t kind, const char *key) {
    static const char *const keys[] = {"plugin", "sum", "weight", "groups", "wrappers", "match", "frozen"};
    for (size_t i = 0; kind != RONDO_KIND_OP && i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(keys[i], key) == 0) {
            return 1;
        }
    }
    return 0;
}

static rondo_status check_option(const struct descriptor_subject *check, const rondo_option *option) {
    const rondo_descriptor *descriptor = check->descriptor;
    if (!is_name(option->key)) {
        return refuse_part(check, "option", option->key, NAME_RULE);
    }
    if (is_reserved(descriptor->kind, option->key)) {
        return refuse_part(check, "option", option->key, "has a name that is a key of experiments");
    }
    if (option_find(descriptor->options, option->key) != option) {
        return refuse_part(check, "option", option->key, "is listed twice in the table");
    }
    if (option->type < 0 || option->type >= (int32_t)(sizeof fields / sizeof fields[0])) {
        return refuse_part(check, "option", option->key, "has an unknown type");
    }
    if (option->type == RONDO_CLASS_REALS && descriptor->kind != RONDO_KIND_LOSS &&
        descriptor->kind != RONDO_KIND_METRIC) {
        return refuse_part(check, "option", option->key, "has numbers for classes, which only losses and metrics know");
    }
    const struct option_field field = fields[option->type];
    if (option->offset % field.alignment != 0 || option->offset + field.size > descriptor->options_size) {
        char reason[160];
        snprintf(reason, sizeof reason,
                 "has an offset outside its struct or not aligned: its field must be of the C type %s", field.type);
        return refuse_part(check, "option", option->key, reason);
    }
    if (option->type == RONDO_CHOICE && (option->choices == NULL || option->choices[0] == NULL)) {
        return refuse_part(check, "option", option->key, "has no choices");
    }
    if (option_has_range(option) && !(option->min <= option->max)) {
        return refuse_part(check, "option", option->key, "has an empty range: min is above max");
    }
    if (!is_one_line(option->help)) {
        return refuse_part(check, "option", option->key, "has no help of one line");
    }
    return RONDO_OK;
}

/* Every default is parsed like a user's value. */
static rondo_status check_defaults(const struct descriptor_subject *check) {
    struct arena *arena = arena_create();
    struct errors reasons = {0};
    rondo_status status = RONDO_OK;
    if (options_create(check->descriptor->options, check->descriptor->options_size, arena, &reasons) == NULL) {
        status = reasons.status == RONDO_NO_MEMORY
                     ? errors_no_memory(check->errors)
                     : errors_add(check->errors, RONDO_INVALID, "%s '%s' of '%s': the default of %s",
                                  kind_name(check->descriptor->kind), check->descriptor->name, check->origin,
                                  errors_text(&reasons, 0));
    }
    errors_free(&reasons);
    arena_destroy(arena);
    return status;
}

static rondo_status check_options(const struct descriptor_subject *check) {
    const rondo_descriptor *descriptor = check->descriptor;
    if ((descriptor->options == NULL) != (descriptor->options_size == 0)) {
        return refuse(check, "'options' and 'options_size' must be set together, one of them is missing");
    }
    for (const rondo_option *option = descriptor->options; option != NULL && option->key != NULL; option++) {
        RONDO_TRY(check_option(check, option));
    }
    return check_defaults(check);
}

static rondo_status check_elementwise(const struct descriptor_subject *check, const rondo_op *op) {
    const int has_gradient = (op->flags & RONDO_OP_NO_GRADIENT) == 0;
    if (op->infer != NULL || op->forward != NULL || op->backward != NULL) {
        return refuse(check, "it has 'map' and also 'infer', 'forward' or 'backward', expected one or the other");
    }
    if (has_gradient && op->map_grad == NULL) {
        return refuse(check, "it has no gradient: 'map_grad' is missing and RONDO_OP_NO_GRADIENT is not set");
    }
    if (op->min_inputs != op->max_inputs || op->min_inputs < 1 || op->min_inputs > RONDO_SAMPLE_INPUTS) {
        return refuse(check, "an elementwise op takes a fixed number of inputs, 1 to 8");
    }
    if (!isfinite(op->domain_low) || !isfinite(op->domain_high) || op->domain_low > op->domain_high) {
        return refuse(check, "'domain_low' and 'domain_high' are not an interval");
    }
    return RONDO_OK;
}

static rondo_status check_general(const struct descriptor_subject *check, const rondo_op *op) {
    const int has_gradient = (op->flags & RONDO_OP_NO_GRADIENT) == 0;
    if (op->infer == NULL || op->forward == NULL) {
        return refuse(check, "it has neither 'map' nor both of 'infer' and 'forward'");
    }
    if (op->map_grad != NULL) {
        return refuse(check, "it has 'map_grad' without 'map'");
    }
    if (has_gradient && op->backward == NULL) {
        return refuse(check, "it has no gradient: 'backward' is missing and RONDO_OP_NO_GRADIENT is not set");
    }
    if (op->min_inputs < 0 || (op->max_inputs != -1 && op->max_inputs < op->min_inputs)) {
        return refuse(check, "'min_inputs' and 'max_inputs' are not a range");
    }
    return RONDO_OK;
}

static rondo_status check_op(const struct descriptor_subject *check) {
    const rondo_op *op = (const rondo_op *)check->descriptor;
    const uint32_t known = RONDO_OP_NO_GRADIENT | RONDO_OP_RANDOM | RONDO_OP_CHEAP | RONDO_OP_SAVES_ROWS |
                           RONDO_OP_SEQUENCES | RONDO_OP_RANDOM_ELEMENTS;
    if ((op->flags & ~known) != 0 || op->role < RONDO_ROLE_NONE || op->role > RONDO_ROLE_PRODUCT) {
        return refuse(check, "it has unknown flags, or an unknown role");
    }
    if ((op->flags & (RONDO_OP_RANDOM | RONDO_OP_RANDOM_ELEMENTS)) == RONDO_OP_RANDOM_ELEMENTS) {
        return refuse(check, "RONDO_OP_RANDOM_ELEMENTS is set without RONDO_OP_RANDOM");
    }
    if (op->operands == NULL) {
        return refuse(check, "'operands', the names of its inputs, is missing");
    }
    if ((op->flags & RONDO_OP_NO_GRADIENT) != 0 && (op->map_grad != NULL || op->backward != NULL)) {
        return refuse(check, "it has a gradient, yet RONDO_OP_NO_GRADIENT is set");
    }
    if ((op->flags & RONDO_OP_SEQUENCES) != 0 &&
        (op->map != NULL || (op->flags & RONDO_OP_SAVES_ROWS) != 0 || op->role != RONDO_ROLE_NONE)) {
        return refuse(check,
                      "RONDO_OP_SEQUENCES is set with 'map', RONDO_OP_SAVES_ROWS or a role, which say that it looks at "
                      "one element at a time");
    }
    if ((op->flags & RONDO_OP_SEQUENCES) != 0 && op->min_inputs < 1) {
        return refuse(check, "RONDO_OP_SEQUENCES is set, and it takes no input that consists of sequences");
    }
    return op->map != NULL ? check_elementwise(check, op) : check_general(check, op);
}

static rondo_status check_slots(const struct descriptor_subject *check, const rondo_optimizer *optimizer) {
    for (const rondo_slot *slot = optimizer->slots; slot != NULL && slot->name != NULL; slot++) {
        if (!is_name(slot->name)) {
            return refuse_part(check, "slot", slot->name, NAME_RULE);
        }
        for (const rondo_slot *earlier = optimizer->slots; earlier < slot; earlier++) {
            if (strcmp(earlier->name, slot->name) == 0) {
                return refuse_part(check, "slot", slot->name, "is listed twice");
            }
        }
        if (slot->shape < RONDO_SLOT_LIKE_PARAMETER || slot->shape > RONDO_SLOT_CHOSEN ||
            slot->role < RONDO_SLOT_STATE || slot->role > RONDO_SLOT_COPY) {
            return refuse_part(check, "slot", slot->name, "has an unknown shape or role");
        }
        if (slot->role != RONDO_SLOT_STATE && slot->shape != RONDO_SLOT_LIKE_PARAMETER) {
            return refuse_part(check, "slot", slot->name,
                               "starts as a copy, so its shape must be like the parameter's");
        }
        if (slot->shape == RONDO_SLOT_CHOSEN && optimizer->choose_slot == NULL) {
            return refuse_part(check, "slot", slot->name, "has a shape to be chosen, and 'choose_slot' is missing");
        }
        if (slot->shape == RONDO_SLOT_SCALAR && (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0) {
            return refuse_part(check, "slot", slot->name, "is a scalar, which an elementwise optimizer cannot keep");
        }
    }
    return RONDO_OK;
}

static rondo_status check_optimizer(const struct descriptor_subject *check) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)check->descriptor;
    const uint32_t known = RONDO_OPTIMIZER_ELEMENTWISE;
    if ((optimizer->flags & ~known) != 0 || optimizer->stage < RONDO_STAGE_UPDATE ||
        optimizer->stage > RONDO_STAGE_VALUE) {
        return refuse(check, "it has unknown flags, or an unknown stage");
    }
    if (optimizer->step == NULL) {
        return refuse(check, "'step' is missing");
    }
    return check_slots(check, optimizer);
}

static rondo_status check_metrics(const struct descriptor_subject *check, const rondo_loss *loss) {
    for (const rondo_metric *metric = loss->metrics; metric != NULL && metric->name != NULL; metric++) {
        if (!is_name(metric->name)) {
            return refuse_part(check, "metric", metric->name, NAME_RULE);
        }
        if (strcmp(metric->name, "loss") == 0) {
            return refuse_part(check, "metric", metric->name, "has the name of the host's own");
        }
        for (const rondo_metric *earlier = loss->metrics; earlier < metric; earlier++) {
            if (strcmp(earlier->name, metric->name) == 0) {
                return refuse_part(check, "metric", metric->name, "is listed twice");
            }
        }
        if (metric->finish < RONDO_METRIC_MEAN || metric->finish > RONDO_METRIC_EXP) {
            return refuse_part(check, "metric", metric->name, "has an unknown finish");
        }
    }
    return RONDO_OK;
}

static rondo_status check_loss(const struct descriptor_subject *check) {
    const rondo_loss *loss = (const rondo_loss *)check->descriptor;
    const uint32_t known = RONDO_LOSS_COUPLES_ROWS | RONDO_LOSS_BEFORE_OUTPUT | RONDO_LOSS_ANY_UNIT;
    if ((loss->flags & ~known) != 0 || loss->reserved != 0) {
        return refuse(check, "it has unknown flags, or 'reserved' is not 0");
    }
    if (loss->output_size == NULL || loss->record == NULL) {
        return refuse(check, "'output_size' or 'record' is missing");
    }
    if ((loss->metrics == NULL) != (loss->measure == NULL)) {
        return refuse(check, "'metrics' and 'measure' must be set together, one of them is missing");
    }
    if ((loss->sample == NULL) != (loss->sample_words == NULL)) {
        return refuse(check, "'sample' and 'sample_words' must be set together, one of them is missing");
    }
    if (loss->choose_outputs != NULL && (loss->flags & RONDO_LOSS_BEFORE_OUTPUT) == 0) {
        return refuse(check, "'choose_outputs' needs RONDO_LOSS_BEFORE_OUTPUT");
    }
    return check_metrics(check, loss);
}

static rondo_status check_schedule(const struct descriptor_subject *check) {
    const rondo_schedule *schedule = (const rondo_schedule *)check->descriptor;
    if (schedule->factor == NULL) {
        return refuse(check, "'factor' is missing");
    }
    if (schedule->n_state < 0 || schedule->n_state > SCHEDULE_MAX_STATE || schedule->reserved != 0) {
        return refuse(check, "'n_state' is not 0 to 64, or 'reserved' is not 0");
    }
    return RONDO_OK;
}

static rondo_status check_accumulators(const struct descriptor_subject *check, const rondo_metric_plugin *metric) {
    for (const rondo_accumulator *accumulator = metric->accumulators; accumulator->name != NULL; accumulator++) {
        if (!is_name(accumulator->name)) {
            return refuse_part(check, "accumulator", accumulator->name, NAME_RULE);
        }
        if (!is_one_line(accumulator->help)) {
            return refuse_part(check, "accumulator", accumulator->name, "has no help of one line");
        }
        for (const rondo_accumulator *earlier = metric->accumulators; earlier < accumulator; earlier++) {
            if (strcmp(earlier->name, accumulator->name) == 0) {
                return refuse_part(check, "accumulator", accumulator->name, "is listed twice");
            }
        }
    }
    return RONDO_OK;
}

static rondo_status check_metric(const struct descriptor_subject *check) {
    const rondo_metric_plugin *metric = (const rondo_metric_plugin *)check->descriptor;
    const uint32_t known =
        RONDO_METRIC_PROBABILITIES | RONDO_METRIC_ANY_PREDICTIONS | RONDO_METRIC_NAIVE | RONDO_METRIC_TEXTS;
    const uint32_t targets =
        RONDO_ACCEPTS(RONDO_TARGET_CLASS) | RONDO_ACCEPTS(RONDO_TARGET_REAL) | RONDO_ACCEPTS(RONDO_TARGET_LIST);
    if ((metric->flags & ~known) != 0 || metric->reserved != 0) {
        return refuse(check, "it has unknown flags, or 'reserved' is not 0");
    }
    if (metric->targets == 0 || (metric->targets & ~targets) != 0) {
        return refuse(check, "'targets' names no kind of targets, or an unknown one");
    }
    if ((metric->flags & RONDO_METRIC_PROBABILITIES) != 0 && metric->targets != RONDO_ACCEPTS(RONDO_TARGET_CLASS)) {
        return refuse(check, "it needs probabilities, so its 'targets' can only be classes");
    }
    if ((metric->flags & RONDO_METRIC_NAIVE) != 0 && metric->targets != RONDO_ACCEPTS(RONDO_TARGET_REAL)) {
        return refuse(check, "it needs the naive forecast, so its 'targets' can only be numbers");
    }
    if ((metric->flags & RONDO_METRIC_TEXTS) != 0 &&
        (metric->flags != RONDO_METRIC_TEXTS || metric->targets != RONDO_ACCEPTS(RONDO_TARGET_CLASS))) {
        return refuse(check, "it compares texts, so its 'targets' can only be classes, and it gets no predictions");
    }
    if (metric->accumulators == NULL || metric->accumulators[0].name == NULL) {
        return refuse(check, "'accumulators' is missing or empty");
    }
    if (metric->measure == NULL || (metric->finish == NULL && metric->table == NULL)) {
        return refuse(check, "'measure' is missing, or both 'finish' and 'table' are");
    }
    return check_accumulators(check, metric);
}

/* Bytes of a descriptor up to the last field that it had in the first ABI with its kind: 1.0, and 1.1 for metrics. */
#define END_OF(type, field) (uint32_t)(offsetof(type, field) + sizeof(((type *)NULL)->field))

uint32_t descriptor_first_size(int32_t kind) {
    static const uint32_t sizes[RONDO_KIND_COUNT] = {
        [RONDO_KIND_OP] = END_OF(rondo_op, map_grad_reads),
        [RONDO_KIND_OPTIMIZER] = END_OF(rondo_optimizer, wants_sampled),
        [RONDO_KIND_LOSS] = END_OF(rondo_loss, prediction_size),
        [RONDO_KIND_SCHEDULE] = END_OF(rondo_schedule, observe),
        [RONDO_KIND_METRIC] = END_OF(rondo_metric_plugin, table),
    };
    return sizes[kind];
}

uint32_t descriptor_size(int32_t kind) {
    static const uint32_t sizes[RONDO_KIND_COUNT] = {
        [RONDO_KIND_OP] = sizeof(rondo_op),
        [RONDO_KIND_OPTIMIZER] = sizeof(rondo_optimizer),
        [RONDO_KIND_LOSS] = sizeof(rondo_loss),
        [RONDO_KIND_SCHEDULE] = sizeof(rondo_schedule),
        [RONDO_KIND_METRIC] = sizeof(rondo_metric_plugin),
    };
    return sizes[kind];
}

/* Checked first: no later field may be read until kind and struct_size are known to be right. A descriptor has at least
 * the first size of its kind. */
static rondo_status check_base(const struct descriptor_subject *check) {
    const rondo_descriptor *descriptor = check->descriptor;
    struct errors *errors = check->errors;
    if (descriptor->kind < 0 || descriptor->kind >= RONDO_KIND_COUNT) {
        return errors_add(errors, RONDO_INVALID, "a descriptor of '%s' has kind %d, expected 0 to %d", check->origin,
                          (int)descriptor->kind, RONDO_KIND_COUNT - 1);
    }
    const char *kind = kind_name(descriptor->kind);
    const uint32_t size = descriptor_first_size(descriptor->kind);
    if (descriptor->struct_size < size) {
        return errors_add(errors, RONDO_INVALID, "%s descriptor of '%s' has struct_size %u, expected %u or more", kind,
                          check->origin, (unsigned)descriptor->struct_size, (unsigned)size);
    }
    if (descriptor->name == NULL) {
        return errors_add(errors, RONDO_INVALID, "%s descriptor of '%s' has no name", kind, check->origin);
    }
    if (!is_name(descriptor->name)) {
        return errors_add(errors, RONDO_INVALID, "%s '%.80s' of '%s': the name " NAME_RULE, kind, descriptor->name,
                          check->origin);
    }
    return is_one_line(descriptor->summary) ? RONDO_OK : refuse(check, "it has no summary of one line");
}

union descriptor descriptor_copy(const rondo_descriptor *descriptor) {
    const uint32_t size = descriptor_size(descriptor->kind);
    union descriptor copy;
    memset(&copy, 0, sizeof copy);
    memcpy(&copy, descriptor, descriptor->struct_size < size ? descriptor->struct_size : size);
    return copy;
}

rondo_status descriptor_check(const rondo_descriptor *descriptor, const char *origin, struct errors *errors) {
    struct descriptor_subject check = {descriptor, origin, errors};
    RONDO_TRY(check_base(&check));
    const union descriptor copy = descriptor_copy(descriptor);
    check.descriptor = &copy.base;
    RONDO_TRY(check_options(&check));
    switch (descriptor->kind) {
    case RONDO_KIND_OP:
        return check_op(&check);
    case RONDO_KIND_OPTIMIZER:
        return check_optimizer(&check);
    case RONDO_KIND_LOSS:
        return check_loss(&check);
    case RONDO_KIND_SCHEDULE:
        return check_schedule(&check);
    default:
        return check_metric(&check);
    }
}
