/* A step of the loop whose instructions all workers share: each takes a part of the columns, of all rows. For few rows: their
 * products take as long as reading the weights does, which every worker would have to read if each took rows. An element has
 * the same bits in any part. */
#include "core/scan/run.h"

enum {
    LEAST_WORK = 1 << 16, /* of an instruction that is shared: handing it to another thread takes about a microsecond */
    WIDE_WORK = 8 * LEAST_WORK, /* of the instructions of a step that can be shared */
    NUMBER_WORK = 32,           /* of an op for one number, in multiplications of a product */
    FEW_ROWS = 16,              /* of a batch; workers share the rows of a larger one */
    MANY_WEIGHTS =
        1 << 19, /* of a step: more than the second-level cache of one core holds. With fewer, workers share rows */
};

/* Weights that an instruction reads. */
static int64_t weights_of(const struct scan_run *run, const struct scan_instruction *instruction) {
    const struct scan_node *nodes = run->given.graph->nodes;
    int64_t weights = 0;
    for (int32_t i = 0; instruction->kind == NODE_PRODUCT && i < instruction->products.n_calls; i++) {
        const struct scan_product_call *call = &instruction->products.calls[i];
        for (int32_t k = 0; k < call->count; k++) {
            weights += nodes[call->a].width * nodes[call->results[k]].width;
        }
    }
    return weights;
}

/* Multiplications, or other work that takes as long. Weights can be read for four rows in the time that they take for one. */
static int64_t cost_of(const struct scan_run *run, const struct scan_instruction *instruction, int64_t rows) {
    return instruction->kind == NODE_MAP ? rows * instruction->group.width * instruction->group.n_members * NUMBER_WORK
                                         : (rows < 4 ? 4 : rows) * weights_of(run, instruction);
}

int run_is_wide(const struct scan_run *run) {
    const int64_t rows = run->given.time->rows;
    int64_t work = 0, weights = 0;
    for (int32_t i = 0; i < run->now.stage->count; i++) {
        const struct scan_instruction *instruction = &run->now.stage->instructions[i];
        const int64_t own = cost_of(run, instruction, rows);
        work += own >= LEAST_WORK ? own : 0;
        weights += weights_of(run, instruction);
    }
    return parallel_threads(run->given.parallel) > 1 && work >= WIDE_WORK &&
           (run->memory.n_shares == 1 || (rows <= FEW_ROWS && weights >= MANY_WEIGHTS));
}

struct wide_instruction {
    struct scan_run *run;
    const struct scan_instruction *instruction;
    const struct scan_span *span;
};

static void run_parts(void *arg, int64_t begin, int64_t end) {
    const struct wide_instruction *wide = arg;
    struct scan_worker *workers = wide->run->memory.workers;
    const int32_t parts = wide->run->memory.n_workers;
    for (int64_t part = begin; part < end; part++) {
        struct scan_worker worker = workers[part];
        worker.locals = workers[0].locals;
        worker.capacity = workers[0].capacity;
        run_instruction_part(wide->run, &worker, wide->instruction, wide->span, (int32_t)part, parts);
        for (int work = 0; work < SCAN_WORKS; work++) {
            workers[part].spent[work] = worker.spent[work];
        }
    }
}

void run_wide_step(struct scan_run *run, const struct scan_span *span) {
    for (int32_t i = 0; i < run->now.stage->count; i++) {
        const struct scan_instruction *instruction = &run->now.stage->instructions[i];
        if (cost_of(run, instruction, span->count) >= LEAST_WORK) {
            struct wide_instruction wide = {run, instruction, span};
            parallel_for(run->given.parallel, run->memory.n_workers, 1, run_parts, &wide);
        } else if (run_instruction(run, &run->memory.workers[0], instruction, span) != RONDO_OK) {
            run_fail(run);
            return;
        }
    }
}
