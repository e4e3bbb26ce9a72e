/* tests/test_update_rules.c: single optimizers: first updates computed by hand, options, names of slots. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parameter_fixture.h"
#include "tests/suite.h"

/* The value begins with 1, and the gradients are 0.5 and 0.25. The values after the first and the second update are
 * computed by hand. */
static const struct {
    const char *text;
    double first, second;
} by_hand[] = {
    {"sgd lr=0.1", 0.95, 0.925},
    {"sgd lr=0.1 momentum=0.5", 0.95, 0.9},
    {"sgd lr=0.1 momentum=0.5 nesterov=true", 0.925, 0.875},
    {"sgd lr=0.1 momentum=0.5 dampening=0.5", 0.95, 0.9125}, /* the first gradient is not dampened */
    {"sgd lr=0.1 weight_decay=0.2", 0.93, 0.8864},
    {"sgd lr=0", 1, 1},
    /* m = 0.05, v = 0.00025 correct to 0.5 and 0.25; then to 0.07 / 0.19 and 0.00031225 / 0.001999 */
    {"adam lr=0.1 epsilon=1e-30", 0.9, 0.9 - 0.1 * 0.07 / 0.19 / 0.395225381},
    {"adam lr=0.1 beta1=0 beta2=0 epsilon=1e-30", 0.9, 0.8},
    {"adam lr=0.1 beta1=0 beta2=0 epsilon=1e-30 weight_decay=0.5", 0.9, 0.8},
    {"adamw lr=0.1 beta1=0 beta2=0 epsilon=1e-30 weight_decay=0.5", 0.85, 0.7075},
    {"amsgrad lr=0.1 beta1=0 beta2=0 epsilon=1e-30", 0.9, 0.85},
    {"adamax lr=0.1 beta1=0 beta2=0.25 epsilon=1e-30", 0.9, 0.8},
    {"adagrad lr=0.1", 0.9, 0.9 - 0.1 * 0.25 / 0.559016994},
    {"rmsprop lr=0.1 alpha=0", 0.9, 0.8},
    {"rprop lr=0.1", 0.9, 0.78},
};

START_TEST(first_updates_are_those_of_the_equations) {
    const char *text = by_hand[_i].text;
    struct parameter_fixture parameter = parameter_fixture_create(text, RONDO_F64, 1, (int64_t[]){1}, (double[]){1});
    fixture_fill(&parameter.gradient, (double[]){0.5});
    parameter_fixture_update_whole(&parameter, 1, text);
    fixture_all_near(&parameter.value, (double[]){by_hand[_i].first}, 1e-8, "value after one update");
    fixture_fill(&parameter.gradient, (double[]){0.25});
    parameter_fixture_update_whole(&parameter, 2, text);
    fixture_all_near(&parameter.value, (double[]){by_hand[_i].second}, 1e-8, "value after two updates");
}
END_TEST

/* Options that are within their ranges, but not valid together; NULL: they are valid. */
static const struct {
    const char *name, *options, *part;
} combinations[] = {
    {"sgd", "-", NULL},
    {"sgd", "momentum=0.9 nesterov=true", NULL},
    {"sgd", "nesterov=true", "optimizer 'sgd': 'nesterov' is true, which needs 'momentum' above 0"},
    {"sgd", "momentum=0.9 nesterov=true dampening=0.1", "'dampening' is 0.1, expected 0 if 'nesterov' is true"},
    {"sgd", "dampening=0.5", "'dampening' is 0.5, which needs 'momentum' above 0"},
    {"rprop", "min_step=0.5 max_step=0.5", NULL},
    {"rprop", "min_step=1 max_step=0.5", "'min_step' is 1, expected at most 'max_step', which is 0.5"},
};

START_TEST(options_that_do_not_go_together_are_refused) {
    const char *part = combinations[_i].part;
    const rondo_optimizer *optimizer =
        (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, combinations[_i].name);
    const void *options = fixture_options(&optimizer->base, combinations[_i].options);
    ck_assert_msg(options != NULL, "%s", fixture_first_error());
    char subject[64];
    snprintf(subject, sizeof subject, "optimizer '%s'", combinations[_i].name);
    struct host_call host = fixture_host(subject);
    ck_assert_int_eq(optimizer->check(&host.base, options), part == NULL ? RONDO_OK : RONDO_INVALID);
    ck_assert_int_eq(fixture.errors.count, part == NULL ? 0 : 1);
    if (part != NULL) {
        fixture_error(part);
    }
}
END_TEST

static const struct {
    const char *name, *options, *part;
} refused_options[] = {
    {"sgd", "lr=-1", "'lr' is -1, expected a number in [0, 1000]"},
    {"sgd", "momentum=1", "'momentum' is 1"},
    {"sgd", "dampening=1.5", "'dampening' is 1.5"},
    {"sgd", "weight_decay=-0.1", "'weight_decay' is -0.1"},
    {"adam", "beta1=1", "'beta1' is 1"},
    {"adam", "beta2=1", "'beta2' is 1"},
    {"adam", "epsilon=0", "'epsilon' is 0"},
    {"adam", "eps=1e-8", "unknown option 'eps' of adam"},
    {"adam", "decoupled=true", "unknown option 'decoupled' of adam"},
    {"adamw", "decoupled=true", "unknown option 'decoupled' of adamw"},
    {"rmsprop", "alpha=1", "'alpha' is 1"},
    {"adadelta", "rho=1", "'rho' is 1"},
    {"rprop", "eta_minus=1", "'eta_minus' is 1"},
    {"rprop", "eta_plus=1", "'eta_plus' is 1"},
    {"rprop", "weight_decay=0.1", "unknown option 'weight_decay' of rprop"},
};

START_TEST(options_out_of_range_are_refused) {
    const rondo_descriptor *optimizer = fixture_find(RONDO_KIND_OPTIMIZER, refused_options[_i].name);
    ck_assert_ptr_null(fixture_options(optimizer, refused_options[_i].options));
    fixture_error(refused_options[_i].part);
}
END_TEST

/* The names that checkpoints save state under: a change makes older ones unreadable. And those of them that a parameter
 * of one dimension needs memory for, as far as options tell. */
static const struct {
    const char *text, *slots, *kept;
} slot_names[] = {
    {"sgd -", "velocity", ""},
    {"sgd momentum=0.5", "velocity", "velocity"},
    {"adam -", "first_moment second_moment", "first_moment second_moment"},
    {"adamw -", "first_moment second_moment", "first_moment second_moment"},
    {"amsgrad -", "first_moment second_moment largest_second_moment",
     "first_moment second_moment largest_second_moment"},
    {"nadam -", "first_moment second_moment", "first_moment second_moment"},
    {"radam -", "first_moment second_moment", "first_moment second_moment"},
    {"adamax -", "first_moment largest_gradient", "first_moment largest_gradient"},
    {"adagrad -", "sum_of_squares", "sum_of_squares"},
    {"adadelta -", "mean_square mean_square_step", "mean_square mean_square_step"},
    {"rmsprop -", "mean_square mean velocity", "mean_square"},
    {"rmsprop centered=true", "mean_square mean velocity", "mean_square mean"},
    {"rmsprop momentum=0.5", "mean_square mean velocity", "mean_square velocity"},
    {"rprop -", "previous_gradient step_size", "previous_gradient step_size"},
    {"adan -", "first_moment difference_moment second_moment last_gradient",
     "first_moment difference_moment second_moment last_gradient"},
    {"lion -", "momentum", "momentum"},
    {"lamb -", "first_moment second_moment", "first_moment second_moment"},
    {"sophia -", "first_moment curvature", "first_moment curvature"},
    {"adafactor -", "row column second_moment", "second_moment"},
    {"muon -", "first_moment second_moment", "first_moment second_moment"},
    {"lookahead -", "slow", "slow"},
    {"ema -", "average", "average"},
    {"swa -", "average", "average"},
};

static void add_name(char *names, size_t size, const char *name) {
    const size_t used = strlen(names);
    snprintf(names + used, size - used, "%s%s", used == 0 ? "" : " ", name);
}

START_TEST(slots_keep_their_names) {
    const struct parameter_fixture parameter =
        parameter_fixture_create(slot_names[_i].text, RONDO_F32, 1, (int64_t[]){3}, (double[]){1, 2, 3});
    const struct parameter_part *part = &parameter.parts[0];
    char names[256] = "", kept[256] = "";
    for (int32_t s = 0; s < part->n_slots; s++) {
        add_name(names, sizeof names, part->optimizer->slots[s].name);
        if (rondo_count(&part->slots[s]) > 0) {
            ck_assert_int_eq(rondo_count(&part->slots[s]), 3);
            add_name(kept, sizeof kept, part->optimizer->slots[s].name);
        }
    }
    ck_assert_str_eq(names, slot_names[_i].slots);
    ck_assert_str_eq(kept, slot_names[_i].kept);
}
END_TEST

/* Without weight decay, a parameter whose gradient is 0 does not change. */
START_TEST(gradient_of_zero_moves_nothing) {
    static const char *const texts[] = {"sgd momentum=0.9",
                                        "adam epsilon=1e-30",
                                        "amsgrad epsilon=1e-30",
                                        "nadam epsilon=1e-30",
                                        "radam epsilon=1e-30",
                                        "adamax epsilon=1e-30",
                                        "adagrad epsilon=1e-30",
                                        "adadelta epsilon=1e-30",
                                        "rmsprop epsilon=1e-30",
                                        "rmsprop centered=true epsilon=1e-30",
                                        "rprop -"};
    const double start[] = {1, -2, 3, -4, 5};
    for (int i = 0; i < ROWS(texts); i++) {
        struct parameter_fixture parameter =
            parameter_fixture_create(texts[i], fixture_precisions[_i].dtype, 1, (int64_t[]){5}, start);
        for (int64_t step = 1; step <= 10; step++) {
            parameter_fixture_update_whole(&parameter, step, texts[i]);
        }
        fixture_all_near(&parameter.value, start, 0, texts[i]);
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("update_rules");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, gradient_of_zero_moves_nothing, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, first_updates_are_those_of_the_equations, 0, ROWS(by_hand));
    tcase_add_loop_test(cases, options_that_do_not_go_together_are_refused, 0, ROWS(combinations));
    tcase_add_loop_test(cases, options_out_of_range_are_refused, 0, ROWS(refused_options));
    tcase_add_loop_test(cases, slots_keep_their_names, 0, ROWS(slot_names));
    Suite *suite = suite_create("update_rules");
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
