/* Calls of ops that are not elementwise, forward and backward, through the plug-in ABI. */
#include <string.h>

#include "core/host.h"
#include "core/infer.h"
#include "core/scan/run.h"

/* A value as a tensor of the rows of a span. A fixed tensor is the same for all, and a ragged value has elements of all. */
static rondo_tensor tensor_of_span(const struct scan_run *run, const struct scan_worker *worker, int32_t id,
                                   const struct scan_span *span) {
    const struct scan_node *node = &run->given.graph->nodes[id];
    if (node->kind == NODE_FIXED) {
        return run->given.fixed[node->which];
    }
    if (node->kind == NODE_RAGGED) {
        return run->given.ragged[node->which];
    }
    rondo_tensor tensor = node->shape;
    tensor.shape[0] = span->count;
    tensor.data = run_locate(run, worker, id, span);
    return tensor;
}

/* The host of a call. Random words are those that belong to the step and to the rows in the whole batch. */
static struct host_call call_host(const struct scan_run *run, const struct scan_worker *worker,
                                  const struct scan_node *node, const struct scan_span *span) {
    struct host_call host = host_call(worker->arena, worker->errors, NULL, node->op->base.name);
    host.registry = run->given.registry;
    if (node->random >= 0) {
        const int64_t number = run->given.first_random + span->step * run->given.graph->n_random + node->random;
        const struct rng_stream stream = rng_substream(run->given.stream, (uint64_t)number);
        host.stream = run->given.run == 0 ? stream : rng_substream(stream, run->given.run); /* as on the tape */
    }
    return host;
}

/* The sequences of a sequence call: each row of the span is one of one element, and reads the one of the memory that belongs
 * to it. NULL if memory is short. */
static const rondo_rows *const *rows_of_span(const struct scan_run *run, const struct scan_worker *worker,
                                             const struct scan_node *node, int32_t n_inputs,
                                             const struct scan_span *span) {
    const rondo_rows **rows = arena_alloc(worker->arena, sizeof *rows * (size_t)n_inputs);
    rondo_rows *both = arena_alloc(worker->arena, 2 * sizeof *both);
    int64_t *begin = arena_alloc(worker->arena, sizeof *begin * (size_t)(2 * span->count));
    if (arena_failed(worker->arena)) {
        return NULL;
    }
    int64_t *length = begin + span->count;
    for (int64_t i = 0; i < span->count; i++) {
        begin[i] = i;
        length[i] = 1;
    }
    both[0] = (rondo_rows){.struct_size = sizeof(rondo_rows), .count = span->count, .begin = begin, .length = length};
    if (run->given.memory != NULL) {
        both[1] = *run->given.memory;
        both[1].count = span->count;
        both[1].begin += span->row;
        both[1].length += span->row;
    }
    for (int32_t k = 0; k < n_inputs; k++) {
        const enum scan_node_kind kind = run->given.graph->nodes[node->inputs[k]].kind;
        rows[k] = kind == NODE_FIXED ? NULL : kind == NODE_RAGGED ? &both[1] : &both[0];
    }
    return rows;
}

/* Computes call `id`, whose node or gradient is `node`; `call` gets what its backward function needs. The result goes to
 * `output`, or to the worker's arena where that is NULL: then the call is one of the backward half, and nothing is
 * computed if its saved bytes were kept, or if the backward function of a sequence call needs none. */
static rondo_status compute(const struct scan_run *run, struct scan_worker *worker, int32_t id,
                            const struct scan_node *node, int32_t n_inputs, const struct scan_span *span, void *output,
                            rondo_op_call *call, struct host_call *host) {
    rondo_tensor *inputs = arena_alloc(worker->arena, sizeof *inputs * (size_t)(n_inputs + 1));
    if (inputs == NULL) {
        return errors_no_memory(worker->errors);
    }
    for (int32_t k = 0; k < n_inputs; k++) {
        inputs[k] = tensor_of_span(run, worker, node->inputs[k], span);
    }
    *call = (rondo_op_call){.struct_size = sizeof *call,
                            .n_inputs = n_inputs,
                            .options = node->options,
                            .inputs = inputs,
                            .training = run->given.training};
    RONDO_TRY(infer_output(node->op, call, host));
    if ((node->op->flags & RONDO_OP_SEQUENCES) != 0) {
        call->rows = rows_of_span(run, worker, node, n_inputs, span);
        if (call->rows == NULL) {
            return errors_no_memory(worker->errors);
        }
    }
    const int64_t width = run->given.graph->nodes[id].width;
    if (call->output.ndim == 0 || call->output.shape[0] != span->count ||
        rondo_count(&call->output) != span->count * width || call->output.dtype != run->given.dtype) {
        return errors_add(worker->errors, RONDO_INTERNAL,
                          "op '%s' gives another shape or type of numbers in a step than in the equations",
                          node->op->base.name);
    }
    host->random_first =
        (uint64_t)(span->row * width); /* 0, if the words do not belong to elements: all rows are here */
    const size_t bytes = tensor_bytes(&call->output);
    if (call->is_view) {
        call->output.data = (char *)inputs[0].data + (size_t)call->view_offset * run->given.size;
        if (output != NULL) {
            memcpy(output, call->output.data, bytes);
        }
        return RONDO_OK;
    }
    const size_t kept = run->given.plan->saved_bytes[id];
    call->saved =
        kept > 0 ? run->memory.saved[id] + (size_t)span->packed * kept : arena_alloc(worker->arena, call->saved_bytes);
    const int needs_nothing = call->saved_bytes == 0 && (node->op->flags & RONDO_OP_SEQUENCES) != 0;
    if ((kept > 0 || needs_nothing) && output == NULL) {
        call->scratch = arena_alloc(worker->arena, call->scratch_bytes);
        return call->scratch == NULL ? errors_no_memory(worker->errors) : RONDO_OK;
    }
    call->output.data = output != NULL ? output : arena_alloc(worker->arena, bytes);
    call->scratch = arena_alloc(worker->arena, call->scratch_bytes);
    if (call->output.data == NULL || call->saved == NULL || call->scratch == NULL) {
        return errors_no_memory(worker->errors);
    }
    return host_result(host, node->op->forward(&host->base, call));
}

rondo_status run_call(const struct scan_run *run, struct scan_worker *worker,
                      const struct scan_instruction *instruction, const struct scan_span *span) {
    const int32_t id = instruction->nodes[0];
    const struct scan_node *node = &run->given.graph->nodes[id];
    const struct arena_mark mark = arena_mark(worker->arena);
    struct host_call host = call_host(run, worker, node, span);
    rondo_op_call call = {0};
    const rondo_status status =
        compute(run, worker, id, node, node->n_inputs, span, run_locate(run, worker, id, span), &call, &host);
    arena_release(worker->arena, mark);
    return status;
}

/* The result, and what the op saved, are computed again, unless the saved bytes were kept row by row. */
static rondo_status call_gradient(const struct scan_run *run, struct scan_worker *worker,
                                  const struct scan_instruction *instruction, const struct scan_span *span,
                                  void *const *targets) {
    const struct scan_node *node = &run->given.graph->nodes[instruction->nodes[0]];
    const int32_t n = node->n_inputs - 1;
    struct host_call host = call_host(run, worker, node, span);
    rondo_op_call call = {0};
    RONDO_TRY(compute(run, worker, node->of, node, n, span, NULL, &call, &host));
    const rondo_tensor grad_output = tensor_of_span(run, worker, node->inputs[n], span);
    if (call.is_view) { /* the output is a part of input 0: its other elements, and other inputs, get nothing */
        char *whole = NULL;
        for (int32_t i = 0; i < instruction->count; i++) {
            whole = run->given.graph->nodes[instruction->nodes[i]].input == 0 ? targets[i] : whole;
        }
        if (whole != NULL) {
            char *part = whole + (size_t)call.view_offset * run->given.size;
            const void *both[2] = {part, grad_output.data};
            sum_arrays(run->given.dtype, rondo_count(&call.output), both, 2, part);
        }
        return RONDO_OK;
    }
    rondo_tensor *gradients = arena_alloc(worker->arena, sizeof *gradients * (size_t)(n + 1));
    if (gradients == NULL) {
        return errors_no_memory(worker->errors);
    }
    for (int32_t k = 0; k < n; k++) {
        gradients[k] = call.inputs[k];
        gradients[k].data = NULL;
    }
    for (int32_t i = 0; i < instruction->count; i++) {
        gradients[run->given.graph->nodes[instruction->nodes[i]].input].data = targets[i];
    }
    call.grad_output = &grad_output;
    call.grad_inputs = gradients;
    return host_result(&host, node->op->backward(&host.base, &call));
}

rondo_status run_call_gradient(const struct scan_run *run, struct scan_worker *worker,
                               const struct scan_instruction *instruction, const struct scan_span *span,
                               void *const *targets) {
    const struct arena_mark mark = arena_mark(worker->arena);
    const rondo_status status = call_gradient(run, worker, instruction, span, targets);
    arena_release(worker->arena, mark);
    return status;
}

/* Where the gradients of the inputs of one call go: values with rows are written, and begin at zero; all others are added to.
 * Returns 1 if any is wanted. */
static int find_targets(const struct scan_run *run, const struct scan_worker *worker,
                        const struct scan_instruction *instruction, const struct scan_span *span, void **targets) {
    int any = 0;
    for (int32_t i = 0; i < instruction->count; i++) {
        const int32_t id = instruction->nodes[i];
        const struct scan_node *node = &run->given.graph->nodes[id];
        if (node->kind == NODE_RAGGED_CALL) {
            targets[i] = run->given.grad_ragged[node->which].data;
        } else if (node->kind == NODE_FIXED_CALL) {
            char *rows = run->given.grad_by_row[node->which];
            const int64_t width = rondo_count(&run->given.fixed[node->which]);
            targets[i] = rows == NULL ? NULL : rows + (size_t)(span->row * width) * run->given.size;
        } else {
            targets[i] = run_locate(run, worker, id, span);
            memset(targets[i], 0, (size_t)(node->width * span->count) * run->given.size);
        }
        any |= targets[i] != NULL;
    }
    return any;
}

/* 1 if what each row adds to the gradient of a fixed input is wanted. */
static int is_by_row(const struct scan_run *run, const struct scan_instruction *instruction, void *const *targets) {
    for (int32_t i = 0; i < instruction->count; i++) {
        if (run->given.graph->nodes[instruction->nodes[i]].kind == NODE_FIXED_CALL && targets[i] != NULL) {
            return 1;
        }
    }
    return 0;
}

rondo_status run_call_gradients(const struct scan_run *run, struct scan_worker *worker,
                                const struct scan_instruction *instruction, const struct scan_span *span) {
    const struct arena_mark mark = arena_mark(worker->arena);
    void **targets = arena_alloc(worker->arena, sizeof *targets * (size_t)instruction->count);
    if (targets == NULL) {
        return errors_no_memory(worker->errors);
    }
    rondo_status status = RONDO_OK;
    if (!find_targets(run, worker, instruction, span, targets)) {
        arena_release(worker->arena, mark);
        return RONDO_OK;
    }
    if (!is_by_row(run, instruction, targets)) {
        status = run_call_gradient(run, worker, instruction, span, targets);
    } else {
        for (int64_t i = 0; i < span->count && status == RONDO_OK; i++) {
            const struct scan_span row = {span->step, span->packed + i, span->previous + i, span->row + i,
                                          1,          span->local + i};
            find_targets(run, worker, instruction, &row, targets);
            status = run_call_gradient(run, worker, instruction, &row, targets);
        }
    }
    arena_release(worker->arena, mark);
    return status;
}
