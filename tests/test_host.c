/* tests/test_host.c: plug-ins that break the rules of a call: the error names the plug-in, and does not report a bug in
 * Rondo.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
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

/* ---- results of ops and losses ---- */

/* The output that infer sets, and the expected error. */
static const struct inferred {
    int32_t ndim, dtype, is_view;
    int64_t size, view_offset;
    const char *expected;
} inferred_rows[] = {
    {9, RONDO_F64, 0, 3, 0, "infer sets ndim 9 of the output, expected 0 to 6"},
    {-1, RONDO_F64, 0, 3, 0, "infer sets ndim -1 of the output, expected 0 to 6"},
    {1, 7, 0, 3, 0, "infer sets dtype 7 of the output, expected 0 to 2"},
    {1, RONDO_F64, 0, -3, 0, "infer sets dimension 0 of the output to -3, expected 0 or more"},
    {1, RONDO_F32, 1, 3, 0, "infer sets dtype 0 of a view of an input of dtype 1"},
    {1, RONDO_F64, 1, 2, 2, "infer sets a view of 2 elements of inputs[0] from element 2, but it has only 3"},
    {1, RONDO_F64, 1, 4, 0, "infer sets a view of 4 elements of inputs[0] from element 0, but it has only 3"},
    {1, RONDO_F64, 1, 1, -1, "infer sets a view of 1 elements of inputs[0] from element -1, but it has only 3"},
};
static const struct inferred *inferred;

static rondo_status wrong_infer(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->output = (rondo_tensor){.dtype = inferred->dtype, .ndim = inferred->ndim, .shape = {inferred->size}};
    call->is_view = inferred->is_view;
    call->view_offset = inferred->view_offset;
    return RONDO_OK;
}

static rondo_status never_forward(rondo_context *ctx, rondo_op_call *call) {
    (void)call;
    return ctx->host->fail(ctx, RONDO_IO, "forward is called");
}

static const rondo_op infers_wrong = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "careless", .summary = "-"},
    .flags = RONDO_OP_NO_GRADIENT,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "a",
    .infer = wrong_infer,
    .forward = never_forward};

START_TEST(an_impossible_output_is_the_fault_of_the_plug_in) {
    inferred = &inferred_rows[_i];
    support_ok(&support, registry_add(support.registry, &infers_wrong.base, "careless.so", &support.errors), "add");
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    const rondo_value value = tape_constant(tape, &a);
    ck_assert_int_lt(tape_apply_named(tape, "careless", NULL, &value, 1).id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INTERNAL);
    ck_assert_int_eq(support.errors.count, 1);
    char expected[160];
    snprintf(expected, sizeof expected, "op 'careless' of 'careless.so': %s", inferred->expected);
    ck_assert_str_eq(support_error(&support), expected);
}
END_TEST

static struct host_call loss_call(void) {
    struct host_call call = host_call(support.arena, &support.errors, NULL, "loss 'mine'");
    call.recorder = tape_recorder(tape);
    return call;
}

START_TEST(a_made_up_value_is_the_fault_of_the_loss) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    const rondo_value inputs[2] = {tape_constant(tape, &a), {_i == 0 ? 77 : _i == 1 ? 1 : -1}};
    struct host_call call = loss_call();
    ck_assert_int_lt(call.base.host->apply(&call.base, "add", NULL, inputs, 2).id, 0);
    ck_assert_int_eq(host_result(&call, RONDO_OK), RONDO_INTERNAL);
    ck_assert_int_eq(tape_status(tape), RONDO_INTERNAL);
    ck_assert_int_eq(support.errors.count, 1);
    char expected[160];
    snprintf(expected, sizeof expected, "loss 'mine': input 1 of op 'add' is value %d, expected one that this call got",
             (int)inputs[1].id);
    ck_assert_msg(strncmp(support_error(&support), expected, strlen(expected)) == 0, "%s", support_error(&support));
}
END_TEST

START_TEST(a_failed_value_is_told_once) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    struct host_call call = loss_call();
    const rondo_value value = rondo_apply1(&call.base, "no_such_op", NULL, tape_constant(tape, &a));
    ck_assert_int_lt(rondo_apply2(&call.base, "add", NULL, value, value).id, 0);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_ptr_nonnull(strstr(support_error(&support), "there is no op 'no_such_op'"));
}
END_TEST

/* ---- the host's functions from within a body of parallel_for ---- */

static void body_of_nothing(void *arg, int64_t begin, int64_t end) {
    (void)arg, (void)begin, (void)end;
}

static void body_that_allocates(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    rondo_context *ctx = arg;
    ck_assert_ptr_null(ctx->host->alloc(ctx, 100));
}

static void body_that_fails(void *arg, int64_t begin, int64_t end) {
    rondo_context *ctx = arg;
    ck_assert_int_eq(ctx->host->fail(ctx, RONDO_IO, "range %lld to %lld", (long long)begin, (long long)end), RONDO_IO);
}

static void body_that_logs(void *arg, int64_t begin, int64_t end) {
    rondo_context *ctx = arg;
    ctx->host->log(ctx, "range %lld to %lld", (long long)begin, (long long)end);
}

static void body_that_divides(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    rondo_context *ctx = arg;
    ctx->host->parallel_for(ctx, 10, 1, body_of_nothing, NULL);
}

static void body_that_applies(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    ck_assert_int_lt(rondo_apply1(arg, "tanh", NULL, (rondo_value){0}).id, 0);
}

static void body_that_adds_a_constant(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    ck_assert_int_lt(rondo_number(arg, RONDO_F64, 1).id, 0);
}

static void body_that_reads_a_value(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    rondo_context *ctx = arg;
    ck_assert_ptr_nonnull(ctx->host->tensor(ctx, (rondo_value){0}));
}

static void body_that_multiplies(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    rondo_context *ctx = arg;
    double a = 2, b = 3, c = 0;
    const rondo_product product = {.struct_size = sizeof product,
                                   .dtype = RONDO_F64,
                                   .m = 1,
                                   .n = 1,
                                   .k = 1,
                                   .stack = 1,
                                   .alpha = 1,
                                   .a = {.data = &a, .leading = 1},
                                   .b = {.data = &b, .leading = 1},
                                   .c = &c};
    ck_assert_int_eq(ctx->host->product(ctx, &product), RONDO_INTERNAL);
}

static void body_that_asks_for_more(void *arg, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    rondo_context *ctx = arg;
    ck_assert_ptr_null(ctx->host->get_extension(ctx, "example/1"));
}

static void body_that_draws(void *arg, int64_t begin, int64_t end) {
    (void)end;
    rondo_context *ctx = arg;
    uint32_t word = 0;
    ctx->host->random(ctx, (uint64_t)begin, 1, &word);
}

static const struct {
    void (*body)(void *arg, int64_t begin, int64_t end);
    const char *function; /* NULL: the call is allowed */
} body_rows[] = {
    {body_that_allocates, "alloc"},
    {body_that_fails, "fail"},
    {body_that_logs, "log"},
    {body_that_divides, "parallel_for"},
    {body_that_applies, "apply"},
    {body_that_adds_a_constant, "constant"},
    {body_that_reads_a_value, "tensor"},
    {body_that_multiplies, "product"},
    {body_that_draws, NULL},
    {body_that_asks_for_more, "get_extension"},
};

static void never_log(void *arg, int32_t level, const char *origin, const char *text) {
    (void)arg, (void)level, (void)origin;
    ck_abort_msg("a body logged '%s'", text);
}

static void assert_body(struct host_call *call, int row) {
    const rondo_tensor a = support_random(&support, RONDO_F64, "3", "a");
    tape_constant(tape, &a);
    call->recorder = tape_recorder(tape);
    static const struct log_receiver receiver = {never_log, NULL};
    call->log = &receiver;
    call->base.host->parallel_for(&call->base, 64, 1, body_rows[row].body, &call->base);
    const char *function = body_rows[row].function;
    if (function == NULL) {
        ck_assert_int_eq(host_result(call, RONDO_OK), RONDO_OK);
        ck_assert_int_eq(support.errors.count, 0);
        return;
    }
    char expected[128];
    snprintf(expected, sizeof expected, "loss 'mine': calls host->%s from a body of parallel_for", function);
    ck_assert_int_eq(host_result(call, RONDO_OK), RONDO_INTERNAL);
    ck_assert_int_eq(tape_status(tape), RONDO_INTERNAL);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_str_eq(support_error(&support), expected);
    ck_assert_ptr_nonnull(call->base.host->alloc(&call->base, 100)); /* after it, calls are allowed again */
}

START_TEST(a_body_that_uses_its_context_makes_the_call_fail) {
    const struct parallel parallel = {_i % 2 == 0 ? 1 : 4};
    struct host_call call = loss_call();
    call.parallel = &parallel;
    assert_body(&call, _i / 2);
}
END_TEST

/* The host itself may run inside a parallel_for. Only the parallel_for of the call forbids other functions. */
static void call_within_a_body(void *arg, int64_t begin, int64_t end) {
    struct arena *const *arenas = arg;
    for (int64_t i = begin; i < end; i++) {
        struct errors errors = {0};
        const struct parallel parallel = {4};
        struct host_call call = host_call(arenas[i], &errors, &parallel, NULL);
        call.base.host->parallel_for(&call.base, 8, 1, body_of_nothing, NULL);
        ck_assert_ptr_nonnull(call.base.host->alloc(&call.base, 100));
        ck_assert_int_eq(host_result(&call, RONDO_OK), RONDO_OK);
    }
}

START_TEST(a_call_within_a_body_may_use_its_context) {
    struct arena *arenas[8];
    for (int i = 0; i < 8; i++) {
        arenas[i] = arena_create();
        ck_assert_ptr_nonnull(arenas[i]);
    }
    const struct parallel parallel = {_i == 0 ? 1 : 4};
    parallel_for(&parallel, 8, 1, call_within_a_body, arenas);
    for (int i = 0; i < 8; i++) {
        arena_destroy(arenas[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host");
    TCase *cases = tcase_create("host");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, an_impossible_output_is_the_fault_of_the_plug_in, 0, ROWS(inferred_rows));
    tcase_add_loop_test(cases, a_made_up_value_is_the_fault_of_the_loss, 0, 3);
    tcase_add_test(cases, a_failed_value_is_told_once);
    tcase_add_loop_test(cases, a_body_that_uses_its_context_makes_the_call_fail, 0, 2 * ROWS(body_rows));
    tcase_add_loop_test(cases, a_call_within_a_body_may_use_its_context, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
