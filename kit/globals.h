/* kit/globals.h: the variables of a plug-in that last from call to call: its writable data as loaded.
 *
 * Two threads that run into each other over a global show only now and then; that a call changed it shows every time.
 * What a thread keeps for itself (_Thread_local) is not among it, nor is what a global points to.
 */
#ifndef RONDO_KIT_GLOBALS_H
#define RONDO_KIT_GLOBALS_H

#include "core/arena.h"

enum { GLOBALS_SEGMENTS = 4 };

struct globals {
    struct {
        const unsigned char *data;
        unsigned char *copy;
        size_t bytes;
    } segments[GLOBALS_SEGMENTS];
    int32_t count;
};

/* Copies the globals of the shared object that contains `address`: for a plug-in the name of one of its descriptors (the
 * descriptor that the registry returns is a copy). 0 for the program itself, whose globals are shared, and if memory is
 * short. */
int globals_copy(const void *address, struct arena *arena, struct globals *globals);
/* How many bytes are others than when they were copied; *first gets the address of the first. */
size_t globals_changed(const struct globals *globals, const void **first);

#endif
