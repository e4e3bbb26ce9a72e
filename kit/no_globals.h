/* kit/no_globals.h: whether calls of a plug-in change its global variables, which a function that runs on any thread
 * may not. */
#ifndef RONDO_KIT_NO_GLOBALS_H
#define RONDO_KIT_NO_GLOBALS_H

#include "kit/check.h"

/* Calls call(arg) once, which may fill what is filled once, and then again: VERDICT_FAIL, with how many bytes, where
 * that changed global variables of the file that `descriptor` comes from. */
enum verdict keeps_no_globals(struct kit *kit, const rondo_descriptor *descriptor, void (*call)(void *arg), void *arg,
                              char *reason, size_t size);

#endif
