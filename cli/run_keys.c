#define _POSIX_C_SOURCE 200809L
#include "cli/run_keys.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "core/number.h"
#include "core/suggest.h"

/* ---- texts ---- */

const char *run_score_text(double value, struct arena *arena) {
    char text[32];
    if (isnan(value)) {
        return "-";
    }
    number_print(text, sizeof text, fabs(value) >= 1e-3 && fabs(value) < 1e7 ? "%.4f" : "%.4g", value);
    return arena_strdup(arena, text);
}

const char *run_size_text(int64_t bytes, struct arena *arena) {
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
    char text[32];
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const double size = (double)bytes / units[i].unit;
        if (size >= 1) {
            number_print(text, sizeof text, size < 10 ? "%.1f %s" : "%.0f %s", size, units[i].name);
            return arena_strdup(arena, text);
        }
    }
    return arena_printf(arena, "%lld B", (long long)bytes);
}

const char *run_date_text(int64_t seconds, struct arena *arena) {
    const time_t moment = (time_t)seconds;
    struct tm local;
    char text[32];
    if (seconds < 0 || localtime_r(&moment, &local) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local) == 0) {
        return "";
    }
    return arena_strdup(arena, text);
}

const char *run_utc_text(int64_t seconds, struct arena *arena) {
    const time_t moment = (time_t)seconds;
    struct tm utc;
    char text[32];
    return gmtime_r(&moment, &utc) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0
               ? arena_strdup(arena, text)
               : NULL;
}

const char *run_count_text(int64_t count, struct arena *arena) {
    return count < 0 ? "" : arena_printf(arena, "%lld", (long long)count);
}

const char *run_duration_text(double seconds, struct arena *arena) {
    char text[40];
    if (isnan(seconds)) {
        return "";
    }
    const long long whole = (long long)seconds;
    if (seconds < 60) {
        number_print(text, sizeof text, seconds < 10 ? "%.2f s" : "%.0f s", seconds);
        return arena_strdup(arena, text);
    }
    return whole < 3600 ? arena_printf(arena, "%lld:%02lld min", whole / 60, whole % 60)
                        : arena_printf(arena, "%lld:%02lld:%02lld h", whole / 3600, whole / 60 % 60, whole % 60);
}

const char *run_state_text(const struct run_summary *run, struct arena *arena) {
    const char *name = run_state_name(run->state);
    if (run->reason != NULL) {
        return arena_printf(arena, "%s: %s", name, run->reason);
    }
    return run->state == RUN_FINISHED ? name
           : run->steps > 0           ? arena_printf(arena, "%s at step %lld", name, (long long)run->steps)
                                      : name;
}

/* ---- answers ---- */

static struct run_answer text_answer(const char *text) {
    struct run_answer answer = {.text = text, .number = NAN};
    char *end;
    if (text != NULL) {
        const double number = number_parse(text, &end);
        answer.number = end != text && *end == '\0' ? number : NAN;
    }
    return answer;
}

static struct run_answer number_answer(double number, struct arena *arena) {
    return isnan(number) ? (struct run_answer){NULL, NAN, 0}
                         : (struct run_answer){arena_strdup(arena, number_shortest(number, 6).text), number, 0};
}

static struct run_answer count_answer(int64_t count, struct arena *arena) {
    return count < 0 ? (struct run_answer){NULL, NAN, 0}
                     : (struct run_answer){run_count_text(count, arena), (double)count, 0};
}

static struct run_answer score_answer(const struct run_summary *run, const char *name, struct arena *arena) {
    const double value = name == NULL ? NAN : run_summary_score(run, name);
    return isnan(value) ? (struct run_answer){NULL, NAN, 1}
                        : (struct run_answer){run_score_text(value, arena), value, 1};
}

enum run_fact {
    FACT_RUN,
    FACT_STATE,
    FACT_METRIC,
    FACT_SCORE,
    FACT_EPOCHS,
    FACT_STEPS,
    FACT_BEST_EPOCH,
    FACT_BEST_STEP,
    FACT_PARAMETERS,
    FACT_SIZE,
    FACT_DATE,
    FACT_SECONDS,
    FACT_MEMORY,
    FACT_VERSION,
    FACTS
};
static const char *const fact_names[FACTS] = {"run",   "state",      "metric",    "score",      "epochs",
                                              "steps", "best_epoch", "best_step", "parameters", "size",
                                              "date",  "seconds",    "memory",    "version"};

static struct run_answer fact_answer(const struct run_summary *run, enum run_fact fact, struct arena *arena) {
    switch (fact) {
    case FACT_RUN:
        return text_answer(run->folder);
    case FACT_STATE:
        return text_answer(run_state_name(run->state));
    case FACT_METRIC:
        return text_answer(run->metric);
    case FACT_SCORE:
        return score_answer(run, run->metric, arena);
    case FACT_EPOCHS:
        return count_answer(run->epochs, arena);
    case FACT_STEPS:
        return count_answer(run->steps, arena);
    case FACT_BEST_EPOCH:
        return count_answer(run->best_epoch, arena);
    case FACT_BEST_STEP:
        return count_answer(run->best_step, arena);
    case FACT_PARAMETERS:
        return count_answer(run->parameters, arena);
    case FACT_SIZE:
        return count_answer(run->bytes, arena);
    case FACT_DATE:
        return run->started < 0 ? text_answer(NULL) : text_answer(run_date_text(run->started, arena));
    case FACT_SECONDS:
        return number_answer(run->seconds, arena);
    case FACT_MEMORY:
        return number_answer(run->memory, arena);
    default:
        return text_answer(run->version);
    }
}

static int find_fact(const char *key) {
    for (int i = 0; i < FACTS; i++) {
        if (strcmp(fact_names[i], key) == 0) {
            return i;
        }
    }
    return -1;
}

struct run_answer run_answer(const struct run_summary *run, const char *key, struct arena *arena) {
    const int fact = find_fact(key);
    const char *value = run_values_get(&run->values, key);
    return fact >= 0       ? fact_answer(run, (enum run_fact)fact, arena)
           : value != NULL ? text_answer(value)
                           : score_answer(run, key, arena);
}

/* ---- keys ---- */

static int has_score(const struct run_summary *run, const char *key) {
    for (int32_t i = 0; i < run->n_scores; i++) {
        const char *name = run->scores[i].name, *dot = strchr(name, '.');
        if (strcmp(name, key) == 0 || (dot != NULL && strcmp(dot + 1, key) == 0 && strncmp(name, "test.", 5) != 0)) {
            return 1;
        }
    }
    return 0;
}

/* The nearest known key so far. */
struct key_search {
    const char *key;
    struct suggestion same_word; /* "optimizer.lr" for "lr" */
    struct suggestion similar;
};

static void consider_key(struct key_search *search, const char *known) {
    const size_t length = strlen(search->key), known_length = strlen(known);
    if (search->same_word.name == NULL && known_length > length && known[known_length - length - 1] == '.' &&
        strcmp(known + known_length - length, search->key) == 0) {
        search->same_word.name = known;
    }
    suggest(&search->similar, search->key, known);
}

rondo_status run_key_check(const char *flag, const char *key, const struct run_summary *runs, int32_t count,
                           struct errors *errors) {
    struct key_search search = {.key = key};
    int is_known = find_fact(key) >= 0 || count == 0;
    for (int i = 0; i < FACTS; i++) {
        consider_key(&search, fact_names[i]);
    }
    for (int32_t r = 0; r < count && !is_known; r++) {
        is_known = run_values_get(&runs[r].values, key) != NULL || has_score(&runs[r], key);
        for (int32_t i = 0; i < runs[r].values.count; i++) {
            consider_key(&search, runs[r].values.items[i].key);
        }
        for (int32_t i = 0; i < runs[r].n_scores; i++) {
            consider_key(&search, runs[r].scores[i].name);
        }
    }
    const struct suggestion *best = search.same_word.name != NULL ? &search.same_word : &search.similar;
    return is_known
               ? RONDO_OK
               : errors_add(errors, RONDO_NOT_FOUND,
                            "%s: no run has the key '%s'%s; expected a key of an experiment, such as optimizer.lr, "
                            "a score, such as valid.loss, or one of state, epochs, parameters, size, date, …",
                            flag, key, suggestion_text(best).text);
}

/* ---- conditions ---- */

static const char *trimmed(const char *begin, size_t length, struct arena *arena) {
    while (length > 0 && *begin == ' ') {
        begin++;
        length--;
    }
    while (length > 0 && begin[length - 1] == ' ') {
        length--;
    }
    return arena_strndup(arena, begin, length);
}

rondo_status run_condition_read(const char *text, struct run_condition *condition, struct arena *arena,
                                struct errors *errors) {
    static const struct {
        const char *sign;
        enum run_relation relation;
    } signs[] = {{"!=", RUN_NOT_EQUAL}, {"<=", RUN_LESS_EQUAL}, {">=", RUN_GREATER_EQUAL}, {"==", RUN_EQUAL},
                 {"=", RUN_EQUAL},      {"<", RUN_LESS},        {">", RUN_GREATER}};
    const size_t length = strcspn(text, "=<>!");
    for (size_t i = 0; length > 0 && i < sizeof signs / sizeof signs[0]; i++) {
        const size_t n = strlen(signs[i].sign);
        if (strncmp(text + length, signs[i].sign, n) == 0) {
            const char *value = text + length + n;
            *condition = (struct run_condition){trimmed(text, length, arena), trimmed(value, strlen(value), arena),
                                                signs[i].relation};
            return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
        }
    }
    return errors_add(errors, RONDO_INVALID, "--where expects KEY=VALUE, or !=, <, <=, >, >= in place of =, got '%s'",
                      text);
}

int run_condition_holds(const struct run_condition *condition, const struct run_summary *run, struct arena *arena) {
    const struct run_answer answer = run_answer(run, condition->key, arena);
    const struct run_answer wanted = text_answer(condition->value);
    if (answer.text == NULL) {
        return condition->relation == RUN_NOT_EQUAL;
    }
    const int are_numbers = !isnan(answer.number) && !isnan(wanted.number);
    const int order = are_numbers ? (answer.number > wanted.number) - (answer.number < wanted.number)
                                  : strcmp(answer.text, wanted.text);
    switch (condition->relation) {
    case RUN_EQUAL:
        return order == 0;
    case RUN_NOT_EQUAL:
        return order != 0;
    case RUN_LESS:
        return order < 0;
    case RUN_LESS_EQUAL:
        return order <= 0;
    case RUN_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}
