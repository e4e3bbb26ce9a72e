/* A plan as text: what each stage does in which order, and how much memory is kept for the backward pass. */
#include "core/scan/plan.h"

static void add_name(const struct scan_plan *plan, struct scan_printer *text, int32_t id) {
    static const char *const stores[] = {"", "chunk", "local", "seq", "double", "carry", "grad_x"};
    const struct scan_node *node = &plan->graph->nodes[id];
    const struct scan_place place = plan->places[id];
    scan_print(text, " %d", id);
    if (node->name != NULL) {
        scan_print(text, ":%s", node->name);
    }
    if (place.storage == STORE_CHUNK || node_is_effect(node)) {
        return;
    }
    scan_print(text, "@%s", stores[place.storage]);
    if (place.storage == STORE_SEQUENCE) {
        scan_print(text, "%d", (int)place.index);
    }
}

static void add_instruction(const struct scan_plan *plan, struct scan_printer *text,
                            const struct scan_instruction *instruction) {
    static const char *const names[] = {
        [NODE_MAP] = "group",
        [NODE_PRODUCT] = "products",
        [NODE_CALL] = "call",
        [NODE_CALL_GRADIENT] = "call gradient",
        [NODE_JOIN] = "join",
        [NODE_REDUCE] = "reduce",
        [NODE_WEIGHT_GRADIENT] = "weight gradient",
        [NODE_FIXED_SUM] = "fixed sum",
        [NODE_FIXED_CALL] = "fixed call gradient",
        [NODE_RAGGED_CALL] = "ragged call gradient",
    };
    scan_print(text, "    %s:", names[instruction->kind]);
    for (int32_t i = 0; i < instruction->count; i++) {
        add_name(plan, text, instruction->nodes[i]);
    }
    scan_print(text, "\n");
}

void plan_text(const struct scan_plan *plan, struct scan_printer *text) {
    static const char *const halves[] = {"forward", "backward"};
    static const char *const phases[] = {"before the loop", "loop", "after the loop"};
    scan_print(text, "fuse and plan: instructions, and where values are stored (@seqN: for all steps)\n");
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct scan_stage *stage = &plan->stages[half][phase];
            if (stage->count == 0) {
                continue;
            }
            scan_print(text, "  %s, %s\n", halves[half], phases[phase]);
            for (int32_t i = 0; i < stage->count; i++) {
                add_instruction(plan, text, &stage->instructions[i]);
            }
        }
    }
    scan_print(text, "kept for the backward pass: %lld numbers for each row and step\n",
               (long long)plan->sequence_width);
}
