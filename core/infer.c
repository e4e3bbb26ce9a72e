#include "core/infer.h"

#include "core/elementwise.h"
#include "core/tensor.h"

rondo_status infer_check_count(const rondo_op *op, int32_t count, struct location where, struct errors *errors) {
    if (count < op->min_inputs || (op->max_inputs >= 0 && count > op->max_inputs)) {
        /* softmax(x, -1) is written in the belief that options have positions */
        const char *option = count > op->min_inputs && op->base.options != NULL ? op->base.options[0].key : NULL;
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' takes (%s), got %d input%s%s%s%s", op->base.name,
                             op->operands, (int)count, count == 1 ? "" : "s",
                             option == NULL ? "" : "; an option is written with its name, such as ",
                             option == NULL ? "" : option, option == NULL ? "" : "=…");
    }
    if (count > OP_MAX_INPUTS) {
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' takes at most %d inputs, got %d", op->base.name,
                             OP_MAX_INPUTS, (int)count);
    }
    return RONDO_OK;
}

/* A view is a contiguous part of inputs[0]. */
static rondo_status check_view(const rondo_op_call *call, struct host_call *host) {
    if (call->n_inputs == 0) {
        return host_blame(host, "infer sets is_view, but there is no input");
    }
    const rondo_tensor *input = &call->inputs[0];
    if (call->output.dtype != input->dtype) {
        return host_blame(host, "infer sets dtype %d of a view of an input of dtype %d", (int)call->output.dtype,
                          (int)input->dtype);
    }
    const int64_t count = rondo_count(&call->output);
    if (call->view_offset < 0 || call->view_offset > rondo_count(input) - count) {
        return host_blame(host,
                          "infer sets a view of %lld elements of inputs[0] from element %lld, but it has only %lld",
                          (long long)count, (long long)call->view_offset, (long long)rondo_count(input));
    }
    return RONDO_OK;
}

/* The op may come from a plug-in, so nothing is assumed about what it set. */
static rondo_status check_output(const rondo_op *op, const rondo_op_call *call, struct host_call *host) {
    const rondo_tensor *output = &call->output;
    if (output->ndim < 0 || output->ndim > RONDO_MAX_DIMS) {
        return host_blame(host, "infer sets ndim %d of the output, expected 0 to %d", (int)output->ndim,
                          RONDO_MAX_DIMS);
    }
    if (dtype_size(output->dtype) == 0) {
        return host_blame(host, "infer sets dtype %d of the output, expected 0 to %d", (int)output->dtype,
                          RONDO_DTYPE_COUNT - 1);
    }
    for (int32_t d = 0; d < output->ndim; d++) {
        if (output->shape[d] < 0) {
            return host_blame(host, "infer sets dimension %d of the output to %lld, expected 0 or more", (int)d,
                              (long long)output->shape[d]);
        }
    }
    if (tensor_checked_bytes(output) == SIZE_MAX) {
        return errors_add(host->errors, RONDO_INVALID,
                          "the result of '%s' would have shape %s, which no memory can hold", op->base.name,
                          tensor_shape_text(output).text);
    }
    if ((op->flags & RONDO_OP_SEQUENCES) != 0 &&
        (call->inputs[0].ndim < 1 || output->ndim < 1 || output->shape[0] != call->inputs[0].shape[0])) {
        return host_blame(host,
                          "RONDO_OP_SEQUENCES is set, and infer sets shape %s of the output for inputs[0] of shape %s, "
                          "expected as many elements",
                          tensor_shape_text(output).text, tensor_shape_text(&call->inputs[0]).text);
    }
    return call->is_view ? check_view(call, host) : RONDO_OK;
}

rondo_status infer_output(const rondo_op *op, rondo_op_call *call, struct host_call *host) {
    if (op->map != NULL) {
        RONDO_TRY(elementwise_infer(op, call, host->errors));
    } else {
        RONDO_TRY(host_result(host, op->infer(&host->base, call)));
    }
    return check_output(op, call, host);
}
