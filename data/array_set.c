#include "data/array_set.h"

#include <math.h>

#include "core/number.h"

/* ---- shapes ---- */

/* "[examples, steps] or [total] with 'begin'": the shapes that an array may have. */
static const char *expected_shapes(int is_ids, int is_packed) {
    return is_packed ? (is_ids ? "[total]" : "[total, numbers]")
           : is_ids  ? "[examples, steps] or [examples]"
                     : "[examples, steps, numbers] or [examples, numbers]";
}

static rondo_status bad_shape(const struct array_set *set, const struct npy_array *array, const char *expected) {
    return errors_add_at(set->files.errors, RONDO_INVALID, array->where, "'%s' has the shape %s, expected %s",
                         array->name, npy_shape(array).text, expected);
}

static rondo_status make_view(const struct array_set *set, const struct npy_array *array, int is_ids, int is_packed,
                              struct array_view *view) {
    if (npy_is_text(array)) {
        return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                             "'%s' is an array of texts, expected numbers; numpy.unique(…, return_inverse=True) gives "
                             "each text a number",
                             array->name);
    }
    const int32_t most = is_packed ? (is_ids ? 1 : 2) : (is_ids ? 2 : 3);
    if (array->n_dims < 1 || array->n_dims > most) {
        return bad_shape(set, array, expected_shapes(is_ids, is_packed));
    }
    const int has_steps = !is_packed && array->n_dims == most;
    const int has_numbers = !is_ids && array->n_dims > 1;
    const int32_t last = array->n_dims - 1;
    *view = (struct array_view){.array = array,
                                .form = is_packed   ? ARRAY_PACKED
                                        : has_steps ? ARRAY_PADDED
                                                    : ARRAY_PER_EXAMPLE,
                                .is_ids = is_ids,
                                .steps = has_steps ? array->shape[1] : 1,
                                .size = has_numbers ? array->shape[last] : 1,
                                .example_stride = array->stride[0],
                                .step_stride = is_packed   ? array->stride[0]
                                               : has_steps ? array->stride[1]
                                                           : 0,
                                .number_stride = has_numbers ? array->stride[last] : 0};
    return view->size >= 1 && view->steps >= 1 ? RONDO_OK : bad_shape(set, array, "at least one step and one number");
}

/* ---- counts per example ---- */

/* An array of one whole number per example, in [least, most]; *counts is NULL if it is not there. */
static rondo_status read_counts(struct array_set *set, enum array_role role, int64_t least, int64_t most,
                                const char *what, const int64_t **counts) {
    const struct npy_array *array = &set->files.items[role];
    *counts = NULL;
    if (!set->files.has[role]) {
        return RONDO_OK;
    }
    if (npy_is_text(array) || array->n_dims != 1 || array->shape[0] != set->examples) {
        return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                             "'%s' has the shape %s and the type '%s', expected one whole number for each of %lld "
                             "examples",
                             array->name, npy_shape(array).text, array->type, (long long)set->examples);
    }
    int64_t *values = arena_calloc(set->files.arena, (size_t)set->examples + 1, sizeof *values);
    if (values == NULL) {
        return errors_no_memory(set->files.errors);
    }
    for (int64_t i = 0; i < set->examples; i++) {
        double number;
        npy_numbers(array, i * array->stride[0], 1, 1, &number);
        if (!(number >= (double)least && number <= (double)most) || number != floor(number)) {
            return errors_add_at(set->files.errors, RONDO_INVALID, array->where,
                                 "'%s'[%lld] is %s, expected %s from %lld to %lld", array->name, (long long)i,
                                 number_shortest(number, 1).text, what, (long long)least, (long long)most);
        }
        values[i] = (int64_t)number;
    }
    *counts = values;
    return RONDO_OK;
}

/* Without lengths, an example ends where the next one begins. */
static rondo_status lengths_of_begins(struct array_set *set, int64_t total) {
    int64_t *lengths = arena_calloc(set->files.arena, (size_t)set->examples + 1, sizeof *lengths);
    if (lengths == NULL) {
        return errors_no_memory(set->files.errors);
    }
    for (int64_t i = 0; i < set->examples; i++) {
        lengths[i] = (i + 1 < set->examples ? set->begin[i + 1] : total) - set->begin[i];
        if (lengths[i] < 1) {
            return errors_add_at(set->files.errors, RONDO_INVALID, set->files.items[ARRAY_BEGIN].where,
                                 "'%s'[%lld] is not before the next entry, so example %lld has no steps; expected "
                                 "ascending numbers, or an array of lengths",
                                 set->files.items[ARRAY_BEGIN].name, (long long)i, (long long)i);
        }
    }
    set->lengths = lengths;
    return RONDO_OK;
}

static rondo_status check_ranges(const struct array_set *set, int64_t total) {
    for (int64_t i = 0; i < set->examples; i++) {
        if (set->lengths[i] > total - set->begin[i]) {
            return errors_add_at(set->files.errors, RONDO_INVALID, set->files.items[ARRAY_LENGTHS].where,
                                 "example %lld (counted from 0) begins at step %lld and has %lld steps, but the arrays "
                                 "end at %lld",
                                 (long long)i, (long long)set->begin[i], (long long)set->lengths[i], (long long)total);
        }
    }
    return RONDO_OK;
}

static rondo_status read_packed_counts(struct array_set *set, int64_t total) {
    RONDO_TRY(read_counts(set, ARRAY_BEGIN, 0, total - 1, "the first step of an example,", &set->begin));
    RONDO_TRY(read_counts(set, ARRAY_LENGTHS, 1, total, "a number of steps", &set->lengths));
    return set->lengths == NULL ? lengths_of_begins(set, total) : check_ranges(set, total);
}

/* The steps of padded arrays; 0: there are none. */
static int64_t padded_steps(const struct array_set *set) {
    const struct array_view *views[] = {&set->input, &set->target};
    for (int i = 0; i < 2; i++) {
        if (views[i]->array != NULL && views[i]->form == ARRAY_PADDED) {
            return views[i]->steps;
        }
    }
    return 0;
}

static rondo_status read_padded_counts(struct array_set *set) {
    const int64_t steps = padded_steps(set);
    if (steps == 0) {
        return !set->files.has[ARRAY_LENGTHS] || !set->files.has[ARRAY_TARGET] /* they may be those of the target */
                   ? RONDO_OK
                   : errors_add_at(set->files.errors, RONDO_INVALID, set->files.items[ARRAY_LENGTHS].where,
                                   "'%s' is given, but no array has steps; a sequence of single numbers has the shape "
                                   "[examples, steps, 1]",
                                   set->files.items[ARRAY_LENGTHS].name);
    }
    return read_counts(set, ARRAY_LENGTHS, 1, steps, "a number of steps", &set->lengths);
}

/* ---- the set ---- */

static rondo_status make_input(struct array_set *set, int32_t input_is) {
    const int is_packed = set->files.has[ARRAY_BEGIN];
    return set->files.has[ARRAY_INPUT]
               ? make_view(set, &set->files.items[ARRAY_INPUT], input_is == ARRAY_IDS, is_packed, &set->input)
               : RONDO_OK;
}

/* In packed data, targets are packed as well if they have the length of the input; without an input, always. */
static rondo_status make_target(struct array_set *set, int32_t target_is) {
    const struct npy_array *array = &set->files.items[ARRAY_TARGET];
    if (!set->files.has[ARRAY_TARGET]) {
        return RONDO_OK;
    }
    const int64_t total = set->input.array != NULL ? set->input.array->shape[0] : -1;
    const int is_packed = set->files.has[ARRAY_BEGIN] && target_is != ARRAY_LIST && array->n_dims >= 1 &&
                          (total < 0 || array->shape[0] == total) && array->shape[0] != set->examples;
    RONDO_TRY(make_view(set, array, target_is != ARRAY_NUMBERS, is_packed, &set->target));
    if (target_is == ARRAY_LIST && set->target.form != ARRAY_PADDED) {
        return bad_shape(set, array, "[examples, longest list]");
    }
    return RONDO_OK;
}

static rondo_status check_lists(struct array_set *set, int32_t target_is) {
    const int is_list = target_is == ARRAY_LIST && set->target.array != NULL;
    if (is_list && !set->files.has[ARRAY_TARGET_LENGTHS]) {
        return errors_add_at(set->files.errors, RONDO_INVALID, set->target.array->where,
                             "targets that are lists need an array 'target_lengths' with the length of each");
    }
    return is_list
               ? read_counts(set, ARRAY_TARGET_LENGTHS, 0, set->target.steps, "a length of a list", &set->list_lengths)
               : RONDO_OK;
}

static rondo_status check_examples(const struct array_set *set, const struct array_view *view) {
    if (view->array == NULL || view->form == ARRAY_PACKED || view->array->shape[0] == set->examples) {
        return RONDO_OK;
    }
    return errors_add_at(set->files.errors, RONDO_INVALID, view->array->where,
                         "'%s' has the shape %s, expected %lld examples, as in '%s'", view->array->name,
                         npy_shape(view->array).text, (long long)set->examples,
                         set->files.items[set->files.has[ARRAY_BEGIN] ? ARRAY_BEGIN : ARRAY_INPUT].name);
}

/* Targets at every step have the steps of the inputs, or are packed as `begin` says. */
static rondo_status check_steps(const struct array_set *set, int32_t target_is) {
    const struct array_view *input = &set->input, *target = &set->target;
    if (target->array == NULL || target->form != ARRAY_PADDED || target_is == ARRAY_LIST) {
        return RONDO_OK;
    }
    if (set->files.has[ARRAY_BEGIN]) {
        return bad_shape(set, target->array,
                         input->array == NULL
                             ? "a target for each step of all examples, one after the other, or for each example"
                             : "a target for each step of all examples, as the input has, or for each example");
    }
    return input->array == NULL || input->form != ARRAY_PADDED || input->steps == target->steps
               ? RONDO_OK
               : errors_add_at(set->files.errors, RONDO_INVALID, target->array->where,
                               "'%s' has the shape %s, expected targets for %lld steps, as in '%s'%s",
                               target->array->name, npy_shape(target->array).text, (long long)input->steps,
                               input->array->name,
                               target->steps == 1 ? ", or one for each example, of the shape [examples]" : "");
}

/* Takes the number of examples from the array that has an entry for each. */
static rondo_status count_examples(struct array_set *set) {
    const int role = set->files.has[ARRAY_BEGIN]   ? ARRAY_BEGIN
                     : set->files.has[ARRAY_INPUT] ? ARRAY_INPUT
                                                   : ARRAY_TARGET;
    const struct npy_array *array = &set->files.items[role];
    if (array->n_dims < 1 || array->shape[0] < 1) {
        return bad_shape(set, array, "at least one example");
    }
    set->examples = array->shape[0];
    return RONDO_OK;
}

static rondo_status make_scratch(struct array_set *set) {
    const struct array_view *views[] = {&set->input, &set->target};
    int64_t most = 1;
    for (int v = 0; v < 2; v++) {
        for (int64_t i = 0; views[v]->array != NULL && i < set->examples; i++) {
            const int64_t numbers = array_set_steps(set, views[v], i) * views[v]->size;
            most = numbers > most ? numbers : most;
        }
    }
    set->numbers = arena_calloc(set->files.arena, (size_t)most, sizeof *set->numbers);
    return set->numbers == NULL ? errors_no_memory(set->files.errors) : RONDO_OK;
}

rondo_status array_set_make(struct array_set *set, int32_t input_is, int32_t target_is) {
    RONDO_TRY(count_examples(set));
    RONDO_TRY(make_input(set, input_is));
    RONDO_TRY(make_target(set, target_is));
    RONDO_TRY(check_examples(set, &set->input));
    RONDO_TRY(check_examples(set, &set->target));
    RONDO_TRY(check_steps(set, target_is));
    if (set->files.has[ARRAY_BEGIN]) {
        const struct array_view *packed = set->input.array != NULL ? &set->input : &set->target;
        RONDO_TRY(read_packed_counts(set, packed->array->shape[0]));
    } else {
        RONDO_TRY(read_padded_counts(set));
    }
    RONDO_TRY(check_lists(set, target_is));
    return make_scratch(set);
}

/* ---- elements ---- */

int64_t array_set_steps(const struct array_set *set, const struct array_view *view, int64_t example) {
    if (set->list_lengths != NULL && view == &set->target) {
        return set->list_lengths[example];
    }
    return view->form == ARRAY_PER_EXAMPLE ? 1 : set->lengths != NULL ? set->lengths[example] : view->steps;
}

/* The place in storage of the first number of an element. */
static int64_t place_of(const struct array_set *set, const struct array_view *view, int64_t example, int64_t step) {
    return view->form == ARRAY_PACKED ? (set->begin[example] + step) * view->step_stride
                                      : example * view->example_stride + step * view->step_stride;
}

void array_set_copy(const struct array_set *set, const struct array_view *view, int64_t example) {
    const int64_t steps = array_set_steps(set, view, example);
    if (view->size == 1) {
        npy_numbers(view->array, place_of(set, view, example, 0), view->step_stride, steps, set->numbers);
        return;
    }
    for (int64_t step = 0; step < steps; step++) {
        npy_numbers(view->array, place_of(set, view, example, step), view->number_stride, view->size,
                    set->numbers + step * view->size);
    }
}

rondo_status array_set_report(struct array_set *set, const struct array_view *view, int64_t example, int64_t step,
                              int64_t k, const char *expected) {
    double number;
    npy_numbers(view->array, place_of(set, view, example, step) + k * view->number_stride, 1, 1, &number);
    const int64_t index[] = {view->form == ARRAY_PACKED ? set->begin[example] + step : example,
                             view->form == ARRAY_PADDED ? step : k, k};
    char at[3][24] = {"", "", ""};
    for (int32_t i = 0; i < view->array->n_dims; i++) {
        number_print(at[i], sizeof at[i], "%s%lld", i == 0 ? "" : ", ", (long long)index[i]);
    }
    char step_text[32] = "";
    if (view->form != ARRAY_PER_EXAMPLE) {
        number_print(step_text, sizeof step_text, ", step %lld", (long long)step);
    }
    set->mistakes++;
    return errors_add_at(set->files.errors, RONDO_INVALID, view->array->where,
                         "'%s'[%s%s%s] (example %lld%s, counted from 0) is %s, expected %s", view->array->name, at[0],
                         at[1], at[2], (long long)example, step_text, number_shortest(number, 1).text, expected);
}
