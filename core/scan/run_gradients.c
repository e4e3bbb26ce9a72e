/* Weight gradients a^T g over all steps. Several share a side: those of all gates have the same a, and those of input and state
 * the same g. Each worker multiplies a part of all of them, and packs each side once. */
#include "core/scan/run.h"

/* The pairs of rows that a weight gradient a^T g sums over, in all steps. `runs` has room for one run per step. The rows
 * of a state before a step are those of step t - 1 and lie in a sequence that begins with the initial state. */
static int32_t make_runs(const struct scan_run *run, int32_t a, struct product_run *runs) {
    const struct time_axis *time = run->given.time;
    const struct scan_node *node = &run->given.graph->nodes[graph_base(run->given.graph, a)];
    if (node->kind != NODE_STATE) {
        runs[0] = (struct product_run){0, 0, time->total, 0};
        return 1;
    }
    int32_t n = 0;
    for (int64_t t = 0; t < time->steps; t++) {
        const int64_t before = run->given.graph->constant[node->which] ? 0 : run_previous(time, t);
        struct product_run *last = n == 0 ? NULL : &runs[n - 1];
        if (last != NULL && last->a_row + last->count == before && last->b_row + last->count == time->begin[t]) {
            last->count += time->alive[t];
        } else {
            runs[n++] = (struct product_run){before, time->begin[t], time->alive[t], time->begin[t]};
        }
    }
    return n;
}

rondo_status run_weight_gradient(const struct scan_run *run, struct scan_worker *worker, const struct scan_node *node,
                                 const struct scan_span *span, int64_t begin, int64_t end) {
    const int64_t m = run->given.graph->nodes[node->inputs[0]].width,
                  n = run->given.graph->nodes[node->inputs[1]].width;
    const struct arena_mark mark = arena_mark(worker->arena);
    struct product_run one = {0, 0, span == NULL ? 0 : span->count, 0}, *runs = &one;
    int32_t n_runs = 1;
    const struct scan_span all = run_span_of_all(run->given.time);
    if (span == NULL) {
        runs = arena_alloc(worker->arena, sizeof *runs * (size_t)run->given.time->steps);
        if (runs == NULL) {
            return errors_no_memory(worker->errors);
        }
        n_runs = make_runs(run, node->inputs[0], runs);
        span = &all;
    }
    const char *a = run_locate(run, worker, node->inputs[0], span);
    const void *g = run_locate(run, worker, node->inputs[1], span);
    char *gradient = run->given.grad_fixed[node->which].data;
    product_gradient(run->given.kernels, run->given.dtype, runs, n_runs, end - begin,
                     a + (size_t)begin * run->given.size, m, n, g, n, gradient + (size_t)(begin * n) * run->given.size,
                     n, worker->scratch);
    arena_release(worker->arena, mark);
    return RONDO_OK;
}

/* ---- gradients that share sides ---- */

enum { PACKING = 16 }; /* multiplications that packing an element of a side takes as long as, about */

void run_gradients(const struct scan_run *run, struct scan_worker *worker, const struct scan_gradients *gradients) {
    product_gradients(run->given.kernels, run->given.dtype, gradients->a, gradients->n_a, gradients->b, gradients->n_b,
                      gradients->c, worker->scratch);
}

/* The index of occurrence `number`, from 0, of a node in a list, where it is added if it is missing. */
static int32_t index_in(int32_t *list, int32_t *count, int32_t node, int32_t number) {
    int32_t i = 0;
    for (; i < *count; i++) {
        if (list[i] == node && number-- == 0) {
            return i;
        }
    }
    list[i] = node;
    (*count)++;
    return i;
}

/* How many of the effects before effect i multiply the same two sides: h @ U and h @ V in one sum. */
static int32_t same_before(const struct scan_node *nodes, const struct scan_instruction *const *effects, int32_t i) {
    const int32_t *own = nodes[effects[i]->nodes[0]].inputs;
    int32_t count = 0;
    for (int32_t k = 0; k < i; k++) {
        const int32_t *inputs = nodes[effects[k]->nodes[0]].inputs;
        count += inputs[0] == own[0] && inputs[1] == own[1];
    }
    return count;
}

/* All gradients that the effects compute. A right side is listed again for each further gradient of the same two sides, since
 * two sides have one result. Sticky: arena_failed. */
static struct scan_gradients all_gradients(const struct scan_run *run, const struct scan_instruction *const *effects,
                                           int32_t n, struct arena *arena) {
    const struct scan_node *nodes = run->given.graph->nodes;
    const struct scan_span span = run_span_of_all(run->given.time);
    struct scan_gradients all = {.a = arena_calloc(arena, (size_t)n, sizeof *all.a),
                                 .b = arena_calloc(arena, (size_t)n, sizeof *all.b),
                                 .c = arena_calloc(arena, (size_t)n * (size_t)n, sizeof *all.c)};
    int32_t *left = arena_calloc(arena, (size_t)n, sizeof *left),
            *right = arena_calloc(arena, (size_t)n, sizeof *right),
            *left_of = arena_calloc(arena, (size_t)n, sizeof *left_of),
            *right_of = arena_calloc(arena, (size_t)n, sizeof *right_of);
    for (int32_t i = 0; i < n && !arena_failed(arena); i++) {
        const int32_t *inputs = nodes[effects[i]->nodes[0]].inputs;
        left_of[i] = index_in(left, &all.n_a, inputs[0], 0);
        right_of[i] = index_in(right, &all.n_b, inputs[1], same_before(nodes, effects, i));
    }
    for (int32_t i = 0; i < all.n_a; i++) {
        struct product_run *runs = arena_alloc(arena, sizeof *runs * (size_t)run->given.time->steps);
        const int64_t width = nodes[left[i]].width;
        all.a[i] = (struct product_factor){run_locate(run, run->memory.workers, left[i], &span), width, width, runs,
                                           runs == NULL ? 0 : make_runs(run, left[i], runs)};
    }
    for (int32_t i = 0; i < all.n_b; i++) {
        const int64_t width = nodes[right[i]].width;
        all.b[i] =
            (struct product_factor){run_locate(run, run->memory.workers, right[i], &span), width, width, NULL, 0};
    }
    for (int32_t i = 0; i < n && !arena_failed(arena); i++) {
        const struct scan_node *node = &nodes[effects[i]->nodes[0]];
        all.c[left_of[i] * all.n_b + right_of[i]] =
            (struct product_result){run->given.grad_fixed[node->which].data, all.b[right_of[i]].columns};
    }
    return all;
}

/* Columns begin .. end of one side. */
struct scan_cut {
    int32_t side;
    int64_t begin, end;
};

/* Work for a column of a side: of a B if of_b is 1, else of an A. */
static int64_t work_of_column(const struct scan_gradients *all, int of_b, int32_t side) {
    int64_t work = PACKING;
    for (int32_t i = 0; i < (of_b ? all->n_a : all->n_b); i++) {
        const int32_t c = of_b ? i * all->n_b + side : side * all->n_b + i;
        work += all->c[c].data == NULL ? 0 : of_b ? all->a[i].columns : all->b[i].columns;
    }
    return work;
}

/* The part of all gradients that has only these columns of its B (of_b 1), or of its A. */
static struct scan_gradients part_of(const struct scan_gradients *all, int of_b, const struct scan_cut *cuts, int32_t n,
                                     size_t size, struct arena *arena) {
    struct scan_gradients part = *all;
    struct product_factor *sides = arena_alloc(arena, sizeof *sides * (size_t)n);
    *(of_b ? &part.b : &part.a) = sides;
    *(of_b ? &part.n_b : &part.n_a) = n;
    part.c = arena_alloc(arena, sizeof *part.c * (size_t)part.n_a * (size_t)part.n_b);
    for (int32_t k = 0; k < n && !arena_failed(arena); k++) {
        const struct scan_cut *cut = &cuts[k];
        sides[k] = of_b ? all->b[cut->side] : all->a[cut->side];
        sides[k].data = (const char *)sides[k].data + (size_t)cut->begin * size;
        sides[k].columns = cut->end - cut->begin;
        for (int32_t i = 0; i < (of_b ? all->n_a : all->n_b); i++) {
            struct product_result c = all->c[of_b ? i * all->n_b + cut->side : cut->side * all->n_b + i];
            c.data = c.data == NULL ? NULL : (char *)c.data + (size_t)(cut->begin * (of_b ? 1 : c.ld)) * size;
            part.c[of_b ? i * n + k : k * part.n_b + i] = c;
        }
    }
    return part;
}

/* Divides all gradients into parts with about the same work: columns of B in units of a panel, or of A. */
static int32_t divide(const struct scan_run *run, const struct scan_gradients *all, int of_b, int32_t parts,
                      struct arena *arena, struct scan_gradients *found) {
    const int32_t n = of_b ? all->n_b : all->n_a;
    const int64_t unit = of_b ? product_panel(run->given.kernels, run->given.dtype) : 1;
    const struct product_factor *sides = of_b ? all->b : all->a;
    struct scan_cut *cuts = arena_alloc(arena, sizeof *cuts * (size_t)n);
    int64_t work = 0, done = 0;
    int32_t n_found = 0, n_cuts = 0;
    for (int32_t i = 0; i < n; i++) {
        work += work_of_column(all, of_b, i) * sides[i].columns;
    }
    for (int32_t i = 0; i < n && !arena_failed(arena); i++) {
        const int64_t own = work_of_column(all, of_b, i);
        for (int64_t begin = 0, end; begin < sides[i].columns; begin = end) {
            const int64_t goal = work / parts * (n_found + 1), wanted = (goal - done + own - 1) / own;
            const int64_t columns = (wanted < 1 ? 1 : wanted) + unit - 1;
            end = begin + columns / unit * unit;
            end = n_found + 1 == parts || end > sides[i].columns ? sides[i].columns : end;
            cuts[n_cuts++] = (struct scan_cut){i, begin, end};
            done += own * (end - begin);
            if (done >= goal && n_found + 1 < parts) {
                found[n_found++] = part_of(all, of_b, cuts, n_cuts, run->given.size, arena);
                n_cuts = 0;
            }
        }
    }
    if (n_cuts > 0) {
        found[n_found++] = part_of(all, of_b, cuts, n_cuts, run->given.size, arena);
    }
    return n_found;
}

int32_t run_share_gradients(const struct scan_run *run, const struct scan_instruction *const *effects, int32_t n,
                            struct arena *arena, struct scan_gradients **parts) {
    enum { PANELS = 4, ROWS = 128 }; /* of a part, at least: fewer are not balanced, or pack too often */
    const int32_t workers = run->memory.n_workers;
    struct scan_gradients *found = *parts = arena_alloc(arena, sizeof *found * (size_t)(2 * workers));
    if (n == 0 || found == NULL) {
        return 0;
    }
    const struct scan_gradients all = all_gradients(run, effects, n, arena);
    const int64_t panel = product_panel(run->given.kernels, run->given.dtype);
    int64_t wide = 0, high = 0;
    for (int32_t i = 0; i < all.n_b; i++) {
        wide += all.b[i].columns;
    }
    for (int32_t i = 0; i < all.n_a; i++) {
        high += all.a[i].columns;
    }
    const int of_b = wide >= 2 * workers * PANELS * panel;
    const int32_t wanted = workers == 1 ? 1 : of_b || high >= 2 * workers * ROWS ? 2 * workers : workers;
    return divide(run, &all, of_b, wanted, arena, found);
}
