/* kit/op_fixture.h: an op with its data, without a tape, and the cases in which it is tested.
 *
 * An op is called here as the tape and the scan call it, but with guarded memory (kit/guard.h). Each check chooses its
 * initial contents, and which of it may be written. For an elementwise op, map and map_grad are called on one run of
 * elements. The host does broadcasting and accumulation; the check of the gradient covers them
 * (kit/check_op_gradient.c).
 *
 *     static int visit(struct op_check *check, struct op_fixture *fixture) { return op_fixture_both(fixture) && …; }
 *     return op_each_run(&check, visit);
 *
 * The checks of ops are functions that return 1, or 0 with the reason in the check.
 */
#ifndef RONDO_KIT_OP_FIXTURE_H
#define RONDO_KIT_OP_FIXTURE_H

#include "kit/op_sequences.h"
#include "kit/option_settings.h"
#include "kit/subject.h"

/* LEAST_CASES: the smallest number of samples of an op that has samples. DIRECT_CASES: all checks except `samples` use
 * at most this many of them, the first ones. */
enum { LEAST_CASES = 3, MOST_CASES = 1000, DIRECT_CASES = 50 };

/* How the op is applied. */
struct op_settings {
    int32_t dtype;    /* dtype of the floats */
    int32_t training; /* 1 or 0 */
    uint64_t variant; /* number of the set of values that are drawn */
    uint64_t stream;  /* number of the stream of random words */
    int is_clean;     /* what memory that must be written before it is read contains. 1: zeros; 0: poison */
    int may_refuse;   /* 1: the op may fail with a reason; then the fixture is idle */
    int only_infers;  /* 1: nothing is allocated, and only infer is called */
    int32_t alone;    /* 1 + the number of the sequence that is the only one; the others are not-a-number. 0: all */
};

struct op_fixture;
struct op_check;
typedef int op_case_visit(struct op_check *check);
typedef int op_run_visit(struct op_check *check, struct op_fixture *fixture);

/* One check of one op, and the current case. Visitors of shared checks get its trial. */
struct op_check {
    struct trial trial;
    const rondo_op *op;
    rondo_sample sample;
    struct op_lengths lengths;       /* of the sequences of the sample */
    enum op_arrangement arrangement; /* of the sequences; each one is a case of its own */
    int32_t number;                  /* of the case; trial.index is that of the sample */
    const void *options;             /* options of the case */
    struct op_settings settings;     /* settings of the situation: dtype and training */
    op_run_visit *visit;             /* visitor of op_each_run */
    trial_visit *shared_visit;       /* visitor of the adapter */
    enum verdict verdict;            /* the verdict that it returned */
    int64_t tally;                   /* for use by the visitor: 0 before the first case */
    double worst;                    /* the same */
};

/* ---- cases: op_kind.c ---- */

/* Fills `sample` with case `index`: a sample of the op, or a case of the kit for an elementwise op without samples. 0
 * after the last. */
int32_t op_next_sample(const rondo_op *op, int32_t index, rondo_sample *sample);

/* Initialises a check. */
struct op_check op_check_begin(const struct trial *trial);
/* Calls visit for every case until it returns 0, which is VERDICT_FAIL. VERDICT_SKIPPED if there is no case. */
enum verdict op_each_case(struct op_check *check, op_case_visit *visit);
/* Calls visit for every case in f32 and f64, in training and in evaluation, with an open fixture that is not a view.
 * The fixture is closed afterwards. */
enum verdict op_each_run(struct op_check *check, op_run_visit *visit);

/* What elements of the output that are in no sequence contain before forward and, if it does not write to them, after it. */
#define OP_UNUSED (-4096.5)

/* ---- one application: op_fixture.c ---- */

/* All of its memory lives until op_fixture_close. */
struct op_fixture {
    struct subject subject; /* idle if the op failed and was allowed to */
    struct op_check *check;
    struct op_settings settings;
    void (*about_to_call)(void *arg); /* called immediately before the op; NULL: nothing */
    void *about_arg;
    rondo_op_call call;
    struct op_places places; /* of the sequences of an op that looks along them */
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS];
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS]; /* with data for all floats */
    rondo_tensor grad_output;
};

/* Writes the reason, after the case; returns 0. */
int op_refuse(const struct op_check *check, const char *format, ...) RONDO_PRINTF(2, 3);
/* Fills a tensor that has data with numbers of the case, in [low, high). `what` is the name of their stream, `variant`
 * the number of the set. If the tensor consists of sequences (`rows`, else NULL), a sequence gets the same numbers wherever it
 * is, and elements of no sequence are not-a-number. */
void op_draw(const struct op_check *check, const rondo_tensor *tensor, const rondo_rows *rows, double low, double high,
             const char *what, uint64_t variant);
/* |a - b| / max(1, |a|, |b|): relative where numbers are large, absolute where they are small. */
double op_error(double a, double b);

/* Draws inputs, infers the output and allocates everything. Returns 1; 0 with the reason. If fixture->call.is_view is
 * set, there is nothing to call. An input that is f32 in the sample stays f32. If the op may refuse, and sizes are too
 * large for a test, only infer is called, and fixture->call.output.data is NULL. */
int op_fixture_open(struct op_check *check, struct op_settings settings, struct op_fixture *fixture);
void op_fixture_close(struct op_fixture *fixture);

/* 1 if the op has a gradient and input k may have one. */
int op_fixture_has_gradient(const struct op_fixture *fixture, int32_t k);
/* A mask with bit k set for each of these inputs. */
uint32_t op_fixture_gradients(const struct op_fixture *fixture);

/* Calls infer, forward or backward once. `asked` has bit k set if the gradient of input k is requested; backward adds
 * to the gradients, or writes them (elementwise). */
rondo_status op_fixture_infer(struct op_fixture *fixture);
rondo_status op_fixture_forward_status(struct op_fixture *fixture);
rondo_status op_fixture_backward_status(struct op_fixture *fixture, uint32_t asked);

/* The same, with 0 and the reason if the call fails and was not allowed to. */
int op_fixture_forward(struct op_fixture *fixture);
/* The same for backward. First fills the gradients with numbers other than 0, to which backward adds. */
int op_fixture_backward(struct op_fixture *fixture, uint32_t asked);
/* Calls forward and backward; only forward if there is no gradient. */
int op_fixture_both(struct op_fixture *fixture);
/* Element i of the gradient of input k before op_fixture_backward adds to it. An element of a sequence has the same number
 * wherever the sequence is. */
double op_before(const struct op_fixture *fixture, int32_t k, int64_t i);
/* Fills a gradient with these numbers; with poison if the op overwrites it instead of adding. */
void op_fixture_reset_gradient(struct op_fixture *fixture, int32_t k);

/* 0, with the reason "output, element 3: 1.5, but 1.25 <so>", if a tensor of `found` has other bits than in
 * `expected`. */
int op_same_bits(const struct op_check *check, const char *name, int32_t k, const rondo_tensor *expected,
                 const rondo_tensor *found, const char *so);
/* The same for the output and the gradients in `asked`. */
int op_same_runs(const struct op_check *check, const struct op_fixture *expected, const struct op_fixture *found,
                 uint32_t asked, const char *so);

/* ---- a call that is interrupted: op_pause.c ---- */

/* Another thread calls the op on other data in the middle of a call. VERDICT_FAIL if one of the calls gives other bits
 * than when it runs alone. `trial` is a member of an op_check. */
enum verdict op_interrupt(const struct trial *trial);

#endif
