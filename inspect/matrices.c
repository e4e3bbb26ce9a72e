#include "inspect/matrices.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"
#include "inspect/chain.h"
#include "inspect/spectral_radius.h"
#include "model/packed.h"

/* The values of the matrices on the tape, from the layer's parameters. */
static rondo_status evaluate(const struct model *model, int32_t index, int32_t d, const struct probe_matrix *matrices,
                             int32_t count, struct tape *tape, rondo_value *values) {
    const struct layer *layer = chain_layer(model, index);
    const struct cell *cell = cell_layer_cell(layer);
    const struct layer_shape *shape = layer_shape(layer);
    const int32_t each = shape->n_parameters / chain_directions(model, index);
    struct arena *arena = tape_arena(tape);
    rondo_value *inputs = arena_calloc(arena, (size_t)program_input_count(cell->program), sizeof *inputs);
    rondo_value *wanted = arena_calloc(arena, (size_t)count, sizeof *wanted);
    rondo_value *known = arena_calloc(arena, (size_t)program_count(cell->program), sizeof *known);
    const char *of = chain_name(model, index, arena);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const char *name = arena_printf(arena, "%s.%s", of, shape->parameters[d * each + p].name);
        if (name == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
        inputs[cell_first_parameter(cell) + p] =
            tape_constant(tape, &model_parameters(model)[model_find(model, name)].value);
    }
    for (int32_t i = 0; i < count; i++) {
        wanted[i] = (rondo_value){matrices[i].node};
    }
    RONDO_TRY(program_outside(cell->program, tape, &(struct program_inputs){.values = inputs}, wanted, count, known));
    for (int32_t i = 0; i < count; i++) {
        values[i] = known[wanted[i].id];
    }
    return RONDO_OK;
}

/* The radii of the square blocks that are beside each other in a matrix. */
static rondo_status find_radii(const struct parallel *parallel, const rondo_tensor *value, struct arena *arena,
                               struct inspect_matrix *matrix, struct errors *errors) {
    const int64_t rows = matrix->rows, columns = matrix->columns;
    if (columns % rows != 0) {
        return RONDO_OK;
    }
    struct arena *scratch = arena_create();
    double *radii = arena_calloc(arena, (size_t)(columns / rows), sizeof *radii);
    double *numbers = arena_calloc(scratch, (size_t)(rows * columns), sizeof *numbers);
    double *work = arena_calloc(scratch, 2 * (size_t)(rows * rows), sizeof *work);
    rondo_status status = radii == NULL || numbers == NULL || work == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (int64_t i = 0; status == RONDO_OK && i < rows * columns; i++) {
        numbers[i] = tensor_get(value, i);
    }
    for (int64_t block = 0; status == RONDO_OK && block < columns / rows; block++) {
        status = spectral_radius(parallel, scratch, numbers + block * rows, rows, columns, work, &radii[block], errors);
    }
    arena_destroy(scratch);
    matrix->radii = radii;
    matrix->n_radii = (int32_t)(columns / rows);
    return status;
}

rondo_status inspect_matrices(const struct task *task, int32_t index, int32_t d, struct arena *arena,
                              struct inspect_layer *layer, struct errors *errors) {
    const struct model *model = network_model(task->network);
    const struct cell *cell = cell_layer_cell(chain_layer(model, index));
    const size_t nodes = (size_t)program_count(cell->program);
    struct probe_matrix *found = arena_calloc(arena, nodes, sizeof *found);
    rondo_value *values = arena_calloc(arena, nodes, sizeof *values);
    struct inspect_matrix *matrices = arena_calloc(arena, nodes, sizeof *matrices);
    const int32_t count = arena_failed(arena) ? -1 : probe_matrices(cell, found, arena);
    if (count <= 0) {
        return count == 0 ? RONDO_OK : errors_no_memory(errors);
    }
    const struct tape_settings settings = {task->session->registry, &task->session->parallel, errors};
    struct tape *tape = tape_create(&settings);
    rondo_status status =
        tape == NULL ? errors_no_memory(errors) : evaluate(model, index, d, found, count, tape, values);
    for (int32_t i = 0; i < count && status == RONDO_OK; i++) {
        matrices[i] =
            (struct inspect_matrix){.name = found[i].name, .rows = found[i].rows, .columns = found[i].columns};
        status = find_radii(&task->session->parallel, tape_tensor(tape, values[i]), arena, &matrices[i], errors);
    }
    tape_destroy(tape);
    layer->matrices = matrices;
    layer->n_matrices = count;
    return status;
}
