#include "compare/sentences.h"

#include <math.h>
#include <string.h>

#include "compare/text_builder.h"

/* ---- scores ---- */

enum { MOST_DECIMALS = 6, SIGNIFICANT = 5 };

struct score_format score_format_of(const struct comparison *comparison,
                                    const struct comparison_statistics *statistics) {
    double largest = 0, deviation = INFINITY;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct variant_statistics *variant = &statistics->variants[v];
        largest = variant->n_scored > 0 ? fmax(largest, fmax(fabs(variant->best), fabs(variant->worst))) : largest;
        deviation = variant->deviation > 0 ? fmin(deviation, variant->deviation) : deviation;
    }
    if (largest == 0) {
        return (struct score_format){.decimals = 4};
    }
    const int32_t most = SIGNIFICANT - 1 - (int32_t)floor(log10(largest));
    const int32_t wanted = isinf(deviation) ? most - 1 : 1 - (int32_t)floor(log10(deviation));
    const int32_t decimals = wanted < most ? wanted : most;
    if (decimals > MOST_DECIMALS || largest >= 1e7) {
        return (struct score_format){.decimals = SIGNIFICANT - 2, .is_scientific = 1};
    }
    return (struct score_format){.decimals = decimals < 0 ? 0 : decimals};
}

const char *score_text(struct score_format format, double value, int with_sign, struct arena *arena) {
    if (!isfinite(value)) {
        return isnan(value) ? "-" : "never";
    }
    const char *text = arena_printf(arena, format.is_scientific ? "%+.*e" : "%+.*f", format.decimals, value);
    if (text == NULL) {
        return NULL;
    }
    const int is_zero = text[strspn(text, "+-0.")] == '\0' || text[strspn(text, "+-0.")] == 'e';
    return text + ((with_sign && !is_zero) || (text[0] == '-' && !is_zero) ? 0 : 1); /* "0.000", not "-0.000" */
}

/* An end of an interval. One that is near 0 is not shown as 0: whether the interval includes 0 is what the reader looks for. */
static const char *end_text(struct score_format format, double end, struct arena *arena) {
    return !format.is_scientific && end != 0 && fabs(end) < 0.5 * pow(10, -format.decimals)
               ? arena_printf(arena, "%.1g", end)
               : score_text(format, end, 0, arena);
}

const char *score_interval_text(struct score_format format, struct statistics_interval interval, struct arena *arena) {
    return isnan(interval.low) ? ""
                               : arena_printf(arena, "[%s, %s]", end_text(format, interval.low, arena),
                                              end_text(format, interval.high, arena));
}

/* ---- before the table ---- */

static const char *plural(int64_t count) {
    return count == 1 ? "" : "s";
}

const char *comparison_subject(const struct comparison *comparison, struct arena *arena) {
    struct text_builder subject = {.arena = arena};
    text_format(&subject,
                "%d variant%s %s trained with %d seed%s%s and compared by %s on the %s part, where %s is better.",
                comparison->n_variants, plural(comparison->n_variants), comparison->n_variants == 1 ? "was" : "were",
                comparison->n_seeds, plural(comparison->n_seeds), comparison->n_variants == 1 ? "" : " each",
                comparison->metric, strcmp(comparison->part, "valid") == 0 ? "validation" : comparison->part,
                comparison->higher_is_better ? "higher" : "lower");
    if (strcmp(comparison->part, "valid") == 0) {
        text_add(&subject, " The same part chose the weights, so the scores are a little too good.");
    }
    if (comparison->equal != COMPARED_AS_GIVEN) {
        text_format(&subject, " The widths were chosen for an equal number of %s",
                    comparison->equal == COMPARED_EQUAL_FLOPS ? "FLOPs per step" : "parameters");
        if (comparison->budget > 0) { /* not known before the first plan */
            text_format(&subject, ": %lld", (long long)comparison->budget);
        }
        text_add(&subject, ".");
    }
    if (comparison->trials > 0) {
        text_format(&subject, " The settings of each were chosen by %d trial%s on the validation part.",
                    comparison->trials, plural(comparison->trials));
    }
    return text_built(&subject);
}

const char *comparison_not_final(const struct comparison *comparison, const struct comparison_statistics *statistics,
                                 struct arena *arena) {
    return comparison_is_complete(comparison)
               ? NULL
               : arena_printf(arena, "Not final: %d of %d runs %s no score yet.", statistics->n_open,
                              comparison->n_variants * comparison->n_seeds, statistics->n_open == 1 ? "has" : "have");
}

const char *comparison_failure(const struct comparison *comparison, int32_t variant, int32_t seed,
                               struct arena *arena) {
    const struct compared_variant *of = &comparison->variants[variant];
    const struct compared_run *run = &of->runs[seed];
    const int is_undefined = run->state == COMPARED_SCORED && !compared_run_is_scored(run);
    if (run->state != COMPARED_FAILED && !is_undefined) {
        return NULL;
    }
    const char *reason = run->reason == NULL ? "failed" : run->reason;
    return arena_printf(arena, "%s, seed %lld: %s", of->name, (long long)run->seed,
                        is_undefined ? "the score is not a finite number" : reason);
}

/* ---- the result ---- */

/* How a variant stands to a reference. The interval comes first: a difference is stated only if it excludes 0. */
enum standing {
    STANDING_NONE,   /* it is the reference, or has no seed in common with it */
    STANDING_OPEN,   /* too few seeds for a test */
    STANDING_EQUAL,  /* the interval includes 0 */
    STANDING_UNSURE, /* the interval excludes 0, but the test is not significant */
    STANDING_BETTER,
    STANDING_WORSE
};

/* The result while it is written. */
struct result_writing {
    const struct comparison *comparison;
    const struct comparison_statistics *statistics;
    struct score_format format;
    struct arena *arena;
    const char **sentences;
    int32_t count;
};

static void add_sentence(struct result_writing *writing, const char *sentence) {
    if (sentence != NULL) {
        writing->sentences[writing->count++] = sentence;
    }
}

static const char *name_of(const struct result_writing *writing, int32_t variant) {
    return writing->comparison->variants[variant].name;
}

static const struct paired_statistics *paired_of(const struct result_writing *writing, int32_t variant, int to_best) {
    const struct variant_statistics *of = &writing->statistics->variants[variant];
    return to_best ? &of->to_best : &of->to_baseline;
}

static int is_improvement(const struct result_writing *writing, double difference) {
    return writing->comparison->higher_is_better ? difference > 0 : difference < 0;
}

static enum standing standing_of(const struct result_writing *writing, int32_t variant, int to_best) {
    const struct paired_statistics *paired = paired_of(writing, variant, to_best);
    const struct statistics_interval interval = paired->interval;
    return paired->n_pairs == 0                          ? STANDING_NONE
           : interval.low <= 0 && interval.high >= 0     ? STANDING_EQUAL
           : isnan(paired->p_corrected)                  ? STANDING_OPEN
           : paired->p_corrected > STATISTICS_LEVEL      ? STANDING_UNSURE
           : is_improvement(writing, paired->difference) ? STANDING_BETTER
                                                         : STANDING_WORSE;
}

/* "gru, lstm and mgu", from best to worst, of the variants with this standing; *count gets their number. */
static const char *names_with(const struct result_writing *writing, enum standing standing, int to_best,
                              int32_t *count) {
    enum { MOST_NAMES = 6 };
    struct text_builder names = {.arena = writing->arena};
    const int32_t n_variants = writing->comparison->n_variants;
    *count = 0;
    for (int32_t i = 0; i < n_variants; i++) {
        *count += standing_of(writing, writing->statistics->ranking[i], to_best) == standing;
    }
    for (int32_t i = 0, named = 0; i < n_variants && named < MOST_NAMES; i++) {
        const int32_t variant = writing->statistics->ranking[i];
        if (standing_of(writing, variant, to_best) == standing) {
            text_add(&names, named == 0 ? "" : named == *count - 1 ? " and " : ", ");
            text_add(&names, name_of(writing, variant));
            named++;
        }
    }
    if (*count > MOST_NAMES) {
        text_format(&names, " and %d more", *count - MOST_NAMES);
    }
    return text_built(&names);
}

/* "lead over lstm, 0.0120 [0.0040, 0.0200], holds in 8 of 8 seeds": of the best variant. */
static const char *lead_text(const struct result_writing *writing, int32_t variant) {
    const struct paired_statistics *paired = paired_of(writing, variant, 1);
    const int high = writing->comparison->higher_is_better;
    const struct statistics_interval interval = paired->interval;
    /* The lead is the difference seen from the best variant: positive. */
    const struct statistics_interval lead =
        high ? (struct statistics_interval){-interval.high, -interval.low} : interval;
    const char *range = score_interval_text(writing->format, lead, writing->arena);
    return arena_printf(writing->arena, "lead over %s, %s%s%s, holds in %d of %d seed%s", name_of(writing, variant),
                        score_text(writing->format, high ? -paired->difference : paired->difference, 0, writing->arena),
                        range != NULL && range[0] != '\0' ? " " : "", range, paired->n_worse, paired->n_pairs,
                        plural(paired->n_pairs));
}

/* 1 if the second is not behind in the seeds that both have, which happens if runs are missing. */
static int is_lead_lost(const struct result_writing *writing, int32_t second) {
    const double difference = paired_of(writing, second, 1)->difference;
    return is_improvement(writing, difference);
}

static const char *best_alone(const struct result_writing *writing, int32_t best) {
    const struct variant_statistics *of = &writing->statistics->variants[best];
    const char *range = score_interval_text(writing->format, of->mean_interval, writing->arena);
    return arena_printf(writing->arena, "%s has a mean of %s%s%s over %d seed%s; %s.", name_of(writing, best),
                        score_text(writing->format, of->mean, 0, writing->arena),
                        range != NULL && range[0] != '\0' ? " " : "", range, of->n_scored, plural(of->n_scored),
                        writing->comparison->n_variants == 1 ? "there is no other variant to compare it with"
                                                             : "no other variant has a score of the same seeds");
}

/* Which variants differ from the reference. If no test is possible, only those that do not by their interval: add_limits says the
 * rest. */
static void add_standings(struct result_writing *writing, const char *reference, int to_best) {
    static const struct {
        enum standing standing;
        const char *before, *after; /* the reference's name */
    } texts[] = {{STANDING_BETTER, "Significantly better than ", ""},
                 {STANDING_WORSE, "Significantly worse than ", ""},
                 {STANDING_EQUAL, "No difference to ", " can be told, as the interval includes 0"},
                 {STANDING_UNSURE, "The interval excludes 0, but the test is not significant against ", ""},
                 {STANDING_OPEN, "Too few seeds for a test against ", ""}};
    const struct tests_statistics *tests = to_best ? &writing->statistics->best : &writing->statistics->baseline;
    struct text_builder sentence = {.arena = writing->arena};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (tests->n_tested == 0 && texts[i].standing != STANDING_EQUAL) {
            continue;
        }
        int32_t count;
        const char *names = names_with(writing, texts[i].standing, to_best, &count);
        if (count > 0) {
            text_format(&sentence, "%s%s%s%s: %s.", sentence.length > 0 ? " " : "", texts[i].before, reference,
                        texts[i].after, names);
        }
    }
    if (sentence.length > 0) {
        add_sentence(writing, text_built(&sentence));
    }
}

/* What the first of the ranking is: variants of which runs have failed follow it, whatever their mean. */
static const char *best_text(const struct result_writing *writing, int32_t best) {
    const struct variant_statistics *of = writing->statistics->variants;
    for (int32_t v = 0; v < writing->comparison->n_variants; v++) {
        if (is_improvement(writing, of[v].mean - of[best].mean)) {
            return "is the best of the variants of which no run failed";
        }
    }
    return "has the best mean";
}

/* How far the best is ahead of the second, without a claim of significance. */
static const char *ahead_text(const struct result_writing *writing, int32_t best, int32_t second,
                              int has_other_baseline) {
    const struct paired_statistics *paired = paired_of(writing, second, 1);
    const char *name = name_of(writing, best), *what = best_text(writing, best);
    if (paired->difference == 0) {
        return arena_printf(writing->arena, "%s %s, and %s has the same in the %d seed%s that both have.", name, what,
                            name_of(writing, second), paired->n_pairs, plural(paired->n_pairs));
    }
    if (is_lead_lost(writing, second)) {
        return arena_printf(writing->arena, "%s %s, but %s is ahead in the %d seed%s that both have.", name, what,
                            name_of(writing, second), paired->n_pairs, plural(paired->n_pairs));
    }
    return arena_printf(writing->arena, "%s %s: its %s%s.", name, what, lead_text(writing, second),
                        has_other_baseline && standing_of(writing, second, 1) == STANDING_EQUAL
                            ? "; this may be chance, as the interval includes 0"
                            : "");
}

static void add_best(struct result_writing *writing) {
    const int32_t best = writing->statistics->best.reference;
    if (best < 0) {
        add_sentence(writing, writing->statistics->n_open > 0 ? "No run has a score yet." : "No run has a score.");
        return;
    }
    int32_t second = -1;
    for (int32_t i = writing->comparison->n_variants - 1; i > 0; i--) {
        const int32_t variant = writing->statistics->ranking[i];
        second = paired_of(writing, variant, 1)->n_pairs > 0 ? variant : second;
    }
    if (second < 0) {
        add_sentence(writing, best_alone(writing, best));
        return;
    }
    int32_t n_worse;
    names_with(writing, STANDING_WORSE, 1, &n_worse);
    const char *name = name_of(writing, best);
    /* The baseline was chosen before the scores were known, so significance is claimed against it alone: the other correction, of
     * the table against the best variant, could say the opposite of the same pair. */
    const struct tests_statistics *baseline = &writing->statistics->baseline;
    const int has_other_baseline = baseline->reference >= 0 && baseline->reference != best && baseline->comparisons > 1;
    if (n_worse == writing->statistics->best.comparisons && !has_other_baseline) {
        add_sentence(writing, arena_printf(writing->arena, "%s is best: its %s, and %s significantly worse.", name,
                                           lead_text(writing, second),
                                           n_worse == 1 ? "the other variant is" : "all other variants are"));
        return;
    }
    add_sentence(writing, ahead_text(writing, best, second, has_other_baseline));
    if (!has_other_baseline) {
        add_standings(writing, name, 1);
    }
}

static void add_baseline(struct result_writing *writing) {
    const struct tests_statistics *baseline = &writing->statistics->baseline;
    const char *name = writing->comparison->baseline;
    if (name == NULL || writing->statistics->n_scored == 0) {
        return;
    }
    if (baseline->reference < 0) {
        add_sentence(writing, arena_printf(writing->arena, "The baseline %s has no score.", name));
        return;
    }
    if (baseline->comparisons == 0 || baseline->reference == writing->statistics->best.reference ||
        (baseline->comparisons == 1 && writing->statistics->best.comparisons == 1)) {
        return; /* nothing that the sentences on the best variant have not said */
    }
    add_standings(writing, arena_printf(writing->arena, "the baseline %s", name), 0);
    if (baseline->n_tested > 0) {
        return;
    }
    int32_t better = 0;
    for (int32_t v = 0; v < writing->comparison->n_variants; v++) {
        better += is_improvement(writing, paired_of(writing, v, 0)->difference);
    }
    add_sentence(writing, arena_printf(writing->arena, "%d of %d other variants %s a better mean than the baseline %s.",
                                       better, baseline->comparisons, better == 1 ? "has" : "have", name));
}

/* What the number of seeds does not allow. */
static void add_limits(struct result_writing *writing) {
    const struct tests_statistics *tests =
        writing->statistics->baseline.comparisons > 0 ? &writing->statistics->baseline : &writing->statistics->best;
    int32_t most_pairs = 0;
    for (int32_t v = 0; v < writing->comparison->n_variants; v++) {
        const int32_t pairs = paired_of(writing, v, tests == &writing->statistics->best)->n_pairs;
        most_pairs = pairs > most_pairs ? pairs : most_pairs;
    }
    if (tests->comparisons == 0 || tests->n_tested > 0) {
        return;
    }
    struct text_builder sentence = {.arena = writing->arena};
    text_format(&sentence, "With %d seed%s no difference can be significant", most_pairs, plural(most_pairs));
    text_add(&sentence, most_pairs < STATISTICS_LEAST_INTERVAL
                            ? ""
                            : ", even where an interval excludes 0: with so few seeds the test cannot give p < 0.05, "
                              "whatever the scores are");
    text_format(&sentence, "; it takes at least %d seeds for %d comparison%s", tests->pairs_needed, tests->comparisons,
                plural(tests->comparisons));
    if (most_pairs < STATISTICS_LEAST_INTERVAL) {
        text_format(&sentence, ", and %d for an interval", STATISTICS_LEAST_INTERVAL);
    }
    text_add(&sentence, ".");
    add_sentence(writing, text_built(&sentence));
}

static void add_left_out(struct result_writing *writing) {
    const int32_t failed = writing->statistics->n_failed, undefined = writing->statistics->n_undefined;
    struct text_builder sentence = {.arena = writing->arena};
    if (failed + undefined == 0) {
        return;
    }
    if (failed > 0) {
        text_format(&sentence, "%d run%s failed", failed, plural(failed));
    }
    if (undefined > 0) {
        text_format(&sentence, "%s%d run%s %s no finite score", failed > 0 ? " and " : "", undefined, plural(undefined),
                    undefined == 1 ? "has" : "have");
    }
    text_format(&sentence,
                "; such runs count in no number, and a difference is over the seeds that both variants have.");
    add_sentence(writing, text_built(&sentence));
}

/* Trials of tuning that failed: such a variant had fewer to choose from. */
static void add_failed_trials(struct result_writing *writing) {
    const struct comparison *comparison = writing->comparison;
    struct text_builder sentence = {.arena = writing->arena};
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        if (variant->failed_trials > 0) {
            text_format(&sentence, "%s%d of %s", sentence.length == 0 ? "Trials that failed: " : ", ",
                        variant->failed_trials, variant->name);
        }
    }
    if (sentence.length > 0) {
        text_add(&sentence, ".");
        add_sentence(writing, text_built(&sentence));
    }
}

/* Settings that tuning found at an end of what it tried: the comparison may be one of how well the trials suited each variant. */
static void add_ends(struct result_writing *writing) {
    const struct comparison *comparison = writing->comparison;
    struct text_builder sentence = {.arena = writing->arena};
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        for (int32_t i = 0; i < variant->n_tuned; i++) {
            const struct compared_setting *setting = &variant->tuned[i];
            if (setting->end != COMPARED_WITHIN) {
                text_format(&sentence, "%s%s %s (the %s) of %s", sentence.length == 0 ? "" : ", ", setting->key,
                            setting->text, setting->end == COMPARED_LARGEST ? "largest" : "smallest", variant->name);
            }
        }
    }
    if (sentence.length > 0) {
        add_sentence(writing, arena_printf(writing->arena,
                                           "Tuning chose values at an end of those it tried, and better ones may lie "
                                           "beyond: %s.",
                                           text_built(&sentence)));
    }
}

/* Variants of which most runs were best at their last validation: they may not have been trained to the end. */
static void add_unfinished(struct result_writing *writing) {
    const struct comparison *comparison = writing->comparison;
    struct text_builder names = {.arena = writing->arena};
    int32_t count = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        int32_t scored = 0, last = 0;
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct compared_run *run = &comparison->variants[v].runs[s];
            scored += compared_run_is_scored(run);
            /* without validation, the last weights are the best known */
            last += compared_run_is_scored(run) && !isnan(run->valid) && run->best_epoch == run->epochs;
        }
        if (2 * last > scored) {
            text_format(&names, "%s%s", count == 0 ? "" : ", ", comparison->variants[v].name);
            count++;
        }
    }
    if (count > 0) {
        add_sentence(writing, arena_printf(writing->arena,
                                           "Most runs were still getting better at their last epoch, and with more "
                                           "epochs the result may be another one: %s.",
                                           text_built(&names)));
    }
}

/* Variants of different sizes, which nobody has asked to be equal. */
static void add_sizes(struct result_writing *writing) {
    const struct comparison *comparison = writing->comparison;
    int64_t least = INT64_MAX, most = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const int64_t size = comparison->variants[v].parameters;
        least = size < least ? size : least;
        most = size > most ? size : most;
    }
    if (comparison->equal == COMPARED_AS_GIVEN && (double)most > 1.05 * (double)least) {
        add_sentence(writing, arena_printf(writing->arena,
                                           "The variants have from %lld to %lld parameters; `equal: parameters` gives "
                                           "them the same size.",
                                           (long long)least, (long long)most));
    }
}

int32_t comparison_result(const struct comparison *comparison, const struct comparison_statistics *statistics,
                          const char **sentences, struct arena *arena) {
    struct result_writing writing = {.comparison = comparison,
                                     .statistics = statistics,
                                     .format = score_format_of(comparison, statistics),
                                     .arena = arena,
                                     .sentences = sentences};
    add_best(&writing);
    add_baseline(&writing);
    add_limits(&writing);
    add_left_out(&writing);
    add_failed_trials(&writing);
    add_ends(&writing);
    add_sizes(&writing);
    add_unfinished(&writing);
    return arena_failed(arena) ? 0 : writing.count;
}
