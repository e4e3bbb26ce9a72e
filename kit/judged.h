/* kit/judged.h: a batch under a loss: outputs, targets and predictions in guarded buffers, a tape, and calls of it.
 *
 * Which targets a loss takes, and what outputs, it says by refusing others: judged_each tries classes, numbers and
 * lists of classes, drawn in several ways, and visits what is taken.
 *
 *     static enum verdict visit(struct judged_visit *v) { struct judged *j = judged_create(v, …); … }
 *     return judged_each(kit, descriptor, visit, reason, size);
 *
 * Threads: one batch belongs to one thread at a time; different ones may be judged at the same time.
 */
#ifndef RONDO_KIT_JUDGED_H
#define RONDO_KIT_JUDGED_H

#include "core/host.h"
#include "core/tape.h"
#include "kit/check.h"
#include "kit/guard.h"

/* Rows of a batch, such that buffers end at their guard page; with sequences there are always so many. */
enum { JUDGED_ROWS = 16, JUDGED_SEQUENCE_ROWS = 32, JUDGED_SEQUENCES = 8, JUDGED_STEPS = 8, JUDGED_METRICS = 32 };

/* How numbers are drawn as targets, and outputs. The first that a loss takes is used. */
enum draw_targets {
    TARGETS_NORMAL,
    TARGETS_UNIT,         /* in (0, 1) */
    TARGETS_DISTRIBUTION, /* of a row: positive, with the sum 1 */
    TARGETS_SIGN,         /* -1 or 1 */
    TARGETS_DRAWS
};
enum draw_outputs {
    OUTPUTS_NORMAL,
    OUTPUTS_LOG_PROBABILITIES, /* of a row */
    OUTPUTS_POSITIVE,
    OUTPUTS_DRAWS
};

/* What a loss is tried with. */
struct judged_case {
    int32_t kind; /* enum rondo_target_kind */
    int64_t target_size;
    int32_t has_sequences;
    enum draw_targets targets;
    enum draw_outputs outputs;
    int64_t output_size, prediction_size; /* what it asks for */
};

struct judged_visit {
    struct kit *kit;
    const rondo_loss *loss;
    const char *options; /* text for kit_options; NULL: the defaults */
    struct judged_case tried;
    int32_t training; /* 1: in training; losses with RONDO_LOSS_BEFORE_OUTPUT then get hidden states and weights */
    const void *arg;  /* for the visitor */
    char *reason;
    size_t size;
};

struct judged {
    const rondo_loss *loss;
    struct judged_case tried;
    struct guard *guard;
    struct arena *arena; /* of a call */
    struct errors errors;
    struct tape *tape;
    rondo_loss_call call;
    rondo_sequences sequences;
    int64_t lengths[JUDGED_SEQUENCES], begin[JUDGED_STEPS + 1], target_begin[JUDGED_SEQUENCES + 1];
    uint64_t seed;
    int32_t drawn; /* the instance that numbers were drawn from last */
    int64_t rows;
    int64_t losses_expected; /* rows, or sequences */
    /* What record is a function of: outputs; or hidden states, weight and bias of the output layer. */
    rondo_tensor inputs[3], gradients[3];
    int32_t n_inputs;
    rondo_tensor outputs; /* (rows, output_size), for predict; inputs[0] where that is the same */
    rondo_tensor targets, predictions;
    struct parallel parallel;  /* one thread at first; of the tape as well */
    int64_t *allocations_left; /* see struct host_call */

    const rondo_tensor *losses; /* of judged_record, until the next */
    int32_t unknown_status;     /* the first status that is none; 0 */
    int quiet;                  /* a call failed and did not say why */
    int ignored;                /* a call failed and returned RONDO_OK */
    int drew;                   /* record drew random words */
};

/* Calls visit for every kind of targets that the loss takes, out of training and in it; stops at the first that does
 * not pass. VERDICT_FAIL where it takes none. */
enum verdict judged_each(struct kit *kit, const rondo_descriptor *descriptor,
                         enum verdict (*visit)(struct judged_visit *visit), char *reason, size_t size);
/* The same with options, text for kit_options; `arg` is for the visitor. Then no targets need be taken, and sizes too
 * large to be tried are left out. */
enum verdict judged_each_with(struct kit *kit, const rondo_descriptor *descriptor, const char *options, const void *arg,
                              enum verdict (*visit)(struct judged_visit *visit), char *reason, size_t size);

/* A batch as the visit says, of `rows` rows (without sequences; JUDGED_ROWS is usual), with the numbers of `instance`.
 * NULL with the reason. */
struct judged *judged_create(struct judged_visit *visit, int32_t dtype, int64_t rows, int32_t instance);
/* Rows begin .. end - 1 of a batch without sequences, as a batch of their own. NULL with the reason. */
struct judged *judged_part(struct judged_visit *visit, const struct judged *from, int64_t begin, int64_t end);
/* Frees the tape and the arena, so that there can be many. */
void judged_close(struct judged *judged);
/* Draws inputs and targets of rows begin .. end - 1 anew, from `instance`; lists with all rows alone. */
void judged_draw(struct judged *judged, int32_t instance, int64_t begin, int64_t end);

/* Records the losses. With `backward`, gradients[k] gets that of sum_i w_i loss_i by inputs[k], w_i = judged_weight(i).
 * RONDO_INTERNAL where the losses are not of the shape that they should have. */
rondo_status judged_record(struct judged *judged, int backward);
double judged_weight(int64_t i);
/* That sum. */
double judged_sum(const struct judged *judged);
rondo_status judged_predict(struct judged *judged);
/* Adds to sums[JUDGED_METRICS]. RONDO_OK without metrics. */
rondo_status judged_measure(struct judged *judged, double *sums);
/* How many metrics there are. */
int32_t judged_metrics(const rondo_loss *loss);

/* kit_say, with what was tried in front: "5 classes, in training: …". */
enum verdict judged_say(const struct judged_visit *visit, enum verdict verdict, const char *format, ...)
    RONDO_PRINTF(3, 4);
/* "record failed: …" as the reason; VERDICT_FAIL. */
enum verdict judged_failed(const struct judged_visit *visit, const struct judged *judged, const char *what);

#endif
