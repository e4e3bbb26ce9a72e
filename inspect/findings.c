#include "inspect/findings.h"

#include <math.h>

/* Findings of a state that are nothing to mention. */
static const double most_dead = 0.02, most_shut = 0.9, most_ratio = 0.1, least_ratio = 1e-6;

struct finding_list {
    const char **texts;
    int32_t count, most;
};

static void add(struct finding_list *list, const char *text) {
    if (text != NULL && list->count < list->most) {
        list->texts[list->count++] = text;
    }
}

/* "1 step", "12 steps". */
static const char *steps_text(double steps, struct arena *arena) {
    return steps < 10 ? arena_printf(arena, "%.2g step%s", steps, steps == 1 ? "" : "s")
                      : arena_printf(arena, "%.0f steps", steps);
}

/* A share of 1: "3.1 %", "1e-05 %". */
static const char *percent_text(double share, struct arena *arena) {
    return arena_printf(arena, share >= 0.0995 ? "%.0f %%" : "%.2g %%", 100 * share);
}

/* The name of a state with its layer, "layers.0.h". */
static const char *curve_text(const char *name, const struct inspect_curve *curve, struct arena *arena) {
    if (curve->missing != NULL || curve->common < 3) {
        return NULL;
    }
    const int64_t last = curve->common - 1;
    if (curve->norm[0] <= 0) {
        return arena_printf(arena, "%s: no gradient reaches it", name);
    }
    if (isnan(curve->half_life)) {
        const long long steps = (long long)curve->fitted + 1;
        return arena_printf(arena, "%s: the gradient is gone after %lld step%s", name, steps, steps == 1 ? "" : "s");
    }
    const double left = curve->norm[last] / curve->norm[0];
    if (curve->factor > 1.001 && left > 2) {
        return arena_printf(arena, "%s: the gradient grows by %.2g %% per step back: %.3g times larger %lld steps back",
                            name, 100 * (curve->factor - 1), left, (long long)last);
    }
    if (!isfinite(curve->half_life) || curve->half_life > 4 * (double)last) {
        return arena_printf(arena, "%s: the gradient hardly falls over %lld steps", name, (long long)last);
    }
    if (left > 1) {
        return arena_printf(arena, "%s: the gradient falls and grows again; %lld steps back it is %.3g times as large",
                            name, (long long)last, left);
    }
    if (curve->fit < 0.5) {
        return arena_printf(arena, "%s: the gradient falls at no steady rate; %lld steps back, %s of it is left", name,
                            (long long)last, percent_text(left, arena));
    }
    return arena_printf(arena, "%s: the gradient halves every %s; %lld steps back, %s of it is left", name,
                        steps_text(curve->half_life, arena), (long long)last, percent_text(left, arena));
}

static void add_memory(struct finding_list *list, const struct inspection *inspection, struct arena *arena) {
    const struct inspect_curve *curve = &inspection->input;
    if (curve->missing != NULL || inspection->reach < 0 || curve->common < 2) {
        return;
    }
    if (inspection->reach == 0) {
        add(list, "only the input nearest to the loss counts: the gradient of all others is below 1 % of the largest");
    } else if (inspection->reach >= curve->common - 1) {
        add(list,
            arena_printf(arena,
                         curve->common < curve->count
                             ? "inputs count as far back as a tenth of the examples reach, %lld steps from the loss"
                             : "inputs count back to the first step, %lld steps from the loss",
                         (long long)inspection->reach));
    } else {
        add(list, arena_printf(arena,
                               "inputs more than %s back hardly count: their gradient is below %.0f %% of the "
                               "largest",
                               steps_text((double)inspection->reach, arena), 100 * INSPECT_REACH_SHARE));
    }
    if (inspection->most == 0) {
        return;
    }
    add(list, arena_printf(arena, "%.0f %% of the gradient of all inputs is within %s of the loss",
                           100 * INSPECT_MOST_SHARE, steps_text((double)inspection->most, arena)));
}

static void add_layer(struct finding_list *list, const struct inspect_layer *layer, struct arena *arena) {
    for (int32_t s = 0; s < layer->n_states; s++) {
        const struct inspect_state *state = &layer->states[s];
        const char *name = arena_printf(arena, "%s.%s", layer->name, state->name);
        add(list, curve_text(name, &state->curve, arena));
        if ((double)state->dead > most_dead * (double)state->width) {
            add(list, arena_printf(arena, "%s: %lld of %lld units do not vary over the sample%s", name,
                                   (long long)state->dead, (long long)state->width,
                                   2 * state->saturated > state->dead ? ": they are stuck near 1 or -1" : ""));
        }
    }
    for (int32_t g = 0; g < layer->n_gates; g++) {
        const struct inspect_gate *gate = &layer->gates[g];
        if (gate->below + gate->above > most_shut) {
            add(list, arena_printf(arena, "%s.%s: %s of its values are near a limit of %s, where it hardly learns",
                                   layer->name, gate->name, percent_text(gate->below + gate->above, arena), gate->op));
        }
    }
}

/* Parameters that change by leaps at the end of the training, or hardly. */
static void add_updates(struct finding_list *list, const struct inspection *inspection, struct arena *arena) {
    int32_t fast = 0, slow = 0;
    const char *fastest = NULL, *slowest = NULL;
    for (int32_t p = 0; inspection->n_updates > 0 && p < inspection->n_parameters; p++) {
        const double ratio = inspection->updates[p].ratio[inspection->n_updates - 1];
        if (ratio > most_ratio && fast++ == 0) {
            fastest = inspection->updates[p].name;
        }
        if (ratio < least_ratio && slow++ == 0) {
            slowest = inspection->updates[p].name;
        }
    }
    if (fast > 0) {
        add(list, arena_printf(arena,
                               "the last update changed %s%s by more than %s of its size: the learning rate may be "
                               "too high",
                               fastest, fast == 1 ? "" : arena_printf(arena, " and %d more", (int)fast - 1),
                               percent_text(most_ratio, arena)));
    }
    if (slow > 0) {
        add(list,
            arena_printf(arena, "the last update changed %s%s by less than %s of its size: it hardly learns any more",
                         slowest, slow == 1 ? "" : arena_printf(arena, " and %d more", (int)slow - 1),
                         percent_text(least_ratio, arena)));
    }
}

void inspect_find(struct inspection *inspection, struct arena *arena) {
    struct finding_list list = {.most = 5};
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        list.most += 2 * inspection->layers[i].n_states + inspection->layers[i].n_gates;
    }
    list.texts = arena_calloc(arena, (size_t)list.most, sizeof *list.texts);
    if (list.texts == NULL) {
        return;
    }
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        add_layer(&list, &inspection->layers[i], arena);
    }
    add_memory(&list, inspection, arena);
    if (inspection->source_steps > 0) {
        add(&list, curve_text("source", &inspection->source, arena));
    }
    add_updates(&list, inspection, arena);
    inspection->findings = list.texts;
    inspection->n_findings = list.count;
}
