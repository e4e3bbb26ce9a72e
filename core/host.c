#include "core/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/multiply.h"
#include "core/number.h"

/* Bytes of one message or log line of a plug-in, with the final NUL; longer text is cut. */
#define TEXT_SIZE 1024

static const rondo_value failed_value = {-1};

static struct host_call *call_of(rondo_context *ctx) {
    return (struct host_call *)ctx; /* base is the first member */
}

/* 1 if the caller is a body of parallel_for. host_parallel_for reports it after the bodies have ended: adding an error
 * here would be a race between bodies. */
static int is_body(rondo_context *ctx, const char *function) {
    struct host_call *call = call_of(ctx);
    if (atomic_load(&call->bodies_run) == 0) {
        return 0;
    }
    const char *none = NULL;
    atomic_compare_exchange_strong(&call->called_by_body, &none, function);
    return 1;
}

static void *host_alloc(rondo_context *ctx, size_t bytes) {
    const struct host_call *call = call_of(ctx);
    if (is_body(ctx, "alloc")) {
        return NULL;
    }
    if (call->allocations_left != NULL && (*call->allocations_left)-- <= 0) {
        return NULL;
    }
    return arena_alloc(call->arena, bytes);
}

static const char no_memory[] = "out of memory";

/* The same as errors_no_memory, for the plug-in of the call. */
static rondo_status add_no_memory(struct host_call *call, const char *subject, const char *origin) {
    const rondo_status status = errors_no_memory(call->errors);
    if (origin != NULL) {
        return errors_memory_for(call->errors, status, call->where, "op '%s' of '%s'", subject, origin);
    }
    return subject[0] == '\0' ? status : errors_memory_for(call->errors, status, call->where, "%s", subject);
}

/* Adds "file:line: subject: text". */
static rondo_status add_error(struct host_call *call, rondo_status status, const char *text) {
    const char *subject = call->subject == NULL ? "" : call->subject;
    const char *origin = registry_plugin_origin(call->registry, subject);
    if (status == RONDO_NO_MEMORY && strcmp(text, no_memory) == 0) {
        return add_no_memory(call, subject, origin);
    }
    if (origin != NULL) {
        return errors_add_at(call->errors, status, call->where, "op '%s' of '%s': %s", subject, origin, text);
    }
    return errors_add_at(call->errors, status, call->where, "%s%s%s", subject, subject[0] == '\0' ? "" : ": ", text);
}

/* 1 if `status` is one of the known codes of failure. */
static int is_failure(rondo_status status) {
    return status > RONDO_OK && status < RONDO_STATUS_COUNT;
}

static rondo_status record_failure(struct host_call *call, rondo_status code, const char *text) {
    /* An unknown code is a bug of the plug-in, but still a failure. */
    const rondo_status status = is_failure(code) ? code : RONDO_INTERNAL;
    if (call->failed == RONDO_OK) {
        call->failed = status;
    }
    add_error(call, status, text);
    if (call->recorder.self != NULL) {
        /* Ops that the loss applies from now on fail without a further message. */
        call->recorder.fail(call->recorder.self, status);
    }
    return status;
}

rondo_status host_blame(struct host_call *call, const char *format, ...) {
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    return record_failure(call, RONDO_INTERNAL, text);
}

static rondo_status host_fail(rondo_context *ctx, rondo_status code, const char *format, ...) {
    if (is_body(ctx, "fail")) {
        return is_failure(code) ? code : RONDO_INTERNAL;
    }
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    return record_failure(call_of(ctx), code, text);
}

static void host_log(rondo_context *ctx, const char *format, ...) {
    const struct host_call *call = call_of(ctx);
    const struct log_receiver *receiver = call->log != NULL ? call->log : registry_log(call->registry);
    if (is_body(ctx, "log") || receiver == NULL) {
        return;
    }
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *subject = call->subject == NULL ? "" : call->subject;
    const char *origin = call->origin != NULL ? call->origin : registry_plugin_origin(call->registry, subject);
    log_line(receiver, LOG_LEVEL_INFO, origin, "%s", text);
}

static void host_parallel_for(rondo_context *ctx, int64_t count, int64_t grain,
                              void (*body)(void *arg, int64_t begin, int64_t end), void *arg) {
    struct host_call *call = call_of(ctx);
    if (is_body(ctx, "parallel_for")) {
        return;
    }
    atomic_store(&call->bodies_run, 1);
    parallel_for(call->parallel, count, grain < 1 ? 1 : grain, body, arg);
    atomic_store(&call->bodies_run, 0);
    const char *function = atomic_exchange(&call->called_by_body, NULL);
    if (function != NULL) {
        host_blame(call, "calls host->%s from a body of parallel_for", function);
    }
}

/* The one function that a body may call: a word depends only on its number, and only `bits` is written. Dropout draws
 * its words in the body that uses them. */
static void host_random(rondo_context *ctx, uint64_t first, int64_t count, uint32_t *bits) {
    const struct host_call *call = call_of(ctx);
    rng_words(call->stream, call->random_first + first, count, bits);
}

/* The recorder of a loss; NULL, with the reason recorded, in a call of any other plug-in. */
static const struct recorder *need_recorder(rondo_context *ctx, const char *function) {
    struct host_call *call = call_of(ctx);
    if (call->recorder.self == NULL) {
        host_blame(call, "'%s' is only for losses: this call has no tape", function);
    }
    return call->recorder.self == NULL ? NULL : &call->recorder;
}

/* Refuses a value that the recorder does not have: one from before its last reset, or an invented one. A failed value
 * is not an error here: its reason has been reported, and the recorder has failed. */
static rondo_status check_inputs(rondo_context *ctx, const struct recorder *recorder, const char *op,
                                 const rondo_value *inputs, int32_t count) {
    for (int32_t k = 0; k < count && recorder->status(recorder->self) == RONDO_OK; k++) {
        if (recorder->tensor(recorder->self, inputs[k]) == NULL) {
            return host_blame(call_of(ctx),
                              "input %d of op '%s' is value %d, expected one that this call got: 0 to %d are on its "
                              "tape",
                              k, op, inputs[k].id, recorder->count(recorder->self) - 1);
        }
    }
    return RONDO_OK;
}

static rondo_value host_apply(rondo_context *ctx, const char *op, const char *options, const rondo_value *inputs,
                              int32_t count) {
    if (is_body(ctx, "apply")) {
        return failed_value;
    }
    const struct recorder *recorder = need_recorder(ctx, "apply");
    if (recorder == NULL || check_inputs(ctx, recorder, op, inputs, count) != RONDO_OK) {
        return failed_value;
    }
    return recorder->apply(recorder->self, op, options, inputs, count);
}

static rondo_value host_constant(rondo_context *ctx, const rondo_tensor *tensor) {
    const struct recorder *recorder = is_body(ctx, "constant") ? NULL : need_recorder(ctx, "constant");
    return recorder == NULL ? failed_value : recorder->constant(recorder->self, tensor);
}

static const rondo_tensor *host_tensor(rondo_context *ctx, rondo_value value) {
    /* A body that breaks the rule still gets the tensor: with NULL it would crash before the rule is reported. */
    const struct recorder *recorder = &call_of(ctx)->recorder;
    if (!is_body(ctx, "tensor")) {
        need_recorder(ctx, "tensor");
    }
    return recorder->self == NULL ? NULL : recorder->tensor(recorder->self, value);
}

/* Bytes of a product that the plug-in has: at least those of ABI 1.0, at most those of today. */
static size_t product_known_size(const rondo_product *product) {
    const size_t first = offsetof(rondo_product, c) + sizeof product->c;
    const size_t size = product->struct_size < sizeof *product ? product->struct_size : sizeof *product;
    return size < first ? first : size;
}

static rondo_status host_product(rondo_context *ctx, const rondo_product *product) {
    if (is_body(ctx, "product")) {
        return RONDO_INTERNAL;
    }
    /* As with descriptors: fields that the plug-in's author did not know are zero. */
    rondo_product whole;
    memset(&whole, 0, sizeof whole);
    memcpy(&whole, product, product_known_size(product));
    const struct host_call *call = call_of(ctx);
    const rondo_status status = multiply(call->parallel, call->arena, &whole);
    return status == RONDO_OK ? RONDO_OK : host_fail(ctx, status, "%s", multiply_failure(status));
}

static const void *host_get_extension(rondo_context *ctx, const char *id) {
    (void)is_body(ctx, "get_extension");
    (void)id;
    return NULL;
}

static const rondo_host table = {
    .struct_size = sizeof(rondo_host),
    .alloc = host_alloc,
    .fail = host_fail,
    .log = host_log,
    .parallel_for = host_parallel_for,
    .random = host_random,
    .apply = host_apply,
    .constant = host_constant,
    .tensor = host_tensor,
    .product = host_product,
    .get_extension = host_get_extension,
};

struct host_call host_call(struct arena *arena, struct errors *errors, const struct parallel *parallel,
                           const char *subject) {
    return (struct host_call){
        .base = {.host = &table},
        .arena = arena,
        .errors = errors,
        .parallel = parallel,
        .subject = subject,
    };
}

rondo_status host_result(struct host_call *call, rondo_status status) {
    if (call->failed != RONDO_OK) {
        return is_failure(status) ? status : call->failed; /* the reason has been added by host_fail */
    }
    if (status == RONDO_OK) {
        return RONDO_OK;
    }
    if (!is_failure(status)) {
        char text[64];
        snprintf(text, sizeof text, "returned the unknown status %d", (int)status);
        return add_error(call, RONDO_INTERNAL, text);
    }
    return add_error(call, status, status == RONDO_NO_MEMORY ? no_memory : "failed and did not say why");
}
