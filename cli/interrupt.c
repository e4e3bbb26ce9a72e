/* cli/interrupt.c: see cli/interrupt.h. Handlers may run on any thread, several at the same time, and call only
 * async-signal-safe functions. A handler can access only global variables; these are the only ones of the program. */
#define _POSIX_C_SOURCE 200809L
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_llong first_time_ms; /* when the first signal arrived, on the monotonic clock; 0: none has arrived */
static atomic_int first_signal;    /* its number; set after the time */
static atomic_int is_saving;       /* 1: the work has stopped, and is being saved */

static atomic_int is_answer_stopped; /* 1: a conversation has got SIGINT */

static long long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* Ends the process by a signal, as if it had no handler, so that the parent process can see the signal. If the signal
 * is blocked because its handler is running, it takes effect when the handler returns. */
static void end_by(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

static void on_grace_over(int number) {
    static const char text[] = "\nrondo: still busy 8 seconds after the signal to stop: exiting without cleaning up\n";
    static const char saving[] = "\nrondo: the checkpoint is still not written after 120 seconds: exiting without it\n";
    _Static_assert(INTERRUPT_GRACE_SECONDS == 8 && INTERRUPT_SAVE_SECONDS == 120, "the texts contain the numbers");
    (void)number;
    const ssize_t written = atomic_load(&is_saving) ? write(STDERR_FILENO, saving, sizeof saving - 1)
                                                    : write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; /* if standard error is closed, the failure cannot be reported */
    end_by(atomic_load(&first_signal));
}

static void on_signal(int number) {
    const int saved = errno;
    const long long now = now_ms();
    long long first = 0;
    if (atomic_compare_exchange_strong(&first_time_ms, &first, now)) {
        atomic_store(&first_signal, number);
        const struct sigaction grace_over = {.sa_handler = on_grace_over};
        sigaction(SIGALRM, &grace_over, NULL);
        alarm(INTERRUPT_GRACE_SECONDS);
    } else if (now - first > INTERRUPT_SAME_MS) {
        end_by(number);
    }
    errno = saved;
}

static int is_requested(void *arg) {
    (void)arg;
    return atomic_load_explicit(&first_signal, memory_order_relaxed) != 0;
}

static void begin_saving(void *arg) {
    (void)arg;
    if (atomic_load(&first_signal) != 0) {
        atomic_store(&is_saving, 1);
        alarm(INTERRUPT_SAVE_SECONDS);
    }
}

struct interrupt interrupt_on_signals(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            action = (struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART};
            sigaction(numbers[i], &action, NULL);
        }
    }
    return (struct interrupt){.is_requested = is_requested, .begin_saving = begin_saving};
}

static void on_answer_signal(int number) {
    (void)number;
    atomic_store(&is_answer_stopped, 1);
}

void interrupt_on_answers(int is_writing) {
    const struct sigaction action = {.sa_handler = on_answer_signal, .sa_flags = is_writing ? SA_RESTART : 0};
    sigaction(SIGINT, &action, NULL);
}

int interrupt_take_answer(void) {
    return atomic_exchange(&is_answer_stopped, 0);
}
