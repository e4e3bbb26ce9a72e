/* kit/op_fixture.h: an op with its data, outside of any tape, and the cases that it is tried in.
 *
 * An op is called here as the tape and the scan call it, but with guarded memory (kit/guard.h), of which each check
 * chooses what it holds at first and what may be written. Of an elementwise op, map and map_grad are called on one run
 * of elements; broadcasting and accumulation are the host's, and covered with the gradient (kit/check_op_gradient.c).
 *
 *     static int visit(struct op_check *check, struct op_fixture *fixture) { return op_fixture_both(fixture) && …; }
 *     return op_each_run(&check, visit);
 *
 * The checks of ops are functions that return 1, or 0 with the reason in the check.
 */
#ifndef RONDO_KIT_OP_FIXTURE_H
#define RONDO_KIT_OP_FIXTURE_H

#include "kit/option_settings.h"
#include "kit/subject.h"

/* LEAST_CASES: of an op with its own samples. DIRECT_CASES: all checks but `samples` look at the first of them. */
enum { LEAST_CASES = 3, MOST_CASES = 1000, DIRECT_CASES = 50 };

/* How the op is applied. */
struct op_settings {
    int32_t dtype;    /* of the floats */
    int32_t training; /* 1 or 0 */
    uint64_t variant; /* of the numbers */
    uint64_t stream;  /* of the random words */
    int is_clean;     /* 1: memory that must not be read before it is written holds zeros; 0: poison */
    int may_refuse;   /* 1: the op may fail, if it says why; then the fixture is idle */
    int only_infers;  /* 1: nothing is allocated, and only infer is called */
};

struct op_fixture;
struct op_check;
typedef int op_case_visit(struct op_check *check);
typedef int op_run_visit(struct op_check *check, struct op_fixture *fixture);

/* One check of one op, and the current case. Its trial is the one that visitors of shared checks get. */
struct op_check {
    struct trial trial;
    const rondo_op *op;
    rondo_sample sample;
    const void *options;         /* of the case */
    struct op_settings settings; /* of the situation: dtype and training */
    op_run_visit *visit;         /* of op_each_run */
    trial_visit *shared_visit;   /* of the adapter */
    enum verdict verdict;        /* what it returned */
    int64_t tally;               /* for the visitor: 0 before the first case */
    double worst;                /* the same */
};

/* ---- cases: op_kind.c ---- */

/* Fills `sample` with case `index`: the op's own, or one of an elementwise op without samples. 0 past the last. */
int32_t op_next_sample(const rondo_op *op, int32_t index, rondo_sample *sample);

/* A check at its start. */
struct op_check op_check_begin(const struct trial *trial);
/* Calls visit for every case until it returns 0, which is VERDICT_FAIL. VERDICT_SKIPPED if there is no case. */
enum verdict op_each_case(struct op_check *check, op_case_visit *visit);
/* Calls visit for every case in f32 and f64, in training and out of it, with an open fixture that is not a view. The
 * fixture is closed afterwards. */
enum verdict op_each_run(struct op_check *check, op_run_visit *visit);

/* ---- one application: op_fixture.c ---- */

/* All of its memory lives until op_fixture_close. */
struct op_fixture {
    struct subject subject; /* idle: the op failed, which it may */
    struct op_check *check;
    struct op_settings settings;
    void (*about_to_call)(void *arg); /* called when all is ready, right before the op; NULL: nothing */
    void *about_arg;
    rondo_op_call call;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS];
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS]; /* with data for all floats */
    rondo_tensor grad_output;
};

/* Writes the reason, after the case; returns 0. */
int op_refuse(const struct op_check *check, const char *format, ...) RONDO_PRINTF(2, 3);
/* Fills a tensor that has data with numbers of the case, in [low, high). `what` is the name of their stream, `variant`
 * the number of the set. */
void op_draw(const struct op_check *check, const rondo_tensor *tensor, double low, double high, const char *what,
             uint64_t variant);
/* |a - b| / max(1, |a|, |b|): relative where numbers are large, absolute where they are small. */
double op_error(double a, double b);

/* Draws inputs, infers the output and allocates everything. Returns 1; 0 with the reason. Where fixture->call.is_view
 * is set there is nothing to call. An input that the sample has as f32 stays f32. Where the op may refuse, sizes too
 * large to be tried are only inferred: fixture->call.output.data is NULL. */
int op_fixture_open(struct op_check *check, struct op_settings settings, struct op_fixture *fixture);
void op_fixture_close(struct op_fixture *fixture);

/* 1 if the op has a gradient and input k may have one. */
int op_fixture_has_gradient(const struct op_fixture *fixture, int32_t k);
/* Bit k for each of those. */
uint32_t op_fixture_gradients(const struct op_fixture *fixture);

/* Calls infer, forward or backward once. `asked` has bit k where the gradient of input k is wanted; backward adds to
 * the gradients, or writes them (elementwise). */
rondo_status op_fixture_infer(struct op_fixture *fixture);
rondo_status op_fixture_forward_status(struct op_fixture *fixture);
rondo_status op_fixture_backward_status(struct op_fixture *fixture, uint32_t asked);

/* The same where the call has to succeed, or may refuse: 0, with the reason, where it does not. */
int op_fixture_forward(struct op_fixture *fixture);
/* Fills the gradients first: with numbers other than 0 to add to. */
int op_fixture_backward(struct op_fixture *fixture, uint32_t asked);
/* Both; only forward if there is no gradient. */
int op_fixture_both(struct op_fixture *fixture);
/* Element i of a gradient before op_fixture_backward adds to it. */
double op_before(int64_t i);
/* Fills a gradient with that; with poison where the op writes it. */
void op_fixture_reset_gradient(struct op_fixture *fixture, int32_t k);

/* 0, with the reason "output, element 3: 1.5, but 1.25 <so>", where a tensor of `found` has other bits than in
 * `expected`. */
int op_same_bits(const struct op_check *check, const char *name, int32_t k, const rondo_tensor *expected,
                 const rondo_tensor *found, const char *so);
/* The same for the output and the gradients in `asked`. */
int op_same_runs(const struct op_check *check, const struct op_fixture *expected, const struct op_fixture *found,
                 uint32_t asked, const char *so);

/* ---- a call that is interrupted: op_pause.c ---- */

/* Another thread calls the op on other data in the middle of a call. VERDICT_FAIL where either gets other bits than
 * alone. `trial` is of an op_check. */
enum verdict op_interrupt(const struct trial *trial);

#endif
