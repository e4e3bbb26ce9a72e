/* kit/kinds.c: the checks and the adapter of each kind of descriptor. */
#include "kit/subject.h"

struct kind_checks checks_of_kind(int32_t kind) {
    switch (kind) {
    case RONDO_KIND_OP:
        return (struct kind_checks){kit_op_checks, &op_subject_kind};
    case RONDO_KIND_OPTIMIZER:
        return (struct kind_checks){kit_optimizer_checks, &optimizer_subject_kind};
    case RONDO_KIND_LOSS:
        return (struct kind_checks){kit_loss_checks, &loss_subject_kind};
    case RONDO_KIND_SCHEDULE:
        return (struct kind_checks){kit_schedule_checks, &schedule_subject_kind};
    default:
        return (struct kind_checks){kit_metric_checks, &metric_subject_kind};
    }
}

enum verdict run_kit_check(const struct kit_check *check, struct kit *kit, const rondo_descriptor *descriptor,
                           char *reason, size_t size) {
    struct trial trial = {.kit = kit,
                          .descriptor = descriptor,
                          .kind = descriptor == NULL ? NULL : checks_of_kind(descriptor->kind).kind,
                          .reason = reason,
                          .size = size,
                          .index = -1};
    return check->run(&trial);
}
