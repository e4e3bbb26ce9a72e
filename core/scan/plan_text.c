/* A plan for a human: what each stage does in which order, and how much memory stays. */
#include "core/scan/plan.h"

static void add_name(const struct scan_plan *plan, struct arena *arena, char **text, int32_t id) {
    static const char *const stores[] = {"", "chunk", "local", "seq", "double", "carry", "grad_x"};
    const struct scan_node *node = &plan->graph->nodes[id];
    const struct scan_place place = plan->places[id];
    text_add(arena, text, " %d", id);
    if (node->name != NULL) {
        text_add(arena, text, ":%s", node->name);
    }
    if (place.storage == STORE_CHUNK || node_is_effect(node)) {
        return;
    }
    text_add(arena, text, "@%s", stores[place.storage]);
    if (place.storage == STORE_SEQUENCE) {
        text_add(arena, text, "%d", (int)place.index);
    }
}

static void add_instruction(const struct scan_plan *plan, struct arena *arena, char **text,
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
    text_add(arena, text, "    %s:", names[instruction->kind]);
    for (int32_t i = 0; i < instruction->count; i++) {
        add_name(plan, arena, text, instruction->nodes[i]);
    }
    text_add(arena, text, "\n");
}

char *plan_text(const struct scan_plan *plan, struct arena *arena) {
    static const char *const halves[] = {"forward", "backward"};
    static const char *const phases[] = {"before the loop", "loop", "behind the loop"};
    char *text =
        arena_strdup(arena, "fuse and plan: instructions, and where values stay (@seqN: kept for all steps)\n");
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct scan_stage *stage = &plan->stages[half][phase];
            if (stage->count == 0) {
                continue;
            }
            text_add(arena, &text, "  %s, %s\n", halves[half], phases[phase]);
            for (int32_t i = 0; i < stage->count; i++) {
                add_instruction(plan, arena, &text, &stage->instructions[i]);
            }
        }
    }
    text_add(arena, &text, "kept for the backward pass: %lld numbers for each row and step\n",
             (long long)plan->sequence_width);
    return text;
}
