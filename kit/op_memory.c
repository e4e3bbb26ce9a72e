/* kit/op_memory.c: what an op does to memory: it writes all of what it is to write, nothing beside it and nothing that
 * it is to read; it bears that there is no more; it gives back what it took. */
#include "core/tensor.h"
#include "kit/heap.h"
#include "kit/op_check.h"

/* ---- writing all of it ---- */

static int is_written(struct op_check *check, const struct op_run *run, const rondo_tensor *tensor, const char *name) {
    const int64_t unwritten = tensor->data == NULL ? -1 : guard_unwritten(run->guard, tensor);
    return unwritten < 0 || op_refuse(check, "%s, element %lld is not written", name, (long long)unwritten);
}

/* What was not written cannot be told from what was by its bits alone, where it is read: so the same again with zeros
 * in place of poison. */
static int writes_all(struct op_check *check, struct op_run *run) {
    struct op_settings settings = run->settings;
    struct op_run clean;
    settings.is_clean = 1;
    int passed = op_run_both(run) && is_written(check, run, &run->call.output, "output");
    for (int32_t k = 0; k < run->call.n_inputs && passed && check->op->map != NULL; k++) {
        passed = is_written(check, run, &run->gradients[k], "a gradient that map_grad gives");
    }
    if (!passed) {
        return 0;
    }
    passed = op_run_open(check, settings, &clean) && op_run_both(&clean) &&
             op_same_runs(check, run, &clean, op_run_gradients(run),
                          "where memory that nobody wrote holds zeros: the op reads it");
    op_run_close(&clean);
    return passed;
}

enum verdict op_check_writes_all(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    return op_each_run(&check, writes_all);
}

/* ---- nothing else ---- */

static int nothing_beside(struct op_check *check, const struct op_run *run, const char *function) {
    const char *name = guard_overrun(run->guard);
    return name == NULL || op_refuse(check, "%s wrote beside '%s'", function, name);
}

static int stays_inside(struct op_check *check, struct op_run *run) {
    const int is_map = check->op->map != NULL;
    const uint32_t asked = op_run_gradients(run);
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        guard_protect(run->guard, run->inputs[k].data);
    }
    if (run->options != NULL) {
        guard_protect(run->guard, run->options);
    }
    guard_protect(run->guard, run->grad_output.data);
    if (!op_run_forward(run) || !nothing_beside(check, run, is_map ? "map" : "forward")) {
        return 0;
    }
    guard_protect(run->guard, run->call.output.data);
    if (run->call.saved != NULL) {
        guard_protect(run->guard, run->call.saved);
    }
    return asked == 0 || (op_run_backward(run, asked) && nothing_beside(check, run, is_map ? "map_grad" : "backward"));
}

enum verdict op_check_stays_inside(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    return op_each_run(&check, stays_inside);
}

/* ---- no more of it ---- */

enum { MOST_ALLOCATIONS = 200 }; /* that are refused, one after the other, in one call */

static rondo_status call_function(struct op_run *run, int is_backward, int *is_honest) {
    return is_backward ? op_run_backward_status(run, op_run_gradients(run), is_honest)
                       : op_run_forward_status(run, is_honest);
}

/* The call succeeds; then allocation 0, 1, … of it is refused. */
static int refuse_each(struct op_check *check, struct op_run *run, int is_backward) {
    const char *function = is_backward ? "backward" : "forward";
    const int64_t plenty = INT64_MAX / 2;
    int is_honest;
    run->allocations_left = plenty;
    if (call_function(run, is_backward, &is_honest) != RONDO_OK) {
        return is_honest ? op_refuse(check, "%s failed: %s", function, errors_text(&run->errors, 0)) : 0;
    }
    const int64_t used = plenty - run->allocations_left;
    for (int64_t n = 0; n < used && n < MOST_ALLOCATIONS && is_honest; n++) {
        run->allocations_left = n;
        const rondo_status status = call_function(run, is_backward, &is_honest);
        if (is_honest && status != RONDO_NO_MEMORY) {
            return op_refuse(check, "%s returned '%s' where allocation %lld was refused, expected RONDO_NO_MEMORY",
                             function, status_text(status), (long long)n + 1);
        }
        check->tally++;
    }
    run->allocations_left = plenty;
    return is_honest;
}

static int bears_refusal(struct op_check *check, struct op_run *run) {
    return refuse_each(check, run, 0) && op_run_forward(run) &&
           (op_run_gradients(run) == 0 || refuse_each(check, run, 1));
}

enum verdict op_check_no_memory(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    if (check.op->map != NULL) {
        return kit_say(reason, size, VERDICT_SKIPPED, "an elementwise op has no host to ask for memory");
    }
    const enum verdict verdict = op_each_run(&check, bears_refusal);
    return verdict == VERDICT_PASS ? kit_say(reason, size, verdict, "%lld allocations refused", (long long)check.tally)
                                   : verdict;
}

/* ---- giving it back ---- */

enum { LEAK_CALLS = 64 };

struct leak {
    struct op_run *run;
    int is_ok;
};

static void call_once(void *arg) {
    struct leak *leak = arg;
    leak->is_ok = leak->is_ok && op_run_both(leak->run);
    if (leak->is_ok && leak->run->check->op->map == NULL) {
        const rondo_op_call call = leak->run->call; /* infer forgets where the memory is */
        op_run_infer(leak->run, &leak->is_ok);
        leak->run->call = call;
    }
}

static int gives_back(struct op_check *check, struct op_run *run) {
    struct leak leak = {run, 1};
    const double bytes = heap_leak(call_once, &leak, LEAK_CALLS);
    if (leak.is_ok && bytes >= 1) {
        return op_refuse(check, "%.0f bytes of malloc stay behind a call", bytes);
    }
    return leak.is_ok;
}

enum verdict op_check_leaks(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    return heap_in_use() < 0 ? kit_say(reason, size, VERDICT_SKIPPED, HEAP_IS_UNKNOWN)
                             : op_each_run(&check, gives_back);
}
