/* kit/shared_resume.c: a run that continues from saved state ends with the same bits as an uninterrupted one. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/shared.h"
#include "kit/subject.h"
#include "store/safetensors.h"

enum { MOST_STATE = 24 };

/* Writes the state of `from` to a file, and reads it back into `to`. */
static rondo_status save_and_load(const struct trial *trial, const struct subject *from, struct subject *to,
                                  const char *file) {
    struct kit *kit = trial->kit;
    struct named_tensor written[MOST_STATE], *read;
    struct subject_tensor part;
    int32_t count = 0, n_read;
    for (; count < MOST_STATE && trial->kind->state(from, count, &part); count++) {
        written[count] = (struct named_tensor){part.name, part.tensor};
    }
    RONDO_TRY(safetensors_write(file, written, count, NULL, kit->errors));
    RONDO_TRY(safetensors_read(file, kit->arena, &read, &n_read, NULL, kit->errors));
    for (int32_t i = 0; trial->kind->state(to, i, &part); i++) {
        int32_t k = 0;
        while (k < n_read && strcmp(read[k].name, part.name) != 0) {
            k++;
        }
        RONDO_CHECK(k < n_read && tensor_same_shape(&read[k].tensor, &part.tensor), kit->errors,
                    "a file contains what was written to it");
        if (tensor_bytes(&part.tensor) > 0) {
            memcpy(part.tensor.data, read[k].tensor.data, tensor_bytes(&part.tensor));
        }
    }
    to->position = from->position;
    return RONDO_OK;
}

/* The same through a temporary file, which is removed afterwards. */
static rondo_status carry_over(const struct trial *trial, const struct subject *from, struct subject *to) {
    struct kit *kit = trial->kit;
    const char *temporary = getenv("TMPDIR");
    char *folder = arena_printf(kit->arena, "%s/rondo-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (folder == NULL || mkdtemp(folder) == NULL) {
        return errors_add(kit->errors, RONDO_IO, "cannot make a folder '%s'", folder == NULL ? "" : folder);
    }
    const char *file = arena_printf(kit->arena, "%s/state.safetensors", folder);
    const rondo_status status = file == NULL ? errors_no_memory(kit->errors) : save_and_load(trial, from, to, file);
    if (file != NULL) {
        remove(file);
    }
    remove(folder);
    return status;
}

static enum verdict visit_resume(struct trial *trial) {
    const struct subject_kind *kind = trial->kind;
    struct subject *straight = kind->create(trial, (struct subject_settings){0});
    struct subject *resumed = straight == NULL ? NULL : kind->create(trial, (struct subject_settings){0});
    if (straight == NULL || resumed == NULL) {
        return VERDICT_FAIL;
    }
    const int64_t rest = straight->updates - straight->cut;
    if (straight->cut == 0) {
        return VERDICT_PASS;
    }
    if (kind->run(straight, straight->cut) != RONDO_OK) {
        return subject_failed(trial, straight);
    }
    if (carry_over(trial, straight, resumed) != RONDO_OK) {
        return trial_say(trial, VERDICT_FAIL, "the state could not be saved and read: %s",
                         errors_text(trial->kit->errors, 0));
    }
    if (kind->run(straight, rest) != RONDO_OK) {
        return subject_failed(trial, straight);
    }
    if (kind->run(resumed, rest) != RONDO_OK) {
        return subject_failed(trial, resumed);
    }
    char what[100];
    snprintf(what, sizeof what, "%lld updates, and %lld that continue from %lld saved ones (state that is not saved?)",
             (long long)straight->updates, (long long)rest, (long long)straight->cut);
    const enum verdict verdict = compare_results(trial, straight, resumed, what);
    close_subject(trial, straight);
    close_subject(trial, resumed);
    return verdict;
}

enum verdict shared_resume(struct trial *trial) {
    trial->is_brief = 1;
    return trial->kind->each(trial, visit_resume);
}
