/* tests/test_generate_command.c: `rondo generate`, `rondo chat`, and `rondo predict` of runs that write their outputs: what they
 * print, that it depends on nothing but prompt, settings and model, and mistakes with their messages. */
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sandbox.h"
#include "tests/suite.h"

/* A language model of lines such as "the cat sat on the mat"; `carried` reads the same text as one sequence, without ends. */
static const char lines_yaml[] = "rondo: 1\nname: lines\narchitecture: \"N:N\"\n"
                                 "data: {reader: characters, train: t.txt, valid: {last: 0.1}, documents: lines}\n"
                                 "model: {feedback: true, embedding: {size: 8}, layers: [{cell: gru, hidden: 24}]}\n"
                                 "loss: {plugin: softmax_cross_entropy}\n"
                                 "optimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 4, batch: 8}\n"
                                 "generate: {max_length: 40}\n";

/* A word that belongs to a language. */
static const char names_yaml[] =
    "rondo: 1\nname: names\narchitecture: \"1:N\"\n"
    "data: {reader: pairs, train: names.tsv, valid: names.tsv, columns: {input: 0, target: 1}, tokens: characters}\n"
    "model: {feedback: true, embedding: {size: 8}, layers: [{cell: gru, hidden: 16}]}\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "optimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 3, batch: 8}\n"
    "generate: {max_length: 20, temperature: 0.9, show: 2}\n";

static struct outcome rondo(const char *arguments, const char *input, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = input});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* Standard output of a command that succeeds. */
static const char *output_of(const char *arguments, const char *input) {
    return rondo(arguments, input, 0).out;
}

static void write_texts(void) {
    static const char *const animals[] = {"cat", "dog", "rat", "cow"}, *const places[] = {"mat", "hill", "road"};
    char text[16384] = "", names[8192] = "";
    for (int i = 0; i < 240; i++) {
        char line[64];
        snprintf(line, sizeof line, "the %s sat on the %s\n", animals[(i * 7 + i / 5) % 4],
                 places[(i * 5 + i / 7) % 3]);
        strcat(text, line);
        snprintf(line, sizeof line, i % 2 == 0 ? "german\t%sung\n" : "welsh\tll%swyn\n", i % 3 == 0 ? "ein" : "and");
        strcat(names, line);
    }
    sandbox_write("t.txt", text);
    sandbox_write("names.tsv", names);
}

static void setup(void) {
    sandbox_open();
    write_texts();
    sandbox_write("lines.yaml", lines_yaml);
    sandbox_write("names.yaml", names_yaml);
    rondo("train lines.yaml --quiet --out lines", NULL, 0);
    rondo("train lines.yaml --quiet --out other --set schedule.seed=2", NULL, 0);
    rondo("train lines.yaml --quiet --out bytes --set data.tokens=bytes --set data.documents=file --set data.window=30",
          NULL, 0);
    rondo("train names.yaml --quiet --out names", NULL, 0);
}

static json_t *parse(const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
    ck_assert_msg(value != NULL, "no JSON: %s in '%.300s'", error.text, text);
    return value;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "there is no text '%s'", key);
    return text;
}

/* Line number `index`, from 0, with its end; the text ends after it. */
static char *line_of(const char *text, int index) {
    for (; index > 0; index--) {
        text = strchr(text, '\n');
        ck_assert_ptr_nonnull(text);
        text++;
    }
    const size_t length = strcspn(text, "\n") + 1;
    char *line = sandbox_memory(length + 1);
    memcpy(line, text, length);
    line[length] = '\0';
    return line;
}

/* ---- rondo generate ---- */

START_TEST(same_seed_gives_the_same_text) {
    const char *first = output_of("generate lines --seed 3 --count 4", NULL);
    ck_assert_str_eq(output_of("generate lines --seed 3 --count 4 --threads 1", NULL), first);
    ck_assert_str_ne(output_of("generate lines --seed 4 --count 4", NULL), first);
    ck_assert_str_eq(output_of("generate lines --seed 3 --count 4 --engine tape", NULL), first);
}
END_TEST

/* A single text is printed while it is written, and others are not; the text is the same. */
START_TEST(text_does_not_depend_on_those_beside_it) {
    const char *three = output_of("generate lines --seed 5 --count 3", NULL);
    const char *five = output_of("generate lines --seed 5 --count 5", NULL);
    ck_assert(strncmp(five, three, strlen(three)) == 0);
    ck_assert_str_eq(output_of("generate lines --seed 5", NULL), line_of(three, 0));
    const char *many = output_of("generate lines --prompt-file - --temperature 0", "the c\nthe d\n\nthe ra\n");
    ck_assert_str_eq(output_of("generate lines --prompt-file - --temperature 0", "the d\n"), line_of(many, 1));
    ck_assert_str_eq(output_of("generate lines --temperature 0", NULL), line_of(many, 2));
}
END_TEST

START_TEST(prefix_is_printed_and_prompt_is_not) {
    ck_assert_str_eq(output_of("generate lines --prompt= --seed 1", NULL), output_of("generate lines --seed 1", NULL));
    const char *prompted = output_of("generate lines --prompt the --seed 1", NULL);
    const char *prefixed = output_of("generate lines --prefix the --seed 1", NULL);
    ck_assert(strncmp(prefixed, "the", 3) == 0);
    ck_assert_str_eq(prefixed + 3, prompted);
}
END_TEST

/* The log-probability is that of `rondo score`, for the whole line with its end. */
START_TEST(score_is_that_of_the_text) {
    const char *arguments[] = {"generate lines --seed 8 --json", "generate lines --temperature 0.5 --top-k 3 --json",
                               "generate lines --beam 4 --json"};
    for (int i = 0; i < ROWS(arguments); i++) {
        json_t *generated = parse(output_of(arguments[i], NULL));
        ck_assert(json_is_true(json_object_get(generated, "ended")));
        char line[128];
        snprintf(line, sizeof line, "%s\n", text_of(generated, "output"));
        json_t *scored = parse(output_of("score lines --json", line));
        ck_assert_double_eq_tol(json_number_value(json_object_get(scored, "log_probability")),
                                json_number_value(json_object_get(generated, "log_probability")), 1e-4);
        ck_assert_int_eq(json_integer_value(json_object_get(scored, "symbols")),
                         json_integer_value(json_object_get(generated, "symbols")));
        json_decref(scored);
        json_decref(generated);
    }
}
END_TEST

START_TEST(object_has_prompt_output_and_rank) {
    json_t *object = parse(output_of("generate lines --prompt the --beam 3 --n-best 2 --json", NULL));
    ck_assert_str_eq(text_of(object, "prompt"), "the");
    ck_assert_int_eq(json_integer_value(json_object_get(object, "rank")), 1);
    json_decref(object);
    object = parse(line_of(output_of("generate names --input welsh --count 3 --json", NULL), 2));
    ck_assert_str_eq(text_of(object, "prompt"), "welsh");
    ck_assert_int_eq(json_integer_value(json_object_get(object, "sample")), 3);
    json_decref(object);
}
END_TEST

/* Several texts for each of several prompts begin with the number of the line. */
START_TEST(texts_of_prompts_are_numbered) {
    const char *texts = output_of("generate lines --prompt-file - --count 2", "the c\nthe d\n");
    const char *scored = output_of("generate lines --prompt-file - --beam 3 --n-best 2 --score", "the c\nthe d\n");
    for (int i = 0; i < 4; i++) {
        const char start[] = {(char)('1' + i / 2), '\t', '\0'};
        ck_assert(strncmp(line_of(texts, i), start, 2) == 0);
        ck_assert(strncmp(line_of(scored, i), start, 2) == 0 && line_of(scored, i)[2] == '-');
    }
    ck_assert_ptr_null(strchr(output_of("generate lines --prompt-file -", "the c\nthe d\n"), '\t'));
    ck_assert_ptr_null(strchr(output_of("generate lines --prompt the --count 2", NULL), '\t'));
}
END_TEST

START_TEST(limits_bound_the_text) {
    ck_assert_str_eq(output_of("generate lines --temperature 0 --max-length 3", NULL), "the\n");
    ck_assert_uint_eq(strlen(output_of("generate bytes --max-length 30", NULL)), 31);
    const char *longer = output_of("generate lines --temperature 0 --min-length 30", NULL);
    ck_assert_uint_gt(strlen(longer), 30);
}
END_TEST

/* Texts that have no end may have line breaks of their own. */
START_TEST(texts_without_an_end_are_separated) {
    const char *texts = output_of("generate bytes --max-length 10 --count 3", NULL);
    const char *second = strstr(texts, "\n---\n");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_nonnull(strstr(second + 1, "\n---\n"));
    ck_assert_ptr_null(strstr(output_of("generate lines --count 3", NULL), "---"));
}
END_TEST

/* Two runs predict by the mean of their probabilities; one run twice is that run. */
START_TEST(several_runs_write_together) {
    const char *alone = output_of("generate lines --count 4 --score", NULL);
    ck_assert_str_eq(output_of("generate lines lines --count 4 --score", NULL), alone);
    ck_assert_str_ne(output_of("generate lines other --count 4 --score", NULL), alone);
}
END_TEST

/* Many texts are written some at a time, and printed as soon as they are. */
START_TEST(many_texts_are_printed_while_others_are_written) {
    const char *many = output_of("generate lines --seed 5 --count 600", NULL);
    const char *few = output_of("generate lines --seed 5 --count 3", NULL);
    ck_assert(strncmp(many, few, strlen(few)) == 0);
    const char *more = output_of("generate lines --seed 5 --count 401", NULL);
    ck_assert(strncmp(many, more, strlen(more)) == 0);
    int lines = 0;
    for (const char *at = many; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    ck_assert_int_eq(lines, 600);
    struct process *process =
        sandbox_start((struct call){.arguments = "generate lines --count 1000000", .output = "texts.txt"});
    while (!sandbox_has("texts.txt") || sandbox_read("texts.txt", NULL)[0] == '\0') {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    sandbox_signal(process, SIGINT);
    ck_assert_int_ne(sandbox_finish(process).status, 0);
}
END_TEST

/* A line that is no prompt ends the command after what was asked before it. */
START_TEST(prompts_before_a_mistake_are_answered) {
    const char *alone = output_of("generate lines --prompt-file - --temperature 0", "the c\n");
    const struct outcome outcome = rondo("generate lines --prompt-file - --temperature 0", "the c\nthe Q\nthe d\n", 2);
    ck_assert_str_eq(outcome.out, alone);
    ck_assert_ptr_nonnull(strstr(outcome.err, "standard input:2:5: the model has not learned 'Q'"));
}
END_TEST

/* ---- rondo predict ---- */

/* 300 lines are more than are generated together. */
START_TEST(outputs_are_in_the_order_of_the_input_and_independent) {
    char input[4096] = "";
    for (int i = 0; i < 300; i++) {
        strcat(input, i % 3 == 0 ? "german\n" : "welsh\n");
    }
    const char *all = output_of("predict names --seed 2", input);
    const char *few = output_of("predict names --seed 2", "german\nwelsh\nwelsh\ngerman\n");
    ck_assert(strncmp(all, few, strlen(few)) == 0);
    ck_assert_str_eq(output_of("predict names --seed 2 --threads 1", input), all);
    const char *best = output_of("predict names --temperature 0", input);
    for (int i = 0; i < 300; i++) {
        ck_assert_str_eq(line_of(best, i), line_of(best, i % 3 == 0 ? 0 : 1));
    }
}
END_TEST

START_TEST(several_outputs_begin_with_the_number_of_the_line) {
    const char *best = output_of("predict names --beam 3 --n-best 2 --score", "german\nwelsh\n");
    for (int i = 0; i < 4; i++) {
        int number = 0;
        double score = 1;
        char text[64] = "";
        ck_assert_int_eq(sscanf(line_of(best, i), "%d\t%lf\t%63s", &number, &score, text), 3);
        ck_assert_int_eq(number, 1 + i / 2);
        ck_assert_double_lt(score, 0);
    }
    ck_assert_str_eq(output_of("predict names names.tsv --column 0 --temperature 0", NULL),
                     output_of("predict names names.tsv --column 0 --beam 1 --temperature 0", NULL));
}
END_TEST

/* A line that is no input has an empty output, and does not keep the others from theirs. */
START_TEST(each_line_has_its_output_in_place) {
    const char *alone = output_of("predict names --temperature 0", "german\nwelsh\n");
    char expected[256];
    snprintf(expected, sizeof expected, "%s\n%s", line_of(alone, 0), line_of(alone, 1));
    ck_assert_str_eq(output_of("predict names --temperature 0", "german\n \nwelsh\n"), expected);
    struct outcome outcome = rondo("predict names --temperature 0", "german\nfinnish\nwelsh\n", 2);
    ck_assert_str_eq(outcome.out, expected);
    assert_parts("error", outcome.err, "standard input:2: the input 'finnish' is not among those");
    outcome = rondo("predict names --temperature 0 --json", "\nfinnish\nwelsh\n", 2);
    assert_parts("json", line_of(outcome.out, 0), "\"prompt\":\"\"|\"error\":");
    assert_parts("json", line_of(outcome.out, 1), "\"prompt\":\"finnish\"|\"error\":\"standard input:2: the input");
    assert_parts("json", line_of(outcome.out, 2), "\"prompt\":\"welsh\"|\"output\":");
    const char *best = output_of("predict names --beam 2 --n-best 2", "\nwelsh\n");
    ck_assert(line_of(best, 0)[0] == '\n' && line_of(best, 1)[0] == '2' && line_of(best, 2)[0] == '2');
}
END_TEST

/* ---- attention ---- */

/* Letters in the opposite order; each third word has a letter that no other word has, and so is unknown. */
static const char reversed_yaml[] =
    "rondo: 1\nname: reversed\narchitecture: \"N:N\"\n"
    "data: {reader: pairs, train: reversed.tsv, tokens: characters, min_count: 2}\n"
    "model: {feedback: true, embedding: {size: 8}, encoder: [{cell: gru, hidden: 12, direction: both}],\n"
    "  layers: [{cell: gru_bahdanau, hidden: 16}]}\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "optimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 6, batch: 16}\n"
    "generate: {max_length: 12}\n";

static void setup_attention(void) {
    char text[16384] = "";
    sandbox_open();
    for (int i = 0; i < 600; i++) {
        const int length = 3 + i % 3, own = i % 3 == 0 ? 0x4E00 + i : 0;
        char letters[8][4] = {""}, line[64] = "";
        for (int k = 0; k < length; k++) {
            snprintf(letters[k], sizeof letters[k], "%c", "abcd"[(i * 7 + i / 5 * k + k * k) % 4]);
        }
        if (own != 0) {
            snprintf(letters[1], sizeof letters[1], "%c%c%c", (char)(0xE0 | own >> 12), (char)(0x80 | (own >> 6 & 63)),
                     (char)(0x80 | (own & 63)));
        }
        for (int k = 0; k < length; k++) {
            strcat(line, letters[k]);
        }
        strcat(line, "\t");
        for (int k = length; k-- > 0;) {
            strcat(line, letters[k]);
        }
        strcat(strcat(text, line), "\n");
    }
    sandbox_write("reversed.tsv", text);
    sandbox_write("reversed.yaml", reversed_yaml);
    rondo("train reversed.yaml --quiet --out reversed", NULL, 0);
}

/* A translator has a text as its prompt, and no input. */
START_TEST(source_is_a_prompt) {
    output_of("generate reversed --prompt abcd", NULL);
    const struct outcome outcome = rondo("generate reversed --input abcd", NULL, 2);
    assert_parts("input", outcome.err, "--input: the model answers a text, which --prompt gives");
    assert_parts("none", rondo("generate reversed", NULL, 2).err, "--prompt: the model needs a prompt");
}
END_TEST

START_TEST(attention_has_a_row_for_each_symbol) {
    json_t *object = parse(output_of("predict reversed --attention --json --beam 2", "abcd\n"));
    const json_t *attention = json_object_get(object, "attention"), *weights = json_object_get(attention, "weights");
    ck_assert_uint_eq(json_array_size(json_object_get(attention, "source")), 4);
    ck_assert_uint_eq(json_array_size(weights), strlen(text_of(object, "output")));
    for (size_t r = 0; r < json_array_size(weights); r++) {
        double sum = 0;
        ck_assert_uint_eq(json_array_size(json_array_get(weights, r)), 4);
        for (size_t c = 0; c < 4; c++) {
            sum += json_number_value(json_array_get(json_array_get(weights, r), c));
        }
        ck_assert_double_eq_tol(sum, 1, 1e-4);
    }
    const char *text = output_of("predict reversed --attention", "abcd\n");
    ck_assert_str_eq(line_of(text, 1), "    a  b  c  d \n");
    ck_assert(strncmp(line_of(text, 2), "  ", 2) == 0 && line_of(text, 2)[2] == text[0]);
    json_decref(object);
}
END_TEST

START_TEST(predict_names_the_layer_at_fault) {
    sandbox_write("causal.yaml", "block: causal\noutput: y\nequations: |\n"
                                 "  y = tanh(attention(x @ Q, memory @ K, memory, causal=true) @ C + x @ W)\n");
    sandbox_write(
        "grows.yaml",
        "rondo: 1\nname: grows\narchitecture: \"N:N\"\n"
        "data: {reader: pairs, train: reversed.tsv, tokens: characters}\n"
        "model: {feedback: true, encoder: [{cell: gru, hidden: 4}],\n"
        "  layers: [{cell: gru, hidden: 4}, {block: ./causal.yaml, over: self}]}\n"
        "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\nschedule: {epochs: 1, batch: 64}\n");
    rondo("train grows.yaml --quiet --out grows", NULL, 0);
    const struct outcome outcome = rondo("predict grows", "abc\n", 2);
    assert_parts("predict", outcome.err, "the run 'grows' does not generate: |'layers.1'");
}
END_TEST

START_TEST(picture_has_a_grid_for_each_line) {
    rondo("predict reversed --attention a.svg", "abc\nddca\n", 0);
    const char *svg = sandbox_read("a.svg", NULL);
    int grids = 0;
    for (const char *at = svg; (at = strstr(at, "class=\"frame\"")) != NULL; at++) {
        grids++;
    }
    ck_assert_int_eq(grids, 2);
    assert_parts("svg", svg, "class=\"cell\"|<title>|</svg>");
}
END_TEST

/* Unknown words are labelled as they are written, and the text is not cut without a word. */
START_TEST(pictures_have_the_symbols_of_the_text) {
    const char *input = "a\xE4\xB8\x81"
                        "bc\n";
    json_t *object = parse(output_of("predict reversed --attention --json --unknown replace", input));
    const json_t *attention = json_object_get(object, "attention"), *source = json_object_get(attention, "source");
    ck_assert_str_eq(json_string_value(json_array_get(source, 1)), "\xE4\xB8\x81");
    char joined[64] = "";
    for (size_t i = 0; i < json_array_size(json_object_get(attention, "output")); i++) {
        strcat(joined, json_string_value(json_array_get(json_object_get(attention, "output"), i)));
    }
    ck_assert_str_eq(joined, text_of(object, "output"));
    json_decref(object);
    char many[1024] = "";
    for (int i = 0; i < 103; i++) {
        strcat(many, "abc\n");
    }
    assert_parts("many", rondo("predict reversed --attention many.svg", many, 0).err,
                 "warning: 'many.svg' has pictures of the first 100 outputs, and not of the 3 after them");
    ck_assert_ptr_null(strstr(rondo("predict reversed --attention few.svg", input, 0).err, "warning"));
}
END_TEST

/* With unknown: replace, what the vocabulary lacks is copied from the source, and nothing else is. */
START_TEST(unknown_symbol_is_replaced_by_one_of_the_source) {
    const char *input = "a\xE4\xB8\x81"
                        "bc\nb\xE4\xB9\x99"
                        "aa\nabcd\n";
    const char *replaced = output_of("predict reversed --unknown replace", input);
    const char *allowed = output_of("predict reversed --unknown allow", input);
    ck_assert_ptr_nonnull(strstr(allowed, "<unk>"));
    ck_assert_ptr_null(strstr(replaced, "<unk>"));
    ck_assert_ptr_null(strstr(output_of("predict reversed", input), "<unk>"));
    ck_assert(strstr(replaced, "\xE4\xB8\x81") != NULL || strstr(replaced, "\xE4\xB9\x99") != NULL);
    ck_assert_ptr_null(strstr(line_of(replaced, 1), "\xE4\xB8\x81"));
}
END_TEST

/* The lines of a file that are not the same as an earlier one. */
static char *different_lines(const char *name) {
    const char *text = sandbox_read(name, NULL);
    char *found = sandbox_memory(strlen(text) + 2), *to = found;
    to += sprintf(to, "\n");
    for (; *text != '\0'; text = strchr(text, '\n') + 1) {
        char line[128];
        snprintf(line, sizeof line, "\n%.*s\n", (int)strcspn(text, "\n"), text);
        to += strstr(found, line) == NULL ? sprintf(to, "%s", line + 1) : 0;
    }
    return found + 1;
}

/* Metrics and samples see what is written, with the symbols that were copied, beside the targets as they are in the file. */
START_TEST(metrics_compare_what_predict_writes) {
    const char *data = different_lines("reversed.tsv");
    sandbox_write("different.tsv", data);
    rondo("train reversed.yaml --quiet --out copies --set schedule.epochs=8 --set metrics=[exact_match] "
          "--set data.valid=different.tsv --set generate.unknown=replace --set generate.show=4",
          NULL, 0);
    char *sources = sandbox_memory(strlen(data) + 1), *to = sources;
    int count = 0, right = 0, copied = 0;
    for (const char *line = data; *line != '\0'; line = strchr(line, '\n') + 1) {
        to += sprintf(to, "%.*s\n", (int)strcspn(line, "\t"), line);
    }
    const char *written = output_of("predict copies", sources);
    for (const char *line = data; *line != '\0'; line = strchr(line, '\n') + 1, count++) {
        const char *target = strchr(line, '\t') + 1;
        const int is_right = strncmp(written, target, strcspn(target, "\n") + 1) == 0;
        right += is_right;
        copied += is_right && (unsigned char)line[1] >= 0x80;
        written = strchr(written, '\n') + 1;
    }
    ck_assert_msg(copied > 0 && right < count, "%d of %d, %d of them copied: the test needs right and wrong texts",
                  right, count, copied);
    json_t *figures = parse(output_of("eval copies --on valid --json", NULL));
    ck_assert_double_eq_tol(json_number_value(json_object_get(figures, "exact_match")), (double)right / count, 1e-9);
    json_decref(figures);
    json_t *line = parse(line_of(sandbox_read("copies/samples.jsonl", NULL), 7));
    const json_t *sample = json_array_get(json_object_get(line, "samples"), 0);
    ck_assert_ptr_nonnull(strstr(text_of(sample, "prompt"), "\xE4\xB8\x80"));
    ck_assert_ptr_nonnull(strstr(text_of(sample, "reference"), "\xE4\xB8\x80"));
    json_decref(line);
}
END_TEST

/* ---- show ---- */

/* What is shown changes no training, and a resumed run ends with the same file. */
START_TEST(samples_are_the_same_after_a_resume) {
    rondo("train names.yaml --quiet --out whole", NULL, 0);
    rondo("train names.yaml --quiet --out half --set schedule.epochs=2", NULL, 0);
    rondo("train --resume half --quiet --set schedule.epochs=3", NULL, 0);
    rondo("train names.yaml --quiet --out silent --set generate.show=0", NULL, 0);
    ck_assert_str_eq(sandbox_read("half/samples.jsonl", NULL), sandbox_read("whole/samples.jsonl", NULL));
    ck_assert(!sandbox_has("silent/samples.jsonl"));
    size_t size, other;
    const char *weights = sandbox_read("whole/weights.safetensors", &size);
    const char *silent = sandbox_read("silent/weights.safetensors", &other);
    ck_assert(size == other && memcmp(weights, silent, size) == 0);
    json_t *line = parse(line_of(sandbox_read("whole/samples.jsonl", NULL), 2));
    ck_assert_int_eq(json_integer_value(json_object_get(line, "epoch")), 3);
    const json_t *samples = json_object_get(line, "samples");
    ck_assert_uint_eq(json_array_size(samples), 2);
    ck_assert_str_eq(text_of(json_array_get(samples, 1), "prompt"), "welsh");
    ck_assert_str_eq(text_of(json_array_get(samples, 1), "reference"), "llandwyn");
    json_decref(line);
}
END_TEST

START_TEST(samples_are_printed_after_each_validation) {
    const struct outcome outcome = rondo("train names.yaml --out printed", NULL, 0);
    assert_parts("samples", outcome.err, "  german -> | (einung)\n|  welsh -> | (llandwyn)\n");
}
END_TEST

/* ---- rondo chat ---- */

/* A language model reads all that was said; other models answer each line by itself. */
START_TEST(answer_follows_all_that_was_said) {
    const char *answers = output_of("chat lines --temperature 0", "the c\nthe d\n");
    ck_assert_str_eq(line_of(answers, 0), output_of("generate lines --temperature 0 --prompt-file -", "the c\n"));
    ck_assert_str_eq(output_of("chat names --temperature 0", "german\nwelsh\ngerman\n"),
                     output_of("predict names --temperature 0", "german\nwelsh\ngerman\n"));
}
END_TEST

/* After /new, /again and other settings, an answer is what it would have been from the beginning. */
/* What is wrong is reported, and the conversation goes on. */
START_TEST(mistake_does_not_end_a_conversation) {
    const char *plain = output_of("chat lines --temperature 0", "the c\nthe d\n");
    const struct outcome outcome =
        rondo("chat lines --temperature 0", "the c\n/usr/bin\nthe Q\n//\n/temperature -4\n\xff\nthe d\n", 2);
    ck_assert_str_eq(outcome.out, plain);
    assert_parts(
        "errors", outcome.err,
        "standard input:2: unknown command '/usr/bin'|standard input:3:5: the model has not learned 'Q'|"
        "standard input:4:1: the model has not learned '/'|'temperature' is -4|standard input:6: this line is not "
        "UTF-8 text");
}
END_TEST

START_TEST(commands_change_what_follows) {
    const char *plain = output_of("chat lines --temperature 0", "the c\nthe d\n");
    ck_assert_str_eq(output_of("chat lines", "/temperature 0\nthe c\nthe d\n"), plain);
    const char *renewed = output_of("chat lines --temperature 0", "the r\n/new\nthe c\nthe d\n");
    ck_assert_str_eq(strchr(renewed, '\n') + 1, plain);
    const char *again = output_of("chat lines --temperature 0", "the c\nthe d\n/again\n");
    ck_assert_str_eq(line_of(again, 2), line_of(again, 1));
    ck_assert_str_eq(output_of("chat lines", "/quit\nthe c\n"), "");
    const char *many = output_of("chat lines --temperature 2", "the\n/again\n/again\n/again\n");
    ck_assert(strcmp(line_of(many, 0), line_of(many, 1)) != 0 || strcmp(line_of(many, 1), line_of(many, 2)) != 0);
    assert_parts("settings", output_of("chat lines", "/max-length 7\n/settings\n/help\n"),
                 "  /max_length 7\n|  /temperature 1\n|forget everything");
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *arguments, *input, *error;
} mistakes[] = {
    {"generate", "", "an argument is missing"},
    {"generate nothing", "", "'nothing' is not the folder of a run"},
    {"generate labels", "", "the run 'labels' does not generate: "},
    {"generate lines --prompt theKatze", "",
     "--prompt:1:4: the model has not learned 'K', symbol 4 of the text: its vocabulary has |with --unknown allow"},
    {"generate lines --prefix \xC3\xA9", "",
     "--prefix:1:1: the model has not learned '\xC3\xA9', symbol 1 of the text"},
    {"generate lines --prompt-file -", "the c\nthe Q\n", "standard input:2:5: the model has not learned 'Q', symbol 5"},
    {"generate lines --prompt-file missing.txt", "", "cannot open 'missing.txt'"},
    {"generate lines --prompt a --prompt-file -", "", "expected one of --prompt, --input and --prompt-file"},
    {"generate lines --input german", "",
     "--input: the model reads no input: it goes on with a text, which --prompt gives"},
    {"generate names", "", "--input: the model reads an input before it writes, expected --input VALUE"},
    {"generate names --prompt german", "", "--prompt: the model reads an input, such as a class, which --input gives"},
    {"generate names --input german --input welsh", "", "--input expects to be given once, got 'welsh'"},
    {"generate lines --prompt the --prompt=a", "", "--prompt expects to be given once, got 'a'"},
    {"generate names --input finnish", "", "--input: the input 'finnish' is not among those of the training file"},
    {"generate lines names", "",
     "the runs 'lines' and 'names' do not predict together: what their readers have learned is not the same"},
    {"generate lines --beam 100", "",
     "--beam: 'beam' is 100, expected at most the number of symbols that the model writes, which is "},
    {"generate lines --beam 3 --temperature 0.5", "", "--temperature: 'temperature' does not go with beam 3"},
    {"generate lines --beam 3 --count 2", "", "--count: 'count' is not used: with beam 3 nothing is drawn"},
    {"generate lines --temperature 0 --top-k 3", "", "--top-k: 'top_k' is not used: with temperature 0"},
    {"generate lines --temperature hot", "", "--temperature: 'temperature' is 'hot', expected a number in [0, 100]"},
    {"generate lines --max-length 0", "", "--max-length: 'max_length' is 0, expected an integer in [1, 10000000]"},
    {"generate lines --min-length 50", "",
     "--min-length: 'min_length' is 50, expected at most 'max_length', which is 40"},
    {"generate lines --unknown keep", "", "--unknown: 'unknown' is 'keep', expected one of forbid, replace, allow"},
    {"generate lines --unknown replace", "",
     "--unknown: 'unknown' is replace, which copies the symbol of the source that is attended to most, and the model "
     "has no "
     "source"},
    {"generate lines --prefix thecat --max-length 4", "",
     "--prefix: the beginning of the text has 6 symbols, and 'max_length' is 4: nothing is left to write"},
    {"generate lines --temprature 1", "", "unknown flag '--temprature' (did you mean '--temperature'?)"},
    {"generate lines --show 3", "", "unknown flag '--show'"},
    {"predict lines --beam 3", "", "--beam is not used: the run 'lines' is a language model"},
    {"predict labels --score", "", "--score is not used: the run 'labels' does not write its outputs: "},
    {"predict names --interval 0.8", "", "--interval is not used: each output of the run 'names' is its next input"},
    {"predict names --plot", "", "--plot is not used: the run 'names' writes texts"},
    {"predict names --attention", "", "--attention: the run 'names' writes no text for a source"},
    {"predict names", "german\nfinnish\n", "standard input:2: the input 'finnish' is not among those"},
    {"chat lines --count 2", "", "a chat has one answer to each line, expected 'count' 1"},
    {"chat lines", "/temprature 3\n", "standard input:1: unknown command '/temprature' (did you mean 'temperature'?)"},
    {"chat lines", "the c\n/temperature\n", "standard input:2: '/temperature' needs a value"},
    {"chat lines", "/again\n", "standard input:1: there is no answer yet"},
    {"chat lines", "/beam 2\n/n_best 2\n", "a chat has one answer to each line, expected 'n_best' 1"},
    {"chat lines", "Q\n", "standard input:1:1: the model has not learned 'Q', symbol 1 of the text"},
};

static void setup_mistakes(void) {
    setup();
    sandbox_write("labels.tsv", "the cat\tanimal\nthe mat\tplace\nthe dog\tanimal\nthe road\tplace\n");
    sandbox_write("labels.yaml", "rondo: 1\nname: labels\narchitecture: \"N:1\"\n"
                                 "data: {reader: text, train: labels.tsv, valid: labels.tsv}\n"
                                 "model: {layers: [{cell: gru, hidden: 4}]}\n"
                                 "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\n"
                                 "schedule: {epochs: 1, batch: 2}\n");
    rondo("train labels.yaml --quiet --out labels", NULL, 0);
}

START_TEST(mistake_is_reported) {
    const struct outcome outcome = rondo(mistakes[_i].arguments, mistakes[_i].input, 2);
    assert_parts(mistakes[_i].arguments, outcome.err, mistakes[_i].error);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("generate_command");
    TCase *texts = tcase_create("texts");
    tcase_add_unchecked_fixture(texts, setup, sandbox_close);
    tcase_set_timeout(texts, 60);
    tcase_add_test(texts, same_seed_gives_the_same_text);
    tcase_add_test(texts, text_does_not_depend_on_those_beside_it);
    tcase_add_test(texts, prefix_is_printed_and_prompt_is_not);
    tcase_add_test(texts, score_is_that_of_the_text);
    tcase_add_test(texts, object_has_prompt_output_and_rank);
    tcase_add_test(texts, texts_of_prompts_are_numbered);
    tcase_add_test(texts, limits_bound_the_text);
    tcase_add_test(texts, texts_without_an_end_are_separated);
    tcase_add_test(texts, several_runs_write_together);
    tcase_add_test(texts, many_texts_are_printed_while_others_are_written);
    tcase_add_test(texts, prompts_before_a_mistake_are_answered);
    tcase_add_test(texts, outputs_are_in_the_order_of_the_input_and_independent);
    tcase_add_test(texts, each_line_has_its_output_in_place);
    tcase_add_test(texts, several_outputs_begin_with_the_number_of_the_line);
    tcase_add_test(texts, samples_are_the_same_after_a_resume);
    tcase_add_test(texts, samples_are_printed_after_each_validation);
    tcase_add_test(texts, answer_follows_all_that_was_said);
    tcase_add_test(texts, commands_change_what_follows);
    tcase_add_test(texts, mistake_does_not_end_a_conversation);
    suite_add_tcase(suite, texts);
    TCase *attention = tcase_create("attention");
    tcase_add_unchecked_fixture(attention, setup_attention, sandbox_close);
    tcase_set_timeout(attention, 60);
    tcase_add_test(attention, source_is_a_prompt);
    tcase_add_test(attention, attention_has_a_row_for_each_symbol);
    tcase_add_test(attention, pictures_have_the_symbols_of_the_text);
    tcase_add_test(attention, predict_names_the_layer_at_fault);
    tcase_add_test(attention, picture_has_a_grid_for_each_line);
    tcase_add_test(attention, unknown_symbol_is_replaced_by_one_of_the_source);
    tcase_add_test(attention, metrics_compare_what_predict_writes);
    suite_add_tcase(suite, attention);
    TCase *refused = tcase_create("mistakes");
    tcase_add_unchecked_fixture(refused, setup_mistakes, sandbox_close);
    tcase_set_timeout(refused, 60);
    tcase_add_loop_test(refused, mistake_is_reported, 0, ROWS(mistakes));
    suite_add_tcase(suite, refused);
    return run_suite(suite);
}
