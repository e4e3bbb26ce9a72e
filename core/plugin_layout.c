#include "core/plugin_layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/descriptor.h"
#include "core/kind.h"
#include "core/number.h"

/* What is being read, and its name in messages. */
struct layout_reading {
    const struct plugin_memory *memory;
    struct errors *errors;
    char subject[128]; /* "descriptor 1", "optimizer 'mine'" */
};

static rondo_status refuse(const struct layout_reading *reading, const char *format, ...) RONDO_PRINTF(2, 3);
static rondo_status refuse(const struct layout_reading *reading, const char *format, ...) {
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return errors_add(reading->errors, RONDO_INVALID, "%s: %s", reading->subject, reason);
}

/* The pointer at this offset of a struct, as a number, since it may have any type and point anywhere. */
static uintptr_t pointer_at(uintptr_t owner, size_t offset) {
    uintptr_t pointer = 0;
    memcpy(&pointer, (const char *)owner + offset, sizeof pointer);
    return pointer;
}

static int is_text(const struct layout_reading *reading, uintptr_t text) {
    return text == 0 || plugin_memory_holds_text(reading->memory, (const char *)text);
}

/* ---- lists ---- */

struct layout_field {
    const char *name;
    size_t offset;
};

/* A list ends with a row whose first field is NULL. */
struct layout_list {
    const char *name; /* of the field that points to the list */
    const char *end;  /* what the row that ends it is called */
    size_t row_size;
    struct layout_field texts[3]; /* name NULL: fewer */
    struct layout_field choices;  /* a list of texts; name NULL: none */
};

static const struct layout_list options_list = {
    .name = "options",
    .end = "RONDO_OPTION_END",
    .row_size = sizeof(rondo_option),
    .texts = {{"key", offsetof(rondo_option, key)},
              {"default_text", offsetof(rondo_option, default_text)},
              {"help", offsetof(rondo_option, help)}},
    .choices = {"choices", offsetof(rondo_option, choices)},
};
static const struct layout_list slots_list = {
    .name = "slots",
    .end = "a row with a NULL name",
    .row_size = sizeof(rondo_slot),
    .texts = {{"name", offsetof(rondo_slot, name)}},
};
static const struct layout_list metrics_list = {
    .name = "metrics",
    .end = "a row with a NULL name",
    .row_size = sizeof(rondo_metric),
    .texts = {{"name", offsetof(rondo_metric, name)}},
};

static const struct layout_list accumulators_list = {
    .name = "accumulators",
    .end = "a row with a NULL name",
    .row_size = sizeof(rondo_accumulator),
    .texts = {{"name", offsetof(rondo_accumulator, name)}, {"help", offsetof(rondo_accumulator, help)}},
};

static rondo_status check_choices(const struct layout_reading *reading, int row, uintptr_t choices) {
    for (int k = 0; choices != 0; k++) {
        const uintptr_t at = choices + (size_t)k * sizeof(char *);
        if (!plugin_memory_holds(reading->memory, at, sizeof(char *), _Alignof(char *))) {
            return refuse(reading,
                          "row %d of 'options': 'choices' %s the plug-in at entry %d: does it end with NULL, and is it "
                          "aligned?",
                          row, k == 0 ? "lies outside" : "leaves", k);
        }
        if (pointer_at(at, 0) == 0) {
            break;
        }
        if (!is_text(reading, pointer_at(at, 0))) {
            return refuse(
                reading,
                "row %d of 'options': entry %d of 'choices' is not a text of the plug-in: does it end with NULL?", row,
                k);
        }
    }
    return RONDO_OK;
}

static rondo_status check_list(const struct layout_reading *reading, const struct layout_list *list, uintptr_t rows) {
    for (int row = 0; rows != 0; row++) {
        const uintptr_t at = rows + (size_t)row * list->row_size;
        if (!plugin_memory_holds(reading->memory, at, list->row_size, _Alignof(char *))) {
            return refuse(
                reading,
                "'%s': row %d lies outside the plug-in or is not aligned, and no row before it is the end row, %s",
                list->name, row, list->end);
        }
        if (pointer_at(at, 0) == 0) {
            break;
        }
        for (int k = 0; k < 3 && list->texts[k].name != NULL; k++) {
            if (!is_text(reading, pointer_at(at, list->texts[k].offset))) {
                return refuse(reading, "'%s': '%s' of row %d is not a text of the plug-in%s%s%s", list->name,
                              list->texts[k].name, row, row == 0 ? "" : ": is the end row missing, ",
                              row == 0 ? "" : list->end, row == 0 ? "" : "?");
            }
        }
        if (list->choices.name != NULL) {
            RONDO_TRY(check_choices(reading, row, pointer_at(at, list->choices.offset)));
        }
    }
    return RONDO_OK;
}

/* ---- descriptors ---- */

/* What each pointer of a descriptor points to: a text, a list, or else a function. */
static const struct layout_pointer {
    int32_t kind; /* RONDO_KIND_COUNT: any */
    int is_text;
    struct layout_field field;
    const struct layout_list *list;
} pointers[] = {
    {RONDO_KIND_COUNT, 1, {"summary", offsetof(rondo_descriptor, summary)}, NULL},
    {RONDO_KIND_COUNT, 0, {"options", offsetof(rondo_descriptor, options)}, &options_list},
    {RONDO_KIND_OP, 1, {"operands", offsetof(rondo_op, operands)}, NULL},
    {RONDO_KIND_OP, 0, {"map", offsetof(rondo_op, map)}, NULL},
    {RONDO_KIND_OP, 0, {"map_grad", offsetof(rondo_op, map_grad)}, NULL},
    {RONDO_KIND_OP, 0, {"infer", offsetof(rondo_op, infer)}, NULL},
    {RONDO_KIND_OP, 0, {"forward", offsetof(rondo_op, forward)}, NULL},
    {RONDO_KIND_OP, 0, {"backward", offsetof(rondo_op, backward)}, NULL},
    {RONDO_KIND_OP, 0, {"sample", offsetof(rondo_op, sample)}, NULL},
    {RONDO_KIND_OP, 0, {"sample_lengths", offsetof(rondo_op, sample_lengths)}, NULL},
    {RONDO_KIND_OP, 0, {"looks", offsetof(rondo_op, looks)}, NULL},
    {RONDO_KIND_OPTIMIZER, 0, {"slots", offsetof(rondo_optimizer, slots)}, &slots_list},
    {RONDO_KIND_OPTIMIZER, 0, {"check", offsetof(rondo_optimizer, check)}, NULL},
    {RONDO_KIND_OPTIMIZER, 0, {"step", offsetof(rondo_optimizer, step)}, NULL},
    {RONDO_KIND_OPTIMIZER, 0, {"choose_slot", offsetof(rondo_optimizer, choose_slot)}, NULL},
    {RONDO_KIND_OPTIMIZER, 0, {"wants_sampled", offsetof(rondo_optimizer, wants_sampled)}, NULL},
    {RONDO_KIND_OPTIMIZER, 0, {"skips_zeros", offsetof(rondo_optimizer, skips_zeros)}, NULL},
    {RONDO_KIND_OPTIMIZER, 0, {"catch_up", offsetof(rondo_optimizer, catch_up)}, NULL},
    {RONDO_KIND_LOSS, 0, {"metrics", offsetof(rondo_loss, metrics)}, &metrics_list},
    {RONDO_KIND_LOSS, 0, {"output_size", offsetof(rondo_loss, output_size)}, NULL},
    {RONDO_KIND_LOSS, 0, {"record", offsetof(rondo_loss, record)}, NULL},
    {RONDO_KIND_LOSS, 0, {"predict", offsetof(rondo_loss, predict)}, NULL},
    {RONDO_KIND_LOSS, 0, {"measure", offsetof(rondo_loss, measure)}, NULL},
    {RONDO_KIND_LOSS, 0, {"prediction_size", offsetof(rondo_loss, prediction_size)}, NULL},
    {RONDO_KIND_LOSS, 0, {"quantile", offsetof(rondo_loss, quantile)}, NULL},
    {RONDO_KIND_LOSS, 0, {"choose_outputs", offsetof(rondo_loss, choose_outputs)}, NULL},
    {RONDO_KIND_LOSS, 0, {"sample", offsetof(rondo_loss, sample)}, NULL},
    {RONDO_KIND_LOSS, 0, {"sample_words", offsetof(rondo_loss, sample_words)}, NULL},
    {RONDO_KIND_SCHEDULE, 0, {"check", offsetof(rondo_schedule, check)}, NULL},
    {RONDO_KIND_SCHEDULE, 0, {"factor", offsetof(rondo_schedule, factor)}, NULL},
    {RONDO_KIND_SCHEDULE, 0, {"observe", offsetof(rondo_schedule, observe)}, NULL},
    {RONDO_KIND_METRIC, 0, {"accumulators", offsetof(rondo_metric_plugin, accumulators)}, &accumulators_list},
    {RONDO_KIND_METRIC, 0, {"check", offsetof(rondo_metric_plugin, check)}, NULL},
    {RONDO_KIND_METRIC, 0, {"size", offsetof(rondo_metric_plugin, size)}, NULL},
    {RONDO_KIND_METRIC, 0, {"measure", offsetof(rondo_metric_plugin, measure)}, NULL},
    {RONDO_KIND_METRIC, 0, {"finish", offsetof(rondo_metric_plugin, finish)}, NULL},
    {RONDO_KIND_METRIC, 0, {"table", offsetof(rondo_metric_plugin, table)}, NULL},
    {RONDO_KIND_METRIC, 0, {"interval", offsetof(rondo_metric_plugin, interval)}, NULL},
};

static rondo_status check_pointer(const struct layout_reading *reading, const struct layout_pointer *pointer,
                                  uintptr_t value) {
    if (pointer->list != NULL) {
        return check_list(reading, pointer->list, value);
    }
    if (pointer->is_text) {
        return is_text(reading, value) ? RONDO_OK
                                       : refuse(reading, "'%s' is not a text of the plug-in", pointer->field.name);
    }
    return value == 0 || plugin_memory_runs(reading->memory, value)
               ? RONDO_OK
               : refuse(reading, "'%s' is not a function of the plug-in", pointer->field.name);
}

/* No descriptor has grown up to ABI 1.1, and a plug-in of today's ABI has today's sizes. Metrics exist since 1.1. */
static rondo_status check_size(const struct layout_reading *reading, const rondo_descriptor *descriptor,
                               uint32_t abi_minor) {
    const int32_t kinds = abi_minor == 0 ? RONDO_KIND_METRIC : RONDO_KIND_COUNT;
    if (descriptor->kind < 0 || descriptor->kind >= kinds) {
        return refuse(reading, "kind is %d, expected 0 to %d", (int)descriptor->kind, (int)kinds - 1);
    }
    const uint32_t least = descriptor_first_size(descriptor->kind);
    const uint32_t expected = abi_minor <= 1 ? least : descriptor_size(descriptor->kind);
    const int is_known = abi_minor <= 1 || abi_minor == RONDO_ABI_MINOR;
    if (is_known && descriptor->struct_size != expected) {
        return refuse(reading, "kind %d (%s) has struct_size %u, expected %u: is it another kind?",
                      (int)descriptor->kind, kind_name(descriptor->kind), (unsigned)descriptor->struct_size,
                      (unsigned)expected);
    }
    if (descriptor->struct_size < least || !plugin_memory_holds(reading->memory, (uintptr_t)descriptor,
                                                                descriptor->struct_size, _Alignof(rondo_descriptor))) {
        return refuse(reading, "kind %d (%s) has struct_size %u, which the plug-in does not have there",
                      (int)descriptor->kind, kind_name(descriptor->kind), (unsigned)descriptor->struct_size);
    }
    return RONDO_OK;
}

static rondo_status check_descriptor(struct layout_reading *reading, const rondo_descriptor *descriptor, int index,
                                     uint32_t abi_minor) {
    const uintptr_t at = (uintptr_t)descriptor;
    snprintf(reading->subject, sizeof reading->subject, "descriptor %d", index);
    if (!plugin_memory_holds(reading->memory, at, sizeof *descriptor, _Alignof(rondo_descriptor))) {
        return refuse(reading, "lies outside the plug-in or is not aligned%s",
                      index == 0 ? "" : ": does the list of descriptors end with NULL?");
    }
    if (!is_text(reading, (uintptr_t)descriptor->name)) {
        return refuse(reading, "'name' is not a text of the plug-in");
    }
    if (descriptor->name != NULL) {
        const int is_kind = descriptor->kind >= 0 && descriptor->kind < RONDO_KIND_COUNT;
        snprintf(reading->subject, sizeof reading->subject, "%s '%.80s'",
                 is_kind ? kind_name(descriptor->kind) : "descriptor", descriptor->name);
    }
    RONDO_TRY(check_size(reading, descriptor, abi_minor));
    const union descriptor copy = descriptor_copy(descriptor); /* with fields that its author did not know: NULL */
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        const struct layout_pointer *pointer = &pointers[i];
        if (pointer->kind == descriptor->kind || pointer->kind == RONDO_KIND_COUNT) {
            RONDO_TRY(check_pointer(reading, pointer, pointer_at((uintptr_t)&copy, pointer->field.offset)));
        }
    }
    return RONDO_OK;
}

/* ---- the plug-in object ---- */

rondo_status plugin_layout_check(const struct plugin_memory *memory, const rondo_plugin_info *info,
                                 struct errors *errors) {
    static const struct layout_field texts[] = {{"name", offsetof(rondo_plugin_info, name)},
                                                {"version", offsetof(rondo_plugin_info, version)},
                                                {"licence", offsetof(rondo_plugin_info, licence)}};
    struct layout_reading reading = {memory, errors, "rondo_plugin"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!is_text(&reading, pointer_at((uintptr_t)info, texts[i].offset))) {
            return refuse(&reading, "'%s' is not a text of the plug-in", texts[i].name);
        }
    }
    for (int i = 0;; i++) {
        const rondo_descriptor *const *at = info->descriptors + i;
        if (!plugin_memory_holds(memory, (uintptr_t)at, sizeof *at, _Alignof(rondo_descriptor *))) {
            snprintf(reading.subject, sizeof reading.subject, "rondo_plugin");
            return refuse(
                &reading,
                "entry %d of 'descriptors' lies outside the plug-in or is not aligned: does it end with NULL?", i);
        }
        if (*at == NULL) {
            return RONDO_OK;
        }
        RONDO_TRY(check_descriptor(&reading, *at, i, info->abi_minor));
    }
}
