/* kit/globals.h: the writable data of a loaded plug-in, which keeps its values from call to call.
 *
 * A race between two threads for a global variable changes results only sometimes, but a change of the variable by a
 * call can always be seen. Variables of a thread (_Thread_local) and memory that a global points to are not included.
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

/* Copies the globals of the shared object that contains `address`: for a plug-in the name of one of its descriptors
 * (the descriptor that the registry returns is a copy). 0 for the program itself, whose globals are shared, and if
 * memory is short. */
int globals_copy(const void *address, struct arena *arena, struct globals *globals);
/* The number of bytes that have changed since they were copied; *first gets the address of the first of them. */
size_t globals_changed(const struct globals *globals, const void **first);

#endif
