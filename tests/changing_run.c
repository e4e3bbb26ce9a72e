/* tests/changing_run.c: see tests/changing_run.h. */
#include "changing_run.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "array_goldens.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

const char changing_run_text[] =
    "rondo: 1\nname: text\narchitecture: \"N:1\"\nplugins: [mine/adam.so, mine/loss.so]\n"
    "data: {reader: text, train: train.tsv, valid: valid.tsv, test: test.tsv}\n"
    "model: {embedding: {size: 4}, layers: [{cell: ./own.yaml, hidden: 4}, {cell: ./own.yaml, hidden: 4}]}\n"
    "loss: {plugin: softmax_cross_entropy}\nmetrics: [accuracy]\noptimizer: {plugin: adam, lr: 0.05}\n"
    "schedule: {epochs: 3, batch: 8, seed: 1}\n";
const char changing_run_list[] = "rondo: 1\nname: list\narchitecture: \"N:N\"\n"
                                 "data: {reader: words, train: [book.txt, other.txt], valid: other.txt, window: 5}\n"
                                 "model: {feedback: true, layers: [{cell: gru, hidden: 4}]}\n"
                                 "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.05}\n"
                                 "schedule: {epochs: 1, batch: 8, seed: 1}\n";
const char changing_run_part[] = "rondo: 1\nname: part\narchitecture: \"N:N\"\n"
                                 "data: {reader: characters, train: book.txt, valid: {last: 0.2}, window: 9}\n"
                                 "model: {feedback: true, layers: [{cell: gru, hidden: 4}]}\n"
                                 "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.05}\n"
                                 "schedule: {epochs: 1, batch: 8, seed: 1}\n";
const char changing_run_picture[] = "rondo: 1\nname: pictures\narchitecture: \"N:1\"\n"
                                    "data: {reader: images, train: pictures, valid: {share: 0.4}, size: [6, 5]}\n"
                                    "model: {layers: [{cell: gru, hidden: 4}]}\n"
                                    "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: sgd, lr: 0.05}\n"
                                    "schedule: {epochs: 1, batch: 8, seed: 1}\n";

void changing_run_files(void) {
    char text[16384];
    size_t length = 0;
    for (int i = 0; i < 300; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s %s%s", i % 3 ? "the cat" : "a dög",
                                   i % 7 ? "sat" : "is number", i % 5 ? " " : ".\n");
    }
    sandbox_write("book.txt", text);
    sandbox_write("other.txt", "a dog is new.\nthe cat sat sat\n");
    length = (size_t)snprintf(text, sizeof text, "size,colour,price,kind\n");
    for (int i = 0; i < 40; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%d.5,%s,%d,%s\n", i * 7 % 11,
                                   i % 3 == 0 ? "red" : "blue", 100 + i * i % 17, i % 4 ? "old" : "new");
    }
    sandbox_write("things.csv", text);
    length = (size_t)snprintf(text, sizeof text, "d,shop,y,x\n");
    for (int i = 0; i < 2 * 60; i++) { /* January and February */
        length += (size_t)snprintf(text + length, sizeof text - length, "2012-%02d-%02d,%s,%d,%d\n", 1 + i / 2 / 31,
                                   1 + i / 2 % 31, i % 2 ? "north" : "south", 1 + i * 13 % 29, i % 5);
    }
    sandbox_write("days.csv", text);
    struct arena *arena = arena_create();
    struct array_goldens pictures, arrays;
    array_goldens_open_list(&pictures, "pictures.txt", arena);
    array_goldens_open(&arrays, arena);
    static const char *const folders[] = {"pictures/cats/1.png", "pictures/cats/2.png", "pictures/cats/3.png",
                                          "pictures/dogs/1.png", "pictures/dogs/2.png", "pictures/dogs/3.png"};
    for (int i = 0; i < ROWS(folders); i++) {
        size_t size;
        const unsigned char *bytes = array_goldens_file(&pictures, i % 2 ? "grey.png" : "rgb.png", arena, &size);
        sandbox_write_bytes(folders[i], bytes, size);
    }
    static const char *const archives[] = {"packed.npz", "lists.npz"};
    for (int i = 0; i < ROWS(archives); i++) {
        size_t size;
        const unsigned char *bytes = array_goldens_file(&arrays, archives[i], arena, &size);
        sandbox_write_bytes(archives[i], bytes, size);
    }
    arena_destroy(arena);
}

void changing_run_write(const char *experiment) {
    changing_run_files();
    tiny_write();
    char plugin[1024];
    snprintf(plugin, sizeof plugin, "%s/optimizers/adam.so", variable("RONDO_TEST_PLUGINS"));
    sandbox_copy(plugin, "mine/adam.so");
    snprintf(plugin, sizeof plugin, "%s/losses/softmax_cross_entropy.so", variable("RONDO_TEST_PLUGINS"));
    sandbox_copy(plugin, "mine/loss.so");
    sandbox_write("kept.txt", "a dog is new.\nthe cat sat sat\n");
    static const char cell[] =
        "cell: own\nsource: none\nsummary: a test\nstate: [h]\nequations: |\n  h' = %s(x @ W + h @ U)\n";
    char text[sizeof cell + 16];
    snprintf(text, sizeof text, cell, "tanh");
    sandbox_write("own.yaml", text);
    snprintf(text, sizeof text, cell, "sigmoid");
    sandbox_write("other/own.yaml", text);
    sandbox_write("e.yaml", experiment);
}

void changing_run_edit(const char *file, const char *find, const char *text) {
    size_t size;
    if (text[0] == '@') {
        const char *copy = sandbox_read(text + 1, &size);
        sandbox_write_bytes(file, copy, size);
        return;
    }
    const char *bytes = sandbox_read(file, &size);
    const char *found = find == NULL ? bytes + size : strstr(bytes, find);
    ck_assert_msg(found != NULL, "%s has no '%s'", file, find);
    const size_t before = (size_t)(found - bytes), gone = find == NULL ? 0 : strlen(find);
    const size_t added = strlen(text), rest = size - before - gone;
    char *edited = sandbox_memory(size + added + 1);
    memcpy(edited, bytes, before);
    memcpy(edited + before, text, added + 1); /* with its NUL, which the rest overwrites */
    memcpy(edited + before + added, found + gone, rest);
    sandbox_remove(file); /* a plug-in that is loaded keeps its own file */
    sandbox_write_bytes(file, edited, before + added + rest);
}
