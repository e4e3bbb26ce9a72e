/* train/profile.h: measures the time of a training per stage of an update and per layer.
 *
 * Time is added up over the threads that have a part of the batch of their own: two that compute for one second count two. Where
 * several share one part, as those of a wide cell do for a batch of few rows (core/scan/run_wide.c), the part counts once. A stage adds the time of its end
 * and subtracts that of its beginning, so that any number of threads may be in the same stage. Without a profile
 * (NULL) nothing is measured.
 *
 *     profile_begin(profile, PROFILE_UPDATE);
 *     …
 *     profile_end(profile, PROFILE_UPDATE);
 *
 * Threads: profile_begin, profile_end and profile_observe on any; the rest on the main thread while no other is in a
 * stage.
 */
#ifndef RONDO_TRAIN_PROFILE_H
#define RONDO_TRAIN_PROFILE_H

#include "core/scan/scan.h"

/* Stages do not overlap. PROFILE_FORWARD and PROFILE_BACKWARD contain the times of the layers. */
enum profile_stage {
    PROFILE_READ,     /* experiment, plug-ins, data; building the network */
    PROFILE_PACK,     /* examples to batches */
    PROFILE_FORWARD,  /* of the model, in training */
    PROFILE_LOSS,     /* forward pass of the loss */
    PROFILE_BACKWARD, /* of loss and model */
    PROFILE_REDUCE,   /* gradients of shards added up */
    PROFILE_UPDATE,   /* gradient clipping, schedule, optimizer and wrappers */
    PROFILE_VALIDATION,
    PROFILE_FILES, /* the run folder */
    PROFILE_STAGES
};

struct profile;

/* NULL with an error. */
struct profile *profile_create(struct errors *errors);
void profile_destroy(struct profile *profile);

void profile_begin(struct profile *profile, enum profile_stage stage);
void profile_end(struct profile *profile, enum profile_stage stage);

/* Makes room for the times of n layers, of which the first are those of an encoder. Before profile_layer. */
rondo_status profile_set_layers(struct profile *profile, int32_t n, int32_t n_encoder, struct errors *errors);
/* The observer of a layer's recurrence (fused engine only); its argument is profile_layer(…). It counts only while
 * training is on, because evaluation uses the same layers. */
scan_observer profile_observe;
void *profile_layer(struct profile *profile, int32_t layer);
void profile_set_training(struct profile *profile, int is_on);

/* Seconds, summed over threads. */
double profile_seconds(const struct profile *profile, enum profile_stage stage);
/* half 0: forward, 1: backward. PHASE_BEFORE: what is computed for all steps together before the loop over time
 * (forward: the products with the inputs). PHASE_LOOP: the loop. PHASE_AFTER: what is computed for all steps together
 * after it (backward: the gradients of weights). */
double profile_layer_seconds(const struct profile *profile, int32_t layer, int half, enum scan_phase phase);
int32_t profile_layer_count(const struct profile *profile);
int32_t profile_encoder_count(const struct profile *profile);
/* "update" */
const char *profile_stage_name(enum profile_stage stage);

#endif
