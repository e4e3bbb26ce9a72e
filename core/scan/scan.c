/* The plans of a scan: made once, from the step program. */
#include "core/scan/scan.h"

#include <stdio.h>
#include <string.h>

#include "core/scan/record.h"
#include "core/suggest.h"

const char *scan_pass_name(int32_t index) {
    static const char *const names[] = {"merge", "hoist", "sink", "fuse", "plan"};
    return index >= 0 && index < (int32_t)(sizeof names / sizeof names[0]) ? names[index] : NULL;
}

/* Parses "-fuse": sets the bit of that pass. */
static rondo_status parse_pass(const char *word, int32_t *passes_off, struct errors *errors) {
    struct suggestion best = {0};
    const char *name = word + (word[0] == '-');
    for (int32_t i = 0; scan_pass_name(i) != NULL; i++) {
        suggest(&best, name, scan_pass_name(i));
        if (word[0] == '-' && strcmp(scan_pass_name(i), name) == 0) {
            *passes_off |= 1 << i;
            return RONDO_OK;
        }
    }
    char hint[96] = "";
    if (best.name != NULL) {
        snprintf(hint, sizeof hint, " (did you mean '-%s'?)", best.name);
    }
    char all[96] = "";
    for (int32_t i = 0; scan_pass_name(i) != NULL; i++) {
        const size_t length = strlen(all);
        snprintf(all + length, sizeof all - length, "%s-%s", i == 0 ? "" : ", ", scan_pass_name(i));
    }
    return errors_add(errors, RONDO_INVALID, "unknown pass '%s'%s in --passes, expected one or more of %s", word, hint,
                      all);
}

rondo_status scan_passes_parse(const char *text, int32_t *passes_off, struct errors *errors) {
    rondo_status first = RONDO_OK;
    *passes_off = 0;
    while (text != NULL) {
        const size_t length = strcspn(text, ",");
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), text);
        const rondo_status status = parse_pass(word, passes_off, errors);
        first = first == RONDO_OK ? status : first;
        text = text[length] == ',' ? text + length + 1 : NULL;
    }
    return first;
}

static struct scan_graph_settings settings_of(const struct scan_settings *settings, int kind) {
    return (struct scan_graph_settings){.program = settings->program,
                                        .n_states = settings->n_states,
                                        .new_states = settings->new_states,
                                        .output = settings->output,
                                        .passes = settings->passes,
                                        .training = kind != PLAN_VALUES,
                                        .wants_x = kind != PLAN_VALUES && ((kind - PLAN_GRADIENTS) & AND_X) != 0,
                                        .wants_constant =
                                            kind != PLAN_VALUES && ((kind - PLAN_GRADIENTS) & AND_CONSTANT) != 0};
}

static int has_constant(const struct scan_graph *graph) {
    int found = 0;
    for (int32_t s = 0; s < graph->n_states; s++) {
        found |= graph->constant[s];
    }
    return found;
}

struct scan *scan_create(const struct scan_settings *settings, struct errors *errors) {
    struct arena *arena = arena_create();
    struct scan *scan = arena_calloc(arena, 1, sizeof *scan);
    if (scan == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    scan->arena = arena;
    scan->program = settings->program;
    scan->n_states = settings->n_states;
    scan->recompute = settings->recompute;
    scan->observe = settings->observe;
    scan->observe_arg = settings->observe_arg;
    scan->account = settings->account;
    struct errors own = {0}; /* earlier errors of the caller must not stop this work */
    for (int kind = 0; kind < PLAN_KINDS && own.count == 0; kind++) {
        const struct scan_graph_settings of_graph = settings_of(settings, kind);
        if (of_graph.wants_constant && !has_constant(scan->plans[PLAN_VALUES]->graph)) {
            continue;
        }
        struct scan_graph *graph = graph_create(&of_graph, arena, NULL, &own);
        scan->plans[kind] = graph == NULL ? NULL : plan_create(graph, &own);
        if (scan->plans[kind] == NULL && own.count == 0) {
            errors_no_memory(&own);
        }
    }
    const int failed = own.count > 0;
    errors_move(errors, &own);
    if (failed) {
        scan_destroy(scan);
        return NULL;
    }
    return scan;
}

void scan_destroy(struct scan *scan) {
    if (scan != NULL) {
        arena_destroy(scan->arena);
    }
}

int64_t scan_loop_bytes(struct scan *scan) {
    int64_t bytes = 0;
    for (int half = 0; half < 2; half++) {
        bytes += plan_loop_width(scan->plans[PLAN_GRADIENTS + AND_X], half, scan->arena);
    }
    return bytes * (int64_t)dtype_size(scan->plans[PLAN_GRADIENTS + AND_X]->graph->dtype);
}

char *scan_text(const struct scan_settings *settings, struct arena *arena, struct errors *errors) {
    struct scan_printer text = {.arena = arena};
    const struct scan_graph_settings of_graph = settings_of(settings, PLAN_GRADIENTS + AND_X);
    struct scan_graph *graph = graph_create(&of_graph, arena, &text, errors);
    struct scan_plan *plan = graph == NULL ? NULL : plan_create(graph, errors);
    if (plan == NULL) {
        return NULL;
    }
    plan_text(plan, &text);
    if (arena_failed(arena)) {
        errors_no_memory(errors);
        return NULL;
    }
    return text.data;
}
