#include "core/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"

/* Dimensions above SHOW_ALL show only SHOW_EDGE entries at each end. */
enum { SHOW_ALL = 8, SHOW_EDGE = 3 };

struct printer {
    char *text;
    size_t size, length; /* length of the whole text, of which at most size - 1 bytes have been written */
};

static void put(struct printer *printer, const char *format, ...) RONDO_PRINTF(2, 3);
static void put(struct printer *printer, const char *format, ...) {
    const int has_room = printer->length < printer->size;
    va_list arguments;
    va_start(arguments, format);
    const int length = number_vprint(has_room ? printer->text + printer->length : NULL,
                                     has_room ? printer->size - printer->length : 0, format, arguments);
    va_end(arguments);
    printer->length += length > 0 ? (size_t)length : 0;
}

/* ---- tensors ---- */

/* Entries of dimension `d`, of which the first begins at element `begin`. */
static void put_elements(struct printer *printer, const rondo_tensor *tensor, int32_t d, int64_t begin) {
    if (d == tensor->ndim) {
        put(printer, "%.6g", tensor_get(tensor, begin));
        return;
    }
    int64_t stride = 1; /* elements of one entry */
    for (int32_t k = d + 1; k < tensor->ndim; k++) {
        stride *= tensor->shape[k];
    }
    const int64_t count = tensor->shape[d];
    const int is_last = d == tensor->ndim - 1;
    put(printer, "[");
    for (int64_t i = 0; i < count; i++) {
        if (i > 0) {
            put(printer, is_last ? ", " : ",\n%*s", is_last ? 0 : (int)d + 1, "");
        }
        if (count > SHOW_ALL && i == SHOW_EDGE) {
            put(printer, "...");
            i = count - SHOW_EDGE - 1;
        } else {
            put_elements(printer, tensor, d + 1, begin + i * stride);
        }
    }
    put(printer, "]");
}

static void put_type(struct printer *printer, const rondo_tensor *tensor) {
    put(printer, "%s %s", dtype_name(tensor->dtype), tensor_shape_text(tensor).text);
}

size_t tensor_print(const rondo_tensor *tensor, char *text, size_t size) {
    struct printer printer = {text, size, 0};
    if (tensor == NULL) {
        put(&printer, "(no tensor)");
        return printer.length;
    }
    if (tensor->ndim < 0 || tensor->ndim > RONDO_MAX_DIMS || dtype_size(tensor->dtype) == 0) {
        put(&printer, "(not a tensor: dtype %d, ndim %d)", (int)tensor->dtype, (int)tensor->ndim);
        return printer.length;
    }
    put_type(&printer, tensor);
    if (tensor->data == NULL) {
        put(&printer, " without data");
    } else {
        put(&printer, "\n");
        put_elements(&printer, tensor, 0, 0);
    }
    return printer.length;
}

/* ---- tapes ---- */

static void put_inputs(struct printer *printer, const struct tape_description *of) {
    put(printer, "(");
    for (int32_t k = 0; k < of->n_inputs; k++) {
        put(printer, "%s%%%d", k == 0 ? "" : ", ", (int)of->inputs[k]);
    }
    put(printer, ")");
}

/* Options that differ from their default, as in an equation. */
static void put_options(struct printer *printer, const rondo_op *op, const void *options) {
    struct arena *arena = arena_create();
    for (const rondo_option *option = op->base.options; options != NULL && option != NULL && option->key != NULL;
         option++) {
        const char *value = option_text(option, options, arena);
        if (value != NULL && (option->default_text == NULL || strcmp(value, option->default_text) != 0)) {
            put(printer, " %s=%s", option->key, value);
        }
    }
    arena_destroy(arena);
}

static void put_value(struct printer *printer, int32_t id, const struct tape_description *value) {
    put(printer, "%%%d = ", (int)id);
    if (value->op != NULL) {
        put(printer, "%s", value->op->base.name);
        put_inputs(printer, value);
        put_options(printer, value->op, value->options);
    } else if (value->output >= 0) {
        put(printer, "output %d of %s", (int)value->output, value->name);
        put_inputs(printer, value);
    } else {
        put(printer, value->is_parameter ? "parameter" : "constant");
    }
    if (value->name != NULL && value->output < 0) {
        put(printer, " '%s'", value->name);
    }
    put(printer, " ");
    put_type(printer, value->tensor);
    put(printer, "%s%s", value->needs_gradient ? " gradient" : "", value->is_view ? " view" : "");
    put(printer, "%s%s\n", value->scope == NULL ? "" : " in ", value->scope == NULL ? "" : value->scope);
}

size_t tape_print(const struct tape *tape, char *text, size_t size) {
    struct printer printer = {text, size, 0};
    if (size > 0) {
        text[0] = '\0';
    }
    struct tape_description value;
    for (int32_t id = 0; tape_describe(tape, id, &value); id++) {
        put_value(&printer, id, &value);
    }
    return printer.length;
}
