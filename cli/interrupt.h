/* cli/interrupt.h: the signals that ask a command to stop: SIGINT (Ctrl-C), SIGTERM and SIGHUP.
 *
 * After the first signal, work stops at the next place that checks for an interrupt (core/interrupt.h). The command
 * then ends properly, with a message and with all files complete. A plug-in that loops forever never gets to such a
 * place. So the process ends by the signal when a second one arrives, or when INTERRUPT_GRACE_SECONDS have passed: once the
 * work has stopped and writes a checkpoint, INTERRUPT_SAVE_SECONDS from then on. A
 * signal that arrives within INTERRUPT_SAME_MS of the first counts as the same request: timeout(1) and shells send one
 * signal to the process and one to its process group.
 *
 * A signal that the parent process has set to be ignored stays ignored (nohup, background jobs of a script).
 */
#ifndef RONDO_CLI_INTERRUPT_H
#define RONDO_CLI_INTERRUPT_H

#include "core/interrupt.h"

#define INTERRUPT_GRACE_SECONDS 8
#define INTERRUPT_SAVE_SECONDS  120
#define INTERRUPT_SAME_MS       500

/* Installs the handlers and returns the source of interrupts that they set. Call it once, on the main thread. */
struct interrupt interrupt_on_signals(void);

/* For a conversation: from now on SIGINT only ends an answer, or the reading of a line. With `is_writing`, a write that it
 * interrupts goes on, since stdio would take it for a failure of the output; without, a read ends (EINTR). Main thread. */
void interrupt_on_answers(int is_writing);
/* 1 if SIGINT has arrived since the last call. */
int interrupt_take_answer(void);

#endif
