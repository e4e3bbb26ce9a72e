#define _POSIX_C_SOURCE 200809L
#include "train/profile.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "core/memory.h"

struct profile_layer {
    struct profile *profile;
    atomic_llong nanoseconds[2][PHASE_COUNT];
};

struct profile {
    atomic_llong nanoseconds[PROFILE_STAGES];
    struct profile_layer *layers;
    int32_t n_layers, n_encoder;
    int is_training; /* changes only while no layer runs */
};

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

struct profile *profile_create(struct errors *errors) {
    struct profile *profile = memory_calloc(1, sizeof *profile);
    if (profile == NULL) {
        errors_no_memory(errors);
    }
    return profile;
}

void profile_destroy(struct profile *profile) {
    if (profile != NULL) {
        free(profile->layers);
        free(profile);
    }
}

void profile_begin(struct profile *profile, enum profile_stage stage) {
    if (profile != NULL) {
        atomic_fetch_sub_explicit(&profile->nanoseconds[stage], now(), memory_order_relaxed);
    }
}

void profile_end(struct profile *profile, enum profile_stage stage) {
    if (profile != NULL) {
        atomic_fetch_add_explicit(&profile->nanoseconds[stage], now(), memory_order_relaxed);
    }
}

rondo_status profile_set_layers(struct profile *profile, int32_t n, int32_t n_encoder, struct errors *errors) {
    profile->layers = memory_calloc((size_t)n, sizeof *profile->layers);
    if (profile->layers == NULL) {
        return errors_no_memory(errors);
    }
    profile->n_layers = n;
    profile->n_encoder = n_encoder;
    for (int32_t i = 0; i < n; i++) {
        profile->layers[i].profile = profile;
    }
    return RONDO_OK;
}

void *profile_layer(struct profile *profile, int32_t layer) {
    return &profile->layers[layer];
}

void profile_observe(void *arg, int half, enum scan_phase phase, int done) {
    struct profile_layer *layer = arg;
    if (layer->profile->is_training) {
        atomic_fetch_add_explicit(&layer->nanoseconds[half][phase], done ? now() : -now(), memory_order_relaxed);
    }
}

void profile_set_training(struct profile *profile, int is_on) {
    if (profile != NULL) {
        profile->is_training = is_on;
    }
}

double profile_seconds(const struct profile *profile, enum profile_stage stage) {
    return 1e-9 * (double)profile->nanoseconds[stage];
}

double profile_layer_seconds(const struct profile *profile, int32_t layer, int half, enum scan_phase phase) {
    return 1e-9 * (double)profile->layers[layer].nanoseconds[half][phase];
}

int32_t profile_layer_count(const struct profile *profile) {
    return profile->n_layers;
}

int32_t profile_encoder_count(const struct profile *profile) {
    return profile->n_encoder;
}

const char *profile_stage_name(enum profile_stage stage) {
    static const char *const names[PROFILE_STAGES] = {
        [PROFILE_READ] = "reading",  [PROFILE_PACK] = "batches",          [PROFILE_FORWARD] = "forward",
        [PROFILE_LOSS] = "loss",     [PROFILE_BACKWARD] = "backward",     [PROFILE_REDUCE] = "sum of gradients",
        [PROFILE_UPDATE] = "update", [PROFILE_VALIDATION] = "validation", [PROFILE_FILES] = "files",
    };
    return names[stage];
}
