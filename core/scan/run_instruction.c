/* One instruction over the rows of a span: groups, products, joins and reductions here, calls and effects elsewhere. */
#include <string.h>

#include "core/kernel.h"
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

/* Copies elements begin .. begin + count of rows first .. first + rows, broadcast to the width of the group, to `out`. */
static void expand(const struct scan_run *run, const struct scan_operand *operand, const char *base, int64_t stride,
                   int64_t first, int64_t rows, int64_t begin, int64_t count, char *out) {
    for (int64_t i = 0; i < rows; i++) {
        const char *row = base + (size_t)((first + i) * stride);
        if (operand->table == NULL) {
            memcpy(out + (size_t)(i * count) * run->given.size, row + (size_t)begin * run->given.size,
                   (size_t)count * run->given.size);
        } else {
            void *to = out + (size_t)(i * count) * run->given.size;
            KERNEL_BY_DTYPE(run->given.dtype, expand, (const void *)row, operand->table + begin, count, to);
        }
    }
}

/* Columns of a row: all of them, or the part of them that one of several workers takes. */
struct scan_columns {
    int64_t begin, end;
};

/* Part `part` of `parts` of about the same size, that begin at multiples of `unit`. */
static struct scan_columns columns_of(int64_t width, int64_t unit, int32_t part, int32_t parts) {
    const int64_t units = (width + unit - 1) / unit, end = units * (part + 1) / parts * unit;
    return (struct scan_columns){units * part / parts * unit, end < width ? end : width};
}

/* Where an operand begins at the next step, if it is a value of only that step and is not the state that this step computes. */
static char *later_of(const struct scan_run *run, const struct scan_worker *worker,
                      const struct scan_operand *operand) {
    if (operand->kind != OPERAND_ROWS) {
        return NULL;
    }
    const enum scan_position position = run->now.where[operand->node].position;
    const int is_worth = position == POSITION_PACKED || (position == POSITION_PREVIOUS && run->now.half == 1);
    return is_worth ? run_locate(run, worker, operand->node, worker->next) : NULL;
}

/* A chunk: elements begin .. begin + count of rows first .. first + rows. */
struct scan_chunk {
    int64_t first, rows, begin, count;
};

/* Begins to load the chunk after this one, which may be the first of the next step. The processor recognises only arrays that
 * it walks through in order, and a worker skips the rows of others at every step. (Inline: gcc takes a function that only
 * prefetches for one without effect, and leaves out the call.) */
KERNEL_INLINE void load_early(const struct scan_run *run, const struct scan_worker *worker,
                              const struct scan_group *group, const struct scan_chunk *chunk,
                              struct scan_columns columns, int64_t rows) {
    enum { LINE = 64 };
    const int64_t size = (int64_t)run->given.size, end = chunk->begin + chunk->count;
    const int64_t begin = end < columns.end ? end : columns.begin;
    const int64_t first = end < columns.end ? chunk->first : chunk->first + chunk->rows;
    for (int32_t o = 0; o < group->n_operands; o++) {
        const char *base = first < rows ? worker->base[o] : worker->later[o];
        const int64_t row = first < rows ? first : 0;
        for (int64_t at = 0; worker->later[o] != NULL && at < chunk->rows * chunk->count * size; at += LINE) {
            __builtin_prefetch(base + row * worker->stride[o] + begin * size + at);
        }
    }
}

static void run_group(const struct scan_run *run, struct scan_worker *worker, const struct scan_group *group,
                      const struct scan_span *span, int32_t part, int32_t parts) {
    enum { UNIT = 16 };
    const int64_t size = (int64_t)run->given.size, width = group->width;
    const struct scan_columns columns = columns_of(width, UNIT, part, parts);
    const int is_whole = columns.begin == 0 && columns.end == width;
    if (width == 0) {
        return; /* a part of no columns */
    }
    for (int32_t o = 0; o < group->n_operands; o++) {
        const struct scan_operand *operand = &group->operands[o];
        char *chunk = operand->buffer < 0 ? NULL : worker->chunks + operand->buffer * PLAN_CHUNK * size;
        const int rows = operand->kind == OPERAND_ROWS || operand->kind == OPERAND_EXPANDED;
        worker->stride[o] = rows ? (int64_t)run->now.where[operand->node].row_bytes : 0;
        worker->base[o] = rows                            ? run_locate(run, worker, operand->node, span)
                          : operand->kind == OPERAND_TILE ? run->now.tiles[operand->tile]
                                                          : chunk;
        worker->at[o] = operand->kind == OPERAND_EXPANDED ? chunk : worker->base[o];
    }
    for (int32_t o = 0; worker->next != NULL && o < group->n_operands; o++) {
        worker->later[o] = later_of(run, worker, &group->operands[o]);
    }
    const int64_t chunk_rows = is_whole && width < PLAN_CHUNK ? PLAN_CHUNK / width : 1;
    const int64_t chunk_width = width < PLAN_CHUNK ? width : PLAN_CHUNK;
    for (int64_t first = 0; first < span->count; first += chunk_rows) {
        const int64_t rows = first + chunk_rows < span->count ? chunk_rows : span->count - first;
        for (int64_t begin = columns.begin; begin < columns.end; begin += chunk_width) {
            const int64_t count = begin + chunk_width < columns.end ? chunk_width : columns.end - begin;
            const int moves = first > 0 || begin > 0 || group->n_expanded > 0; /* for the first chunk `at` is `base` */
            for (int32_t o = 0; moves && o < group->n_operands; o++) {
                const struct scan_operand *operand = &group->operands[o];
                if (operand->kind == OPERAND_ROWS || operand->kind == OPERAND_TILE) {
                    worker->at[o] = worker->base[o] + first * worker->stride[o] + begin * size;
                } else if (operand->kind == OPERAND_EXPANDED) {
                    expand(run, operand, worker->base[o], worker->stride[o], first, rows, begin, count, worker->at[o]);
                }
            }
            if (worker->next != NULL) {
                const struct scan_chunk chunk = {first, rows, begin, count};
                load_early(run, worker, group, &chunk, columns, span->count);
            }
            for (int32_t m = 0; m < group->n_members; m++) {
                compute_member(run->given.dtype, &group->members[m], rows * count, worker->at);
            }
        }
    }
}

/* ---- products ---- */

/* Copies columns of the rows of a value to those of another of the same width. */
static void copy_columns(const struct scan_run *run, const char *from, char *to, int64_t width, int64_t rows,
                         struct scan_columns columns) {
    const size_t size = run->given.size;
    const int is_whole = columns.begin == 0 && columns.end == width;
    const size_t bytes = (size_t)((is_whole ? width * rows : columns.end - columns.begin)) * size;
    for (int64_t row = 0; row < (is_whole ? 1 : rows) && bytes > 0; row++) {
        const size_t at = (size_t)(row * width + columns.begin) * size;
        memcpy(to + at, from + at, bytes);
    }
}

static void run_products(const struct scan_run *run, struct scan_worker *worker, const struct scan_product_list *list,
                         const struct scan_span *span, int32_t part, int32_t parts) {
    const struct scan_graph *graph = run->given.graph;
    const int64_t unit = product_panel(run->given.kernels, run->given.dtype);
    const size_t size = run->given.size;
    for (int32_t i = 0; i < list->n_copies; i++) {
        const struct scan_node *node = &graph->nodes[list->copies[i]];
        copy_columns(run, run_locate(run, worker, node->inputs[0], span),
                     run_locate(run, worker, list->copies[i], span), node->width, span->count,
                     columns_of(node->width, unit, part, parts));
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
                const int32_t start = call->starts[first + n];
                const struct scan_columns columns = columns_of(width, unit, part, parts);
                const size_t begin = (size_t)columns.begin * size;
                targets[n] = (struct product_target){
                    .packed = (const char *)run->now.packed[call->packed[first + n]] + begin * (size_t)k,
                    .c = run_locate(run, worker, id, span) + begin,
                    .ldc = width,
                    .n = columns.end - columns.begin,
                    .start = start < 0 ? NULL : (const char *)run->given.fixed[start].data + begin};
            }
            product_rows(run->given.kernels, run->given.dtype, span->count, k, a, k, targets, n, call->add);
        }
    }
}

/* ---- parts ---- */

static void run_join(const struct scan_run *run, struct scan_worker *worker, const struct scan_instruction *instruction,
                     const struct scan_span *span) {
    const int32_t id = instruction->nodes[0];
    const struct scan_node *node = &run->given.graph->nodes[id];
    const size_t row_bytes = (size_t)node->width * run->given.size;
    char *out = run_locate(run, worker, id, span);
    if (node->inputs[0] >= 0) {
        memcpy(out, run_locate(run, worker, node->inputs[0], span), row_bytes * (size_t)span->count);
    } else if (!instruction->covers) {
        memset(out, 0, row_bytes * (size_t)span->count);
    }
    for (int32_t k = 1; k < node->n_inputs; k++) {
        const int64_t width = run->given.graph->nodes[node->inputs[k]].width;
        const char *part = run_locate(run, worker, node->inputs[k], span);
        for (int64_t row = 0; row < span->count; row++) {
            const char *from = part + (size_t)(row * width) * run->given.size;
            char *to = out + (size_t)row * row_bytes + (size_t)node->offsets[k] * run->given.size;
            if (instruction->covers) {
                memcpy(to, from, (size_t)width * run->given.size);
            } else {
                const void *both[2] = {to, from};
                sum_arrays(run->given.dtype, width, both, 2, to);
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
    const struct scan_node *node = &run->given.graph->nodes[id];
    const int64_t width = run->given.graph->nodes[node->inputs[0]].width;
    const void *in = run_locate(run, worker, node->inputs[0], span);
    void *out = run_locate(run, worker, id, span);
    KERNEL_BY_DTYPE(run->given.dtype, reduce, span->count, width, node->width, instruction->table, in, out);
}

static rondo_status run_any(const struct scan_run *run, struct scan_worker *worker,
                            const struct scan_instruction *instruction, const struct scan_span *span) {
    switch (instruction->kind) {
    case NODE_MAP:
        run_group(run, worker, &instruction->group, span, 0, 1);
        break;
    case NODE_PRODUCT:
        run_products(run, worker, &instruction->products, span, 0, 1);
        break;
    case NODE_CALL:
        return run_call(run, worker, instruction, span);
    case NODE_CALL_GRADIENT:
        return run_call_gradients(run, worker, instruction, span);
    case NODE_JOIN:
        run_join(run, worker, instruction, span);
        break;
    case NODE_REDUCE:
        run_reduce(run, worker, instruction, span);
        break;
    default:
        return run_effect(run, worker, instruction, span);
    }
    return RONDO_OK;
}

static enum scan_work kind_of_work(const struct scan_instruction *instruction) {
    return instruction->kind == NODE_MAP               ? WORK_ELEMENTWISE
           : instruction->kind == NODE_PRODUCT         ? WORK_PRODUCT
           : instruction->kind == NODE_WEIGHT_GRADIENT ? WORK_WEIGHT_GRADIENT
                                                       : WORK_OTHER;
}

rondo_status run_instruction(const struct scan_run *run, struct scan_worker *worker,
                             const struct scan_instruction *instruction, const struct scan_span *span) {
    const double begin = run_begin(run);
    const rondo_status status = run_any(run, worker, instruction, span);
    run_spend(run, worker, kind_of_work(instruction), begin);
    return status;
}

void run_instruction_part(const struct scan_run *run, struct scan_worker *worker,
                          const struct scan_instruction *instruction, const struct scan_span *span, int32_t part,
                          int32_t parts) {
    const double begin = run_begin(run);
    if (instruction->kind == NODE_MAP) {
        run_group(run, worker, &instruction->group, span, part, parts);
    } else {
        run_products(run, worker, &instruction->products, span, part, parts);
    }
    run_spend(run, worker, kind_of_work(instruction), begin);
}
