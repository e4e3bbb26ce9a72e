#include "cli/inspect_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/print.h"

/* ---- tables ---- */

/* Prints a name in a column of this width. */
static void print_name(const char *name, int width) {
    const int wide = printed_width(name, width);
    print_text_within(stdout, name, width);
    printf("%*s", width - wide, "");
}

enum { NAME_WIDTH = 24 };

static void print_number(double value, int width, const char *format) {
    char text[32];
    snprintf(text, sizeof text, format, value);
    printf("%*s", width, isnan(value) ? "-" : isinf(value) ? "none" : text);
}

static void print_curve(const char *name, const struct inspect_curve *curve) {
    printf("  ");
    print_name(name, NAME_WIDTH);
    if (curve->missing != NULL) {
        printf("  not defined: %s\n", curve->missing);
        return;
    }
    const double first = curve->norm[0], last = curve->norm[curve->count - 1];
    print_number(curve->half_life, 10, "%.1f");
    print_number(curve->factor, 9, "%.3f");
    print_number(curve->fit, 6, "%.2f");
    print_number(first, 11, "%.2e");
    print_number(last, 11, "%.2e");
    print_number(first > 0 ? last / first : NAN, 11, "%.1e");
    printf("\n");
}

static const char *layer_name(const struct inspect_layer *layer, const char *name, char text[128]) {
    snprintf(text, 128, "%s.%s", layer->name, name);
    return text;
}

/* The curves of the encoder, or of the other layers. */
static void print_curves(const struct inspection *inspection, int of_encoder) {
    char text[128];
    printf("\ngradient of the loss by each state, against the distance from %s\n",
           of_encoder ? "the last step of the source that is read" : inspection->gradient_from);
    printf("  %-*s%10s%9s%6s%11s%11s%11s\n", NAME_WIDTH, "", "half-life", "per step", "fit", "nearest", "farthest",
           "ratio");
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        const struct inspect_layer *layer = &inspection->layers[i];
        for (int32_t s = 0; s < layer->n_states && layer->is_encoder == of_encoder; s++) {
            print_curve(layer_name(layer, layer->states[s].name, text), &layer->states[s].curve);
        }
    }
    print_curve(of_encoder ? "source" : "inputs", of_encoder ? &inspection->source : &inspection->input);
}

/* ", layers.0 (gru)", or the title if it is the first of a list. */
static void print_listed(const char *title, int32_t i, const char *name, const char *equations) {
    printf("%s", i == 0 ? title : ", ");
    print_text(stdout, name);
    printf(" (");
    print_text(stdout, equations);
    printf(")");
}

static void print_layers(const struct inspection *inspection) {
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        print_listed("  inspected: ", i, inspection->layers[i].name, inspection->layers[i].cell);
    }
    printf(inspection->n_layers > 0 ? "\n" : "");
    for (int32_t i = 0; i < inspection->n_blocks; i++) {
        print_listed("  blocks, which have no states: ", i, inspection->blocks[i].name, inspection->blocks[i].block);
    }
    printf(inspection->n_blocks > 0 ? "\n" : "");
}

static void print_gates(const struct inspection *inspection) {
    char text[128];
    int has_title = 0;
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        const struct inspect_layer *layer = &inspection->layers[i];
        for (int32_t g = 0; g < layer->n_gates; g++) {
            const struct inspect_gate *gate = &layer->gates[g];
            if (!has_title) {
                printf("\nvalues near a limit (units: that are so in 99 %% of their values)\n");
                printf("  %-*s%-14s%9s%9s%9s%9s\n", NAME_WIDTH, "", "", "low", "units", "high", "units");
                has_title = 1;
            }
            printf("  ");
            print_name(layer_name(layer, gate->name, text), NAME_WIDTH);
            print_name(gate->op, 14);
            printf("%7.1f %%%7.1f %%%7.1f %%%7.1f %%\n", 100 * gate->below, 100 * gate->shut, 100 * gate->above,
                   100 * gate->open);
        }
    }
}

static void print_states(const struct inspection *inspection) {
    char text[128];
    printf("\nunits that do not vary (standard deviation below %g of the largest)\n", INSPECT_DEAD);
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        const struct inspect_layer *layer = &inspection->layers[i];
        for (int32_t s = 0; s < layer->n_states; s++) {
            const struct inspect_state *state = &layer->states[s];
            printf("  ");
            print_name(layer_name(layer, state->name, text), NAME_WIDTH);
            printf("%lld of %lld", (long long)state->dead, (long long)state->width);
            if (state->saturated > 0) {
                printf(", %lld of them near 1 or -1", (long long)state->saturated);
            }
            printf("\n");
        }
    }
}

static void print_matrices(const struct inspection *inspection) {
    char text[128];
    int has_title = 0;
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        const struct inspect_layer *layer = &inspection->layers[i];
        for (int32_t m = 0; m < layer->n_matrices; m++) {
            const struct inspect_matrix *matrix = &layer->matrices[m];
            if (!has_title) {
                printf("\nspectral radius of the matrices that multiply a state\n");
                has_title = 1;
            }
            printf("  ");
            print_name(layer_name(layer, matrix->name, text), NAME_WIDTH);
            printf("[%lld, %lld]", (long long)matrix->rows, (long long)matrix->columns);
            for (int32_t r = 0; r < matrix->n_radii; r++) {
                printf("  %.3f", matrix->radii[r]);
            }
            printf(matrix->n_radii == 0 ? "  not square\n" : "\n");
        }
    }
}

static void print_updates(const struct inspection *inspection) {
    if (inspection->n_updates == 0) {
        return;
    }
    const int64_t last = inspection->n_updates - 1;
    printf("\nsize of an update against the parameter: |change| / |weights|, after step %lld and %lld\n",
           (long long)inspection->update_steps[0], (long long)inspection->update_steps[last]);
    for (int32_t p = 0; p < inspection->n_parameters; p++) {
        printf("  ");
        print_name(inspection->updates[p].name, NAME_WIDTH);
        print_number(inspection->updates[p].ratio[0], 10, "%.1e");
        print_number(inspection->updates[p].ratio[last], 10, "%.1e");
        printf("\n");
    }
}

void inspect_print(const struct inspection *inspection) {
    print_text(stdout, inspection->part);
    printf(": %lld of %lld examples, up to %lld step%s, loss %.4f\n", (long long)inspection->examples,
           (long long)inspection->of, (long long)inspection->steps, inspection->steps == 1 ? "" : "s",
           inspection->loss);
    print_layers(inspection);
    for (int32_t i = 0; i < inspection->n_findings; i++) {
        printf("  ");
        print_text(stdout, inspection->findings[i]);
        printf("\n");
    }
    if (inspection->source_steps > 0) {
        print_curves(inspection, 1);
    }
    print_curves(inspection, 0);
    print_gates(inspection);
    print_states(inspection);
    print_matrices(inspection);
    print_updates(inspection);
}

/* ---- plots ---- */

static void add_curve(struct plot_page *page, struct plot *plot, const char *name, const struct inspect_curve *curve) {
    double *y = curve->missing == NULL ? arena_calloc(page->arena, (size_t)curve->count, sizeof *y) : NULL;
    for (int64_t d = 0; y != NULL && d < curve->count; d++) {
        y[d] = log10(curve->norm[d]); /* no point where the norm is 0 */
    }
    if (y != NULL && curve->count > 1) {
        plot_add(plot, (struct plot_series){.name = name, .y = y, .count = curve->count});
    }
}

/* A plot without curves is taken from the page again. */
static struct plot *new_plot(struct plot_page *page, const char *title) {
    if (page->count > 0 && page->plots[page->count - 1]->n_series == 0) {
        page->count--;
    }
    struct plot *plot = title == NULL ? NULL : plot_page_add(page);
    if (plot != NULL) {
        plot->title = title;
        plot->x = (struct plot_axis){.label = "steps before the gradient begins", .is_whole = 1};
        plot->y.label = "log10 of the mean norm";
    }
    return plot;
}

static int compare_numbers(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median of all parameters, and the range that they are in. */
static void add_updates(struct plot_page *page, const struct inspection *inspection) {
    struct plot *plot = new_plot(page, "size of an update against the parameter");
    const size_t count = (size_t)inspection->n_updates, parameters = (size_t)inspection->n_parameters;
    double *x = arena_calloc(page->arena, count, sizeof *x), *low = arena_calloc(page->arena, count, sizeof *low);
    double *middle = arena_calloc(page->arena, count, sizeof *middle);
    double *high = arena_calloc(page->arena, count, sizeof *high);
    double *ratios = arena_calloc(page->arena, parameters, sizeof *ratios);
    if (plot == NULL || arena_failed(page->arena)) {
        return;
    }
    for (int64_t i = 0; i < inspection->n_updates; i++) {
        size_t known = 0;
        for (int32_t p = 0; p < inspection->n_parameters; p++) {
            const double ratio = inspection->updates[p].ratio[i];
            ratios[known] = log10(ratio);
            known += ratio > 0; /* neither 0 nor undefined */
        }
        qsort(ratios, known, sizeof *ratios, compare_numbers);
        x[i] = (double)inspection->update_steps[i];
        low[i] = known == 0 ? NAN : ratios[0];
        middle[i] = known == 0 ? NAN : ratios[known / 2];
        high[i] = known == 0 ? NAN : ratios[known - 1];
    }
    plot->x.label = "update";
    plot->y.label = "log10 of |change| / |weights|";
    plot_add(plot, (struct plot_series){.name = "all parameters",
                                        .mark = PLOT_BAND,
                                        .x = x,
                                        .y = low,
                                        .upper = high,
                                        .count = inspection->n_updates});
    plot_add(plot, (struct plot_series){.name = "median", .x = x, .y = middle, .count = inspection->n_updates});
}

void inspect_plot(struct plot_page *page, const struct inspection *inspection) {
    for (int32_t i = 0; i < inspection->n_layers; i++) {
        const struct inspect_layer *layer = &inspection->layers[i];
        struct plot *plot = new_plot(
            page, arena_printf(page->arena, "gradient of the loss by the states of %s (%s)", layer->name, layer->cell));
        for (int32_t s = 0; plot != NULL && s < layer->n_states; s++) {
            add_curve(page, plot, layer->states[s].name, &layer->states[s].curve);
        }
    }
    struct plot *plot = new_plot(page, "gradient of the loss by the inputs");
    if (plot != NULL) {
        add_curve(page, plot, NULL, &inspection->input);
    }
    plot = inspection->source_steps > 0 ? new_plot(page, "gradient of the loss by the source") : NULL;
    if (plot != NULL) {
        add_curve(page, plot, NULL, &inspection->source);
    }
    if (inspection->n_updates > 1) {
        add_updates(page, inspection);
    }
    (void)new_plot(page, NULL);
}
