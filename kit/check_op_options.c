/* kit/check_op_options.c: every option of an op changes something. */
#include "core/tensor.h"
#include "kit/check_op.h"

/* The op may refuse options that are not those of the case. */
static struct op_settings settings_of(int32_t training) {
    return (struct op_settings){.dtype = RONDO_F64, .training = training, .may_refuse = 1};
}

/* 1 if forward has computed an output. */
static int has_run(const struct op_fixture *fixture) {
    return !fixture->subject.is_idle && !fixture->call.is_view && fixture->call.output.data != NULL;
}

/* The results of all cases with some options: a hash of all bits for each case. */
struct result_marks {
    uint64_t of[DIRECT_CASES * OP_ARRANGEMENTS];
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

static uint64_t mark_of(const struct op_fixture *fixture, uint64_t mark) {
    const rondo_tensor *output = &fixture->call.output;
    mark = add_bytes(mark, &fixture->subject.is_idle, sizeof fixture->subject.is_idle);
    if (fixture->subject.is_idle) {
        return mark;
    }
    mark = add_bytes(mark, &output->dtype, sizeof output->dtype);
    mark = add_bytes(mark, output->shape, (size_t)output->ndim * sizeof output->shape[0]);
    mark = add_bytes(mark, &fixture->call.view_offset, sizeof fixture->call.view_offset);
    if (!has_run(fixture)) {
        return mark;
    }
    mark = add_bytes(mark, output->data, tensor_bytes(output));
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        mark = add_bytes(mark, fixture->gradients[k].data, tensor_bytes(&fixture->gradients[k]));
    }
    return mark;
}

/* The hash of one case, in training and in evaluation. */
static uint64_t mark_case(struct op_check *check) {
    uint64_t mark = 0xcbf29ce484222325u;
    for (int32_t training = 0; training < 2; training++) {
        struct op_fixture fixture;
        if (op_fixture_open(check, settings_of(training), &fixture) &&
            (!has_run(&fixture) || op_fixture_both(&fixture))) {
            mark = mark_of(&fixture, mark);
        }
        op_fixture_close(&fixture);
    }
    return mark;
}

static int fill_mark(struct op_check *check) {
    struct result_marks *marks = check->trial.arg;
    marks->of[marks->count++] = mark_case(check);
    return 1;
}

static enum verdict fill_marks(struct op_check *check, struct result_marks *marks) {
    check->trial.arg = marks;
    return op_each_case(check, fill_mark);
}

/* Ends the visits if the hash of a case has changed. */
static int is_same_mark(struct op_check *check) {
    const struct result_marks *expected = check->trial.arg;
    return mark_case(check) == expected->of[check->number];
}

/* 1 if a case has other results with the value in trial.values[at] than without it. */
static int changes(struct op_check *check, struct result_marks *without, int at, const struct option_setting *value) {
    if (!option_is_parsed(&check->trial, value)) {
        return 0;
    }
    check->trial.values[at] = value;
    check->trial.arg = without;
    const enum verdict verdict = op_each_case(check, is_same_mark);
    check->trial.values[at] = NULL;
    return verdict == VERDICT_FAIL;
}

/* 1 if a value of the option, extreme or moderate, changes a result. The value is set in trial.values[at]. */
static int any_changes(struct op_check *check, struct result_marks *without, int at, const rondo_option *option) {
    struct option_setting value;
    for (int32_t i = 0; option_moderate(check->op->base.options, check->trial.kit->seed, i, &value); i++) {
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

/* An option may have an effect only together with certain values of another option. */
static int changes_with_another(struct op_check *check, const rondo_option *option) {
    struct option_setting other;
    for (int32_t i = 0; option_moderate(check->op->base.options, check->trial.kit->seed, i, &other); i++) {
        struct result_marks marks = {.count = 0};
        if (other.option == option || !option_is_parsed(&check->trial, &other)) {
            continue;
        }
        check->trial.values[0] = &other;
        fill_marks(check, &marks);
        const int found = any_changes(check, &marks, 1, option);
        check->trial.values[0] = NULL;
        if (found) {
            return 1;
        }
    }
    return 0;
}

enum verdict op_check_options_used(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    struct result_marks marks = {.count = 0};
    const rondo_option *options = trial->descriptor->options;
    if (options == NULL || options->key == NULL) {
        return VERDICT_SKIPPED;
    }
    const enum verdict verdict = fill_marks(&check, &marks);
    if (verdict != VERDICT_PASS) {
        return verdict;
    }
    for (const rondo_option *option = options; option->key != NULL; option++) {
        if (option->type != RONDO_STRING && !any_changes(&check, &marks, 0, option) &&
            !changes_with_another(&check, option)) {
            return trial_say(trial, VERDICT_WARNING,
                             "option '%s' changes nothing: results and gradients of all cases have the same bits with "
                             "all values that were tried",
                             option->key);
        }
    }
    trial_unsay(trial); /* the reason of a refusal, which counts as a change */
    return VERDICT_PASS;
}
