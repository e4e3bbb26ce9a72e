/* A plug-in of every kind that logs the name of each function that is called. For tests/test_log.c. */
#include "rondo/plugin.h"

/* ---- op: the identity ---- */

static rondo_status op_infer(rondo_context *ctx, rondo_op_call *call) {
    ctx->host->log(ctx, "op %s", "infer");
    call->output = call->inputs[0];
    return RONDO_OK;
}

static rondo_status op_forward(rondo_context *ctx, rondo_op_call *call) {
    ctx->host->log(ctx, "op forward");
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        rondo_set(&call->output, i, rondo_get(&call->inputs[0], i));
    }
    return RONDO_OK;
}

static rondo_status op_backward(rondo_context *ctx, rondo_op_call *call) {
    ctx->host->log(ctx, "op backward");
    const rondo_tensor *to = &call->grad_inputs[0];
    for (int64_t i = 0; to->data != NULL && i < rondo_count(to); i++) {
        rondo_set(to, i, rondo_get(to, i) + rondo_get(call->grad_output, i));
    }
    return RONDO_OK;
}

static int32_t op_sample(int32_t index, rondo_sample *sample) {
    sample->n_inputs = 1;
    sample->inputs[0] = (rondo_tensor){.dtype = RONDO_F64, .ndim = 2, .shape = {3, 1 + index}};
    sample->low[0] = -2;
    sample->high[0] = 2;
    return index < 3;
}

static const rondo_op op = {.base = {sizeof(rondo_op), RONDO_KIND_OP, "logs_op", "y = x", NULL, 0},
                            .min_inputs = 1,
                            .max_inputs = 1,
                            .operands = "x",
                            .infer = op_infer,
                            .forward = op_forward,
                            .backward = op_backward,
                            .sample = op_sample};

/* ---- optimizer: plain gradient descent ---- */

static rondo_status optimizer_check(rondo_context *ctx, const void *options) {
    (void)options;
    ctx->host->log(ctx, "optimizer check");
    return RONDO_OK;
}

static rondo_status optimizer_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                          const rondo_tensor *parameter, rondo_tensor *shape) {
    (void)options, (void)slot, (void)parameter, (void)shape;
    ctx->host->log(ctx, "optimizer choose_slot");
    return RONDO_OK;
}

static rondo_status optimizer_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    ctx->host->log(ctx, "optimizer step");
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        rondo_set(&call->value, i, rondo_get(&call->value, i) - 0.01 * rondo_get(&call->gradient, i));
    }
    return RONDO_OK;
}

static const rondo_slot slots[] = {{"chosen", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE}, {NULL, 0, 0}};
static const rondo_optimizer optimizer = {
    .base = {sizeof(rondo_optimizer), RONDO_KIND_OPTIMIZER, "logs_optimizer", "w = w - 0.01 g", NULL, 0},
    .slots = slots,
    .check = optimizer_check,
    .step = optimizer_step,
    .choose_slot = optimizer_choose_slot};

/* ---- loss: the sum of squares of the outputs ---- */

static rondo_status loss_output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    ctx->host->log(ctx, "loss output_size");
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_value loss_record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                               rondo_value targets) {
    (void)call, (void)targets;
    ctx->host->log(ctx, "loss record");
    return rondo_apply1(ctx, "sum", "axis=1", rondo_apply2(ctx, "mul", NULL, outputs, outputs));
}

static rondo_status loss_predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                 const rondo_tensor *predictions) {
    (void)call;
    ctx->host->log(ctx, "loss predict");
    for (int64_t i = 0; i < rondo_count(outputs); i++) {
        rondo_set(predictions, i, rondo_get(outputs, i));
    }
    return RONDO_OK;
}

static rondo_status loss_measure(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                                 const rondo_tensor *targets, double *sums) {
    (void)call, (void)predictions, (void)targets;
    ctx->host->log(ctx, "loss measure");
    sums[0] += 1;
    return RONDO_OK;
}

static const rondo_metric metrics[] = {{"batches", RONDO_METRIC_MEAN, 0}, {NULL, 0, 0}};
static const rondo_loss loss = {.base = {sizeof(rondo_loss), RONDO_KIND_LOSS, "logs_loss", "sum of y^2", NULL, 0},
                                .metrics = metrics,
                                .output_size = loss_output_size,
                                .record = loss_record,
                                .predict = loss_predict,
                                .measure = loss_measure};

/* ---- schedule: a constant ---- */

static rondo_status schedule_check(rondo_context *ctx, const void *options) {
    (void)options;
    ctx->host->log(ctx, "schedule check");
    return RONDO_OK;
}

static rondo_status schedule_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)call;
    ctx->host->log(ctx, "schedule factor");
    *factor = 1;
    return RONDO_OK;
}

static rondo_status schedule_observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)call;
    ctx->host->log(ctx, "schedule observe");
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {sizeof(rondo_schedule), RONDO_KIND_SCHEDULE, "logs_schedule", "1", NULL, 0},
    .check = schedule_check,
    .factor = schedule_factor,
    .observe = schedule_observe};

RONDO_PLUGIN("logs", "1.0", "MIT", &op.base, &optimizer.base, &loss.base, &schedule.base);
