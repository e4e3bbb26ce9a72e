/* reshape: the same elements in the same order, in another shape. The result is always a view: it shares the memory of
 * x, and its gradient that of x's gradient, so nothing is computed. */
#include <inttypes.h>

#include "ops/axis.h"
#include "ops/sample.h"

struct reshape_options {
    rondo_ints shape;
};

static const rondo_option reshape_option_table[] = {
    RONDO_OPTION_INTS(struct reshape_options, shape, NULL, -1, (double)INT64_MAX,
                      "sizes of the result; one of them may be -1, and is then computed from the others"),
    RONDO_OPTION_END,
};

static rondo_status refuse(rondo_context *ctx, const rondo_op_call *call, const char *why) {
    const struct reshape_options *options = call->options;
    rondo_tensor wanted = {.ndim = options->shape.count};
    for (int32_t d = 0; d < wanted.ndim; d++) {
        wanted.shape[d] = options->shape.values[d];
    }
    return ctx->host->fail(ctx, RONDO_INVALID, "cannot reshape %s to %s: %s", ops_shape_text(&call->inputs[0]).text,
                           ops_shape_text(&wanted).text, why);
}

static rondo_status reshape_infer(rondo_context *ctx, rondo_op_call *call) {
    const struct reshape_options *options = call->options;
    const int64_t count = rondo_count(&call->inputs[0]);
    int32_t open = -1;
    int64_t known = 1;
    call->output = (rondo_tensor){.dtype = call->inputs[0].dtype, .ndim = options->shape.count};
    for (int32_t d = 0; d < options->shape.count; d++) {
        const int64_t size = options->shape.values[d];
        call->output.shape[d] = size;
        if (size >= 0) {
            /* more than `count` elements cannot fit, unless a 0 follows */
            known = size != 0 && known > count / size ? count + 1 : known * size;
        } else if (open >= 0) {
            return refuse(ctx, call, "only one size can be -1");
        } else {
            open = d;
        }
    }
    if (open >= 0) {
        if (known == 0 || count % known != 0) {
            return refuse(ctx, call, "no size in place of -1 gives the same number of elements");
        }
        call->output.shape[open] = count / known;
    } else if (known != count) {
        return refuse(ctx, call, "the numbers of elements differ");
    }
    call->is_view = 1;
    return RONDO_OK;
}

/* Not called: the output is a view. */
static rondo_status reshape_nothing(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    (void)call;
    return RONDO_OK;
}

static int32_t reshape_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, "shape=[4, 3]", {{2, {3, 4}}}},     {1, 0, "shape=[-1]", {{3, {2, 3, 4}}}},
        {1, 0, "shape=[2, -1, 2]", {{2, {3, 4}}}}, {1, 0, "shape=[]", {{2, {1, 1}}}},
        {1, 0, "shape=[1, 1]", {{0, {0}}}},        {1, 0, "shape=[5, 0]", {{2, {0, 4}}}},
        {1, 0, "shape=[-1, 4]", {{2, {0, 4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_reshape = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "reshape",
             .summary = "y = the elements of x, in order, in another shape",
             .options = reshape_option_table,
             .options_size = sizeof(struct reshape_options)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = reshape_infer,
    .forward = reshape_nothing,
    .backward = reshape_nothing,
    .sample = reshape_sample,
};
