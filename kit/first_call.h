/* kit/first_call.h: whether what a call gives depends on the options of the first call that the process made.
 *
 * A value that is kept by the first call, `static double a; if (a == 0) { a = options->alpha; }`, never changes again,
 * so that no later call shows it. Two processes do: one that calls with the defaults first, one that does not.
 */
#ifndef RONDO_KIT_FIRST_CALL_H
#define RONDO_KIT_FIRST_CALL_H

#include "kit/check.h"
#include "kit/option_ends.h"

/* Calls the plug-in with one option at another value than its default (NULL: none) and writes what came of it: at most
 * `capacity` numbers. Returns how many; 0 where the options are refused. */
typedef size_t first_call_numbers(struct kit *kit, const rondo_descriptor *descriptor, const struct option_end *value,
                                  double *numbers, size_t capacity);

/* One moderate value of each option, against the defaults. Nothing of the plug-in was called before in this process. */
enum verdict first_call_is_forgotten(struct kit *kit, const rondo_descriptor *descriptor, first_call_numbers *numbers,
                                     char *reason, size_t size);

/* Appends the elements of a tensor to `numbers`, as many as there is room for; returns the new count. */
size_t first_call_append(double *numbers, size_t count, size_t capacity, const rondo_tensor *tensor);

#endif
