/* tests/test_bad_input.c: bad input causes an error with its place, exit status 2 and no incomplete files, and never a
 * crash.
 *
 * Every row goes through `check` and `train` (a damaged run through `predict` and `eval`). The environment names the
 * program and the plug-ins: RONDO_PROGRAM, RONDO_TEST_PLUGINS, RONDO_TEST_BAD.
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* Plug-ins that are none, and good ones where or with what rights nobody should trust them. */
static void make_plugins(void) {
    char adam[1024];
    snprintf(adam, sizeof adam, "%s/optimizers/adam.so", variable("RONDO_TEST_PLUGINS"));
    sandbox_write("text.so", "hello");
    sandbox_write("empty.so", "");
    sandbox_write("folder.so/file", "");
    size_t size;
    sandbox_copy(adam, "cut.so");
    sandbox_read("cut.so", &size);
    ck_assert_int_eq(truncate(sandbox_path("cut.so"), (off_t)size / 2), 0);
    sandbox_copy(adam, "open.so");
    ck_assert_int_eq(chmod(sandbox_path("open.so"), 0666), 0);
    sandbox_copy(adam, "open/adam.so");
    ck_assert_int_eq(chmod(sandbox_path("open"), 0777), 0);
}

static void setup(void) {
    sandbox_open();
    tiny_write();
    make_plugins();
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train e.yaml --out run --quiet"});
    assert_status("the run that is to be damaged", &outcome, 0);
}

/* The program refuses `arguments` with `parts` on standard error, and leaves no file. */
static void assert_refused(const char *what, const char *arguments, const char *parts) {
    char label[1024];
    snprintf(label, sizeof label, "%s (rondo %.400s)", what, arguments);
    const int before = sandbox_entries();
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = "tea\n"});
    assert_status(label, &outcome, 2);
    assert_parts(label, outcome.err, parts);
    ck_assert_msg(outcome.out[0] == '\0', "%s: printed '%.500s'", label, outcome.out);
    ck_assert_msg(sandbox_entries() == before, "%s: left a file", label);
}

/* Every command refuses the experiment. */
static void assert_experiment_refused(const char *what, const char *file, const char *flags, const char *parts) {
    char arguments[2048];
    snprintf(arguments, sizeof arguments, "check %s %s", file, flags);
    assert_refused(what, arguments, parts);
    snprintf(arguments, sizeof arguments, "train %s --out out %s", file, flags);
    assert_refused(what, arguments, parts);
    snprintf(arguments, sizeof arguments, "train %s %s", file, flags); /* into runs/ */
    assert_refused(what, arguments, parts);
}

/* ---- YAML ---- */

static const struct {
    const char *name, *text, *parts;
} texts[] = {
    {"nothing at all", "", "bad.yaml:1:1: an empty document"},
    {"only a comment", "# rondo: 1\n", "bad.yaml:1:1: an empty document"},
    {"one word", "rondo\n", "bad.yaml:1:1: an experiment is a mapping"},
    {"a list", "[rondo, 1]\n", "bad.yaml:1:1: an experiment is a mapping"},
    {"a bracket left open", "rondo: 1\ndata: {reader: text\n", "bad.yaml:3:1: "},
    {"a quote left open", "rondo: 1\nname: \"tiny\n", "bad.yaml:3:1: |quoted scalar"},
    {"a bad indentation", "rondo: 1\n  name: tiny\n", "bad.yaml:2:7: "},
    {"a tab", "data:\n\treader: text\n", "bad.yaml:2:1: found a tab character"},
    {"two documents", "rondo: 1\n---\nrondo: 1\n", "bad.yaml:2:1: a second document"},
    {"a duplicate key", "rondo: 1\nname: a\nname: b\n", "bad.yaml:3:1: key 'name' is already there, at line 2"},
    {"bytes that are no text", "name: \xff\xfe\n", "bad.yaml:1:7: byte 0xff is not valid UTF-8"},
    {"an anchor", "data: &a {reader: text}\n", "bad.yaml:1:7: anchor '&a'"},
    {"an alias", "data: *a\n", "bad.yaml:1:7: alias '*a'"},
    {"a tag", "name: !!binary aGk=\n", "bad.yaml:1:7: tag '"},
    {"aliases that explode",
     "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\n",
     "bad.yaml:1:4: anchor '&a'; anchors and aliases are not supported"},
    {"a merge key", "a: {<<: {b: 1}}\n", "bad.yaml:1:1: unknown key 'a'"},
    {"a base that is missing", "extends: nothing.yaml\n", "bad.yaml:1:10: there is no file 'nothing.yaml' to extend"},
    {"a base that is a list", "extends: [e.yaml]\n", "bad.yaml:1:10: 'extends' must be the path of an experiment"},
    {"a base that is a folder", "extends: .\n", "'.' is a folder, expected a regular file"},
    {"a base that is itself", "extends: bad.yaml\n", "bad.yaml:1:10: 'extends' goes deeper than 8 files"},
};

START_TEST(bad_yaml_is_refused_at_its_place) {
    sandbox_write("bad.yaml", texts[_i].text);
    assert_experiment_refused(texts[_i].name, "bad.yaml", "", texts[_i].parts);
}
END_TEST

/* Texts in which something is repeated many times. */
static const struct {
    const char *name, *begin, *repeated;
    int count;
    const char *end, *parts;
} large[] = {
    {"10,000 lists deep", "a: ", "[", 10000, "", "bad.yaml:1:35: nested more than 32 deep"},
    {"10,000 mappings deep", "a: ", "{a: ", 10000, "", "bad.yaml:1:|: nested more than 32 deep"},
    {"10,000 items deep", "", "- ", 10000, "x", "bad.yaml:1:65: nested more than 32 deep"},
    {"10,000 keys of keys", "", "? ", 10000, "x", "bad.yaml:1:"},
    {"closing brackets", "a: ", "]", 10000, "", "bad.yaml:1:4: "},
    {"a million values", "a: [", "1,", 1000000, "]", "bad.yaml:1:|more than |values"},
    {"a thousand times the same key", "rondo: 1\n", "name: x\n", 1000, "",
     "bad.yaml:3:1: key 'name' is already there|more\n"},
    {"a key of a million letters", "", "k", 1000000, ": 1\n", "bad.yaml:1:"},
    {"a text of a million letters", "name: ", "x", 1000000, "\n", "bad.yaml:1:"},
    {"a path of a million letters", "extends: ", "x", 1000000, "\n", "bad.yaml:1:10: "},
    {"a million unknown keys of brackets", "", "{}\n", 1000000, "", "bad.yaml:2:1: "},
    {"a million blanks", "", " ", 1000000, "", "bad.yaml:1:1: an empty document"},
    {"a million dashes", "", "-", 1000000, "", "bad.yaml:1:1: "},
};

START_TEST(large_yaml_is_refused) {
    const size_t begin = strlen(large[_i].begin), step = strlen(large[_i].repeated);
    const size_t size = begin + step * (size_t)large[_i].count + strlen(large[_i].end) + 1;
    char *text = sandbox_memory(size), *end = text + begin;
    memcpy(text, large[_i].begin, begin);
    for (int i = 0; i < large[_i].count; i++, end += step) {
        memcpy(end, large[_i].repeated, step);
    }
    snprintf(end, size - (size_t)(end - text), "%s", large[_i].end);
    sandbox_write("bad.yaml", text);
    assert_experiment_refused(large[_i].name, "bad.yaml", "", large[_i].parts);
}
END_TEST

START_TEST(file_that_is_no_text_file_is_refused) {
    sandbox_write("large.yaml", "");
    ck_assert_int_eq(truncate(sandbox_path("large.yaml"), 100000000), 0);
    assert_experiment_refused("100 MB", "large.yaml", "", "'large.yaml' has 100000000 bytes, expected at most ");
    assert_experiment_refused("nothing", "nothing.yaml", "", "cannot read 'nothing.yaml': there is no such file");
    assert_experiment_refused("a folder", ".", "", "'.' is a folder, expected a regular file");
    assert_experiment_refused("a device", "/dev/zero", "", "'/dev/zero' is a pipe or device");
    ck_assert_int_eq(mkfifo(sandbox_path("pipe"), 0600), 0);
    assert_experiment_refused("a pipe", "pipe", "", "'pipe' is a pipe or device");
    assert_experiment_refused("a shared object", variable("RONDO_PROGRAM"), "", "/rondo");
    sandbox_write_bytes("nul.yaml", "rondo: 1\nname: \0\n", 17);
    assert_experiment_refused("a NUL byte", "nul.yaml", "", "nul.yaml:2:7: a NUL byte");
}
END_TEST

/* ---- keys ---- */

#define TWENTY  "xxxxxxxxxxxxxxxxxxxx"
#define HUNDRED TWENTY TWENTY TWENTY TWENTY TWENTY

/* The experiment of tests/tiny.h with one line replaced; the number of the line identifies the key: 4 data, 5 model.
 */
static const struct {
    const char *name, *key, *line, *flags, *parts;
} keys[] = {
    {"an unknown key", "name:", "naem: tiny", "",
     "bad.yaml:2:1: unknown key 'naem' in an experiment (did you mean 'name'?)"},
    {"an unknown section", "name:", "trainer: {gpus: 8}", "", "bad.yaml:2:1: unknown key 'trainer' in an experiment"},
    {"an unknown key of a section", "schedule:", "schedule: {epoch: 3}", "",
     "bad.yaml:8:12: unknown key 'epoch' in schedule (did you mean 'epochs'?), expected one of epochs, accumulate"},
    {"an unknown key of a plug-in", "optimizer:", "optimizer: {plugin: sgd, beta1: 0.9}", "",
     "bad.yaml:7:26: unknown key 'beta1' in optimizer"},
    {"an unknown key of a layer", "model:", "model: {layers: [{cell: gru, hiden: 4}]}", "",
     "bad.yaml:5:30: unknown key 'hiden' in model.layers.0 (did you mean 'hidden'?)|'hidden' of model.layers.0 is "
     "missing"},
    {"an unknown key of the columns", "data:", "data: {reader: text, train: train.tsv, columns: {texts: 0}}", "",
     "bad.yaml:4:50: unknown key 'texts' in data.columns (did you mean 'text'?)"},
    {"an unknown key of --set", "name:", "name: tiny", "--set optimizer.lrr=1",
     "--set optimizer.lrr=1: unknown key 'lrr' in optimizer (did you mean 'lr'?)"},
    {"a duplicate key", "schedule:", "schedule: {epochs: 3, batch: 8, epochs: 4}", "",
     "bad.yaml:8:33: key 'epochs' is already there"},
    {"a quoted number", "optimizer:", "optimizer: {plugin: adam, lr: \"0.1\"}", "",
     "bad.yaml:7:31: '|lr' is quoted text, expected number in [0, 1000]"},
    {"a list for a number", "optimizer:", "optimizer: {plugin: adam, lr: [0.1, 0.2]}", "",
     "bad.yaml:7:31: '|lr' is a list, expected number"},
    {"a mapping for a number", "schedule:", "schedule: {epochs: {first: 3}}", "",
     "bad.yaml:8:20: 'schedule.epochs' is a mapping, expected integer"},
    {"text for a number", "optimizer:", "optimizer: {plugin: adam, lr: fast}", "",
     "bad.yaml:7:31: 'lr' is 'fast', expected a number in [0, 1000]"},
    {"nothing for a number", "optimizer:", "optimizer: {plugin: adam, lr: }", "",
     "bad.yaml:7:|'lr' is '', expected a number"},
    {"not a number", "optimizer:", "optimizer: {plugin: adam, lr: .nan}", "",
     "bad.yaml:7:31: 'lr' is '.nan', expected a number"},
    {"infinity", "optimizer:", "optimizer: {plugin: adam, lr: 1e999}", "", "bad.yaml:7:31: 'lr' is |1e999"},
    {"a hexadecimal number", "schedule:", "schedule: {epochs: 0x10}", "",
     "bad.yaml:8:20: 'epochs' is '0x10', expected an integer"},
    {"a fraction for an integer", "schedule:", "schedule: {epochs: 2.5}", "",
     "bad.yaml:8:20: 'epochs' is 2.5, expected an integer"},
    {"a number too large for an integer", "schedule:", "schedule: {seed: 99999999999999999999}", "",
     "bad.yaml:8:18: 'seed' is "},
    {"yes for a truth value", "data:", "data: {reader: text, train: train.tsv, header: yes}", "",
     "bad.yaml:4:48: 'header' is 'yes', expected true or false"},
    {"a quoted truth value", "data:", "data: {reader: text, train: train.tsv, header: \"true\"}", "",
     "bad.yaml:4:48: 'data.header' is quoted text, expected true or false"},
    {"a list for a name", "name:", "name: [a, b]", "", "bad.yaml:2:7: 'name' is a list, expected text"},
    {"a scalar for a section", "optimizer:", "optimizer: adam", "",
     "bad.yaml:7:12: 'optimizer' is a single value, expected a mapping"},
    {"a list for a section", "schedule:", "schedule: [1, 2]", "", "bad.yaml:8:11: 'schedule' must be a mapping"},
    {"a scalar for the layers", "model:", "model: {layers: gru}", "",
     "bad.yaml:5:17: 'model.layers' must be a list of 1 to 64"},
    {"no layer", "model:", "model: {layers: []}", "", "bad.yaml:5:17: 'model.layers' must be a list of 1 to 64"},
    {"a name for a layer", "model:", "model: {layers: [gru]}", "", "bad.yaml:5:18: a layer must be a mapping"},
    {"a number below the range", "optimizer:", "optimizer: {plugin: adam, lr: -0.1}", "",
     "bad.yaml:7:31: 'lr' is -0.1, expected a number in [0, 1000]"},
    {"a number above the range", "model:", "model: {layers: [{cell: gru, hidden: 65537}]}", "",
     "bad.yaml:5:38: 'hidden' is 65537, expected an integer in [1, 65536]"},
    {"a word that is no choice", "model:", "model: {layers: [{cell: gru, hidden: 4}], pool: men}", "",
     "bad.yaml:5:49: 'pool' is 'men', expected one of last, first, mean, max, attention (did you mean 'mean'?)"},
    {"another version", "rondo:", "rondo: 2", "", "bad.yaml:1:8: 'rondo' is 2, expected an integer in [1, 1]"},
    {"no version", "rondo:", "", "", "bad.yaml:1:1: option 'rondo' of an experiment is missing"},
    {"no architecture", "architecture:", "", "", "bad.yaml:1:1: 'architecture' is missing, expected one of \"1:1\""},
    {"an unknown architecture", "architecture:", "architecture: \"N:2\"", "",
     "bad.yaml:3:15: unknown architecture 'N:2'"},
    {"no data", "data:", "", "", "bad.yaml:1:1: 'data.reader' is missing, expected the reader of the data files: "},
    {"a file for each stream", "data:", "data: {reader: text, train: {input: train.tsv}}", "",
     "bad.yaml:4:29: reader 'text' reads all streams from the same file; expected a path"},
    {"no model", "model:", "", "", "bad.yaml:1:1: 'model.layers' must be a list"},
    {"no loss", "loss:", "", "", "bad.yaml:1:1: 'loss.plugin' is missing, expected the name of a loss"},
    {"no optimizer", "optimizer:", "", "",
     "bad.yaml:1:1: 'optimizer.plugin' is missing, expected the name of an optimizer"},
    {"an unknown optimizer", "optimizer:", "optimizer: {plugin: adm}", "",
     "bad.yaml:7:21: unknown optimizer 'adm' (did you mean 'adam'?)"},
    {"an optimizer that is a path", "optimizer:", "optimizer: {plugin: ../optimizers/adam}", "",
     "bad.yaml:7:21: unknown optimizer"},
    {"an unknown loss", "loss:", "loss: {plugin: softmax_crossentropy}", "",
     "bad.yaml:6:16: unknown loss 'softmax_crossentropy' (did you mean 'softmax_cross_entropy'?)"},
    {"an optimizer for a loss", "loss:", "loss: {plugin: adam}", "", "bad.yaml:6:16: unknown loss 'adam'"},
    {"an unknown cell", "model:", "model: {layers: [{cell: grru, hidden: 4}]}", "",
     "bad.yaml:5:25: there is no cell 'grru' (did you mean 'gru'?), looked in /"},
    {"a cell file that is missing", "model:", "model: {layers: [{cell: ./gru.yaml, hidden: 4}]}", "",
     "bad.yaml:5:25: there is no cell './gru.yaml'|looked in ."},
    {"an unknown reader", "data:", "data: {reader: txt, train: train.tsv}", "",
     "bad.yaml:4:16: unknown reader 'txt' (did you mean 'text'?)"},
    {"a name that is a path", "name:", "name: ../../tiny", "",
     "bad.yaml:2:7: the name '../../tiny' cannot be that of a folder"},
    {"a name with a line break", "name:", "name: \"a\\nb\"", "",
     "bad.yaml:2:7: the name 'a\\nb' cannot be that of a folder"},
    {"a name that is too long for a folder", "name:", "name: " HUNDRED HUNDRED HUNDRED, "",
     "bad.yaml:2:7: the name has 300 bytes, expected at most 240"},
    {"an unknown metric", "schedule:", "schedule: {early_stopping: {metric: valid.acuracy}}", "",
     "bad.yaml:8:37: there is no metric 'valid.acuracy' (did you mean 'valid.accuracy'?)"},
    {"a metric of the training data", "schedule:", "schedule: {early_stopping: {metric: train.loss}}", "",
     "bad.yaml:8:37: there is no metric 'train.loss'"},

    {"pooling that is not used", "architecture:", "architecture: \"N:N\"", "",
     "bad.yaml:5:65: 'model.pool' is not used: architecture N:N has an output at every step"},
    {"early stopping that is not used", "data:", "data: {reader: text, train: train.tsv}",
     "--set schedule.early_stopping.patience=2",
     "'schedule.early_stopping' is not used without validation data: give 'data.valid'"},
    {"an option that is another cell's", "model:", "model: {layers: [{cell: gru, hidden: 4, gain: 2}]}", "",
     "bad.yaml:5:41: unknown key 'gain' in model.layers.0"},
    {"extends from the command line", "name:", "name: tiny", "--set extends=e.yaml",
     "--set extends=e.yaml: 'extends' has an effect only in a file"},
    {"--set without a value", "name:", "name: tiny", "--set optimizer.lr", "--set optimizer.lr: no '='"},
    {"--set into a scalar", "name:", "name: tiny", "--set name.first=a",
     "--set name.first=a: 'name' in 'name.first' has the value"},
    {"--set past the end of a list", "name:", "name: tiny", "--set model.layers.2.hidden=4",
     "'2' is not a place in a sequence of 1"},
    {"--set of YAML that does not parse", "name:", "name: tiny", "--set data={", "--set data={: "},

    {"classes where the loss wants numbers", "loss:", "loss: {plugin: squared_error}", "",
     "bad.yaml:6:16: squared_error: targets are classes, expected numbers"},
    {"numbers where the loss wants classes", "loss:", "loss: {plugin: softmax_cross_entropy}",
     "--set data.target=number --set data.train=numbers.tsv --set data.valid=numbers.tsv --set data.test=numbers.tsv",
     "bad.yaml:6:16: softmax_cross_entropy: targets are numbers, expected classes"},

    {"many mistakes at once", "schedule:",
     "schedule: {epochs: 0, bacth: 3, seed: -1, clip_norm: x}\n"
     "modell: {}\n",
     "--set optimizer.lr=-1 --set model.layers.0.hidden=big --set loss.plugin=none --set data.train=",
     "bad.yaml:8:20: 'epochs' is 0|bad.yaml:8:23: unknown key 'bacth'|bad.yaml:8:39: 'seed' is -1|bad.yaml:8:54: "
     "'clip_norm' is 'x'|bad.yaml:9:1: unknown key 'modell'|--set optimizer.lr=-1: 'lr' is -1|hidden=big: 'hidden' is "
     "'big'|unknown loss 'none'|--set data.train=: expected the path of a file"},
};

START_TEST(bad_key_is_refused_at_its_place) {
    sandbox_write("numbers.tsv", "tea\t0.5\nsoup\t1\n");
    tiny_edit("bad.yaml", keys[_i].key, keys[_i].line);
    assert_experiment_refused(keys[_i].name, "bad.yaml", keys[_i].flags, keys[_i].parts);
}
END_TEST

/* ---- data ---- */

static const struct {
    const char *name, *file;
    const char *bytes; /* NULL: the file does not exist */
    size_t size;       /* 0: up to the NUL */
    const char *parts;
} data[] = {
    {"missing", "bad.tsv", NULL, 0, "data.train=bad.tsv: cannot read '|/bad.tsv': there is no such file"},
    {"empty", "bad.tsv", "", 0, "/bad.tsv: the file has no rows"},
    {"only blank lines", "bad.tsv", "\n\n\n", 0, "/bad.tsv: the file has no rows"},
    {"binary", "bad.tsv",
     "tea\tgreat\n\x7f"
     "ELF\0\0\0\1\n",
     20, "/bad.tsv:2:5: a NUL byte, expected text as UTF-8"},
    {"Latin-1", "bad.tsv", "tea\tgreat\ncaf\xe9\tother\n", 0, "/bad.tsv:2:4: byte 0xe9 is not valid UTF-8"},
    {"ragged", "bad.tsv", "tea\tgreat\nsoup\npie\tother\tmore\n", 0,
     "/bad.tsv:2: 1 field, expected 2 as in the first row, line 1|/bad.tsv:3: 3 fields, expected 2"},
    {"a quote left open", "bad.csv", "tea,great\n\"soup,other\npie,other\n", 0,
     "/bad.csv:2:1: a quote that is never closed"},
    {"text after a quote", "bad.csv", "tea,great\n\"so\"up,other\n", 0, "/bad.csv:2:5: text after the closing quote"},
    {"labels that differ in a blank", "bad.tsv", "tea\tgreat\nsoup\tother\npie\tgreat \n", 0,
     "/bad.tsv:3: label 'great ' differs from 'great' of line 1 only in blanks"},
    {"one column", "bad.tsv", "tea\nsoup\n", 0, "'|/bad.tsv' has no column 1; it has 1, numbered from 0"},
    {"commas for tabs", "bad.tsv", "tea,great\nsoup,other\n", 0, "/bad.tsv' has no column 1; it has 1"},
    {"one label", "bad.tsv", "tea\tgreat\nsoup\tgreat\n", 0,
     "/bad.tsv: every row has the label 'great', expected at least two"},
    {"an empty label", "bad.tsv", "tea\tgreat\nsoup\t\npie\tother\n", 0, "/bad.tsv:2: the label is empty"},
    {"another ending", "bad.txt", "tea\tgreat\nsoup\tother\n", 0, "/bad.txt' ends in neither .csv nor .tsv"},
};

START_TEST(bad_data_is_refused_at_its_line) {
    sandbox_write("bad.yaml", tiny_experiment);
    if (data[_i].bytes == NULL) {
        ck_assert(!sandbox_has("bad.tsv") || remove(sandbox_path("bad.tsv")) == 0);
    } else {
        sandbox_write_bytes(data[_i].file, data[_i].bytes, data[_i].size > 0 ? data[_i].size : strlen(data[_i].bytes));
    }
    char flags[64];
    snprintf(flags, sizeof flags, "--set data.train=%s", data[_i].file);
    assert_experiment_refused(data[_i].name, "bad.yaml", flags, data[_i].parts);
}
END_TEST

static const struct {
    const char *name, *flags, *parts;
} data_flags[] = {
    {"a label that training has not seen", "--set data.valid=unseen.tsv",
     "/unseen.tsv:2: label 'graet' in column 1 is not among those of the training file (did you mean 'great'?)"},
    {"validation data that is missing", "--set data.valid=nothing.tsv",
     "--set data.valid=nothing.tsv: cannot read '|/nothing.tsv': there is no such file"},
    {"a folder", "--set data.train=. --set data.format=tsv", "is a folder, expected a regular file"},
    {"a device", "--set data.train=/dev/zero --set data.format=tsv", "'/dev/zero' is a pipe or device"},
    {"a list in a list of files", "--set data.train=[train.tsv,[train.tsv]]",
     "--set data.train=[train.tsv,[train.tsv]]: expected the path of a file"},
    {"a list without files", "--set data.valid=[]", "--set data.valid=[]: expected the path of a file"},
    {"no such file in a list", "--set data.train=[train.tsv,none.tsv]",
     "cannot read '|/none.tsv': there is no such file"},
    {"a column past the last", "--set data.columns.label=7", "--set data.columns.label=7: '|has no column 7; it has 2"},
    {"a column below the first", "--set data.columns.text=-1",
     "--set data.columns.text=-1: column '-1' is not a number from 0"},
    {"a column by name without names", "--set data.columns.text=text",
     "column 'text' is not a number from 0; a name needs header: true, and the first row of '|train.tsv' does not have "
     "it"},
    {"a name that no column has", "--set data.header=true --set data.columns.text=text",
     "/train.tsv' has no column 'text'"},
    {"a name among others", "--set data.train=named.csv --set data.header=true --set data.columns.text=body",
     "/named.csv' has no column 'body'; it has '', '0', '1'"},
    {"a number that is a name, too", "--set data.train=named.csv --set data.header=true --set data.columns.text=0",
     "/named.csv' has a column of the name '0', which is column 1; write \"0\", in quotes"},
    {"a format and a separator", "--set data.format=tsv --set data.separator=comma",
     "--set data.format=tsv: 'format' is not used, because 'separator' is given"},
    {"an unknown separator", "--set data.separator=comm", "'separator' is 'comm', expected one of auto, comma, tab"},
    {"the text for a label", "--set data.columns.label=0", "column '0' is both the text and the label"},
    {"class weights of another number", "--set loss.class_weights=[1,2,3]",
     "--set loss.class_weights=[1,2,3]: 'class_weights' has 3 numbers, expected one for each of 2 classes, in the "
     "order "
     "of the labels: 'great', 'other'"},
    {"a label that no row has", "--set loss.class_weights={\"graet\":1}",
     "'class_weights' has the unknown label 'graet' (did you mean 'great'?), expected 'great', 'other'"},
    {"a class weight that is no number", "--set loss.class_weights={\"great\":heavy}",
     "'great' is 'heavy', expected a number"},
    {"a negative class weight", "--set loss.class_weights={\"great\":-1}",
     "'great' is -1, expected a number in [0, 1000000]"},
    {"a list as a class weight", "--set loss.class_weights={\"great\":[1]}",
     "'great' of 'class_weights' must be a number"},
    {"a word for class weights", "--set loss.class_weights=balance",
     "'class_weights' is 'balance', expected balanced, or for each class a number in [0, 1000000]"},
    {"class weights for numbers",
     "--set data.train=numbers.tsv --set data.valid=null --set data.test=null --set data.target=number --set "
     "loss.class_weights=balanced",
     "'class_weights' has numbers for classes, and targets are not classes"},
    {"labels for numbers", "--set data.target=number",
     "/train.tsv:1: 'other' in column 1 is not a finite number|/train.tsv:2: 'great'"},
    {"long texts where one word is wanted", "--set architecture=1:1", "/train.tsv: example |inputs, expected one"},
    /* The loss refuses a target only when it trains on it; the folder of the run already exists at this time. */
    {"targets out of the range of the loss",
     "--set data.target=number --set data.train=numbers.tsv --set data.valid=numbers.tsv --set "
     "loss.plugin=sigmoid_cross_entropy",
     "loss 'sigmoid_cross_entropy' of '|target 0 of row |is 3, expected a number in [0, 1]"},
};

START_TEST(data_that_does_not_fit_is_refused) {
    sandbox_write("named.csv", ",0,1\n0,tea,great\n1,soup,other\n");
    sandbox_write("unseen.tsv", "tea\tgreat\nsoup\tgraet\n");
    sandbox_write("numbers.tsv", "tea\t0.5\nsoup\t3\n");
    char arguments[512];
    snprintf(arguments, sizeof arguments, "train e.yaml --out out %s", data_flags[_i].flags);
    assert_refused(data_flags[_i].name, arguments, data_flags[_i].parts);
}
END_TEST

/* ---- equations ---- */

/* Line 5 of bad.yaml, from column 3; further lines follow it. */
static const struct {
    const char *name, *equations, *parts;
} equations[] = {
    {"no operand", "h' = x @ W +",
     "bad.yaml:5:15: expected a name, a number or '('|    h' = x @ W +\n                ^"},
    {"two operators", "h' = x @ * W", "bad.yaml:5:12: expected a name, a number or '(', found '*'"},
    {"a bracket left open", "h' = tanh(x @ W", "bad.yaml:5:12: this bracket is never closed"},
    {"a bracket too many", "h' = x @ W)", "bad.yaml:5:13: expected an operator or the end of the line, found ')'"},
    {"no equals sign", "h' x @ W", "bad.yaml:5:6: expected '=' after the name of an equation"},
    {"no name", "= x @ W", "bad.yaml:5:3: expected an equation 'name = "},
    {"a character that means nothing", "h' = x $ W", "bad.yaml:5:10: "},
    {"a letter of another script", "h' = x @ W + \xce\xb2", "bad.yaml:5:16: |'\xce\xb2'"},
    {"a number too large", "h' = x @ W * 1e999", "bad.yaml:5:16: this number is too large"},
    {"an unknown op", "h' = tahn(x @ W)", "bad.yaml:5:8: unknown op 'tahn' (did you mean 'tanh'?)"},
    {"an unknown option of an op", "h' = swish(x @ W, bta=2)",
     "bad.yaml:5:21: unknown option 'bta' of swish (did you mean 'beta'?)"},
    {"an option out of range", "h' = softmax(x @ W, axis=9)", "bad.yaml:5:23: 'axis' is 9"},
    {"too many operands", "h' = tanh(x @ W, h)", "bad.yaml:5:8: 'tanh' takes (x), got 2 inputs"},
    {"an option without its name", "h' = softmax(x @ W, -1)",
     "bad.yaml:5:8: 'softmax' takes (x), got 2 inputs; an option is written with its name, such as axis=…"},
    {"no operands", "h' = tanh()", "bad.yaml:5:8: 'tanh' takes (x), got 0 inputs"},
    {"shapes that do not go together", "h' = tanh(x @ W) + concat(h, h)",
     "bad.yaml:5:20: 'add' cannot combine shapes [batch, 5] and [batch, 10]"},
    {"a state of another shape", "h' = concat(tanh(x @ W), h)",
     "bad.yaml:5:3: h' has shape [batch, 10], but state 'h' has shape [batch, 5]"},
    {"a parameter on the left", "h' = W @ x", "bad.yaml:5:8: parameter 'W' is on the left of @"},
    {"a state that is never assigned", "y = tanh(x @ W)",
     "bad.yaml:3:9: state 'h' is never assigned, expected an equation h' = "},
    {"a new value of what is no state", "h' = tanh(x @ W)\n  g' = h", "bad.yaml:6:3: 'g' is not a state"},
    {"a state without its prime", "h = tanh(x @ W)", "bad.yaml:5:3: 'h' is a state: its new value is written h'"},
    {"a value before it is there", "h' = y\n  y = tanh(x @ W)",
     "bad.yaml:5:8: 'y' is used before it is computed in line 6"},
    {"a value that nobody uses", "y = x @ V\n  h' = tanh(x @ W)", "bad.yaml:5:3: 'y' is computed but never used"},
    {"an equation twice", "h' = tanh(x @ W)\n  h' = tanh(x @ V)", "bad.yaml:6:3: 'h'' was computed in line 5 already"},
    {"an input that is assigned", "x = h\n  h' = tanh(x @ W)", "bad.yaml:5:3: 'x' is the input and cannot be assigned"},
    {"no equation", "# none", "bad.yaml:5:|there is no equation here"},
    {"two mistakes in two lines", "h' = tahn(x @ W)\n  y = x +* 2",
     "bad.yaml:5:8: unknown op|bad.yaml:6:10: expected a name"},
};

/* An experiment with one layer of the cell bad.yaml. */
static void assert_cell_refused(const char *name, const char *parts) {
    tiny_edit("cell.yaml", "model:", "model: {layers: [{cell: ./bad.yaml, hidden: 5}]}");
    assert_experiment_refused(name, "cell.yaml", "", parts);
}

START_TEST(bad_equation_is_refused_at_its_place) {
    char text[1024];
    snprintf(text, sizeof text, "cell: bad\nsource: \"nobody\"\nstate: [h]\nequations: |\n  %s\n",
             equations[_i].equations);
    sandbox_write("bad.yaml", text);
    assert_cell_refused(equations[_i].name, equations[_i].parts);
}
END_TEST

/* "h' = x @ W + " followed by one text many times, `h`, and another text as often. */
static const struct {
    const char *name, *before, *after, *parts;
} endless[] = {
    {"brackets", "(", ")", "bad.yaml:5:216: brackets nest deeper than 200"},
    {"signs", "-", "", "bad.yaml:5:|: brackets nest deeper than 200"},
    {"calls", "tanh(", ")", "bad.yaml:5:|: brackets nest deeper than 200"},
    {"brackets left open", "(", "", "bad.yaml:5:216: brackets nest deeper than 200"},
    {"operators", "h + ", "", "bad.yaml:5:|: more than |operators in one equation"},
};

START_TEST(endless_equation_is_refused) {
    enum { TIMES = 100000 };
    const char *begin = "cell: bad\nsource: \"nobody\"\nstate: [h]\nequations: |\n  h' = x @ W + ";
    const size_t before = strlen(endless[_i].before), after = strlen(endless[_i].after);
    char *text = sandbox_memory(strlen(begin) + TIMES * (before + after) + 3), *end = text + strlen(begin);
    memcpy(text, begin, strlen(begin));
    for (int i = 0; i < TIMES; i++, end += before) {
        memcpy(end, endless[_i].before, before);
    }
    *end++ = 'h';
    for (int i = 0; i < TIMES; i++, end += after) {
        memcpy(end, endless[_i].after, after);
    }
    memcpy(end, "\n", 2);
    sandbox_write("bad.yaml", text);
    assert_cell_refused(endless[_i].name, endless[_i].parts);
}
END_TEST

/* Whole files of cells. */
static const struct {
    const char *name, *text, *parts;
} cells[] = {
    {"no state", "cell: bad\nsource: s\nequations: |\n  h' = x @ W\n", "bad.yaml:1:1: 'state' must list the names"},
    {"no equations", "cell: bad\nsource: s\nstate: [h]\n", "bad.yaml:1:1: 'equations' is missing"},
    {"no name", "state: [h]\nequations: |\n  h' = x @ W\n",
     "bad.yaml:1:1: 'cell' is missing, expected the name of the cell"},
    {"a source that is a list", "cell: bad\nsource: [s]\nstate: [h]\nequations: |\n  h' = x @ W\n",
     "bad.yaml:2:9: 'source' must be a text"},
    {"a result that no memory can hold",
     "cell: bad\nstate: [h]\nparams: {p: [4194304, 1, 1], q: [1, 4194304, 1], r: [1, 1, 1048576]}\nequations: |\n"
     "  s = sum(where(p, q, r), axis=[0, 1, 2])\n  h' = h + s\n",
     "bad.yaml:5:11: the result of 'where' would have shape [4194304, 4194304, 1048576], which no memory can hold"},
    {"an option that nothing uses", "cell: bad\nstate: [h]\noptions: {leak: 1}\nequations: |\n  h' = x @ W\n",
     "bad.yaml:3:11: option 'leak' is declared but neither an equation nor a shape uses it"},
    {"an unknown key", "cell: bad\nsource: s\nstate: [h]\nequation: |\n  h' = x @ W\n",
     "bad.yaml:4:1: unknown key 'equation' in a cell (did you mean 'equations'?)"},
    {"a list", "- cell\n", "bad.yaml:1:1: a cell is a mapping"},
    {"nothing", "", "bad.yaml:1:1: an empty document"},
    {"a state twice", "cell: bad\nsource: s\nstate: [h, h]\nequations: |\n  h' = x @ W\n",
     "bad.yaml:3:12: state 'h' is listed twice"},
    {"a state called x", "cell: bad\nsource: s\nstate: [x]\nequations: |\n  x' = x @ W\n",
     "bad.yaml:3:9: 'x' is reserved"},
    {"a name that is none", "cell: ../bad\nsource: s\nstate: [h]\nequations: |\n  h' = x @ W\n",
     "bad.yaml:1:7: '../bad' is not a name"},
    {"equations that are no block", "cell: bad\nsource: s\nstate: [h]\nequations: \"h' = x @ W\"\n",
     "bad.yaml:4:12: write equations as a literal block"},
    {"a dimension that is none", "cell: bad\nsource: s\nstate: {h: [hiden]}\nequations: |\n  h' = x @ W\n",
     "bad.yaml:3:9: cannot read dimension 'hiden' of 'h'"},
    {"a dimension of nothing", "cell: bad\nsource: s\nstate: {h: [0]}\nequations: |\n  h' = h\n",
     "bad.yaml:3:9: dimension '0' of 'h' is 0, expected a whole number"},
    {"a dimension past all bounds",
     "cell: bad\nsource: s\nstate: {h: [hidden * 99999999999999999999]}\nequations: |\n  h' = h\n",
     "bad.yaml:3:9: dimension 'hidden * 99999999999999999999' of 'h' is 5e+20"},
    {"an output of two dimensions", "cell: bad\nsource: s\nstate: {h: [2, hidden]}\nequations: |\n  h' = h + b\n",
     "bad.yaml:3:9: the first state is the cell's output and must have one dimension"},
    {"an output that is none", "cell: bad\nsource: s\nstate: [h]\noutput: hh\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:9: no equation computes the output 'hh' (did you mean 'h''?)"},
    {"an output that is no name", "cell: bad\nsource: s\nstate: [h]\noutput: h''\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:9: 'output' must be a value of the equations, such as y or h'"},
    {"an output that is a list", "cell: bad\nsource: s\nstate: [h]\noutput: [h]\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:9: 'output' must be a value of the equations, such as y or h'"},
    {"an empty output", "cell: bad\nsource: s\nstate: [h]\noutput:\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:8: 'output' must be a value of the equations, such as y or h'"},
    {"a candidate that is none",
     "cell: bad\nsource: s\nstate: [h]\ncandidate: [g, n]\nequations: |\n  g = x @ W\n  h' = h + g\n",
     "bad.yaml:4:16: no equation computes the candidate 'n'"},
    {"a candidate that is a new state", "cell: bad\nsource: s\nstate: [h]\ncandidate: h'\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:12: 'candidate' must be a value of the equations, such as g, or a list of them"},
    {"candidates in a mapping", "cell: bad\nsource: s\nstate: [h]\ncandidate: {g: 1}\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:12: 'candidate' must be a value of the equations, such as g, or a list of them"},
    {"a candidate twice",
     "cell: bad\nsource: s\nstate: [h]\ncandidate: [g, g]\nequations: |\n  g = x @ W\n  h' = h + g\n",
     "bad.yaml:4:16: candidate 'g' is listed twice"},
    {"a repetition over nothing",
     "cell: bad\nsource: s\nstate: [h]\noptions: {depth: 2}\nequations: |\n  s[0] = h\n  for l in 1..dept:\n"
     "    s[l] = s[l-1] @ R[l]\n  h' = s[depth]\n",
     "bad.yaml:7:15: 'dept' is not an index, expected a whole number, an option or what 'for' counts (did you mean "
     "'depth'?)"},
    {"a mistake within a repetition",
     "cell: bad\nsource: s\nstate: [h]\noptions: {depth: 2}\nequations: |\n  s[0] = h\n  for l in 1..depth:\n"
     "    s[l] = tahn(s[l-1] @ R[l])\n  h' = s[depth]\n",
     "bad.yaml:8:12: unknown op 'tahn' (did you mean 'tanh'?)|    s[l] = tahn"},
    {"a parameter that nobody uses",
     "cell: bad\nsource: s\nstate: [h]\nparams: {V: [input, hidden]}\nequations: |\n  h' = x @ W\n",
     "bad.yaml:4:10: parameter 'V' is declared but no equation uses it"},
    {"an unknown initialiser", "cell: bad\nsource: s\nstate: [h]\nequations: |\n  h' = x @ W\ninit: {W: orthogonl}\n",
     "bad.yaml:6:11: unknown initialiser 'orthogonl' (did you mean 'orthogonal'?)"},
    {"an initialiser of nothing", "cell: bad\nsource: s\nstate: [h]\nequations: |\n  h' = x @ W\ninit: {V_*: zeros}\n",
     "bad.yaml:6:13: no parameter of the equations fits 'V_*'"},
    {"an initialiser of another shape",
     "cell: bad\nsource: s\nstate: [h]\nequations: |\n  h' = x @ W + b\ninit: {b: orthogonal}\n",
     "bad.yaml:6:11: this initialiser is for matrices, and 'b' has shape [5]"},
    {"an option out of its range",
     "cell: bad\nsource: s\nstate: [h]\noptions: {a: {default: 3, min: 0, max: 1}}\nequations: |\n  h' = x @ W * a\n",
     "bad.yaml:4:14: the default 3 of 'a' is not within its range [0, 1]"},
    {"an integer with a fraction",
     "cell: bad\nsource: s\nstate: [h]\noptions: {a: {default: 1.5, min: 0, max: 4, integer: true}}\nequations: |\n  "
     "h' = x @ "
     "W * a\n",
     "bad.yaml:4:14: 'a' is 1.5, expected an integer in [0, 4]"},
};

START_TEST(bad_cell_is_refused_at_its_place) {
    sandbox_write("bad.yaml", cells[_i].text);
    assert_cell_refused(cells[_i].name, cells[_i].parts);
}
END_TEST

/* ---- plug-ins ---- */

/* %B is the folder of bad plug-ins, %P that of good ones; the others are made by make_plugins. */
static const struct {
    const char *files; /* separated by commas: the last one is refused */
    const char *parts;
} plugins[] = {
    {"nothing.so", "nothing.so' cannot be opened: No such file or directory"},
    {"text.so", "text.so' is not an ELF shared object"},
    {"empty.so", "empty.so' is not an ELF shared object"},
    {"cut.so", "cut.so' is cut short"},
    {"folder.so", "folder.so' is a folder, expected a shared object"},
    {"open.so", "open.so' is refused: everybody may write to it"},
    {"open/adam.so", "adam.so' is refused: everybody may write to its folder"},
    {"%B/no_symbol.so", "no_symbol.so' has no symbol 'rondo_plugin'"},
    {"%B/undefined_symbol.so", "undefined_symbol.so' cannot be linked: |a_function_that_nobody_has"},
    {"%B/wrong_magic.so", "wrong_magic.so' has magic 0x12345678, expected 0x6f646e72"},
    {"%B/wrong_struct_size.so", "wrong_struct_size.so' has struct_size "},
    {"%B/wrong_abi_major.so", "wrong_abi_major.so' has abi_major 2, expected 1"},
    {"%B/newer_abi_minor.so", "newer_abi_minor.so' has abi_minor 3, expected 2 or less"},
    {"%B/wrong_fingerprint.so", "wrong_fingerprint.so' has fingerprint 0x"},
    {"%B/no_descriptors.so", "no_descriptors.so' has no descriptors"},
    {"%B/no_version.so", "no_version.so' has no version"},
    {"%B/null_name.so", "null_name.so' has no name"},
    {"%B/op_without_gradient.so", "op_without_gradient.so': it has no gradient"},
    {"%P/optimizers/sgd.so,%B/duplicate_name.so",
     "optimizer 'sgd' of '|duplicate_name.so' already exists, from '|/optimizers/sgd.so'"},
    {"%B/duplicate_name.so,%P/optimizers/sgd.so",
     "optimizer 'sgd' of '|/optimizers/sgd.so' already exists, from '|duplicate_name.so'"},
};

START_TEST(bad_plugin_is_refused_for_its_reason) {
    char flags[1024] = "", list[1024] = "";
    for (const char *at = plugins[_i].files; *at != '\0';) {
        const int length = (int)strcspn(at, ","), is_short = at[0] != '%';
        const char *folder = is_short ? "" : variable(at[1] == 'B' ? "RONDO_TEST_BAD" : "RONDO_TEST_PLUGINS");
        char file[512];
        snprintf(file, sizeof file, "%s%.*s", folder, is_short ? length : length - 2, is_short ? at : at + 2);
        snprintf(flags + strlen(flags), sizeof flags - strlen(flags), " --plugin %s", file);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] == '\0' ? "" : ", ", file);
        at += length + (at[length] == ',');
    }
    assert_experiment_refused("--plugin", "e.yaml", flags, "--plugin: ");
    assert_experiment_refused("--plugin", "e.yaml", flags, plugins[_i].parts);
    char line[1200];
    snprintf(line, sizeof line, "name: tiny\nplugins: [%s]", list);
    tiny_edit("plugins.yaml", "name:", line);
    assert_experiment_refused("plugins:", "plugins.yaml", "", "plugins.yaml:3:");
    assert_experiment_refused("plugins:", "plugins.yaml", "", plugins[_i].parts);
}
END_TEST

static const struct {
    const char *name, *line, *parts;
} plugin_lists[] = {
    {"a name for the list", "plugins: adam.so", "bad.yaml:2:10: 'plugins' must be a list of files"},
    {"a list in the list", "plugins: [[adam.so]]", "bad.yaml:2:11: expected the path of a plug-in"},
    {"two bad ones", "plugins: [nothing.so, e.yaml]",
     "bad.yaml:2:11: plug-in '|bad.yaml:2:23: plug-in '|is not an ELF"},
};

START_TEST(bad_list_of_plugins_is_refused_at_its_place) {
    tiny_edit("bad.yaml", "name:", plugin_lists[_i].line);
    assert_experiment_refused(plugin_lists[_i].name, "bad.yaml", "", plugin_lists[_i].parts);
}
END_TEST

/* ---- runs ---- */

/* One file of a run is changed: `find` is replaced by `text`; find NULL: the whole file is replaced; text NULL: it is
 * removed. keep > 0: only that number of bytes is left. */
static const struct {
    const char *name, *file, *find, *text;
    int keep;
    const char *parts;
} damages[] = {
    {"no weights", "weights.safetensors", NULL, NULL, 0, "damaged/weights.safetensors': No such file"},
    {"half of the weights", "weights.safetensors", NULL, NULL, 900, "damaged/weights.safetensors: "},
    {"weights without data", "weights.safetensors", NULL, NULL, 7, "damaged/weights.safetensors: "},
    {"empty weights", "weights.safetensors", NULL, "", 0, "damaged/weights.safetensors: "},
    {"text for weights", "weights.safetensors", NULL, "these are no weights at all", 0,
     "damaged/weights.safetensors: "},
    {"weights of another shape", "experiment.yaml", "hidden: 4", "hidden: 5", 0,
     "damaged/weights.safetensors: 'layers.0.W_r' is f32 [4, 4], expected f32 [4, 5]"},
    {"weights of another name", "cells/gru.yaml", "@ W_n", "@ W_q", 0,
     "damaged/weights.safetensors: has no tensor 'layers.0.W_q'"},
    {"weights of a cell with fewer", "cells/gru.yaml", " + b_n", "", 0,
     "damaged/weights.safetensors: has 12 tensors, and the model of the run has 11"},
    {"no vocabulary", "reader.json", NULL, NULL, 0, "cannot read 'damaged/reader.json': there is no such file"},
    {"half of the vocabulary", "reader.json", NULL, NULL, 30, "damaged/reader.json:|not JSON: "},
    {"an empty vocabulary", "reader.json", NULL, "", 0, "damaged/reader.json:|not JSON: "},
    {"text for a vocabulary", "reader.json", NULL, "these are no words", 0, "damaged/reader.json:1:|not JSON: "},
    {"a list for a vocabulary", "reader.json", NULL, "[]", 0, "damaged/reader.json: 'words' must be a list"},
    {"a mapping of words", "reader.json", NULL, "{\"words\": {}, \"labels\": []}", 0,
     "damaged/reader.json: 'words' must be a list"},
    {"a word twice", "reader.json", NULL, "{\"words\": [\"<unk>\", \"a\", \"a\"], \"labels\": [\"a\", \"b\"]}", 0,
     "damaged/reader.json: 'words' must be a list of different texts; entry 2 is not"},
    {"a number for a word", "reader.json", NULL, "{\"words\": [1], \"labels\": [\"a\", \"b\"]}", 0,
     "damaged/reader.json: 'words' |entry 0 is not"},
    {"fewer words than the weights", "reader.json", NULL,
     "{\"words\": [\"<unk>\"], \"labels\": [\"great\", \"other\"]}", 0,
     "damaged/weights.safetensors: 'embedding.W' is f32 |, expected f32 [1, 4]"},
    {"more labels than the weights", "reader.json", "\"other\"", "\"other\", \"more\"", 0,
     "damaged/weights.safetensors: 'head.W' is f32 [4, 2], expected f32 [4, 3]"},
    {"one label", "reader.json", NULL, "{\"words\": [\"<unk>\"], \"labels\": [\"other\"]}", 0, "rondo: "},
    {"no labels", "reader.json", "\"labels\"", "\"lables\"", 0,
     "damaged/reader.json: 'labels' must be a list of texts with at least one entry"},
    {"labels for numbers", "experiment.yaml", "target: label", "target: number", 0,
     "damaged/reader.json: has labels, and the target of the run is a number"},
    {"no experiment", "experiment.yaml", NULL, NULL, 0,
     "'damaged' is not the folder of a run: it has no experiment.yaml"},
    {"an empty experiment", "experiment.yaml", NULL, "", 0, "damaged/experiment.yaml:1:1: an empty document"},
    {"half of the experiment", "experiment.yaml", NULL, NULL, 200, "damaged/experiment.yaml:"},
    {"an experiment of another version", "experiment.yaml", "rondo: 1", "rondo: 2", 0,
     "damaged/experiment.yaml:1:8: 'rondo' is 2, expected an integer in [1, 1]"},
    {"an experiment with another key", "experiment.yaml", "pool: mean", "poll: mean", 0,
     "damaged/experiment.yaml:|unknown key 'poll' in model (did you mean 'pool'?)"},
    {"no cell", "cells/gru.yaml", NULL, NULL, 0, "damaged/experiment.yaml:|there is no cell 'cells/gru.yaml'"},
    {"a cell that does not parse", "cells/gru.yaml", "sigmoid(", "sigmoid((", 0, "damaged/cells/gru.yaml:"},
};

static void damage(int row) {
    const char *path = sandbox_path("damaged/%s", damages[row].file);
    if (damages[row].keep > 0) {
        ck_assert_int_eq(truncate(path, damages[row].keep), 0);
    } else if (damages[row].text == NULL) {
        ck_assert_int_eq(unlink(path), 0);
    } else if (damages[row].find == NULL) {
        sandbox_write(path, damages[row].text);
    } else {
        const char *text = sandbox_read(path, NULL);
        const char *found = strstr(text, damages[row].find);
        ck_assert_msg(found != NULL, "'%s' is not in %s", damages[row].find, damages[row].file);
        const size_t size = strlen(text) + strlen(damages[row].text) + 1;
        char *changed = sandbox_memory(size);
        snprintf(changed, size, "%.*s%s%s", (int)(found - text), text, damages[row].text,
                 found + strlen(damages[row].find));
        sandbox_write(path, changed);
    }
}

/* Infinity as the last weight of the run. */
START_TEST(weights_that_are_not_finite_are_refused) {
    size_t size;
    sandbox_copy("run", "infinite");
    char *bytes = sandbox_read("infinite/weights.safetensors", &size);
    memcpy(bytes + size - 4, "\0\0\x80\x7f", 4);
    sandbox_write_bytes("infinite/weights.safetensors", bytes, size);
    assert_refused("infinity", "predict infinite",
                   "infinite/weights.safetensors: tensor 'head.b': element 1 is infinite, expected finite numbers");
    memcpy(bytes + size - 4, "\0\0\xc0\x7f", 4);
    sandbox_write_bytes("infinite/weights.safetensors", bytes, size);
    assert_refused("not a number", "eval infinite", "tensor 'head.b': element 1 is not a number");
}
END_TEST

START_TEST(damaged_run_is_refused) {
    sandbox_copy("run", "damaged");
    damage(_i);
    assert_refused(damages[_i].name, "predict damaged", damages[_i].parts);
    assert_refused(damages[_i].name, "eval damaged", damages[_i].parts);
    sandbox_remove("damaged");
}
END_TEST

START_TEST(text_of_several_words_is_refused_where_the_model_takes_one) {
    const struct outcome trained = sandbox_run(
        (struct call){.arguments = "train e.yaml --quiet --out one --set architecture=1:1 --set data.max_length=1"});
    assert_status("train", &trained, 0);
    /* Changes the run to one that was trained on single words. */
    char *text = sandbox_read("one/experiment.yaml", NULL);
    memcpy(strstr(text, "max_length: 1"), "max_length: 0", 13);
    sandbox_write("one/experiment.yaml", text);
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "predict one", .input = "tea\nsoup and more\n"});
    assert_status("predict", &outcome, 2);
    assert_parts("predict", outcome.err, "standard input, from line 1: example 2 has 3 inputs, expected one");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bad input");
    TCase *cases = tcase_create("bad input");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, bad_yaml_is_refused_at_its_place, 0, ROWS(texts));
    tcase_add_loop_test(cases, large_yaml_is_refused, 0, ROWS(large));
    tcase_add_test(cases, file_that_is_no_text_file_is_refused);
    tcase_add_loop_test(cases, bad_key_is_refused_at_its_place, 0, ROWS(keys));
    tcase_add_loop_test(cases, bad_data_is_refused_at_its_line, 0, ROWS(data));
    tcase_add_loop_test(cases, data_that_does_not_fit_is_refused, 0, ROWS(data_flags));
    tcase_add_loop_test(cases, bad_equation_is_refused_at_its_place, 0, ROWS(equations));
    tcase_add_loop_test(cases, endless_equation_is_refused, 0, ROWS(endless));
    tcase_add_loop_test(cases, bad_cell_is_refused_at_its_place, 0, ROWS(cells));
    tcase_add_loop_test(cases, bad_plugin_is_refused_for_its_reason, 0, ROWS(plugins));
    tcase_add_loop_test(cases, bad_list_of_plugins_is_refused_at_its_place, 0, ROWS(plugin_lists));
    tcase_add_loop_test(cases, damaged_run_is_refused, 0, ROWS(damages));
    tcase_add_test(cases, weights_that_are_not_finite_are_refused);
    tcase_add_test(cases, text_of_several_words_is_refused_where_the_model_takes_one);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
