#include "core/kind.h"

#include "rondo/plugin.h"

static const struct {
    const char *name, *folder;
} kinds[RONDO_KIND_COUNT] = {
    [RONDO_KIND_OP] = {"op", "ops"},
    [RONDO_KIND_OPTIMIZER] = {"optimizer", "optimizers"},
    [RONDO_KIND_LOSS] = {"loss", "losses"},
    [RONDO_KIND_SCHEDULE] = {"schedule", "schedules"},
    [RONDO_KIND_METRIC] = {"metric", "metrics"},
};

static int is_kind(int32_t kind) {
    return kind >= 0 && kind < RONDO_KIND_COUNT;
}

const char *kind_name(int32_t kind) {
    return is_kind(kind) ? kinds[kind].name : "unknown";
}

const char *kind_folder(int32_t kind) {
    return is_kind(kind) ? kinds[kind].folder : "unknown";
}
