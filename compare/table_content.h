/* compare/table_content.h: what the table of a comparison contains, before it has a form. The one description of its columns: all
 * forms (compare/table_*.c) take theirs from it.
 *
 * Tables for people show a number with its interval in one cell, and leave out columns in which nothing is known. Those for programs
 * have a column for each number, and always the same ones, but for settings.
 *
 * Ownership: everything is in the arena. Texts are as in the comparison; each form escapes them. Threads: any.
 */
#ifndef RONDO_COMPARE_TABLE_CONTENT_H
#define RONDO_COMPARE_TABLE_CONTENT_H

#include "compare/sentences.h"

/* A table of its own for people; the order of columns for programs. */
enum comparison_column_group {
    TABLE_NAMES,    /* the variant and its settings */
    TABLE_SCORES,   /* over seeds */
    TABLE_BASELINE, /* differences to the baseline */
    TABLE_BEST,     /* differences to the best variant */
    TABLE_CHOSEN,   /* for people: what `equal` and tuning have chosen */
    TABLE_SIZE,
    TABLE_MEASURED, /* time and memory: the only numbers that may differ between two makings of a comparison */
    TABLE_GROUPS
};

enum comparison_column_kind {
    TABLE_VARIANT,     /* its name */
    TABLE_SETTING,     /* the value of `key`, as YAML */
    TABLE_SEEDS,       /* "6 (2 failed)" */
    TABLE_SCORE,       /* in units of the score, as all kinds from here to TABLE_DIFFERENCE */
    TABLE_DIFFERENCE,  /* with its sign */
    TABLE_PROBABILITY, /* 0.86 */
    TABLE_P,           /* 0.0312 */
    TABLE_COUNT,       /* int32_t */
    TABLE_COUNT_OF,    /* "7 of 8" */
    TABLE_SIZE_COUNT,  /* int64_t of struct compared_variant */
    TABLE_RATIO,       /* of struct compared_variant */
    TABLE_STEPS,
    TABLE_AMOUNT, /* 3 significant digits */
};

enum { TABLE_FOR_PEOPLE = 1, TABLE_FOR_PROGRAMS = 2 };

struct comparison_column {
    const char *key;   /* for programs: "mean" */
    const char *title; /* for people: "sd" */
    enum comparison_column_group group;
    enum comparison_column_kind kind;
    int32_t readers;
    size_t number;            /* its place in struct variant_statistics, or what the kind says */
    size_t interval;          /* place of its interval, TABLE_COUNT_OF: of the second number; 0: none */
    int32_t interval_readers; /* who sees the interval */
};

/* A table for people. */
struct comparison_subtable {
    const char *title;
    const struct comparison_column **columns; /* [n_columns] the first is that of the variants */
    const char **headings;                    /* [n_columns] */
    int32_t n_columns;
    const char ***cells; /* [n_rows][n_columns] */
    int32_t n_rows;
};

struct comparison_content {
    const struct comparison *comparison;
    const struct comparison_statistics *statistics;
    struct score_format format;
    struct comparison_column *columns; /* [n_columns] */
    int32_t n_columns;
    int with_measured;
    /* Around the tables for people. */
    const char *not_final; /* NULL: it is final */
    const char *subject;
    const char *sentences[COMPARISON_SENTENCES];
    int32_t n_sentences;
    const char *note;      /* what the columns mean */
    const char **failures; /* [n_failures] as comparison_failure; not all if n_more > 0 */
    int32_t n_failures, n_more;
};

/* After it, arena_failed says whether there was enough memory. */
void table_content_make(const struct comparison *comparison, const struct comparison_statistics *statistics,
                        int with_measured, struct comparison_content *content, struct arena *arena);

/* The value of a variant in a column of any kind but texts; NaN: not known. */
double table_number(const struct comparison_content *content, const struct comparison_column *column, int32_t variant);
struct statistics_interval table_interval(const struct comparison_content *content,
                                          const struct comparison_column *column, int32_t variant);
/* The text of TABLE_VARIANT or TABLE_SETTING; NULL: the variant has no such setting. */
const char *table_setting(const struct comparison_content *content, const struct comparison_column *column,
                          int32_t variant);
/* 1 if the column is a text, so that it is aligned at the left. */
int table_is_text(const struct comparison_column *column);

/* The tables for people, [TABLE_GROUPS] at most; returns the number. */
int32_t table_parts(const struct comparison_content *content, struct comparison_subtable *parts, struct arena *arena);

/* One file per form. NULL: out of memory. */
const char *table_as_text(const struct comparison_content *content, struct arena *arena);
const char *table_as_markdown(const struct comparison_content *content, struct arena *arena);
const char *table_as_latex(const struct comparison_content *content, struct arena *arena);
const char *table_as_csv(const struct comparison_content *content, struct arena *arena);
const char *table_as_runs_csv(const struct comparison_content *content, struct arena *arena);
const char *table_as_json(const struct comparison_content *content, struct arena *arena);

/* A text of any bytes on one line, as io/printable.h makes it safe. */
const char *table_printable(const char *text, struct arena *arena);

#endif
