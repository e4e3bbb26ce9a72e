/* tests/test_ops.c: the built-in ops: every check of `rondo plugin check` on all of them, values, conventions,
 * refusals, threads; and some of the checks themselves (test_plugin_check.c tests the others). */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "core/program.h"
#include "core/registry.h"
#include "core/rng.h"
#include "core/tape.h"
#include "kit/check.h"
#include "kit/child.h"
#include "ops/axis.h"
#include "ops/vector_math.h"
#include "tests/suite.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

static struct errors errors;
static struct registry *registry;
static struct arena *arena;

static void setup(void) {
    memset(&errors, 0, sizeof errors);
    arena = arena_create();
    registry = registry_create(builtin_ops, &errors);
    ck_assert_msg(registry != NULL && arena != NULL, "%s",
                  errors.count > 0 ? errors_text(&errors, 0) : "out of memory");
}

static void teardown(void) {
    registry_destroy(registry);
    arena_destroy(arena);
    errors_free(&errors);
}

static struct tape *new_tape(const struct parallel *parallel) {
    const struct tape_settings settings = {.registry = registry, .parallel = parallel, .errors = &errors};
    struct tape *tape = tape_create(&settings);
    ck_assert_ptr_nonnull(tape);
    return tape;
}

/* A tensor written as text: "[2, 2] 1 2 3 4", or "i[3] 0 1 2" for an index. Without numbers it is full of zeros. Sizes
 * too large to be meant have no data. */
static rondo_tensor parse(const char *text, int32_t dtype) {
    rondo_tensor tensor = {.dtype = *text == 'i' ? RONDO_I32 : dtype};
    char *rest = (char *)(uintptr_t)(text + (*text == 'i'));
    ck_assert_msg(*rest == '[', "'%s' begins with a shape", text);
    for (rest++; *rest != ']'; rest += *rest == ',') {
        tensor.shape[tensor.ndim++] = strtoll(rest, &rest, 10);
    }
    rest++;
    double count = 1;
    for (int32_t d = 0; d < tensor.ndim; d++) {
        count *= (double)tensor.shape[d];
    }
    if (count > 1e6) {
        return tensor;
    }
    ck_assert_int_eq(tensor_alloc(&tensor, arena, &errors), RONDO_OK);
    int64_t written = 0;
    for (char *end; written < rondo_count(&tensor); written++, rest = end) {
        const double value = strtod(rest, &end);
        if (end == rest) {
            break;
        }
        tensor_set(&tensor, written, value);
    }
    ck_assert_msg(written == 0 || written == rondo_count(&tensor), "'%s' has %d numbers", text, (int)written);
    ck_assert_msg(strspn(rest, " ") == strlen(rest), "'%s' has more numbers than elements", text);
    return tensor;
}

static void assert_near(const rondo_tensor *found, const rondo_tensor *expected, const char *what) {
    const double tolerance = found->dtype == RONDO_F64 ? 1e-12 : 2e-6;
    ck_assert_msg(tensor_same_shape(found, expected), "%s: shape %s, expected %s", what, tensor_shape_text(found).text,
                  tensor_shape_text(expected).text);
    for (int64_t i = 0; i < rondo_count(found); i++) {
        const double a = tensor_get(found, i), b = tensor_get(expected, i);
        const int same = isnan(b) ? isnan(a) : isinf(b) ? a == b : fabs(a - b) <= tolerance * fmax(1, fabs(b));
        ck_assert_msg(same, "%s: element %d is %.17g, expected %.17g (%s)", what, (int)i, a, b,
                      dtype_name(found->dtype));
    }
}

/* ---- checks ---- */

static int builtin_count(void) {
    int count = 0;
    while (builtin_ops[count] != NULL) {
        count++;
    }
    return count;
}

static const rondo_op *builtin_op(int index) {
    return (const rondo_op *)(const void *)builtin_ops[index];
}

struct checking {
    const rondo_op *op;
    const struct kit_check *check;
};

/* Runs in a child process, as in the command. The answer is the verdict, then the reason. */
static size_t run_check(void *arg, char *answer, size_t size) {
    const struct checking *checking = arg;
    struct kit kit = {
        .arena = arena, .errors = &errors, .registry = registry, .file = "built-in", .parallel = {4}, .seed = 1};
    answer[0] = (char)run_kit_check(checking->check, &kit, &checking->op->base, answer + 1, size - 1);
    return strlen(answer + 1) + 1;
}

/* Runs all checks of ops, or only the check `only`. Returns the verdict of the first check that failed, or else of the
 * last one. */
static enum verdict run_checks(const rondo_op *op, const char *only, char *reason, size_t size) {
    enum verdict verdict = VERDICT_SKIPPED;
    int ran = 0;
    for (const struct kit_check *check = kit_op_checks; check->name != NULL && verdict != VERDICT_FAIL; check++) {
        if (only != NULL && strcmp(only, check->name) != 0) {
            continue;
        }
        struct checking checking = {op, check};
        struct child_outcome outcome;
        ck_assert_int_eq(child_run(run_check, &checking, limit_of(100), &outcome, arena, &errors), RONDO_OK);
        const int answered = outcome.end == CHILD_ANSWERED;
        verdict = answered ? (enum verdict)outcome.answer[0] : VERDICT_FAIL;
        snprintf(reason, size, "op '%s', %s: %s", op->base.name, check->name,
                 answered ? outcome.answer + 1 : child_end_text(&outcome, arena));
        ran++;
    }
    ck_assert_msg(ran > 0, "there is no check '%s'", only);
    return verdict;
}

START_TEST(every_op_passes_every_check) {
    char reason[1024] = "";
    ck_assert_msg(run_checks(builtin_op(_i), NULL, reason, sizeof reason) != VERDICT_FAIL, "%s", reason);
}
END_TEST

/* ---- the checks themselves: each op is y = x^2 with dy/dx = 2x, except for one fault ---- */

enum fault {
    FAULTLESS,
    WRONG_FACTOR,    /* the gradient is off by one part in 10^5 */
    WRONG_IN_F32,    /* only f32 is wrong */
    OVERWRITES,      /* writes a gradient instead of adding it */
    SKIPS_LAST,      /* leaves the last element of the result unwritten */
    NEEDS_THE_OTHER, /* computes one gradient only if both are requested */
    GIVES_NAN,       /* on a part of the domain that it declares */
};

/* y = x^2 + b: f32 and f64 are handled by tensor_get and tensor_set. */
static rondo_status faulty_infer(rondo_context *ctx, rondo_op_call *call) {
    if (!tensor_same_shape(&call->inputs[0], &call->inputs[1]) || call->inputs[0].dtype == RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INVALID, "x and b differ, or are integers");
    }
    call->output = call->inputs[0];
    call->output.data = NULL;
    return RONDO_OK;
}

static rondo_status faulty_forward(const rondo_op_call *call, enum fault fault) {
    for (int64_t i = 0; i < rondo_count(&call->output) - (fault == SKIPS_LAST); i++) {
        const double x = tensor_get(&call->inputs[0], i);
        double y = x * x + tensor_get(&call->inputs[1], i);
        y *= fault == WRONG_IN_F32 && call->output.dtype == RONDO_F32 ? 1.01 : 1;
        tensor_set(&call->output, i, fault == GIVES_NAN && x < 0 ? NAN : y);
    }
    return RONDO_OK;
}

static rondo_status faulty_backward(const rondo_op_call *call, enum fault fault) {
    const rondo_tensor *gx = &call->grad_inputs[0], *gb = &call->grad_inputs[1];
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        const double g = tensor_get(call->grad_output, i), x = tensor_get(&call->inputs[0], i);
        if (gx->data != NULL && (fault != NEEDS_THE_OTHER || gb->data != NULL)) {
            const double before = fault == OVERWRITES ? 0 : tensor_get(gx, i);
            tensor_set(gx, i, before + g * 2 * x * (fault == WRONG_FACTOR ? 1 + 1e-5 : 1));
        }
        if (gb->data != NULL) {
            tensor_set(gb, i, tensor_get(gb, i) + g);
        }
    }
    return RONDO_OK;
}

#define FAULTY(fault)                                                                                                  \
    static rondo_status forward_##fault(rondo_context *ctx, rondo_op_call *call) {                                     \
        (void)ctx;                                                                                                     \
        return faulty_forward(call, fault);                                                                            \
    }                                                                                                                  \
    static rondo_status backward_##fault(rondo_context *ctx, rondo_op_call *call) {                                    \
        (void)ctx;                                                                                                     \
        return faulty_backward(call, fault);                                                                           \
    }

FAULTY(FAULTLESS)
FAULTY(WRONG_FACTOR)
FAULTY(WRONG_IN_F32)
FAULTY(OVERWRITES)
FAULTY(SKIPS_LAST)
FAULTY(NEEDS_THE_OTHER)
FAULTY(GIVES_NAN)

static int32_t samples_up_to(int32_t count, int32_t index, rondo_sample *sample) {
    sample->n_inputs = 2;
    for (int32_t k = 0; k < 2; k++) {
        sample->inputs[k] = (rondo_tensor){.dtype = RONDO_F64, .ndim = 1, .shape = {4 + index}};
        sample->low[k] = -2;
        sample->high[k] = 2;
    }
    return index < count;
}

static int32_t three_samples(int32_t index, rondo_sample *sample) {
    return samples_up_to(3, index, sample);
}

static int32_t two_samples(int32_t index, rondo_sample *sample) {
    return samples_up_to(2, index, sample);
}

/* An elementwise op with the derivative of another function. */
static void cube_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    const rondo_tensor x = tensor_1d(dtype, count, (void *)(uintptr_t)in[0]), y = tensor_1d(dtype, count, out);
    for (int64_t i = 0; i < count; i++) {
        tensor_set(&y, i, pow(tensor_get(&x, i), 3));
    }
}

static void square_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                            const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    const rondo_tensor x = tensor_1d(dtype, count, (void *)(uintptr_t)in[0]);
    const rondo_tensor g = tensor_1d(dtype, count, (void *)(uintptr_t)grad_out),
                       gx = tensor_1d(dtype, count, grad_in[0]);
    for (int64_t i = 0; i < count && grad_in[0] != NULL; i++) {
        tensor_set(&gx, i, tensor_get(&g, i) * 2 * tensor_get(&x, i));
    }
}

/* The right derivative, computed from x or from y. */
static void cube_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                          const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    const rondo_tensor x = tensor_1d(dtype, count, (void *)(uintptr_t)in[0]);
    const rondo_tensor g = tensor_1d(dtype, count, (void *)(uintptr_t)grad_out),
                       gx = tensor_1d(dtype, count, grad_in[0]);
    for (int64_t i = 0; i < count && grad_in[0] != NULL; i++) {
        tensor_set(&gx, i, tensor_get(&g, i) * 3 * pow(tensor_get(&x, i), 2));
    }
}

static void cube_map_grad_of_output(const void *options, int32_t dtype, int64_t count, const void *const *in,
                                    const void *out, const void *grad_out, void *const *grad_in) {
    (void)in;
    double memory[8192];
    const rondo_tensor y = tensor_1d(dtype, count, (void *)(uintptr_t)out), x = tensor_1d(dtype, count, memory);
    ck_assert_int_le(count, 8192);
    for (int64_t i = 0; i < count; i++) {
        tensor_set(&x, i, cbrt(tensor_get(&y, i)));
    }
    const void *const roots[1] = {memory};
    cube_map_grad(options, dtype, count, roots, out, grad_out, grad_in);
}

#define FAULTY_OP(forward_, backward_, sample_)                                                                        \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "faulty", .summary = "y = x^2 + b"},  \
        .min_inputs = 2, .max_inputs = 2, .operands = "x, b", .infer = faulty_infer, .forward = forward_,              \
        .backward = backward_, .sample = sample_                                                                       \
    }

#define MAP_OP(map_grad_, flags_, ...)                                                                                 \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "cube", .summary = "y = x^3"},        \
        .flags = flags_, .min_inputs = 1, .max_inputs = 1, .operands = "x", .map = cube_map, .map_grad = map_grad_,    \
        .map_grad_reads = {                                                                                            \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

static const struct {
    rondo_op op;
    const char *check, *reason; /* the check that fails, and a part of its reason; NULL: all pass */
} checked_ops[] = {
    {FAULTY_OP(forward_FAULTLESS, backward_FAULTLESS, three_samples), NULL, NULL},
    {FAULTY_OP(forward_WRONG_FACTOR, backward_WRONG_FACTOR, three_samples), "gradient", "the gradient is"},
    {FAULTY_OP(forward_WRONG_IN_F32, backward_WRONG_IN_F32, three_samples), "gradient", "in f32"},
    {FAULTY_OP(forward_OVERWRITES, backward_OVERWRITES, three_samples), "gradient_adds", "expected the previous"},
    {FAULTY_OP(forward_SKIPS_LAST, backward_SKIPS_LAST, three_samples), "writes_all", "element 3 is not written"},
    {FAULTY_OP(forward_NEEDS_THE_OTHER, backward_NEEDS_THE_OTHER, three_samples), "one_gradient",
     "if only this gradient is requested"},
    {FAULTY_OP(forward_GIVES_NAN, backward_GIVES_NAN, three_samples), "finite", "is nan"},
    {FAULTY_OP(forward_FAULTLESS, backward_FAULTLESS, two_samples), "samples", "only 2 samples"},
    {FAULTY_OP(forward_FAULTLESS, backward_FAULTLESS, NULL), "samples", "no samples"},
    {FAULTY_OP(forward_FAULTLESS, NULL, three_samples), "gradient", "no gradient"},
    {MAP_OP(square_map_grad, 0, 0), "gradient", "the gradient is"},
    {MAP_OP(NULL, 0, 0), "gradient", "no gradient"},
    {MAP_OP(NULL, RONDO_OP_NO_GRADIENT, 0), NULL, NULL},
    {MAP_OP(cube_map_grad, 0, 0), NULL, NULL},
    {MAP_OP(cube_map_grad, 0, RONDO_READS_INPUT(0)), NULL, NULL},
    {MAP_OP(cube_map_grad, 0, RONDO_READS_INPUT(0) | RONDO_READS_OUTPUT), NULL, NULL},
    {MAP_OP(cube_map_grad, 0, RONDO_READS_OUTPUT), "map_reads", "reads more than map_grad_reads declares"},
    {MAP_OP(cube_map_grad, 0, RONDO_READS_NOTHING), "map_reads", "reads more than map_grad_reads declares"},
    {MAP_OP(cube_map_grad, 0, RONDO_READS_INPUT(0) | RONDO_READS_NOTHING), "map_reads", "both nothing and something"},
    {MAP_OP(cube_map_grad_of_output, 0, RONDO_READS_OUTPUT), NULL, NULL},
    {MAP_OP(cube_map_grad_of_output, 0, RONDO_READS_INPUT(0)), "map_reads", "reads more than map_grad_reads declares"},
};

START_TEST(checks_refuse_every_fault_and_nothing_else) {
    char found[1024] = "";
    const char *reason = checked_ops[_i].reason;
    const enum verdict verdict = run_checks(&checked_ops[_i].op, checked_ops[_i].check, found, sizeof found);
    ck_assert_msg((verdict == VERDICT_FAIL) == (reason != NULL), "verdict %d: %s", (int)verdict, found);
    ck_assert_msg(reason == NULL || strstr(found, reason) != NULL, "'%s' does not say '%s'", found, reason);
}
END_TEST

/* ---- values ---- */

struct value_row {
    const char *op, *options;
    const char *inputs[4];
    const char *expected;
};

static const struct value_row value_rows[] = {
    {"add", NULL, {"[3] 1 2 3", "[] 10"}, "[3] 11 12 13"},
    {"add", NULL, {"[2, 1] 1 2", "[1, 3] 10 20 30"}, "[2, 3] 11 21 31 12 22 32"},
    {"sub", NULL, {"[2] 1 2", "[2] 5 -5"}, "[2] -4 7"},
    {"mul", NULL, {"[2] 3 -2", "[2] 5 4"}, "[2] 15 -8"},
    {"div", NULL, {"[3] 1 -3 1", "[3] 4 2 0"}, "[3] 0.25 -1.5 inf"},
    {"neg", NULL, {"[2] 1 -2"}, "[2] -1 2"},
    {"square", NULL, {"[2] 3 -4"}, "[2] 9 16"},
    {"abs", NULL, {"[4] 3 -4 0 -inf"}, "[4] 3 4 0 inf"},
    {"exp", NULL, {"[5] 0 1 -1 1000 -1000"}, "[5] 1 2.718281828459045 0.36787944117144233 inf 0"},
    {"log", NULL, {"[4] 1 2.718281828459045 0 -1"}, "[4] 0 1 -inf nan"},
    {"sqrt", NULL, {"[3] 4 2 0"}, "[3] 2 1.4142135623730951 0"},
    {"expm1",
     NULL,
     {"[6] 0 1 -1 1e-6 1000 -1000"},
     "[6] 0 1.718281828459045 -0.6321205588285577 1.0000005000001667e-6 inf -1"},
    {"log1p",
     NULL,
     {"[7] 0 1 -0.5 1e-6 -1 -2 inf"},
     "[7] 0 0.6931471805599453 -0.6931471805599453 9.999995000003333e-7 -inf nan inf"},
    {"sin",
     NULL,
     {"[6] 0 1 -2 100 1e9 inf"},
     "[6] 0 0.8414709848078965 -0.9092974268256817 -0.5063656411097588 0.5458434494486996 nan"},
    {"cos",
     NULL,
     {"[6] 0 1 -2 100 1e9 nan"},
     "[6] 1 0.5403023058681398 -0.4161468365471424 0.8623188722876839 0.8378871813639024 nan"},
    {"power", "exponent=3", {"[3] 2 -2 0"}, "[3] 8 -8 0"},
    {"power", "exponent=-0.5", {"[3] 4 0 -1"}, "[3] 0.5 inf nan"},
    {"power", "exponent=0", {"[3] 4 0 -1"}, "[3] 1 1 1"},
    {"sign", NULL, {"[6] 3 -4 0 inf -inf nan"}, "[6] 1 -1 0 1 -1 nan"},
    {"clamp", "low=-1 high=2", {"[6] 3 -4 0.5 inf -inf nan"}, "[6] 2 -1 0.5 2 -1 nan"},
    {"clamp", "low=2 high=1", {"[3] 0 1.5 3"}, "[3] 1 1 1"},
    {"hard_sigmoid", NULL, {"[5] 0 1 -3 5 nan"}, "[5] 0.5 0.7 0 1 nan"},
    {"hard_sigmoid", "slope=0.5", {"[4] 0 0.5 -3 5"}, "[4] 0.5 0.75 0 1"},
    {"silu", NULL, {"[5] 0 1 -1 1000 -1000"}, "[5] 0 0.7310585786300049 -0.2689414213699951 1000 0"},
    {"log_sigmoid", NULL, {"[4] 0 1 1000 -1000"}, "[4] -0.6931471805599453 -0.31326168751822286 0 -1000"},
    {"sigmoid", NULL, {"[5] 0 1 -1 1000 -1000"}, "[5] 0.5 0.7310585786300049 0.2689414213699951 1 0"},
    {"tanh", NULL, {"[5] 0 1 -0.25 1000 -1000"}, "[5] 0 0.7615941559557649 -0.24491866240370913 1 -1"},
    {"relu", NULL, {"[4] 2 -2 0 nan"}, "[4] 2 0 0 nan"},
    {"softplus", NULL, {"[4] 0 1 1000 -1000"}, "[4] 0.6931471805599453 1.3132616875182228 1000 0"},
    {"gelu", NULL, {"[4] 0 1 -1 2"}, "[4] 0 0.8413447460685429 -0.15865525393145707 1.9544997361036416"},
    {"maximum", NULL, {"[5] 1 2 3 nan 1", "[5] 2 2 1 1 nan"}, "[5] 2 2 3 nan nan"},
    {"minimum", NULL, {"[5] 1 2 3 nan 1", "[5] 2 2 1 1 nan"}, "[5] 1 2 1 nan nan"},
    {"where", NULL, {"[4] 0 1 -0.5 0", "[4] 1 2 3 4", "[] 9"}, "[4] 9 2 3 9"},

    {"matmul", NULL, {"[2, 3] 1 2 3 4 5 6", "[3, 2] 1 0 0 1 1 1"}, "[2, 2] 4 5 10 11"},
    {"matmul", "transpose_a=true", {"[3, 2] 1 4 2 5 3 6", "[3, 2] 1 0 0 1 1 1"}, "[2, 2] 4 5 10 11"},
    {"matmul", "transpose_b=true", {"[2, 3] 1 2 3 4 5 6", "[2, 3] 1 0 1 0 1 1"}, "[2, 2] 4 5 10 11"},
    {"matmul", "transpose_a=true transpose_b=true", {"[1, 2] 3 4", "[2, 1] 1 10"}, "[2, 2] 3 30 4 40"},
    {"matmul", NULL, {"[2, 1, 2] 1 2 3 4", "[2, 1] 10 1"}, "[2, 1, 1] 12 34"},
    {"matmul", NULL, {"[2, 1, 2] 1 2 3 4", "[2, 2, 1] 10 1 20 2"}, "[2, 1, 1] 12 68"},
    {"matmul", "transpose_a=true", {"[2, 1, 2] 1 2 3 4", "[1, 1] 5"}, "[2, 2, 1] 5 10 15 20"},
    {"matmul", NULL, {"[2, 0]", "[0, 3]"}, "[2, 3] 0 0 0 0 0 0"},
    {"matmul", NULL, {"[2, 1, 0]", "[2, 0, 2]"}, "[2, 1, 2] 0 0 0 0"},
    {"matmul", NULL, {"[0, 2]", "[2, 3]"}, "[0, 3]"},

    {"sum", NULL, {"[2, 2] 1 2 3 4"}, "[] 10"},
    {"sum", "axis=0", {"[2, 2] 1 2 3 4"}, "[2] 4 6"},
    {"sum", "axis=-1 keep=true", {"[2, 2] 1 2 3 4"}, "[2, 1] 3 7"},
    {"sum", "axis=[0, 2]", {"[2, 2, 2] 1 2 3 4 5 6 7 8"}, "[2] 14 22"},
    {"sum", "axis=0", {"[0, 2]"}, "[2] 0 0"},
    {"sum", NULL, {"[0]"}, "[] 0"},
    {"sum", NULL, {"[9] 1 2 3 4 5 6 7 8 9"}, "[] 45"},
    {"mean", NULL, {"[2, 2] 1 2 3 4"}, "[] 2.5"},
    {"mean", "axis=1", {"[0, 3]"}, "[0]"},
    {"mean", "axis=0 keep=true", {"[2, 2] 1 2 3 4"}, "[1, 2] 2 3"},
    {"max", "axis=1", {"[2, 3] 1 3 2 -5 -4 -6"}, "[2] 3 -4"},
    {"max", NULL, {"[3] 1 nan 2"}, "[] nan"},
    {"min", "axis=0", {"[2, 3] 1 3 2 -5 -4 -6"}, "[3] -5 -4 -6"},
    {"min", NULL, {"[] 7"}, "[] 7"},

    {"softmax", NULL, {"[2, 2] 0 0 1000 0"}, "[2, 2] 0.5 0.5 1 0"},
    {"softmax", "axis=0", {"[2, 2] 0 1000 0 0"}, "[2, 2] 0.5 1 0.5 0"},
    {"softmax", NULL, {"[3] -1000 -1000 -inf"}, "[3] 0.5 0.5 0"},
    {"log_softmax", NULL, {"[2] 1000 0"}, "[2] 0 -1000"},
    {"log_softmax", NULL, {"[2, 1] 3 4"}, "[2, 1] 0 0"},
    {"log_softmax",
     "axis=0",
     {"[2, 2] 5 0 5 1"},
     "[2, 2] -0.6931471805599453 -1.3132616875182228 -0.6931471805599453 -0.31326168751822286"},
    {"log_softmax_pick", NULL, {"[2, 2] 1000 0 0 1000", "i[2] 1 1"}, "[2] -1000 0"},
    {"log_softmax_pick", NULL, {"[3, 1] 3 4 -inf", "i[3] 0 0 0"}, "[3] 0 0 nan"},
    {"layer_norm", "epsilon=1e-12", {"[1, 4] 1 1 3 3", "[4] 1 2 3 4", "[4] 0 0 10 10"}, "[1, 4] -1 -2 13 14"},
    {"layer_norm", NULL, {"[2, 2] 5 5 7 7", "[2] 3 3", "[2] 1 2"}, "[2, 2] 1 2 1 2"},

    {"gather", NULL, {"[3, 2] 1 2 3 4 5 6", "i[4] 2 0 2 1"}, "[4, 2] 5 6 1 2 5 6 3 4"},
    {"gather", NULL, {"[3] 10 20 30", "i[2, 2] 0 1 2 0"}, "[2, 2] 10 20 30 10"},
    {"gather", NULL, {"[3, 2] 1 2 3 4 5 6", "i[] 1"}, "[2] 3 4"},
    {"gather", NULL, {"[0, 2]", "i[0]"}, "[0, 2]"},
    {"gather", NULL, {"i[3] 7 8 9", "i[2] 2 0"}, "i[2] 9 7"},
    {"pick", NULL, {"[2, 3] 1 2 3 4 5 6", "i[2] 2 0"}, "[2] 3 4"},
    {"segment", "count=3", {"[4, 2] 1 2 3 4 5 6 7 8", "i[4] 0 2 0 2"}, "[3, 2] 6 8 0 0 10 12"},
    {"segment", "count=3 reduce=mean", {"[4, 2] 1 2 3 4 5 6 7 8", "i[4] 0 2 0 2"}, "[3, 2] 3 4 0 0 5 6"},
    {"segment", "count=3 reduce=max", {"[4, 2] -1 2 3 4 -5 6 7 -8", "i[4] 0 2 0 2"}, "[3, 2] -1 6 0 0 7 4"},
    {"segment", "count=1 reduce=max", {"[3] 1 nan 2", "i[3] 0 0 0"}, "[1] nan"},
    {"segment", "count=2", {"[0, 1]", "i[0]"}, "[2, 1] 0 0"},

    {"concat", NULL, {"[2, 1] 1 2", "[2, 2] 3 4 5 6"}, "[2, 3] 1 3 4 2 5 6"},
    {"concat", "axis=0", {"[1, 2] 1 2", "[2, 2] 3 4 5 6", "[0, 2]"}, "[3, 2] 1 2 3 4 5 6"},
    {"concat", NULL, {"i[1] 1", "i[2] 2 3"}, "i[3] 1 2 3"},
    {"slice", "begin=1", {"[2, 3] 1 2 3 4 5 6"}, "[2, 2] 2 3 5 6"},
    {"slice", "begin=-2 end=-1", {"[2, 3] 1 2 3 4 5 6"}, "[2, 1] 2 5"},
    {"slice", "axis=0 begin=1 end=2", {"[2, 3] 1 2 3 4 5 6"}, "[1, 3] 4 5 6"},
    {"slice", "begin=3", {"[2, 3] 1 2 3 4 5 6"}, "[2, 0]"},
    {"expand_dims", NULL, {"[2, 2] 1 2 3 4"}, "[2, 2, 1] 1 2 3 4"},
    {"expand_dims", "axis=0", {"[2] 1 2"}, "[1, 2] 1 2"},
    {"expand_dims", "axis=-2", {"[2, 2] 1 2 3 4"}, "[2, 1, 2] 1 2 3 4"},
    {"expand_dims", NULL, {"[] 5"}, "[1] 5"},
    {"expand_dims", NULL, {"i[2] 5 6"}, "i[2, 1] 5 6"},
    {"reshape", "shape=[3, -1]", {"[2, 3] 1 2 3 4 5 6"}, "[3, 2] 1 2 3 4 5 6"},
    {"reshape", "shape=[]", {"[1, 1] 5"}, "[] 5"},
    {"transpose", NULL, {"[2, 3] 1 2 3 4 5 6"}, "[3, 2] 1 4 2 5 3 6"},
    {"transpose", "axes=[1, 0, 2]", {"[2, 2, 2] 1 2 3 4 5 6 7 8"}, "[2, 2, 2] 1 2 5 6 3 4 7 8"},
    {"transpose", NULL, {"i[2, 2] 1 2 3 4"}, "i[2, 2] 1 3 2 4"},
    {"dropout", "rate=0.9", {"[3] 1 2 3"}, "[3] 1 2 3"}, /* a new tape evaluates, it does not train */
};

static rondo_value apply_row(struct tape *tape, int32_t dtype, const char *op, const char *options,
                             const char *const *inputs, int asks, rondo_value *values) {
    int32_t count = 0;
    for (; inputs[count] != NULL; count++) {
        const rondo_tensor tensor = parse(inputs[count], dtype);
        values[count] = asks && tensor.dtype != RONDO_I32 ? tape_parameter(tape, "input", &tensor, NULL)
                                                          : tape_constant(tape, &tensor);
    }
    return tape_apply_named(tape, op, options, values, count);
}

START_TEST(ops_give_the_values_of_their_equations) {
    const struct value_row *row = &value_rows[_i / 2];
    const int32_t dtype = _i % 2 == 0 ? RONDO_F32 : RONDO_F64;
    struct tape *tape = new_tape(NULL);
    rondo_value values[4];
    const rondo_value result = apply_row(tape, dtype, row->op, row->options, row->inputs, 0, values);
    ck_assert_msg(tape_status(tape) == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : "");
    const rondo_tensor expected = parse(row->expected, dtype);
    assert_near(tape_tensor(tape, result), &expected, row->op);
    tape_destroy(tape);
}
END_TEST

/* Gradients that finite differences cannot check: at kinks, ties and repeated indices. dL/dy is 1 everywhere. */
static const struct {
    const char *op, *options;
    const char *inputs[4];
    int32_t input;
    const char *expected;
} gradient_rows[] = {
    {"relu", NULL, {"[3] -1 0 2"}, 0, "[3] 0 0 1"},
    {"abs", NULL, {"[3] -1 0 2"}, 0, "[3] -1 0 1"},
    {"maximum", NULL, {"[3] 1 2 3", "[3] 2 2 2"}, 0, "[3] 0 1 1"},
    {"maximum", NULL, {"[3] 1 2 3", "[3] 2 2 2"}, 1, "[3] 1 0 0"},
    {"minimum", NULL, {"[3] 1 2 3", "[3] 2 2 2"}, 0, "[3] 1 1 0"},
    {"minimum", NULL, {"[3] 1 2 3", "[3] 2 2 2"}, 1, "[3] 0 0 1"},
    {"where", NULL, {"[3] 0 1 -1", "[3] 1 2 3", "[] 4"}, 0, "[3] 0 0 0"},
    {"where", NULL, {"[3] 0 1 -1", "[3] 1 2 3", "[] 4"}, 1, "[3] 0 1 1"},
    {"where", NULL, {"[3] 0 1 -1", "[3] 1 2 3", "[] 4"}, 2, "[] 1"},
    {"max", "axis=1", {"[2, 3] 5 5 1 1 2 2"}, 0, "[2, 3] 1 0 0 0 1 0"},
    {"min", "axis=0", {"[3, 2] 5 1 5 0 7 0"}, 0, "[3, 2] 1 0 0 1 0 0"},
    {"max", NULL, {"[2, 2] 3 4 4 4"}, 0, "[2, 2] 0 1 0 0"},
    {"segment", "count=2 reduce=max", {"[4] 3 3 -1 -1", "i[4] 1 1 0 0"}, 0, "[4] 1 0 1 0"},
    {"segment", "count=2 reduce=mean", {"[3] 3 3 3", "i[3] 1 1 0"}, 0, "[3] 0.5 0.5 1"},
    {"gather", NULL, {"[3, 1] 1 2 3", "i[4] 2 0 2 2"}, 0, "[3, 1] 1 0 3"},
    {"pick", NULL, {"[2, 3] 1 2 3 4 5 6", "i[2] 2 0"}, 0, "[2, 3] 0 0 1 1 0 0"},
    {"matmul", NULL, {"[2, 2] 1 2 3 4", "[2, 1] 5 6"}, 0, "[2, 2] 5 6 5 6"},
    {"matmul", NULL, {"[2, 2] 1 2 3 4", "[2, 1] 5 6"}, 1, "[2, 1] 4 6"},
    {"slice", "begin=1", {"[2, 2] 1 2 3 4"}, 0, "[2, 2] 0 1 0 1"},
    {"slice", "axis=0 begin=1", {"[2, 2] 1 2 3 4"}, 0, "[2, 2] 0 0 1 1"},
    {"sigmoid", NULL, {"[3] 0 1000 -1000"}, 0, "[3] 0.25 0 0"},
    {"softplus", NULL, {"[3] 0 1000 -1000"}, 0, "[3] 0.5 1 0"},
    {"log_sigmoid", NULL, {"[3] 0 1000 -1000"}, 0, "[3] 0.5 0 1"},
    {"silu", NULL, {"[3] 0 1000 -1000"}, 0, "[3] 0.5 1 0"},
    {"clamp", "low=-1 high=2", {"[5] -2 -1 0 2 3"}, 0, "[5] 0 1 1 1 0"},
    {"hard_sigmoid", "slope=0.5", {"[5] -2 -1 0 1 3"}, 0, "[5] 0 0 0.5 0 0"},
    {"power", "exponent=2", {"[3] 0 3 -1"}, 0, "[3] 0 6 -2"},
    {"power", "exponent=1", {"[2] 0 3"}, 0, "[2] 1 1"},
    {"power", "exponent=0", {"[2] 0 3"}, 0, "[2] 0 0"},
    {"sin", NULL, {"[2] 0 1e9"}, 0, "[2] 1 0.8378871813639024"},
    {"cos", NULL, {"[2] 0 1e9"}, 0, "[2] 0 -0.5458434494486996"},
};

START_TEST(gradients_at_kinks_and_ties_follow_the_convention) {
    const int32_t dtype = _i % 2 == 0 ? RONDO_F32 : RONDO_F64;
    struct tape *tape = new_tape(NULL);
    rondo_value values[4];
    const rondo_value result = apply_row(tape, dtype, gradient_rows[_i / 2].op, gradient_rows[_i / 2].options,
                                         gradient_rows[_i / 2].inputs, 1, values);
    ck_assert_int_eq(tape_backward(tape, result), RONDO_OK);
    const rondo_tensor expected = parse(gradient_rows[_i / 2].expected, dtype);
    const rondo_tensor *gradient = tape_gradient(tape, values[gradient_rows[_i / 2].input]);
    ck_assert_ptr_nonnull(gradient);
    assert_near(gradient, &expected, gradient_rows[_i / 2].op);
    tape_destroy(tape);
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *op, *options;
    const char *inputs[4];
    const char *parts[3]; /* parts of the text */
} bad_rows[] = {
    {"matmul", NULL, {"[2, 3]", "[4, 5]"}, {"[2, 3]", "[4, 5]", "3 columns against 4 rows"}},
    {"matmul", "transpose_a=true", {"[2, 3]", "[3, 5]"}, {"[2, 3] transposed", "by [3, 5]", "2 columns against 3"}},
    {"matmul", "transpose_b=true", {"[2, 3]", "[3, 5]"}, {"[3, 5] transposed", "3 columns against 5 rows"}},
    {"matmul", NULL, {"[1048573, 3]", "[4, 5]"}, {"[batch, 3]", "by [4, 5]"}},
    {"matmul", NULL, {"[3]", "[3, 5]"}, {"[3]", "2 dimensions or more"}},
    {"matmul", NULL, {"[2, 3, 4]", "[3, 4, 5]"}, {"[2, 3, 4]", "[3, 4, 5]", "same leading dimensions"}},
    {"matmul", NULL, {"[3, 4]", "[2, 4, 5]"}, {"same leading dimensions"}},
    {"matmul", NULL, {"i[2, 2]", "[2, 2]"}, {"'a' has dtype i32"}},
    {"matmul", NULL, {"[2, 2]", "i[2, 2]"}, {"'b' has dtype i32"}},
    {"matmul", "transpose=true", {"[2, 2]", "[2, 2]"}, {"unknown option 'transpose'"}},
    {"matmul", NULL, {"[4000000000, 1]", "[1, 4000000000]"}, {"[4000000000, 4000000000]", "too large"}},
    {"add", NULL, {"[2, 3]", "[4]"}, {"[2, 3]", "[4]"}},
    {"expand_dims", "axis=3", {"[2, 3]"}, {"axis 3 is not within [-3, 2]", "[2, 3]"}},
    {"expand_dims", "axis=-4", {"[2, 3]"}, {"axis -4 is not within [-3, 2]"}},
    {"expand_dims", NULL, {"[1, 1, 1, 1, 1, 1]"}, {"no room for another dimension"}},
    {"clamp", "low=0", {"[3]"}, {"high"}},
    {"power", NULL, {"[3]"}, {"exponent"}},
    {"power", "exponent=nan", {"[3]"}, {"exponent"}},
    {"sin", NULL, {"i[3] 0 1 2"}, {"i32"}},
    {"add", NULL, {"[2]", "i[2]"}, {"float", "i32"}},
    {"add", NULL, {"[2]"}, {"takes (a, b), got 1 input"}},
    {"where", NULL, {"[2]", "[2]", "[3]"}, {"[2]", "[3]"}},
    {"sum", "axis=2", {"[2, 3]"}, {"no axis 2", "[2, 3]"}},
    {"sum", "axis=-3", {"[2, 3]"}, {"no axis -3", "[2, 3]"}},
    {"sum", "axis=[0, -2]", {"[2, 3]"}, {"axis 0 of [2, 3] is given twice"}},
    {"sum", NULL, {"i[2]"}, {"'x' has dtype i32"}},
    {"mean", NULL, {"[0, 3]"}, {"axis 0 of [0, 3] is empty"}},
    {"mean", "axis=0", {"[0, 3]"}, {"axis 0 of [0, 3] is empty"}},
    {"max", "axis=1", {"[2, 0]"}, {"axis 1 of [2, 0] is empty"}},
    {"min", NULL, {"[0]"}, {"axis 0 of [0] is empty"}},
    {"softmax", NULL, {"[]"}, {"no axis -1 in shape []"}},
    {"log_softmax", "axis=2", {"[2, 3]"}, {"no axis 2"}},
    {"log_softmax_pick", NULL, {"[2, 3]", "i[3]"}, {"cannot pick from x [2, 3] by index [3]"}},
    {"log_softmax_pick", NULL, {"[2, 3]", "[2]"}, {"'index'"}},
    {"log_softmax_pick", NULL, {"[1, 3] 1 2 3", "i[1] 3"}, {"3"}},
    {"layer_norm", NULL, {"[2, 3]", "[2]", "[3]"}, {"gain [2] does not fit x [2, 3]"}},
    {"layer_norm", NULL, {"[2, 3]", "[3]", "[1, 3]"}, {"bias [1, 3] does not fit x [2, 3]"}},
    {"layer_norm", NULL, {"[]", "[1]", "[1]"}, {"x is a scalar"}},
    {"layer_norm", "epsilon=0", {"[2]", "[2]", "[2]"}, {"epsilon"}},
    {"gather", NULL, {"[3, 2]", "i[2] 1 3"}, {"index 3 (number 1)", "0 <= index < 3", "rows"}},
    {"gather", NULL, {"[3, 2]", "i[2] -1 0"}, {"index -1 (number 0)", "0 <= index < 3"}},
    {"gather", NULL, {"[0, 2]", "i[1] 0"}, {"index 0", "0 <= index < 0"}},
    {"gather", NULL, {"[3, 2]", "[2]"}, {"'index' has dtype", "expected i32"}},
    {"gather", NULL, {"[]", "i[2]"}, {"cannot gather from x []"}},
    {"gather", NULL, {"[1, 1, 1, 1]", "i[1, 1, 1, 1]"}, {"cannot gather", "at most 6"}},
    {"gather", NULL, {"[1, 4000000000]", "i[4000000000]"}, {"too large"}},
    {"pick", NULL, {"[2, 3]", "i[2] 0 3"}, {"index 3 (number 1)", "0 <= index < 3", "columns"}},
    {"pick", NULL, {"[2, 3]", "i[3]"}, {"cannot pick from x [2, 3] by index [3]"}},
    {"pick", NULL, {"[2]", "i[2]"}, {"cannot pick from x [2]"}},
    {"segment", "count=2", {"[3, 1]", "i[3] 0 1 2"}, {"index 2 (number 2)", "0 <= index < 2", "segments"}},
    {"segment", "count=2", {"[3, 1]", "i[2]"}, {"x [3, 1] and index [2] do not fit"}},
    {"segment", "count=2", {"[]", "i[1]"}, {"x [] and index [1] do not fit"}},
    {"segment", "count=2 reduce=median", {"[3, 1]", "i[3]"}, {"median", "sum, mean, max"}},
    {"segment", "count=-1", {"[3, 1]", "i[3]"}, {"count"}},
    {"segment", "count=2", {"[3, 1]", "[3]"}, {"'index' has dtype"}},
    {"segment", "count=2147483647", {"[1, 4000000000, 4]", "i[1]"}, {"too large"}},
    {"concat", NULL, {"[2, 3]", "[3, 3]"}, {"cannot join [2, 3] and [3, 3] along axis 1"}},
    {"concat", "axis=0", {"[2, 3]", "[3]"}, {"cannot join [2, 3] and [3] along axis 0"}},
    {"concat", NULL, {"[2]", "i[2]"}, {"cannot join", "one type"}},
    {"concat", NULL, {"[]", "[]"}, {"no axis -1 in shape []"}},
    {"slice", "begin=2 end=1", {"[3]"}, {"begin 2 and end 1", "[3]"}},
    {"slice", "end=4", {"[3]"}, {"end 4", "axis 0 of [3], which has 3"}},
    {"slice", "begin=-4", {"[3]"}, {"begin -4"}},
    {"slice", "begin=4", {"[3]"}, {"begin 4 and end 3"}},
    {"slice", "axis=1", {"[3]"}, {"no axis 1"}},
    {"slice", "begin=-9223372036854775808", {"[3]"}, {"begin -9223372036854775808"}},
    {"reshape", "shape=[4]", {"[2, 3]"}, {"cannot reshape [2, 3] to [4]", "the numbers of elements differ"}},
    {"reshape", "shape=[4, -1]", {"[2, 3]"}, {"cannot reshape [2, 3] to [4, -1]"}},
    {"reshape", "shape=[-1, -1]", {"[2, 3]"}, {"only one size can be -1"}},
    {"reshape", "shape=[0, -1]", {"[0, 3]"}, {"in place of -1"}},
    {"reshape", "shape=[4294967296, 4294967296]", {"[0, 3]"}, {"the numbers of elements differ"}},
    {"transpose", "axes=[0, 0]", {"[2, 3]"}, {"'axes'", "2 dimensions of [2, 3]"}},
    {"transpose", "axes=[1]", {"[2, 3]"}, {"'axes'", "2 dimensions of [2, 3]"}},
    {"transpose", "axes=[0, 2]", {"[2, 3]"}, {"no axis 2"}},
    {"dropout", "rate=1", {"[2]"}, {"rate"}},
    {"dropout", "rate=-0.1", {"[2]"}, {"rate"}},
    {"dropout", NULL, {"i[2]"}, {"'x' has dtype i32"}},
};

START_TEST(wrong_shapes_indices_and_options_are_refused_with_the_reason) {
    struct tape *tape = new_tape(NULL);
    rondo_value values[4];
    apply_row(tape, RONDO_F32, bad_rows[_i].op, bad_rows[_i].options, bad_rows[_i].inputs, 0, values);
    ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
    ck_assert_int_eq(errors.count, 1);
    const char *text = errors_text(&errors, 0);
    for (int part = 0; part < 3 && bad_rows[_i].parts[part] != NULL; part++) {
        ck_assert_msg(strstr(text, bad_rows[_i].parts[part]) != NULL, "'%s' does not say '%s'", text,
                      bad_rows[_i].parts[part]);
    }
    tape_destroy(tape);
}
END_TEST

START_TEST(floats_of_two_types_do_not_mix) {
    struct tape *tape = new_tape(NULL);
    const rondo_tensor a = parse("[2, 2]", RONDO_F32), b = parse("[2, 2]", RONDO_F64);
    const rondo_value values[2] = {tape_constant(tape, &a), tape_constant(tape, &b)};
    tape_apply_named(tape, "matmul", NULL, values, 2);
    ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "'b' has dtype f64, expected f32"));
    tape_destroy(tape);
}
END_TEST

START_TEST(shapes_read_alike_in_messages_of_ops_and_of_core) {
    static const char *const shapes[] = {"[]", "[0]", "[3, 4]", "[1048573, 8]", "[-1, 2, 3, 4, 5, 6]"};
    ck_assert_int_eq(RONDO_ANY_ROWS, 1048573);
    for (int i = 0; i < ROWS(shapes); i++) {
        rondo_tensor tensor = {.dtype = RONDO_F32};
        for (char *rest = (char *)(uintptr_t)shapes[i] + 1; *rest != ']'; rest += *rest == ',') {
            tensor.shape[tensor.ndim++] = strtoll(rest, &rest, 10);
        }
        ck_assert_str_eq(ops_shape_text(&tensor).text, tensor_shape_text(&tensor).text);
    }
}
END_TEST

/* ---- views ---- */

static const struct {
    const char *op, *options, *input;
    int64_t offset; /* offset of the view in the input; -1: the result has its own memory */
} view_rows[] = {
    {"expand_dims", NULL, "[2, 3] 1 2 3 4 5 6", 0},
    {"expand_dims", "axis=0", "[2, 3] 1 2 3 4 5 6", 0},
    {"reshape", "shape=[3, 2]", "[2, 3] 1 2 3 4 5 6", 0},
    {"slice", "axis=0 begin=1", "[2, 3] 1 2 3 4 5 6", 3},
    {"slice", "axis=1 begin=2", "[1, 3, 2] 1 2 3 4 5 6", 4},
    {"slice", "axis=1 begin=2", "[2, 3] 1 2 3 4 5 6", -1},
    {"transpose", NULL, "[1, 6] 1 2 3 4 5 6", 0},
    {"transpose", "axes=[1, 0, 2]", "[2, 1, 3] 1 2 3 4 5 6", 0},
    {"transpose", NULL, "[2, 3] 1 2 3 4 5 6", -1},
    {"dropout", NULL, "[6] 1 2 3 4 5 6", 0},
};

START_TEST(what_stays_in_place_is_a_view) {
    struct tape *tape = new_tape(NULL);
    const rondo_tensor x = parse(view_rows[_i].input, RONDO_F32);
    const rondo_value value = tape_constant(tape, &x);
    const rondo_tensor *y =
        tape_tensor(tape, tape_apply_named(tape, view_rows[_i].op, view_rows[_i].options, &value, 1));
    ck_assert_ptr_nonnull(y);
    const float *data = x.data;
    if (view_rows[_i].offset >= 0) {
        ck_assert_ptr_eq(y->data, data + view_rows[_i].offset);
    } else {
        ck_assert((const float *)y->data < data || (const float *)y->data >= data + rondo_count(&x));
    }
    tape_destroy(tape);
}
END_TEST

/* ---- dropout ---- */

static rondo_value drop(struct tape *tape, const rondo_tensor *x, rondo_value *input, const char *options) {
    *input = tape_parameter(tape, "x", x, NULL);
    const rondo_value y = tape_apply_named(tape, "dropout", options, input, 1);
    ck_assert_int_eq(tape_status(tape), RONDO_OK);
    return y;
}

START_TEST(dropout_keeps_the_share_that_it_says_and_scales_it) {
    enum { N = 100000 };
    const double rate = 0.25;
    struct tape *tape = new_tape(NULL);
    rondo_tensor x = tensor_1d(RONDO_F64, N, NULL);
    ck_assert_int_eq(tensor_alloc(&x, arena, &errors), RONDO_OK);
    for (int64_t i = 0; i < N; i++) {
        tensor_set(&x, i, 3);
    }
    tape_set_training(tape, 1);
    tape_enter(tape, "test", rng_stream(1, "test"));
    rondo_value input;
    const rondo_value result = drop(tape, &x, &input, "rate=0.25");
    ck_assert_int_eq(tape_backward(tape, result), RONDO_OK);
    const rondo_tensor *y = tape_tensor(tape, result), *gradient = tape_gradient(tape, input);
    int64_t kept = 0;
    for (int64_t i = 0; i < N; i++) {
        const int is_kept = tensor_get(y, i) != 0;
        kept += is_kept;
        ck_assert_double_eq(tensor_get(y, i), is_kept ? 4 : 0);
        ck_assert_double_eq_tol(tensor_get(gradient, i), is_kept ? 4.0 / 3 : 0, 1e-15);
    }
    /* no two separate pieces are equal */
    for (int64_t lag = 256; lag < N; lag *= 2) {
        int64_t equal = 0;
        for (int64_t i = 0; i + lag < N; i++) {
            equal += tensor_get(y, i) == tensor_get(y, i + lag);
        }
        ck_assert_int_lt(equal, (N - lag) * 7 / 10); /* by chance, 5 in 8 are equal */
    }
    const double deviations = fabs((double)kept - N * (1 - rate)) / sqrt(N * rate * (1 - rate));
    ck_assert_msg(deviations < 4, "%d of %d kept is %g standard deviations off", (int)kept, N, deviations);
    tape_destroy(tape);
}
END_TEST

START_TEST(dropout_draws_anew_at_each_use_and_alike_in_a_repeated_run) {
    const rondo_tensor x = parse("[64] 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 "
                                 "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                                 RONDO_F32);
    struct tape *tape = new_tape(NULL);
    float first[64];
    tape_set_training(tape, 1);
    for (int run = 0; run < 2; run++) {
        tape_reset(tape);
        tape_enter(tape, "test", rng_stream(7, "test"));
        rondo_value input;
        const float *a = tape_tensor(tape, drop(tape, &x, &input, NULL))->data;
        const float *b = tape_tensor(tape, drop(tape, &x, &input, NULL))->data;
        ck_assert_mem_ne(a, b, sizeof first);
        if (run == 0) {
            memcpy(first, a, sizeof first);
        } else {
            ck_assert_mem_eq(a, first, sizeof first);
        }
    }
    tape_destroy(tape);
}
END_TEST

/* ---- threads ---- */

/* Large enough to be divided among threads, with remainders. An index input is drawn below its last number. */
static const struct {
    const char *op, *options;
    const char *inputs[4];
    int32_t index_end;
} thread_rows[] = {
    {"matmul", NULL, {"[333, 97]", "[97, 201]"}, 0},
    {"matmul", "transpose_a=true", {"[401, 190]", "[401, 130]"}, 0},
    {"matmul", "transpose_b=true", {"[3, 150, 64]", "[170, 64]"}, 0},
    {"matmul", NULL, {"[70, 40, 30]", "[70, 30, 50]"}, 0},
    {"matmul", "transpose_a=true", {"[7, 80, 130]", "[80, 90]"}, 0},
    {"tanh", NULL, {"[70001]"}, 0},
    {"sin", NULL, {"[70001]"}, 0},
    {"clamp", "low=-0.25 high=0.25", {"[70001]"}, 0},
    {"mul", NULL, {"[300, 101]", "[101]"}, 0},
    {"sum", "axis=1", {"[3000, 37]"}, 0},
    {"max", "axis=0", {"[50, 3001]"}, 0},
    {"mean", "axis=[0, 2]", {"[20, 500, 9]"}, 0},
    {"softmax", NULL, {"[900, 101]"}, 0},
    {"log_softmax", "axis=0", {"[101, 900]"}, 0},
    {"log_softmax_pick", NULL, {"[900, 101]", "i[900]"}, 101},
    {"layer_norm", NULL, {"[1500, 65]", "[65]", "[65]"}, 0},
    {"gather", NULL, {"[50, 301]", "i[700]"}, 50},
    {"segment", "count=40 reduce=max", {"[700, 301]", "i[700]"}, 40},
    {"segment", "count=40 reduce=mean", {"[700, 301]", "i[700]"}, 40},
    {"transpose", NULL, {"[301, 400]"}, 0},
    {"dropout", NULL, {"[70001]"}, 0},
};

/* Result and gradients of a row, one after the other. */
static rondo_tensor run_row(int row, int32_t threads) {
    const struct parallel parallel = {threads};
    struct tape *tape = new_tape(&parallel);
    rondo_value values[4];
    int32_t count = 0;
    tape_set_training(tape, 1);
    tape_enter(tape, "test", rng_stream(1, "test"));
    for (; thread_rows[row].inputs[count] != NULL; count++) {
        const rondo_tensor x = parse(thread_rows[row].inputs[count], RONDO_F32);
        const struct rng_stream stream = rng_substream(rng_stream(3, "inputs"), (uint64_t)count);
        for (int64_t i = 0; i < rondo_count(&x); i++) {
            tensor_set(&x, i,
                       x.dtype == RONDO_I32
                           ? (double)rng_below(stream, (uint64_t)i, (uint64_t)thread_rows[row].index_end)
                           : rng_uniform(stream, (uint64_t)i) - 0.5);
        }
        values[count] = x.dtype == RONDO_I32 ? tape_constant(tape, &x) : tape_parameter(tape, "input", &x, NULL);
    }
    const rondo_value result = tape_apply_named(tape, thread_rows[row].op, thread_rows[row].options, values, count);
    const rondo_value root = tape_apply_named(tape, "square", NULL, &result, 1);
    ck_assert_int_eq(tape_backward(tape, root), RONDO_OK);
    rondo_tensor all = tensor_1d(RONDO_F32, rondo_count(tape_tensor(tape, result)), NULL);
    for (int32_t k = 0; k < count; k++) {
        const rondo_tensor *gradient = tape_gradient(tape, values[k]);
        all.shape[0] += gradient == NULL ? 0 : rondo_count(gradient);
    }
    ck_assert_int_eq(tensor_alloc(&all, arena, &errors), RONDO_OK);
    char *to = all.data;
    memcpy(to, tape_tensor(tape, result)->data, tensor_bytes(tape_tensor(tape, result)));
    to += tensor_bytes(tape_tensor(tape, result));
    for (int32_t k = 0; k < count; k++) {
        const rondo_tensor *gradient = tape_gradient(tape, values[k]);
        if (gradient != NULL) {
            memcpy(to, gradient->data, tensor_bytes(gradient));
            to += tensor_bytes(gradient);
        }
    }
    tape_destroy(tape);
    return all;
}

START_TEST(results_and_gradients_are_the_same_bits_for_any_number_of_threads) {
    const rondo_tensor one = run_row(_i, 1);
    for (int32_t threads = 2; threads <= 5; threads += 3) {
        const rondo_tensor more = run_row(_i, threads);
        ck_assert_mem_eq(more.data, one.data, tensor_bytes(&one));
    }
}
END_TEST

/* ---- log_softmax_pick against its two steps ---- */

static const int64_t pick_classes[] = {1, 2, 15, 16, 70, 511, 513, 10000};

/* The result, and the gradient of x [5, classes] for a sum with weights, which are added to ones. */
static void pick_log_softmax(int64_t classes, int in_one, rondo_tensor *result, rondo_tensor *gradient) {
    struct tape *tape = new_tape(NULL);
    rondo_tensor x = tensor_2d(RONDO_F32, 5, classes, NULL), index = tensor_1d(RONDO_I32, 5, NULL);
    rondo_tensor weights = tensor_1d(RONDO_F32, 5, NULL);
    *gradient = x;
    ck_assert(tensor_alloc(&x, arena, &errors) == RONDO_OK && tensor_alloc(gradient, arena, &errors) == RONDO_OK);
    ck_assert(tensor_alloc(&index, arena, &errors) == RONDO_OK && tensor_alloc(&weights, arena, &errors) == RONDO_OK);
    for (int64_t i = 0; i < 5 * classes; i++) {
        tensor_set(&x, i, 8 * rng_normal(rng_stream(5, "logits"), (uint64_t)i));
        tensor_set(gradient, i, 1);
    }
    for (int64_t i = 0; i < 5; i++) {
        tensor_set(&index, i, (double)rng_below(rng_stream(5, "classes"), (uint64_t)i, (uint64_t)classes));
        tensor_set(&weights, i, rng_normal(rng_stream(5, "weights"), (uint64_t)i));
    }
    const rondo_value logits = tape_parameter(tape, "x", &x, gradient), at = tape_constant(tape, &index);
    const rondo_value log_p = in_one ? logits : tape_apply_named(tape, "log_softmax", NULL, &logits, 1);
    const rondo_value y =
        tape_apply_named(tape, in_one ? "log_softmax_pick" : "pick", NULL, (rondo_value[]){log_p, at}, 2);
    const rondo_value root = tape_apply_named(tape, "mul", NULL, (rondo_value[]){y, tape_constant(tape, &weights)}, 2);
    ck_assert_int_eq(tape_backward(tape, root), RONDO_OK);
    *result = weights;
    memcpy(result->data, tape_tensor(tape, y)->data, tensor_bytes(result));
    tape_destroy(tape);
}

START_TEST(log_softmax_pick_has_the_bits_of_log_softmax_and_pick) {
    rondo_tensor found, expected, gradient, expected_gradient;
    pick_log_softmax(pick_classes[_i], 1, &found, &gradient);
    pick_log_softmax(pick_classes[_i], 0, &expected, &expected_gradient);
    ck_assert_mem_eq(found.data, expected.data, tensor_bytes(&found));
    ck_assert_mem_eq(gradient.data, expected_gradient.data, tensor_bytes(&gradient));
}
END_TEST

/* ---- large products against the sum that defines them ---- */

static const struct {
    int32_t transpose_a, transpose_b;
    int64_t stack, m, k, n; /* stack 0: two matrices */
    int shares_b;
} product_rows[] = {
    {0, 0, 0, 300, 70, 90, 1}, {1, 0, 0, 300, 70, 90, 1}, {0, 1, 0, 300, 70, 90, 1}, {1, 1, 0, 300, 70, 90, 1},
    {0, 0, 5, 130, 60, 70, 0}, {1, 1, 5, 130, 60, 70, 0}, {0, 0, 5, 130, 60, 70, 1}, {1, 0, 5, 130, 60, 70, 1},
    {0, 0, 0, 1, 500, 700, 1}, {0, 0, 0, 700, 500, 1, 1}, {0, 0, 0, 1, 1, 1, 1},
};

/* Element (i, j) of matrix number `matrix` of a tensor of matrices, which may be transposed. */
static double element(const rondo_tensor *t, int transpose, int64_t matrix, int64_t i, int64_t j) {
    const int64_t rows = t->shape[t->ndim - 2], columns = t->shape[t->ndim - 1];
    return tensor_get(t, matrix * rows * columns + (transpose ? j * columns + i : i * columns + j));
}

static rondo_tensor random_matrices(const char *name, int64_t stack, int64_t rows, int64_t columns) {
    const int64_t shape[3] = {stack, rows, columns};
    rondo_tensor tensor = stack == 0 ? tensor_2d(RONDO_F32, rows, columns, NULL) : tensor_of(RONDO_F32, 3, shape);
    ck_assert_int_eq(tensor_alloc(&tensor, arena, &errors), RONDO_OK);
    for (int64_t i = 0; i < rondo_count(&tensor); i++) {
        tensor_set(&tensor, i, rng_uniform(rng_stream(5, name), (uint64_t)i) - 0.5);
    }
    return tensor;
}

START_TEST(large_products_equal_the_sums_that_define_them) {
    const int ta = product_rows[_i].transpose_a, tb = product_rows[_i].transpose_b;
    const int64_t stack = product_rows[_i].stack, m = product_rows[_i].m, k = product_rows[_i].k,
                  n = product_rows[_i].n;
    const int64_t b_stack = product_rows[_i].shares_b ? 0 : stack;
    const rondo_tensor a = random_matrices("a", stack, ta ? k : m, ta ? m : k);
    const rondo_tensor b = random_matrices("b", b_stack, tb ? n : k, tb ? k : n);
    char options[64];
    snprintf(options, sizeof options, "transpose_a=%s transpose_b=%s", ta ? "true" : "false", tb ? "true" : "false");
    struct tape *tape = new_tape(NULL);
    const rondo_value values[2] = {tape_constant(tape, &a), tape_constant(tape, &b)};
    const rondo_tensor *c = tape_tensor(tape, tape_apply_named(tape, "matmul", options, values, 2));
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(rondo_count(c), (stack == 0 ? 1 : stack) * m * n);
    for (int64_t matrix = 0; matrix < (stack == 0 ? 1 : stack); matrix++) {
        for (int64_t i = 0; i < m; i++) {
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++) {
                    sum += element(&a, ta, matrix, i, l) * element(&b, tb, b_stack == 0 ? 0 : matrix, l, j);
                }
                ck_assert_double_eq_tol(element(c, 0, matrix, i, j), sum, 1e-5);
            }
        }
    }
    tape_destroy(tape);
}
END_TEST

/* ---- f32 functions ---- */

/* How far `found` is from `exact`, in units in the last place of the float next to `exact`. */
static double units(float found, double exact) {
    const float nearest = (float)exact;
    if (isnan(exact) || found == nearest) {
        return isnan(exact) && !isnan(found) ? INFINITY : 0;
    }
    const float size = fabsf(nearest);
    return fabs((double)found - exact) / (double)(nextafterf(size, INFINITY) - size);
}

static double exact_sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static float quarter_turn_f32(float x) {
    return vector_sine_f32(x, 1);
}

static float no_turn_f32(float x) {
    return vector_sine_f32(x, 0);
}

/* Beyond its range, the function that has one. */
static float exp_of_negative_f32(float x) {
    return x <= 40 ? vector_exp_of_negative_f32(x) : vector_exp_f32(x);
}

static const struct {
    const char *name;
    float (*vector)(float x);
    double (*exact)(double x);
    double range; /* largest |x| */
    float at_infinity, at_minus_infinity;
} vector_rows[] = {
    {"exp", vector_exp_f32, exp, INFINITY, INFINITY, 0},
    {"exp of a negative number", exp_of_negative_f32, exp, INFINITY, INFINITY, 0},
    {"expm1", vector_expm1_f32, expm1, INFINITY, INFINITY, -1},
    {"tanh", vector_tanh_f32, tanh, INFINITY, 1, -1},
    {"sigmoid", vector_sigmoid_f32, exact_sigmoid, INFINITY, 1, 0},
    {"log", vector_log_f32, log, INFINITY, INFINITY, NAN},
    {"log1p", vector_log1p_f32, log1p, INFINITY, INFINITY, NAN},
    {"sin", no_turn_f32, sin, (double)VECTOR_SINE_RANGE, 0, 0},
    {"cos", quarter_turn_f32, cos, (double)VECTOR_SINE_RANGE, 0, 0},
};

START_TEST(vector_functions_stay_within_three_units_in_the_last_place) {
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 20011) { /* every sign, every exponent */
        const float x = vector_float_of_bits((uint32_t)bits);
        if (fabs((double)x) <= vector_rows[_i].range) {
            const float y = vector_rows[_i].vector(x);
            ck_assert_msg(units(y, vector_rows[_i].exact((double)x)) < 3, "%s(%a) is %a", vector_rows[_i].name,
                          (double)x, (double)y);
        }
    }
}
END_TEST

/* Near points where results are small, and where one part of a function meets the next. */
START_TEST(vector_functions_are_exact_around_the_numbers_where_they_change) {
    static const float centres[] = {0,           1,          -1,          0.5f,       0.625f,      -0.625f,
                                    0.70710678f, 1.5f,       0.34657359f, 1.0397208f, 0.41421356f, -0.29289322f,
                                    0.78539816f, 1.5707964f, 2.3561945f,  3.1415927f, 6.2831855f,  355.0f,
                                    -18.0f,      88.72284f,  -103.97208f};
    for (int c = 0; c < ROWS(centres); c++) {
        float up = centres[c], down = centres[c];
        for (int step = 0; step < 2000; step++) {
            ck_assert_msg(units(vector_rows[_i].vector(up), vector_rows[_i].exact((double)up)) < 3, "%s(%a)",
                          vector_rows[_i].name, (double)up);
            ck_assert_msg(units(vector_rows[_i].vector(down), vector_rows[_i].exact((double)down)) < 3, "%s(%a)",
                          vector_rows[_i].name, (double)down);
            up = nextafterf(up, INFINITY);
            down = nextafterf(down, -INFINITY);
        }
    }
}
END_TEST

START_TEST(vector_functions_keep_infinities_and_what_is_no_number) {
    if (isfinite(vector_rows[_i].range)) {
        return; /* the ops call libm for these */
    }
    const float above = vector_rows[_i].vector(INFINITY), below = vector_rows[_i].vector(-INFINITY);
    ck_assert(isnan(vector_rows[_i].vector(NAN)));
    ck_assert(above == vector_rows[_i].at_infinity);
    ck_assert(isnan(vector_rows[_i].at_minus_infinity) ? isnan(below) : below == vector_rows[_i].at_minus_infinity);
}
END_TEST

/* The options of the first case of the op's checks, or its defaults. */
static void *options_of(const rondo_op *op) {
    const struct location nowhere = {NULL, 0, 0};
    rondo_sample sample = {0};
    if (op->base.options == NULL) {
        return NULL;
    }
    if (op->sample != NULL) {
        op->sample(0, &sample);
    }
    void *options = options_create(op->base.options, op->base.options_size, arena, &errors);
    ck_assert_int_eq(options_parse(op->base.options, options, sample.options, op->base.name, arena, nowhere, &errors),
                     RONDO_OK);
    return options;
}

/* The engine calls map on runs of any length: an element must not depend on its neighbours. */
START_TEST(elementwise_ops_give_an_element_the_same_bits_in_any_run) {
    const rondo_op *op = builtin_op(_i);
    if (op->map == NULL) {
        return;
    }
    enum { N = 301 };
    const void *options = options_of(op);
    const int default_domain = op->domain_low == 0 && op->domain_high == 0;
    const double low = default_domain ? -2 : op->domain_low, high = default_domain ? 2 : op->domain_high;
    float inputs[3][N], whole[N], piece[N];
    const void *in[3] = {inputs[0], inputs[1], inputs[2]};
    for (int i = 0; i < 3 * N; i++) {
        inputs[i / N][i % N] = (float)(low + (high - low) * rng_uniform(rng_stream(1, "x"), (uint64_t)i));
    }
    inputs[0][7] = default_domain ? 3e9f : inputs[0][7]; /* outside every range */
    op->map(options, RONDO_F32, N, in, whole);
    for (int64_t begin = 0; begin < N; begin += 43) {
        const int64_t count = N - begin < 43 ? N - begin : 43;
        const void *from[3] = {inputs[0] + begin, inputs[1] + begin, inputs[2] + begin};
        op->map(options, RONDO_F32, count, from, piece);
        ck_assert_mem_eq(piece, whole + begin, sizeof *piece * (size_t)count);
    }
}
END_TEST

static Suite *ops_suite(void) {
    Suite *suite = suite_create("ops");
    TCase *checks = tcase_create("checks");
    tcase_set_timeout(checks, 120);
    tcase_add_checked_fixture(checks, setup, teardown);
    tcase_add_loop_test(checks, every_op_passes_every_check, 0, builtin_count());
    tcase_add_loop_test(checks, checks_refuse_every_fault_and_nothing_else, 0, ROWS(checked_ops));
    suite_add_tcase(suite, checks);

    TCase *gradients = tcase_create("gradients");
    tcase_set_timeout(gradients, 120);
    tcase_add_checked_fixture(gradients, setup, teardown);
    tcase_add_loop_test(gradients, gradients_at_kinks_and_ties_follow_the_convention, 0, 2 * ROWS(gradient_rows));
    suite_add_tcase(suite, gradients);

    TCase *values = tcase_create("values");
    tcase_set_timeout(values, 120);
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_loop_test(values, ops_give_the_values_of_their_equations, 0, 2 * ROWS(value_rows));
    tcase_add_loop_test(values, wrong_shapes_indices_and_options_are_refused_with_the_reason, 0, ROWS(bad_rows));
    tcase_add_test(values, floats_of_two_types_do_not_mix);
    tcase_add_test(values, shapes_read_alike_in_messages_of_ops_and_of_core);
    tcase_add_loop_test(values, what_stays_in_place_is_a_view, 0, ROWS(view_rows));
    tcase_add_test(values, dropout_keeps_the_share_that_it_says_and_scales_it);
    tcase_add_test(values, dropout_draws_anew_at_each_use_and_alike_in_a_repeated_run);
    tcase_add_loop_test(values, large_products_equal_the_sums_that_define_them, 0, ROWS(product_rows));
    tcase_add_loop_test(values, vector_functions_stay_within_three_units_in_the_last_place, 0, ROWS(vector_rows));
    tcase_add_loop_test(values, vector_functions_are_exact_around_the_numbers_where_they_change, 0, ROWS(vector_rows));
    tcase_add_loop_test(values, vector_functions_keep_infinities_and_what_is_no_number, 0, ROWS(vector_rows));
    tcase_add_loop_test(values, elementwise_ops_give_an_element_the_same_bits_in_any_run, 0, builtin_count());
    suite_add_tcase(suite, values);

    TCase *threads = tcase_create("threads");
    tcase_set_timeout(threads, 120);
    tcase_add_checked_fixture(threads, setup, teardown);
    tcase_add_loop_test(threads, results_and_gradients_are_the_same_bits_for_any_number_of_threads, 0,
                        ROWS(thread_rows));
    tcase_add_loop_test(threads, log_softmax_pick_has_the_bits_of_log_softmax_and_pick, 0, ROWS(pick_classes));
    suite_add_tcase(suite, threads);
    return suite;
}

int main(void) {
    return run_suite(ops_suite());
}
