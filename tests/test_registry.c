/* tests/test_registry.c: which descriptors can be registered, how they are found, and the errors for names that are not
 * found. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "core/kind.h"
#include "core/registry.h"
#include "core/suggest.h"
#include "tests/stub_plugins.h"
#include "tests/suite.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

static struct registry *registry;
static struct errors errors;

static const rondo_descriptor *const nothing[] = {NULL};

static void setup(void) {
    memset(&errors, 0, sizeof errors);
    registry = registry_create(nothing, &errors);
    ck_assert_ptr_nonnull(registry);
}

static void teardown(void) {
    registry_destroy(registry);
    errors_free(&errors);
}

/* The registry keeps copies. */
static void assert_copy(const void *found, const rondo_descriptor *original) {
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_ne(found, original);
    ck_assert_mem_eq(found, original, original->struct_size);
}

/* ---- right descriptors, in which a test makes one thing wrong ---- */

struct options {
    double rate;
    int64_t size;
    int32_t choice;
};

static const char *const choices[] = {"a", "b", NULL};
static const char *const no_choices[] = {NULL};

/* A set of descriptors, one field of which a row of the table below spoils. */
struct parts {
    rondo_option options[4];
    rondo_slot slots[3];
    rondo_metric metrics[3];
    rondo_op elementwise, general;
    rondo_optimizer optimizer;
    rondo_loss loss;
    rondo_schedule schedule;
    rondo_accumulator accumulators[3];
    rondo_metric_plugin metric;
};

static struct parts good_parts(void) {
    return (struct parts){
        .options = {RONDO_OPTION_REAL(struct options, rate, "0.5", 0, 1, "rate"),
                    RONDO_OPTION_INT(struct options, size, NULL, 1, 9, "size"),
                    RONDO_OPTION_CHOICE(struct options, choice, "a", choices, "choice"), RONDO_OPTION_END},
        .slots = {{"mean", RONDO_SLOT_LIKE_PARAMETER, 0}, {"square", RONDO_SLOT_LIKE_PARAMETER, 0}, {0}},
        .metrics = {{"accuracy", RONDO_METRIC_MEAN, 1}, {"error", RONDO_METRIC_ROOT, 0}, {0}},
        .elementwise = {.base = {sizeof(rondo_op), RONDO_KIND_OP, "twice", "2 x", NULL, 0},
                        .min_inputs = 1,
                        .max_inputs = 1,
                        .operands = "x",
                        .map = stub_map,
                        .map_grad = stub_map_grad},
        .general = {.base = {sizeof(rondo_op), RONDO_KIND_OP, "total", "sum of x", NULL, 0},
                    .min_inputs = 1,
                    .max_inputs = -1,
                    .operands = "x, ...",
                    .infer = stub_op_call,
                    .forward = stub_op_call,
                    .backward = stub_op_call},
        .optimizer = {.base = {sizeof(rondo_optimizer), RONDO_KIND_OPTIMIZER, "down", "p - g", NULL, 0},
                      .step = stub_step},
        .loss = {.base = {sizeof(rondo_loss), RONDO_KIND_LOSS, "wrong", "x - y", NULL, 0},
                 .output_size = stub_output_size,
                 .record = stub_record,
                 .predict = stub_predict,
                 .measure = stub_measure},
        .schedule = {.base = {sizeof(rondo_schedule), RONDO_KIND_SCHEDULE, "slope", "1 - t", NULL, 0},
                     .n_state = 2,
                     .factor = stub_factor},
        .accumulators = {{"right", "rows that are right"}, {"rows", "all rows"}, {0}},
        .metric = {.base = {sizeof(rondo_metric_plugin), RONDO_KIND_METRIC, "share", "right / rows", NULL, 0},
                   .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
                   .higher_is_better = 1,
                   .measure = stub_measure_rows,
                   .finish = stub_finish},
    };
}

/* Points the descriptors of a copy at the arrays of that copy. */
static void connect(struct parts *parts) {
    rondo_descriptor *bases[] = {&parts->elementwise.base, &parts->general.base,  &parts->optimizer.base,
                                 &parts->loss.base,        &parts->schedule.base, &parts->metric.base};
    for (size_t k = 0; k < sizeof bases / sizeof bases[0]; k++) {
        bases[k]->options = parts->options;
        bases[k]->options_size = sizeof(struct options);
    }
    parts->optimizer.slots = parts->slots;
    parts->loss.metrics = parts->metrics;
    parts->metric.accumulators = parts->accumulators;
}

enum part { ELEMENTWISE, GENERAL, OPTIMIZER, LOSS, SCHEDULE, METRIC };

static const rondo_descriptor *descriptor_of(const struct parts *parts, enum part part) {
    const rondo_descriptor *bases[] = {&parts->elementwise.base, &parts->general.base,  &parts->optimizer.base,
                                       &parts->loss.base,        &parts->schedule.base, &parts->metric.base};
    return bases[part];
}

START_TEST(descriptors_with_nothing_wrong_are_registered) {
    struct parts parts = good_parts();
    connect(&parts);
    for (int part = ELEMENTWISE; part <= METRIC; part++) {
        const rondo_descriptor *descriptor = descriptor_of(&parts, (enum part)part);
        const rondo_status status = registry_add(registry, descriptor, "f.so", &errors);
        ck_assert_msg(status == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : "");
        assert_copy(registry_find(registry, descriptor->kind, descriptor->name), descriptor);
    }
    assert_copy(registry_op(registry, "twice"), &parts.elementwise.base);
    ck_assert_ptr_null(registry_op(registry, "down"));
}
END_TEST

/* A row overwrites one field of the good parts; or two, if the first change would be refused for another reason. */
struct poke {
    size_t offset, size;
    const void *value;
};
#define POKE(field, type, ...)                                                                                         \
    {                                                                                                                  \
        offsetof(struct parts, field), sizeof(type), &(type) {                                                         \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

typedef const char *text;
typedef const void *pointer;
typedef void (*gradient_function)(const void *, int32_t, int64_t, const void *const *, const void *, const void *,
                                  void *const *);
typedef rondo_status (*op_function)(rondo_context *, rondo_op_call *);

static const struct {
    enum part part;
    struct poke pokes[2];
    text reason;
} bad[] = {
    /* of every kind */
    {OPTIMIZER, {POKE(optimizer.base.kind, int32_t, 5)}, "a descriptor of 'f.so' has kind 5, expected 0 to 4"},
    {OPTIMIZER, {POKE(optimizer.base.kind, int32_t, -1)}, "has kind -1"},
    {OPTIMIZER, {POKE(optimizer.base.struct_size, uint32_t, 8)}, "optimizer descriptor of 'f.so' has struct_size 8"},
    {GENERAL,
     {POKE(general.base.struct_size, uint32_t, offsetof(rondo_op, sample_lengths) - 1)},
     "op descriptor of 'f.so' has struct_size"},
    {LOSS, {POKE(loss.base.struct_size, uint32_t, 0)}, "loss descriptor of 'f.so' has struct_size 0"},
    {OPTIMIZER, {POKE(optimizer.base.name, text, NULL)}, "optimizer descriptor of 'f.so' has no name"},
    {OPTIMIZER, {POKE(optimizer.base.name, text, "")}, "optimizer '' of 'f.so': the name is not a lower_case name"},
    {OPTIMIZER, {POKE(optimizer.base.name, text, "Adam")}, "'Adam' of 'f.so': the name is not a lower_case name"},
    {OPTIMIZER, {POKE(optimizer.base.name, text, "../adam")}, "the name is not a lower_case name"},
    {OPTIMIZER, {POKE(optimizer.base.name, text, "1st")}, "the name is not a lower_case name"},
    {OPTIMIZER, {POKE(optimizer.base.name, text, "a b")}, "the name is not a lower_case name"},
    {OPTIMIZER,
     {POKE(optimizer.base.name, text, "a234567890123456789012345678901234567890123456789012345678901234")},
     "at most 63 letters"},
    {OPTIMIZER,
     {POKE(optimizer.base.summary, text, NULL)},
     "optimizer 'down' of 'f.so': it has no summary of one line"},
    {OPTIMIZER, {POKE(optimizer.base.summary, text, "")}, "no summary of one line"},
    {OPTIMIZER, {POKE(optimizer.base.summary, text, "a\nb")}, "no summary of one line"},
    /* options */
    {OPTIMIZER, {POKE(optimizer.base.options, pointer, NULL)}, "'options' and 'options_size' must be set together"},
    {OPTIMIZER, {POKE(optimizer.base.options_size, uint64_t, 0)}, "'options' and 'options_size' must be set together"},
    {OPTIMIZER, {POKE(options[0].key, text, "Rate")}, "option 'Rate' is not a lower_case name"},
    {OPTIMIZER, {POKE(options[1].key, text, "rate")}, "option 'rate' is listed twice in the table"},
    {OPTIMIZER, {POKE(options[0].type, int32_t, 8)}, "option 'rate' has an unknown type"},
    {OPTIMIZER, {POKE(options[0].type, int32_t, -1)}, "option 'rate' has an unknown type"},
    {OPTIMIZER, {POKE(options[0].offset, uint32_t, sizeof(struct options))}, "option 'rate' has an offset outside"},
    {OPTIMIZER, {POKE(options[0].offset, uint32_t, UINT32_MAX - 7)}, "option 'rate' has an offset outside"},
    {OPTIMIZER, {POKE(options[0].offset, uint32_t, 4)}, "or not aligned"},
    {OPTIMIZER, {POKE(optimizer.base.options_size, uint64_t, 16)}, "option 'choice' has an offset outside"},
    {OPTIMIZER, {POKE(options[0].min, double, 2)}, "option 'rate' has an empty range"},
    {OPTIMIZER, {POKE(options[0].max, double, NAN)}, "option 'rate' has an empty range"},
    {OPTIMIZER, {POKE(options[2].choices, pointer, NULL)}, "option 'choice' has no choices"},
    {OPTIMIZER, {POKE(options[2].choices, pointer, no_choices)}, "option 'choice' has no choices"},
    {OPTIMIZER, {POKE(options[0].help, text, NULL)}, "option 'rate' has no help of one line"},
    {OPTIMIZER, {POKE(options[0].help, text, "a\nb")}, "option 'rate' has no help of one line"},
    {OPTIMIZER, {POKE(options[0].default_text, text, "2")}, "the default of 'rate' is 2, expected a number in [0, 1]"},
    {OPTIMIZER, {POKE(options[0].default_text, text, "much")}, "the default of 'rate' is 'much'"},
    {OPTIMIZER, {POKE(options[2].default_text, text, "c")}, "the default of 'choice' is 'c', expected one of a, b"},
    /* elementwise ops */
    {ELEMENTWISE, {POKE(elementwise.map_grad, pointer, NULL)}, "op 'twice' of 'f.so': it has no gradient: 'map_grad'"},
    {ELEMENTWISE, {POKE(elementwise.flags, uint32_t, RONDO_OP_NO_GRADIENT)}, "yet RONDO_OP_NO_GRADIENT is set"},
    {ELEMENTWISE, {POKE(elementwise.flags, uint32_t, 64)}, "unknown flags"},
    {ELEMENTWISE, {POKE(elementwise.flags, uint32_t, RONDO_OP_RANDOM_ELEMENTS)}, "is set without RONDO_OP_RANDOM"},
    {ELEMENTWISE, {POKE(elementwise.flags, uint32_t, RONDO_OP_SEQUENCES)}, "looks at one element at a time"},
    {ELEMENTWISE, {POKE(elementwise.role, int32_t, 9)}, "an unknown role"},
    {ELEMENTWISE, {POKE(elementwise.operands, text, NULL)}, "'operands', the names of its inputs, is missing"},
    {ELEMENTWISE, {POKE(elementwise.max_inputs, int32_t, 2)}, "takes a fixed number of inputs"},
    {ELEMENTWISE, {POKE(elementwise.max_inputs, int32_t, -1)}, "takes a fixed number of inputs"},
    {ELEMENTWISE,
     {POKE(elementwise.min_inputs, int32_t, 0), POKE(elementwise.max_inputs, int32_t, 0)},
     "takes a fixed number of inputs, 1 to 8"},
    {ELEMENTWISE,
     {POKE(elementwise.min_inputs, int32_t, 9), POKE(elementwise.max_inputs, int32_t, 9)},
     "takes a fixed number of inputs, 1 to 8"},
    {ELEMENTWISE, {POKE(elementwise.domain_low, double, 1)}, "are not an interval"},
    {ELEMENTWISE, {POKE(elementwise.domain_high, double, INFINITY)}, "are not an interval"},
    {ELEMENTWISE, {POKE(elementwise.forward, op_function, stub_op_call)}, "one or the other"},
    /* other ops */
    {GENERAL, {POKE(general.infer, pointer, NULL)}, "op 'total' of 'f.so': it has neither 'map' nor both of"},
    {GENERAL, {POKE(general.forward, pointer, NULL)}, "it has neither 'map' nor both of 'infer' and 'forward'"},
    {GENERAL, {POKE(general.backward, pointer, NULL)}, "it has no gradient: 'backward' is missing"},
    {GENERAL, {POKE(general.flags, uint32_t, RONDO_OP_NO_GRADIENT)}, "yet RONDO_OP_NO_GRADIENT is set"},
    {GENERAL, {POKE(general.min_inputs, int32_t, -1)}, "'min_inputs' and 'max_inputs' are not a range"},
    {GENERAL, {POKE(general.max_inputs, int32_t, 0)}, "'min_inputs' and 'max_inputs' are not a range"},
    {GENERAL, {POKE(general.max_inputs, int32_t, -2)}, "'min_inputs' and 'max_inputs' are not a range"},
    {ELEMENTWISE, {POKE(elementwise.map, pointer, NULL)}, "it has neither 'map' nor both of"},
    {GENERAL, {POKE(general.map_grad, gradient_function, stub_map_grad)}, "it has 'map_grad' without 'map'"},
    /* optimizers */
    {OPTIMIZER, {POKE(optimizer.step, pointer, NULL)}, "optimizer 'down' of 'f.so': 'step' is missing"},
    {OPTIMIZER, {POKE(optimizer.flags, uint32_t, 2)}, "unknown flags"},
    {OPTIMIZER, {POKE(optimizer.stage, int32_t, 3)}, "an unknown stage"},
    {OPTIMIZER, {POKE(options[0].key, text, "groups")}, "option 'groups' has a name that is a key of experiments"},
    {OPTIMIZER, {POKE(slots[0].name, text, "the mean")}, "slot 'the mean' is not a lower_case name"},
    {OPTIMIZER, {POKE(slots[1].name, text, "mean")}, "slot 'mean' is listed twice"},
    {OPTIMIZER, {POKE(slots[1].shape, int32_t, 3)}, "slot 'square' has an unknown shape or role"},
    {OPTIMIZER, {POKE(slots[1].role, int32_t, 3)}, "slot 'square' has an unknown shape or role"},
    {OPTIMIZER, {POKE(slots[1].shape, int32_t, RONDO_SLOT_CHOSEN)}, "and 'choose_slot' is missing"},
    {OPTIMIZER,
     {POKE(slots[1].shape, int32_t, RONDO_SLOT_SCALAR), POKE(slots[1].role, int32_t, RONDO_SLOT_EVALUATED)},
     "slot 'square' starts as a copy, so its shape must be"},
    {OPTIMIZER,
     {POKE(slots[1].shape, int32_t, RONDO_SLOT_SCALAR), POKE(optimizer.flags, uint32_t, RONDO_OPTIMIZER_ELEMENTWISE)},
     "slot 'square' is a scalar, which an elementwise optimizer cannot keep"},
    /* losses */
    {LOSS, {POKE(loss.output_size, pointer, NULL)}, "loss 'wrong' of 'f.so': 'output_size' or 'record' is"},
    {LOSS, {POKE(loss.record, pointer, NULL)}, "'output_size' or 'record' is missing"},
    {LOSS, {POKE(loss.measure, pointer, NULL)}, "'metrics' and 'measure' must be set together"},
    {LOSS, {POKE(loss.metrics, pointer, NULL)}, "'metrics' and 'measure' must be set together"},
    {LOSS, {POKE(metrics[0].name, text, "Top-1")}, "metric 'Top-1' is not a lower_case name"},
    {LOSS, {POKE(metrics[0].name, text, "loss")}, "metric 'loss' has the name of the host's own"},
    {LOSS, {POKE(metrics[1].name, text, "accuracy")}, "metric 'accuracy' is listed twice"},
    {LOSS, {POKE(metrics[1].finish, int32_t, 3)}, "metric 'error' has an unknown finish"},
    {LOSS, {POKE(loss.flags, uint32_t, 8)}, "unknown flags"},
    {LOSS, {POKE(loss.reserved, uint32_t, 1)}, "'reserved' is not 0"},
    {LOSS, {POKE(options[0].key, text, "weight")}, "option 'weight' has a name that is a key of experiments"},
    /* schedules */
    {SCHEDULE, {POKE(schedule.factor, pointer, NULL)}, "schedule 'slope' of 'f.so': 'factor' is missing"},
    {SCHEDULE, {POKE(schedule.n_state, int32_t, 65)}, "'n_state' is not 0 to 64"},
    {SCHEDULE, {POKE(schedule.n_state, int32_t, -1)}, "'n_state' is not 0 to 64"},
    {SCHEDULE, {POKE(schedule.reserved, int32_t, 1)}, "or 'reserved' is not 0"},
    {SCHEDULE,
     {POKE(options[0].type, int32_t, RONDO_CLASS_REALS)},
     "option 'rate' has numbers for classes, which only losses and metrics know"},
    /* metrics */
    {METRIC, {POKE(metric.measure, pointer, NULL)}, "metric 'share' of 'f.so': 'measure' is missing"},
    {METRIC, {POKE(metric.finish, pointer, NULL)}, "or both 'finish' and 'table' are"},
    {METRIC, {POKE(metric.targets, uint32_t, 0)}, "'targets' names no kind of targets"},
    {METRIC, {POKE(metric.targets, uint32_t, 8)}, "or an unknown one"},
    {METRIC, {POKE(metric.flags, uint32_t, 16)}, "unknown flags"},
    {METRIC,
     {POKE(metric.targets, uint32_t, RONDO_ACCEPTS(RONDO_TARGET_REAL)),
      POKE(metric.flags, uint32_t, RONDO_METRIC_TEXTS)},
     "it compares texts, so its 'targets' can only be classes, and it gets no predictions"},
    {METRIC,
     {POKE(metric.flags, uint32_t, RONDO_METRIC_TEXTS | RONDO_METRIC_PROBABILITIES)},
     "it compares texts, so its 'targets' can only be classes, and it gets no predictions"},
    {METRIC, {POKE(metric.reserved, int32_t, 1)}, "'reserved' is not 0"},
    {METRIC,
     {POKE(metric.targets, uint32_t, 3), POKE(metric.flags, uint32_t, RONDO_METRIC_PROBABILITIES)},
     "it needs probabilities, so its 'targets' can only be classes"},
    {METRIC,
     {POKE(metric.flags, uint32_t, RONDO_METRIC_NAIVE)},
     "it needs the naive forecast, so its 'targets' can only be numbers"},
    {METRIC, {POKE(metric.accumulators, pointer, NULL)}, "'accumulators' is missing or empty"},
    {METRIC, {POKE(accumulators[0].name, text, NULL)}, "'accumulators' is missing or empty"},
    {METRIC, {POKE(accumulators[0].name, text, "Rows")}, "accumulator 'Rows' is not a lower_case name"},
    {METRIC, {POKE(accumulators[1].name, text, "right")}, "accumulator 'right' is listed twice"},
    {METRIC, {POKE(accumulators[1].help, text, "")}, "accumulator 'rows' has no help of one line"},
};

START_TEST(descriptor_with_one_thing_wrong_is_refused_for_that) {
    struct parts parts = good_parts();
    connect(&parts);
    for (int k = 0; k < 2 && bad[_i].pokes[k].value != NULL; k++) {
        memcpy((char *)&parts + bad[_i].pokes[k].offset, bad[_i].pokes[k].value, bad[_i].pokes[k].size);
    }
    const rondo_descriptor *descriptor = descriptor_of(&parts, bad[_i].part);
    ck_assert_int_eq(registry_add(registry, descriptor, "f.so", &errors), RONDO_INVALID);
    ck_assert_int_eq(errors.count, 1);
    ck_assert_msg(strstr(errors_text(&errors, 0), bad[_i].reason) != NULL, "'%s' is not in \"%s\"", bad[_i].reason,
                  errors_text(&errors, 0));
    ck_assert_ptr_null(registry_at(registry, 0, NULL));
}
END_TEST

START_TEST(chosen_slot_with_its_function_is_allowed) {
    struct parts parts = good_parts();
    connect(&parts);
    parts.optimizer.choose_slot = stub_choose_slot;
    parts.slots[1].shape = RONDO_SLOT_CHOSEN;
    parts.slots[0].role = RONDO_SLOT_COPY;
    ck_assert_int_eq(registry_add(registry, &parts.optimizer.base, "f.so", &errors), RONDO_OK);
}
END_TEST

START_TEST(no_gradient_on_purpose_is_allowed) {
    struct parts parts = good_parts();
    connect(&parts);
    parts.elementwise.flags = RONDO_OP_NO_GRADIENT;
    parts.elementwise.map_grad = NULL;
    parts.general.flags = RONDO_OP_NO_GRADIENT | RONDO_OP_RANDOM;
    parts.general.backward = NULL;
    ck_assert_int_eq(registry_add(registry, &parts.elementwise.base, "f.so", &errors), RONDO_OK);
    ck_assert_int_eq(registry_add(registry, &parts.general.base, "f.so", &errors), RONDO_OK);
}
END_TEST

START_TEST(descriptor_that_knows_more_than_the_host_is_allowed) {
    struct {
        rondo_optimizer optimizer;
        void *newer;
    } grown = {.optimizer = good_parts().optimizer};
    grown.optimizer.base.struct_size = sizeof grown;
    ck_assert_int_eq(registry_add(registry, &grown.optimizer.base, "f.so", &errors), RONDO_OK);
}
END_TEST

/* ---- lists ---- */

START_TEST(taken_name_is_refused_with_both_origins) {
    const struct parts first = good_parts();
    const struct parts second = good_parts();
    ck_assert_int_eq(registry_add(registry, &first.optimizer.base, "a.so", &errors), RONDO_OK);
    ck_assert_int_eq(registry_add(registry, &second.optimizer.base, "b.so", &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "optimizer 'down' of 'b.so' already exists, from 'a.so'");
    assert_copy(registry_find(registry, RONDO_KIND_OPTIMIZER, "down"), &first.optimizer.base);
}
END_TEST

START_TEST(same_name_of_another_kind_is_allowed) {
    struct parts parts = good_parts();
    parts.loss.metrics = parts.metrics;
    parts.loss.base.name = "down";
    ck_assert_int_eq(registry_add(registry, &parts.optimizer.base, "f.so", &errors), RONDO_OK);
    ck_assert_int_eq(registry_add(registry, &parts.loss.base, "f.so", &errors), RONDO_OK);
    assert_copy(registry_find(registry, RONDO_KIND_LOSS, "down"), &parts.loss.base);
}
END_TEST

START_TEST(list_is_added_whole_or_not_at_all) {
    struct parts parts = good_parts();
    parts.elementwise.map_grad = NULL;
    const rondo_descriptor *const list[] = {&parts.optimizer.base, &parts.general.base, &parts.elementwise.base, NULL};
    ck_assert_int_eq(registry_add_all(registry, list, "f.so", &errors), RONDO_INVALID);
    ck_assert_ptr_null(registry_at(registry, 0, NULL));
    parts.elementwise.map_grad = stub_map_grad;
    ck_assert_int_eq(registry_add_all(registry, list, "f.so", &errors), RONDO_OK);
    ck_assert_ptr_nonnull(registry_at(registry, 2, NULL));
    ck_assert_ptr_null(registry_at(registry, 3, NULL));
}
END_TEST

START_TEST(name_twice_in_one_list_is_refused) {
    const struct parts parts = good_parts();
    const struct parts other = good_parts();
    const rondo_descriptor *const list[] = {&parts.optimizer.base, &other.optimizer.base, NULL};
    ck_assert_int_eq(registry_add_all(registry, list, "f.so", &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "optimizer 'down' of 'f.so' already exists, from 'f.so'");
    ck_assert_ptr_null(registry_at(registry, 0, NULL));
}
END_TEST

START_TEST(registry_with_a_bad_builtin_is_not_made) {
    struct parts parts = good_parts();
    parts.general.infer = NULL;
    const rondo_descriptor *const list[] = {&parts.general.base, NULL};
    ck_assert_ptr_null(registry_create(list, &errors));
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "op 'total' of 'built-in': "));
}
END_TEST

START_TEST(entries_are_in_order_of_kind_then_name) {
    enum { COUNT = 60 };
    static char names[COUNT][8];
    static rondo_optimizer optimizers[COUNT];
    const struct parts parts = good_parts();
    for (int k = 0; k < COUNT; k++) {
        const int number = (k * 37) % COUNT; /* 37 and 60 have no common divisor, so every number occurs once */
        snprintf(names[k], sizeof names[k], "o%02d", number);
        optimizers[k] = parts.optimizer;
        optimizers[k].base.name = names[k];
        ck_assert_int_eq(registry_add(registry, &optimizers[k].base, names[k], &errors), RONDO_OK);
    }
    ck_assert_int_eq(registry_add(registry, &parts.general.base, "f.so", &errors), RONDO_OK);
    const char *origin = NULL;
    assert_copy(registry_at(registry, 0, &origin), &parts.general.base);
    ck_assert_str_eq(origin, "f.so");
    for (int k = 0; k < COUNT; k++) {
        char name[8];
        snprintf(name, sizeof name, "o%02d", k);
        ck_assert_str_eq(registry_at(registry, k + 1, &origin)->name, name);
        ck_assert_str_eq(origin, name);
        ck_assert_str_eq(registry_find(registry, RONDO_KIND_OPTIMIZER, name)->name, name);
    }
    ck_assert_ptr_null(registry_at(registry, COUNT + 1, NULL));
    ck_assert_ptr_null(registry_at(registry, -1, NULL));
}
END_TEST

START_TEST(kinds_have_names_and_folders) {
    ck_assert_str_eq(kind_name(RONDO_KIND_OP), "op");
    ck_assert_str_eq(kind_name(RONDO_KIND_OPTIMIZER), "optimizer");
    ck_assert_str_eq(kind_name(RONDO_KIND_LOSS), "loss");
    ck_assert_str_eq(kind_folder(RONDO_KIND_OP), "ops");
    ck_assert_str_eq(kind_folder(RONDO_KIND_OPTIMIZER), "optimizers");
    ck_assert_str_eq(kind_folder(RONDO_KIND_LOSS), "losses");
    ck_assert_str_eq(kind_name(RONDO_KIND_SCHEDULE), "schedule");
    ck_assert_str_eq(kind_folder(RONDO_KIND_SCHEDULE), "schedules");
    ck_assert_str_eq(kind_name(RONDO_KIND_METRIC), "metric");
    ck_assert_str_eq(kind_folder(RONDO_KIND_METRIC), "metrics");
    ck_assert_str_eq(kind_name(RONDO_KIND_COUNT), "unknown");
    ck_assert_str_eq(kind_folder(-1), "unknown");
}
END_TEST

/* ---- the finder ---- */

/* A finder that gives `status`, after it has registered `descriptor` or added an error. */
struct finder {
    rondo_status status;
    const rondo_descriptor *descriptor;
    const char *error;
    int calls;
};

static rondo_status find(void *self, struct registry *into, int32_t kind, const char *name, struct location where,
                         struct errors *reasons) {
    struct finder *finder = self;
    finder->calls++;
    ck_assert_int_eq(kind, RONDO_KIND_OPTIMIZER);
    ck_assert_ptr_nonnull(name);
    if (finder->descriptor != NULL) {
        ck_assert_int_eq(registry_add(into, finder->descriptor, "found.so", reasons), RONDO_OK);
    }
    if (finder->error != NULL) {
        errors_add_at(reasons, finder->status, where, "%s", finder->error);
    }
    return finder->status;
}

static void suggest_momentum(void *self, int32_t kind, const char *name, struct suggestion *best, struct arena *arena) {
    (void)self, (void)kind, (void)arena;
    suggest(best, name, "momentum");
}

static const rondo_descriptor *resolve(struct finder *finder, const char *name) {
    registry_set_finder(registry, (struct registry_finder){find, suggest_momentum, finder, "/a:/b"});
    return registry_resolve(registry, RONDO_KIND_OPTIMIZER, name, (struct location){"e.yaml", 4, 7}, &errors);
}

START_TEST(name_that_is_missing_is_asked_of_the_finder_once) {
    const struct parts parts = good_parts();
    struct finder finder = {.status = RONDO_OK, .descriptor = &parts.optimizer.base};
    assert_copy(resolve(&finder, "down"), &parts.optimizer.base);
    finder.descriptor = NULL;
    assert_copy(resolve(&finder, "down"), &parts.optimizer.base);
    ck_assert_int_eq(finder.calls, 1);
    ck_assert_int_eq(errors.count, 0);
}
END_TEST

START_TEST(reason_of_the_finder_is_the_only_error) {
    struct finder finder = {.status = RONDO_INVALID, .error = "broken"};
    ck_assert_ptr_null(resolve(&finder, "down"));
    ck_assert_int_eq(errors.count, 1);
    ck_assert_str_eq(errors_text(&errors, 0), "e.yaml:4:7: broken");
}
END_TEST

START_TEST(finder_that_promises_and_does_not_keep_is_a_bug) {
    struct finder finder = {.status = RONDO_OK};
    ck_assert_ptr_null(resolve(&finder, "down"));
    ck_assert_int_eq(errors.status, RONDO_INTERNAL);
}
END_TEST

START_TEST(unknown_name_gets_the_nearest_and_where_it_was_looked_for) {
    const struct parts parts = good_parts();
    ck_assert_int_eq(registry_add(registry, &parts.optimizer.base, "f.so", &errors), RONDO_OK);
    struct finder finder = {.status = RONDO_NOT_FOUND};
    ck_assert_ptr_null(resolve(&finder, "dwon"));
    ck_assert_ptr_null(resolve(&finder, "momentun"));
    ck_assert_ptr_null(resolve(&finder, "twice"));
    ck_assert_int_eq(errors.status, RONDO_NOT_FOUND);
    ck_assert_str_eq(errors_text(&errors, 0), "e.yaml:4:7: unknown optimizer 'dwon' (did you mean 'down'?), looked for "
                                              "among those registered and in '/a:/b'");
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 1), "(did you mean 'momentum'?)"));
    ck_assert_ptr_null(strstr(errors_text(&errors, 2), "did you mean")); /* an op of that name would not help */
}
END_TEST

START_TEST(unknown_name_without_a_finder_is_an_error) {
    ck_assert_ptr_null(registry_resolve(registry, RONDO_KIND_LOSS, "x", (struct location){0}, &errors));
    ck_assert_str_eq(errors_text(&errors, 0), "unknown loss 'x', looked for among those registered");
}
END_TEST

/* ---- the host's side of a call ---- */

/* What a plug-in reports and returns, and the resulting status and error. */
static const struct {
    int fails;
    rondo_status code, returned, result;
    const char *text; /* NULL: no error */
} results[] = {
    {0, 0, RONDO_OK, RONDO_OK, NULL},
    {1, RONDO_INVALID, RONDO_INVALID, RONDO_INVALID, "f.yaml:2: op 'x': reason 7"},
    {1, RONDO_INVALID, RONDO_OK, RONDO_INVALID, "f.yaml:2: op 'x': reason 7"},
    {1, RONDO_INVALID, 99, RONDO_INVALID, "f.yaml:2: op 'x': reason 7"},
    {1, RONDO_OK, RONDO_OK, RONDO_INTERNAL, "f.yaml:2: op 'x': reason 7"},
    {1, 99, 99, RONDO_INTERNAL, "f.yaml:2: op 'x': reason 7"},
    {0, 0, RONDO_IO, RONDO_IO, "f.yaml:2: op 'x': failed and did not say why"},
    {0, 0, RONDO_NO_MEMORY, RONDO_NO_MEMORY, "f.yaml:2: out of memory for op 'x'"},
    {0, 0, 99, RONDO_INTERNAL, "f.yaml:2: op 'x': returned the unknown status 99"},
    {0, 0, -1, RONDO_INTERNAL, "f.yaml:2: op 'x': returned the unknown status -1"},
};

START_TEST(result_of_a_call_is_made_honest) {
    struct arena *arena = arena_create();
    struct host_call call = host_call(arena, &errors, NULL, "op 'x'");
    call.where = (struct location){"f.yaml", 2, 0};
    if (results[_i].fails) {
        call.base.host->fail(&call.base, results[_i].code, "reason %d", 7);
    }
    ck_assert_int_eq(host_result(&call, results[_i].returned), results[_i].result);
    ck_assert_int_eq(errors.count, results[_i].text != NULL);
    if (results[_i].text != NULL) {
        /* a lack of memory ends with the limit */
        const size_t length = results[_i].result == RONDO_NO_MEMORY ? strlen(results[_i].text) : SIZE_MAX;
        ck_assert_msg(strncmp(errors_text(&errors, 0), results[_i].text, length) == 0, "%s", errors_text(&errors, 0));
        ck_assert_int_eq(errors.status, results[_i].result);
    }
    arena_destroy(arena);
}
END_TEST

#define LINES_SIZE 64

static void collect(void *arg, int32_t level, const char *origin, const char *line) {
    char *lines = arg;
    ck_assert_int_eq(level, LOG_LEVEL_INFO);
    ck_assert_str_eq(origin, "x.so");
    const size_t used = strlen(lines);
    snprintf(lines + used, LINES_SIZE - used, "%s", line);
}

static void add_range(void *arg, int64_t begin, int64_t end) {
    int64_t *hits = arg;
    for (int64_t i = begin; i < end; i++) {
        hits[i]++;
    }
}

START_TEST(host_serves_a_plug_in) {
    struct arena *arena = arena_create();
    struct host_call call = host_call(arena, &errors, NULL, "op 'x'");
    const rondo_host *host = call.base.host;
    ck_assert_uint_eq(host->struct_size, sizeof(rondo_host));

    char *memory = host->alloc(&call.base, 100);
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq((uintptr_t)memory % 64, 0);

    char lines[LINES_SIZE] = "";
    host->log(&call.base, "no receiver");
    const struct log_receiver receiver = {collect, lines};
    call.log = &receiver;
    call.origin = "x.so";
    host->log(&call.base, "line %d;", 1);
    host->log(&call.base, "line %d;", 2);
    ck_assert_str_eq(lines, "line 1;line 2;");

    int64_t hits[10] = {0};
    host->parallel_for(&call.base, 10, 3, add_range, hits);
    host->parallel_for(&call.base, 10, 0, add_range, hits);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(hits[i], 2);
    }

    uint32_t words[8];
    uint32_t expected[8];
    call.stream = rng_stream(1, "test");
    rng_words(call.stream, 5, 8, expected);
    host->random(&call.base, 5, 8, words);
    ck_assert_mem_eq(words, expected, sizeof words);

    ck_assert_ptr_null(host->get_extension(&call.base, "example/1"));
    arena_destroy(arena);
}
END_TEST

START_TEST(only_a_loss_has_a_tape) {
    struct arena *arena = arena_create();
    struct host_call call = host_call(arena, &errors, NULL, "op 'x'");
    const rondo_host *host = call.base.host;
    const rondo_tensor scalar = {.dtype = RONDO_F32};
    ck_assert_int_lt(host->apply(&call.base, "neg", NULL, NULL, 0).id, 0);
    ck_assert_int_lt(host->constant(&call.base, &scalar).id, 0);
    ck_assert_ptr_null(host->tensor(&call.base, (rondo_value){0}));
    ck_assert_int_eq(errors.count, 3);
    ck_assert_int_eq(errors.status, RONDO_INTERNAL);
    ck_assert_str_eq(errors_text(&errors, 0), "op 'x': 'apply' is only for losses: this call has no tape");
    arena_destroy(arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("registry");
    TCase *cases = tcase_create("registry");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, descriptors_with_nothing_wrong_are_registered);
    tcase_add_loop_test(cases, descriptor_with_one_thing_wrong_is_refused_for_that, 0, ROWS(bad));
    tcase_add_test(cases, no_gradient_on_purpose_is_allowed);
    tcase_add_test(cases, chosen_slot_with_its_function_is_allowed);
    tcase_add_test(cases, descriptor_that_knows_more_than_the_host_is_allowed);
    tcase_add_test(cases, taken_name_is_refused_with_both_origins);
    tcase_add_test(cases, same_name_of_another_kind_is_allowed);
    tcase_add_test(cases, list_is_added_whole_or_not_at_all);
    tcase_add_test(cases, name_twice_in_one_list_is_refused);
    tcase_add_test(cases, registry_with_a_bad_builtin_is_not_made);
    tcase_add_test(cases, entries_are_in_order_of_kind_then_name);
    tcase_add_test(cases, kinds_have_names_and_folders);
    tcase_add_test(cases, name_that_is_missing_is_asked_of_the_finder_once);
    tcase_add_test(cases, reason_of_the_finder_is_the_only_error);
    tcase_add_test(cases, finder_that_promises_and_does_not_keep_is_a_bug);
    tcase_add_test(cases, unknown_name_gets_the_nearest_and_where_it_was_looked_for);
    tcase_add_test(cases, unknown_name_without_a_finder_is_an_error);
    tcase_add_loop_test(cases, result_of_a_call_is_made_honest, 0, ROWS(results));
    tcase_add_test(cases, host_serves_a_plug_in);
    tcase_add_test(cases, only_a_loss_has_a_tape);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
