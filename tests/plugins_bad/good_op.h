/* tests/plugins_bad/good_op.h: ops with nothing wrong, y = x^2, so that each bad plug-in is bad in only one way: one
 * by infer, forward and backward, which saves 2 x, and an elementwise one. */
#ifndef RONDO_TESTS_GOOD_OP_H
#define RONDO_TESTS_GOOD_OP_H

#include "rondo/plugin.h"

static inline double get(const void *data, int32_t dtype, int64_t i) {
    return dtype == RONDO_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static inline void put(void *data, int32_t dtype, int64_t i, double value) {
    if (dtype == RONDO_F32) {
        ((float *)data)[i] = (float)value;
    } else {
        ((double *)data)[i] = value;
    }
}

static inline int64_t good_size(const rondo_op_call *call) {
    return call->inputs[0].dtype == RONDO_F32 ? 4 : 8;
}

static inline rondo_status good_infer(rondo_context *ctx, rondo_op_call *call) {
    if (call->inputs[0].dtype == RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INVALID, "x is of integers, expected floats");
    }
    call->output = call->inputs[0];
    call->output.data = NULL;
    call->saved_bytes = (size_t)(rondo_count(&call->inputs[0]) * good_size(call));
    return RONDO_OK;
}

/* y = x^2 */
static inline rondo_status good_forward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const int32_t dtype = call->inputs[0].dtype;
    for (int64_t i = 0; i < rondo_count(&call->inputs[0]); i++) {
        const double x = get(call->inputs[0].data, dtype, i);
        put(call->output.data, dtype, i, x * x);
        put(call->saved, dtype, i, 2 * x);
    }
    return RONDO_OK;
}

/* dL/dx = 2 x dL/dy */
static inline rondo_status good_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const int32_t dtype = call->inputs[0].dtype;
    void *gx = call->grad_inputs[0].data;
    for (int64_t i = 0; i < rondo_count(&call->inputs[0]); i++) {
        put(gx, dtype, i, get(gx, dtype, i) + get(call->grad_output->data, dtype, i) * get(call->saved, dtype, i));
    }
    return RONDO_OK;
}

static inline int32_t good_sample(int32_t index, rondo_sample *sample) {
    static const rondo_tensor shapes[] = {{.dtype = RONDO_F64, .ndim = 2, .shape = {3, 4}},
                                          {.dtype = RONDO_F64, .ndim = 1, .shape = {5}},
                                          {.dtype = RONDO_F64, .ndim = 3, .shape = {2, 1, 3}}};
    if (index >= 3) {
        return 0;
    }
    sample->n_inputs = 1;
    sample->inputs[0] = shapes[index];
    sample->low[0] = -2;
    sample->high[0] = 2;
    return 1;
}

/* The initialiser of an op called `op_name`. */
#define GOOD_OP(op_name, flags_, infer_, forward_, backward_, sample_)                                                 \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = op_name, .summary = "y = x^2"},       \
        .flags = flags_, .min_inputs = 1, .max_inputs = 1, .operands = "x", .infer = infer_, .forward = forward_,      \
        .backward = backward_, .sample = sample_                                                                       \
    }

/* y = x^2 and its gradient on a run of elements. */
static inline void good_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        const double x = get(in[0], dtype, i);
        put(out, dtype, i, x * x);
    }
}

static inline void good_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in,
                                 const void *out, const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    for (int64_t i = 0; i < count && grad_in[0] != NULL; i++) {
        put(grad_in[0], dtype, i, 2 * get(in[0], dtype, i) * get(grad_out, dtype, i));
    }
}

/* The initialiser of an elementwise op of `inputs` inputs. */
#define GOOD_MAP(op_name, inputs, role_, reads, map_, map_grad_)                                                       \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = op_name, .summary = "an equation"},   \
        .min_inputs = inputs, .max_inputs = inputs, .role = role_, .operands = "x, y", .map = map_,                    \
        .map_grad = map_grad_, .map_grad_reads = {                                                                     \
            reads                                                                                                      \
        }                                                                                                              \
    }

#endif
