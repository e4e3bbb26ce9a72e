#include <jansson.h>
#include <math.h>

#include "inspect/inspect.h"
#include "io/json.h"

/* null for a number that is not finite. */
static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* Objects take over `value`; a failure is remembered. */
static void set(int *failed, json_t *object, const char *key, json_t *value) {
    *failed |= json_object_set_new(object, key, value) != 0;
}

static void append(int *failed, json_t *array, json_t *value) {
    *failed |= json_array_append_new(array, value) != 0;
}

static json_t *curve_json(const struct inspect_curve *curve, int *failed) {
    json_t *object = json_object(), *distance = json_array(), *norm = json_array(), *examples = json_array();
    const int64_t points = curve->count < INSPECT_MOST_POINTS ? curve->count : INSPECT_MOST_POINTS;
    if (curve->missing != NULL) {
        json_decref(distance);
        json_decref(norm);
        json_decref(examples);
        set(failed, object, "missing", json_text(curve->missing));
        return object;
    }
    for (int64_t i = 0; i < points; i++) {
        const int64_t d = points < curve->count ? i * (curve->count - 1) / (points - 1) : i;
        append(failed, distance, json_integer(d));
        append(failed, norm, number(curve->norm[d]));
        append(failed, examples, json_integer(curve->examples[d]));
    }
    set(failed, object, "distance", distance);
    set(failed, object, "norm", norm);
    set(failed, object, "examples", examples);
    set(failed, object, "half_life", number(curve->half_life));
    set(failed, object, "factor", number(curve->factor));
    set(failed, object, "fit", number(curve->fit));
    set(failed, object, "fitted", json_pack("[i, I]", 0, (json_int_t)curve->fitted));
    return object;
}

static json_t *state_json(const struct inspect_state *state, int *failed) {
    json_t *object = json_object();
    set(failed, object, "name", json_text(state->name));
    set(failed, object, "width", json_integer(state->width));
    set(failed, object, "curve", curve_json(&state->curve, failed));
    set(failed, object, "dead", json_integer(state->dead));
    set(failed, object, "saturated", json_integer(state->saturated));
    return object;
}

static json_t *gate_json(const struct inspect_gate *gate, int *failed) {
    json_t *object = json_object();
    set(failed, object, "name", json_text(gate->name));
    set(failed, object, "op", json_text(gate->op));
    set(failed, object, "low", number(gate->low));
    set(failed, object, "high", number(gate->high));
    set(failed, object, "below", number(gate->below));
    set(failed, object, "above", number(gate->above));
    set(failed, object, "shut", number(gate->shut));
    set(failed, object, "open", number(gate->open));
    return object;
}

static json_t *matrix_json(const struct inspect_matrix *matrix, int *failed) {
    json_t *object = json_object(), *radii = json_array();
    for (int32_t i = 0; i < matrix->n_radii; i++) {
        append(failed, radii, number(matrix->radii[i]));
    }
    set(failed, object, "name", json_text(matrix->name));
    set(failed, object, "rows", json_integer(matrix->rows));
    set(failed, object, "columns", json_integer(matrix->columns));
    set(failed, object, "radius", radii);
    return object;
}

static json_t *layer_json(const struct inspect_layer *layer, int *failed) {
    json_t *object = json_object(), *states = json_array(), *gates = json_array(), *matrices = json_array();
    for (int32_t i = 0; i < layer->n_states; i++) {
        append(failed, states, state_json(&layer->states[i], failed));
    }
    for (int32_t i = 0; i < layer->n_gates; i++) {
        append(failed, gates, gate_json(&layer->gates[i], failed));
    }
    for (int32_t i = 0; i < layer->n_matrices; i++) {
        append(failed, matrices, matrix_json(&layer->matrices[i], failed));
    }
    set(failed, object, "name", json_text(layer->name));
    set(failed, object, "cell", json_text(layer->cell));
    set(failed, object, "direction", json_string(layer->is_backward ? "backward" : "forward"));
    set(failed, object, "states", states);
    set(failed, object, "gates", gates);
    set(failed, object, "matrices", matrices);
    return object;
}

static json_t *blocks_json(const struct inspection *inspection, int *failed) {
    json_t *blocks = json_array();
    for (int32_t i = 0; i < inspection->n_blocks; i++) {
        json_t *block = json_object();
        set(failed, block, "name", json_text(inspection->blocks[i].name));
        set(failed, block, "block", json_text(inspection->blocks[i].block));
        append(failed, blocks, block);
    }
    return blocks;
}

/* {"step": […], "ratio": {PARAMETER: […]}} */
static json_t *updates_json(const struct inspection *inspection, int *failed) {
    json_t *object = json_object(), *steps = json_array(), *ratios = json_object();
    for (int64_t i = 0; i < inspection->n_updates; i++) {
        append(failed, steps, json_integer(inspection->update_steps[i]));
    }
    for (int32_t p = 0; p < inspection->n_parameters; p++) {
        json_t *ratio = json_array();
        for (int64_t i = 0; i < inspection->n_updates; i++) {
            append(failed, ratio, number(inspection->updates[p].ratio[i]));
        }
        set(failed, ratios, inspection->updates[p].name, ratio);
    }
    set(failed, object, "step", steps);
    set(failed, object, "ratio", ratios);
    return object;
}

json_t *inspect_json(const struct inspection *inspection) {
    int failed = 0;
    json_t *object = json_object(), *data = json_object(), *memory = json_object(), *layers = json_array();
    json_t *findings = json_array();
    set(&failed, data, "part", json_text(inspection->part));
    set(&failed, data, "examples", json_integer(inspection->examples));
    set(&failed, data, "of", json_integer(inspection->of));
    set(&failed, data, "steps", json_integer(inspection->steps));
    set(&failed, memory, "curve", curve_json(&inspection->input, &failed));
    set(&failed, memory, "reach", inspection->reach < 0 ? json_null() : json_integer(inspection->reach));
    set(&failed, memory, "reach_share", json_real(INSPECT_REACH_SHARE));
    set(&failed, memory, "most", inspection->most < 0 ? json_null() : json_integer(inspection->most));
    set(&failed, memory, "most_share", json_real(INSPECT_MOST_SHARE));
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        append(&failed, layers, layer_json(&inspection->layers[i], &failed));
    }
    for (int32_t i = 0; i < inspection->n_findings; i++) {
        append(&failed, findings, json_text(inspection->findings[i]));
    }
    set(&failed, object, "format", json_integer(1));
    set(&failed, object, "data", data);
    set(&failed, object, "loss", number(inspection->loss));
    set(&failed, object, "gradient_from", json_text(inspection->gradient_from));
    set(&failed, object, "memory", memory);
    if (inspection->source_steps > 0) {
        json_t *source = json_object();
        set(&failed, source, "curve", curve_json(&inspection->source, &failed));
        set(&failed, data, "source_steps", json_integer(inspection->source_steps));
        set(&failed, object, "source", source);
    }
    if (inspection->n_blocks > 0) {
        set(&failed, object, "blocks", blocks_json(inspection, &failed));
    }
    set(&failed, object, "layers", layers);
    if (inspection->n_updates > 0) {
        set(&failed, object, "updates", updates_json(inspection, &failed));
    }
    set(&failed, object, "findings", findings);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}
