/* kit/shared.h: the checks that all kinds of plug-ins share. They use a kind through its struct subject_kind. The table
 * of a kind lists them. If a kind has its own check of the same name, it calls the shared check first, and then tests
 * more.
 */
#ifndef RONDO_KIT_SHARED_H
#define RONDO_KIT_SHARED_H

#include "kit/check.h"

/* The names of the shared checks in the tables; ends with NULL. */
extern const char *const shared_check_names[];

kit_check_function shared_status, shared_stays_inside;     /* shared_calls.c */
kit_check_function shared_no_memory, shared_leaks;         /* shared_calls.c */
kit_check_function shared_deterministic, shared_threads;   /* shared_bits.c */
kit_check_function shared_resume;                          /* shared_resume.c */
kit_check_function shared_options_ends, shared_first_call; /* shared_options.c */

struct subject;
/* Compares all results of two subjects. VERDICT_FAIL with "<what>: value[3] is 0.5 and 0.25". */
enum verdict compare_results(const struct trial *trial, const struct subject *a, const struct subject *b,
                             const char *what);
/* Writes the results of a subject as numbers, at most `capacity`, from numbers[count] on; returns the new count. */
size_t append_results(const struct trial *trial, const struct subject *subject, double *numbers, size_t count,
                      size_t capacity);
/* kind->close, or subject_close. */
void close_subject(const struct trial *trial, struct subject *subject);

#endif
