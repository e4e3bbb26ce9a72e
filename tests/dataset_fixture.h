/* tests/dataset_fixture.h: datasets with one stream of inputs and one of targets. */
#ifndef RONDO_TESTS_DATASET_FIXTURE_H
#define RONDO_TESTS_DATASET_FIXTURE_H

#include "data/dataset.h"

/* Streams "input" and "target" of these kinds (enum stream_kind) and sizes, without examples. Fails the test if it cannot. */
struct dataset *dataset_fixture_create(int32_t input_kind, int64_t input_size, int32_t target_kind,
                                       int64_t target_size);
/* Appends an example: int32_t for ids, float for numbers. */
rondo_status dataset_fixture_add(struct dataset *dataset, const void *inputs, int64_t n_inputs, const void *targets,
                                 int64_t n_targets, struct errors *errors);
/* The elements of all examples in the stream "target". */
int64_t dataset_fixture_targets(const struct dataset *dataset);

#endif
