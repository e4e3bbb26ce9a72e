/* tests/abi/1.2/abi_choose.c: a loss as of ABI 1.2 that chooses the outputs that it computes in training.
 *
 *     abi_choose    one class out of several: -log softmax(x)[class]; it chooses all outputs, the last one first
 */
#include <math.h>

#include "rondo/plugin.h"

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_CLASS || call->target_size < 2) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are not classes, expected two or more classes");
    }
    *size = call->target_size;
    return RONDO_OK;
}

/* A list of numbers that count down from `first`. */
static int32_t *count_down(rondo_context *ctx, int64_t first, int64_t count) {
    int32_t *list = ctx->host->alloc(ctx, (size_t)count * sizeof *list);
    for (int64_t i = 0; list != NULL && i < count; i++) {
        list[i] = (int32_t)(first - i);
    }
    return list;
}

static rondo_status choose_outputs(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *targets,
                                   const int32_t **chosen, int64_t *count) {
    const rondo_status status = rondo_check_classes(ctx, targets, call->target_size);
    if (status != RONDO_OK) {
        return status;
    }
    *chosen = count_down(ctx, call->target_size - 1, call->target_size);
    *count = call->target_size;
    return *chosen == NULL ? ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory") : RONDO_OK;
}

/* x = h W^T + b, with the columns in the order of the list; the class of a row is at the place classes - 1 - class. */
static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *classes = ctx->host->tensor(ctx, targets);
    if (classes == NULL || rondo_check_classes(ctx, classes, call->target_size) != RONDO_OK) {
        return (rondo_value){-1};
    }
    if (!call->training) {
        const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", outputs);
        return rondo_apply1(ctx, "neg", NULL, rondo_apply2(ctx, "pick", NULL, log_p, targets));
    }
    rondo_tensor places = *classes;
    places.data = ctx->host->alloc(ctx, (size_t)places.shape[0] * sizeof(int32_t) + 1);
    if (places.data == NULL) {
        ctx->host->fail(ctx, RONDO_NO_MEMORY, "out of memory");
        return (rondo_value){-1};
    }
    for (int64_t row = 0; row < places.shape[0]; row++) {
        const int32_t place = (int32_t)(call->n_chosen - 1 - ((const int32_t *)classes->data)[row]);
        if (call->chosen[place] != ((const int32_t *)classes->data)[row]) {
            ctx->host->fail(ctx, RONDO_INTERNAL, "the list is not that of choose_outputs");
            return (rondo_value){-1};
        }
        rondo_set(&places, row, place);
    }
    const rondo_value weight = rondo_apply1(ctx, "transpose", NULL, call->output_weight); /* (width, chosen) */
    const rondo_value x =
        rondo_apply2(ctx, "add", NULL, rondo_apply2(ctx, "matmul", NULL, outputs, weight), call->output_bias);
    const rondo_value log_p = rondo_apply1(ctx, "log_softmax", "axis=-1", x);
    const rondo_value picked = rondo_apply2(ctx, "pick", NULL, log_p, ctx->host->constant(ctx, &places));
    return rondo_apply1(ctx, "neg", NULL, picked);
}

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    (void)ctx;
    const int64_t classes = call->target_size;
    for (int64_t begin = 0; begin < rondo_count(outputs); begin += classes) {
        const double largest = rondo_get(outputs, begin + rondo_argmax(outputs, begin, classes));
        double sum = 0;
        for (int64_t k = 0; k < classes; k++) {
            sum += exp(rondo_get(outputs, begin + k) - largest);
        }
        for (int64_t k = 0; k < classes; k++) {
            rondo_set(predictions, begin + k, exp(rondo_get(outputs, begin + k) - largest) / sum);
        }
    }
    return RONDO_OK;
}

static const rondo_loss abi_choose = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "abi_choose",
             .summary = "-log softmax(x)[class], from outputs in reverse order"},
    .flags = RONDO_LOSS_BEFORE_OUTPUT,
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .choose_outputs = choose_outputs,
};

RONDO_PLUGIN("abi_choose", "1.0", "MIT", &abi_choose.base);
