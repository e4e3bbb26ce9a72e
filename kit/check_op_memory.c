/* kit/check_op_memory.c: an op writes every element of its output, and reads nothing that was not written. */
#include "core/tensor.h"
#include "kit/check_op.h"
#include "kit/shared.h"

static int is_written(struct op_check *check, const struct op_fixture *fixture, const rondo_tensor *tensor,
                      const char *name) {
    const int64_t unwritten = tensor->data == NULL ? -1 : guard_unwritten(fixture->subject.guard, tensor);
    return unwritten < 0 || op_refuse(check, "%s, element %lld is not written", name, (long long)unwritten);
}

/* The results do not show whether the op read memory that was not written. So the call is repeated with zeros there
 * instead of poison; the results must be the same. */
static int writes_all(struct op_check *check, struct op_fixture *fixture) {
    struct op_settings settings = fixture->settings;
    struct op_fixture clean;
    settings.is_clean = 1;
    int passed = op_fixture_both(fixture) && is_written(check, fixture, &fixture->call.output, "output");
    for (int32_t k = 0; k < fixture->call.n_inputs && passed && check->op->map != NULL; k++) {
        passed = is_written(check, fixture, &fixture->gradients[k], "a gradient of map_grad");
    }
    if (!passed) {
        return 0;
    }
    passed = op_fixture_open(check, settings, &clean) && op_fixture_both(&clean) &&
             op_same_runs(check, fixture, &clean, op_fixture_gradients(fixture),
                          "if memory that was not written contains zeros: the op reads it");
    op_fixture_close(&clean);
    return passed;
}

enum verdict op_check_writes_all(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    return op_each_run(&check, writes_all);
}

enum verdict op_check_no_memory(struct trial *trial) {
    return ((const rondo_op *)trial->descriptor)->map != NULL
               ? trial_say(trial, VERDICT_SKIPPED, "an elementwise op allocates no memory")
               : shared_no_memory(trial);
}
