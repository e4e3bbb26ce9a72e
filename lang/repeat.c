#define _POSIX_C_SOURCE 200809L
#include "lang/repeat.h"

#include <math.h>
#include <string.h>

#include "core/suggest.h"
#include "lang/trace.h"

/* The most names, numbers and operators that all repetitions may write: bounds time and memory for any text. */
enum { MAX_WRITTEN = 100000 };

struct repeat_writer {
    const struct cell_definition *definition;
    const struct cell_settings *settings;
    struct equation *source;
    struct arena *arena;
    struct errors *errors;
    struct equation **tail;
    const struct repetition *repetition; /* the one being written; NULL: none */
    int32_t count;                       /* its number */
    int32_t written;                     /* in repetitions so far */
    int failed;                          /* in this equation, or in a way that ends the work */
};

#define WRITE_ERROR(writer, where, ...)                                                                                \
    do {                                                                                                               \
        (writer)->failed = 1;                                                                                          \
        equation_error(&(writer)->definition->equations, where, RONDO_INVALID, (writer)->errors, __VA_ARGS__);         \
    } while (0)

static void *take(struct repeat_writer *writer, void *memory) {
    if (memory == NULL) {
        writer->failed = 1;
        errors_no_memory(writer->errors);
    }
    return memory;
}

static int counts(const struct repeat_writer *writer, const char *name) {
    return writer->repetition != NULL && strcmp(writer->repetition->variable, name) == 0;
}

/* Evaluates an index or an end of a range; 0 after a mistake, which has been reported. */
static int index_value(struct repeat_writer *writer, const struct expression_index *index, int32_t *value) {
    *value = index->number;
    if (index->name == NULL) {
        return 1;
    }
    if (counts(writer, index->name)) {
        *value += writer->count;
        return 1;
    }
    const int32_t option = definition_option(writer->definition, index->name);
    if (option < 0) {
        struct suggestion best = {0};
        if (writer->repetition != NULL) {
            suggest(&best, index->name, writer->repetition->variable);
        }
        for (int32_t i = 0; i < writer->definition->n_options; i++) {
            suggest(&best, index->name, writer->definition->options[i].name);
        }
        WRITE_ERROR(writer, index->where,
                    "'%s' is not an index, expected a whole number, an option or what 'for' counts%s", index->name,
                    suggestion_text(&best).text);
        return 0;
    }
    const double number = definition_option_value(writer->definition, writer->settings, option);
    if (number != floor(number) || fabs(number) > MAX_WRITTEN) {
        WRITE_ERROR(writer, index->where, "option '%s' is %g, expected a whole number of at most %d", index->name,
                    number, MAX_WRITTEN);
        return 0;
    }
    *value += (int32_t)number;
    return 1;
}

/* s and [2] to s_2. NULL after a mistake. */
static const char *indexed_name(struct repeat_writer *writer, const char *base, const struct expression_index *index) {
    int32_t value;
    if (!index_value(writer, index, &value)) {
        return NULL;
    }
    if (value < 0) {
        WRITE_ERROR(writer, index->where, "the index of '%s' is %d, expected 0 or more", base, (int)value);
        return NULL;
    }
    return take(writer, (void *)arena_printf(writer->arena, "%s_%d", base, (int)value));
}

/* 1 if the tree has no index, so that it needs no copy outside of repetitions. */
static int is_plain(const struct expression *tree) {
    if (tree->kind != EXPRESSION_CALL) {
        return tree->kind == EXPRESSION_NUMBER || tree->index == NULL;
    }
    const struct expression *operand = tree->operand;
    while (operand != NULL && is_plain(operand)) {
        operand = operand->next;
    }
    return operand == NULL;
}

static struct expression *write_tree(struct repeat_writer *writer, const struct expression *tree);

static void write_call(struct repeat_writer *writer, const struct expression *call, struct expression *copy) {
    struct expression **tail = &copy->operand;
    for (const struct expression *operand = call->operand; operand != NULL; operand = operand->next) {
        *tail = write_tree(writer, operand);
        if (*tail == NULL) {
            return;
        }
        tail = &(*tail)->next;
    }
    struct expression_option **option_tail = &copy->options;
    *option_tail = NULL;
    for (const struct expression_option *option = call->options; option != NULL; option = option->next) {
        struct expression_option *given = take(writer, arena_calloc(writer->arena, 1, sizeof *given));
        if (given == NULL) {
            return;
        }
        *given = *option;
        given->next = NULL;
        struct expression **value_tail = &given->values;
        for (const struct expression *value = option->values; value != NULL; value = value->next) {
            *value_tail = write_tree(writer, value);
            if (*value_tail == NULL) {
                return;
            }
            value_tail = &(*value_tail)->next;
        }
        *option_tail = given;
        option_tail = &given->next;
    }
}

/* A copy with names in place of indices. NULL after a mistake. */
static struct expression *write_tree(struct repeat_writer *writer, const struct expression *tree) {
    if (writer->repetition != NULL && ++writer->written > MAX_WRITTEN) {
        WRITE_ERROR(writer, writer->repetition->where, "repetitions write more than %d names, numbers and operators",
                    MAX_WRITTEN);
        return NULL;
    }
    struct expression *copy = take(writer, arena_calloc(writer->arena, 1, sizeof *copy));
    if (copy == NULL) {
        return NULL;
    }
    *copy = *tree;
    copy->next = NULL;
    if (tree->kind == EXPRESSION_CALL) {
        copy->operand = NULL;
        write_call(writer, tree, copy);
    } else if (tree->kind == EXPRESSION_NAME && tree->index != NULL) {
        copy->index = NULL;
        copy->base = tree->name;
        copy->name = indexed_name(writer, tree->name, tree->index);
    } else if (tree->kind == EXPRESSION_NAME && !tree->primed && counts(writer, tree->name)) {
        copy->kind = EXPRESSION_NUMBER;
        copy->number = writer->count;
        copy->name = NULL;
    }
    return writer->failed ? NULL : copy;
}

/* Adds one equation, written out; 0 after a mistake. */
static int write_equation(struct repeat_writer *writer, struct equation *source) {
    struct equation *copy = take(writer, arena_calloc(writer->arena, 1, sizeof *copy));
    if (copy == NULL) {
        return 0;
    }
    writer->written +=
        writer->repetition != NULL; /* counted here too: an equation that could not be read has no tree */
    *copy = *source;
    copy->next = NULL;
    copy->index = NULL;
    copy->origin = source;
    if (writer->repetition != NULL &&
        (source->index == NULL || source->index->name == NULL || !counts(writer, source->index->name))) {
        WRITE_ERROR(writer, source->where, "'%s' is computed in every repetition and needs its number: %s[%s]",
                    source->name, source->name, writer->repetition->variable);
        return 0;
    }
    if (source->index != NULL) {
        copy->base = source->name;
        copy->name = indexed_name(writer, source->name, source->index);
    }
    if (source->value != NULL && !writer->failed && (writer->repetition != NULL || !is_plain(source->value))) {
        copy->value = write_tree(writer, source->value);
    }
    *writer->tail = copy;
    writer->tail = &copy->next;
    return !writer->failed;
}

/* The other meaning of the variable of a repetition, or NULL. */
static const char *other_meaning(const struct repeat_writer *writer, const char *name) {
    const struct cell_definition *definition = writer->definition;
    if (strcmp(name, "x") == 0) {
        return "the input";
    }
    if (definition_state(definition, name) >= 0) {
        return "a state";
    }
    if (definition_option(definition, name) >= 0) {
        return "an option";
    }
    if (name_is_width(name)) {
        return "the name of a width";
    }
    for (int32_t i = 0; i < definition->n_parameters; i++) {
        if (strcmp(definition->parameters[i].name, name) == 0) {
            return "a parameter";
        }
    }
    for (const struct equation *equation = writer->source; equation != NULL; equation = equation->next) {
        if (strcmp(equation->name, name) == 0) {
            return "computed by an equation";
        }
    }
    return NULL;
}

/* Writes the equations of one repetition, which begin with `source`, once for each number of its range. Returns the
 * equation after them. */
static struct equation *write_repetition(struct repeat_writer *writer, struct equation *source) {
    const struct repetition *repetition = source->repetition;
    const char *meaning = other_meaning(writer, repetition->variable);
    struct equation *end = source;
    while (end != NULL && end->repetition == repetition) {
        end = end->next;
    }
    if (meaning != NULL) {
        WRITE_ERROR(writer, repetition->where, "'%s' is %s, choose another name to count with", repetition->variable,
                    meaning);
        return end;
    }
    int32_t first, last;
    if (!index_value(writer, &repetition->first, &first) || !index_value(writer, &repetition->last, &last)) {
        return end;
    }
    if (last < first - 1) {
        WRITE_ERROR(writer, repetition->last.where,
                    "the range is %d..%d, expected its end to be %d or more (%d: no "
                    "repetition)",
                    (int)first, (int)last, (int)first - 1, (int)first - 1);
        return end;
    }
    writer->repetition = repetition;
    for (writer->count = first; writer->count <= last && !writer->failed; writer->count++) {
        int failed = 0;
        for (struct equation *equation = source; equation != end; equation = equation->next) {
            writer->failed = 0; /* in the first repetition every line reports its mistake */
            failed |= !write_equation(writer, equation);
            if (writer->written > MAX_WRITTEN) {
                break;
            }
        }
        writer->failed = failed;
    }
    writer->repetition = NULL;
    return end;
}

rondo_status equations_repeat(const struct cell_definition *definition, const struct cell_settings *settings,
                              struct equation *source, struct arena *arena, struct equation **first,
                              struct errors *errors) {
    struct repeat_writer writer = {.definition = definition,
                                   .settings = settings,
                                   .source = source,
                                   .arena = arena,
                                   .errors = errors,
                                   .tail = first};
    int failed = 0;
    *first = NULL;
    while (source != NULL && writer.written <= MAX_WRITTEN) {
        writer.failed = 0;
        if (source->repetition != NULL) {
            source = write_repetition(&writer, source);
        } else {
            write_equation(&writer, source);
            source = source->next;
        }
        failed |= writer.failed;
    }
    if (failed) {
        *first = NULL;
        return errors->status == RONDO_NO_MEMORY ? RONDO_NO_MEMORY : RONDO_INVALID;
    }
    return RONDO_OK;
}
