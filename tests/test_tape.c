/* tests/test_tape.c: the tape and its gradients, programs and their replay, broadcasting of elementwise ops. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/elementwise.h"
#include "core/infer.h"
#include "core/options.h"
#include "core/print.h"
#include "core/program.h"
#include "core/tape.h"
#include "tests/suite.h"
#include "tests/support.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

static struct support support;
static struct tape *tape;

static void setup(void) {
    support_open(&support);
    tape = support_tape(&support, NULL);
}

static void teardown(void) {
    tape_destroy(tape);
    support_close(&support);
}

static rondo_value apply1(const char *op, const char *options, rondo_value a) {
    return tape_apply_named(tape, op, options, &a, 1);
}

static rondo_value apply2(const char *op, const char *options, rondo_value a, rondo_value b) {
    const rondo_value inputs[2] = {a, b};
    return tape_apply_named(tape, op, options, inputs, 2);
}

static rondo_value failed(void) {
    return (rondo_value){-1};
}

/* ---- gradients of values that are used more than once: a [3, 4] and b [4, 4] are parameters ---- */

static rondo_value square_by_product(rondo_value a, rondo_value b) {
    (void)b;
    return apply2("mul", NULL, a, a);
}

static rondo_value sum_with_itself(rondo_value a, rondo_value b) {
    (void)b;
    return apply2("add", NULL, a, a);
}

static rondo_value difference_with_itself(rondo_value a, rondo_value b) {
    (void)b;
    return apply2("sub", NULL, a, a);
}

static rondo_value fan_out(rondo_value a, rondo_value b) {
    const rondo_value hidden = apply1("tanh", NULL, apply2("matmul", NULL, a, b)); /* [3, 4] */
    const rondo_value gate = apply1("sigmoid", NULL, hidden);
    const rondo_value kept = apply2("mul", NULL, gate, a);
    return apply2("add", NULL, apply2("mul", NULL, kept, hidden), apply1("square", NULL, hidden));
}

static rondo_value one_matrix_in_two_products(rondo_value a, rondo_value b) {
    return apply2("matmul", NULL, apply1("tanh", NULL, apply2("matmul", NULL, a, b)), b);
}

static rondo_value matrix_times_itself(rondo_value a, rondo_value b) {
    return apply2("matmul", NULL, a, apply2("matmul", NULL, b, b));
}

static rondo_value overlapping_views(rondo_value a, rondo_value b) {
    const rondo_value top = apply1("slice", "axis=0 begin=0 end=2", a);    /* [2, 4] */
    const rondo_value bottom = apply1("slice", "axis=0 begin=1 end=3", a); /* [2, 4] */
    return apply2("matmul", NULL, apply2("mul", NULL, top, bottom), b);
}

static rondo_value view_beside_its_base(rondo_value a, rondo_value b) {
    const rondo_value row = apply1("slice", "axis=0 begin=1 end=2", a); /* [1, 4] */
    return apply2("add", NULL, apply2("mul", NULL, a, row), apply2("matmul", NULL, a, b));
}

static rondo_value view_of_view_of_view(rondo_value a, rondo_value b) {
    const rondo_value flat = apply1("reshape", "shape=[12]", apply2("matmul", NULL, a, b));
    const rondo_value middle = apply1("reshape", "shape=[3, 2]", apply1("slice", "begin=3 end=9", flat));
    return apply2("mul", NULL, middle, apply1("slice", "axis=0 begin=2", middle));
}

static rondo_value copied_columns(rondo_value a, rondo_value b) {
    const rondo_value left = apply1("slice", "axis=1 begin=0 end=3", a); /* [3, 3] */
    const rondo_value right = apply1("slice", "axis=1 begin=1", a);      /* [3, 3] */
    return apply2(
        "mul", NULL, left,
        apply2("add", NULL, right, apply1("slice", "axis=0 begin=1 end=2 ", apply1("slice", "axis=1 begin=1", b))));
}

static rondo_value joined_with_itself(rondo_value a, rondo_value b) {
    const rondo_value parts[3] = {a, apply2("matmul", NULL, a, b), a};
    return apply1("square", NULL, tape_apply_named(tape, "concat", "axis=0", parts, 3));
}

static rondo_value one_value_in_all_places(rondo_value a, rondo_value b) {
    const rondo_value sum = apply1("sum", "axis=-1 keep=true", a); /* [3, 1] */
    const rondo_value inputs[3] = {a, sum, a};
    (void)b;
    return tape_apply_named(tape, "where", NULL, inputs, 3);
}

static rondo_value a_parameter_itself(rondo_value a, rondo_value b) {
    (void)b;
    return a;
}

static rondo_value a_view_of_a_parameter(rondo_value a, rondo_value b) {
    (void)a;
    return apply1("slice", "axis=0 begin=1 end=3", b);
}

static rondo_value long_chain(rondo_value a, rondo_value b) {
    rondo_value value = a;
    for (int i = 0; i < 120; i++) {
        value = apply2("mul", NULL, apply1("tanh", NULL, value), i % 50 == 0 ? apply1("exp", NULL, a) : value);
        value = i % 50 == 25 ? apply2("add", NULL, value, apply2("matmul", NULL, a, b)) : value;
        value = i % 7 == 0 ? apply1("sqrt", NULL, apply1("softplus", NULL, value)) : value;
    }
    return value;
}

static const struct {
    const char *name;
    rondo_value (*build)(rondo_value a, rondo_value b);
} reuse_rows[] = {
    {"square_by_product", square_by_product},
    {"sum_with_itself", sum_with_itself},
    {"difference_with_itself", difference_with_itself},
    {"fan_out", fan_out},
    {"one_matrix_in_two_products", one_matrix_in_two_products},
    {"matrix_times_itself", matrix_times_itself},
    {"overlapping_views", overlapping_views},
    {"view_beside_its_base", view_beside_its_base},
    {"view_of_view_of_view", view_of_view_of_view},
    {"copied_columns", copied_columns},
    {"joined_with_itself", joined_with_itself},
    {"one_value_in_all_places", one_value_in_all_places},
    {"a_parameter_itself", a_parameter_itself},
    {"a_view_of_a_parameter", a_view_of_a_parameter},
    {"long_chain", long_chain},
};

struct reuse {
    rondo_tensor a, b, grad_a, grad_b;
    rondo_value (*build)(rondo_value a, rondo_value b);
};

static rondo_value record(const struct reuse *reuse) {
    tape_reset(tape);
    const rondo_value a = tape_parameter(tape, "a", &reuse->a, &reuse->grad_a);
    const rondo_value b = tape_parameter(tape, "b", &reuse->b, &reuse->grad_b);
    const rondo_value root = reuse->build(a, b);
    support_ok(&support, tape_status(tape), "recording");
    return root;
}

static double sum_of(const rondo_tensor *tensor) {
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        sum += tensor_get(tensor, i);
    }
    return sum;
}

static double reuse_loss(void *arg) {
    return sum_of(tape_tensor(tape, record(arg)));
}

START_TEST(gradients_add_up_over_all_uses_of_a_value) {
    struct reuse reuse = {support_random(&support, RONDO_F64, "3, 4", "a"),
                          support_random(&support, RONDO_F64, "4, 4", "b"), support_zeros(&support, RONDO_F64, "3, 4"),
                          support_zeros(&support, RONDO_F64, "4, 4"), reuse_rows[_i].build};
    support_ok(&support, tape_backward(tape, record(&reuse)), reuse_rows[_i].name);
    support_central_differences(reuse_loss, &reuse, &reuse.a, &reuse.grad_a, 1e-7, reuse_rows[_i].name);
    support_central_differences(reuse_loss, &reuse, &reuse.b, &reuse.grad_b, 1e-7, reuse_rows[_i].name);
}
END_TEST

START_TEST(a_gradient_is_added_to_the_callers_buffer) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    const rondo_tensor gradient = support_numbers(&support, RONDO_F64, "3", (double[]){10, 20, 30});
    for (int pass = 1; pass <= 3; pass++) {
        tape_reset(tape);
        const rondo_value value = tape_parameter(tape, "a", &a, &gradient);
        support_ok(&support, tape_backward(tape, apply1("square", NULL, value)), "backward");
        ck_assert_ptr_eq(tape_gradient(tape, value)->data, gradient.data);
        for (int i = 0; i < 3; i++) {
            ck_assert_double_eq_tol(tensor_get(&gradient, i), 10 * (i + 1) + 2 * pass * tensor_get(&a, i), 1e-12);
        }
    }
}
END_TEST

START_TEST(a_root_that_is_a_parameter_adds_one) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "2", "a");
    const rondo_tensor gradient = support_numbers(&support, RONDO_F64, "2", (double[]){10, 20});
    support_ok(&support, tape_backward(tape, tape_parameter(tape, "a", &a, &gradient)), "backward");
    ck_assert_double_eq(tensor_get(&gradient, 0), 11);
    ck_assert_double_eq(tensor_get(&gradient, 1), 21);
}
END_TEST

START_TEST(the_gradient_of_a_view_is_part_of_that_of_its_base) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3, 4", "a");
    const rondo_value parameter = tape_parameter(tape, "a", &a, NULL);
    const rondo_value base = apply1("tanh", NULL, parameter);
    const rondo_value view = apply1("reshape", "shape=[2, 2]", apply1("slice", "axis=0 begin=1 end=2", base));
    ck_assert_ptr_eq(tape_tensor(tape, view)->data, (double *)tape_tensor(tape, base)->data + 4);
    support_ok(&support, tape_backward(tape, apply1("square", NULL, view)), "backward");
    const rondo_tensor *of_base = tape_gradient(tape, base), *of_view = tape_gradient(tape, view);
    ck_assert_ptr_eq(of_view->data, (double *)of_base->data + 4);
    for (int i = 0; i < 12; i++) {
        const double y = tanh(tensor_get(&a, i));
        ck_assert_double_eq_tol(tensor_get(of_base, i), i / 4 == 1 ? 2 * y : 0, 1e-12);
    }
}
END_TEST

/* ---- where gradients go ---- */

/* y = a + b; it records which gradients are requested. */
static struct { int calls, asked[2]; } seen;

static rondo_status spy_infer(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->output = call->inputs[0];
    call->output.data = NULL;
    return RONDO_OK;
}

static rondo_status spy_forward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        tensor_set(&call->output, i, tensor_get(&call->inputs[0], i) + tensor_get(&call->inputs[1], i));
    }
    return RONDO_OK;
}

static rondo_status spy_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    seen.calls++;
    for (int k = 0; k < 2; k++) {
        seen.asked[k] = call->grad_inputs[k].data != NULL;
        for (int64_t i = 0; seen.asked[k] && i < rondo_count(call->grad_output); i++) {
            const double sum = tensor_get(&call->grad_inputs[k], i) + tensor_get(call->grad_output, i);
            tensor_set(&call->grad_inputs[k], i, sum);
        }
    }
    return RONDO_OK;
}

#define SPY(flags_)                                                                                                    \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "spy", .summary = "y = a + b"},       \
        .flags = flags_, .min_inputs = 2, .max_inputs = 2, .operands = "a, b", .infer = spy_infer,                     \
        .forward = spy_forward, .backward = spy_backward                                                               \
    }
static const rondo_op spy = SPY(0);
static const rondo_op wall = SPY(RONDO_OP_NO_GRADIENT);

static const struct {
    int parameters[2]; /* which of a and b are parameters */
} asked_rows[] = {{{0, 0}}, {{1, 0}}, {{0, 1}}, {{1, 1}}};

START_TEST(gradients_are_computed_only_where_a_parameter_wants_them) {
    const int *parameters = asked_rows[_i].parameters;
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    rondo_value inputs[2], hidden[2];
    for (int k = 0; k < 2; k++) {
        inputs[k] = parameters[k] ? tape_parameter(tape, "a", &a, NULL) : tape_constant(tape, &a);
        hidden[k] = apply1("tanh", NULL, inputs[k]);
    }
    seen.calls = 0;
    const rondo_value root = tape_apply(tape, &spy, NULL, hidden, 2);
    const rondo_value aside = tape_apply(tape, &spy, NULL, inputs, 2); /* the root does not depend on it */
    support_ok(&support, tape_backward(tape, root), "backward");
    ck_assert_int_eq(seen.calls, parameters[0] || parameters[1]);
    ck_assert_ptr_null(tape_gradient(tape, aside));
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(tape_gradient(tape, inputs[k]) != NULL, parameters[k]);
        ck_assert_int_eq(tape_gradient(tape, hidden[k]) != NULL, parameters[k]);
        if (seen.calls > 0) {
            ck_assert_int_eq(seen.asked[k], parameters[k]);
        }
    }
}
END_TEST

START_TEST(an_op_without_gradient_stops_it) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    const rondo_value parameter = tape_parameter(tape, "a", &a, NULL);
    const rondo_value operands[2] = {parameter, parameter};
    const rondo_value behind = apply1("square", NULL, tape_apply(tape, &wall, NULL, operands, 2)); /* (2a)^2 */
    const rondo_value root = apply2("mul", NULL, behind, parameter);
    seen.calls = 0;
    support_ok(&support, tape_backward(tape, root), "backward");
    ck_assert_int_eq(seen.calls, 0);
    ck_assert_ptr_null(tape_gradient(tape, behind));
    for (int i = 0; i < 3; i++) {
        const double x = tensor_get(&a, i);
        ck_assert_double_eq_tol(tensor_get(tape_gradient(tape, parameter), i), 4 * x * x, 1e-12);
    }
    tape_reset(tape);
    const rondo_value again = tape_parameter(tape, "a", &a, NULL);
    support_ok(&support, tape_backward(tape, tape_apply(tape, &wall, NULL, (rondo_value[]){again, again}, 2)), "wall");
    ck_assert_ptr_null(tape_gradient(tape, again));
}
END_TEST

START_TEST(a_gradient_that_the_root_does_not_depend_on_is_left_alone) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "2", "a");
    const rondo_tensor gradient = support_numbers(&support, RONDO_F64, "2", (double[]){3, 4});
    const rondo_value used = tape_parameter(tape, "used", &a, NULL);
    tape_parameter(tape, "unused", &a, &gradient);
    support_ok(&support, tape_backward(tape, apply1("exp", NULL, used)), "backward");
    ck_assert_double_eq(tensor_get(&gradient, 0), 3);
    ck_assert_double_eq(tensor_get(&gradient, 1), 4);
}
END_TEST

START_TEST(indices_and_numbers_of_f32_have_their_place) {
    const rondo_tensor table = support_random(&support, RONDO_F32, "3, 2", "table");
    const rondo_tensor index = support_numbers(&support, RONDO_I32, "4", (double[]){2, 0, 2, 2});
    const rondo_value weights = tape_parameter(tape, "table", &table, NULL);
    const rondo_value rows = apply2("gather", NULL, weights, tape_constant(tape, &index));
    support_ok(&support, tape_backward(tape, rows), "backward");
    const rondo_tensor expected = support_numbers(&support, RONDO_F32, "3, 2", (double[]){1, 1, 0, 0, 3, 3});
    support_near(tape_gradient(tape, weights), &expected, 0, "gather");
}
END_TEST

/* ---- failure ---- */

START_TEST(the_first_failure_sticks_and_is_told_once) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3, 4", "a");
    const rondo_value value = tape_parameter(tape, "a", &a, NULL);
    const rondo_value product = apply2("matmul", NULL, value, value); /* [3, 4] by [3, 4] */
    ck_assert_int_lt(product.id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_ptr_nonnull(strstr(support_error(&support), "matmul"));
    const int32_t count = tape_count(tape);
    ck_assert_int_lt(apply1("tanh", NULL, product).id, 0);
    ck_assert_int_lt(apply1("tanh", NULL, value).id, 0);
    ck_assert_int_lt(apply1("no_such_op", NULL, value).id, 0);
    ck_assert_int_lt(tape_constant(tape, &a).id, 0);
    ck_assert_int_lt(tape_parameter(tape, "a", &a, NULL).id, 0);
    ck_assert_int_lt(tape_zeros(tape, a).id, 0);
    tape_name(tape, product, "product");
    ck_assert_ptr_null(tape_tensor(tape, product));
    ck_assert_ptr_null(tape_gradient(tape, product));
    ck_assert_int_eq(tape_backward(tape, product), RONDO_INVALID);
    ck_assert_int_eq(tape_backward(tape, value), RONDO_INVALID);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_int_eq(tape_count(tape), count);
    tape_reset(tape);
    ck_assert_int_eq(tape_status(tape), RONDO_OK);
    support_ok(&support, tape_backward(tape, apply1("tanh", NULL, tape_parameter(tape, "a", &a, NULL))), "afterwards");
}
END_TEST

static rondo_status failing(rondo_context *ctx, rondo_op_call *call) {
    (void)call;
    return ctx->host->fail(ctx, RONDO_IO, "the dog ate it");
}

static const rondo_op fails_forward = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "hungry", .summary = "-"},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "a, b",
    .infer = spy_infer,
    .forward = failing,
    .backward = spy_backward};
static const rondo_op fails_backward = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "hungry", .summary = "-"},
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "a, b",
    .infer = spy_infer,
    .forward = spy_forward,
    .backward = failing};

START_TEST(a_failure_in_forward_or_backward_names_scope_and_op) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    tape_enter(tape, "layers.0", rng_stream(1, "step"));
    const rondo_value value = tape_parameter(tape, "a", &a, NULL);
    const rondo_value operands[2] = {value, value};
    const rondo_value root = tape_apply(tape, _i == 0 ? &fails_forward : &fails_backward, NULL, operands, 2);
    if (_i == 1) {
        support_ok(&support, tape_status(tape), "forward");
        ck_assert_int_eq(tape_backward(tape, root), RONDO_IO);
    }
    ck_assert_int_eq(tape_status(tape), RONDO_IO);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_str_eq(support_error(&support), "layers.0: hungry: the dog ate it");
}
END_TEST

static const struct {
    const char *op, *options;
    int32_t count;
    const char *expected;
} refused_rows[] = {
    {"tanh", NULL, 2, "'tanh' takes (x), got 2 inputs"},          {"add", NULL, 1, "'add' takes (a, b), got 1 input"},
    {"concat", NULL, 0, "'concat' takes (x, ...), got 0 inputs"}, {"tanhh", NULL, 1, "there is no op 'tanhh'"},
    {"sum", "axes=0", 1, "unknown option 'axes' of sum"},         {"sum", "axis=5", 1, "axis 5"},
    {"reshape", NULL, 1, "option 'shape' of reshape is missing"},
};

START_TEST(a_wrong_application_is_refused_with_the_reason) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    const rondo_value value = tape_constant(tape, &a);
    const rondo_value operands[2] = {value, value};
    const rondo_value result =
        tape_apply_named(tape, refused_rows[_i].op, refused_rows[_i].options, operands, refused_rows[_i].count);
    ck_assert_int_lt(result.id, 0);
    ck_assert_int_ne(tape_status(tape), RONDO_OK);
    ck_assert_msg(strstr(support_error(&support), refused_rows[_i].expected) != NULL, "%s", support_error(&support));
    ck_assert_int_eq(support.errors.count, 1);
}
END_TEST

START_TEST(options_given_as_values_act_like_their_text_and_leave_the_defaults) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3, 4", "a");
    const rondo_value value = tape_constant(tape, &a);
    const struct option_value part[] = {{"axis", 1, NULL}, {"begin", 1, NULL}, {"end", 3, NULL}};
    const rondo_value with = tape_apply_with(tape, "slice", part, 3, &value, 1);
    const rondo_value named = apply1("slice", "axis=1 begin=1 end=3", value);
    support_near(tape_tensor(tape, with), tape_tensor(tape, named), 0, "slice");
    const rondo_value whole = tape_apply_with(tape, "slice", NULL, 0, &value, 1);
    support_near(tape_tensor(tape, whole), &a, 0, "the defaults of slice");
    const struct option_value wrong = {"ends", 3, NULL};
    ck_assert_int_lt(tape_apply_with(tape, "slice", &wrong, 1, &value, 1).id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INTERNAL);
    ck_assert_int_lt(tape_apply_with(tape, "slice", part, 3, &value, 1).id, 0); /* failure is sticky */
    ck_assert_int_eq(support.errors.count, 1);
}
END_TEST

/* The list of inputs is not read. */
START_TEST(more_inputs_than_a_node_may_have_are_refused_by_tape_and_program) {
    const rondo_op *concat = registry_op(support.registry, "concat");
    const rondo_value value = {0};
    ck_assert_int_lt(tape_apply(tape, concat, NULL, &value, OP_MAX_INPUTS + 1).id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
    ck_assert_str_eq(support_error(&support), "'concat' takes at most 1048576 inputs, got 1048577");
    errors_free(&support.errors);
    struct program *program = program_create(support.registry);
    const struct location where = {"cell.yaml", 4, 7};
    ck_assert_int_lt(program_apply(program, concat, NULL, &value, OP_MAX_INPUTS + 1, where, &support.errors).id, 0);
    ck_assert_str_eq(support_error(&support), "cell.yaml:4:7: 'concat' takes at most 1048576 inputs, got 1048577");
    program_destroy(program);
}
END_TEST

START_TEST(a_value_of_another_tape_is_a_bug_and_no_crash) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    tape_constant(tape, &a);
    ck_assert_int_lt(apply1("tanh", NULL, (rondo_value){77}).id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INTERNAL);
    tape_reset(tape);
    tape_constant(tape, &a);
    ck_assert_int_eq(tape_backward(tape, (rondo_value){77}), RONDO_INTERNAL);
    ck_assert_int_eq(tape_backward(tape, failed()), RONDO_INTERNAL);
}
END_TEST

/* ---- memory ---- */

START_TEST(a_repeated_pass_takes_memory_once) {
    const struct reuse reuse = {
        support_random(&support, RONDO_F64, "3, 4", "a"), support_random(&support, RONDO_F64, "4, 4", "b"),
        support_zeros(&support, RONDO_F64, "3, 4"), support_zeros(&support, RONDO_F64, "4, 4"), long_chain};
    size_t capacity = 0;
    for (int pass = 0; pass < 20; pass++) {
        support_ok(&support, tape_backward(tape, record(&reuse)), "backward");
        ck_assert_int_gt(tape_count(tape), 256); /* more values than the tape has room for at first */
        capacity = pass == 0 ? arena_capacity(tape_arena(tape)) : capacity;
        ck_assert_uint_eq(arena_capacity(tape_arena(tape)), capacity);
    }
    tape_reset(tape);
    ck_assert_int_eq(tape_count(tape), 0);
}
END_TEST

START_TEST(tensors_stay_where_they_are_while_the_tape_grows) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    const rondo_value first = tape_parameter(tape, "a", &a, NULL);
    const rondo_value square = apply1("square", NULL, first);
    const rondo_tensor *tensor = tape_tensor(tape, square);
    const rondo_tensor before = *tensor;
    for (int i = 0; i < 3000; i++) {
        apply1("tanh", NULL, first);
    }
    ck_assert_ptr_eq(tape_tensor(tape, square), tensor);
    ck_assert_ptr_eq(tensor->data, before.data);
    ck_assert_double_eq(tensor_get(tensor, 1), tensor_get(&a, 1) * tensor_get(&a, 1));
}
END_TEST

START_TEST(zeros_are_zeros_where_memory_was_used_before) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "50, 40", "a");
    for (int pass = 0; pass < 2; pass++) {
        apply1("exp", NULL, tape_constant(tape, &a));
        tape_reset(tape);
        const rondo_value zeros = tape_zeros(tape, tensor_2d(RONDO_F64, 50, 40, NULL));
        ck_assert_double_eq(sum_of(tape_tensor(tape, apply1("abs", NULL, zeros))), 0);
        ck_assert_ptr_null(tape_gradient(tape, zeros));
    }
}
END_TEST

/* ---- random words ---- */

/* Masks of dropout in this scope; NULL: without a scope, as after a reset. */
static void draw(const char *scope, int applications, uint64_t step, rondo_tensor *masks) {
    const rondo_tensor ones = support_zeros(&support, RONDO_F64, "64");
    for (int i = 0; i < 64; i++) {
        tensor_set(&ones, i, 1);
    }
    if (scope != NULL) {
        tape_enter(tape, scope, rng_stream(step, "step"));
    }
    for (int i = 0; i < applications; i++) {
        const rondo_value mask = apply1("dropout", "rate=0.5", tape_constant(tape, &ones));
        support_ok(&support, tape_status(tape), "dropout");
        masks[i] = support_zeros(&support, RONDO_F64, "64");
        memcpy(masks[i].data, tape_tensor(tape, mask)->data, tensor_bytes(&masks[i]));
    }
}

static int same(const rondo_tensor *a, const rondo_tensor *b) {
    return memcmp(a->data, b->data, tensor_bytes(a)) == 0;
}

START_TEST(random_words_belong_to_the_scope_that_draws_them) {
    rondo_tensor alone[2], behind[2], other[2], later[2], more[3];
    tape_set_training(tape, 1);
    draw("layers.0", 2, 1, alone);
    draw("layers.1", 2, 1, other); /* an added scope shifts no other */
    draw("layers.0", 2, 1, behind);
    draw("layers.0", 2, 2, later);
    draw("layers.0", 3, 1, more);
    for (int i = 0; i < 2; i++) {
        ck_assert(same(&alone[i], &behind[i]));
        ck_assert(same(&alone[i], &more[i]));
        ck_assert(!same(&alone[i], &other[i]));
        ck_assert(!same(&alone[i], &later[i]));
    }
    ck_assert(!same(&alone[0], &alone[1]));
    ck_assert(!same(&more[1], &more[2]));
}
END_TEST

START_TEST(a_reset_forgets_the_scope_and_what_was_drawn) {
    rondo_tensor before[2], after[2], entered;
    tape_set_training(tape, 1);
    draw(NULL, 2, 1, before);
    draw("layers.0", 1, 1, &entered);
    tape_reset(tape);
    draw(NULL, 2, 1, after);
    ck_assert(same(&before[0], &after[0]) && same(&before[1], &after[1]));
    ck_assert(!same(&before[0], &before[1]));
}
END_TEST

START_TEST(training_outlives_a_reset_and_evaluation_draws_nothing) {
    rondo_tensor masks[3];
    draw("a", 1, 1, &masks[0]);
    ck_assert_double_eq(sum_of(&masks[0]), 64); /* evaluation is the default */
    tape_set_training(tape, 1);
    tape_reset(tape);
    draw("a", 1, 1, &masks[1]);
    const double sum = sum_of(&masks[1]);
    ck_assert(sum > 2 * 15 && sum < 2 * 49 && fmod(sum, 2) == 0);
    tape_set_training(tape, 0);
    draw("a", 1, 1, &masks[2]);
    ck_assert_double_eq(sum_of(&masks[2]), 64);
}
END_TEST

/* ---- values that are not finite ---- */

static const struct {
    double input, weight;
    const char *scope;
    int named;
    const char *expected; /* NULL: all values are finite */
} finite_rows[] = {
    {1, 1, "layers.0", 1, NULL},
    {NAN, 1, "layers.0", 1, "the input 'x'"},
    {1, INFINITY, "layers.0", 1, "the parameter 'w'"},
    {800, 1, "layers.0", 1, "op 'exp' of 'grown' in layers.0"},
    {800, 1, "layers.0", 0, "op 'exp' in layers.0"},
    {800, 1, NULL, 1, "op 'exp' of 'grown'"},
    {800, 1, NULL, 0, "op 'exp'"},
    {NAN, 1, NULL, 0, "an input"},
    {NAN, 1, "loss", 0, "an input in loss"},
};

START_TEST(the_first_value_that_is_not_finite_is_named) {
    const rondo_tensor x = support_numbers(&support, RONDO_F64, "2", (double[]){1, finite_rows[_i].input});
    const rondo_tensor w = support_numbers(&support, RONDO_F64, "2", (double[]){finite_rows[_i].weight, 1});
    if (finite_rows[_i].scope != NULL) {
        tape_enter(tape, finite_rows[_i].scope, rng_stream(1, ""));
    }
    const rondo_value input = tape_constant(tape, &x);
    const rondo_value weight = tape_parameter(tape, "w", &w, NULL);
    const rondo_value grown = apply1("exp", NULL, input);
    if (finite_rows[_i].named) {
        tape_name(tape, input, "x");
        tape_name(tape, grown, "grown");
    }
    apply1("log", NULL, apply2("mul", NULL, grown, weight));
    support_ok(&support, tape_status(tape), "recording");
    const char *found = tape_first_not_finite(tape);
    if (finite_rows[_i].expected == NULL) {
        ck_assert_ptr_null(found);
    } else {
        ck_assert_str_eq(found, finite_rows[_i].expected);
    }
}
END_TEST

/* The gradient of x is first that of `square`, then the sum with that of `sqrt`, which is infinite at 0. */
START_TEST(the_first_op_whose_gradient_is_not_finite_is_named) {
    const rondo_tensor numbers = support_numbers(&support, RONDO_F64, "2", (double[]){1, _i == 0 ? 4 : 0});
    const rondo_value x = tape_parameter(tape, "x", &numbers, NULL);
    const rondo_value root = apply1("sqrt", NULL, x), square = apply1("square", NULL, x);
    const rondo_value sum = apply2("add", NULL, apply1("exp", NULL, root), square);
    tape_check_gradients(tape, 1);
    ck_assert_int_eq(tape_backward(tape, sum), _i == 0 ? RONDO_OK : RONDO_NOT_FINITE);
    const char *found = tape_first_gradient_not_finite(tape);
    if (_i == 0) {
        ck_assert_ptr_null(found);
    } else {
        ck_assert_str_eq(found, "op 'sqrt'");
    }
    tape_reset(tape);
    ck_assert_ptr_null(tape_first_gradient_not_finite(tape));
}
END_TEST

/* ---- broadcasting of elementwise ops, compared with one loop over all dimensions ---- */

static const struct {
    const char *a, *b, *out;
} stretch_rows[] = {
    {"", "", ""},
    {"3", "", "3"},
    {"3, 4", "4", "3, 4"},
    {"3, 4", "3, 1", "3, 4"},
    {"3, 1", "1, 4", "3, 4"},
    {"1", "2, 3", "2, 3"},
    {"2, 3, 4", "3, 1", "2, 3, 4"},
    {"2, 1, 4", "3, 1", "2, 3, 4"},
    {"2, 1, 3, 1, 2, 1", "1, 2, 1, 3, 1, 2", "2, 2, 3, 3, 2, 2"},
    {"1, 1, 1", "1", "1, 1, 1"},
    {"4, 1, 5", "4, 3, 5", "4, 3, 5"},
    {"0, 3", "3", "0, 3"},
    {"3, 0", "3, 1", "3, 0"},
    {"2, 700", "700", "2, 700"},  /* runs longer than a chunk */
    {"3, 1", "1, 600", "3, 600"}, /* both repeated, over several chunks */
    {"5, 1, 300", "1, 3, 1", "5, 3, 300"},
    {"90, 400", "1, 400", "90, 400"}, /* more than one range of threads */
    {"90, 400", "90, 400", "90, 400"},
};

/* The element of `input` that is used for element `index` of `out`. */
static int64_t meets(const rondo_tensor *input, const rondo_tensor *out, int64_t index) {
    int64_t element = 0, stride = 1;
    for (int32_t back = 1; back <= out->ndim; back++) {
        const int64_t n = out->shape[out->ndim - back], at = index % n;
        index /= n;
        if (back <= input->ndim) {
            const int64_t own = input->shape[input->ndim - back];
            element += (own == 1 ? 0 : at) * stride;
            stride *= own;
        }
    }
    return element;
}

START_TEST(elementwise_ops_stretch_their_inputs_and_add_up_their_gradients) {
    const rondo_tensor a = support_random(&support, RONDO_F64, stretch_rows[_i].a, "a");
    const rondo_tensor b = support_random(&support, RONDO_F64, stretch_rows[_i].b, "b");
    rondo_tensor out = support_zeros(&support, RONDO_F64, stretch_rows[_i].out);
    const rondo_tensor w = support_random(&support, RONDO_F64, stretch_rows[_i].out, "w");
    const rondo_tensor grad_a = support_zeros(&support, RONDO_F64, stretch_rows[_i].a);
    const rondo_tensor grad_b = support_zeros(&support, RONDO_F64, stretch_rows[_i].b);
    for (int64_t i = 0; i < rondo_count(&out); i++) { /* y = a b, L = sum of w y */
        const int64_t of_a = meets(&a, &out, i), of_b = meets(&b, &out, i);
        tensor_set(&out, i, tensor_get(&a, of_a) * tensor_get(&b, of_b));
        const double weight = tensor_get(&w, i);
        tensor_set(&grad_a, of_a, tensor_get(&grad_a, of_a) + weight * tensor_get(&b, of_b));
        tensor_set(&grad_b, of_b, tensor_get(&grad_b, of_b) + weight * tensor_get(&a, of_a));
    }
    const struct parallel two = {2};
    struct tape *tapes[2] = {support_tape(&support, NULL), support_tape(&support, &two)};
    rondo_tensor first_gradient = {0};
    for (int k = 0; k < 2; k++) {
        const rondo_value operands[2] = {tape_parameter(tapes[k], "a", &a, NULL),
                                         tape_parameter(tapes[k], "b", &b, NULL)};
        const rondo_value product = tape_apply_named(tapes[k], "mul", NULL, operands, 2);
        const rondo_value weighted[2] = {product, tape_constant(tapes[k], &w)};
        support_ok(&support, tape_backward(tapes[k], tape_apply_named(tapes[k], "mul", NULL, weighted, 2)), "mul");
        support_near(tape_tensor(tapes[k], product), &out, 0, "product");
        support_near(tape_gradient(tapes[k], operands[0]), &grad_a, 1e-12, "gradient of a");
        support_near(tape_gradient(tapes[k], operands[1]), &grad_b, 1e-12, "gradient of b");
        if (k == 0) {
            first_gradient = *tape_gradient(tapes[0], operands[1]);
        } else {
            support_near(tape_gradient(tapes[1], operands[1]), &first_gradient, 0, "with two threads");
        }
    }
    tape_destroy(tapes[0]);
    tape_destroy(tapes[1]);
}
END_TEST

static const struct {
    int32_t dtype_a, dtype_b;
    const char *a, *b, *expected;
} mismatch_rows[] = {
    {RONDO_F64, RONDO_F64, "3, 4", "3", "'mul' cannot combine shapes [3, 4] and [3]"},
    {RONDO_F64, RONDO_F64, "0", "2", "'mul' cannot combine shapes [0] and [2]"},
    {RONDO_F32, RONDO_F64, "3", "3", "'mul' takes float tensors of one type, got f32 and f64"},
    {RONDO_I32, RONDO_I32, "3", "3", "'mul' takes float tensors of one type, got i32 and i32"},
};

START_TEST(views_that_overlap_share_a_gradient_without_a_race) {
    /* y[i] = w[i] + w[i + shift]: two views, each of whose ranges on one thread is another range of the other */
    enum { COUNT = 32 * 16384, SHIFT = 16384 };
    static float values[COUNT + SHIFT], sums[COUNT + SHIFT];
    const struct parallel two = {2};
    struct tape *threaded = support_tape(&support, &two);
    const rondo_tensor w = tensor_1d(RONDO_F32, COUNT + SHIFT, values);
    const rondo_tensor gradient = tensor_1d(RONDO_F32, COUNT + SHIFT, sums);
    memset(sums, 0, sizeof sums);
    const rondo_value whole = tape_parameter(threaded, "w", &w, &gradient);
    char options[64];
    snprintf(options, sizeof options, "axis=0 begin=0 end=%d", COUNT);
    const rondo_value first = tape_apply_named(threaded, "slice", options, &whole, 1);
    snprintf(options, sizeof options, "axis=0 begin=%d end=%d", SHIFT, COUNT + SHIFT);
    const rondo_value both[2] = {first, tape_apply_named(threaded, "slice", options, &whole, 1)};
    ck_assert_int_eq(tape_backward(threaded, tape_apply_named(threaded, "add", NULL, both, 2)), RONDO_OK);
    for (int i = 0; i < COUNT + SHIFT; i++) {
        ck_assert_float_eq(sums[i], i < SHIFT || i >= COUNT ? 1 : 2);
    }
    tape_destroy(threaded);
}
END_TEST

START_TEST(shapes_and_types_that_do_not_meet_are_both_named) {
    const rondo_tensor a = support_zeros(&support, mismatch_rows[_i].dtype_a, mismatch_rows[_i].a);
    const rondo_tensor b = support_zeros(&support, mismatch_rows[_i].dtype_b, mismatch_rows[_i].b);
    ck_assert_int_lt(apply2("mul", NULL, tape_constant(tape, &a), tape_constant(tape, &b)).id, 0);
    ck_assert_str_eq(support_error(&support), mismatch_rows[_i].expected);
}
END_TEST

/* ---- programs ---- */

static const rondo_op *op_of(const char *name) {
    const rondo_op *op = registry_op(support.registry, name);
    ck_assert_ptr_nonnull(op);
    return op;
}

static rondo_value program_op(struct program *program, const char *op, rondo_value a, rondo_value b) {
    const rondo_value operands[2] = {a, b};
    const struct location where = {"cell.yaml", 4, 7};
    const void *options = NULL;
    static const int32_t no_transpose[2] = {0, 0}; /* of matmul */
    if (strcmp(op, "matmul") == 0) {
        options = no_transpose;
    }
    return program_apply(program, op_of(op), options, operands, b.id < 0 ? 1 : 2, where, &support.errors);
}

/* h' = tanh(x @ W + h * 0.5) */
static struct program *make_program(rondo_value *output) {
    struct program *program = program_create(support.registry);
    const rondo_value x = program_input(program, "x", tensor_2d(RONDO_F64, RONDO_ANY_ROWS, 3, NULL), &support.errors);
    const rondo_value h = program_input(program, "h", tensor_2d(RONDO_F64, RONDO_ANY_ROWS, 4, NULL), &support.errors);
    const rondo_value half = program_constant(program, RONDO_F64, 0.5, &support.errors);
    const rondo_value w = program_input(program, "W", tensor_2d(RONDO_F64, 3, 4, NULL), &support.errors);
    const rondo_value sum =
        program_op(program, "add", program_op(program, "matmul", x, w), program_op(program, "mul", h, half));
    *output = program_op(program, "tanh", sum, failed());
    program_name(program, *output, "h'");
    ck_assert_msg(support.errors.count == 0, "%s", support_error(&support));
    return program;
}

static const char *const batch_shapes[][2] = {{"1, 3", "1, 4"}, {"2, 3", "2, 4"}, {"7, 3", "7, 4"}, {"0, 3", "0, 4"}};

START_TEST(a_replay_gives_the_bits_of_direct_application) {
    rondo_value output;
    struct program *program = make_program(&output);
    ck_assert_int_eq(program_input_count(program), 3);
    ck_assert_int_eq(program_count(program), 8);
    ck_assert_str_eq(tensor_shape_text(&program_node(program, output)->value).text, "[batch, 4]");
    ck_assert_ptr_null(program_node(program, output)->value.data);
    ck_assert_ptr_null(program_node(program, failed()));
    ck_assert_ptr_null(program_node(program, (rondo_value){8}));

    const rondo_tensor x = support_random(&support, RONDO_F64, batch_shapes[_i][0], "x");
    const rondo_tensor h = support_random(&support, RONDO_F64, batch_shapes[_i][1], "h");
    const rondo_tensor w = support_random(&support, RONDO_F64, "3, 4", "w");
    const rondo_tensor half = support_numbers(&support, RONDO_F64, "", (double[]){0.5});
    rondo_tensor gradients[2] = {support_zeros(&support, RONDO_F64, "3, 4"),
                                 support_zeros(&support, RONDO_F64, "3, 4")};
    struct tape *direct_tape = support_tape(&support, NULL);
    const rondo_value inputs[3] = {tape_constant(tape, &x), tape_constant(tape, &h),
                                   tape_parameter(tape, "W", &w, &gradients[0])};
    const rondo_value outputs[2] = {output, {0}}; /* x itself is an output too */
    rondo_value replayed[2];
    support_ok(&support,
               program_replay(program, tape, &(struct program_inputs){.values = inputs}, NULL, outputs, 2, replayed),
               "replay");
    support_ok(&support, tape_backward(tape, replayed[0]), "backward");
    ck_assert_int_eq(replayed[1].id, inputs[0].id);

    struct tape *replay_tape = tape;
    tape = direct_tape;
    const rondo_value product =
        apply2("matmul", NULL, tape_constant(tape, &x), tape_parameter(tape, "W", &w, &gradients[1]));
    const rondo_value kept = apply2("mul", NULL, tape_constant(tape, &h), tape_constant(tape, &half));
    const rondo_value direct = apply1("tanh", NULL, apply2("add", NULL, product, kept));
    support_ok(&support, tape_backward(tape, direct), "backward");
    support_near(tape_tensor(replay_tape, replayed[0]), tape_tensor(tape, direct), 0, "replay");
    support_near(&gradients[0], &gradients[1], 0, "gradient of W");
    tape_destroy(direct_tape);
    tape = replay_tape;
    program_destroy(program);
}
END_TEST

START_TEST(a_replayed_equation_is_named_where_it_is_not_finite) {
    rondo_value output, replayed;
    struct program *program = make_program(&output);
    const rondo_tensor x = support_numbers(&support, RONDO_F64, "1, 3", (double[]){1e300, 1e300, 0});
    const rondo_tensor h = support_zeros(&support, RONDO_F64, "1, 4");
    const rondo_tensor w =
        support_numbers(&support, RONDO_F64, "3, 4", (double[]){1e300, 0, 0, 0, -1e300, 0, 0, 0, 0, 0, 0, 0});
    tape_enter(tape, "layers.2", rng_stream(1, ""));
    const rondo_value inputs[3] = {tape_constant(tape, &x), tape_constant(tape, &h), tape_constant(tape, &w)};
    support_ok(&support,
               program_replay(program, tape, &(struct program_inputs){.values = inputs}, NULL, &output, 1, &replayed),
               "replay");
    ck_assert_str_eq(tape_first_not_finite(tape), "op 'matmul' in layers.2"); /* within an equation */
    program_destroy(program);

    tape_reset(tape);
    program = program_create(support.registry);
    const rondo_value input = program_input(program, "x", tensor_2d(RONDO_F64, 1, 3, NULL), &support.errors);
    output = program_op(program, "exp", input, failed());
    program_name(program, output, "e");
    program_name(program, input, "not an equation"); /* inputs keep their names */
    ck_assert_str_eq(program_node(program, input)->name, "x");
    support_ok(&support,
               program_replay(program, tape,
                              &(struct program_inputs){.values = (rondo_value[]){tape_constant(tape, &x)}}, NULL,
                              &output, 1, &replayed),
               "replay");
    ck_assert_str_eq(tape_first_not_finite(tape), "op 'exp' of 'e'");
    program_destroy(program);
}
END_TEST

START_TEST(a_replay_with_many_operands_gives_all_of_them) {
    enum { N = 12 };
    struct program *program = program_create(support.registry);
    rondo_value inputs[N], values[N], replayed;
    rondo_tensor parts[N];
    for (int i = 0; i < N; i++) {
        inputs[i] = program_input(program, "part", tensor_1d(RONDO_F64, 2, NULL), &support.errors);
        parts[i] = support_numbers(&support, RONDO_F64, "2", (double[]){i, i + 0.5});
        values[i] = tape_constant(tape, &parts[i]);
    }
    const int64_t axis = -1; /* the options of concat */
    const rondo_value all =
        program_apply(program, op_of("concat"), &axis, inputs, N, (struct location){0}, &support.errors);
    support_ok(&support,
               program_replay(program, tape, &(struct program_inputs){.values = values}, NULL, &all, 1, &replayed),
               "replay");
    for (int i = 0; i < 2 * N; i++) {
        ck_assert_double_eq(tensor_get(tape_tensor(tape, replayed), i), 0.5 * i);
    }
    program_destroy(program);
}
END_TEST

static const struct {
    const char *op;
    int operands[2]; /* 0: x [batch, 3], 1: h [batch, 4], 2: W [3, 4]; -1: none */
    const char *expected;
} program_rows[] = {
    {"add", {0, 1}, "cell.yaml:4:7: 'add' cannot combine shapes [batch, 3] and [batch, 4]"},
    {"matmul", {1, 2}, "cannot multiply [batch, 4] by [3, 4]"},
    {"matmul", {0, -1}, "cell.yaml:4:7: 'matmul' takes (a, b), got 1 input"},
    {"tanh", {0, 1}, "cell.yaml:4:7: 'tanh' takes (x), got 2 inputs"},
};

START_TEST(shape_errors_of_a_program_speak_of_the_batch) {
    struct program *program = program_create(support.registry);
    const rondo_value values[3] = {
        program_input(program, "x", tensor_2d(RONDO_F64, RONDO_ANY_ROWS, 3, NULL), &support.errors),
        program_input(program, "h", tensor_2d(RONDO_F64, RONDO_ANY_ROWS, 4, NULL), &support.errors),
        program_input(program, "W", tensor_2d(RONDO_F64, 3, 4, NULL), &support.errors)};
    const int *operands = program_rows[_i].operands;
    const rondo_value result =
        program_op(program, program_rows[_i].op, values[operands[0]], operands[1] < 0 ? failed() : values[operands[1]]);
    ck_assert_int_lt(result.id, 0);
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
    ck_assert_msg(strstr(support_error(&support), program_rows[_i].expected) != NULL, "%s", support_error(&support));
    ck_assert_int_eq(program_count(program), 3);
    /* An op that is applied to a failed value fails too, without a further error. */
    ck_assert_int_lt(program_op(program, "add", values[0], (rondo_value){50}).id, 0);
    ck_assert_int_lt(program_op(program, "tanh", result, failed()).id, 0);
    ck_assert_int_eq(support.errors.count, 1);
    program_destroy(program);
}
END_TEST

START_TEST(a_replay_fails_where_an_op_does) {
    rondo_value output, replayed;
    struct program *program = make_program(&output);
    const rondo_tensor x = support_zeros(&support, RONDO_F64, "2, 3"), h = support_zeros(&support, RONDO_F64, "3, 4"),
                       w = support_zeros(&support, RONDO_F64, "3, 4");
    const rondo_value inputs[3] = {tape_constant(tape, &x), tape_constant(tape, &h), tape_constant(tape, &w)};
    ck_assert_int_eq(
        program_replay(program, tape, &(struct program_inputs){.values = inputs}, NULL, &output, 1, &replayed),
        RONDO_INVALID);
    ck_assert_int_lt(replayed.id, 0);
    ck_assert_int_eq(support.errors.count, 1);
    program_destroy(program);
    program_destroy(NULL);
}
END_TEST

/* ---- text ---- */

static const struct {
    int32_t dtype;
    const char *shape;
    const double *numbers;
    const char *expected;
} text_rows[] = {
    {RONDO_F32, "", (const double[]){0.5}, "f32 []\n0.5"},
    {RONDO_F64, "2, 3", (const double[]){1, 2, 3, -4, 5e10, 0.1}, "f64 [2, 3]\n[[1, 2, 3],\n [-4, 5e+10, 0.1]]"},
    {RONDO_I32, "2, 1, 2", (const double[]){1, 2, 3, 4}, "i32 [2, 1, 2]\n[[[1, 2]],\n [[3, 4]]]"},
    {RONDO_F32, "0", (const double[]){0}, "f32 [0]\n[]"},
    {RONDO_I32, "8", (const double[]){0, 1, 2, 3, 4, 5, 6, 7}, "i32 [8]\n[0, 1, 2, 3, 4, 5, 6, 7]"},
    {RONDO_I32, "9", (const double[]){0, 1, 2, 3, 4, 5, 6, 7, 8}, "i32 [9]\n[0, 1, 2, ..., 6, 7, 8]"},
    {RONDO_I32, "9, 1", (const double[]){0, 1, 2, 3, 4, 5, 6, 7, 8},
     "i32 [9, 1]\n[[0],\n [1],\n [2],\n ...,\n [6],\n [7],\n [8]]"},
};

START_TEST(a_tensor_prints_its_elements_into_a_buffer_of_any_size) {
    const rondo_tensor tensor =
        support_numbers(&support, text_rows[_i].dtype, text_rows[_i].shape, text_rows[_i].numbers);
    const char *expected = text_rows[_i].expected;
    char text[256];
    ck_assert_uint_eq(tensor_print(&tensor, NULL, 0), strlen(expected));
    for (size_t size = 1; size <= strlen(expected) + 1; size++) {
        memset(text, '#', sizeof text);
        ck_assert_uint_eq(tensor_print(&tensor, text, size), strlen(expected));
        ck_assert_uint_eq(strlen(text), size - 1);
        ck_assert_int_eq(strncmp(text, expected, size - 1), 0);
        ck_assert_int_eq(text[size], '#');
    }
}
END_TEST

START_TEST(what_is_no_tensor_prints_what_it_is) {
    char text[64];
    const rondo_tensor empty = tensor_2d(RONDO_F32, 2, 3, NULL);
    rondo_tensor garbage = empty;
    garbage.ndim = 77;
    tensor_print(NULL, text, sizeof text);
    ck_assert_str_eq(text, "(no tensor)");
    tensor_print(&empty, text, sizeof text);
    ck_assert_str_eq(text, "f32 [2, 3] without data");
    tensor_print(&garbage, text, sizeof text);
    ck_assert_str_eq(text, "(not a tensor: dtype 0, ndim 77)");
}
END_TEST

static rondo_status no_backward(void *data, struct tape *on, const rondo_tensor *grad_outputs,
                                const rondo_tensor *grad_inputs) {
    (void)data, (void)on, (void)grad_outputs, (void)grad_inputs;
    return RONDO_OK;
}

START_TEST(a_tape_prints_one_line_per_value) {
    static const char expected[] = "%0 = constant f64 [2, 3]\n"
                                   "%1 = parameter 'W' f64 [3, 4] gradient\n"
                                   "%2 = matmul(%0, %1) 'x @ W' f64 [2, 4] gradient in layers.0\n"
                                   "%3 = sum(%2) axis=1 f64 [2] gradient in layers.0\n"
                                   "%4 = reshape(%3) shape=[1, 2] f64 [1, 2] gradient view in layers.0\n"
                                   "%5 = output 0 of recurrence(%3, %0) f64 [2, 3] gradient in layers.0\n"
                                   "%6 = output 1 of recurrence(%3, %0) f64 [2, 3] gradient in layers.0\n";
    static const struct tape_function function = {"recurrence", NULL, no_backward};
    char text[1024];
    ck_assert_uint_eq(tape_print(tape, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    const rondo_tensor x = support_random(&support, RONDO_F64, "2, 3", "x");
    const rondo_tensor w = support_random(&support, RONDO_F64, "3, 4", "w");
    const rondo_value operands[2] = {tape_constant(tape, &x), tape_parameter(tape, "W", &w, NULL)};
    tape_enter(tape, "layers.0", rng_stream(1, "test"));
    const rondo_value product = tape_apply_named(tape, "matmul", NULL, operands, 2);
    tape_name(tape, product, "x @ W");
    const rondo_value sum = apply1("sum", "axis=1", product);
    apply1("reshape", "shape=[1, 2]", sum);
    const rondo_tensor outputs[2] = {x, x};
    rondo_value results[2];
    const rondo_value inputs[2] = {sum, operands[0]};
    ck_assert_int_eq(tape_record(tape, &function, NULL, inputs, 2, outputs, 2, results), RONDO_OK);
    ck_assert_uint_eq(tape_print(tape, text, sizeof text), strlen(expected));
    ck_assert_str_eq(text, expected);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 60, setup, teardown);
}

static Suite *tape_suite(void) {
    Suite *suite = suite_create("tape");
    TCase *gradients = new_case(suite, "gradients");
    tcase_add_loop_test(gradients, gradients_add_up_over_all_uses_of_a_value, 0, ROWS(reuse_rows));
    tcase_add_test(gradients, a_gradient_is_added_to_the_callers_buffer);
    tcase_add_test(gradients, a_root_that_is_a_parameter_adds_one);
    tcase_add_test(gradients, the_gradient_of_a_view_is_part_of_that_of_its_base);
    tcase_add_loop_test(gradients, gradients_are_computed_only_where_a_parameter_wants_them, 0, ROWS(asked_rows));
    tcase_add_test(gradients, an_op_without_gradient_stops_it);
    tcase_add_test(gradients, a_gradient_that_the_root_does_not_depend_on_is_left_alone);
    tcase_add_test(gradients, indices_and_numbers_of_f32_have_their_place);

    TCase *failures = new_case(suite, "failures");
    tcase_add_test(failures, the_first_failure_sticks_and_is_told_once);
    tcase_add_loop_test(failures, a_failure_in_forward_or_backward_names_scope_and_op, 0, 2);
    tcase_add_loop_test(failures, a_wrong_application_is_refused_with_the_reason, 0, ROWS(refused_rows));
    tcase_add_test(failures, options_given_as_values_act_like_their_text_and_leave_the_defaults);
    tcase_add_test(failures, more_inputs_than_a_node_may_have_are_refused_by_tape_and_program);
    tcase_add_test(failures, a_value_of_another_tape_is_a_bug_and_no_crash);
    tcase_add_loop_test(failures, the_first_value_that_is_not_finite_is_named, 0, ROWS(finite_rows));
    tcase_add_loop_test(failures, the_first_op_whose_gradient_is_not_finite_is_named, 0, 2);

    TCase *life = new_case(suite, "memory and streams");
    tcase_add_test(life, a_repeated_pass_takes_memory_once);
    tcase_add_test(life, tensors_stay_where_they_are_while_the_tape_grows);
    tcase_add_test(life, zeros_are_zeros_where_memory_was_used_before);
    tcase_add_test(life, random_words_belong_to_the_scope_that_draws_them);
    tcase_add_test(life, a_reset_forgets_the_scope_and_what_was_drawn);
    tcase_add_test(life, training_outlives_a_reset_and_evaluation_draws_nothing);

    TCase *elementwise = new_case(suite, "elementwise");
    tcase_add_loop_test(elementwise, elementwise_ops_stretch_their_inputs_and_add_up_their_gradients, 0,
                        ROWS(stretch_rows));
    tcase_add_test(elementwise, views_that_overlap_share_a_gradient_without_a_race);
    tcase_add_loop_test(elementwise, shapes_and_types_that_do_not_meet_are_both_named, 0, ROWS(mismatch_rows));

    TCase *programs = new_case(suite, "programs");
    tcase_add_loop_test(programs, a_replay_gives_the_bits_of_direct_application, 0, ROWS(batch_shapes));
    tcase_add_test(programs, a_replayed_equation_is_named_where_it_is_not_finite);
    tcase_add_test(programs, a_replay_with_many_operands_gives_all_of_them);
    tcase_add_loop_test(programs, shape_errors_of_a_program_speak_of_the_batch, 0, ROWS(program_rows));
    tcase_add_test(programs, a_replay_fails_where_an_op_does);

    TCase *text = new_case(suite, "text");
    tcase_add_loop_test(text, a_tensor_prints_its_elements_into_a_buffer_of_any_size, 0, ROWS(text_rows));
    tcase_add_test(text, what_is_no_tensor_prints_what_it_is);
    tcase_add_test(text, a_tape_prints_one_line_per_value);
    return suite;
}

int main(void) {
    return run_suite(tape_suite());
}
