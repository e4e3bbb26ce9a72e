#include "core/infer.h"

#include "core/elementwise.h"
#include "core/tensor.h"

/* A plug-in may have set anything. */
static rondo_status check_output(const rondo_op *op, const rondo_op_call *call, struct errors *errors) {
    const rondo_tensor *output = &call->output;
    RONDO_CHECK(output->ndim >= 0 && output->ndim <= RONDO_MAX_DIMS, errors, "0 <= ndim <= RONDO_MAX_DIMS");
    RONDO_CHECK(dtype_size(output->dtype) != 0, errors, "infer sets a known dtype");
    for (int32_t d = 0; d < output->ndim; d++) {
        RONDO_CHECK(output->shape[d] >= 0, errors, "infer sets no dimension below 0");
    }
    if (tensor_checked_bytes(output) == SIZE_MAX) {
        return errors_add(errors, RONDO_INVALID, "the result of '%s' would have shape %s, which no memory can hold",
                          op->base.name, tensor_shape_text(output).text);
    }
    if (call->is_view) {
        RONDO_CHECK(call->n_inputs > 0 && output->dtype == call->inputs[0].dtype, errors,
                    "a view has the dtype of inputs[0]");
        RONDO_CHECK(call->view_offset >= 0 && call->view_offset <= rondo_count(&call->inputs[0]) - rondo_count(output),
                    errors, "a view lies within inputs[0]");
    }
    return RONDO_OK;
}

rondo_status infer_output(const rondo_op *op, rondo_op_call *call, struct host_call *host) {
    if (op->map != NULL) {
        RONDO_TRY(elementwise_infer(op, call, host->errors));
    } else {
        RONDO_TRY(host_result(host, op->infer(&host->base, call)));
    }
    return check_output(op, call, host->errors);
}
