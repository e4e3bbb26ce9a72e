/* One instruction over the rows of a span. */
#include <string.h>

#include "core/host.h"
#include "core/infer.h"
#include "core/scan/run.h"
#include "core/tensor.h"

/* ---- groups ---- */

static void compute_member(int32_t dtype, const struct scan_member *member, int64_t count, char *const *at) {
    const void *in[GRAPH_MOST_INPUTS];
    for (int32_t k = 0; k < member->n_in; k++) {
        in[k] = at[member->in[k]];
    }
    void *out = at[member->out];
    if (member->kind == NODE_MAP) {
        member->map(member->options, dtype, count, in, out);
    } else if (member->kind == NODE_SUM) {
        sum_arrays(dtype, count, in, member->n_in, out);
    } else {
        void *grad_in[RONDO_SAMPLE_INPUTS] = {NULL};
        grad_in[member->which] = out;
        member->map_grad(member->options, dtype, count, in, at[member->in[member->n_in]],
                         at[member->in[member->n_in + 1]], grad_in);
    }
}

#define EXPAND_OF(T, suffix)                                                                                           \
    static void expand_##suffix(const T *row, const int32_t *table, int64_t count, T *out) {                           \
        for (int64_t j = 0; j < count; j++) {                                                                          \
            out[j] = row[table[j]];                                                                                    \
        }                                                                                                              \
    }
EXPAND_OF(float, f32)
EXPAND_OF(double, f64)

/* Stretches rows first .. first + rows, elements begin .. begin + count of each, to the width of the group. */
static void expand(const struct scan_run *run, const struct scan_operand *operand, const char *base, int64_t stride,
                   int64_t first, int64_t rows, int64_t begin, int64_t count, char *out) {
    for (int64_t i = 0; i < rows; i++) {
        const char *row = base + (size_t)((first + i) * stride);
        if (operand->table == NULL) {
            memcpy(out + (size_t)(i * count) * run->size, row + (size_t)begin * run->size, (size_t)count * run->size);
        } else if (run->dtype == RONDO_F32) {
            expand_f32((const void *)row, operand->table + begin, count, (float *)(void *)out + i * count);
        } else {
            expand_f64((const void *)row, operand->table + begin, count, (double *)(void *)out + i * count);
        }
    }
}

static void run_group(const struct scan_run *run, struct scan_worker *worker, const struct scan_group *group,
                      const struct scan_span *span) {
    const int64_t size = (int64_t)run->size, width = group->width;
    for (int32_t o = 0; o < group->n_operands; o++) {
        const struct scan_operand *operand = &group->operands[o];
        char *chunk = operand->buffer < 0 ? NULL : worker->chunks + operand->buffer * PLAN_CHUNK * size;
        const int rows = operand->kind == OPERAND_ROWS || operand->kind == OPERAND_EXPANDED;
        worker->stride[o] = rows ? (int64_t)run->where[operand->node].row_bytes : 0;
        worker->base[o] = rows                            ? run_locate(run, worker, operand->node, span)
                          : operand->kind == OPERAND_TILE ? run->tiles[operand->tile]
                                                          : chunk;
        worker->at[o] = operand->kind == OPERAND_EXPANDED ? chunk : worker->base[o];
    }
    const int64_t chunk_rows = width < PLAN_CHUNK ? PLAN_CHUNK / width : 1;
    const int64_t chunk_width = width < PLAN_CHUNK ? width : PLAN_CHUNK;
    for (int64_t first = 0; first < span->count; first += chunk_rows) {
        const int64_t rows = first + chunk_rows < span->count ? chunk_rows : span->count - first;
        for (int64_t begin = 0; begin < width; begin += chunk_width) {
            const int64_t count = begin + chunk_width < width ? chunk_width : width - begin;
            const int moves = first > 0 || begin > 0 || group->n_expanded > 0; /* bases are right for the first chunk */
            for (int32_t o = 0; moves && o < group->n_operands; o++) {
                const struct scan_operand *operand = &group->operands[o];
                if (operand->kind == OPERAND_ROWS || operand->kind == OPERAND_TILE) {
                    worker->at[o] = worker->base[o] + first * worker->stride[o] + begin * size;
                } else if (operand->kind == OPERAND_EXPANDED) {
                    expand(run, operand, worker->base[o], worker->stride[o], first, rows, begin, count, worker->at[o]);
                }
            }
            for (int32_t m = 0; m < group->n_members; m++) {
                compute_member(run->dtype, &group->members[m], rows * count, worker->at);
            }
        }
    }
}

/* ---- products ---- */

static void run_products(const struct scan_run *run, struct scan_worker *worker, const struct scan_product_list *list,
                         const struct scan_span *span) {
    const struct scan_graph *graph = run->graph;
    for (int32_t i = 0; i < list->n_copies; i++) {
        const int32_t id = list->copies[i];
        memcpy(run_locate(run, worker, id, span), run_locate(run, worker, graph->nodes[id].inputs[0], span),
               (size_t)(graph->nodes[id].width * span->count) * run->size);
    }
    for (int32_t i = 0; i < list->n_calls; i++) {
        const struct scan_product_call *call = &list->calls[i];
        enum { MOST_TARGETS = 16 };
        const int64_t k = graph->nodes[call->a].width;
        const void *a = run_locate(run, worker, call->a, span);
        for (int32_t first = 0; first < call->count; first += MOST_TARGETS) {
            struct product_target targets[MOST_TARGETS];
            int32_t n = 0;
            for (; n < MOST_TARGETS && first + n < call->count; n++) {
                const int32_t id = call->results[first + n];
                const int64_t width = graph->nodes[id].width;
                targets[n] = (struct product_target){run->packed[call->packed[first + n]],
                                                     run_locate(run, worker, id, span), width, width};
            }
            product_rows(run->kernels, run->dtype, span->count, k, a, k, targets, n, call->add);
        }
    }
}

/* ---- other ops ---- */

/* A value as a tensor of the rows of a span. */
static rondo_tensor tensor_of_span(const struct scan_run *run, const struct scan_worker *worker, int32_t id,
                                   const struct scan_span *span) {
    const struct scan_node *node = &run->graph->nodes[id];
    if (node->kind == NODE_FIXED) {
        return run->fixed[node->which];
    }
    rondo_tensor tensor = node->shape;
    tensor.shape[0] = span->count;
    tensor.data = run_locate(run, worker, id, span);
    return tensor;
}

/* The host's side; random words are those that the rows have in the whole step. */
static struct host_call call_host(const struct scan_run *run, const struct scan_worker *worker,
                                  const struct scan_node *node, const struct scan_span *span) {
    struct host_call host = host_call(worker->arena, worker->errors, NULL, node->op->base.name);
    host.registry = run->registry;
    if (node->random >= 0) {
        const int64_t number = run->first_random + span->step * run->graph->n_random + node->random;
        host.stream = rng_substream(run->stream, (uint64_t)number);
    }
    return host;
}

/* Computes an op; `call` keeps what backward needs. Its output goes to `output`, or to memory of the call where that is
 * NULL. `id` is that of the call. Where the backward step comes back to a call whose saved bytes were kept (output
 * NULL), nothing is computed. */
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
                            .training = run->training};
    RONDO_TRY(infer_output(node->op, call, host));
    if (call->output.shape[0] != span->count || call->output.ndim == 0) {
        return errors_bug(worker->errors, __FILE__, __LINE__, "an op of rows gives rows");
    }
    host->random_first = (uint64_t)(span->row * (rondo_count(&call->output) / (span->count == 0 ? 1 : span->count)));
    const size_t bytes = tensor_bytes(&call->output);
    if (call->is_view) {
        call->output.data = (char *)inputs[0].data + (size_t)call->view_offset * run->size;
        if (output != NULL) {
            memcpy(output, call->output.data, bytes);
        }
        return RONDO_OK;
    }
    const size_t kept = run->plan->saved_bytes[id];
    call->saved =
        kept > 0 ? run->saved[id] + (size_t)span->packed * kept : arena_alloc(worker->arena, call->saved_bytes);
    if (kept > 0 && output == NULL) {
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

/* Hands a call its rows: all at once, or one by one where it is a product. A library's product adds up in an order that
 * may depend on how many rows it gets; so they come out the same whoever their batch mates are. */
static rondo_status by_rows(const struct scan_run *run, struct scan_worker *worker,
                            const struct scan_instruction *instruction, const struct scan_span *span,
                            rondo_status (*body)(const struct scan_run *run, struct scan_worker *worker,
                                                 const struct scan_instruction *instruction,
                                                 const struct scan_span *span)) {
    if (run->graph->nodes[instruction->nodes[0]].op->role != RONDO_ROLE_PRODUCT) {
        return body(run, worker, instruction, span);
    }
    for (int64_t i = 0; i < span->count; i++) {
        const struct scan_span row = {span->step, span->packed + i, span->previous + i, span->row + i, 1, i};
        RONDO_TRY(body(run, worker, instruction, &row));
    }
    return RONDO_OK;
}

static rondo_status run_call(const struct scan_run *run, struct scan_worker *worker,
                             const struct scan_instruction *instruction, const struct scan_span *span) {
    const int32_t id = instruction->nodes[0];
    const struct scan_node *node = &run->graph->nodes[id];
    const struct arena_mark mark = arena_mark(worker->arena);
    struct host_call host = call_host(run, worker, node, span);
    rondo_op_call call = {0};
    const rondo_status status =
        compute(run, worker, id, node, node->n_inputs, span, run_locate(run, worker, id, span), &call, &host);
    arena_release(worker->arena, mark);
    return status;
}

/* The result and what the op saved are computed again, but for ops whose saved bytes can be kept row by row. */
static rondo_status call_gradient(const struct scan_run *run, struct scan_worker *worker,
                                  const struct scan_instruction *instruction, const struct scan_span *span,
                                  void *const *targets) {
    const struct scan_node *node = &run->graph->nodes[instruction->nodes[0]];
    const int32_t n = node->n_inputs - 1;
    struct host_call host = call_host(run, worker, node, span);
    rondo_op_call call = {0};
    RONDO_TRY(compute(run, worker, node->of, node, n, span, NULL, &call, &host));
    const rondo_tensor grad_output = tensor_of_span(run, worker, node->inputs[n], span);
    if (call.is_view) { /* of a part: the rest of the gradient is left alone */
        const void *both[2];
        char *part = (char *)targets[0] + (size_t)call.view_offset * run->size;
        both[0] = part;
        both[1] = grad_output.data;
        sum_arrays(run->dtype, rondo_count(&call.output), both, 2, part);
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
        gradients[run->graph->nodes[instruction->nodes[i]].input].data = targets[i];
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

static rondo_status run_call_gradients(const struct scan_run *run, struct scan_worker *worker,
                                       const struct scan_instruction *instruction, const struct scan_span *span) {
    const struct arena_mark mark = arena_mark(worker->arena);
    void **targets = arena_alloc(worker->arena, sizeof *targets * (size_t)instruction->count);
    if (targets == NULL) {
        return errors_no_memory(worker->errors);
    }
    for (int32_t i = 0; i < instruction->count; i++) {
        const int32_t id = instruction->nodes[i];
        targets[i] = run_locate(run, worker, id, span);
        memset(targets[i], 0, (size_t)(run->graph->nodes[id].width * span->count) * run->size);
    }
    const rondo_status status = run_call_gradient(run, worker, instruction, span, targets);
    arena_release(worker->arena, mark);
    return status;
}

/* ---- parts ---- */

/* Parts that follow each other without a gap fill the row: then nothing need be there before. */
static int fill_the_row(const struct scan_run *run, const struct scan_node *node) {
    int64_t filled = 0;
    for (int32_t turn = 1; turn < node->n_inputs; turn++) {
        for (int32_t k = 1; k < node->n_inputs; k++) {
            filled += node->offsets[k] == filled ? run->graph->nodes[node->inputs[k]].width : 0;
        }
    }
    int64_t widths = 0;
    for (int32_t k = 1; k < node->n_inputs; k++) {
        widths += run->graph->nodes[node->inputs[k]].width;
    }
    return filled == node->width && widths == node->width;
}

static void run_join(const struct scan_run *run, struct scan_worker *worker, int32_t id, const struct scan_span *span) {
    const struct scan_node *node = &run->graph->nodes[id];
    const size_t row_bytes = (size_t)node->width * run->size;
    char *out = run_locate(run, worker, id, span);
    const int copies = node->inputs[0] < 0 && fill_the_row(run, node);
    if (node->inputs[0] >= 0) {
        memcpy(out, run_locate(run, worker, node->inputs[0], span), row_bytes * (size_t)span->count);
    } else if (!copies) {
        memset(out, 0, row_bytes * (size_t)span->count);
    }
    for (int32_t k = 1; k < node->n_inputs; k++) {
        const int64_t width = run->graph->nodes[node->inputs[k]].width;
        const char *part = run_locate(run, worker, node->inputs[k], span);
        for (int64_t row = 0; row < span->count; row++) {
            const char *from = part + (size_t)(row * width) * run->size;
            char *to = out + (size_t)row * row_bytes + (size_t)node->offsets[k] * run->size;
            if (copies) {
                memcpy(to, from, (size_t)width * run->size);
            } else {
                const void *both[2] = {to, from};
                sum_arrays(run->dtype, width, both, 2, to);
            }
        }
    }
}

/* ---- reductions ---- */

#define REDUCE_OF(T, suffix)                                                                                           \
    static void reduce_##suffix(int64_t rows, int64_t width, int64_t out_width, const int32_t *table, const T *in,     \
                                T *out) {                                                                              \
        memset(out, 0, sizeof *out *(size_t)(rows * out_width));                                                       \
        for (int64_t i = 0; i < rows; i++) {                                                                           \
            for (int64_t j = 0; j < width; j++) {                                                                      \
                out[i * out_width + (table == NULL ? j : table[j])] += in[i * width + j];                              \
            }                                                                                                          \
        }                                                                                                              \
    }
REDUCE_OF(float, f32)
REDUCE_OF(double, f64)

static void run_reduce(const struct scan_run *run, struct scan_worker *worker,
                       const struct scan_instruction *instruction, const struct scan_span *span) {
    const int32_t id = instruction->nodes[0];
    const struct scan_node *node = &run->graph->nodes[id];
    const int64_t width = run->graph->nodes[node->inputs[0]].width;
    const void *in = run_locate(run, worker, node->inputs[0], span);
    void *out = run_locate(run, worker, id, span);
    if (run->dtype == RONDO_F32) {
        reduce_f32(span->count, width, node->width, instruction->table, in, out);
    } else {
        reduce_f64(span->count, width, node->width, instruction->table, in, out);
    }
}

rondo_status run_instruction(const struct scan_run *run, struct scan_worker *worker,
                             const struct scan_instruction *instruction, const struct scan_span *span) {
    switch (instruction->kind) {
    case NODE_MAP:
        run_group(run, worker, &instruction->group, span);
        break;
    case NODE_PRODUCT:
        run_products(run, worker, &instruction->products, span);
        break;
    case NODE_CALL:
        return by_rows(run, worker, instruction, span, run_call);
    case NODE_CALL_GRADIENT:
        return by_rows(run, worker, instruction, span, run_call_gradients);
    case NODE_JOIN:
        run_join(run, worker, instruction->nodes[0], span);
        break;
    case NODE_REDUCE:
        run_reduce(run, worker, instruction, span);
        break;
    default:
        return run_effect(run, worker, instruction, span);
    }
    return RONDO_OK;
}
