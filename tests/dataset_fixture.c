/* tests/dataset_fixture.c: see tests/dataset_fixture.h. */
#include "dataset_fixture.h"

#include <check.h>

static void add_stream(struct dataset *dataset, const char *name, int32_t kind, int64_t size) {
    struct errors errors = {0};
    const int32_t store = kind == STREAM_REAL ? STORE_F32 : STORE_I32;
    ck_assert_ptr_nonnull(dataset_stream(dataset, name, kind, store, size, &errors));
}

struct dataset *dataset_fixture_create(int32_t input_kind, int64_t input_size, int32_t target_kind,
                                       int64_t target_size) {
    struct errors errors = {0};
    struct dataset *dataset = dataset_create(&errors);
    ck_assert_ptr_nonnull(dataset);
    add_stream(dataset, "input", input_kind, input_size);
    add_stream(dataset, "target", target_kind, target_size);
    return dataset;
}

rondo_status dataset_fixture_add(struct dataset *dataset, const void *inputs, int64_t n_inputs, const void *targets,
                                 int64_t n_targets, struct errors *errors) {
    const struct stream_part parts[] = {{inputs, n_inputs}, {targets, n_targets}};
    return dataset_add(dataset, parts, errors);
}

int64_t dataset_fixture_targets(const struct dataset *dataset) {
    return dataset_find(dataset, "target")->elements;
}
