#include "train/target_check.h"

/* The largest number of examples, and of numbers in their outputs, that are tried together; few examples for a loss that
 * compares rows, which may look at every pair. */
enum { MOST_EXAMPLES = 1024, MOST_COUPLED = 32, MOST_LISTS = 16, MOST_NUMBERS = 1 << 20 };

/* The invented outputs. A loss may refuse some outputs independently of the targets, so an example counts as bad only
 * if it is refused with each of these. */
static const double made_up[] = {0, 0.5};
enum { ATTEMPTS = sizeof made_up / sizeof made_up[0] };

struct target_trial {
    const struct heads *heads;
    const struct session *session;
    const struct dataset *dataset;
    const struct stream *target;
    const struct batch_plan *plan;
    struct tape *tape;
    struct errors reasons; /* of the tape */
};

/* The targets of examples begin .. end that are not missing, [rows, size], as the model sees them. */
static rondo_status targets_of(struct target_trial *trial, int64_t begin, int64_t end, rondo_tensor *targets) {
    const struct stream *stream = trial->target;
    int64_t rows = 0, row = 0;
    for (int64_t i = begin; i < end; i++) {
        for (int64_t t = 0; t < stream->length[i]; t++) {
            rows += stream_has_target(stream, stream->begin[i] + t);
        }
    }
    *targets = tensor_2d(RONDO_F32, rows, stream->size, NULL);
    RONDO_TRY(tensor_alloc(targets, tape_arena(trial->tape), &trial->reasons));
    for (int64_t i = begin; i < end; i++) {
        for (int64_t t = 0; t < stream->length[i]; t++) {
            if (stream_has_target(stream, stream->begin[i] + t)) {
                for (int64_t k = 0; k < stream->size; k++) {
                    const double stored = (double)stream_number(stream, stream->begin[i] + t, k);
                    tensor_set(targets, row * stream->size + k,
                               stream_to_model(stream, dataset_group(trial->dataset, i), k, stored));
                }
                row++;
            }
        }
    }
    return RONDO_OK;
}

/* Records the losses of targets for outputs that all have the same value. */
static rondo_status record(struct target_trial *trial, const rondo_tensor *targets, int64_t rows,
                           const rondo_sequences *sequences, double output) {
    rondo_tensor outputs = tensor_2d(RONDO_F32, rows, trial->heads->output_size, NULL);
    RONDO_TRY(tensor_alloc(&outputs, tape_arena(trial->tape), &trial->reasons));
    for (int64_t i = 0; i < rondo_count(&outputs); i++) {
        tensor_set(&outputs, i, output);
    }
    struct heads_call call = {.tape = trial->tape,
                              .parallel = &trial->session->parallel,
                              .errors = &trial->reasons,
                              .sequences = sequences,
                              .output_weight = {-1},
                              .output_bias = {-1}};
    heads_record(trial->heads, &call, tape_constant(trial->tape, &outputs), tape_constant(trial->tape, targets));
    return tape_status(trial->tape);
}

/* Lists, with the time axis of their examples. */
static rondo_status try_lists(struct target_trial *trial, int64_t begin, int64_t end, double output) {
    int64_t examples[MOST_LISTS];
    struct batch batch = {0};
    for (int64_t i = begin; i < end; i++) {
        examples[i - begin] = i;
    }
    RONDO_TRY(batch_pack(trial->dataset, examples, end - begin, trial->plan, 1, tape_arena(trial->tape), &batch,
                         &trial->reasons));
    rondo_sequences sequences = time_axis_sequences(&batch.time);
    sequences.target_begin = batch.target_begin;
    return record(trial, &batch.targets, batch.time.total, &sequences, output);
}

static rondo_status try_output(struct target_trial *trial, int64_t begin, int64_t end, double output) {
    tape_reset(trial->tape);
    if (trial->target->kind == STREAM_LIST) {
        return try_lists(trial, begin, end, output);
    }
    rondo_tensor targets;
    RONDO_TRY(targets_of(trial, begin, end, &targets));
    return targets.shape[0] == 0 ? RONDO_OK : record(trial, &targets, targets.shape[0], NULL, output);
}

/* RONDO_OK if the loss accepts the range in one attempt; otherwise the status and errors of the last attempt. */
static rondo_status try_range(struct target_trial *trial, int64_t begin, int64_t end) {
    rondo_status status = RONDO_OK;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        errors_free(&trial->reasons);
        status = try_output(trial, begin, end, made_up[attempt]);
        if (status == RONDO_OK) {
            errors_free(&trial->reasons);
            return RONDO_OK;
        }
    }
    return status;
}

static rondo_status refuse(const struct target_trial *trial, rondo_status status, const char *what, int64_t example,
                           struct errors *errors) {
    const char *reason = trial->reasons.count > 0 ? errors_text(&trial->reasons, 0) : "refused without a reason";
    return errors_add_at(errors, status, trial->heads->loss.terms[0].where, "example %lld of '%s': %s",
                         (long long)example + 1, what, reason);
}

/* How many examples from `begin` on are tried together. */
static int64_t range_end(const struct target_trial *trial, int64_t begin) {
    const int is_list = trial->target->kind == STREAM_LIST;
    const int64_t most = is_list                                             ? MOST_LISTS
                         : heads_have(trial->heads, RONDO_LOSS_COUPLES_ROWS) ? MOST_COUPLED
                                                                             : MOST_EXAMPLES;
    const int64_t room = MOST_NUMBERS / trial->heads->output_size;
    int64_t rows = 0, end = begin;
    while (end < trial->dataset->count && end - begin < most) {
        rows += is_list ? example_steps(trial->dataset, end, trial->plan) : trial->target->length[end];
        if (end > begin && rows > room) {
            break;
        }
        end++;
    }
    return end;
}

static rondo_status check_ranges(struct target_trial *trial, const char *what, struct errors *errors) {
    const struct dataset *dataset = trial->dataset;
    for (int64_t begin = 0, end; begin < dataset->count; begin = end) {
        end = range_end(trial, begin);
        rondo_status status = try_range(trial, begin, end);
        for (int64_t example = begin; status != RONDO_OK && example < end; example++) {
            const rondo_status own = try_range(trial, example, example + 1);
            if (own != RONDO_OK) {
                return refuse(trial, own, what, example, errors);
            }
        }
    }
    return RONDO_OK;
}

rondo_status target_check(const struct heads *heads, const struct session *session, const struct dataset *dataset,
                          const struct batch_plan *plan, const char *what, struct errors *errors) {
    const struct stream *target = dataset_find(dataset, "target");
    struct target_trial trial = {
        .heads = heads, .session = session, .dataset = dataset, .target = target, .plan = plan};
    const struct tape_settings settings = {session->registry, &session->parallel, &trial.reasons};
    if (target->elements == 0) {
        return RONDO_OK;
    }
    if (target->kind == STREAM_CLASS) {
        /* dataset_add has checked every class, and a loss for classes takes all of them. */
        RONDO_CHECK(target->size == heads->target_size, errors, "data and loss have the same number of classes");
        return RONDO_OK;
    }
    trial.tape = tape_create(&settings);
    if (trial.tape == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = check_ranges(&trial, what, errors);
    tape_destroy(trial.tape);
    errors_free(&trial.reasons);
    return status;
}
