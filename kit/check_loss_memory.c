/* kit/check_loss_memory.c: whose memory the calls of a loss touch, and what they ask the host for. */
#include <limits.h>

#include "kit/check_loss.h"
#include "kit/heap.h"
#include "kit/judged.h"
#include "kit/kept.h"

/* The calls of a loss, one after the other, each with its name. NULL where all worked, else the one that failed. */
static const char *call_all(struct judged *judged, int backward) {
    double sums[JUDGED_METRICS] = {0};
    return judged_record(judged, backward) != RONDO_OK ? "record"
           : judged_predict(judged) != RONDO_OK        ? "predict"
           : judged_measure(judged, sums) != RONDO_OK  ? "measure"
                                                       : NULL;
}

/* ---- stays_inside ---- */

static enum verdict stay_inside(struct judged_visit *visit, struct judged *judged) {
    struct kept kept = {0};
    struct arena *arena = visit->kit->arena;
    for (int32_t k = 0; k < judged->n_inputs; k++) {
        kept_add(&kept, k == 0 ? "what record gets" : "the output layer", judged->inputs[k].data,
                 tensor_bytes(&judged->inputs[k]), arena);
    }
    kept_add(&kept, "the outputs", judged->outputs.data, tensor_bytes(&judged->outputs), arena);
    kept_add(&kept, "the targets", judged->targets.data, tensor_bytes(&judged->targets), arena);
    kept_add(&kept, "the options", judged->call.options, visit->loss->base.options_size, arena);
    const char *failed = call_all(judged, 1);
    if (failed != NULL) {
        return judged_failed(visit, judged, failed);
    }
    if (kept_changed(&kept) != NULL) {
        return judged_say(visit, VERDICT_FAIL, "a call wrote %s, which is read only", kept_changed(&kept));
    }
    if (guard_overrun(judged->guard) != NULL) {
        return judged_say(visit, VERDICT_FAIL, "a call wrote beside %s, %s", guard_overrun(judged->guard),
                          dtype_name(judged->outputs.dtype));
    }
    /* What is read only, and was not changed, must not be written with the bits that it has either. */
    for (int32_t i = 0; i < kept.count; i++) {
        guard_protect(judged->guard, kept.items[i].data);
    }
    failed = call_all(judged, 1);
    return failed == NULL ? VERDICT_PASS : judged_failed(visit, judged, failed);
}

/* 16 and 32 rows end at the page that nobody may touch; 9 leave a gap of canaries behind them. */
static enum verdict visit_inside(struct judged_visit *visit) {
    static const int64_t rows[] = {9, JUDGED_ROWS};
    for (int i = 0; i < 2; i++) {
        for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
            struct judged *judged = judged_create(visit, dtype, rows[i], 0);
            if (judged == NULL || stay_inside(visit, judged) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
            judged_close(judged);
        }
    }
    return VERDICT_PASS;
}

enum verdict loss_stays_inside(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_inside, reason, size);
}

/* ---- class_range ---- */

/* A class out of range in the last place of the targets. A loss of which predictions are no classes may take it as a
 * label that is compared with others; measure may count it as wrong. To go by it is a crash, as 1e9 numbers away there
 * is nothing. */
static enum verdict try_class(struct judged_visit *visit, int64_t class) {
    struct judged *judged = judged_create(visit, RONDO_F32, JUDGED_ROWS, 0);
    double sums[JUDGED_METRICS] = {0};
    if (judged == NULL) {
        return VERDICT_FAIL;
    }
    tensor_set(&judged->targets, rondo_count(&judged->targets) - 1, (double)class);
    const rondo_status status = judged_record(judged, 0);
    const int only_compares = visit->loss->prediction_size != NULL && visit->tried.kind == RONDO_TARGET_CLASS;
    if (status != RONDO_INVALID && !(status == RONDO_OK && only_compares)) {
        return judged_say(visit, VERDICT_FAIL,
                          "a target is class %lld, and record ended in '%s', expected '%s' and the row and the class",
                          (long long)class, status_text(status), status_text(RONDO_INVALID));
    }
    errors_free(&judged->errors);
    if (judged_predict(judged) != RONDO_OK) {
        return judged_failed(visit, judged, "predict");
    }
    const rondo_status measured = judged_measure(judged, sums);
    if (measured != RONDO_OK && measured != RONDO_INVALID) {
        return judged_failed(visit, judged, "measure");
    }
    judged_close(judged);
    return VERDICT_PASS;
}

static enum verdict visit_class_range(struct judged_visit *visit) {
    const int64_t classes[] = {-1, visit->tried.target_size, 1000000000, INT32_MIN};
    for (int i = 0; visit->tried.kind != RONDO_TARGET_REAL && i < 4; i++) {
        if (try_class(visit, classes[i]) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

enum verdict loss_class_range(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_class_range, reason, size);
}

/* ---- no_memory ---- */

enum { MOST_ALLOCATIONS = 1000 };

static enum verdict visit_no_memory(struct judged_visit *visit) {
    for (int64_t served = 0; served < MOST_ALLOCATIONS; served++) {
        struct judged *judged = judged_create(visit, RONDO_F32, JUDGED_ROWS, 0);
        if (judged == NULL) {
            return VERDICT_FAIL;
        }
        int64_t left = served;
        judged->allocations_left = &left;
        const char *failed = call_all(judged, 0);
        const rondo_status status = judged->errors.status;
        if (failed == NULL) {
            judged_close(judged);
            return VERDICT_PASS;
        }
        if (status != RONDO_NO_MEMORY) {
            return judged_say(visit, VERDICT_FAIL, "when memory was short, %s ended in '%s', expected '%s': %s", failed,
                              status_text(status), status_text(RONDO_NO_MEMORY), errors_text(&judged->errors, 0));
        }
        judged_close(judged);
    }
    return judged_say(visit, VERDICT_WARNING, "a batch takes more than %d allocations", MOST_ALLOCATIONS);
}

enum verdict loss_no_memory(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_no_memory, reason, size);
}

/* ---- leaks ---- */

static void one_batch(void *arg) {
    call_all(arg, 1);
}

static enum verdict visit_leaks(struct judged_visit *visit) {
    struct judged *judged = judged_create(visit, RONDO_F32, JUDGED_ROWS, 0);
    if (judged == NULL) {
        return VERDICT_FAIL;
    }
    const char *failed = call_all(judged, 1);
    if (failed != NULL) {
        return judged_failed(visit, judged, failed);
    }
    const double leak = heap_leak(one_batch, judged, 50);
    judged_close(judged);
    return leak < 1 ? VERDICT_PASS
                    : judged_say(visit, VERDICT_FAIL,
                                 "each batch leaves %.0f bytes behind on the heap, expected none (take memory from "
                                 "host->alloc)",
                                 leak);
}

enum verdict loss_leaks(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    if (heap_in_use() < 0) {
        return kit_say(reason, size, VERDICT_SKIPPED, HEAP_IS_UNKNOWN);
    }
    return judged_each(kit, descriptor, visit_leaks, reason, size);
}
