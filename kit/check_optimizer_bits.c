/* kit/check_optimizer_bits.c: two runs of an optimizer that must end in the same bits. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/at_once.h"
#include "kit/check_optimizer.h"
#include "kit/first_call.h"
#include "kit/no_globals.h"
#include "kit/optimised.h"
#include "store/safetensors.h"

static struct optimised *create(struct kit *kit, const rondo_descriptor *descriptor, int32_t ndim, const int64_t *shape,
                                int32_t instance, char *reason, size_t size) {
    return optimised_create(kit, (const rondo_optimizer *)descriptor, NULL, tensor_of(RONDO_F32, ndim, shape), instance,
                            reason, size);
}

/* `difference` is the reason that optimised_equal wrote. */
static enum verdict differ(const char *what, const char *difference, char *reason, size_t size) {
    return kit_say(reason, size, VERDICT_FAIL, "%s: %s", what, difference);
}

/* ---- deterministic ---- */

enum verdict optimizer_deterministic(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    static const int64_t shape[] = {9, 14};
    struct optimised *runs[2];
    for (int k = 0; k < 2; k++) {
        runs[k] = create(kit, descriptor, 2, shape, 0, reason, size);
        if (runs[k] == NULL) {
            return VERDICT_FAIL;
        }
        if (optimised_run(runs[k], 15, 1) != RONDO_OK) {
            return optimised_failed(runs[k], reason, size);
        }
    }
    char difference[200];
    return optimised_equal(runs[0], runs[1], difference, sizeof difference)
               ? VERDICT_PASS
               : differ("the same 15 updates, done twice (a static variable?)", difference, reason, size);
}

/* ---- slices ---- */

/* Random words of slices are numbered from where the slice begins, which fits one word an element; so that this does
 * not matter, every word of an update is the same one. */
static enum verdict compare_slices(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    static const int64_t shape[] = {24, 25};
    static const int64_t cuts[] = {1, 8, 9, 200, 333, 600};
    struct optimised *whole = create(kit, descriptor, 2, shape, 0, reason, size);
    struct optimised *sliced = create(kit, descriptor, 2, shape, 0, reason, size);
    if (whole == NULL || sliced == NULL) {
        return VERDICT_FAIL;
    }
    whole->gives_one_word = sliced->gives_one_word = 1;
    sliced->cuts = cuts;
    for (int step = 0; step < 5; step++) {
        if (optimised_run(whole, 1, 1) != RONDO_OK || optimised_run(sliced, 1, 1) != RONDO_OK) {
            return optimised_failed(sliced->errors.count > 0 ? sliced : whole, reason, size);
        }
    }
    char difference[200];
    return optimised_equal(whole, sliced, difference, sizeof difference)
               ? VERDICT_PASS
               : differ("has RONDO_OPTIMIZER_ELEMENTWISE, and a parameter whole and in slices", difference, reason,
                        size);
}

static enum verdict compare_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    static const int64_t shape[] = {130, 190}; /* worth dividing among threads */
    struct optimised *alone = create(kit, descriptor, 2, shape, 0, reason, size);
    struct optimised *together = create(kit, descriptor, 2, shape, 0, reason, size);
    if (alone == NULL || together == NULL) {
        return VERDICT_FAIL;
    }
    together->parallel = kit->parallel;
    for (int step = 0; step < 3; step++) {
        if (optimised_run(alone, 1, 1) != RONDO_OK || optimised_run(together, 1, 1) != RONDO_OK) {
            return optimised_failed(together->errors.count > 0 ? together : alone, reason, size);
        }
    }
    char what[80], difference[200];
    snprintf(what, sizeof what, "parallel_for with 1 thread and with %d", (int)kit->parallel.threads);
    return optimised_equal(alone, together, difference, sizeof difference) ? VERDICT_PASS
                                                                           : differ(what, difference, reason, size);
}

enum verdict optimizer_slices(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    if ((((const rondo_optimizer *)descriptor)->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0 &&
        compare_slices(kit, descriptor, reason, size) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    return compare_threads(kit, descriptor, reason, size);
}

/* ---- threads ---- */

enum { MOST_THREADS = 16, CROWD_UPDATES = 200, CROWD_ROUNDS = 4 };

/* Parameter k of a crowd: of a size of its own. */
static struct optimised *create_one(struct kit *kit, const rondo_descriptor *descriptor, int32_t k, char *reason,
                                    size_t size) {
    return create(kit, descriptor, 2, (const int64_t[]){20 + k, 30}, k, reason, size);
}

struct crowd {
    struct optimised *members[MOST_THREADS];
    int count;
};

static int create_crowd(struct kit *kit, const rondo_descriptor *descriptor, struct crowd *crowd, char *reason,
                        size_t size) {
    crowd->count = kit->parallel.threads < MOST_THREADS ? kit->parallel.threads : MOST_THREADS;
    for (int k = 0; k < crowd->count; k++) {
        crowd->members[k] = create_one(kit, descriptor, k, reason, size);
        if (crowd->members[k] == NULL) {
            return 0;
        }
        optimised_draw(crowd->members[k], 1);
    }
    return 1;
}

/* With one gradient, so that the threads have nothing to do but update. */
static void update_member(void *arg, int32_t k) {
    const struct crowd *crowd = arg;
    for (int step = 0; step < CROWD_UPDATES && optimised_step(crowd->members[k]) == RONDO_OK; step++) {
    }
}

static enum verdict compare_crowds(const struct crowd *expected, const struct crowd *found, const char *what,
                                   char *reason, size_t size) {
    char difference[200];
    for (int k = 0; k < expected->count; k++) {
        if (found->members[k]->errors.count > 0) {
            return optimised_failed(found->members[k], reason, size);
        }
        if (!optimised_equal(expected->members[k], found->members[k], difference, sizeof difference)) {
            return differ(what, difference, reason, size);
        }
    }
    return VERDICT_PASS;
}

static void update_again(void *arg) {
    optimised_run(arg, 3, 1);
}

static enum verdict check_globals(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct optimised *optimised = create_one(kit, descriptor, 0, reason, size);
    return optimised == NULL ? VERDICT_FAIL : keeps_no_globals(kit, descriptor, update_again, optimised, reason, size);
}

/* One parameter after the other is what the rest is held against. */
enum verdict optimizer_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct crowd serial, turns;
    if (check_globals(kit, descriptor, reason, size) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    if (!create_crowd(kit, descriptor, &serial, reason, size) || !create_crowd(kit, descriptor, &turns, reason, size)) {
        return VERDICT_FAIL;
    }
    const struct parallel parallel = {serial.count};
    for (int k = 0; k < serial.count; k++) {
        update_member(&serial, k);
    }
    for (int step = 0; step < CROWD_UPDATES; step++) {
        for (int k = 0; k < turns.count; k++) {
            optimised_step(turns.members[k]);
        }
    }
    if (compare_crowds(&serial, &turns, "parameters updated in turns and one after the other (a static variable?)",
                       reason, size) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    for (int round = 0; round < CROWD_ROUNDS; round++) {
        struct crowd crowd;
        if (!create_crowd(kit, descriptor, &crowd, reason, size)) {
            return VERDICT_FAIL;
        }
        at_once(&parallel, update_member, &crowd);
        if (compare_crowds(&serial, &crowd, "parameters updated one after the other and at the same time (a global?)",
                           reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* ---- resume ---- */

/* Value and slots go to a file and come back from it, into `to`. */
static rondo_status carry_over(struct kit *kit, const struct optimised *from, struct optimised *to, const char *file) {
    struct named_tensor tensors[1 + OPTIMISED_SLOTS] = {{"value", from->value}};
    for (int32_t s = 0; s < from->n_slots; s++) {
        tensors[1 + s] =
            (struct named_tensor){arena_printf(kit->arena, "slot.%s", from->optimizer->slots[s].name), from->slots[s]};
    }
    struct named_tensor *read;
    int32_t count;
    RONDO_TRY(safetensors_write(file, tensors, 1 + from->n_slots, NULL, kit->errors));
    RONDO_TRY(safetensors_read(file, kit->arena, &read, &count, NULL, kit->errors));
    for (int32_t i = 0; i < count; i++) {
        const rondo_tensor *target = strcmp(read[i].name, "value") == 0 ? &to->value : NULL;
        for (int32_t s = 0; target == NULL && s < to->n_slots; s++) {
            target = strcmp(read[i].name + strlen("slot."), to->optimizer->slots[s].name) == 0 ? &to->slots[s] : NULL;
        }
        RONDO_CHECK(target != NULL && tensor_same_shape(target, &read[i].tensor), kit->errors,
                    "a file gives back what was written");
        if (tensor_bytes(target) > 0) {
            memcpy(target->data, read[i].tensor.data, tensor_bytes(target));
        }
    }
    to->step = from->step;
    return RONDO_OK;
}

/* The same by way of a temporary file, which is gone afterwards. */
static rondo_status carry_through_file(struct kit *kit, const struct optimised *from, struct optimised *to) {
    const char *temporary = getenv("TMPDIR");
    char *folder = arena_printf(kit->arena, "%s/rondo-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (folder == NULL || mkdtemp(folder) == NULL) {
        return errors_add(kit->errors, RONDO_IO, "cannot make a folder '%s'", folder == NULL ? "" : folder);
    }
    const char *file = arena_printf(kit->arena, "%s/slots.safetensors", folder);
    const rondo_status status = file == NULL ? errors_no_memory(kit->errors) : carry_over(kit, from, to, file);
    if (file != NULL) {
        remove(file);
    }
    remove(folder);
    return status;
}

enum { FIRST = 7, REST = 11 }; /* primes: in the middle of whatever has a period */
static const int64_t cut_shape[] = {6, 10};
/* Of the first gradients, in terms of the rest: what keeps a largest one has something to keep. */
static const double first_scale = 30;

/* Where all slots together make a difference one of them may make none. A copy of the value is there to be read. */
static enum verdict use_every_slot(struct kit *kit, const rondo_descriptor *descriptor,
                                   const struct optimised *straight, char *reason, size_t size) {
    for (int32_t s = 0; s < straight->n_slots; s++) {
        char ignored[200];
        const rondo_slot *slot = &straight->optimizer->slots[s];
        if (slot->role != RONDO_SLOT_STATE || rondo_count(&straight->slots[s]) == 0) {
            continue;
        }
        struct optimised *forgetful = create(kit, descriptor, 2, cut_shape, 0, reason, size);
        if (forgetful == NULL) {
            return VERDICT_FAIL;
        }
        rondo_status status = optimised_run(forgetful, FIRST, first_scale);
        optimised_forget_slot(forgetful, s);
        status = status == RONDO_OK ? optimised_run(forgetful, REST, 1) : status;
        if (status == RONDO_OK && optimised_equal(straight, forgetful, ignored, sizeof ignored)) {
            return kit_say(reason, size, VERDICT_WARNING,
                           "slot '%s' makes no difference when it is zeroed: it takes memory that is never used (see "
                           "choose_slot)",
                           slot->name);
        }
    }
    return VERDICT_PASS;
}

enum verdict optimizer_resume(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    enum { STRAIGHT, RESUMED, FORGETFUL, RUNS };
    struct optimised *runs[RUNS];
    for (int k = 0; k < RUNS; k++) {
        runs[k] = create(kit, descriptor, 2, cut_shape, 0, reason, size);
        if (runs[k] == NULL) {
            return VERDICT_FAIL;
        }
        if (k != RESUMED && optimised_run(runs[k], FIRST, first_scale) != RONDO_OK) {
            return optimised_failed(runs[k], reason, size);
        }
    }
    if (carry_through_file(kit, runs[STRAIGHT], runs[RESUMED]) != RONDO_OK) {
        return kit_say(reason, size, VERDICT_FAIL, "value and slots could not be saved and read: %s",
                       errors_text(kit->errors, 0));
    }
    optimised_forget(runs[FORGETFUL]);
    for (int k = 0; k < RUNS; k++) {
        if (optimised_run(runs[k], REST, 1) != RONDO_OK) {
            return optimised_failed(runs[k], reason, size);
        }
    }
    char difference[200];
    if (!optimised_equal(runs[STRAIGHT], runs[RESUMED], difference, sizeof difference)) {
        return differ("18 updates, and 11 that go on from 7 saved ones (state that is not in a slot?)", difference,
                      reason, size);
    }
    if (optimised_has_state(runs[STRAIGHT]) &&
        optimised_equal(runs[STRAIGHT], runs[FORGETFUL], difference, sizeof difference)) {
        return kit_say(reason, size, VERDICT_WARNING,
                       "zeroed slots make no difference: they take memory that is never used (see choose_slot)");
    }
    return use_every_slot(kit, descriptor, runs[STRAIGHT], reason, size);
}

/* ---- first_call ---- */

/* A matrix after five updates. */
static size_t numbers_of(struct kit *kit, const rondo_descriptor *descriptor, const struct option_end *value,
                         double *numbers, size_t capacity) {
    static const int64_t shape[] = {4, 6};
    char reason[200];
    struct optimised *optimised =
        optimised_create(kit, (const rondo_optimizer *)descriptor, value == NULL ? NULL : value->text,
                         tensor_of(RONDO_F64, 2, shape), 0, reason, sizeof reason);
    if (optimised == NULL || optimised_run(optimised, 5, 1) != RONDO_OK) {
        return 0;
    }
    size_t count = first_call_append(numbers, 0, capacity, &optimised->value);
    for (int32_t s = 0; s < optimised->n_slots; s++) {
        count = first_call_append(numbers, count, capacity, &optimised->slots[s]);
    }
    return count;
}

enum verdict optimizer_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return first_call_is_forgotten(kit, descriptor, numbers_of, reason, size);
}
