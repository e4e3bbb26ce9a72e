/* The passes from a step program to a graph that can be planned. */
#include <string.h>

#include "core/scan/graph.h"

/* Appends what a pass did. Returns the text of the graph, to compare with after the next pass. */
static const char *describe(const struct scan_graph *graph, const char *pass, const char *before,
                            struct scan_printer *text) {
    struct scan_printer now = {.arena = text->arena};
    graph_text(graph, &now);
    const int changed = before == NULL || now.data == NULL || strcmp(before, now.data) != 0;
    scan_print(text, "after %s%s\n", pass, changed ? ":" : " (no change)");
    for (const char *line = now.data; changed && line != NULL && *line != '\0';) {
        const size_t length = strcspn(line, "\n") + 1;
        scan_print(text, "%.*s", (int)length, line);
        line += length;
    }
    return now.data;
}

struct scan_graph *graph_create(const struct scan_graph_settings *settings, struct arena *arena,
                                struct scan_printer *text, struct errors *errors) {
    struct scan_graph *graph = arena_calloc(arena, 1, sizeof *graph);
    if (graph == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    graph->arena = arena;
    graph->errors = errors;
    graph->passes = settings->passes;
    graph->training = settings->training;
    graph->grad_x = -1;
    const struct {
        const char *name;
        int on;
        scan_pass_function *run;
    } passes[] = {
        {"tracing", 1, graph_build},
        {"hoist: values that depend only on inputs are computed before the loop", settings->passes & PASS_HOIST,
         graph_hoist},
        {"differentiation", settings->training, graph_differentiate},
        {"hoist, of the backward step", settings->training && (settings->passes & PASS_HOIST), graph_hoist},
        {"sink: values that no later step needs are computed after the loop", settings->passes & PASS_SINK, graph_sink},
        {"merge: products are added directly to the sums that they are part of", settings->passes & PASS_MERGE,
         graph_merge},
        {"plan: cheap values are recomputed where they are read (rematerialised)", settings->passes & PASS_PLAN,
         graph_rematerialise},
        {"own carries: each gradient for the step before is computed by its own node of the loop", settings->training,
         graph_own_carries},
        {"keep carries: gradients from the step after are copied for readers after the loop", settings->training,
         graph_keep_carries},
        {"copy parts: parts of rows are copied for readers of whole rows", 1, graph_copy_parts},
    };
    const char *before = NULL;
    for (size_t i = 0; i < sizeof passes / sizeof passes[0] && !graph_failed(graph); i++) {
        if (passes[i].on) {
            passes[i].run(graph, settings);
            before = text == NULL || graph_failed(graph) ? NULL : describe(graph, passes[i].name, before, text);
        }
    }
    if (arena_failed(arena) && errors->count == 0) {
        errors_no_memory(errors);
    }
    const int failed = graph_failed(graph);
    graph->errors = NULL;
    return failed ? NULL : graph;
}
