/* tests/stub_plugins.h: functions of plug-ins that do nothing, for tests of what the host makes of descriptors.
 *
 * Only declarations of rondo/plugin.h are used: test_grown.c includes this with another one.
 */
#ifndef RONDO_TESTS_STUB_PLUGINS_H
#define RONDO_TESTS_STUB_PLUGINS_H

#include "rondo/plugin.h"

static inline void stub_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options, (void)dtype, (void)count, (void)in, (void)out;
}

static inline void stub_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in,
                                 const void *out, const void *grad_out, void *const *grad_in) {
    (void)options, (void)dtype, (void)count, (void)in, (void)out, (void)grad_out, (void)grad_in;
}

/* infer, forward or backward */
static inline rondo_status stub_op_call(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx, (void)call;
    return RONDO_OK;
}

static inline rondo_status stub_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    (void)ctx, (void)call;
    return RONDO_OK;
}

static inline rondo_status stub_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                            const rondo_tensor *parameter, rondo_tensor *shape) {
    (void)ctx, (void)options, (void)slot, (void)parameter, (void)shape;
    return RONDO_OK;
}

static inline rondo_status stub_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    (void)ctx, (void)call, (void)size;
    return RONDO_OK;
}

static inline rondo_value stub_record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                                      rondo_value targets) {
    (void)ctx, (void)call, (void)targets;
    return outputs;
}

static inline rondo_status stub_predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                        const rondo_tensor *predictions) {
    (void)ctx, (void)call, (void)outputs, (void)predictions;
    return RONDO_OK;
}

static inline rondo_status stub_measure(rondo_context *ctx, const rondo_loss_call *call,
                                        const rondo_tensor *predictions, const rondo_tensor *targets, double *sums) {
    (void)ctx, (void)call, (void)predictions, (void)targets, (void)sums;
    return RONDO_OK;
}

static inline rondo_status stub_factor(rondo_context *ctx, const rondo_schedule_call *call, double *result) {
    (void)ctx, (void)call, (void)result;
    return RONDO_OK;
}

static inline rondo_status stub_measure_rows(rondo_context *ctx, const rondo_metric_call *call) {
    (void)ctx, (void)call;
    return RONDO_OK;
}

static inline rondo_status stub_finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx, (void)call, (void)value;
    return RONDO_OK;
}

#endif
