/* rondo/plugin.h: the plugin ABI of Rondo.
 *
 * A plugin is a shared object that adds ops, optimizers, losses, schedules or metrics to Rondo. It includes only this
 * header, and links against no library of Rondo. It calls the host (Rondo) through a table of functions, rondo_host,
 * that is passed with every call. Rondo's own ops use the same descriptors.
 *
 * HOW TO WRITE A PLUGIN
 *   `rondo plugin new optimizer NAME` writes a folder that builds and passes its checks. To write one by hand:
 *   1. Write the functions, then a const descriptor that points to them (rondo_op, rondo_optimizer, rondo_loss,
 *      rondo_schedule or rondo_metric_plugin).
 *   2. End the file with RONDO_PLUGIN("name", "1.0", "MIT", &my_descriptor.base).
 *   3. cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden -I include -o name.so name.c     (in the source tree), or
 *      cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden $(pkg-config --cflags rondo) -o name.so name.c     (installed)
 *   4. Name it in an experiment:   optimizer: {plugin: name}   with   --plugin ./name.so   or   plugins: [./name.so]
 *      or put it into a folder of RONDO_PLUGIN_PATH as optimizers/name.so (losses/, ops/, schedules/,
 *      metrics/).
 *   5. `rondo plugin check ./name.so` tests gradients, threads, memory and the rules below; see docs/plugin-abi.md.
 *   plugins/ in the source tree contains a short complete example of every kind.
 *
 * GENERAL RULES
 *   Listing runs no code. Descriptors are constant data: the host reads names, options and ranges from them, and calls
 *     no function of a plugin before an experiment uses it.
 *   Ownership. The host owns every buffer, option struct and tensor that it passes. A pointer is valid during the call
 *     that it was passed to, unless its comment says otherwise. A plugin keeps no state of its own between calls; state
 *     that must last is declared (slots of an optimizer, saved bytes of an op, state of a schedule).
 *   Threads. The comment of every function pointer has one of these tags:
 *       [any-thread]   may run concurrently on several threads, on different data. It must not write global variables.
 *       [main-thread]  runs on the thread that drives the experiment, never concurrently.
 *   Errors. A function that can fail returns a rondo_status. To fail, return ctx->host->fail(ctx, code, "why"). The
 *     user sees the text after the plugin's name and file. Begin with a lower-case letter, and write no full stop.
 *     Never call exit() or abort(), and never print.
 *   Tensors are contiguous, row-major and at least 64-byte aligned. Slices of parameters, and the rows of a batch that
 *     an op gets inside a recurrence, are only aligned to their element.
 *   Growth. Within one abi_major, structs grow only at their end. The first member, struct_size, says which members the
 *     author of the plugin knew; the members after it read as zero. Structs without struct_size (tensors, values, rows
 *     of tables) and rondo_plugin_info, which is compared as a whole, never change. Lists of values (kinds, flags,
 *     option types, slots) also grow only at their end. A plugin loads if its abi_major equals the host's and its
 *     abi_minor is at most the host's. tests/abi/ contains the header of every minor version, and plugins built
 *     against it.
 *
 * This header needs no other header of Rondo. It compiles as C11 and later, and as C++17.
 */
#ifndef RONDO_PLUGIN_H
#define RONDO_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------------------------
 * Status
 * ------------------------------------------------------------------------------------------------------------- */

/* What a function that can fail returns. X(symbol, value, text):
 *   RONDO_OK          success
 *   RONDO_INVALID     the user's input is wrong: a value, a shape, a name, a file's content (exit status 2)
 *   RONDO_NOT_FOUND   a file, a plugin or a name is missing (exit status 2)
 *   RONDO_IO          reading or writing failed (exit status 1)
 *   RONDO_NO_MEMORY   an allocation was refused (exit status 1)
 *   RONDO_NOT_FINITE  a computation gave infinity or not-a-number (exit status 1)
 *   RONDO_INTERNAL    a bug in Rondo or in a plugin (exit status 1)
 *   RONDO_INTERRUPTED the user stopped the work (exit status 1) */
#define RONDO_STATUS_LIST(X)                                                                                           \
    X(RONDO_OK, 0, "ok")                                                                                               \
    X(RONDO_INVALID, 1, "invalid input")                                                                               \
    X(RONDO_NOT_FOUND, 2, "not found")                                                                                 \
    X(RONDO_IO, 3, "input/output error")                                                                               \
    X(RONDO_NO_MEMORY, 4, "out of memory")                                                                             \
    X(RONDO_NOT_FINITE, 5, "value is not finite")                                                                      \
    X(RONDO_INTERNAL, 6, "internal error")                                                                             \
    X(RONDO_INTERRUPTED, 7, "interrupted")

#define RONDO_STATUS_ENUM(symbol, value, text) symbol = value,
enum rondo_status_code { RONDO_STATUS_LIST(RONDO_STATUS_ENUM) RONDO_STATUS_COUNT };
#undef RONDO_STATUS_ENUM
typedef int32_t rondo_status;

/* ---------------------------------------------------------------------------------------------------------------
 * Tensors
 * ------------------------------------------------------------------------------------------------------------- */

/* The largest number of dimensions. Part of the fingerprint: it never changes within one abi_major. */
#define RONDO_MAX_DIMS 6

/* Element types. RONDO_F32 trains, RONDO_F64 checks gradients, RONDO_I32 indexes. */
enum rondo_dtype { RONDO_F32 = 0, RONDO_F64 = 1, RONDO_I32 = 2, RONDO_DTYPE_COUNT = 3 };

/* A view of a contiguous row-major array. A tensor with ndim 0 is a scalar: one element. A dimension of 0 makes it
 * empty. data is NULL if only the shape is known (see rondo_op.infer), or if a gradient is not requested. */
typedef struct rondo_tensor {
    void *data;
    int32_t dtype; /* enum rondo_dtype */
    int32_t ndim;  /* 0 .. RONDO_MAX_DIMS */
    int64_t shape[RONDO_MAX_DIMS];
} rondo_tensor;

/* The first dimension of a tensor in `infer` while a cell is compiled, for "any number of rows": the batch is not known
 * yet, and the shape rule runs again with its real size. It is a prime number that no model uses for another dimension.
 * Treat it like any other size; compare with it only to show "batch" in a message. Part of the ABI: it never changes. */
#define RONDO_ANY_ROWS 1048573
/* The same for "any number of elements of the memory", the outputs of an encoder that cells and blocks read. Since ABI 1.2. */
#define RONDO_ANY_MEMORY 1048583

/* Number of elements of `tensor`: the product of its dimensions, 1 for a scalar. */
static inline int64_t rondo_count(const rondo_tensor *tensor) {
    int64_t count = 1;
    for (int32_t d = 0; d < tensor->ndim; d++) {
        count *= tensor->shape[d];
    }
    return count;
}

/* A handle to a value on the tape of the current call. A negative id is the result of a failed call. It may be passed
 * on: every op that is applied to it fails too, and the host reports the first error. So the code of a loss reads like
 * its equation, with no checks between the lines. */
typedef struct rondo_value {
    int32_t id;
} rondo_value;

/* ---------------------------------------------------------------------------------------------------------------
 * Options: one table provides YAML keys, range errors, `rondo list`, documentation and defaults
 * ------------------------------------------------------------------------------------------------------------- */

/* Type of an option, and of the field at `offset` that it is stored in:
 *   RONDO_BOOL    int32_t      0 or 1; written true or false
 *   RONDO_INT     int64_t      within [min, max]
 *   RONDO_REAL    double       within [min, max]
 *   RONDO_CHOICE  int32_t      index into the NULL-terminated list `choices`
 *   RONDO_STRING  const char*  owned by the host
 *   RONDO_INTS    rondo_ints   written 3 or [0, 2], each within [min, max]
 *   RONDO_REALS   rondo_reals  written 0.5 or [0.1, 0.9], each within [min, max]
 *   RONDO_CLASS_REALS  rondo_reals  a number for each class, each within [min, max], or none; in losses and metrics,
 *                 since 1.1. Written as a list in the order of the classes, as a mapping {label: number} that gives 1
 *                 to every other class, or as the word balanced: rows / (classes * rows of the class), counted in the
 *                 training data. The field gets the numbers */
enum rondo_option_type {
    RONDO_BOOL = 0,
    RONDO_INT = 1,
    RONDO_REAL = 2,
    RONDO_CHOICE = 3,
    RONDO_STRING = 4,
    RONDO_INTS = 5,
    RONDO_REALS = 6,
    RONDO_CLASS_REALS = 7
};

typedef struct rondo_ints {
    int32_t count; /* 0 .. RONDO_MAX_DIMS */
    int32_t reserved;
    int64_t values[RONDO_MAX_DIMS];
} rondo_ints;

/* Up to 4096 numbers. The host owns the array, which lives as long as the options. */
typedef struct rondo_reals {
    int64_t count;
    const double *values; /* [count] */
} rondo_reals;

/* One row of an option table. A table ends with a row whose key is NULL (RONDO_OPTION_END). */
typedef struct rondo_option {
    const char *key;            /* as written in YAML and equations, in lower_case. Experiments use plugin, sum, weight,
                                   groups, wrappers, match and frozen for other purposes, so they cannot be keys */
    int32_t type;               /* enum rondo_option_type */
    uint32_t offset;            /* position of the field in the options struct, in bytes */
    const char *default_text;   /* as a user would write it; NULL: the option is required */
    double min, max;            /* inclusive range of each number: RONDO_INT, _REAL, _INTS, _REALS, _CLASS_REALS */
    const char *const *choices; /* RONDO_CHOICE only */
    const char *help;           /* one line, with the unit */
} rondo_option;

/* Rows for the struct `S`; the key is the name of the field. RONDO_OPTION_REAL(struct adam, lr, "0.001", 0, 1e3, "…")
 */
#define RONDO_OPTION_BOOL(S, field, text, help)                                                                        \
    { #field, RONDO_BOOL, (uint32_t)offsetof(S, field), text, 0, 0, NULL, help }
#define RONDO_OPTION_INT(S, field, text, min, max, help)                                                               \
    { #field, RONDO_INT, (uint32_t)offsetof(S, field), text, min, max, NULL, help }
#define RONDO_OPTION_REAL(S, field, text, min, max, help)                                                              \
    { #field, RONDO_REAL, (uint32_t)offsetof(S, field), text, min, max, NULL, help }
#define RONDO_OPTION_CHOICE(S, field, text, choices, help)                                                             \
    { #field, RONDO_CHOICE, (uint32_t)offsetof(S, field), text, 0, 0, choices, help }
#define RONDO_OPTION_STRING(S, field, text, help)                                                                      \
    { #field, RONDO_STRING, (uint32_t)offsetof(S, field), text, 0, 0, NULL, help }
#define RONDO_OPTION_INTS(S, field, text, min, max, help)                                                              \
    { #field, RONDO_INTS, (uint32_t)offsetof(S, field), text, min, max, NULL, help }
#define RONDO_OPTION_REALS(S, field, text, min, max, help)                                                             \
    { #field, RONDO_REALS, (uint32_t)offsetof(S, field), text, min, max, NULL, help }
#define RONDO_OPTION_CLASS_REALS(S, field, text, min, max, help)                                                       \
    { #field, RONDO_CLASS_REALS, (uint32_t)offsetof(S, field), text, min, max, NULL, help }
#define RONDO_OPTION_END                                                                                               \
    { NULL, 0, 0, NULL, 0, 0, NULL, NULL }

/* ---------------------------------------------------------------------------------------------------------------
 * Descriptors
 * ------------------------------------------------------------------------------------------------------------- */

/* What a descriptor describes. */
enum rondo_kind {
    RONDO_KIND_OP = 0,
    RONDO_KIND_OPTIMIZER = 1,
    RONDO_KIND_LOSS = 2,
    RONDO_KIND_SCHEDULE = 3,
    RONDO_KIND_METRIC = 4, /* since 1.1 */
    RONDO_KIND_COUNT = 5
};

/* The first member of every descriptor. */
typedef struct rondo_descriptor {
    uint32_t struct_size;        /* sizeof of the whole descriptor, e.g. sizeof(rondo_op) */
    int32_t kind;                /* enum rondo_kind */
    const char *name;            /* lower_case; unique within its kind */
    const char *summary;         /* one line: the equation, and its source (paper, section) if there is one */
    const rondo_option *options; /* table of options; NULL: none */
    uint64_t options_size;       /* sizeof of the options struct; 0: none */
} rondo_descriptor;

/* The host's side of a call, passed to every callback and valid during the call. `host` is the table below. */
typedef struct rondo_host rondo_host;
typedef struct rondo_context {
    const rondo_host *host;
} rondo_context;

#if defined(__GNUC__)
#define RONDO_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#else
#define RONDO_PRINTF(format_index, first_argument)
#endif

/* One side of a product: a row-major matrix, or a stack of them. */
typedef struct rondo_matrix {
    const void *data;
    int64_t leading;    /* elements from one stored row to the next */
    int64_t stride;     /* elements from one matrix of the stack to the next; 0: the same matrix for all */
    int32_t transposed; /* 1: the stored matrix is the transpose of the one that is multiplied */
    int32_t reserved;   /* 0 */
} rondo_matrix;

/* A product for rondo_host.product: c = alpha a @ b + beta c, with a [m, k], b [k, n] and contiguous c [m, n], for each
 * of `stack` pairs. With `reduce` there is only one c, for the sum over all pairs. With beta 0, c is not read. */
typedef struct rondo_product {
    uint32_t struct_size;
    int32_t dtype; /* RONDO_F32 or RONDO_F64 */
    int64_t m, n, k;
    int64_t stack;  /* number of pairs; 1 for a plain product */
    int32_t reduce; /* 1 or 0 */
    int32_t reserved;
    double alpha, beta;
    rondo_matrix a, b;
    void *c;
} rondo_product;

/* The functions that the host offers to a plugin. The table grows at its end: check that struct_size includes a member
 * that is newer than the ABI version that you require. A context belongs to the thread that the callback runs on.
 * A body that parallel_for runs may only call `random`; a call of another function makes the callback fail. */
struct rondo_host {
    uint64_t struct_size;

    /* `bytes` of uninitialised memory, 64-byte aligned, which the host frees after the call. NULL if there is not
     * enough memory: then return RONDO_NO_MEMORY. [any-thread] */
    void *(*alloc)(rondo_context *ctx, size_t bytes);

    /* Records why the call fails, and returns `code`:  return ctx->host->fail(ctx, RONDO_INVALID, …).
     * The format is that of printf. An error about options names the option at fault first, in single quotes:
     * "'nesterov' is true and 'momentum' is 0". The host reports it at the line of the option that is quoted first.
     * [any-thread] */
    rondo_status (*fail)(rondo_context *ctx, rondo_status code, const char *format, ...) RONDO_PRINTF(3, 4);

    /* Hands one line of text, without a newline, to the log of the program that runs Rondo, together with the file of
     * the plugin: `rondo --verbose` prints it on standard error, rondo_run_set_log hands it to an embedding program,
     * and otherwise it is dropped. For rare events; never to be used per step. printf-style. [any-thread] */
    void (*log)(rondo_context *ctx, const char *format, ...) RONDO_PRINTF(2, 3);

    /* Calls body(arg, begin, end) for consecutive ranges that cover [0, count), possibly on several threads. Each range
     * is `grain` long, except the last. The ranges do not depend on the number of threads, so a body that writes only
     * to its own range gives the same bits on every machine. [any-thread] */
    void (*parallel_for)(rondo_context *ctx, int64_t count, int64_t grain,
                         void (*body)(void *arg, int64_t begin, int64_t end), void *arg);

    /* Fills bits[0 .. count) with the uniformly random 32-bit words number `first`, `first + 1`, … of the stream of
     * this call. The same call in a repeated run gets the same words. [any-thread] */
    void (*random)(rondo_context *ctx, uint64_t first, int64_t count, uint32_t *bits);

    /* Losses only. Applies the registered op `op` to `count` inputs on the tape. `options` is text such as "axis=-1",
     * or NULL for the defaults. The result is valid until after the backward pass. [any-thread] */
    rondo_value (*apply)(rondo_context *ctx, const char *op, const char *options, const rondo_value *inputs,
                         int32_t count);

    /* Losses only. Puts a copy of `tensor` on the tape as a constant, which has no gradient. [any-thread] */
    rondo_value (*constant)(rondo_context *ctx, const rondo_tensor *tensor);

    /* Losses only. The tensor of a value; NULL for a failed value. Valid as long as the value. [any-thread] */
    const rondo_tensor *(*tensor)(rondo_context *ctx, rondo_value value);

    /* c = alpha a @ b + beta c, so that plugins need no BLAS of their own. The bits do not depend on the number of threads,
     * and those of a row do not depend on the other rows. RONDO_NO_MEMORY for lack of memory. [any-thread] */
    rondo_status (*product)(rondo_context *ctx, const rondo_product *product);

    /* Further tables of functions, by an id such as "example/1"; NULL: the host has no table with that id. This host
     * offers none yet. [any-thread] */
    const void *(*get_extension)(rondo_context *ctx, const char *id);
};

/* ---------------------------------------------------------------------------------------------------------------
 * Ops: functions of tensors, with their gradient
 * ------------------------------------------------------------------------------------------------------------- */

/* Flags of an op. */
enum rondo_op_flag {
    /* Declares that no gradient flows through this op. An op with neither this flag nor a gradient is refused. */
    RONDO_OP_NO_GRADIENT = 1,
    /* The op draws random words: two applications with the same inputs differ. */
    RONDO_OP_RANDOM = 2,
    /* Computing an element costs about as much as loading it, so the host may compute it again. */
    RONDO_OP_CHEAP = 4,
    /* For ops that compute row by row. The first dimension of inputs[0], which has two dimensions or more, counts rows,
     * and so does the first dimension of the output. Another input is either divided into the same rows, or the same
     * for all rows. The flag declares that rows do not depend on each other, that the saved bytes are stored row by
     * row, and that backward reads only inputs, saved bytes and grad_output. The host may then call backward for some
     * of the rows of the forward call: `saved` points to the bytes of the first of these rows, aligned to the bytes of
     * a row, and output.data is NULL. */
    RONDO_OP_SAVES_ROWS = 8,
    /* The op looks along sequences: the first dimension of inputs[0] counts the elements of one or more sequences, and so
     * does that of the output, element by element. Every other input is either divided into as many sequences, whose lengths
     * may be others, or the same for all of them. rondo_op_call.rows says where each sequence begins. Sequences do not depend
     * on each other, and backward reads only inputs, saved bytes and grad_output: output.data may be NULL. Not for elementwise
     * ops. Since ABI 1.2. */
    RONDO_OP_SEQUENCES = 16,
    /* With RONDO_OP_RANDOM: element i of the output depends on random word i, and on no other. The host may then compute some of
     * the rows at a time, whose words it numbers accordingly. Without the flag, rows of a batch are computed together, on one
     * thread: set it if you can. Since ABI 1.2. */
    RONDO_OP_RANDOM_ELEMENTS = 32
};

/* What element i of the output of an op that looks along sequences depends on, beside element i of inputs[0] and all elements of
 * the other inputs that belong to another sequence, such as that of an encoder. */
enum rondo_op_look {
    /* On i: the op compares positions, or reads other elements of inputs[0]. Without the flag, every element has the same result
     * in a sequence of its own. */
    RONDO_LOOKS_BY_POSITION = 1,
    /* On elements after i: of inputs[0], or of the other inputs if these are computed from the same sequence. */
    RONDO_LOOKS_AHEAD = 2
};

/* Algebraic properties of an op. The host may then regroup applications, or compute them with its own kernels. */
enum rondo_op_role {
    RONDO_ROLE_NONE = 0,
    RONDO_ROLE_SUM = 1,    /* y = in[0] + in[1], elementwise */
    RONDO_ROLE_PRODUCT = 2 /* y = in[0] @ in[1]: [m, k] by [k, n], if every option has its default */
};

/* What map_grad reads, for rondo_op.map_grad_reads. */
#define RONDO_READS_INPUT(k) (1u << (k)) /* in[k], k < 8 */
#define RONDO_READS_OUTPUT   (1u << 8)   /* out */
#define RONDO_READS_NOTHING  (1u << 9)   /* neither: the op is linear */

/* The sequences that the first dimension of a tensor consists of: sequence s has the elements begin[s] up to, and without,
 * begin[s] + length[s]. They may lie in any order, with elements of none of them in between, which are neither read nor
 * written. Those of inputs[0], and so of the output, are all different. Several sequences of another input may begin with the
 * same elements, such as one source that several hypotheses read; what they add to its gradient is summed. Since ABI 1.2. */
typedef struct rondo_rows {
    uint32_t struct_size;
    int32_t reserved;      /* 0 */
    int64_t count;         /* of sequences */
    const int64_t *begin;  /* [count] */
    const int64_t *length; /* [count] >= 1 for inputs[0]; >= 0 for the others */
} rondo_rows;

/* One application of an op: the fields that infer fills, and those that forward and backward read and write. */
typedef struct rondo_op_call {
    uint32_t struct_size;
    int32_t n_inputs;
    const void *options;        /* the op's options struct, filled from its table; NULL: the op has none */
    const rondo_tensor *inputs; /* [n_inputs]; in infer their data may be NULL */

    /* Filled by infer. The host then allocates the output and the two work areas (64-byte aligned, uninitialised). */
    rondo_tensor output;  /* infer sets dtype, ndim and shape */
    size_t saved_bytes;   /* memory that forward fills and backward reads */
    size_t scratch_bytes; /* memory that lasts for one forward or backward call */
    /* Set to 1 by infer if the output is a contiguous part of inputs[0] that starts at element view_offset. Then
     * nothing is computed: the output shares the memory of the input, and its gradient that of the input's gradient. */
    int32_t is_view;
    int32_t training;    /* 1 in training; 0 in evaluation and prediction, where ops such as dropout do nothing */
    int64_t view_offset; /* in elements */

    void *saved;
    void *scratch;

    /* backward only */
    const rondo_tensor *grad_output; /* dL/d output, same shape as output */
    const rondo_tensor *grad_inputs; /* [n_inputs]; ADD dL/d input to its data; data NULL: not requested */

    /* RONDO_OP_SEQUENCES, in forward and backward: [n_inputs] the sequences of each input, all with the same count; an entry is
     * NULL if the input is the same for all sequences. Otherwise, and in infer, NULL. The output has the sequences of
     * inputs[0]. Since ABI 1.2. */
    const rondo_rows *const *rows;
} rondo_op_call;

/* The largest number of inputs of a case for the automatic checks, and of sequences of an input. */
#define RONDO_SAMPLE_INPUTS    8
#define RONDO_SAMPLE_SEQUENCES 16

/* One case for the automatic checks (gradients against central differences, written outputs, …). */
typedef struct rondo_sample {
    int32_t n_inputs;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS]; /* ndim and shape; dtype RONDO_I32 or RONDO_F64; data stays NULL */
    double low[RONDO_SAMPLE_INPUTS];          /* values, also integers, are drawn uniformly from [low, high) */
    double high[RONDO_SAMPLE_INPUTS];
    const char *options; /* such as "axis=-1"; NULL: the defaults. Constant text */
} rondo_sample;

/* An op has either `map` and `map_grad` (an elementwise op: the host does shapes, broadcasting, threads and
 * accumulation), or `infer`, `forward` and `backward`. */
typedef struct rondo_op {
    rondo_descriptor base;
    uint32_t flags;       /* enum rondo_op_flag, or-ed */
    int32_t min_inputs;   /* the op takes min_inputs .. max_inputs inputs */
    int32_t max_inputs;   /* -1: no upper limit */
    int32_t role;         /* enum rondo_op_role */
    const char *operands; /* names of the inputs for messages and documentation: "x, index" */

    /* Elementwise ops. All arrays have `count` contiguous elements of `dtype` (RONDO_F32 or RONDO_F64), 1 <= count.
     * map writes out[i] = f(in[0][i], in[1][i], …). out may be the same array as one of the inputs.
     * map_grad WRITES (not adds) grad_in[k][i] = grad_out[i] * df/din[k] for every k with grad_in[k] not NULL.
     * If only one gradient is requested, grad_in[k] may be the same array as grad_out, out or one of in: read element i
     * of all arrays before you write grad_in[k][i], and do not read it again. The arrays are aligned to their element.
     * Inputs of different shapes have been broadcast as in NumPy before map gets them. [any-thread] */
    void (*map)(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out);
    void (*map_grad)(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in);
    /* Elementwise ops: the interval from which automatic checks draw inputs, inside the domain of f and away from
     * singular points. Both 0: [-2, 2). */
    double domain_low, domain_high;

    /* Other ops. infer computes shape and dtype of the output from those of the inputs and from the options. If they do
     * not fit it returns RONDO_INVALID, with a text that names both shapes. It must not read data. [any-thread] */
    rondo_status (*infer)(rondo_context *ctx, rondo_op_call *call);
    /* Writes every element of call->output. [any-thread] */
    rondo_status (*forward)(rondo_context *ctx, rondo_op_call *call);
    /* Adds to the requested gradients of the inputs. [any-thread] */
    rondo_status (*backward)(rondo_context *ctx, rondo_op_call *call);

    /* Case number `index` (0, 1, …) of the automatic checks: fills `sample` (zeroed by the host) and returns 1, or
     * returns 0 after the last case. An elementwise op may leave it NULL: the host then draws shapes, including sizes 0
     * and 1 and broadcasts. [any-thread] */
    int32_t (*sample)(int32_t index, rondo_sample *sample);

    /* Elementwise ops: what map_grad reads in order to write grad_in[k], as RONDO_READS_… or-ed. 0: not declared, and the
     * host assumes that it reads everything. If it is declared, the host keeps nothing else for the backward pass, and
     * the pointers to the other arrays may point to any `count` elements. The automatic checks fill those with
     * not-a-number. */
    uint16_t map_grad_reads[RONDO_SAMPLE_INPUTS];

    /* RONDO_OP_SEQUENCES: the sequences of input `input` in case `index` of the automatic checks. Writes their lengths, whose
     * sum is at most the first dimension of that input, and returns their number, 1 to RONDO_SAMPLE_SEQUENCES and the same for all
     * inputs that have any; 0: the input is the same for all sequences. Since ABI 1.2. [any-thread] */
    int32_t (*sample_lengths)(int32_t index, int32_t input, int64_t lengths[RONDO_SAMPLE_SEQUENCES]);

    /* RONDO_OP_SEQUENCES: what the result depends on with these options, as RONDO_LOOKS_… or-ed (enum rondo_op_look). NULL:
     * all of them. The host refuses the op where it would compute something else step by step than for whole sequences.
     * Since ABI 1.2. [any-thread] */
    uint32_t (*looks)(const void *options);
} rondo_op;

/* ---------------------------------------------------------------------------------------------------------------
 * Optimizers: update rules with declared state
 * ------------------------------------------------------------------------------------------------------------- */

enum rondo_optimizer_flag {
    /* Every element is updated only from its own value, gradient and slots. The host may then call step several times
     * for one parameter, on slices of it, concurrently on several threads; the tensors have one dimension. Without the
     * flag, step gets whole parameters in their shape, one after the other, and may use host->parallel_for. */
    RONDO_OPTIMIZER_ELEMENTWISE = 1
};

/* What `step` does with a parameter. Experiments name an optimizer of stage UPDATE as optimizer.plugin. Those of the
 * other stages are entries of optimizer.wrappers, and can be combined with any optimizer. */
enum rondo_optimizer_stage {
    RONDO_STAGE_UPDATE = 0,   /* an optimizer: changes the value, using the gradient */
    RONDO_STAGE_GRADIENT = 1, /* a wrapper before the optimizer: rewrites the gradient, does not change the value */
    RONDO_STAGE_VALUE = 2     /* a wrapper after the optimizer: reads or rewrites the new value */
};

/* State that an optimizer keeps for every parameter. It is zero at first, unless its role says otherwise, and is saved
 * with checkpoints under its name. */
enum rondo_slot_shape {
    RONDO_SLOT_LIKE_PARAMETER = 0,
    RONDO_SLOT_SCALAR = 1, /* not with RONDO_OPTIMIZER_ELEMENTWISE */
    RONDO_SLOT_CHOSEN = 2  /* the shape that `choose_slot` sets */
};
enum rondo_slot_role {
    RONDO_SLOT_STATE = 0,
    /* In the shape of the parameter, and a copy of it at first. From the first update on, validation and the saved
     * weights use this slot, such as an average of the values so far, instead of the parameter. */
    RONDO_SLOT_EVALUATED = 1,
    /* In the shape of the parameter, and at first a copy of its value before the first update. */
    RONDO_SLOT_COPY = 2
};
typedef struct rondo_slot {
    const char *name; /* NULL ends the list */
    int32_t shape;    /* enum rondo_slot_shape */
    int32_t role;     /* enum rondo_slot_role */
} rondo_slot;

/* One update of one parameter (or of a slice of it, see RONDO_OPTIMIZER_ELEMENTWISE). */
typedef struct rondo_optimizer_call {
    uint32_t struct_size;
    int32_t n_slots;
    const void *options;       /* the options of the parameter's group */
    const char *parameter;     /* name, for messages: "layers.0.W_i" */
    int64_t step;              /* number of this update: 1, 2, … */
    double lr_scale;           /* factor of the schedule on the learning rate; 1 without one */
    rondo_tensor value;        /* RONDO_F32 or RONDO_F64; updated in place */
    rondo_tensor gradient;     /* same shape and dtype; only RONDO_STAGE_GRADIENT may write it */
    const rondo_tensor *slots; /* [n_slots], in the order of the descriptor; updated in place */

    /* The gradient of the mean loss over `rows`, for targets drawn from the model's own predictions (see
     * wants_sampled); data is NULL at all other updates. */
    rondo_tensor sampled_gradient;
    int64_t rows; /* the number of losses whose mean the gradient belongs to */
} rondo_optimizer_call;

typedef struct rondo_optimizer {
    rondo_descriptor base;
    uint32_t flags;          /* enum rondo_optimizer_flag, or-ed */
    int32_t stage;           /* enum rondo_optimizer_stage */
    const rondo_slot *slots; /* ends with a NULL name; NULL: no state */
    /* Optional: refuses combinations of options that are not valid. Each option is in its range. [main-thread] */
    rondo_status (*check)(rondo_context *ctx, const void *options);
    /* The update. The host has checked that gradients are finite. [any-thread] */
    rondo_status (*step)(rondo_context *ctx, const rondo_optimizer_call *call);
    /* For slots of shape RONDO_SLOT_CHOSEN: sets ndim and shape of slot number `slot` for a parameter (whose data is
     * NULL). At first *shape is an empty tensor, [0], of the parameter's dtype. If it is not changed, the slot takes no
     * memory. An elementwise optimizer may only leave it, or set the shape of the parameter. [main-thread] */
    rondo_status (*choose_slot)(rondo_context *ctx, const void *options, int32_t slot, const rondo_tensor *parameter,
                                rondo_tensor *shape);
    /* Optional: returns 1 if update number `step` needs call->sampled_gradient. This costs one more forward and
     * backward pass, and requires a loss whose predictions are probabilities of classes. [main-thread] */
    int32_t (*wants_sampled)(const void *options, int64_t step);

    /* Optional: returns 1 if, with these options, no update changes the value or the slots of an element whose gradient
     * and sampled gradient are 0, whatever value and slots are; nor, for RONDO_STAGE_GRADIENT, this gradient. The host may
     * then leave such elements out: of an embedding, only the rows of the symbols that occur in a batch are updated. 0, or
     * NULL: all elements are updated. Only with RONDO_OPTIMIZER_ELEMENTWISE. Since ABI 1.2. [main-thread] */
    int32_t (*skips_zeros)(const void *options);

    /* Optional, for RONDO_STAGE_VALUE that only reads the value, such as an average: does the updates number `first` to
     * call->step together. The value is that of call->value in all of them. The slots are afterwards as if step had been
     * called for each, to rounding. lr_scale is 1, and the gradients have no data. The host may then leave out elements whose
     * value does not change, and catches up before their value changes and before a slot is used. Only with
     * RONDO_OPTIMIZER_ELEMENTWISE. Since ABI 1.2. [any-thread] */
    rondo_status (*catch_up)(rondo_context *ctx, const rondo_optimizer_call *call, int64_t first);
} rondo_optimizer;

/* ---------------------------------------------------------------------------------------------------------------
 * Losses: from outputs and targets to the loss, predictions and metrics
 * ------------------------------------------------------------------------------------------------------------- */

enum rondo_loss_flag {
    /* The loss of a row depends on other rows, so the host does not divide a batch among threads. */
    RONDO_LOSS_COUPLES_ROWS = 1,
    /* In training, `record` gets the input of the output layer, [rows, width], instead of outputs, and the parameters
     * of this layer in call->output_weight and call->output_bias. So it can compute only the outputs that it needs. In
     * evaluation it gets outputs like any other loss. */
    RONDO_LOSS_BEFORE_OUTPUT = 2,
    /* Targets are numbers in any unit, negative ones too, and predictions are in the same unit: one of each number, in
     * their order, or several of the first number, then as many of the second, … The host may then train on targets with
     * a mean of 0 and a deviation of 1, and turn predictions back. Since ABI 1.1. */
    RONDO_LOSS_ANY_UNIT = 4
};

/* What a target is. */
enum rondo_target_kind {
    RONDO_TARGET_CLASS = 0, /* one class of target_size: RONDO_I32 [rows], each in [0, target_size) */
    RONDO_TARGET_REAL = 1,  /* target_size numbers: float [rows, target_size] */
    /* A list of classes for each sequence, not aligned with its steps: RONDO_I32 [total length of all lists], one list
     * after the other; see rondo_sequences.target_begin */
    RONDO_TARGET_LIST = 2
};

/* Which rows of the outputs belong to which sequence of a batch. Rows are stored step by step. The rows of a step are
 * those of the sequences that are long enough, the longest sequence first. So the output of sequence s at step
 * t < lengths[s] is row begin[t] + s. */
typedef struct rondo_sequences {
    uint32_t struct_size;
    int32_t reserved;            /* 0 */
    int64_t count;               /* sequences, >= 1 */
    int64_t steps;               /* steps of the longest sequence */
    const int64_t *lengths;      /* [count] steps of each sequence, >= 1, in descending order */
    const int64_t *begin;        /* [steps + 1] first row of each step; begin[steps] is the number of rows */
    const int64_t *target_begin; /* [count + 1] first target of each sequence; only RONDO_TARGET_LIST, else NULL */
} rondo_sequences;

/* How the host computes the reported figure from the sum of a metric over all rows: the mean, its square root, or e to
 * the power of the mean. */
enum rondo_metric_finish { RONDO_METRIC_MEAN = 0, RONDO_METRIC_ROOT = 1, RONDO_METRIC_EXP = 2 };
typedef struct rondo_metric {
    const char *name;         /* "accuracy"; NULL ends the list. "loss" is reserved for the host */
    int32_t finish;           /* enum rondo_metric_finish */
    int32_t higher_is_better; /* 1 or 0: for early stopping and comparisons */
} rondo_metric;

/* The input of a loss. Rows are the sequences of a batch (one output per sequence), or all real steps of all sequences
 * (an output at every step). Most losses need not distinguish the two. */
typedef struct rondo_loss_call {
    uint32_t struct_size;
    int32_t target_kind; /* enum rondo_target_kind */
    const void *options;
    int64_t target_size; /* number of classes, or of numbers per row */
    int32_t training;    /* 1 in training; else 0 */
    int32_t reserved;    /* 0 */
    /* If there is an output at every step: in record and measure, and since ABI 1.2 also in predict and sample; else NULL. */
    const rondo_sequences *sequences;
    /* RONDO_LOSS_BEFORE_OUTPUT, in training: [width, output_size] and [output_size]; in a loss with choose_outputs, those
     * of the chosen outputs: [n_chosen, width] and [n_chosen]. */
    rondo_value output_weight, output_bias;
    /* In record, in training, the list that choose_outputs has set: [n_chosen]; else NULL and 0. Since ABI 1.2. */
    const int32_t *chosen;
    int64_t n_chosen;
} rondo_loss_call;

typedef struct rondo_loss {
    rondo_descriptor base;
    uint32_t flags;              /* enum rondo_loss_flag, or-ed */
    uint32_t reserved;           /* 0 */
    const rondo_metric *metrics; /* ends with a NULL name; NULL: only the loss */
    /* The number of outputs that the model needs for each row, for these targets. RONDO_INVALID, with the reason, if
     * the loss cannot use them. [main-thread] */
    rondo_status (*output_size)(rondo_context *ctx, const rondo_loss_call *call, int64_t *size);
    /* Records the loss of every row on the tape: outputs [rows, output_size], targets -> [rows]; with RONDO_TARGET_LIST
     * the loss of every sequence. The host takes the mean and differentiates it. Returns a failed value after an error.
     * [any-thread] */
    rondo_value (*record)(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets);
    /* outputs [rows, output_size] -> predictions [rows, target_size]: the probability of each class, or the numbers; or
     * [rows, prediction_size]. Writes every element. NULL: the outputs are the predictions. With RONDO_TARGET_LIST and
     * target_size + 1 numbers, they are the probabilities of no label (the blank) and of each label. [any-thread] */
    rondo_status (*predict)(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions);
    /* Adds the sum of each metric over the rows (over the sequences, if record gives the losses of sequences) to
     * sums[metric]. NULL if metrics is NULL. [any-thread] */
    rondo_status (*measure)(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *predictions,
                            const rondo_tensor *targets, double *sums);
    /* Optional, for predictions that do not have the form of targets (an embedding, several quantiles): sets *size to
     * the number of values in a row of predictions. [main-thread] */
    rondo_status (*prediction_size)(rondo_context *ctx, const rondo_loss_call *call, int64_t *size);
    /* Optional, for RONDO_TARGET_REAL, if the outputs describe how the targets are distributed: for each number, the
     * value below which its target lies with this probability, which is in (0, 1). outputs [rows, output_size] -> values
     * [rows, target_size], in the unit of the targets that record gets. Writes every element, none of which decreases
     * with the probability. RONDO_INVALID, with the reason, if the outputs do not say it for this probability; rows may
     * be 0 to ask only that. Prediction intervals are made of it. Since ABI 1.2. [any-thread] */
    rondo_status (*quantile)(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                             double probability, const rondo_tensor *values);
    /* Optional, with RONDO_LOSS_BEFORE_OUTPUT: the outputs that `record` needs for these targets, in training. Sets *chosen
     * to a list of *count outputs, in memory from host->alloc, each in [0, output_size); an output may occur several times.
     * `record` then gets only their weights, in the order of the list. So the host need not copy, differentiate or update
     * those of the others. Random words are drawn here, and `record` draws none. Since ABI 1.2. [any-thread] */
    rondo_status (*choose_outputs)(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *targets,
                                   const int32_t **chosen, int64_t *count);
    /* Optional: draws one target for each row from the distribution that the outputs describe. outputs [rows, output_size]
     * -> targets [rows, target_size] numbers, or [rows] i32 classes, in the form and unit of those that record gets. Writes
     * every element, with `words` random words for each row: words [rows, words], uniformly random 32-bit words that depend
     * on nothing but the row's own request, so that a row's draw does not depend on the other rows. NULL: classes are
     * drawn by their probabilities (predict), and numbers are the prediction itself. Since ABI 1.2. [any-thread] */
    rondo_status (*sample)(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets);
    /* With sample: the number of random words that it needs for each row, >= 1. Since ABI 1.2. [main-thread] */
    int64_t (*sample_words)(rondo_context *ctx, const rondo_loss_call *call);
} rondo_loss;

/* Element `index` of a tensor of any dtype as a double, and the reverse, rounded to the dtype. For code that need not
 * be fast. */
static inline double rondo_get(const rondo_tensor *tensor, int64_t index) {
    switch (tensor->dtype) {
    case RONDO_F32:
        return (double)((const float *)tensor->data)[index];
    case RONDO_F64:
        return ((const double *)tensor->data)[index];
    default:
        return (double)((const int32_t *)tensor->data)[index];
    }
}
static inline void rondo_set(const rondo_tensor *tensor, int64_t index, double value) {
    switch (tensor->dtype) {
    case RONDO_F32:
        ((float *)tensor->data)[index] = (float)value;
        break;
    case RONDO_F64:
        ((double *)tensor->data)[index] = value;
        break;
    default:
        ((int32_t *)tensor->data)[index] = (int32_t)value;
        break;
    }
}

/* The index, relative to `begin`, of the largest of the `count` >= 1 elements from `begin` on. If several are equal,
 * the first one. */
static inline int64_t rondo_argmax(const rondo_tensor *tensor, int64_t begin, int64_t count) {
    int64_t best = 0;
    for (int64_t k = 1; k < count; k++) {
        best = rondo_get(tensor, begin + k) > rondo_get(tensor, begin + best) ? k : best;
    }
    return best;
}

/* For losses and metrics with RONDO_TARGET_CLASS: RONDO_INVALID, with the row, if a target is not a class in
 * [0, classes). */
static inline rondo_status rondo_check_classes(rondo_context *ctx, const rondo_tensor *targets, int64_t classes) {
    const int32_t *class_of = (const int32_t *)targets->data; /* (rows) */
    for (int64_t row = 0; row < rondo_count(targets); row++) {
        if (class_of[row] < 0 || class_of[row] >= classes) {
            /* The brackets prevent the expansion of a macro of that name, which some test frameworks define. */
            return (ctx->host->fail)(ctx, RONDO_INVALID, "target of row %lld is class %d, expected 0 to %lld",
                                     (long long)row, (int)class_of[row], (long long)classes - 1);
        }
    }
    return RONDO_OK;
}

/* For losses: a scalar constant on the tape, of `dtype` RONDO_F32 or RONDO_F64. It is broadcast like any scalar. */
static inline rondo_value rondo_number(rondo_context *ctx, int32_t dtype, double value) {
    float single = (float)value;
    rondo_tensor scalar = {NULL, dtype, 0, {0}};
    scalar.data = dtype == RONDO_F32 ? (void *)&single : (void *)&value;
    return ctx->host->constant(ctx, &scalar);
}

/* Short forms of host->apply for one, two and three inputs. */
static inline rondo_value rondo_apply1(rondo_context *ctx, const char *op, const char *options, rondo_value a) {
    return ctx->host->apply(ctx, op, options, &a, 1);
}
static inline rondo_value rondo_apply2(rondo_context *ctx, const char *op, const char *options, rondo_value a,
                                       rondo_value b) {
    const rondo_value inputs[2] = {a, b};
    return ctx->host->apply(ctx, op, options, inputs, 2);
}
static inline rondo_value rondo_apply3(rondo_context *ctx, const char *op, const char *options, rondo_value a,
                                       rondo_value b, rondo_value c) {
    const rondo_value inputs[3] = {a, b, c};
    return ctx->host->apply(ctx, op, options, inputs, 3);
}

/* ---------------------------------------------------------------------------------------------------------------
 * Schedules: the factor on the learning rate, update by update
 * ------------------------------------------------------------------------------------------------------------- */

/* The position in a run. The host itself does a warm-up before the schedule; position and length do not include it. */
typedef struct rondo_schedule_call {
    uint32_t struct_size;
    int32_t n_state;
    const void *options;
    int64_t done;            /* number of updates before the one that the factor is for: 0, 1, … */
    int64_t steps;           /* number of updates in the whole run, >= 1; early stopping may end it sooner */
    int64_t steps_per_epoch; /* number of updates in an epoch, >= 1 */
    double lr; /* the optimizer's learning rate, which the factor multiplies; NAN: the optimizer has no such option */
    double *state; /* [n_state] zero before the first update; saved with checkpoints */
    /* Only in observe: the metric that early stopping watches, on the validation data. */
    double metric;
    int32_t higher_is_better; /* 1 or 0 */
    int32_t reserved;         /* 0 */
} rondo_schedule_call;

typedef struct rondo_schedule {
    rondo_descriptor base;
    int32_t n_state;  /* the number of values in its state, 0 .. 64 */
    int32_t reserved; /* 0 */
    /* Optional: refuses combinations of options that are not valid. Each option is in its range. [main-thread] */
    rondo_status (*check)(rondo_context *ctx, const void *options);
    /* Writes the factor, finite and >= 0. It depends only on the call; call->state is read but not written.
     * [any-thread] */
    rondo_status (*factor)(rondo_context *ctx, const rondo_schedule_call *call, double *factor);
    /* Optional: called with the metric after each validation; updates call->state. A schedule with this function needs
     * validation data. [main-thread] */
    rondo_status (*observe)(rondo_context *ctx, const rondo_schedule_call *call);
} rondo_schedule;

/* ---------------------------------------------------------------------------------------------------------------
 * Metrics: figures about predictions and their targets (since ABI 1.1)
 * ------------------------------------------------------------------------------------------------------------- */

/* A metric judges the predictions of a whole dataset, which the host passes in parts: `measure` adds the rows of a
 * part to accumulators, arrays of doubles, and `finish` computes the figure from them. The host measures the parts on
 * several threads, each with its own accumulators, and adds these up, element by element, in an order that does not
 * depend on the threads. So accumulators must be sums over rows that suffice for the figure. The F1 score, for example,
 * is not a mean over rows, but it follows from three counts for each class. */
enum rondo_metric_flag {
    /* The metric reads the values of the predictions as probabilities of the classes, not only their order. */
    RONDO_METRIC_PROBABILITIES = 1,
    /* The metric reads predictions of any form, and refuses in `check` those that it has no use for. Without the flag,
     * predictions have the form of targets, or else the host refuses the metric: one number (the probability) for each
     * class with RONDO_TARGET_CLASS, target_size numbers with RONDO_TARGET_REAL (the medians of rondo_loss.quantile, if
     * the predictions of the loss have another form). With RONDO_TARGET_LIST predictions always have any form. */
    RONDO_METRIC_ANY_PREDICTIONS = 2,
    /* The metric reads rondo_metric_call.naive. The host refuses it for data that have no such scale. */
    RONDO_METRIC_NAIVE = 4,
    /* The metric compares texts: those that the model generates, and those of the data (rondo_metric_call.generated). It gets
     * no predictions. The host refuses it for a model that does not generate. Since ABI 1.2. */
    RONDO_METRIC_TEXTS = 8
};

/* For rondo_metric_plugin.targets: this metric accepts targets of the kind. Several are or-ed. */
#define RONDO_ACCEPTS(target_kind) (1u << (target_kind))

/* An array of sums. It is zero at first, and may be saved with checkpoints under its name. */
typedef struct rondo_accumulator {
    const char *name; /* lower_case; NULL ends the list */
    const char *help; /* one line: what is summed */
} rondo_accumulator;

/* The largest number of doubles in all accumulators of a metric: a table of 1024 by 1024 classes. */
#define RONDO_MOST_SUMS 1048576

/* The input of a metric. Rows are those of a loss: the sequences of a batch (one output per sequence), or all steps
 * with a target (an output at every step). Numbers are in the data's own units. */
typedef struct rondo_metric_call {
    uint32_t struct_size;
    int32_t target_kind; /* enum rondo_target_kind */
    const void *options;
    int64_t target_size;     /* number of classes, or of numbers per row */
    int64_t prediction_size; /* numbers in a row of predictions */
    /* In measure, finish and table, else NULL: for each accumulator of the descriptor its numbers, [size]. */
    double *const *accumulators;

    /* The rest only in measure; else NULL. */
    const rondo_tensor *predictions;  /* float [rows, prediction_size] */
    const rondo_tensor *targets;      /* as rondo_target_kind describes; rows may be 0 */
    const rondo_sequences *sequences; /* if there is an output at every step; else NULL */
    const rondo_tensor *weights;      /* float [rows], with RONDO_TARGET_LIST [sequences]: each >= 0; NULL: 1 for all */
    /* RONDO_METRIC_NAIVE: float [rows, target_size], each > 0: the mean absolute error, in the training part of the
     * row's series, of the naive forecast: the value before, or that of the season before. NaN: the series has no such
     * error, because it does not change there or is no longer than a season; its rows are left out. */
    const rondo_tensor *naive;
    /* If the metric has `interval`: float [rows, target_size], the ends of the prediction interval of each number. Since
     * ABI 1.2. */
    const rondo_tensor *lower, *upper;
    /* RONDO_METRIC_TEXTS: for each of n_texts examples the text that was generated, and those that are right, at least one:
     * references[reference_begin[i]] up to, and without, references[reference_begin[i + 1]]. UTF-8, NUL-terminated. Tokens
     * that are not characters are separated by blanks. Since ABI 1.2. */
    int64_t n_texts;
    const char *const *generated; /* [n_texts] */
    const char *const *references;
    const int64_t *reference_begin; /* [n_texts + 1] */
} rondo_metric_call;

/* A table that a metric computes beside its figure. */
typedef struct rondo_metric_table {
    uint32_t struct_size;
    int32_t reserved;                /* 0 */
    int64_t rows, columns;           /* each >= 1 */
    const char *row_title;           /* what the rows are, "true class"; constant text; NULL: none */
    const char *column_title;        /* the same for the columns */
    const char *const *row_names;    /* [rows] constant texts; NULL: rows are the classes, and `rows` is target_size */
    const char *const *column_names; /* the same for the columns */
    const double *values;            /* [rows, columns], from host->alloc; not-a-number: undefined */
} rondo_metric_table;

typedef struct rondo_metric_plugin {
    rondo_descriptor base;
    uint32_t flags;                        /* enum rondo_metric_flag, or-ed */
    uint32_t targets;                      /* RONDO_ACCEPTS(RONDO_TARGET_CLASS), …, or-ed */
    int32_t higher_is_better;              /* 1 or 0: for early stopping and comparisons */
    int32_t reserved;                      /* 0 */
    const rondo_accumulator *accumulators; /* one or more; ends with a NULL name */
    /* Optional: refuses targets, predictions or options that the metric cannot use: RONDO_INVALID, with the reason.
     * Each option is in its range, and target_kind is one of `targets`. [main-thread] */
    rondo_status (*check)(rondo_context *ctx, const rondo_metric_call *call);
    /* Optional: the number of doubles in accumulator number `accumulator`; *size is 1 at first. NULL: 1 for all. Called
     * after check. At most RONDO_MOST_SUMS doubles together. [main-thread] */
    rondo_status (*size)(rondo_context *ctx, const rondo_metric_call *call, int32_t accumulator, int64_t *size);
    /* ADDS the rows of the call to the accumulators, which it must not read otherwise: they may be those of a part. A
     * row of weight w counts as w equal rows. [any-thread] */
    rondo_status (*measure)(rondo_context *ctx, const rondo_metric_call *call);
    /* Writes the figure, from the accumulators of all rows, which it only reads. Not-a-number if it is undefined, as
     * that of no rows. NULL: the metric has only a table. [main-thread] */
    rondo_status (*finish)(rondo_context *ctx, const rondo_metric_call *call, double *value);
    /* Optional: fills *table, which is zero but for struct_size, from the accumulators. [main-thread] */
    rondo_status (*table)(rondo_context *ctx, const rondo_metric_call *call, rondo_metric_table *table);
    /* Optional, for RONDO_TARGET_REAL: the probability, in (0, 1), with which a target is to lie in the interval from
     * call->lower to call->upper. Outside, it is as likely to be below as above. The host refuses the metric for a loss
     * without rondo_loss.quantile. Since ABI 1.2. [main-thread] */
    double (*interval)(const void *options);
} rondo_metric_plugin;

/* For metrics: the weight of row (or list) number `row`. */
static inline double rondo_weight(const rondo_metric_call *call, int64_t row) {
    return call->weights == NULL ? 1.0 : rondo_get(call->weights, row);
}

/* ---------------------------------------------------------------------------------------------------------------
 * The plugin object: the one symbol that a plugin exports
 * ------------------------------------------------------------------------------------------------------------- */

#define RONDO_PLUGIN_MAGIC 0x6f646e72u /* "rndo" in memory, little endian */
#define RONDO_ABI_MAJOR    1u
#define RONDO_ABI_MINOR    2u

/* A number that combines all parts of the layout that never change within one abi_major: the size of a pointer, the
 * sizes of the structs that are elements of arrays, RONDO_MAX_DIMS and the set of element types. It detects a plugin
 * that was built for another data model or with a modified header. */
#define RONDO_ABI_FINGERPRINT                                                                                          \
    ((uint64_t)sizeof(void *) | (uint64_t)sizeof(rondo_tensor) << 8 | (uint64_t)sizeof(rondo_option) << 16 |           \
     (uint64_t)sizeof(rondo_descriptor) << 24 | (uint64_t)sizeof(rondo_slot) << 32 |                                   \
     (uint64_t)sizeof(rondo_metric) << 40 | (uint64_t)RONDO_MAX_DIMS << 48 | (uint64_t)RONDO_DTYPE_COUNT << 56)

/* The host checks every field before it calls any function. The message for a mismatch contains the field, the value
 * found and the value expected. */
typedef struct rondo_plugin_info {
    uint32_t magic;                             /* RONDO_PLUGIN_MAGIC */
    uint32_t struct_size;                       /* sizeof(rondo_plugin_info) */
    uint32_t abi_major;                         /* RONDO_ABI_MAJOR */
    uint32_t abi_minor;                         /* RONDO_ABI_MINOR */
    uint64_t fingerprint;                       /* RONDO_ABI_FINGERPRINT */
    const char *name;                           /* of the plugin; usually the name of its file */
    const char *version;                        /* chosen by the author */
    const char *licence;                        /* SPDX identifier */
    const rondo_descriptor *const *descriptors; /* ends with NULL */
} rondo_plugin_info;

#if defined(__GNUC__)
#define RONDO_EXPORT __attribute__((visibility("default")))
#else
#define RONDO_EXPORT
#endif

#ifdef __cplusplus
#define RONDO_EXPORT_DATA extern "C" RONDO_EXPORT
#else
#define RONDO_EXPORT_DATA extern RONDO_EXPORT
#endif

/* Defines the plugin object. The arguments after the licence are pointers to rondo_descriptor: &my_op.base, … */
#define RONDO_PLUGIN(name, version, licence, ...)                                                                      \
    static const rondo_descriptor *const rondo_plugin_descriptors[] = {__VA_ARGS__, NULL};                             \
    RONDO_EXPORT_DATA const rondo_plugin_info rondo_plugin;                                                            \
    const rondo_plugin_info rondo_plugin = {RONDO_PLUGIN_MAGIC,                                                        \
                                            sizeof(rondo_plugin_info),                                                 \
                                            RONDO_ABI_MAJOR,                                                           \
                                            RONDO_ABI_MINOR,                                                           \
                                            RONDO_ABI_FINGERPRINT,                                                     \
                                            name,                                                                      \
                                            version,                                                                   \
                                            licence,                                                                   \
                                            rondo_plugin_descriptors}

#ifdef __cplusplus
}
#endif

#endif /* RONDO_PLUGIN_H */
