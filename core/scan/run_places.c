/* The address of every value, once the memory of a run is allocated. */
#include "core/scan/run.h"

static struct scan_location given(const struct scan_run *run, const struct scan_node *node) {
    const int32_t s = node->which;
    struct scan_location where = {.position = POSITION_PACKED};
    const char *base = NULL;
    switch (node->kind) {
    case NODE_X:
        base = run->given.x;
        break;
    case NODE_STATE:
        if (run->given.graph->constant[s]) {
            base = run->given.initial[s];
            where.position = POSITION_ROW;
        } else if (run->given.plan->state_sequence[s] >= 0) {
            base = run->memory.sequences[run->given.plan->state_sequence[s]];
            where.position = POSITION_PREVIOUS;
        } else {
            where.position = POSITION_ROW;
            where.base[0] = run->memory.doubles[s][0];
            where.base[1] = run->memory.doubles[s][1];
            return where;
        }
        break;
    case NODE_FIXED:
        base = run->given.fixed[s].data;
        break;
    case NODE_RAGGED:
        base = run->given.ragged[s].data;
        break;
    case NODE_GRAD_OUTPUT:
        base = run->given.grad_output;
        break;
    case NODE_GRAD_STATE:
        where.position = POSITION_ROW;
        where.base[0] = run->memory.carries[s][1];
        where.base[1] = run->memory.carries[s][0];
        return where;
    default: /* NODE_GRAD_X */
        base = run->given.grad_x;
    }
    where.base[0] = where.base[1] = (char *)base;
    return where;
}

static struct scan_location computed(const struct scan_run *run, const struct scan_place place, size_t row_bytes) {
    struct scan_location where = {.position = POSITION_PACKED};
    switch (place.storage) {
    case STORE_LOCAL:
        where.position = POSITION_LOCAL;
        where.offset = (size_t)place.index * run->given.size;
        break;
    case STORE_SEQUENCE: {
        const size_t lead = run->given.plan->sequences[place.index].is_state ? (size_t)run->given.time->rows : 0;
        where.base[0] = where.base[1] = run->memory.sequences[place.index] + lead * row_bytes;
        break;
    }
    case STORE_DOUBLE:
        where.position = POSITION_ROW;
        where.base[0] = run->memory.doubles[place.index][1];
        where.base[1] = run->memory.doubles[place.index][0];
        break;
    case STORE_CARRY:
        where.position = POSITION_ROW;
        where.base[0] = run->memory.carries[place.index][0];
        where.base[1] = run->memory.carries[place.index][1];
        break;
    case STORE_GRAD_X:
        where.base[0] = where.base[1] = run->given.grad_x;
        break;
    default:
        break;
    }
    return where;
}

rondo_status run_find_places(struct scan_run *run, struct arena *arena, struct errors *errors) {
    const struct scan_graph *graph = run->given.graph;
    run->now.where = arena_alloc(arena, sizeof *run->now.where * (size_t)(graph->count + 1));
    if (run->now.where == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t id = 0; id < graph->count; id++) {
        const struct scan_node *node = &graph->nodes[id];
        int32_t base = id;
        int64_t shift = 0;
        while (node_is_alias(&graph->nodes[base])) {
            shift += graph->nodes[base].kind == NODE_PART ? graph->nodes[base].offset : 0;
            base = graph->nodes[base].inputs[0];
        }
        /* The rows of a part are as far apart as the rows that they are parts of. */
        const size_t row_bytes = (size_t)graph->nodes[base].width * run->given.size;
        run->now.where[id] = node_is_given(&graph->nodes[base])
                                 ? given(run, &graph->nodes[base])
                                 : computed(run, run->given.plan->places[base], row_bytes);
        run->now.where[id].row_bytes = node->kind == NODE_FIXED ? 0 : row_bytes;
        run->now.where[id].shift = (size_t)shift * run->given.size;
    }
    return RONDO_OK;
}
