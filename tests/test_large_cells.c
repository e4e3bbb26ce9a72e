/* tests/test_large_cells.c: cells with 60 to 300 of everything: states, gates, products, parameters, terms, calls,
 * parts of a row, and reads of one value. Both engines must agree, and no list of operands, gradients or terms may be
 * too short for the cell (the address sanitizer detects it).
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/wrap.h"
#include "tests/recurrence_case.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

/* A cell in which something occurs 60 to 300 times. Its equations are pieces of text, one after the other; one that
 * begins with '*' is written once for each number 1 .. count. In all of them '#' is that number, '~' the number before,
 * and '$' the count. */
struct large_cell {
    const char *name;
    int most; /* the largest count that the language takes (brackets nest up to 200 deep); 0: any */
    const char *pieces[6];
    const char *states;                  /* names of the states other than h, one for each number; NULL: none */
    const char *matrix, *rows, *columns; /* a parameter with a declared shape; NULL: none */
};

static const struct large_cell cells[] = {
    {.name = "terms that read a state", .pieces = {"h' = tanh(x @ W", "* + h * v#", ")"}},
    {.name = "terms without a state", .pieces = {"h' = tanh(h @ U", "* + x @ W * v#", ")"}},
    {.name = "terms of both kinds", .pieces = {"h' = tanh(x @ W", "* + v# + h * r#", ")"}},
    {.name = "terms from the right", .most = 190, .pieces = {"h' = tanh(x @ W", "* + (h * v#", "*)", ")"}},
    {.name = "differences", .pieces = {"h' = tanh(x @ W", "* - h * v#", ")"}},
    {.name = "factors", .pieces = {"h' = tanh(x @ W)", "* * (1 + h * v#)"}},
    {.name = "products of a state", .pieces = {"h' = tanh(x @ W", "* + h @ U#", ")"}},
    {.name = "products of x", .pieces = {"h' = tanh(h @ U", "* + x @ W#", ")"}},
    {.name = "products by one matrix", .pieces = {"h' = tanh(x @ W", "* + (h * v#) @ U", ")"}},
    {.name = "gates", .pieces = {"*g# = sigmoid(x @ W# + h @ U# + b#)\n", "h' = tanh(x @ V", "* + g# * c#", ")"}},
    {.name = "gates in a chain",
     .pieces = {"g0 = h\n", "*g# = sigmoid(x @ W + g~ @ U)\n", "h' = tanh(x @ V", "* + g#", ")"}},
    {.name = "states",
     .states = "s#",
     .pieces = {"u = tanh(x @ W + h @ U)\n", "*s#' = tanh(u * v# + s# * r#)\n", "h' = tanh(x @ V", "* + s#", ")"}},
    {.name = "states from states",
     .states = "s#",
     .pieces = {"*s#' = tanh(x @ W + s# @ U# + h)\n", "h' = tanh(x @ V", "* + s#'", ")"}},
    {.name = "states that take over another",
     .states = "s#",
     .pieces = {"t0 = h\n", "*t# = s#\n", "*s#' = t~\n", "h' = tanh(x @ W + t$", "* + s#", ")"}},
    {.name = "states that never change",
     .states = "s#",
     .pieces = {"*s#' = s#\n", "h' = tanh(x @ W", "* + h * s#", ")"}},
    {.name = "reads of a vector", .pieces = {"y0 = h\n", "*y# = y~ + 0.05 * tanh(x @ W + y~ * d)\n", "h' = y$"}},
    {.name = "reads of a matrix", .pieces = {"y0 = h\n", "*y# = y~ + 0.01 * tanh(x @ W + y~ @ U)\n", "h' = y$"}},
    {.name = "reads of a state in levels",
     .pieces = {"s0 = tanh(x @ W)\n", "*s# = tanh(s~ @ R# + h @ U#)\n", "h' = s$"}},
    {.name = "reads of x in levels", .pieces = {"s0 = tanh(h @ W)\n", "*s# = tanh(s~ * r# + x @ U#)\n", "h' = s$"}},
    {.name = "values of parameters alone", .pieces = {"*p# = exp(0.1 * b#)\n", "h' = tanh(x @ W", "* + h * p#", ")"}},
    {.name = "operands of a call", .pieces = {"*g# = tanh(h * v#)\n", "h' = tanh(x @ W + concat(h", "*, g#", ") @ T)"}},
    {.name = "calls", .pieces = {"*g# = layer_norm(h * v#, a#, b#)\n", "h' = tanh(x @ W", "* + g#", ")"}},
    {.name = "calls of one value", .pieces = {"*g# = softmax(h * c)\n", "h' = tanh(x @ W", "* + g# * v#", ")"}},
    {.name = "equal calls", .pieces = {"*g# = layer_norm(h, a, b)\n", "h' = tanh(x @ W + 0.1 * (h", "* + g#", "))"}},
    {.name = "random calls", .pieces = {"*g# = dropout(h, rate=0.3)\n", "h' = tanh(x @ W", "* + g# * v#", ")"}},
    {.name = "parts of a row",
     .pieces = {"w = h @ U\n", "*g# = slice(w, begin=~, end=#)\n", "h' = tanh(x @ W", "* + v# * g#", ")"},
     .matrix = "U",
     .rows = "hidden",
     .columns = "$"},
    {.name = "overlapping parts of a row",
     .pieces = {"w = h @ U\n", "*g# = sum(slice(w, begin=~, end=$), axis=-1, keep=true)\n", "h' = tanh(x @ W",
                "* + 0.1 * v# * g#", ")"},
     .matrix = "U",
     .rows = "hidden",
     .columns = "$"},
    {.name = "parts of x",
     .pieces = {"w = x @ U\n", "*g# = slice(w, begin=~, end=#)\n", "h' = tanh(h @ W", "* + v# * g#", ")"},
     .matrix = "U",
     .rows = "input",
     .columns = "$"},
};

static const int counts[] = {60, 64, 65, 66, 67, 130, 300};

static void put_one(FILE *text, const char *piece, int number, int count) {
    for (const char *c = piece; *c != '\0'; c++) {
        if (*c == '#' || *c == '~' || *c == '$') {
            fprintf(text, "%d", *c == '#' ? number : *c == '~' ? number - 1 : count);
        } else {
            fputc(*c, text);
        }
    }
}

static void put(FILE *text, const char *piece, int count) {
    if (piece[0] != '*') {
        put_one(text, piece, 0, count);
        return;
    }
    for (int number = 1; number <= count; number++) {
        put_one(text, piece + 1, number, count);
    }
}

/* The pieces with their numbers, in the arena. */
static const char *write_pieces(const char *const *pieces, int n_pieces, int number, int count) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(stream);
    for (int i = 0; i < n_pieces && pieces[i] != NULL; i++) {
        if (number > 0) {
            put_one(stream, pieces[i], number, count);
        } else {
            put(stream, pieces[i], count);
        }
    }
    ck_assert_int_eq(fclose(stream), 0);
    const char *copy = arena_strdup(support.arena, text);
    free(text);
    ck_assert_ptr_nonnull(copy);
    return copy;
}

static struct cell *compile(const struct large_cell *large, int count) {
    struct cell_shape *states = arena_calloc(support.arena, (size_t)count + 1, sizeof *states);
    struct cell_shape matrix = {.name = large->matrix, .ndim = 2};
    struct cell_definition definition = {.name = arena_printf(support.arena, "%s, %d", large->name, count),
                                         .source = "",
                                         .summary = "",
                                         .states = states,
                                         .n_states = 1};
    ck_assert(states != NULL && definition.name != NULL);
    states[0] = (struct cell_shape){.name = "h", .ndim = 1, .dimensions = {"hidden"}};
    for (int i = 1; i <= count && large->states != NULL; i++) {
        states[i] = states[0];
        states[i].name = write_pieces(&large->states, 1, i, count);
        definition.n_states++;
    }
    if (large->matrix != NULL) {
        matrix.dimensions[0] = large->rows;
        matrix.dimensions[1] = write_pieces(&large->columns, 1, 0, count);
        definition.parameters = &matrix;
        definition.n_parameters = 1;
    }
    definition.equations = (struct equation_text){
        .file = "large.yaml", .text = write_pieces(large->pieces, ROWS(large->pieces), 0, count), .first_line = 1};
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = 2, .hidden = 3};
    struct cell *cell = session_compile(&definition, settings);
    cell->name = definition.name;
    return cell;
}

/* Small values, so that a sum of 300 terms does not reach the flat part of tanh, where gradients vanish. */
static void shrink_parameters(const struct recurrence_case *problem, int count) {
    for (int32_t p = 0; p < problem->cell->n_parameters; p++) {
        for (int64_t i = 0; i < rondo_count(&problem->parameters[p]); i++) {
            tensor_set(&problem->parameters[p], i, tensor_get(&problem->parameters[p], i) * 4 / count);
        }
    }
}

/* The first `n_engines` settings of the fused engine. */
static void check(struct cell *cell, int count, int n_engines) {
    static const struct recurrence_engine engines[] = {
        {.fused = 1, .passes = PASS_ALL, .threads = 1},
        {.fused = 1, .passes = 0, .threads = 2},
        {.fused = 1, .passes = PASS_ALL & ~PASS_FUSE, .threads = 2},
        {.fused = 1, .passes = PASS_ALL & ~PASS_MERGE, .threads = 2, .recompute = 1},
    };
    static const int64_t lengths[] = {2, 1};
    const struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, ROWS(lengths));
    shrink_parameters(&problem, count);
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    for (int i = 0; i < n_engines && i < ROWS(engines); i++) {
        char how[64];
        snprintf(how, sizeof how, "fused with passes %d", (int)engines[i].passes);
        const struct recurrence_answer found = recurrence_case_solve(&problem, engines[i]);
        recurrence_case_compare(&problem, &found, &expected, 1e-10, how);
    }
}

START_TEST(both_engines_agree_on_a_cell_with_many_of_everything) {
    const struct large_cell *large = &cells[_i / ROWS(counts)];
    const int asked = counts[_i % ROWS(counts)], count = large->most > 0 && asked > large->most ? large->most : asked;
    struct cell *cell = compile(large, count);
    check(cell, count, asked == 67 ? 4 : 1);
    cell_destroy(cell);
}
END_TEST

static struct cell *wrap(const struct cell *cell, int wrapper, struct errors *errors) {
    const struct location nowhere = {NULL, 0, 0};
    return wrapper == 0   ? wrap_layer_norm(cell, nowhere, session->registry, errors)
           : wrapper == 1 ? wrap_variational_dropout(cell, nowhere, session->registry, errors)
           : wrapper == 2 ? wrap_zoneout(cell, 0.2, 0.1, session->registry, errors)
                          : wrap_clip(cell, 0.5, session->registry, errors);
}

/* Wrappers add more operands, states and parameters. */
START_TEST(both_engines_agree_on_a_large_cell_in_any_wrapper) {
    enum { COUNT = 67 };
    struct cell *cell = compile(&cells[_i], COUNT);
    for (int wrapper = 0; wrapper < 4; wrapper++) {
        struct errors refusal = {0};
        struct cell *wrapped = wrap(cell, wrapper, &refusal);
        if (wrapped == NULL) { /* a cell without a product by weights has nothing to normalise or to mask */
            ck_assert_int_eq(refusal.count, 1);
        } else {
            check(wrapped, COUNT, 2);
            cell_destroy(wrapped);
        }
        errors_free(&refusal);
    }
    cell_destroy(cell);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("large_cells");
    TCase *test_case = tcase_create("large_cells");
    tcase_set_timeout(test_case, 300);
    tcase_add_checked_fixture(test_case, session_setup, session_teardown);
    tcase_add_loop_test(test_case, both_engines_agree_on_a_cell_with_many_of_everything, 0, ROWS(cells) * ROWS(counts));
    tcase_add_loop_test(test_case, both_engines_agree_on_a_large_cell_in_any_wrapper, 0, ROWS(cells));
    suite_add_tcase(suite, test_case);
    return run_suite(suite);
}
