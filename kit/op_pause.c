/* kit/op_pause.c: makes two threads run the same op at the same time, without depending on chance.
 *
 * Two calls that share memory (a static array, scratch memory in a static pointer) affect each other only if one runs
 * between two steps of the other. So a call is stopped in the middle. One of its buffers is protected against reading
 * and writing, and the first access to it causes a fault. The handler of the fault lets another thread call the op on
 * other data, then makes the buffer accessible again, and the first call continues. This is repeated for each buffer.
 * If the op holds a lock, the other thread has to wait for it; then the first call continues after a moment. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS and SA_SIGINFO */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

#include "core/tensor.h"
#include "kit/op_fixture.h"
#include "kit/run_on_threads.h"

/* A thread polls for the other one for some microseconds, then sleeps between polls, for a total of a tenth of a
 * second. */
enum { REASON = 256, LOOKS = 20000, NAP = 50000 /* nanoseconds */, MOST_NAPS = 1000 };

struct op_pause {
    /* The pages of the buffer at which the first thread stops. */
    unsigned char *start;
    size_t bytes;
    atomic_int is_closed;

    atomic_int go, done, over; /* the other thread should run; it has run; it may end */
    struct op_fixture first, other;
    const struct op_fixture *alone, *other_alone; /* the same calls, made alone, with the expected bits */
    struct op_check other_check;
    char other_reason[REASON];
    int first_passed, other_passed;
};

/* A signal handler has no argument, so this is a global. Only the thread that checks writes it. */
static struct op_pause *_Atomic current;
/* The previous handlers of SIGSEGV and SIGBUS. */
static struct sigaction before[2];

/* Returns when `flag` is 1, or after a moment. pselect is one of the few calls that sleep and may be made by a signal
 * handler. */
static void wait_for(atomic_int *flag, int naps) {
    const struct timespec nap = {0, NAP};
    for (int look = 0; look < LOOKS && atomic_load(flag) == 0; look++) {
    }
    for (int k = 0; k < naps && atomic_load(flag) == 0; k++) {
        pselect(0, NULL, NULL, NULL, &nap, NULL);
    }
}

static void open_buffer(struct op_pause *pause) {
    if (atomic_exchange(&pause->is_closed, 0) != 0) {
        mprotect(pause->start, pause->bytes, PROT_READ | PROT_WRITE);
    }
}

static void handle_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    struct op_pause *pause = atomic_load(&current);
    const unsigned char *at = info->si_addr;
    if (pause == NULL || at < pause->start || at >= pause->start + pause->bytes ||
        atomic_load(&pause->is_closed) == 0) {
        sigaction(number, &before[number == SIGBUS],
                  NULL); /* a fault of the op itself: it happens again, and the previous handler gets it */
        return;
    }
    atomic_store(&pause->done, 0);
    atomic_store(&pause->go, 1);
    wait_for(&pause->done, MOST_NAPS);
    open_buffer(pause);
}

static void close_buffer(void *arg) {
    struct op_pause *pause = arg;
    if (pause->bytes > 0) {
        atomic_store(&pause->is_closed, 1);
        mprotect(pause->start, pause->bytes, PROT_NONE);
    }
}

/* The pages that contain `bytes` bytes at `data`. No other buffer has memory in these pages. */
static void choose_buffer(struct op_pause *pause, void *data, size_t bytes) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)data / page * page, end = ((uintptr_t)data + bytes + page - 1) / page * page;
    pause->start = (unsigned char *)begin;
    pause->bytes = data == NULL || bytes == 0 ? 0 : end - begin;
}

static int interrupt_at(struct op_pause *pause, void *data, size_t bytes) {
    struct op_fixture *first = &pause->first;
    choose_buffer(pause, data, bytes);
    if (pause->bytes == 0) {
        return 1;
    }
    const int ran = op_fixture_both(first);
    open_buffer(pause);
    return ran && op_same_runs(first->check, pause->alone, first, op_fixture_gradients(first),
                               "if another thread calls the op in the middle of the call: they share memory");
}

static int interrupt_everywhere(struct op_pause *pause) {
    struct op_fixture *first = &pause->first;
    int passed = interrupt_at(pause, first->call.output.data, tensor_bytes(&first->call.output)) &&
                 interrupt_at(pause, first->grad_output.data, tensor_bytes(&first->grad_output)) &&
                 interrupt_at(pause, first->call.saved, first->call.saved_bytes) &&
                 interrupt_at(pause, first->call.scratch, first->call.scratch_bytes);
    for (int32_t k = 0; k < first->call.n_inputs && passed; k++) {
        passed = interrupt_at(pause, first->inputs[k].data, tensor_bytes(&first->inputs[k])) &&
                 interrupt_at(pause, first->gradients[k].data,
                              first->gradients[k].data == NULL ? 0 : tensor_bytes(&first->gradients[k]));
    }
    return passed;
}

/* Calls the op each time the first thread has stopped. */
static void serve(struct op_pause *pause) {
    while (atomic_load(&pause->over) == 0) {
        wait_for(&pause->go, 1);
        if (atomic_exchange(&pause->go, 0) != 0) {
            pause->other_passed = pause->other_passed && op_fixture_both(&pause->other) &&
                                  op_same_runs(&pause->other_check, pause->other_alone, &pause->other,
                                               op_fixture_gradients(&pause->other),
                                               "if another thread is in the middle of the op: they share memory");
            atomic_store(&pause->done, 1);
        }
    }
}

static void run_either(void *arg, int32_t k) {
    struct op_pause *pause = arg;
    if (k > 0) {
        serve(pause);
        return;
    }
    pause->first_passed = interrupt_everywhere(pause);
    atomic_store(&pause->over, 1);
}

static void run_both(struct op_pause *pause) {
    const struct parallel two = {2};
    struct sigaction handler = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};
    sigemptyset(&handler.sa_mask);
    atomic_store(&current, pause);
    sigaction(SIGSEGV, &handler, &before[0]);
    sigaction(SIGBUS, &handler, &before[1]);
    run_on_threads(&two, run_either, pause);
    sigaction(SIGSEGV, &before[0], NULL);
    sigaction(SIGBUS, &before[1], NULL);
    atomic_store(&current, NULL);
}

/* Under valgrind a handler does not return exactly to the interrupted instruction with its registers. */
static int is_emulated(void) {
    const char *preload = getenv("LD_PRELOAD");
    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

static int same_interrupted(struct op_check *check, const struct op_fixture *fixture) {
    struct op_pause pause = {.alone = fixture, .other_check = *check, .other_passed = 1};
    struct op_settings settings = fixture->settings;
    struct op_fixture other_alone = {0};
    if (is_emulated()) {
        return 1;
    }
    pause.other_check.trial.reason = pause.other_reason;
    pause.other_check.trial.size = sizeof pause.other_reason;
    pause.other_alone = &other_alone;
    int passed = op_fixture_open(check, settings, &pause.first);
    settings.variant++;
    passed = passed && op_fixture_open(check, settings, &other_alone) && op_fixture_both(&other_alone) &&
             op_fixture_open(&pause.other_check, settings, &pause.other);
    if (passed) {
        pause.first.about_to_call = close_buffer;
        pause.first.about_arg = &pause;
        run_both(&pause);
        passed = pause.first_passed;
        if (passed && !pause.other_passed) {
            passed = 0;
            snprintf(check->trial.reason, check->trial.size, "%s", pause.other_reason);
        }
    }
    op_fixture_close(&pause.first);
    op_fixture_close(&pause.other);
    op_fixture_close(&other_alone);
    return passed;
}

/* An interruption takes time, so only the first cases are interrupted, and only in training. */
enum { INTERRUPTED_CASES = 4 };

enum verdict op_interrupt(const struct trial *trial) {
    struct op_check check = *(const struct op_check *)trial; /* trial is the first member */
    struct op_fixture fixture;
    if (!check.settings.training || trial->index >= INTERRUPTED_CASES) {
        return VERDICT_PASS;
    }
    const int passed = op_fixture_open(&check, check.settings, &fixture) &&
                       (fixture.call.is_view || (op_fixture_both(&fixture) && same_interrupted(&check, &fixture)));
    op_fixture_close(&fixture);
    return passed ? VERDICT_PASS : VERDICT_FAIL;
}
