/* Effects: what the steps add to the gradients of fixed tensors. Outside the loop they run over all steps at once, as
 * tasks that workers take one after the other. */
#include <string.h>

#include "core/scan/run.h"
#include "core/tensor.h"

/* All effects that add to one fixed tensor, run in order by one worker. Where all are weight gradients, only rows
 * begin .. end of that gradient. Or, if there are any, weight gradients that share sides. */
struct scan_effect_task {
    const struct scan_gradients *gradients;
    const struct scan_instruction *const *effects;
    int32_t n_effects;
    int64_t begin, end; /* begin < 0: all rows */
};

static const struct scan_node *node_of(const struct scan_run *run, const struct scan_instruction *effect) {
    return &run->given.graph->nodes[effect->nodes[0]];
}

/* Adds sums[j] to element table[j] of the gradient. */
static void scatter(const struct scan_run *run, const int32_t *table, int64_t width, const void *sums, void *gradient) {
    for (int64_t j = 0; j < width; j++) {
        const int64_t to = table == NULL ? j : table[j];
        if (run->given.dtype == RONDO_F32) {
            ((float *)gradient)[to] += ((const float *)sums)[j];
        } else {
            ((double *)gradient)[to] += ((const double *)sums)[j];
        }
    }
}

static rondo_status add_fixed_sum(const struct scan_run *run, struct scan_worker *worker,
                                  const struct scan_instruction *effect, const struct scan_span *span, void *gradient) {
    const struct scan_node *node = node_of(run, effect);
    const int64_t width = run->given.graph->nodes[node->inputs[0]].width;
    const struct arena_mark mark = arena_mark(worker->arena);
    char *sums = arena_calloc(worker->arena, (size_t)(2 * width), run->given.size);
    if (sums == NULL) {
        return errors_no_memory(worker->errors);
    }
    sum_columns(run->given.dtype, span->count, width, run_locate(run, worker, node->inputs[0], span), sums,
                sums + (size_t)width * run->given.size);
    scatter(run, effect->table, width, sums, gradient);
    arena_release(worker->arena, mark);
    return RONDO_OK;
}

/* The addresses of the gradients of a call's fixed inputs, in the worker's arena; *targets is NULL if none is
 * wanted. */
static rondo_status find_fixed_targets(const struct scan_run *run, struct scan_worker *worker,
                                       const struct scan_instruction *effect, void ***targets) {
    void **found = arena_alloc(worker->arena, sizeof *found * (size_t)effect->count);
    int any = 0;
    if (found == NULL) {
        return errors_no_memory(worker->errors);
    }
    for (int32_t i = 0; i < effect->count; i++) {
        found[i] = run->given.grad_fixed[run->given.graph->nodes[effect->nodes[i]].which].data;
        any |= found[i] != NULL;
    }
    *targets = any ? found : NULL;
    return RONDO_OK;
}

/* The gradients of fixed inputs of one call, over all rows in blocks; step by step where the op reads a state or random
 * words. */
static rondo_status add_fixed_call(const struct scan_run *run, struct scan_worker *worker,
                                   const struct scan_instruction *effect) {
    enum { BLOCK = 64 };
    const struct scan_node *node = node_of(run, effect);
    const struct time_axis *time = run->given.time;
    const struct arena_mark mark = arena_mark(worker->arena);
    void **targets = NULL;
    RONDO_TRY(find_fixed_targets(run, worker, effect, &targets));
    int by_step = node->random >= 0;
    for (int32_t k = 0; k < node->n_inputs; k++) {
        by_step |= run->given.graph->nodes[graph_base(run->given.graph, node->inputs[k])].kind == NODE_STATE;
    }
    for (int64_t t = 0; targets != NULL && t < (by_step ? time->steps : 1); t++) {
        const int64_t rows = by_step ? time->alive[t] : time->total, block = run->now.stage->whole_steps ? rows : BLOCK;
        for (int64_t row = 0; row < rows; row += block) {
            const struct scan_span span = run_span(time, t, row, row + block < rows ? block : rows - row);
            RONDO_TRY(run_call_gradient(run, worker, effect, &span, targets));
        }
    }
    arena_release(worker->arena, mark);
    return RONDO_OK;
}

rondo_status run_effect(const struct scan_run *run, struct scan_worker *worker, const struct scan_instruction *effect,
                        const struct scan_span *span) {
    const struct scan_node *node = node_of(run, effect);
    if (node_is_sequence_gradient(node)) {
        return run_call_gradients(run, worker, effect, span);
    }
    void *gradient = run->given.grad_fixed[node->which].data;
    if (effect->kind == NODE_FIXED_CALL) {
        const struct arena_mark mark = arena_mark(worker->arena);
        void **targets = NULL;
        RONDO_TRY(find_fixed_targets(run, worker, effect, &targets));
        if (targets != NULL) {
            RONDO_TRY(run_call_gradient(run, worker, effect, span, targets));
        }
        arena_release(worker->arena, mark);
        return RONDO_OK;
    }
    if (gradient == NULL) {
        return RONDO_OK;
    }
    return effect->kind == NODE_WEIGHT_GRADIENT
               ? run_weight_gradient(run, worker, node, span, 0, run->given.graph->nodes[node->inputs[0]].width)
               : add_fixed_sum(run, worker, effect, span, gradient);
}

static rondo_status run_task(const struct scan_run *run, struct scan_worker *worker,
                             const struct scan_effect_task *task) {
    const struct scan_span all = run_span_of_all(run->given.time);
    if (task->gradients != NULL) {
        const double begin = run_begin(run);
        run_gradients(run, worker, task->gradients);
        run_spend(run, worker, WORK_WEIGHT_GRADIENT, begin);
    }
    for (int32_t i = 0; i < task->n_effects; i++) {
        const struct scan_node *node = node_of(run, task->effects[i]);
        const double begin = run_begin(run);
        if (node->kind == NODE_WEIGHT_GRADIENT) {
            const int64_t m = run->given.graph->nodes[node->inputs[0]].width;
            RONDO_TRY(run_weight_gradient(run, worker, node, NULL, task->begin < 0 ? 0 : task->begin,
                                          task->begin < 0 ? m : task->end));
        } else if (node->kind == NODE_FIXED_SUM) {
            RONDO_TRY(add_fixed_sum(run, worker, task->effects[i], &all, run->given.grad_fixed[node->which].data));
        } else {
            RONDO_TRY(add_fixed_call(run, worker, task->effects[i]));
        }
        run_spend(run, worker, node->kind == NODE_WEIGHT_GRADIENT ? WORK_WEIGHT_GRADIENT : WORK_OTHER, begin);
    }
    return RONDO_OK;
}

static void run_tasks(void *arg, int64_t begin, int64_t end) {
    struct scan_run *run = arg;
    for (int64_t w = begin; w < end; w++) {
        for (int64_t i; (i = run_take(run, run->now.n_tasks)) >= 0;) {
            if (run_task(run, &run->memory.workers[w], &run->now.tasks[i]) != RONDO_OK) {
                run_fail(run);
            }
        }
    }
}

size_t run_effect_scratch(const struct scan_run *run, int half) {
    const int64_t panel = product_panel(run->given.kernels, run->given.dtype);
    int64_t m = 0, n = 0;
    for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
        const struct scan_stage *stage = &run->given.plan->stages[half][phase];
        for (int32_t i = stage->n_row_instructions; i < stage->count; i++) {
            const struct scan_node *node = node_of(run, &stage->instructions[i]);
            if (node->kind == NODE_WEIGHT_GRADIENT) {
                const int64_t width = run->given.graph->nodes[node->inputs[0]].width;
                m = width > m ? width : m;
                n += (run->given.graph->nodes[node->inputs[1]].width + panel - 1) / panel * panel;
            }
        }
    }
    return product_gradient_bytes(run->given.kernels, run->given.dtype, m, n);
}

/* Rows of a weight gradient per task. There are enough tasks for all workers to stay busy, and few enough that the rows
 * which every task packs are not packed too often. No element of the result depends on it. */
static int64_t rows_of_task(const struct scan_run *run, int64_t rows, int32_t n_weights) {
    const int64_t wanted = 2 * run->memory.n_workers, parts = (wanted + n_weights - 1) / n_weights;
    const int64_t least = 32, part = (rows + parts - 1) / parts;
    return part < least ? least : (part + 15) / 16 * 16;
}

/* 1 if the gradients of two fixed tensors share memory, such as those of two parts of one parameter. */
static int overlap(const struct scan_run *run, int32_t a, int32_t b) {
    const rondo_tensor *of_a = &run->given.grad_fixed[a], *of_b = &run->given.grad_fixed[b];
    const uintptr_t begin_a = (uintptr_t)of_a->data, begin_b = (uintptr_t)of_b->data;
    return begin_a != 0 && begin_b != 0 && begin_a < begin_b + tensor_bytes(of_b) &&
           begin_b < begin_a + tensor_bytes(of_a);
}

/* The effects of calls. A call adds to several gradients; if two calls add to the same one, all calls are one task. */
static void run_call_effects(struct scan_run *run, struct scan_effect_task *tasks,
                             const struct scan_instruction **effects) {
    const struct scan_stage *stage = run->now.stage;
    int32_t n = 0, shared = 0;
    for (int32_t i = stage->n_row_instructions; i < stage->count; i++) {
        if (stage->instructions[i].kind == NODE_FIXED_CALL) {
            effects[n++] = &stage->instructions[i];
        }
    }
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j < i; j++) {
            for (int32_t k = 0; k < effects[i]->count; k++) {
                for (int32_t l = 0; l < effects[j]->count; l++) {
                    shared |= overlap(run, run->given.graph->nodes[effects[i]->nodes[k]].which,
                                      run->given.graph->nodes[effects[j]->nodes[l]].which);
                }
            }
        }
    }
    run->now.n_tasks = shared ? 1 : n;
    for (int32_t i = 0; i < run->now.n_tasks; i++) {
        tasks[i] = (struct scan_effect_task){.effects = &effects[i], .n_effects = shared ? n : 1, .begin = -1};
    }
    atomic_store(&run->now.next, 0);
    parallel_for(run->given.parallel, n == 0 ? 0 : run->memory.n_workers, 1, run_tasks, run);
}

/* Lists effect `first` of the stage, all effects on the same gradient or on one that shares memory with it, and so on for
 * these. *same becomes 0 if they are not all weight gradients of one fixed tensor. Returns their number. */
static int32_t list_together(const struct scan_run *run, int32_t first, int *taken,
                             const struct scan_instruction **listed, int *same) {
    const struct scan_stage *stage = run->now.stage;
    const struct scan_instruction *effects = stage->instructions + stage->n_row_instructions;
    const int32_t n = stage->count - stage->n_row_instructions, which = node_of(run, &effects[first])->which;
    int32_t count = 0;
    listed[count++] = &effects[first];
    taken[first] = 1;
    for (int32_t i = 0; i < count; i++) {
        *same &= listed[i]->kind == NODE_WEIGHT_GRADIENT && node_of(run, listed[i])->which == which;
        for (int32_t j = first; j < n; j++) {
            if (!taken[j] && effects[j].kind != NODE_FIXED_CALL &&
                overlap(run, node_of(run, listed[i])->which, node_of(run, &effects[j])->which)) {
                listed[count++] = &effects[j];
                taken[j] = 1;
            }
        }
    }
    return count;
}

/* Adds tasks for effects that are all weight gradients of one fixed tensor: each for some of its rows. */
static void add_weight_tasks(struct scan_run *run, struct scan_effect_task *tasks, struct scan_effect_task task,
                             int32_t n_weights) {
    const int64_t rows = run->given.fixed[node_of(run, task.effects[0])->which].shape[0];
    const int64_t part = rows_of_task(run, rows, n_weights);
    for (task.begin = 0; task.begin < rows; task.begin = task.end) {
        task.end = task.begin + part < rows ? task.begin + part : rows;
        tasks[run->now.n_tasks++] = task;
    }
}

rondo_status run_effects(struct scan_run *run, struct arena *arena, struct errors *errors) {
    const struct scan_stage *stage = run->now.stage;
    const int32_t n = stage->count - stage->n_row_instructions;
    const struct scan_instruction **effects = arena_alloc(arena, sizeof *effects * (size_t)(n + 1));
    int *taken = arena_calloc(arena, (size_t)n + 1, sizeof *taken);
    const struct scan_instruction **single = arena_alloc(arena, sizeof *single * (size_t)(n + 1));
    const size_t most_tasks = (size_t)(n + 1) * (size_t)(2 * run->memory.n_workers + 1) + 1;
    struct scan_effect_task *tasks = arena_alloc(arena, sizeof *tasks * most_tasks);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    int32_t n_weights = 0, n_listed = 0, n_single = 0;
    for (int32_t i = 0; i < n; i++) {
        n_weights += stage->instructions[stage->n_row_instructions + i].kind == NODE_WEIGHT_GRADIENT;
    }
    run->now.n_tasks = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct scan_node *node = node_of(run, &stage->instructions[stage->n_row_instructions + i]);
        if (taken[i] || node->kind == NODE_FIXED_CALL || run->given.grad_fixed[node->which].data == NULL) {
            continue;
        }
        struct scan_effect_task task = {.effects = &effects[n_listed], .begin = -1};
        int all_weights = 1;
        task.n_effects = list_together(run, i, taken, &effects[n_listed], &all_weights);
        n_listed += task.n_effects;
        if (all_weights && task.n_effects == 1) {
            single[n_single++] = task.effects[0];
        } else if (all_weights) {
            add_weight_tasks(run, tasks, task, n_weights);
        } else {
            tasks[run->now.n_tasks++] = task;
        }
    }
    struct scan_gradients *shared = NULL;
    const int32_t n_shared = run_share_gradients(run, single, n_single, arena, &shared);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < n_shared; i++) {
        tasks[run->now.n_tasks++] = (struct scan_effect_task){.gradients = &shared[i]};
    }
    run->now.tasks = tasks;
    atomic_store(&run->now.next, 0);
    parallel_for(run->given.parallel, run->memory.n_workers, 1, run_tasks, run);
    run_call_effects(run, tasks, effects);
    return RONDO_OK;
}
