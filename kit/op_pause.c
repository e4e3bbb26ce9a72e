/* kit/op_pause.c: two threads in the same op, on purpose rather than by luck.
 *
 * Two calls that share memory (a static array, scratch kept behind a static pointer) disturb each other only where one
 * comes between two steps of the other. So a call is stopped there: one of its buffers is closed to reading and
 * writing, the first touch of it is a fault, and the handler of the fault has another thread call the op on other data
 * before it opens the buffer and lets the first go on. Each buffer in turn. An op that holds a lock meanwhile makes the
 * other thread wait; then the first goes on after a moment. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS and SA_SIGINFO */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>

#include "core/tensor.h"
#include "kit/at_once.h"
#include "kit/op_check.h"

/* A thread looks for the other one for some microseconds, then sleeps from look to look: a tenth of a second in all. */
enum { REASON = 256, LOOKS = 20000, NAP = 50000 /* nanoseconds */, MOST_NAPS = 1000 };

struct pause {
    /* The buffer of the first thread at which it stops, in whole pages. */
    unsigned char *start;
    size_t bytes;
    atomic_int is_closed;

    atomic_int go, done, over; /* the other thread shall run; has run; may end */
    struct op_run first, other;
    const struct op_run *alone, *other_alone; /* the bits that they shall have */
    struct op_check other_check;
    char other_reason[REASON];
    int first_passed, other_passed;
};

/* A handler gets no argument. Written by the one thread that checks. */
static struct pause *_Atomic current;
/* The handlers of SIGSEGV and SIGBUS that were there. */
static struct sigaction before[2];

/* Returns when `flag` is 1, or after a moment. Of the calls that sleep, pselect is among the few that a handler may
 * make. */
static void wait_for(atomic_int *flag, int naps) {
    const struct timespec nap = {0, NAP};
    for (int look = 0; look < LOOKS && atomic_load(flag) == 0; look++) {
    }
    for (int k = 0; k < naps && atomic_load(flag) == 0; k++) {
        pselect(0, NULL, NULL, NULL, &nap, NULL);
    }
}

static void open_buffer(struct pause *pause) {
    if (atomic_exchange(&pause->is_closed, 0) != 0) {
        mprotect(pause->start, pause->bytes, PROT_READ | PROT_WRITE);
    }
}

static void handle_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    struct pause *pause = atomic_load(&current);
    const unsigned char *at = info->si_addr;
    if (pause == NULL || at < pause->start || at >= pause->start + pause->bytes ||
        atomic_load(&pause->is_closed) == 0) {
        sigaction(number, &before[number == SIGBUS], NULL); /* a fault of the op: it happens again, and is theirs */
        return;
    }
    atomic_store(&pause->done, 0);
    atomic_store(&pause->go, 1);
    wait_for(&pause->done, MOST_NAPS);
    open_buffer(pause);
}

static void close_buffer(void *arg) {
    struct pause *pause = arg;
    if (pause->bytes > 0) {
        atomic_store(&pause->is_closed, 1);
        mprotect(pause->start, pause->bytes, PROT_NONE);
    }
}

/* The pages of `bytes` at `data`, which are that buffer's alone. */
static void choose_buffer(struct pause *pause, void *data, size_t bytes) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)data / page * page, end = ((uintptr_t)data + bytes + page - 1) / page * page;
    pause->start = (unsigned char *)begin;
    pause->bytes = data == NULL || bytes == 0 ? 0 : end - begin;
}

static int interrupt_at(struct pause *pause, void *data, size_t bytes) {
    struct op_run *first = &pause->first;
    choose_buffer(pause, data, bytes);
    if (pause->bytes == 0) {
        return 1;
    }
    const int ran = op_run_both(first);
    open_buffer(pause);
    return ran && op_same_runs(first->check, pause->alone, first, op_run_gradients(first),
                               "where another thread calls the op in the middle: they share memory");
}

static int interrupt_everywhere(struct pause *pause) {
    struct op_run *first = &pause->first;
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

/* Calls the op whenever the first thread stands still. */
static void serve(struct pause *pause) {
    while (atomic_load(&pause->over) == 0) {
        wait_for(&pause->go, 1);
        if (atomic_exchange(&pause->go, 0) != 0) {
            pause->other_passed =
                pause->other_passed && op_run_both(&pause->other) &&
                op_same_runs(&pause->other_check, pause->other_alone, &pause->other, op_run_gradients(&pause->other),
                             "where another thread is in the middle of the op: they share memory");
            atomic_store(&pause->done, 1);
        }
    }
}

static void run_either(void *arg, int32_t k) {
    struct pause *pause = arg;
    if (k > 0) {
        serve(pause);
        return;
    }
    pause->first_passed = interrupt_everywhere(pause);
    atomic_store(&pause->over, 1);
}

static void run_both(struct pause *pause) {
    const struct parallel two = {2};
    struct sigaction handler = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};
    sigemptyset(&handler.sa_mask);
    atomic_store(&current, pause);
    sigaction(SIGSEGV, &handler, &before[0]);
    sigaction(SIGBUS, &handler, &before[1]);
    at_once(&two, run_either, pause);
    sigaction(SIGSEGV, &before[0], NULL);
    sigaction(SIGBUS, &before[1], NULL);
    atomic_store(&current, NULL);
}

/* Valgrind keeps registers for itself between faults: what a handler returns to need not be what was interrupted. */
static int is_emulated(void) {
    const char *preload = getenv("LD_PRELOAD");
    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

int op_same_interrupted(struct op_check *check, const struct op_run *run) {
    struct pause pause = {.alone = run, .other_check = *check, .other_passed = 1};
    struct op_settings settings = run->settings;
    struct op_run other_alone = {0};
    if (is_emulated()) {
        return 1;
    }
    pause.other_check.reason = pause.other_reason;
    pause.other_check.size = sizeof pause.other_reason;
    pause.other_alone = &other_alone;
    int passed = op_run_open(check, settings, &pause.first);
    settings.variant++;
    passed = passed && op_run_open(check, settings, &other_alone) && op_run_both(&other_alone) &&
             op_run_open(&pause.other_check, settings, &pause.other);
    if (passed) {
        pause.first.about_to_call = close_buffer;
        pause.first.about_arg = &pause;
        run_both(&pause);
        passed = pause.first_passed;
        if (passed && !pause.other_passed) {
            passed = 0;
            kit_say(check->reason, check->size, VERDICT_FAIL, "%s", pause.other_reason);
        }
    }
    op_run_close(&pause.first);
    op_run_close(&pause.other);
    op_run_close(&other_alone);
    return passed;
}
