#include "train/diagnostics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

struct diagnostics {
    const struct model *model;
    const unsigned char *frozen;
    struct parameter_diagnostics *parameters; /* [n_parameters] */
    char *before;                             /* the parameters before the update, one after the other */
    int64_t step;                             /* the update that was measured; -1: none */
};

static const rondo_tensor *value_of(const struct diagnostics *diagnostics, int32_t p) {
    return &model_parameters(diagnostics->model)[p].value;
}

static int32_t parameter_count(const struct diagnostics *diagnostics) {
    return model_parameter_count(diagnostics->model);
}

struct diagnostics *diagnostics_create(const struct model *model, const unsigned char *frozen, struct errors *errors) {
    const int32_t count = model_parameter_count(model);
    size_t bytes = 0;
    for (int32_t p = 0; p < count; p++) {
        bytes += tensor_bytes(&model_parameters(model)[p].value);
    }
    struct diagnostics *diagnostics = memory_calloc(1, sizeof *diagnostics);
    if (diagnostics != NULL) {
        *diagnostics = (struct diagnostics){.model = model, .frozen = frozen, .step = -1};
        diagnostics->parameters = memory_calloc((size_t)count + 1, sizeof *diagnostics->parameters);
        diagnostics->before = memory_alloc(bytes + 1);
    }
    if (diagnostics == NULL || diagnostics->parameters == NULL || diagnostics->before == NULL) {
        errors_no_memory(errors);
        errors_memory_for(errors, RONDO_NO_MEMORY, (struct location){0}, "a copy of the weights, for the diagnostics");
        diagnostics_destroy(diagnostics);
        return NULL;
    }
    return diagnostics;
}

void diagnostics_destroy(struct diagnostics *diagnostics) {
    if (diagnostics != NULL) {
        free(diagnostics->parameters);
        free(diagnostics->before);
        free(diagnostics);
    }
}

/* The norm of a - b, or of a if b is NULL. */
static double norm_of(const rondo_tensor *a, const void *b) {
    const int64_t count = rondo_count(a);
    double sum = 0;
    if (a->dtype == RONDO_F32) {
        const float *left = a->data, *right = b;
        for (int64_t i = 0; i < count; i++) {
            const double difference = (double)left[i] - (right == NULL ? 0 : (double)right[i]);
            sum += difference * difference;
        }
        return sqrt(sum);
    }
    const double *left = a->data, *right = b;
    for (int64_t i = 0; i < count; i++) {
        const double difference = left[i] - (right == NULL ? 0 : right[i]);
        sum += difference * difference;
    }
    return sqrt(sum);
}

void diagnostics_begin(struct diagnostics *diagnostics, const struct gradient *gradients, double scale) {
    char *before = diagnostics->before;
    for (int32_t p = 0; p < parameter_count(diagnostics); p++) {
        const rondo_tensor *value = value_of(diagnostics, p);
        memcpy(before, value->data, tensor_bytes(value));
        before += tensor_bytes(value);
        diagnostics->parameters[p] =
            (struct parameter_diagnostics){.ratio = NAN,
                                           .gradient_norm = norm_of(&gradients[p].values, NULL) / scale,
                                           .weight_norm = norm_of(value, NULL)};
    }
    diagnostics->step = -1;
}

void diagnostics_end(struct diagnostics *diagnostics, int64_t step) {
    const char *before = diagnostics->before;
    for (int32_t p = 0; p < parameter_count(diagnostics); p++) {
        const rondo_tensor *value = value_of(diagnostics, p);
        struct parameter_diagnostics *parameter = &diagnostics->parameters[p];
        if ((diagnostics->frozen == NULL || !diagnostics->frozen[p]) && parameter->weight_norm > 0) {
            parameter->ratio = norm_of(value, before) / parameter->weight_norm;
        }
        before += tensor_bytes(value);
    }
    diagnostics->step = step;
}

const struct parameter_diagnostics *diagnostics_of(const struct diagnostics *diagnostics, int64_t step) {
    return diagnostics == NULL || diagnostics->step != step ? NULL : diagnostics->parameters;
}

/* The members of a parameter are saved as three numbers. */
enum { MEMBERS = sizeof(struct parameter_diagnostics) / sizeof(double) };
static const char step_name[] = "trainer.diagnostics.step", numbers_name[] = "trainer.diagnostics";

void diagnostics_save(const struct diagnostics *diagnostics, int64_t step, struct archive *archive) {
    if (diagnostics_of(diagnostics, step) != NULL) {
        archive_put_integer(archive, step, "%s", step_name);
        archive_put_reals(archive, (const double *)diagnostics->parameters,
                          MEMBERS * (int64_t)parameter_count(diagnostics), "%s", numbers_name);
    }
}

rondo_status diagnostics_load(struct diagnostics *diagnostics, const struct model *model, struct archive *archive,
                              struct errors *errors) {
    const int32_t count = model_parameter_count(model);
    int64_t step;
    if (!archive_has(archive, "%s", step_name)) {
        return RONDO_OK;
    }
    struct parameter_diagnostics *parameters = memory_calloc((size_t)count + 1, sizeof *parameters);
    if (parameters == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status = archive_take_integer(archive, &step, errors, "%s", step_name);
    if (status == RONDO_OK) {
        status =
            archive_take_reals(archive, (double *)parameters, MEMBERS * (int64_t)count, errors, "%s", numbers_name);
    }
    if (status == RONDO_OK && diagnostics != NULL) {
        memcpy(diagnostics->parameters, parameters, sizeof *parameters * (size_t)count);
        diagnostics->step = step;
    }
    free(parameters);
    return status;
}
