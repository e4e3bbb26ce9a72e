/* kit/op_options.c: the options of an op: each works at both ends of its range, each is good for something, and none is
 * kept from the first call on. */
#include <time.h>

#include "core/tensor.h"
#include "kit/first_call.h"
#include "kit/op_check.h"

static enum verdict need_options(const struct op_check *check) {
    const rondo_option *options = check->op->base.options;
    return options == NULL || options->key == NULL ? VERDICT_SKIPPED : VERDICT_PASS;
}

/* Cases with other options than their own: the op may refuse them. */
static struct op_settings settings_of(int32_t dtype, int32_t training) {
    return (struct op_settings){.dtype = dtype, .training = training, .may_refuse = 1};
}

/* 1 where forward has given something to look at. */
static int has_run(const struct op_run *run) {
    return !run->is_refused && !run->call.is_view && run->call.output.data != NULL;
}

/* ---- options_ends ---- */

static int is_finite(const rondo_tensor *tensor) {
    return tensor->data == NULL || tensor->dtype == RONDO_I32 || tensor_is_finite(tensor);
}

/* A status that tells of a bug is none to refuse options with. */
static int refuses_well(struct op_check *check, const struct op_run *run) {
    const rondo_status status = run->errors.status;
    if (!run->is_refused || status == RONDO_OK || status == RONDO_INVALID || status == RONDO_NOT_FINITE ||
        status == RONDO_NO_MEMORY) {
        return 1;
    }
    return op_refuse(check, "'%s: %s', expected RONDO_INVALID and the reason", status_text(status),
                     errors_text(&run->errors, 0));
}

/* What is not finite is a warning: it is kept in check->tally, with the first reason. */
static void look_for_infinity(struct op_check *check, const struct op_run *run) {
    const char *what = !is_finite(&run->call.output) ? "the output" : NULL;
    for (int32_t k = 0; k < run->call.n_inputs && what == NULL; k++) {
        what = is_finite(&run->gradients[k]) ? NULL : "a gradient";
    }
    if (what != NULL && check->tally == 0 && !option_end_may_diverge(check->values[0])) {
        op_refuse(check, "%s is not finite: a narrower range would say so before", what);
        check->tally = 1;
    }
}

/* When an end was taken up: where calls take long, as with the most iterations that one may ask for, some cases do. A
 * visit of op_each_case has the check alone. */
static clock_t begin;

static int work_at_end(struct op_check *check) {
    int passed = 1;
    if (clock() - begin > CLOCKS_PER_SEC) {
        return 1;
    }
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64 && passed; dtype++) {
        struct op_run run;
        check->where = dtype_name(dtype);
        passed = op_run_open(check, settings_of(dtype, 1), &run);
        const int is_open = passed && has_run(&run);
        passed = passed && (!is_open || op_run_both(&run)) && refuses_well(check, &run);
        if (passed && is_open && !run.is_refused) {
            const char *overrun = guard_overrun(run.guard);
            const int64_t unwritten = guard_unwritten(run.guard, &run.call.output);
            passed = overrun != NULL  ? op_refuse(check, "wrote beside '%s'", overrun)
                     : unwritten >= 0 ? op_refuse(check, "output, element %lld is not written", (long long)unwritten)
                                      : 1;
            look_for_infinity(check, &run);
        }
        op_run_close(&run);
    }
    check->where = NULL;
    return passed;
}

/* The reason of a warning must outlast the cases that come after it. */
enum verdict op_check_options_ends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    struct option_end end;
    if (need_options(&check) != VERDICT_PASS) {
        return VERDICT_SKIPPED;
    }
    for (int32_t i = 0; option_end(descriptor->options, i, &end); i++) {
        check.values[0] = &end;
        if (!op_takes(&check, &end)) {
            continue;
        }
        begin = clock();
        const enum verdict verdict = op_each_case(&check, work_at_end);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    return check.tally > 0 ? VERDICT_WARNING : VERDICT_PASS;
}

/* ---- options_used ---- */

/* What the cases come to with some options: a number for each, of all bits. */
struct marks {
    uint64_t of[DIRECT_CASES];
    int32_t count;
};

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t add_bytes(uint64_t mark, const void *data, size_t bytes) {
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes && data != NULL; i++) {
        mark = (mark ^ at[i]) * 0x100000001b3u;
    }
    return mark;
}

static uint64_t mark_of(const struct op_run *run, uint64_t mark) {
    const rondo_tensor *output = &run->call.output;
    mark = add_bytes(mark, &run->is_refused, sizeof run->is_refused);
    if (run->is_refused) {
        return mark;
    }
    mark = add_bytes(mark, &output->dtype, sizeof output->dtype);
    mark = add_bytes(mark, output->shape, (size_t)output->ndim * sizeof output->shape[0]);
    mark = add_bytes(mark, &run->call.view_offset, sizeof run->call.view_offset);
    if (!has_run(run)) {
        return mark;
    }
    mark = add_bytes(mark, output->data, tensor_bytes(output));
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        mark = add_bytes(mark, run->gradients[k].data, tensor_bytes(&run->gradients[k]));
    }
    return mark;
}

/* The same for one case in training and out of it. */
static uint64_t mark_case(struct op_check *check) {
    uint64_t mark = 0xcbf29ce484222325u;
    for (int32_t training = 0; training < 2; training++) {
        struct op_run run;
        if (op_run_open(check, settings_of(RONDO_F64, training), &run) && (!has_run(&run) || op_run_both(&run))) {
            mark = mark_of(&run, mark);
        }
        op_run_close(&run);
    }
    return mark;
}

/* For the visits. */
static struct marks *filled;
static const struct marks *expected;

static int fill_mark(struct op_check *check) {
    filled->of[filled->count++] = mark_case(check);
    return 1;
}

/* Ends the visits where a mark is another one. */
static int is_same_mark(struct op_check *check) {
    return mark_case(check) == expected->of[check->index];
}

/* 1 where a case gives something else with the value in check->values[at] than without it. */
static int changes(struct op_check *check, const struct marks *without, int at, const struct option_end *value) {
    if (!op_takes(check, value)) {
        return 0;
    }
    check->values[at] = value;
    expected = without;
    const enum verdict verdict = op_each_case(check, is_same_mark);
    check->values[at] = NULL;
    return verdict == VERDICT_FAIL;
}

/* Every value worth trying of an option, its ends and moderate ones, in slot `at`. */
static int any_changes(struct op_check *check, const struct marks *without, int at, const rondo_option *option) {
    struct option_end value;
    for (int32_t i = 0; option_trial(check->op->base.options, check->kit->seed, i, &value); i++) {
        if (value.option == option && changes(check, without, at, &value)) {
            return 1;
        }
    }
    for (int32_t i = 0; option_end(check->op->base.options, i, &value); i++) {
        if (value.option == option && changes(check, without, at, &value)) {
            return 1;
        }
    }
    return 0;
}

/* An option may be for some values of another one only. */
static int changes_with_another(struct op_check *check, const rondo_option *option) {
    struct option_end other;
    for (int32_t i = 0; option_trial(check->op->base.options, check->kit->seed, i, &other); i++) {
        struct marks marks = {.count = 0};
        if (other.option == option || !op_takes(check, &other)) {
            continue;
        }
        check->values[0] = &other;
        filled = &marks;
        op_each_case(check, fill_mark);
        const int found = any_changes(check, &marks, 1, option);
        check->values[0] = NULL;
        if (found) {
            return 1;
        }
    }
    return 0;
}

enum verdict op_check_options_used(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct op_check check = op_check_begin(kit, descriptor, reason, size);
    struct marks marks = {.count = 0};
    if (need_options(&check) != VERDICT_PASS) {
        return VERDICT_SKIPPED;
    }
    filled = &marks;
    const enum verdict verdict = op_each_case(&check, fill_mark);
    if (verdict != VERDICT_PASS) {
        return verdict;
    }
    for (const rondo_option *option = descriptor->options; option->key != NULL; option++) {
        if (option->type != RONDO_STRING && !any_changes(&check, &marks, 0, option) &&
            !changes_with_another(&check, option)) {
            return kit_say(reason, size, VERDICT_WARNING,
                           "option '%s' changes nothing: results and gradients of all cases have the same bits with "
                           "all values that were tried",
                           option->key);
        }
    }
    if (size > 0) {
        reason[0] = '\0'; /* refusals, which are a change */
    }
    return VERDICT_PASS;
}

/* ---- first_call ---- */

/* For the visits. */
static struct {
    double *numbers;
    size_t count, capacity;
} found;

static int append_case(struct op_check *check) {
    struct op_run run;
    if (op_run_open(check, settings_of(RONDO_F64, 1), &run) && has_run(&run) && op_run_both(&run) && !run.is_refused) {
        found.count = first_call_append(found.numbers, found.count, found.capacity, &run.call.output);
        for (int32_t k = 0; k < run.call.n_inputs; k++) {
            found.count = first_call_append(found.numbers, found.count, found.capacity, &run.gradients[k]);
        }
    }
    op_run_close(&run);
    return 1;
}

static size_t numbers_of(struct kit *kit, const rondo_descriptor *descriptor, const struct option_end *value,
                         double *numbers, size_t capacity) {
    char reason[200];
    struct op_check check = op_check_begin(kit, descriptor, reason, sizeof reason);
    found.numbers = numbers;
    found.count = 0;
    found.capacity = capacity;
    check.values[0] = value;
    op_each_case(&check, append_case);
    return found.count;
}

enum verdict op_check_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return first_call_is_forgotten(kit, descriptor, numbers_of, reason, size);
}
