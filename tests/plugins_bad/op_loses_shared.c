/* An op that looks along sequences, and collects dL/dm in scratch memory in which a sequence overwrites what another one
 * has left there: right as long as no two sequences are the same elements of m. */
#include "good_sequence.h"

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = sequence_infer(ctx, call);
    call->scratch_bytes = sizeof(double) * (size_t)rondo_count(&call->inputs[1]);
    return status;
}

static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *gm = &call->grad_inputs[1];
    rondo_tensor gradients[2] = {call->grad_inputs[0], call->grad_inputs[1]};
    rondo_op_call only_x = *call;
    double *products = call->scratch; /* (others, width) */
    const int64_t width = x->shape[1], count = rondo_count(&call->inputs[1]);
    gradients[1].data = NULL;
    only_x.grad_inputs = gradients;
    const rondo_status status = sequence_backward(ctx, &only_x);
    for (int64_t e = 0; e < count; e++) {
        products[e] = 0;
    }
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const int64_t begin = call->rows[0]->begin[s], m = call->rows[1]->begin[s];
        for (int64_t j = 0; j < call->rows[1]->length[s]; j++) {
            for (int64_t c = 0; c < width; c++) {
                double *product = &products[(m + j) * width + c];
                *product = 0;
                for (int64_t i = begin; i < begin + call->rows[0]->length[s]; i++) {
                    *product += sequence_at(call->grad_output, i, c) * sequence_at(x, i, c);
                }
            }
        }
    }
    for (int64_t e = 0; e < count && gm->data != NULL; e++) {
        rondo_set(gm, e, rondo_get(gm, e) + products[e]);
    }
    return status;
}

static const rondo_op op = GOOD_SEQUENCE("op_loses_shared", infer, sequence_forward, backward, sequence_lengths);

RONDO_PLUGIN("op_loses_shared", "1.0", "MIT", &op.base);
