/* Where every value of a graph is, once memory is there. */
#include "core/scan/run.h"

static struct scan_location given(const struct scan_run *run, const struct scan_node *node) {
    const int32_t s = node->which;
    struct scan_location where = {.position = POSITION_PACKED};
    const char *base = NULL;
    switch (node->kind) {
    case NODE_X:
        base = run->x;
        break;
    case NODE_STATE:
        if (run->graph->constant[s]) {
            base = run->initial[s];
            where.position = POSITION_ROW;
        } else if (run->plan->state_sequence[s] >= 0) {
            base = run->sequences[run->plan->state_sequence[s]];
            where.position = POSITION_PREVIOUS;
        } else {
            where.position = POSITION_ROW;
            where.base[0] = run->doubles[s][0];
            where.base[1] = run->doubles[s][1];
            return where;
        }
        break;
    case NODE_FIXED:
        base = run->fixed[s].data;
        break;
    case NODE_GRAD_OUTPUT:
        base = run->grad_output;
        break;
    case NODE_GRAD_STATE:
        where.position = POSITION_ROW;
        where.base[0] = run->carries[s][1];
        where.base[1] = run->carries[s][0];
        return where;
    default: /* NODE_GRAD_X */
        base = run->grad_x;
    }
    where.base[0] = where.base[1] = (char *)base;
    return where;
}

static struct scan_location computed(const struct scan_run *run, const struct scan_place place, size_t row_bytes) {
    struct scan_location where = {.position = POSITION_PACKED};
    switch (place.storage) {
    case STORE_LOCAL:
        where.position = POSITION_LOCAL;
        where.offset = (size_t)place.index * run->size;
        break;
    case STORE_SEQUENCE: {
        const size_t lead = run->plan->sequences[place.index].is_state ? (size_t)run->time->rows : 0;
        where.base[0] = where.base[1] = run->sequences[place.index] + lead * row_bytes;
        break;
    }
    case STORE_DOUBLE:
        where.position = POSITION_ROW;
        where.base[0] = run->doubles[place.index][1];
        where.base[1] = run->doubles[place.index][0];
        break;
    case STORE_CARRY:
        where.position = POSITION_ROW;
        where.base[0] = run->carries[place.index][0];
        where.base[1] = run->carries[place.index][1];
        break;
    case STORE_GRAD_X:
        where.base[0] = where.base[1] = run->grad_x;
        break;
    default:
        break;
    }
    return where;
}

rondo_status run_find_places(struct scan_run *run, struct arena *arena, struct errors *errors) {
    const struct scan_graph *graph = run->graph;
    run->where = arena_alloc(arena, sizeof *run->where * (size_t)(graph->count + 1));
    if (run->where == NULL) {
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
        /* A part keeps the distance of the rows that it is a part of. */
        const size_t row_bytes = (size_t)graph->nodes[base].width * run->size;
        run->where[id] = node_is_given(&graph->nodes[base]) ? given(run, &graph->nodes[base])
                                                            : computed(run, run->plan->places[base], row_bytes);
        run->where[id].row_bytes = node->kind == NODE_FIXED ? 0 : row_bytes;
        run->where[id].shift = (size_t)shift * run->size;
    }
    return RONDO_OK;
}
