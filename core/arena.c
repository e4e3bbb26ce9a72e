#define _POSIX_C_SOURCE 200809L
#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"
#include "core/number.h"
#include "core/resident.h"

enum { ALIGNMENT = 64, FIRST_BLOCK = 64 * 1024, LARGEST_STEP = 64 * 1024 * 1024 };

/* Blocks form a list in the order of use. Those after `current` are empty and are reused before new ones are added. */
struct arena_block {
    struct arena_block *next;
    size_t size; /* of data, a multiple of ALIGNMENT */
    size_t used;
    size_t most; /* of `used` so far */
    char *data;  /* aligned */
};

struct arena {
    struct arena_block *first, *current;
    size_t capacity;
    int failed; /* an allocation has failed since the last reset */
};

struct arena *arena_create(void) {
    return calloc(1, sizeof(struct arena));
}

static void free_blocks(struct arena *arena) {
    struct arena_block *next;
    for (struct arena_block *block = arena->first; block != NULL; block = next) {
        next = block->next;
        free(block->data);
        free(block);
    }
    arena->first = arena->current = NULL;
    arena->capacity = 0;
}

void arena_destroy(struct arena *arena) {
    if (arena == NULL) {
        return;
    }
    free_blocks(arena);
    free(arena);
}

int arena_failed(const struct arena *arena) {
    return arena == NULL || arena->failed;
}

/* Enters the failed state. NULL, for the caller to return. */
static void *fail(struct arena *arena) {
    if (arena != NULL) {
        arena->failed = 1;
    }
    return NULL;
}

/* Blocks of more than the machine has left are refused: Linux would grant them, and end the process later. */
static void *allocate(size_t size) {
    if (!memory_has_room(size)) {
        memory_refuse(size);
        return NULL;
    }
    return memory_aligned(ALIGNMENT, size);
}

/* Inserts a new block after the current one. Blocks grow geometrically, so that a large arena has few of them. */
static struct arena_block *add_block(struct arena *arena, size_t bytes) {
    size_t size = arena->capacity;
    if (size < FIRST_BLOCK) {
        size = FIRST_BLOCK;
    }
    if (size > LARGEST_STEP) {
        size = LARGEST_STEP;
    }
    if (size < bytes) {
        size = bytes;
    }
    struct arena_block *block = calloc(1, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    block->data = allocate(size);
    if (block->data == NULL) {
        free(block);
        return NULL;
    }
    block->size = size;
    if (arena->current == NULL) {
        arena->first = block;
    } else {
        block->next = arena->current->next;
        arena->current->next = block;
    }
    arena->capacity += size;
    return block;
}

void arena_reset(struct arena *arena) {
    if (arena == NULL) {
        return;
    }
    arena->failed = 0;
    if (arena->first != NULL && arena->first->next != NULL) {
        const size_t size = arena->capacity;
        free_blocks(arena);
        if (add_block(arena, size) == NULL) {
            (void)memory_take_refused(); /* the arena is empty, and grows again */
        }
    }
    arena->current = arena->first;
    if (arena->current != NULL) {
        arena->current->used = 0;
    }
}

void *arena_alloc(struct arena *arena, size_t bytes) {
    if (arena_failed(arena)) {
        return fail(arena);
    }
    if (bytes > SIZE_MAX - ALIGNMENT) {
        memory_refuse(bytes);
        return fail(arena);
    }
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) {
        bytes = ALIGNMENT;
    }
    struct arena_block *block = arena->current;
    if (block == NULL || block->size - block->used < bytes) {
        block = block == NULL ? NULL : block->next;
        /* A block that is too small for this piece stays in the list: pieces after the next reset may fit. */
        if (block == NULL || block->size < bytes) {
            block = add_block(arena, bytes);
            if (block == NULL) {
                return fail(arena);
            }
        }
        block->used = 0;
        arena->current = block;
    }
    void *piece = block->data + block->used;
    block->used += bytes;
    block->most = block->used > block->most ? block->used : block->most;
    return piece;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        memory_refuse(SIZE_MAX);
        return fail(arena);
    }
    void *piece = arena_alloc(arena, count * size);
    if (piece != NULL) {
        memset(piece, 0, count * size);
    }
    return piece;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length) {
    char *copy = length == SIZE_MAX ? fail(arena) : arena_alloc(arena, length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text) {
    return arena_failed(arena) ? NULL : arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    if (arena_failed(arena)) {
        return NULL;
    }
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = number_vprint(NULL, 0, format, again);
    va_end(again);
    char *text = length < 0 ? fail(arena) : arena_alloc(arena, (size_t)length + 1);
    if (text != NULL) {
        number_vprint(text, (size_t)length + 1, format, arguments);
    }
    va_end(arguments);
    return text;
}

struct arena_mark arena_mark(const struct arena *arena) {
    struct arena_mark mark = {0};
    if (arena != NULL && arena->current != NULL) {
        mark = (struct arena_mark){arena->current, arena->current->used};
    }
    return mark;
}

void arena_release(struct arena *arena, struct arena_mark mark) {
    if (arena == NULL) {
        return;
    }
    arena->current = mark.block == NULL ? arena->first : mark.block;
    if (arena->current != NULL) {
        arena->current->used = mark.block == NULL ? 0 : mark.used;
    }
}

size_t arena_capacity(const struct arena *arena) {
    return arena == NULL ? 0 : arena->capacity;
}

size_t arena_resident(const struct arena *arena) {
    size_t bytes = 0;
    for (const struct arena_block *block = arena == NULL ? NULL : arena->first; block != NULL; block = block->next) {
        const size_t resident = resident_bytes(block->data, block->size);
        bytes += resident < block->most ? resident : block->most;
    }
    return bytes;
}
