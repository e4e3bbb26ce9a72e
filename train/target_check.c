#include "train/target_check.h"

/* Examples and numbers that are shown at a time; of a loss that compares rows, which may look at every pair, few. */
enum { MOST_EXAMPLES = 1024, MOST_COUPLED = 32, MOST_NUMBERS = 1 << 20 };

/* Outputs for which a loss may refuse good targets differ from loss to loss: an example is bad where it is refused with
 * each of these. */
static const double made_up[] = {0, 0.5};
enum { ATTEMPTS = sizeof made_up / sizeof made_up[0] };

struct showing {
    const struct heads *heads;
    const struct session *session;
    const struct dataset *dataset;
    struct tape *tape;
    struct errors reasons; /* of the tape */
};

/* The targets of examples begin .. end, as they stand in the dataset. */
static rondo_tensor targets_of(const struct dataset *dataset, int64_t begin, int64_t end) {
    const int64_t first = dataset->target_begin[begin], rows = dataset->target_begin[end] - first;
    if (dataset->target_kind == RONDO_TARGET_CLASS) {
        return tensor_1d(RONDO_I32, rows, dataset->target_classes + first);
    }
    return tensor_2d(RONDO_F32, rows, dataset->target_size, dataset->target_numbers + first * dataset->target_size);
}

static rondo_status show(struct showing *showing, int64_t begin, int64_t end, double output) {
    tape_reset(showing->tape);
    const rondo_tensor targets = targets_of(showing->dataset, begin, end);
    rondo_tensor outputs = tensor_2d(RONDO_F32, targets.shape[0], showing->heads->output_size, NULL);
    RONDO_TRY(tensor_alloc(&outputs, tape_arena(showing->tape), &showing->reasons));
    for (int64_t i = 0; i < rondo_count(&outputs); i++) {
        tensor_set(&outputs, i, output);
    }
    struct heads_call call = {.tape = showing->tape,
                              .parallel = &showing->session->parallel,
                              .errors = &showing->reasons,
                              .output_weight = {-1},
                              .output_bias = {-1}};
    heads_record(showing->heads, &call, tape_constant(showing->tape, &outputs), tape_constant(showing->tape, &targets));
    return tape_status(showing->tape);
}

/* RONDO_OK where one attempt is; else the status of the last one, whose reasons are left. */
static rondo_status try_range(struct showing *showing, int64_t begin, int64_t end) {
    rondo_status status = RONDO_OK;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        errors_free(&showing->reasons);
        status = show(showing, begin, end, made_up[attempt]);
        if (status == RONDO_OK) {
            errors_free(&showing->reasons);
            return RONDO_OK;
        }
    }
    return status;
}

static rondo_status refuse(const struct showing *showing, rondo_status status, const char *what, int64_t example,
                           struct errors *errors) {
    const char *reason = showing->reasons.count > 0 ? errors_text(&showing->reasons, 0) : "refused without a reason";
    return errors_add_at(errors, status, showing->heads->loss.terms[0].where, "example %lld of '%s': %s",
                         (long long)example + 1, what, reason);
}

static rondo_status show_all(struct showing *showing, const char *what, struct errors *errors) {
    const struct dataset *dataset = showing->dataset;
    const int64_t most = heads_have(showing->heads, RONDO_LOSS_COUPLES_ROWS) ? MOST_COUPLED : MOST_EXAMPLES;
    for (int64_t begin = 0, end; begin < dataset->count; begin = end) {
        const int64_t room = MOST_NUMBERS / showing->heads->output_size;
        end = begin + 1;
        while (end < dataset->count && end - begin < most &&
               dataset->target_begin[end + 1] - dataset->target_begin[begin] <= room) {
            end++;
        }
        rondo_status status = try_range(showing, begin, end);
        for (int64_t example = begin; status != RONDO_OK && example < end; example++) {
            const rondo_status own = try_range(showing, example, example + 1);
            if (own != RONDO_OK) {
                return refuse(showing, own, what, example, errors);
            }
        }
    }
    return RONDO_OK;
}

rondo_status target_check(const struct heads *heads, const struct session *session, const struct dataset *dataset,
                          const char *what, struct errors *errors) {
    struct showing showing = {.heads = heads, .session = session, .dataset = dataset};
    const struct tape_settings settings = {session->registry, &session->parallel, &showing.reasons};
    if (heads->target_kind == RONDO_TARGET_LIST || dataset->target_begin[dataset->count] == 0) {
        return RONDO_OK; /* lists need the sequences that they belong to */
    }
    showing.tape = tape_create(&settings);
    if (showing.tape == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = show_all(&showing, what, errors);
    tape_destroy(showing.tape);
    errors_free(&showing.reasons);
    return status;
}
