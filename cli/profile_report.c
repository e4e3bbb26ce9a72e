#include "cli/profile_report.h"

#include <jansson.h>
#include <stdio.h>

static double total_seconds(const struct profile *profile) {
    double total = 0;
    for (int stage = 0; stage < PROFILE_STAGES; stage++) {
        total += profile_seconds(profile, (enum profile_stage)stage);
    }
    return total;
}

static void print_row(const char *indent, const char *name, double seconds, double total) {
    fprintf(stderr, "  %s%-*s %10.3f %5.1f %%\n", indent, indent[0] == '\0' ? 34 : 32, name, seconds,
            total > 0 ? 100 * seconds / total : 0);
}

/* The parts of a forward or backward pass: each layer, and what remains. */
static void print_layers(const struct profile *profile, int half, double whole, double total) {
    static const char *const phases[2][PHASE_COUNT] = {
        {[PHASE_BEFORE] = "input products", [PHASE_LOOP] = "loop over time", [PHASE_AFTER] = "after the loop"},
        {[PHASE_BEFORE] = "before the loop", [PHASE_LOOP] = "loop over time", [PHASE_AFTER] = "weight gradients"},
    };
    double rest = whole;
    for (int32_t layer = 0; layer < profile_layer_count(profile); layer++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const double seconds = profile_layer_seconds(profile, layer, half, (enum scan_phase)phase);
            char name[64];
            const int is_encoder = layer < profile_encoder_count(profile);
            snprintf(name, sizeof name, "%s.%d %s", is_encoder ? "encoder" : "layers",
                     is_encoder ? layer : layer - profile_encoder_count(profile), phases[half][phase]);
            rest -= seconds;
            if (seconds > 0) {
                print_row("  ", name, seconds, total);
            }
        }
    }
    const char *others = half == 0 ? "embedding, dropout, head, other" : "the other ops";
    print_row("  ", rest < whole ? others : "all ops", rest, total); /* the engine tape has no times of layers */
}

void profile_print(const struct profile *profile, int32_t threads) {
    const double total = total_seconds(profile);
    fprintf(stderr, "\n  %-34s %10s\n", threads == 1 ? "profile" : "profile, of all parts of a batch", "seconds");
    for (int i = 0; i < PROFILE_STAGES; i++) {
        const enum profile_stage stage = (enum profile_stage)i;
        const double seconds = profile_seconds(profile, stage);
        print_row("", profile_stage_name(stage), seconds, total);
        if (stage == PROFILE_FORWARD || stage == PROFILE_BACKWARD) {
            print_layers(profile, stage == PROFILE_BACKWARD, seconds, total);
        }
    }
    print_row("", "total", total, total);
}

struct json_t *profile_json(const struct profile *profile, int32_t threads) {
    static const char *const phases[PHASE_COUNT] = {"before", "loop", "after"};
    static const char *const halves[2] = {"forward", "backward"};
    json_t *stages = json_object(), *layers = json_array(), *encoder = json_array();
    int failed = stages == NULL || layers == NULL || encoder == NULL;
    for (int stage = 0; stage < PROFILE_STAGES; stage++) {
        failed |= json_object_set_new(stages, profile_stage_name((enum profile_stage)stage),
                                      json_real(profile_seconds(profile, (enum profile_stage)stage)));
    }
    for (int32_t layer = 0; layer < profile_layer_count(profile); layer++) {
        json_t *of_layer = json_object();
        for (int half = 0; half < 2; half++) {
            json_t *of_half = json_object();
            for (int phase = 0; phase < PHASE_COUNT; phase++) {
                failed |=
                    json_object_set_new(of_half, phases[phase],
                                        json_real(profile_layer_seconds(profile, layer, half, (enum scan_phase)phase)));
            }
            failed |= json_object_set_new(of_layer, halves[half], of_half);
        }
        failed |= json_array_append_new(layer < profile_encoder_count(profile) ? encoder : layers, of_layer);
    }
    json_t *all = json_pack("{s:i, s:o, s:o, s:o}", "threads", (int)threads, "stages", stages, "encoder", encoder,
                            "layers", layers);
    if (failed) {
        json_decref(all);
        return NULL;
    }
    return all;
}
