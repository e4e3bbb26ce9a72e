/* kit/subject.c: see kit/subject.h. */
#include "kit/subject.h"

#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/tensor.h"

/* ---- making one ---- */

int subject_open(struct subject *subject, const struct trial *trial) {
    *subject = (struct subject){.kit = trial->kit,
                                .descriptor = trial->descriptor,
                                .guard = guard_create(),
                                .arena = arena_create(),
                                .parallel = {1},
                                .updates = 1,
                                .cut = 0};
    if (subject->guard == NULL || subject->arena == NULL) {
        trial_say(trial, VERDICT_FAIL, "out of memory");
        return 0;
    }
    return 1;
}

void *subject_create(const struct trial *trial, size_t size) {
    void *fixture = arena_calloc(trial->kit->arena, 1, size);
    if (fixture == NULL) {
        trial_say(trial, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    return subject_open(fixture, trial) ? fixture : NULL;
}

void subject_close(struct subject *subject) {
    arena_destroy(subject->arena);
    guard_destroy(subject->guard);
    errors_free(&subject->errors);
    subject->arena = NULL;
    subject->guard = NULL;
}

rondo_status subject_copy_options(struct subject *subject, const void *options) {
    const size_t size = subject->descriptor->options_size;
    if (options == NULL) {
        return RONDO_OK;
    }
    void *copy = guard_alloc(subject->guard, "options", size);
    if (copy == NULL) {
        return errors_no_memory(&subject->errors);
    }
    memcpy(copy, options, size);
    subject->options = copy;
    return RONDO_OK;
}

rondo_status subject_set_options(struct subject *subject, const struct trial *trial, const char *text) {
    const void *made = trial_options(trial, text);
    if (made == NULL && trial->descriptor->options != NULL) {
        errors_move(&subject->errors, trial->kit->errors);
        return subject->errors.status == RONDO_OK ? errors_no_memory(&subject->errors) : subject->errors.status;
    }
    return subject_copy_options(subject, made);
}

rondo_status subject_check_options(struct subject *subject, const struct trial *trial) {
    /* cppcheck-suppress AssignmentIntegerToAddress; check_of returns a function */
    options_check *check = trial->kind->check_of(trial->descriptor);
    if (check == NULL) {
        return RONDO_OK;
    }
    struct subject_call call;
    subject_begin(subject, &call, "check");
    return subject_end(&call, check(&call.host.base, subject->options));
}

struct subject *subject_refused(const struct trial *trial, struct subject *subject) {
    if (trial->may_refuse && subject->errors.status == RONDO_INVALID && subject->dishonest_function == NULL) {
        subject->is_idle = 1;
        return subject;
    }
    if (trial->options == NULL) {
        trial_say(trial, VERDICT_FAIL, "%s", errors_text(&subject->errors, 0));
    } else {
        trial_say(trial, VERDICT_FAIL, "options '%s': %s", trial->options, errors_text(&subject->errors, 0));
    }
    return NULL;
}

/* ---- calling ---- */

/* Memory from host->alloc is filled with poison, because fresh pages would contain zeros. */
static void poison_arena(struct subject *subject) {
    enum { BYTES = 1 << 15 };
    arena_reset(subject->arena);
    void *memory = arena_alloc(subject->arena, BYTES);
    if (memory != NULL) {
        memset(memory, subject->is_clean ? 0 : 0xff, BYTES);
    }
    arena_reset(subject->arena);
}

static void record_random(rondo_context *ctx, uint64_t first, int64_t count, uint32_t *bits) {
    const struct subject_call *call = (const struct subject_call *)ctx;
    atomic_store_explicit(&call->subject->drew, 1, memory_order_relaxed);
    if (!call->subject->gives_one_word) {
        rng_words(call->host.stream, call->host.random_first + first, count, bits);
        const int64_t changed = call->subject->changed_word - 1 - (int64_t)first;
        if (call->subject->changed_word > 0 && changed >= 0 && changed < count) {
            bits[changed] = ~bits[changed];
        }
        return;
    }
    uint32_t word;
    rng_words(call->host.stream, 0, 1, &word);
    for (int64_t i = 0; i < count; i++) {
        bits[i] = word;
    }
}

struct host_call kit_host_call(const struct kit *kit, struct arena *arena, struct errors *errors,
                               const struct parallel *parallel, const char *name) {
    struct host_call call = host_call(arena, errors, parallel, name);
    call.log = registry_log(kit->registry);
    call.origin = kit->file;
    return call;
}

void subject_begin(struct subject *subject, struct subject_call *call, const char *function) {
    poison_arena(subject);
    *call = (struct subject_call){.host = kit_host_call(subject->kit, subject->arena, &subject->errors,
                                                        &subject->parallel, subject->descriptor->name),
                                  .subject = subject};
    call->table = *call->host.base.host;
    call->table.random = record_random;
    call->host.base.host = &call->table;
    call->host.allocations_left = subject->allocations_left;
    subject->function = function;
    subject->reads.count = 0;
    if (subject->watch != WATCH_NOTHING) {
        subject->mark = arena_mark(subject->kit->arena);
    }
}

void subject_reads(struct subject_call *call, const char *name, const void *data, size_t bytes) {
    struct subject *subject = call->subject;
    if (subject->watch == WATCH_NOTHING || data == NULL) {
        return;
    }
    snapshot_add(&subject->reads, name, data, bytes, subject->kit->arena);
    if (subject->watch == WATCH_PAGES) {
        guard_protect(subject->guard, data);
    }
}

void subject_reads_tensor(struct subject_call *call, const char *name, const rondo_tensor *tensor) {
    subject_reads(call, name, tensor->data, tensor->data == NULL ? 0 : tensor_bytes(tensor));
}

static void end_watch(struct subject *subject) {
    if (subject->watch == WATCH_NOTHING) {
        return;
    }
    const char *changed = snapshot_changed(&subject->reads);
    const char *overrun = changed == NULL ? guard_overrun(subject->guard) : NULL;
    for (int32_t i = 0; i < subject->reads.count; i++) {
        guard_unprotect(subject->guard, subject->reads.items[i].data);
    }
    arena_release(subject->kit->arena, subject->mark);
    if (subject->overwriter == NULL && (changed != NULL || overrun != NULL)) {
        subject->overwriter = subject->function;
        subject->overwritten = changed;
        subject->overrun = overrun;
    }
}

rondo_status subject_end(struct subject_call *call, rondo_status status) {
    struct subject *subject = call->subject;
    const int is_unknown = status < 0 || status >= RONDO_STATUS_COUNT;
    const int is_ignored = status == RONDO_OK && call->host.failed != RONDO_OK;
    const int is_quiet =
        !is_unknown && status != RONDO_OK && status != RONDO_NO_MEMORY && call->host.failed == RONDO_OK;
    if ((is_unknown || is_ignored || is_quiet) && subject->dishonest_function == NULL) {
        subject->dishonest_function = subject->function;
        subject->unknown_status = is_unknown ? status : 0;
        subject->is_ignored = is_ignored;
        subject->is_quiet = is_quiet;
    }
    end_watch(subject);
    return host_result(&call->host, status);
}

/* ---- for checks ---- */

enum verdict subject_failed(const struct trial *trial, const struct subject *subject) {
    return trial_say(trial, VERDICT_FAIL, "%s failed: %s", subject->function,
                     subject->errors.count > 0 ? errors_text(&subject->errors, 0) : "without a reason");
}

enum verdict subject_judge_answers(const struct trial *trial, const struct subject *subject) {
    const char *function = subject->dishonest_function;
    if (function == NULL) {
        return VERDICT_PASS;
    }
    if (subject->is_quiet) {
        return trial_say(trial, VERDICT_FAIL,
                         "%s failed and did not say why, expected  return ctx->host->fail(ctx, code, \"why\")",
                         function);
    }
    if (subject->is_ignored) {
        return trial_say(trial, VERDICT_FAIL, "%s returned RONDO_OK after it had called fail: %s", function,
                         errors_text(&subject->errors, 0));
    }
    return trial_say(trial, VERDICT_FAIL, "%s returned %d, expected one of rondo_status_code", function,
                     (int)subject->unknown_status);
}

enum verdict subject_judge_guard(const struct trial *trial, const struct subject *subject) {
    if (subject->overwritten != NULL) {
        return trial_say(trial, VERDICT_FAIL, "%s wrote to '%s', which is read-only", subject->overwriter,
                         subject->overwritten);
    }
    const char *overrun = subject->overrun != NULL ? subject->overrun : guard_overrun(subject->guard);
    const char *function = subject->overwriter != NULL ? subject->overwriter : "a call";
    return overrun == NULL ? VERDICT_PASS : trial_say(trial, VERDICT_FAIL, "%s wrote outside '%s'", function, overrun);
}

int subject_same_bits(const struct subject_tensor *a, const struct subject_tensor *b, char *text, size_t size) {
    const size_t bytes = tensor_bytes(&a->tensor), element = dtype_size(a->tensor.dtype);
    const char *x = a->tensor.data, *y = b->tensor.data;
    if (!tensor_same_shape(&a->tensor, &b->tensor) || a->tensor.dtype != b->tensor.dtype) {
        snprintf(text, size, "%s has the shape %s and %s", a->name, tensor_shape_text(&a->tensor).text,
                 tensor_shape_text(&b->tensor).text);
        return 0;
    }
    if (bytes == 0 || memcmp(x, y, bytes) == 0) {
        return 1;
    }
    size_t i = 0;
    while (memcmp(x + i * element, y + i * element, element) == 0) {
        i++;
    }
    number_print(text, size, "%s[%zu] is %.9g and %.9g", a->name, i, tensor_get(&a->tensor, (int64_t)i),
                 tensor_get(&b->tensor, (int64_t)i));
    return 0;
}
