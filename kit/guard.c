/* kit/guard.c: see kit/guard.h. The guard page after a block is that of Electric Fence (Perens 1987).
 *
 * A buffer has its own pages:
 *
 *     | canaries, 64 bytes or more | data | canaries, 0 .. 63 bytes | a page without access |
 *                                  ^ 64-byte aligned                ^ start of a page
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "kit/guard.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/tensor.h"

enum { ALIGNMENT = 64, PATTERN = 8 };

struct guard_buffer {
    const char *name;
    unsigned char *start; /* address of the first canary */
    unsigned char *data;
    size_t bytes; /* size of `data` */
    size_t pages; /* bytes from start to the guard page */
    int is_read_only;
    unsigned char pattern[PATTERN]; /* the canaries: repeated in both directions from `data` on */
    struct guard_buffer *next;
};

struct guard {
    struct guard_buffer *first, *last;
    size_t page;
    struct guard *before, *after; /* in the list of all sets */
};

/* ---- crashes ---- */

/* All sets, for the signal handler. If the handler runs while a thread changes the list, it may crash, but then the
 * process was crashing anyway. A signal handler has no argument, so this and `note` are globals. */
static struct guard *volatile guards;
/* Memory that is shared with the parent; NULL: no parent wants a note. */
static char *note;

static void add_text(size_t *used, const char *text) {
    while (*text != '\0' && *used + 1 < GUARD_NOTE) {
        note[(*used)++] = *text++;
    }
    note[*used] = '\0';
}

/* Every byte of a read-only buffer can be read, so a fault inside it must be a write. */
static int write_note(const struct guard *guard, const struct guard_buffer *buffer, const unsigned char *at) {
    const unsigned char *page = buffer->start + buffer->pages;
    const int is_past_end = at >= page && at < page + guard->page;
    const int is_inside = buffer->is_read_only && at >= buffer->start && at < page;
    size_t used = 0;
    if (!is_past_end && !is_inside) {
        return 0;
    }
    add_text(&used, is_inside ? "wrote to '" : "touched memory past the end of '");
    add_text(&used, buffer->name);
    add_text(&used, is_inside ? "', which is read-only" : "'");
    return 1;
}

/* When the handler returns, the fault happens again and ends the process. */
static void handle_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    const struct sigaction crash = {.sa_handler = SIG_DFL};
    int is_known = note == NULL;
    for (const struct guard *guard = guards; guard != NULL && !is_known; guard = guard->after) {
        for (const struct guard_buffer *buffer = guard->first; buffer != NULL && !is_known; buffer = buffer->next) {
            is_known = write_note(guard, buffer, info->si_addr);
        }
    }
    sigaction(number, &crash, NULL);
}

/* Does not replace handlers that others have installed. */
static void handle_faults(void) {
    static const int signals[] = {SIGSEGV, SIGBUS};
    struct sigaction handler = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO}, found;
    sigemptyset(&handler.sa_mask);
    for (int i = 0; note != NULL && i < 2; i++) {
        if (sigaction(signals[i], NULL, &found) == 0 && (found.sa_flags & SA_SIGINFO) == 0 &&
            found.sa_handler == SIG_DFL) {
            sigaction(signals[i], &handler, NULL);
        }
    }
}

char *guard_share_note(void) {
    if (note == NULL) {
        void *page = mmap(NULL, GUARD_NOTE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        note = page == MAP_FAILED ? NULL : page;
    }
    return note;
}

/* ---- sets ---- */

struct guard *guard_create(void) {
    struct guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL) {
        return NULL;
    }
    guard->page = (size_t)sysconf(_SC_PAGESIZE);
    guard->after = guards;
    if (guards != NULL) {
        guards->before = guard;
    }
    guards = guard;
    handle_faults();
    return guard;
}

static void unlink_guard(const struct guard *guard) {
    if (guard->before != NULL) {
        guard->before->after = guard->after;
    } else {
        guards = guard->after;
    }
    if (guard->after != NULL) {
        guard->after->before = guard->before;
    }
}

void guard_destroy(struct guard *guard) {
    if (guard == NULL) {
        return;
    }
    unlink_guard(guard);
    for (struct guard_buffer *buffer = guard->first, *next; buffer != NULL; buffer = next) {
        next = buffer->next;
        munmap(buffer->start, buffer->pages + guard->page);
        free(buffer);
    }
    free(guard);
}

/* ---- patterns ---- */

/* Each canary depends on its index, so that a run of equal bytes is not taken for canaries. */
static unsigned char canary(size_t index) {
    return (unsigned char)(0xc5u ^ (index * 37u));
}

/* Poison is a signalling not-a-number. Arithmetic turns it into a quiet one, so an element with exactly these bits was
 * not computed. f32 and f64 need different patterns: the bit that distinguishes quiet from signalling in one is part of
 * the exponent in the other. As an i32 both are above 2^30. */
static void choose_pattern(struct guard_buffer *buffer, int32_t dtype) {
    const uint64_t f64 = 0x7ff5a5a57ff5a5a5u;
    const uint64_t f32 = 0x7fa5a5a57fa5a5a5u;
    memcpy(buffer->pattern, dtype == RONDO_F32 ? &f32 : &f64, PATTERN);
}

static void fill(const struct guard_buffer *buffer) {
    size_t i = 0;
    for (; i + PATTERN <= buffer->bytes; i += PATTERN) {
        memcpy(buffer->data + i, buffer->pattern, PATTERN);
    }
    memcpy(buffer->data + i, buffer->pattern, buffer->bytes - i);
}

/* Writes the canaries before and after the data. */
static void fill_canaries(const struct guard_buffer *buffer) {
    const size_t front = (size_t)(buffer->data - buffer->start);
    for (size_t i = 0; i < front; i++) {
        buffer->start[i] = canary(i);
    }
    for (size_t i = front + buffer->bytes; i < buffer->pages; i++) {
        buffer->start[i] = canary(i);
    }
}

/* ---- buffers ---- */

static size_t round_up(size_t bytes, size_t multiple) {
    return (bytes + multiple - 1) / multiple * multiple;
}

/* Maps the pages of a buffer. 0 if memory is short. */
static int map(const struct guard *guard, struct guard_buffer *buffer, size_t bytes) {
    if (bytes > SIZE_MAX / 2) {
        return 0;
    }
    const size_t aligned = round_up(bytes, ALIGNMENT);
    buffer->bytes = bytes;
    buffer->pages = round_up(ALIGNMENT + aligned, guard->page);
    buffer->start = mmap(NULL, buffer->pages + guard->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer->start == MAP_FAILED) {
        return 0;
    }
    buffer->data = buffer->start + buffer->pages - aligned;
    if (mprotect(buffer->start + buffer->pages, guard->page, PROT_NONE) != 0) {
        munmap(buffer->start, buffer->pages + guard->page);
        return 0;
    }
    return 1;
}

static struct guard_buffer *add(struct guard *guard, const char *name, size_t bytes, int32_t dtype) {
    struct guard_buffer *buffer = calloc(1, sizeof *buffer);
    if (buffer == NULL || !map(guard, buffer, bytes)) {
        free(buffer);
        return NULL;
    }
    buffer->name = name;
    choose_pattern(buffer, dtype);
    fill_canaries(buffer);
    fill(buffer);
    if (guard->last == NULL) {
        guard->first = buffer;
    } else {
        guard->last->next = buffer;
    }
    guard->last = buffer;
    return buffer;
}

void *guard_alloc(struct guard *guard, const char *name, size_t bytes) {
    const struct guard_buffer *buffer = add(guard, name, bytes, RONDO_F64);
    return buffer == NULL ? NULL : buffer->data;
}

int guard_tensor(struct guard *guard, const char *name, rondo_tensor *tensor) {
    const struct guard_buffer *buffer = add(guard, name, tensor_bytes(tensor), tensor->dtype);
    tensor->data = buffer == NULL ? NULL : buffer->data;
    return buffer != NULL;
}

/* The buffer that contains `data` (the data of an empty buffer is its guard page); NULL: it is not in this set. */
static struct guard_buffer *find(const struct guard *guard, const void *data) {
    const unsigned char *at = data;
    for (struct guard_buffer *buffer = guard->first; buffer != NULL; buffer = buffer->next) {
        if (at == buffer->data || (at > buffer->data && at < buffer->data + buffer->bytes)) {
            return buffer;
        }
    }
    return NULL;
}

void guard_protect(struct guard *guard, const void *data) {
    struct guard_buffer *buffer = find(guard, data);
    if (buffer != NULL && mprotect(buffer->start, buffer->pages, PROT_READ) == 0) {
        buffer->is_read_only = 1;
    }
}

void guard_unprotect(struct guard *guard, const void *data) {
    struct guard_buffer *buffer = find(guard, data);
    if (buffer != NULL && buffer->is_read_only && mprotect(buffer->start, buffer->pages, PROT_READ | PROT_WRITE) == 0) {
        buffer->is_read_only = 0;
    }
}

void guard_poison(struct guard *guard, void *data) {
    struct guard_buffer *buffer = find(guard, data);
    if (buffer != NULL && mprotect(buffer->start, buffer->pages, PROT_READ | PROT_WRITE) == 0) {
        buffer->is_read_only = 0;
        fill(buffer);
    }
}

/* ---- looking ---- */

static int is_overrun(const struct guard_buffer *buffer) {
    const size_t front = (size_t)(buffer->data - buffer->start);
    for (size_t i = 0; i < front; i++) {
        if (buffer->start[i] != canary(i)) {
            return 1;
        }
    }
    for (size_t i = front + buffer->bytes; i < buffer->pages; i++) {
        if (buffer->start[i] != canary(i)) {
            return 1;
        }
    }
    return 0;
}

const char *guard_overrun(const struct guard *guard) {
    for (const struct guard_buffer *buffer = guard->first; buffer != NULL; buffer = buffer->next) {
        if (is_overrun(buffer)) {
            return buffer->name;
        }
    }
    return NULL;
}

/* 1 if the `size` bytes at `offset` of the data are still poison. */
static int is_poison(const struct guard_buffer *buffer, size_t offset, size_t size) {
    for (size_t i = offset; i < offset + size; i++) {
        if (buffer->data[i] != buffer->pattern[i % PATTERN]) {
            return 0;
        }
    }
    return 1;
}

int64_t guard_unwritten(const struct guard *guard, const rondo_tensor *tensor) {
    const struct guard_buffer *buffer = find(guard, tensor->data);
    const int64_t count = rondo_count(tensor);
    if (buffer == NULL || count == 0) {
        return -1;
    }
    const size_t size = tensor_bytes(tensor) / (size_t)count;
    const size_t first = (size_t)((const unsigned char *)tensor->data - buffer->data);
    for (int64_t i = 0; i < count; i++) {
        const size_t offset = first + (size_t)i * size;
        if (offset + size <= buffer->bytes && is_poison(buffer, offset, size)) {
            return i;
        }
    }
    return -1;
}
