/* tests/tiny.c: see tests/tiny.h. */
#include "tiny.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sandbox.h"

const char tiny_experiment[] = "rondo: 1\n"
                               "name: tiny\n"
                               "architecture: \"N:1\"\n"
                               "data: {reader: text, train: train.tsv, valid: valid.tsv, test: test.tsv}\n"
                               "model: {embedding: {size: 4}, layers: [{cell: gru, hidden: 4}], pool: mean}\n"
                               "loss: {plugin: softmax_cross_entropy}\n"
                               "optimizer: {plugin: adam, lr: 0.05}\n"
                               "schedule: {epochs: 3, batch: 8, seed: 1}\n";

/* Texts of one to four words, whose last word determines the label. Different values of `first` give different
 * files. */
static void write_texts(const char *name, int count, int first) {
    static const char *const things[] = {"soup", "tea", "the pie", "my bread", "all of it"};
    static const char *const good[] = {"lovely", "great", "tasty"}, *const bad[] = {"awful", "cold", "bland"};
    char text[4096] = "";
    for (int i = first; i < first + count; i++) {
        const size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s %s\t%s\n", things[i % 5], i % 2 ? good[i % 3] : bad[i % 3],
                 i % 2 ? "great" : "other");
    }
    sandbox_write(name, text);
}

void tiny_write(void) {
    sandbox_write("e.yaml", tiny_experiment);
    write_texts("train.tsv", 24, 0);
    write_texts("valid.tsv", 8, 7);
    write_texts("test.tsv", 8, 16);
}

void tiny_edit(const char *name, const char *key, const char *line) {
    if (key == NULL) {
        sandbox_write(name, line);
        return;
    }
    const char *found = strncmp(tiny_experiment, key, strlen(key)) == 0 ? tiny_experiment : NULL;
    for (const char *at = tiny_experiment; found == NULL && (at = strchr(at, '\n')) != NULL; at++) {
        found = strncmp(at + 1, key, strlen(key)) == 0 ? at + 1 : NULL;
    }
    ck_assert_msg(found != NULL, "the experiment has no line '%s'", key);
    const char *rest = strchr(found, '\n') + 1;
    const size_t size = sizeof tiny_experiment + strlen(line) + 2;
    char *text = sandbox_memory(size);
    snprintf(text, size, "%.*s%s%s%s", (int)(found - tiny_experiment), tiny_experiment, line,
             line[0] == '\0' ? "" : "\n", rest);
    sandbox_write(name, text);
}
