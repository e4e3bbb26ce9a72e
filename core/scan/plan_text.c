/* A plan as text: what each stage does in which order, and how much memory is kept for the backward pass. */
#include "core/scan/plan.h"

static void add_name(const struct scan_plan *plan, struct scan_text *text, int32_t id) {
    static const char *const stores[] = {"", "chunk", "local", "seq", "double", "carry", "grad_x"};
    const struct scan_node *node = &plan->graph->nodes[id];
    const struct scan_place place = plan->places[id];
    scan_text_add(text, " %d", id);
    if (node->name != NULL) {
        scan_text_add(text, ":%s", node->name);
    }
    if (place.storage == STORE_CHUNK || node_is_effect(node)) {
        return;
    }
    scan_text_add(text, "@%s", stores[place.storage]);
    if (place.storage == STORE_SEQUENCE) {
        scan_text_add(text, "%d", (int)place.index);
    }
}

static void add_instruction(const struct scan_plan *plan, struct scan_text *text,
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
    };
    scan_text_add(text, "    %s:", names[instruction->kind]);
    for (int32_t i = 0; i < instruction->count; i++) {
        add_name(plan, text, instruction->nodes[i]);
    }
    scan_text_add(text, "\n");
}

void plan_text(const struct scan_plan *plan, struct scan_text *text) {
    static const char *const halves[] = {"forward", "backward"};
    static const char *const phases[] = {"before the loop", "loop", "after the loop"};
    scan_text_add(text, "fuse and plan: instructions, and where values are stored (@seqN: for all steps)\n");
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct scan_stage *stage = &plan->stages[half][phase];
            if (stage->count == 0) {
                continue;
            }
            scan_text_add(text, "  %s, %s\n", halves[half], phases[phase]);
            for (int32_t i = 0; i < stage->count; i++) {
                add_instruction(plan, text, &stage->instructions[i]);
            }
        }
    }
    scan_text_add(text, "kept for the backward pass: %lld numbers for each row and step\n",
                  (long long)plan->sequence_width);
}
