/* tests/test_equations.c: the text of equations is parsed to trees, and trees are turned into programs; mistakes get
 * messages. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/cell.h"
#include "tests/suite.h"
#include "tests/support.h"

static struct support support;

static void setup(void) {
    support_open(&support);
}

static void teardown(void) {
    support_close(&support);
}

/* ---- definitions in a short form ---- */

enum { FIRST_LINE = 10, INDENT = 2, INPUT = 3, HIDDEN = 4 };
static const char file[] = "cell.yaml";

/* Everything around the equations; NULL: nothing, but for states, which are then "h". Names are separated by blanks:
 * states and params "s:2,hidden w:" (~ is a blank within), options "alpha=0.5", init "W_*=orthogonal". */
struct around {
    const char *states, *params, *options, *init;
};

static struct cell_shape parse_shape(const char *text, struct location where) {
    struct cell_shape shape = {.name = text, .where = where, .ndim = 1, .dimensions = {"hidden"}};
    char *rest = strchr(text, ':');
    if (rest == NULL) {
        return shape;
    }
    *rest++ = '\0';
    for (char *c = rest; *c != '\0'; c++) {
        *c = *c == '~' ? ' ' : *c;
    }
    for (shape.ndim = 0; *rest != '\0'; shape.ndim++) {
        shape.dimensions[shape.ndim] = rest;
        rest += strcspn(rest, ",");
        if (*rest == ',') {
            *rest++ = '\0';
        }
    }
    return shape;
}

static struct cell_definition define(const char *equations, const struct around *around) {
    enum { MOST = 8 };
    struct cell_shape *states = arena_calloc(support.arena, MOST, sizeof *states);
    struct cell_shape *parameters = arena_calloc(support.arena, MOST, sizeof *parameters);
    struct cell_option *options = arena_calloc(support.arena, MOST, sizeof *options);
    struct cell_initialiser *init = arena_calloc(support.arena, MOST, sizeof *init);
    struct cell_definition definition = {.name = "tested",
                                         .source = "",
                                         .summary = "",
                                         .where = {file, 1, 1},
                                         .states = states,
                                         .parameters = parameters,
                                         .options = options,
                                         .initialisers = init,
                                         .equations = {file, equations, FIRST_LINE, INDENT}};
    const char *const texts[] = {around->states == NULL ? "h" : around->states, around->params, around->options,
                                 around->init};
    for (int32_t kind = 0; kind < ROWS(texts); kind++) {
        char *word = arena_strdup(support.arena, texts[kind] == NULL ? "" : texts[kind]);
        for (int32_t i = 0; *word != '\0'; i++) {
            const struct location where = {file, 2 + kind, 1 + i};
            char *end = word + strcspn(word, " ");
            char *next = *end == '\0' ? end : end + 1;
            *end = '\0';
            char *value = strchr(word, '=');
            if (value != NULL) {
                *value++ = '\0';
            }
            if (kind == 0) {
                states[definition.n_states++] = parse_shape(word, where);
            } else if (kind == 1) {
                parameters[definition.n_parameters++] = parse_shape(word, where);
            } else if (kind == 2) {
                options[definition.n_options++] = (struct cell_option){
                    .name = word, .default_value = atof(value), .min = -1e300, .max = 1e300, .where = where};
            } else {
                struct cell_initialiser *row = &init[definition.n_initialisers++];
                *row = (struct cell_initialiser){.pattern = word, .where = where};
                support_ok(&support, initialiser_parse(value, where, &row->initialiser, &support.errors), value);
            }
            word = next;
        }
    }
    return definition;
}

static struct cell *compile(const struct cell_definition *definition) {
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = INPUT, .hidden = HIDDEN};
    return cell_compile(definition, &settings, support.registry, &support.errors);
}

/* ---- mistakes ---- */

#define BRACKETS_100                                                                                                   \
    "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("

/* Each expected text begins with line:column, and each error is at the place of its caret. */
static const struct {
    const char *equations;
    struct around around;
    const char *expected[4];
} bad_rows[] = {
    /* syntax */
    {"", {0}, {"10:3: there is no equation here"}},
    {"\n  # nothing\n\n", {0}, {"10:3: there is no equation here"}},
    {"h'", {0}, {"10:5: expected '=' after the name of an equation, found the end of the line"}},
    {"h' = ", {0}, {"10:8: expected a name, a number or '(', found the end of the line"}},
    {"h' = x @ W +", {0}, {"10:15: expected a name, a number or '(', found the end of the line"}},
    {"h' = x @@ W", {0}, {"10:11: expected a name, a number or '(', found '@'"}},
    {"h' = x @ W W", {0}, {"10:14: expected an operator or the end of the line, found 'W'"}},
    {"h' = x @ W)", {0}, {"10:13: expected an operator or the end of the line, found ')'"}},
    {"h' = (x @ W", {0}, {"10:8: this bracket is never closed"}},
    {"h' = ()", {0}, {"10:9: expected a name, a number or '(', found ')'"}},
    {"h' = tanh(x @ W", {0}, {"10:12: this bracket is never closed"}},
    {"h' = tanh(x @ W; b)", {0}, {"10:18: expected ',' or ')' in the call of 'tanh', found ';'"}},
    {"h' = tanh(, x @ W)", {0}, {"10:13: expected a name, a number or '(', found ','"}},
    {"= x @ W", {0}, {"10:3: expected an equation 'name = …', found '='"}},
    {"1 = x @ W", {0}, {"10:3: expected an equation 'name = …', found '1'"}},
    {"h'' = x @ W", {0}, {"10:5: expected '=' after the name of an equation, found '''"}},
    {"h' == x @ W", {0}, {"10:7: expected a name, a number or '(', found '='"}},
    /* operators of other languages, and characters that look like those of the keyboard */
    {"h' = x ** 2", {0}, {"10:10: expected an operator or the end of the line, found '**' (a power is written power("}},
    {"h' = x ^ 2", {0}, {"10:10: expected an operator or the end of the line, found '^' (a power is written power("}},
    {"h' = h // 2", {0}, {"10:10: expected an operator or the end of the line, found '//' (a quotient rounded down"}},
    {"h' = h % 2", {0}, {"10:10: expected an operator or the end of the line, found '%' (a remainder is written rem"}},
    {"h' = tanh(h < 2)", {0}, {"10:15: expected ',' or ')' in the call of 'tanh', found '<' (there is no comparison"}},
    {"h' = h; g = h", {0}, {"10:9: expected an operator or the end of the line, found ';' (write one equation on"}},
    {"h' = x @ W × 2", {0}, {"10:14: expected an operator or the end of the line, found '×' (U+00D7, a multiplicati"}},
    {"h' = h − 2", {0}, {"10:10: expected an operator or the end of the line, found '−' (U+2212, a minus sign of"}},
    {"h' = −h",
     {0},
     {"10:8: expected a name, a number or '(', found '−' (U+2212, a minus sign of typography; expected '-'"}},
    {"h’ = h", {0}, {"10:4: expected '=' after the name of an equation, found '’' (U+2019, a typographic quotation m"}},
    {"h' = h\xC2\xA0+ 2", {0}, {"10:9: expected an operator or the end of the line, found U+00A0, a no-break space"}},
    {"\xC2\xA0h' = h",
     {0},
     {"10:3: expected an equation 'name = …', found U+00A0, a no-break space; expected a blank"}},
    {"h\xE2\x80\x8B' = h", {0}, {"10:4: expected '=' after the name of an equation, found U+200B, an invisible"}},
    {"h' = sum(h, axis=\xC2\xA0"
     "1)",
     {0},
     {"10:20: expected the value of the option, found U+00A0, a no-break"}},
    {"h' = é", {0}, {"10:8: expected a name, a number or '(', found 'é'"}},
    {"ü = x", {0}, {"10:3: expected an equation 'name = …', found 'ü'"}},
    {"h' = \xff\xfe", {0}, {"10:8: expected a name, a number or '(', found '\xff'"}},
    {"h' = 1e999 * h", {0}, {"10:8: this number is too large"}},
    {"h' = 1.5.5 * h", {0}, {"10:11: expected an operator or the end of the line, found '.5'"}},
    {"h' = h * 2e", {0}, {"10:13: expected an operator or the end of the line, found 'e'"}},
    {"h' = h * 0x10", {0}, {"10:13: expected an operator or the end of the line, found 'x10'"}},
    {"h' = sum(h, axis=)", {0}, {"10:20: expected the value of the option, found ')'"}},
    {"h' = sum(h, axis==1)", {0}, {"10:20: expected the value of the option, found '='"}},
    {"h' = sum(h, axis=[0, q])", {0}, {"10:15: 'axis' is '[0, q]', expected an integer or list of"}},
    {"h' = sum(h, axis=[0", {0}, {"10:20: this bracket is never closed"}},
    {"h' = sum(keep=true, h)", {0}, {"10:23: operands come before options"}},
    {"h' = " BRACKETS_100 BRACKETS_100 BRACKETS_100 "h", {0}, {"10:208: brackets nest deeper than 200"}},
    /* several mistakes: each line is reported, but no consequences of a mistake */
    {"a = x @@ W\nb = (a @ V\nh' = tanh(a + b * )",
     {0},
     {"10:10: expected a name", "12:3: expected ')' to close the bracket, found 'h'"}},
    {"a = x @@ W\nb = tanh(a @ V\n  + c,,)\nh' = tanh(a + b * )",
     {0},
     {"10:10: expected a name", "12:9: expected a name, a number or '(', found ','", "13:21: expected a name"}},
    {"a = x @@ W\nb = a @ V\nh' = tanh(b * a)", {0}, {"10:10: expected a name"}},
    {"a = tanh(x @@ W\nb = x\nh' = a * b", {0}, {"10:15: expected a name"}},
    {"a = tanhh(x @ W)\nb = a @ V\nh' = tanh(b * a)", {0}, {"10:7: unknown op 'tanhh' (did you mean 'tanh'?)"}},
    {"a = x @ W\nh' = tanh(U @ a)", {0}, {"11:13: parameter 'U' is on the left of @"}},
    {"a = x @ W\nh' = foo(x) @ a", {0}, {"11:8: unknown op 'foo'"}},
    {"a = x @ W\nb = h @ V\nh = a + b", {0}, {"12:3: 'h' is a state: its new value is written h'"}},

    /* names */
    {"h' = sigmoit(x @ W)", {0}, {"10:8: unknown op 'sigmoit' (did you mean 'sigmoid'?)"}},
    {"h' = h + x @ W\nc' = h'", {0}, {"11:3: 'c' is not a state, so it cannot have a new value"}},
    {"hidden' = h + x @ W\nh' = h",
     {"h hidde", 0, 0, 0},
     {"10:3: 'hidden' is not a state, so it cannot have a new value (did you mean 'hidde'?)",
      "2:2: state 'hidde' is never assigned, expected an equation hidde' = …"}},
    {"h' = tanh(x @ W)", {"h c", 0, 0, 0}, {"2:2: state 'c' is never assigned, expected an equation c' = …"}},
    {"a = x @ W\nh' = h", {0}, {"10:3: 'a' is computed but never used"}},
    {"b = x @ W\na = x @ W\nh' = h",
     {0},
     {"10:3: 'b' is computed but never used", "11:3: 'a' is computed but never used"}},
    {"a = b * h\nb = x @ W\nh' = a", {0}, {"10:7: 'b' is used before it is computed in line 11"}},
    {"a = a * h\nh' = a", {0}, {"10:7: 'a' is used before it is computed in line 10"}},
    {"h' = c' * h\nc' = tanh(x @ W)", {"h c", 0, 0, 0}, {"10:8: c' is used before it is computed"}},
    {"h' = q' * h", {0}, {"10:8: 'q' is not a state, so q' means nothing"}},
    {"a = x @ W\na = h @ U\nh' = a", {0}, {"11:3: 'a' was computed in line 10 already"}},
    {"h' = x @ W\nh' = h @ U", {0}, {"11:3: 'h'' was computed in line 10 already"}},
    {"h = x @ W", {0}, {"10:3: 'h' is a state: its new value is written h'"}},
    {"x = h @ W\nh' = x @ V", {0}, {"10:3: 'x' is the input and cannot be assigned"}},
    {"dt = h @ W\nh' = h * dt", {0, 0, "dt=0.1", 0}, {"10:3: 'dt' is an option and cannot be assigned"}},
    {"W = h @ U\nh' = x @ W",
     {0, "W:input,hidden", 0, 0},
     {"10:3: 'W' is declared as a parameter and cannot be assigned"}},
    {"h' = tanh(x @ W)", {0, "U:hidden,hidden", 0, 0}, {"3:1: parameter 'U' is declared but no equation uses it"}},
    {"h' = h * a", {"h a", "a:", 0, 0}, {"3:1: 'a' is declared twice, expected one of state, parameter and option"}},
    {"h' = h * h", {0, 0, "a=1 h=2 a=3", 0}, {"4:2: 'h' is declared twice", "4:3: 'a' is declared twice"}},

    /* shapes */
    {"h' = W @ x", {0}, {"10:8: parameter 'W' is on the left of @; inputs are rows, so write x @ W"}},
    {"h' = tanh(x + h)", {0}, {"10:15: 'add' cannot combine shapes [batch, 3] and [batch, 4]"}},
    {"h' = x @ U + h @ U", {0}, {"10:18: matmul: cannot multiply [batch, 4] by [3, 4]"}},
    {"h' = h * U + h @ U", {0}, {"10:18: matmul: cannot multiply [batch, 4] by [4]"}},
    {"h' = 2 @ W", {0}, {"10:10: matmul: cannot multiply [] by [1, 4]"}},
    {"h' = x", {0}, {"10:3: h' has shape [batch, 3], but state 'h' has shape [batch, 4]"}},
    {"h' = b", {0}, {"10:3: h' has shape [4], but state 'h' has shape [batch, 4]"}},
    {"h' = x @ W", {"h:2,hidden", 0, 0, 0}, {"10:3: h' has shape [batch, 4], but state 'h' has shape [batch, 2, 4]"}},
    {"h' = x @ W * D", {0, "D:hidden,2", 0, 0}, {"10:14: 'mul' cannot combine shapes [batch, 4] and [4, 2]"}},
    {"h' = h * sum(x)", {0}, {"10:12: 'sum' gives shape [] and so mixes the rows of the batch"}},
    {"h' = h - mean(h, axis=0)", {0}, {"10:12: 'mean' gives shape [4] and so mixes the rows of the batch"}},
    {"h' = matmul(matmul(h, h, transpose_b=true), h)",
     {0},
     {"10:15: 'matmul' gives shape [batch, batch] and so mixes the rows of the batch"}},
    {"h' = h * transpose(transpose(h))", {0}, {"10:22: 'transpose' gives shape [4, batch] and so mixes"}},
    {"h' = tanh(x @ W)", {"h:hiden", 0, 0, 0}, {"2:1: cannot read dimension 'hiden' of 'h'"}},
    {"h' = h * a", {0, "a:0", 0, 0}, {"3:1: dimension '0' of 'a' is 0, expected a whole number in [1, 16777216]"}},
    {"h' = h * a", {0, "a:-4", 0, 0}, {"3:1: dimension '-4' of 'a' is -4, expected a whole number"}},
    {"h' = h * a", {0, "a:4.5", 0, 0}, {"3:1: dimension '4.5' of 'a' is 4.5, expected a whole number"}},
    {"h' = h * a", {0, "a:input-hidden", 0, 0}, {"3:1: dimension 'input-hidden' of 'a' is -1, expected a whole"}},
    {"h' = h * a", {0, "a:input/2", 0, 0}, {"3:1: dimension 'input/2' of 'a' is 1.5, expected a whole number"}},
    {"h' = h * a", {0, "a:input/0", 0, 0}, {"3:1: cannot read dimension 'input/0' of 'a': the result is not a finite"}},
    {"h' = h * a", {0, "a:hidden@2", 0, 0}, {"3:1: cannot read dimension 'hidden@2' of 'a': '@' cannot be used in"}},
    {"h' = h * a", {0, "a:exp(hidden)", 0, 0}, {"3:1: cannot read dimension 'exp(hidden)' of 'a': 'exp' cannot be"}},
    {"h' = h * a",
     {0, "a:h", 0, 0},
     {"3:1: cannot read dimension 'h' of 'a': 'h' is not a number, expected a number, 'in"}},
    {"h' = h * a", {0, "a:hidden*", 0, 0}, {"3:1: cannot read dimension 'hidden*' of 'a'"}},
    {"h' = h * a", {0, "a:*hidden", 0, 0}, {"3:1: cannot read dimension '*hidden' of 'a'"}},
    {"h' = h * a", {0, "a:2~2", 0, 0}, {"3:1: cannot read dimension '2 2' of 'a'"}},
    {"h' = h * a", {0, "a:2~x2", 0, 0}, {"3:1: cannot read dimension '2 x2' of 'a'"}},
    {"h' = h * a",
     {0, "a:99999999999999999999", 0, 0},
     {"3:1: dimension '99999999999999999999' of 'a' is 1e+20, expected"}},
    {"h' = h * a", {0, "a:16777216*2", 0, 0}, {"3:1: dimension '16777216*2' of 'a' is 33554432, expected a whole"}},
    {"h' = h * a", {0, "a:rank", "rank=2.5", 0}, {"3:1: dimension 'rank' of 'a' is 2.5, expected a whole number"}},

    /* calls */
    {"h' = tanh()", {0}, {"10:8: 'tanh' takes (x), got 0 inputs"}},
    {"h' = tanh(h, h)", {0}, {"10:8: 'tanh' takes (x), got 2 inputs"}},
    {"h' = h * sum(h, axes=1, keep=true)", {0}, {"10:19: unknown option 'axes' of sum (did you mean 'axis'?)"}},
    {"h' = h * sum(h, axis=1, keep=maybe)", {0}, {"10:27: 'keep' is 'maybe', expected true or false"}},
    {"h' = h * sum(h, axis=9, keep=true)", {0}, {"10:19: 'axis' is 9, expected"}},
    {"h' = h * sum(h, axis=2, keep=true)", {0}, {"10:12: sum: there is no axis 2 in shape [batch, 4]"}},
    {"h' = h * sum(h, axis=1, keep=true, axis=0)", {0}, {"10:38: option 'axis' of sum is given twice"}},
    {"h' = tanh(h, axis=1)", {0}, {"10:16: unknown option 'axis' of tanh; it takes none"}},
    {"h' = reshape(h)", {0}, {"10:8: option 'shape' of reshape is missing"}},
    {"h' = h * slice(h, end=alpha)", {0, 0, "alpha=0.5", 0}, {"10:21: 'end' is 0.5, expected an integer"}},
    {"h' = slice(h, end=hidden/8)", {0}, {"10:17: 'end' is 0.5, expected an integer"}},
    {"h' = slice(h, end=2*hiden)",
     {0},
     {"10:23: 'hiden' is not a number, expected a number, 'input', 'hidden' or an option (did"}},
    {"h' = slice(h, end=2 - h')", {0}, {"10:25: 'h'' is not a number"}},
    {"h' = slice(h, end=hidden @ 2)", {0}, {"10:28: '@' cannot be used in a number"}},
    {"h' = slice(h, end=tanh(2))", {0}, {"10:21: 'tanh' cannot be used in a number"}},
    {"h' = slice(h, end=hidden / 0)", {0}, {"10:28: the result is not a finite number"}},
    {"h' = slice(h, end=(2)", {0}, {"10:13: this bracket is never closed"}},
    {"h' = sum(h, axis=[1, mean - 1], keep=true)", {0}, {"10:24: 'mean' is not a number"}},
    {"h' = sum(h, axis=[1 2])", {0}, {"10:23: expected ',' or ']' in the list, found '2'"}},

    /* a name has one meaning */
    {"hidden = x @ W\nh' = h + hidden", {0}, {"10:3: 'hidden' is the name of a width and cannot be assigned"}},
    {"input = x @ W\nh' = h + input", {0}, {"10:3: 'input' is the name of a width and cannot be assigned"}},
    {"hidden[1] = x @ W\nh' = h + hidden[1]", {0}, {"10:3: 'hidden' is the name of a width and takes no index"}},
    {"h' = h + hidden[1]", {0}, {"10:12: 'hidden' is the name of a width and takes no index"}},
    {"for hidden in 1..2:\n  s[hidden] = h\nh' = s[1]", {0}, {"10:7: 'hidden' is the name of a width, choose another"}},
    {"hidden' = h\nh' = h", {0}, {"10:3: 'hidden' is not a state, so it cannot have a new value"}},

    /* indices */
    {"s[0] = h\nh' = s[0", {0}, {"11:9: this bracket is never closed"}},
    {"s[0 = h\nh' = h", {0}, {"10:7: expected ']' to close the index, found '='"}},
    {"s[] = h\nh' = h", {0}, {"10:5: expected a whole number or a name, found ']'"}},
    {"s[1.5] = h\nh' = s[0]", {0}, {"10:5: expected a whole number or a name, found '1.5'"}},
    {"s[-1] = h\nh' = s[0]", {0}, {"10:5: expected a whole number or a name, found '-'"}},
    {"s[d+] = h\nh' = s[0]", {0, 0, "d=1", 0}, {"10:7: expected a whole number, found ']'"}},
    {"s[d+e] = h\nh' = s[0]", {0, 0, "d=1", 0}, {"10:7: expected a whole number, found 'e'"}},
    {"s[99999999999999999999] = h\nh' = h", {0}, {"10:5: this index is larger than 10000"}},
    {"s[0][1] = h\nh' = h", {0}, {"10:7: expected '=' after the name of an equation, found '['"}},
    {"h' = h[0](h)", {0}, {"10:12: expected an operator or the end of the line, found '('"}},
    {"s[l] = h\nh' = s[0]",
     {0},
     {"10:5: 'l' is not an index, expected a whole number, an option or what 'for' counts"}},
    {"s[0] = h\nh' = s[dept]",
     {0, 0, "depth=0", 0},
     {"11:10: 'dept' is not an index, expected a whole number, an option or what 'for' counts (did you mean "
      "'depth'?)"}},
    {"s[d-3] = h\nh' = h", {0, 0, "d=2", 0}, {"10:5: the index of 's' is -1, expected 0 or more"}},
    {"s[d] = h\nh' = h", {0, 0, "d=1.5", 0}, {"10:5: option 'd' is 1.5, expected a whole number"}},
    {"s[d] = h\nh' = h", {0, 0, "d=1e30", 0}, {"10:5: option 'd' is 1e+30, expected a whole number"}},
    {"s[1] = h\nh' = s[2] + h", {0}, {"11:8: 's_2' is never computed, expected an index that an equation has"}},
    {"s[1] = h\nh' = s + h", {0}, {"11:8: 's' is computed with an index in line 10, expected s[…]"}},
    {"s[1] = h\nh' = s @ U", {0}, {"11:8: 's' is computed with an index in line 10, expected s[…]"}},
    {"s = h + 1\nh' = s[1] + s", {0}, {"11:8: 's' is computed without an index in line 10"}},
    {"h' = h[1]", {0}, {"10:8: 'h' is a state and takes no index"}},
    {"h' = x[1] @ W", {0}, {"10:8: 'x' is the input and takes no index"}},
    {"h' = h * d[1]", {0, 0, "d=2", 0}, {"10:12: 'd' is an option and takes no index"}},
    {"h[1] = h + 1\nh' = h", {0}, {"10:3: 'h' is a state and takes no index"}},
    {"R[1] = h + 1\nh' = h @ R[1]",
     {0, "R:hidden,hidden", 0, 0},
     {"10:3: 'R_1' is declared as a parameter and cannot be assigned"}},
    {"h' = s[2] + h\ns[2] = h + 1", {0}, {"10:8: 's_2' is used before it is computed in line 11"}},
    {"s[1] = h + 1\ns[1] = h\nh' = s[1]", {0}, {"11:3: 's_1' was computed in line 10 already"}},
    {"s[1] = h + 1\nh' = h", {0}, {"10:3: 's_1' is computed but never used"}},

    /* repetitions */
    {"for", {0}, {"10:6: expected '=' after the name of an equation"}},
    {"for 1 in 1..2:\n  s[l] = h\nh' = h", {0}, {"10:7: expected a repetition 'for l in 1..3:', found '1'"}},
    {"for l = 1..2:\n  s[l] = h\nh' = h", {0}, {"10:9: expected 'in' after the name that counts, found '='"}},
    {"for l in 1.5..2:\n  s[l] = h\nh' = h", {0}, {"10:12: expected a whole number or a name, found '1.5'"}},
    {"for l in 1, 2:\n  s[l] = h\nh' = h",
     {0},
     {"10:13: expected '..' between the first number and the last, found ','"}},
    {"for l in 1..:\n  s[l] = h\nh' = h", {0}, {"10:15: expected a whole number or a name, found ':'"}},
    {"for l in 1..2\n  s[l] = h\nh' = h", {0}, {"10:16: expected ':' after the range, found the end of the line"}},
    {"for l in 1..2: s[l] = h\nh' = h",
     {0},
     {"10:18: expected the end of the line, found 's': the equations follow on separate lines, indented",
      "10:3: this repetition has no equations, expected them below, indented"}},
    {"for l in 1..2:\ns[l] = h\nh' = h",
     {0},
     {"10:3: this repetition has no equations, expected them below, indented"}},
    {"h' = h\nfor l in 1..2:", {0}, {"11:3: this repetition has no equations, expected them below, indented"}},
    {"for l in 1..2:\n# nothing\nfor l in 1..2:\n  s[l] = h\nh' = s[1]",
     {0},
     {"10:3: this repetition has no equations, expected them below, indented"}},
    {"for l in 1..2:\n  s[l] = h\n   t[l] = h\nh' = h",
     {0},
     {"12:6: expected the indentation of line 11, or of the 'for' in line 10"}},
    {"for l in 1..2:\n  s[l] = h\n t[l] = h\nh' = h",
     {0},
     {"12:4: expected the indentation of line 11, or of the 'for' in line 10"}},
    {"for l in 1..2:\n  s[l] = h\n  for m in 1..2:\n    t[m] = h\nh' = h",
     {0},
     {"12:5: a repetition cannot contain another",
      "13:7: expected the indentation of line 11, or of the 'for' in line 10"}},
    {"for l in 1..2:\n  s[l] = h +\nh' = tanh(h",
     {0},
     {"11:15: expected a name", "12:12: this bracket is never closed"}},
    {"for l in 1..dept:\n  s[l] = h\nh' = s[1]",
     {0, 0, "depth=2", 0},
     {"10:15: 'dept' is not an index, expected a whole number, an option or what 'for' counts (did you mean "
      "'depth'?)"}},
    {"for l in 1..depth:\n  s[l] = h\nh' = h", {0, 0, "depth=2.5", 0}, {"10:15: option 'depth' is 2.5, expected"}},
    {"for l in 2..depth:\n  s[l] = h\nh' = h",
     {0, 0, "depth=0", 0},
     {"10:15: the range is 2..0, expected its end to be 1 or more (1: no repetition)"}},
    {"for l in 1..depth:\n  s[l] = h + 1\nh' = s[depth]", {0, 0, "depth=0", 0}, {"12:8: 's_0' is never computed"}},
    {"for h in 1..2:\n  s[h] = x\nh' = s[1]", {0}, {"10:7: 'h' is a state, choose another name to count with"}},
    {"for x in 1..2:\n  s[x] = h\nh' = s[1]", {0}, {"10:7: 'x' is the input, choose another name"}},
    {"for d in 1..2:\n  s[d] = h\nh' = s[d]", {0, 0, "d=1", 0}, {"10:7: 'd' is an option, choose another name"}},
    {"for W in 1..2:\n  s[W] = h\nh' = s[1]", {0, "W:", 0, 0}, {"10:7: 'W' is a parameter, choose another name"}},
    {"a = h\nfor a in 1..2:\n  s[a] = h\nh' = s[1]", {0}, {"11:7: 'a' is computed by an equation, choose another"}},
    {"for l in 1..2:\n  a = h @ U[l]\nh' = a",
     {0},
     {"11:5: 'a' is computed in every repetition and needs its number: a[l]"}},
    {"for l in 1..2:\n  a[1] = h @ U[l]\nh' = a[1]",
     {0},
     {"11:5: 'a' is computed in every repetition and needs its number: a[l]"}},
    {"for l in 1..1:\n  h' = h @ U[l]", {0}, {"11:5: 'h' is computed in every repetition and needs its number: h[l]"}},
    {"for l in 1..3:\n  a[l] = tanhh(h)\n  b[l] = a[l] + c[l]\n  c[l] = x @ W @ W\nh' = a[1] + b[2] + c[3]",
     {0},
     {"11:12: unknown op 'tanhh' (did you mean 'tanh'?)", "12:19: 'c_1' is used before it is computed in line 13",
      "13:18: matmul: cannot multiply"}},
    {"s[0] = h\nfor l in 1..3:\n  s[l] = s[l-2] + 1\nh' = s[3]",
     {0},
     {"12:14: the index of 's' is -1, expected 0 or more"}},
    {"s[0] = h\nfor l in 1..3:\n  s[l] = s[l+1] + 1\nh' = s[3]", {0}, {"12:12: 's_2' is used before it is computed"}},
    {"s[0] = h\nfor l in 1..3:\n  s[l] = s[l-1] + 1\nh' = s[4]", {0}, {"13:8: 's_4' is never computed"}},
    {"s[1] = h\nfor l in 1..3:\n  s[l] = h + 1\nh' = s[3]", {0}, {"12:5: 's_1' was computed in line 10 already"}},
    {"for l in 1..3:\n  s[l] = h * l\nh' = h", {0}, {"11:5: 's_1' is computed but never used"}},
    {"for l in 1..3:\n  s[l] = h\nh' = s[1] * l",
     {0},
     {"12:15: 'l' counts in the repetition of line 10 and has no meaning outside of it"}},
    {"for l in 1..3:\n  s[l] = h + slice(x, end=k)\nh' = s[2]", {0}, {"11:25: 'end' is 'k', expected an integer"}},
    {"for l in 1..60000:\n  s[l] = h + 1\nh' = s[1]", {0}, {"10:15: this index is larger than 10000"}},
    {"for l in 1..10000:\n  s[l] = h + 1 + h + h + h + h\nh' = s[1]",
     {0},
     {"10:7: repetitions write more than 100000 names, numbers and operators"}},
    {"for l in 0..9999:\n  s[l] = h +\nh' = h", {0}, {"11:15: expected a name"}},

    /* initialisers */
    {"h' = tanh(x @ R[1])", {0, 0, 0, "R=glorot R_2=zeros"}, {"5:2: no parameter of the equations fits 'R_2'"}},
    {"h' = tanh(x @ W)", {0, 0, 0, "W=glorot U_*=zeros"}, {"5:2: no parameter of the equations fits 'U_*'"}},
    {"h' = tanh(x @ Wide)",
     {0, 0, 0, "Wied=zeros"},
     {"5:1: no parameter of the equations fits 'Wied' (did you mean 'Wide'?)"}},
    {"h' = tanh(x @ W + b)",
     {0, 0, 0, "*=orthogonal"},
     {"5:1: this initialiser is for matrices, and 'b' has shape [4]"}},
    {"h' = tanh(x @ W + b)", {0, 0, 0, "b=identity"}, {"5:1: this initialiser is for matrices, and 'b' has shape [4]"}},
};

/* An error that shows a line has its caret under the column that it names. */
static void check_caret(const char *text, const char *equations) {
    const char *shown = strchr(text, '\n');
    if (shown == NULL) {
        return;
    }
    int line = 0, column = 0;
    ck_assert_int_eq(sscanf(text, "cell.yaml:%d:%d:", &line, &column), 2);
    for (; line > FIRST_LINE; line--) {
        equations = strchr(equations, '\n') + 1;
    }
    const size_t length = strcspn(equations, "\n"), caret = (size_t)(column - INDENT - 1);
    if (length > 100) {
        return; /* the text is cut; another test checks this */
    }
    ck_assert_msg(strncmp(shown, "\n    ", 5) == 0 && strncmp(shown + 5, equations, length) == 0, "%s", text);
    const char *below = shown + 5 + length;
    ck_assert_msg(strspn(below + 1, " ") == 4 + caret && strcmp(below + 5 + caret, "^") == 0, "%s", text);
}

START_TEST(a_mistake_is_told_where_it_is_and_nothing_else_is) {
    const struct cell_definition definition = define(bad_rows[_i].equations, &bad_rows[_i].around);
    ck_assert_ptr_null(compile(&definition));
    int32_t expected = 0;
    while (expected < 4 && bad_rows[_i].expected[expected] != NULL) {
        expected++;
    }
    for (int32_t k = 0; k < expected || k < support.errors.count; k++) {
        const char *text = k < support.errors.count ? errors_text(&support.errors, k) : "no further error";
        const char *wanted = k < expected ? bad_rows[_i].expected[k] : "no further error";
        const char *said = strncmp(text, "cell.yaml:", 10) == 0 ? text + 10 : text;
        ck_assert_msg(strncmp(said, wanted, strlen(wanted)) == 0, "'%s': error %d is\n%s\nexpected\n%s",
                      bad_rows[_i].equations, (int)k, text, wanted);
        check_caret(text, bad_rows[_i].equations);
    }
    ck_assert(support.errors.status == RONDO_INVALID || support.errors.status == RONDO_NOT_FOUND);
}
END_TEST

START_TEST(earlier_errors_of_the_caller_do_not_stop_a_cell) {
    const struct around nothing = {0};
    const struct cell_definition definition = define("h' = tanh(x @ W)", &nothing);
    errors_add(&support.errors, RONDO_INVALID, "something before");
    struct cell *cell = compile(&definition);
    ck_assert_ptr_nonnull(cell);
    ck_assert_int_eq(support.errors.count, 1);
    cell_destroy(cell);
    cell_destroy(NULL);
}
END_TEST

/* The lines that are shown below the message. */
static const struct {
    const char *equations, *shown;
} shown_rows[] = {
    {"h' = x @@ W", "\n    h' = x @@ W\n            ^"},
    {"h'\t=\tx @@ W", "\n    h'\t=\tx @@ W\n      \t \t   ^"},
    {"h' = tanh(x @@ W)\r\n", "\n    h' = tanh(x @@ W)\n                 ^"},
    {"h' = x +  # grün\n", "\n    h' = x +  # grün\n                    ^"},
};

START_TEST(the_caret_stands_below_tabs_and_other_alphabets) {
    const struct around nothing = {0};
    const struct cell_definition definition = define(shown_rows[_i].equations, &nothing);
    ck_assert_ptr_null(compile(&definition));
    const char *shown = strchr(support_error(&support), '\n');
    ck_assert_msg(shown != NULL && strcmp(shown, shown_rows[_i].shown) == 0, "%s", support_error(&support));
}
END_TEST

/* ---- texts that are far too large ---- */

/* `head`, then `piece` repeated to about `bytes` bytes, then `tail`. */
static char *repeated(const char *head, const char *piece, const char *tail, size_t bytes) {
    const size_t length = strlen(piece), times = bytes / length;
    char *text = arena_alloc(support.arena, strlen(head) + times * length + strlen(tail) + 1);
    size_t used = strlen(head);
    memcpy(text, head, used);
    for (size_t i = 0; i < times; i++, used += length) {
        memcpy(text + used, piece, length);
    }
    memcpy(text + used, tail, strlen(tail) + 1);
    return text;
}

enum { MEGABYTE = 1 << 20 };
static const struct {
    const char *head, *piece, *tail;
    size_t bytes;
    const char *expected; /* NULL: the text is a cell */
} size_rows[] = {
    {"h' = ", "(", "h", 10000, "brackets nest deeper than 200"},
    {"h' = ", "-", "h", 10000, "brackets nest deeper than 200"},
    {"h' = ", "tanh(", "h", 50000, "brackets nest deeper than 200"},
    {"h' = ", "h * (", "h", 50000, "brackets nest deeper than 200"},
    {"h' = h", " + h", "", MEGABYTE, "more than 1000 operators in one equation"},
    {"h' = h", "*h", "", MEGABYTE, "more than 1000 operators in one equation"},
    {"h' = ", "x", "", MEGABYTE, "h' has shape"},
    {"h' = h", " ", "", MEGABYTE, NULL},
    {"h' = h #", "é", "", MEGABYTE, NULL},
    {"", "\n", "h' = h", MEGABYTE, NULL},
    {"h' = h * 0.", "1", "", MEGABYTE, NULL},
    {"h' = h * ", "1", "", MEGABYTE, "this number is too large"},
    {"", "é", "", MEGABYTE, "expected an equation"},
    {"", "q q\n", "", MEGABYTE, "expected '=' after the name"},
    {"", "a=x\n", "", MEGABYTE, "'a' was computed in line 10 already"},
    {"", "=\n", "", MEGABYTE, "expected an equation 'name = …', found '='"},
    {"h' = tanh(", "h, ", ")", 30000, "'tanh' takes (x), got 10000 inputs"},
    {"h' = h + tanh(h, ", "a=1, ", ")", 5000, "unknown option 'a' of tanh"},
    {"h' = h + sum(h, axis=[", "1, ", "])", 5000, "'axis' is '[1, 1,"},
    {"h' = ", "longname", "(h)", MEGABYTE, "unknown op 'longname"},
    {"for l in 0..9999:\n", " a[l]=x\n", "", MEGABYTE, "repetitions write more than 100000 names"},
    {"for l in 0..9999:\n", " a[l]=\n", "", MEGABYTE, "expected a name"},
    {"", "for l in 1..2:\n", "", MEGABYTE, "this repetition has no equations"},
    {"h' = h", "[0]", "", MEGABYTE, "expected an operator"},
    {"h' = h[", "[", "", MEGABYTE, "expected a whole number or a name"},
    {"h' = h[", "1", "]", MEGABYTE, "this index is larger"},
    {"", "for l in 9..9:\n a[l]=h+h\n", "h' = h", 200000, "'a_9' was computed"},
};

START_TEST(a_text_of_any_size_is_read_or_refused_in_few_words) {
    const struct around nothing = {0};
    const char *equations = repeated(size_rows[_i].head, size_rows[_i].piece, size_rows[_i].tail, size_rows[_i].bytes);
    const struct cell_definition definition = define(equations, &nothing);
    struct cell *cell = compile(&definition);
    if (size_rows[_i].expected == NULL) {
        ck_assert_msg(cell != NULL, "%.200s", support_error(&support));
        cell_destroy(cell);
        return;
    }
    ck_assert_ptr_null(cell);
    ck_assert_msg(strstr(support_error(&support), size_rows[_i].expected) != NULL, "%.200s", support_error(&support));
    for (int32_t i = 0; i < support.errors.count && i < ERRORS_MAX; i++) {
        ck_assert_uint_le(strlen(errors_text(&support.errors, i)), 1000);
    }
}
END_TEST

START_TEST(a_thousand_operators_are_not_too_many) {
    const struct around two = {"h c", 0, 0, 0};
    const char *equations = repeated("h' = h", " + h", "", 4000);
    equations = arena_printf(support.arena, "%s\nc' = c%s", equations, equations + strlen("h' = h"));
    const struct cell_definition definition = define(equations, &two);
    struct cell *cell = compile(&definition);
    ck_assert_msg(cell != NULL, "%.200s", support_error(&support));
    ck_assert_int_ge(program_count(cell->program), 2000);
    cell_destroy(cell);
}
END_TEST

START_TEST(a_long_line_is_shown_around_its_mistake) {
    const struct around nothing = {0};
    char *equations = repeated("h' = h", " + h * é", " @@ W + x", 4000);
    memset(strstr(equations, "h * é"), ' ', 1); /* so that pieces do not look alike */
    const struct cell_definition definition = define(repeated("h' = h", " + tanh(h)", " @@ W + x", 1000), &nothing);
    ck_assert_ptr_null(compile(&definition));
    const char *shown = strchr(support_error(&support), '\n');
    const char *caret = strchr(shown + 1, '\n') + 1;
    ck_assert_uint_le((size_t)(caret - shown), 110);
    const size_t column = strlen(caret) - 1;
    ck_assert_int_eq(caret[column], '^');
    ck_assert_msg(strncmp(shown + 1 + column, "@ W", 3) == 0, "%s", support_error(&support)); /* the second @ */
    ck_assert_int_eq(shown[column], '@');
    errors_free(&support.errors);
    const struct cell_definition foreign = define(equations, &nothing);
    ck_assert_ptr_null(compile(&foreign));
    ck_assert_uint_le(strlen(support_error(&support)), 400);
}
END_TEST

/* Texts that are almost right, and random symbols: each is a cell, or gives errors with their places. */
START_TEST(any_text_is_read_or_refused_with_a_place) {
    static const char right[] = "i = sigmoid(x @ W_i + h @ U_i + b_i)\nf = sigmoid(x @ W_f + h @ U_f)\n"
                                "g = 1 - slice(-c / 2.5e-1, axis=1, end=4)\nc' = f * c + (i * g)\ns[0] = tanh(c')\n"
                                "for l in 1..3:\n  s[l] = tanh(s[l-1] @ R[l])\nh' = s[3]\n";
    static const char alphabet[] = "hcxW_i'=()[]+-*/@,.# \n\t019eE\xc3\xa9~tanhsumforinl:";
    const struct around lstm = {"h c", 0, 0, 0};
    const struct rng_stream seeds = rng_substream(rng_stream(1, "texts"), (uint64_t)_i);
    for (uint64_t round = 0; round < 40; round++) {
        const struct rng_stream stream = rng_substream(seeds, round);
        char text[sizeof right + 64];
        size_t length = 0;
        if (round % 4 == 3) {
            for (length = rng_below(stream, 0, 60); text[length] = '\0', length > 0;) {
                length--;
                text[length] = alphabet[rng_below(stream, 1 + length, sizeof alphabet - 1)];
            }
        } else {
            memcpy(text, right, sizeof right);
            length = sizeof right - 1;
        }
        for (uint64_t edit = 0; length > 0 && edit < 1 + round % 4; edit++) {
            const size_t at = rng_below(stream, 100 + 3 * edit, length);
            const char c = alphabet[rng_below(stream, 101 + 3 * edit, sizeof alphabet - 1)];
            switch (rng_below(stream, 102 + 3 * edit, 3)) {
            case 0:
                text[at] = c;
                break;
            case 1:
                memmove(text + at, text + at + 1, length-- - at);
                break;
            default:
                memmove(text + at + 1, text + at, ++length - at);
                text[at] = c;
            }
        }
        const struct cell_definition definition = define(text, &lstm);
        struct cell *cell = compile(&definition);
        ck_assert_msg((cell == NULL) == (support.errors.count > 0), "'%s'", text);
        for (int32_t i = 0; i < support.errors.count && i < ERRORS_MAX; i++) {
            const char *said = errors_text(&support.errors, i);
            ck_assert_msg(strncmp(said, "cell.yaml:", 10) == 0 && strstr(said, "bug") == NULL, "'%s': %s", text, said);
        }
        cell_destroy(cell);
        errors_free(&support.errors);
    }
}
END_TEST

/* ---- right equations: names and shapes of parameters in order of first use ---- */

static const struct {
    const char *equations;
    struct around around;
    const char *parameters;
} good_rows[] = {
    {"h' = tanh(x @ W + h @ U + b)", {0}, "W[3, 4] U[4, 4] b[4]"},
    {"h' = h", {0}, ""},
    {"h' = 0 * h", {0}, ""},
    {"h'=tanh(x@W)", {0}, "W[3, 4]"},
    {"  h' =  tanh ( x @ W )  # a comment", {0}, "W[3, 4]"},
    {"\n# first\n\nh' = tanh(x @ W)\n\n# last", {0}, "W[3, 4]"},
    {"h' = tanh(x @ W)\r\n", {0}, "W[3, 4]"},
    {"h'\t=\ttanh(x @ W)", {0}, "W[3, 4]"},
    {"h' = tanh(\n  x @ W  # of the input\n\n  + h @ U\n)", {0}, "W[3, 4] U[4, 4]"},
    {"h' = (h\n *\n 2)", {0}, ""},
    {"h' = tanh(h,)", {0}, ""},
    {"a = x @ W\nb = a * a\nh' = b + a", {0}, "W[3, 4]"},
    {"h' = x @ A @ B @ C", {0}, "A[3, 4] B[4, 4] C[4, 4]"},
    {"h' = (x @ D) @ E", {0, "D:input,rank E:rank,hidden", "rank=2", 0}, "D[3, 2] E[2, 4]"},
    {"h' = h * w + w", {0}, "w[4]"},
    {"h' = x @ W + h @ W2 + h * W2", {0, "W2:hidden,hidden", 0, 0}, NULL},
    {"h' = h @ U + h @ U", {0}, "U[4, 4]"},
    {"h' = h * s", {0, "s:", 0, 0}, "s[]"},
    {"h' = h @ D", {"h:2*hidden", "D:2~*hidden,~2~*~hidden~", 0, 0}, "D[8, 8]"},
    {"h' = h @ D", {"h:2*hidden", "D:2*hidden,hidden*2", 0, 0}, "D[8, 8]"},
    {"h' = h @ matmul(L, R)", {0, "L:hidden,1 R:1,hidden", 0, 0}, "L[4, 1] R[1, 4]"},
    {"h' = L @ R + h", {0, "L:1,hidden R:hidden,hidden", 0, 0}, "L[1, 4] R[4, 4]"},
    {"h' = c' + h\n", {"h c", 0, 0, 0}, NULL},
    {"c' = c + x @ W\nh' = tanh(c')", {"h c", 0, 0, 0}, "W[3, 4]"},
    {"h' = h + sum(m * m, axis=1)\nm' = m * 0.5", {"h m:3,hidden", 0, 0, 0}, ""},
    {"h' = h * (1 - dt) + dt * tanh(x @ W)", {0, 0, "dt=0.1", 0}, "W[3, 4]"},
    {"h' = h - mean(h, axis=-1, keep=true)", {0}, ""},
    {"h' = h - mean(h, axis=[-1], keep=true)", {0}, ""},
    {"h' = concat(slice(h, begin=k), slice(h, end=k))", {0, 0, "k=1", 0}, ""},
    {"h' = layer_norm(h, g, b)", {0}, "g[4] b[4]"},
    {"a = x @ W\nh' = slice(a, begin=input, end=hidden) + slice(a, begin=hidden)",
     {0, "W:input,2*hidden", 0, 0},
     "W[3, 8]"},
    {"_1 = x @ W\nh' = _1 * .5 + 1e-3 * h - 2.", {0}, "W[3, 4]"},
    {"input_gate = x @ hidden_2\nh' = input_gate", {0}, "hidden_2[3, 4]"},
    {"h' = tanh(x @ W[1] + h @ W[2])", {0}, "W_1[3, 4] W_2[4, 4]"},
    {"h' = tanh(x @ W[1] + h @ W [ d+1 ])", {0, 0, "d=1", 0}, "W_1[3, 4] W_2[4, 4]"},
    {"h' = x @ D[1] @ E[1] + x @ D[2] @ E[2]",
     {0, "D:input,2 E:2,hidden E_2:2,hidden", 0, 0},
     "D_1[3, 2] E_1[2, 4] D_2[3, 2] E_2[2, 4]"},
    {"s[0] = h\nfor l in 1..d:\n  s[l] = tanh(s[l-1] @ R[l])\nh' = s[d]", {0, 0, "d=2", 0}, "R_1[4, 4] R_2[4, 4]"},
    {"s[0] = h\nfor l in 1..d:\n  s[l] = tanh(s[l-1] @ R[l])\nh' = s[d]", {0, 0, "d=0", 0}, ""},
    {"q = x @ W\nh' = h + q\nfor l in 1..d:\n  s[l] = h", {0, 0, "d=1", 0}, NULL},
    {"q = x @ W\ns[1] = h\nfor l in 2..d:\n  s[l] = s[l-1] + q * l\nh' = s[d]", {0, "P:", "d=1", "W=he"}, NULL},
    {"q = x @ W\ns[1] = h\nfor l in 2..d:\n  s[l] = s[l-1] @ V[l] + q\nh' = s[d]",
     {0, "V:hidden,hidden", "d=1", "V=he W=he"},
     "W[3, 4]"},
    {"for l in 1..2:\n\n    # a comment\n    s[l] = tanh(\n h @ U[l]\n)\n\n    t[l] = s[l] + 1\nh' = t[2] + s[1]",
     {0},
     "U_1[4, 4] U_2[4, 4]"},
    {"for l in 1..2:\n  s[l] = h @ U[l]\nfor k in 1..1:\n  t[k] = s[k] + s[k+1]\nh' = t[1]",
     {0},
     "U_1[4, 4] U_2[4, 4]"},
    {"for l in 1..3:\n  s[l] = slice(h, begin=l)\nh' = concat(s[1], s[3])", {0}, ""},
    {"h_1' = h_1 + h[2]\nh[2]' = h_2 + x @ W", {"h_1 h_2", 0, 0, 0}, "W[3, 4]"},
    {"for l in 1..2:\n  h[l]' = h[l] + x @ W[l]", {"h_1 h_2", 0, 0, 0}, "W_1[3, 4] W_2[3, 4]"},
    {"for = x @ W\nh' = for", {0}, "W[3, 4]"},
    {"for[1] = x @ W\nh' = for[1]", {0}, "W[3, 4]"},
    {"h' = h @ D", {"h:hidden+1", "D:2*hidden-3,(input+7)/2", 0, 0}, "D[5, 5]"},
    {"h' = h @ D", {"h:hidden/2+k", "D:k~-~-1,3-(k-2)", "k=2", 0}, NULL},
    {"h' = h + slice(x @ W, end=hidden)", {0, "W:input,2*(hidden+k)", "k=1", 0}, "W[3, 10]"},
    {"a = x @ W\nh' = slice(a, begin=2*hidden-k, end=3 * hidden - k)", {0, "W:input,3*hidden", "k=1", 0}, "W[3, 12]"},
    {"for l in 1..3:\n  s[l] = slice(x @ W, begin=(l-1)*hidden, end=l*hidden)\nh' = s[1] + s[2] * s[3]",
     {0, "W:input,3*hidden", 0, 0},
     "W[3, 12]"},
    {"h' = h - mean(h, axis=[input - 2], keep=true)", {0}, ""},
    {"h' = h + slice(x, begin=-1)", {0}, ""},
    /* names of ops are separate: a value may have the name of an op */
    {"tanh = x @ sum + dropout\nh' = tanh(tanh)", {0}, "sum[3, 4] dropout[4]"},
    /* the names of widths are numbers */
    {"h' = x @ W * hidden / input", {0}, "W[3, 4]"},
};

START_TEST(parameters_get_the_shapes_that_their_places_need) {
    const struct cell_definition definition = define(good_rows[_i].equations, &good_rows[_i].around);
    struct cell *cell = compile(&definition);
    if (good_rows[_i].parameters == NULL) { /* almost like a good one, but wrong */
        ck_assert_ptr_null(cell);
        ck_assert_int_gt(support.errors.count, 0);
        return;
    }
    ck_assert_msg(cell != NULL, "'%s': %s", good_rows[_i].equations, support_error(&support));
    ck_assert_int_eq(support.errors.count, 0);
    char found[256] = "";
    for (int32_t i = 0; i < cell->n_parameters; i++) {
        const struct cell_parameter *parameter = &cell->parameters[i];
        const size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s%s", i == 0 ? "" : " ", parameter->name,
                 tensor_shape_text(&parameter->shape).text);
        ck_assert_int_eq(parameter->shape.dtype, RONDO_F64);
    }
    ck_assert_str_eq(found, good_rows[_i].parameters);
    ck_assert_int_eq(program_input_count(cell->program), 1 + cell->n_states + cell->n_parameters);
    for (int32_t i = 0; i < cell->n_states; i++) {
        ck_assert(tensor_same_shape(&cell->states[i], &program_node(cell->program, cell->new_states[i])->value));
    }
    ck_assert_int_eq(cell->output_width, cell->states[0].shape[cell->states[0].ndim - 1]);
    cell_destroy(cell);
}
END_TEST

static const struct {
    const char *init, *parameter;
    enum initialiser_kind kind;
    double a;
} init_rows[] = {
    {NULL, "W", INITIALISE_GLOROT, 0},
    {NULL, "b", INITIALISE_CONSTANT, 0},
    {"b=1", "b", INITIALISE_CONSTANT, 1},
    {"*=0.5", "W", INITIALISE_CONSTANT, 0.5},
    {"*=0.5", "b", INITIALISE_CONSTANT, 0.5},
    {"*=0.5 U=orthogonal", "U", INITIALISE_ORTHOGONAL, 0},
    {"U=orthogonal *=0.5", "U", INITIALISE_CONSTANT, 0.5}, /* the last that fits counts */
    {"?=1 U=he", "U", INITIALISE_HE, 0},
    {"V=he", "V_2", INITIALISE_HE, 0}, /* of every index */
    {"V=he V_2=0.5", "V_2", INITIALISE_CONSTANT, 0.5},
    {"V_*=he", "V_2", INITIALISE_HE, 0},
};

START_TEST(a_parameter_starts_from_the_last_row_that_fits) {
    const struct around around = {.init = init_rows[_i].init};
    const struct cell_definition definition = define("h' = tanh(x @ W + h @ U + h @ V[2] + b)", &around);
    struct cell *cell = compile(&definition);
    if (init_rows[_i].init != NULL && init_rows[_i].init[0] == '?') {
        ck_assert_ptr_null(cell); /* a `*` without a name means something else */
        return;
    }
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    int found = 0;
    for (int32_t i = 0; i < cell->n_parameters; i++) {
        if (strcmp(cell->parameters[i].name, init_rows[_i].parameter) == 0) {
            ck_assert_int_eq(cell->parameters[i].initialiser.kind, init_rows[_i].kind);
            ck_assert_double_eq(cell->parameters[i].initialiser.a, init_rows[_i].a);
            found++;
        }
    }
    ck_assert_int_eq(found, 1);
    cell_destroy(cell);
}
END_TEST

static const struct {
    const char *pattern, *name;
    int fits;
} pattern_rows[] = {
    {"W", "W", 1},     {"W", "W_i", 0},    {"W_i", "W", 0},     {"*", "", 1},         {"*", "anything", 1},
    {"", "", 1},       {"", "W", 0},       {"W_*", "W_", 1},    {"W_*", "W_i", 1},    {"W_*", "U_i", 0},
    {"*_i", "W_i", 1}, {"*_i", "W_if", 0}, {"*_i*", "W_if", 1}, {"a*b*c", "abbc", 1}, {"a*b*c", "acb", 0},
    {"**", "x", 1},    {"*a", "aaaa", 1},  {"*ab", "aab", 1},   {"a*", "ba", 0},
};

START_TEST(patterns_fit_whole_names) {
    ck_assert_int_eq(name_fits(pattern_rows[_i].pattern, pattern_rows[_i].name), pattern_rows[_i].fits);
}
END_TEST

/* ---- precedence of operators: the tree written as calls ---- */

static const struct {
    const char *equation, *tree;
} tree_rows[] = {
    {"a + b * c", "add(a, mul(b, c))"},
    {"a * b + c", "add(mul(a, b), c)"},
    {"a - b - c", "sub(sub(a, b), c)"},
    {"a - b + c", "add(sub(a, b), c)"},
    {"a / b / c", "div(div(a, b), c)"},
    {"a / b * c", "mul(div(a, b), c)"},
    {"a * b @ c", "matmul(mul(a, b), c)"},
    {"a @ b * c", "mul(matmul(a, b), c)"},
    {"a @ b @ c", "matmul(matmul(a, b), c)"},
    {"a @ b + c @ d", "add(matmul(a, b), matmul(c, d))"},
    {"-a * b", "mul(neg(a), b)"},
    {"-a @ b", "matmul(neg(a), b)"},
    {"a * -b", "mul(a, neg(b))"},
    {"a - -b", "sub(a, neg(b))"},
    {"--a", "neg(neg(a))"},
    {"-(a + b)", "neg(add(a, b))"},
    {"-a'", "neg(a')"},
    {"-2 * a", "mul(-2, a)"},
    {"--2", "2"},
    {"a - (b - c)", "sub(a, sub(b, c))"},
    {"a * (b + c) * d", "mul(mul(a, add(b, c)), d)"},
    {"((a))", "a"},
    {"tanh(a) * b", "mul(tanh(a), b)"},
    {"f(a, b + c, -d)", "f(a, add(b, c), neg(d))"},
    {"f(g(a), h(b, c))", "f(g(a), h(b, c))"},
    {"f()", "f()"},
    {"sum(a, axis=-1)", "sum(a, axis=-1)"},
    {"sum(a + b, axis=[0, -1], keep=true)", "sum(add(a, b), axis=[0, -1], keep=true)"},
    {"sum(a, axis = 1)", "sum(a, axis=1)"},
    {"f(p=alpha)", "f(p=alpha)"},
    {"f(a, p=2*hidden - (l+1), q=mean)", "f(a, p=sub(mul(2, hidden), add(l, 1)), q=mean)"},
    {"f(p=[], q=[a, -b])", "f(p=[], q=[a, neg(b)])"},
    {"a[1] * b[l-1]' + c[ d + 2 ]", "add(mul(a[1], b[l-1]'), c[d+2])"},
    {"1e3 + .25 + 2. + 3.5E-1", "add(add(add(1000, 0.25), 2), 0.35)"},
    {"a' * a", "mul(a', a)"},
};

static void write_tree(char *out, size_t size, const struct expression *tree) {
    const size_t used = strlen(out);
    out += used;
    size -= used;
    if (tree->kind == EXPRESSION_NUMBER) {
        snprintf(out, size, "%g", tree->number);
        return;
    }
    char index[32] = "";
    if (tree->index != NULL && tree->index->name == NULL) {
        snprintf(index, sizeof index, "[%d]", (int)tree->index->number);
    } else if (tree->index != NULL) {
        snprintf(index, sizeof index, "[%s%+d]", tree->index->name, (int)tree->index->number);
    }
    snprintf(out, size, "%s%s%s", tree->name, index, tree->kind == EXPRESSION_CALL ? "(" : tree->primed ? "'" : "");
    if (tree->kind == EXPRESSION_NAME) {
        return;
    }
    const char *separator = "";
    for (const struct expression *operand = tree->operand; operand != NULL; operand = operand->next) {
        snprintf(out + strlen(out), size - strlen(out), "%s", separator);
        write_tree(out, size, operand);
        separator = ", ";
    }
    for (const struct expression_option *option = tree->options; option != NULL; option = option->next) {
        snprintf(out + strlen(out), size - strlen(out), "%s%s=%s", separator, option->key, option->is_list ? "[" : "");
        separator = "";
        for (const struct expression *value = option->values; value != NULL; value = value->next) {
            snprintf(out + strlen(out), size - strlen(out), "%s", separator);
            write_tree(out, size, value);
            separator = ", ";
        }
        snprintf(out + strlen(out), size - strlen(out), "%s", option->is_list ? "]" : "");
        separator = ", ";
    }
    snprintf(out + strlen(out), size - strlen(out), ")");
}

START_TEST(operators_bind_as_in_python) {
    char text[128], tree[256] = "";
    snprintf(text, sizeof text, "y = %s", tree_rows[_i].equation);
    const struct equation_text equations = {file, text, FIRST_LINE, INDENT};
    struct equation *first = NULL;
    support_ok(&support, equations_parse(&equations, support.arena, &first, &support.errors), text);
    write_tree(tree, sizeof tree, first->value);
    ck_assert_str_eq(tree, tree_rows[_i].tree);
    ck_assert_str_eq(first->name, "y");
    ck_assert_ptr_null(first->next);
}
END_TEST

/* ---- values of equations: a, b, c, d are 2, 3, 5, 7; the option k is 11; the state h is 0.5 ---- */

static const struct {
    const char *expression;
    double value;
} value_rows[] = {
    {"a + b * c", 17},
    {"a - b - c", -6},
    {"a / b / c", 2.0 / 15},
    {"-a * b + c", -1},
    {"a - -b", 5},
    {"-(a + b) * c", -25},
    {"a * (b + c) * d", 112},
    {"2 * 3 + 4 / 8 - .5", 6},
    {"1e1 + 1.5e-1", 10.15},
    {"square(a + b) * c", 125},
    {"sqrt(square(d)) - k", -4},
    {"maximum(a, b) / minimum(c, d)", 0.6},
    {"exp(log(c)) * h", 2.5},
    {"tanh(0) + sigmoid(0)", 0.5},
    {"(a + b) * (c - d) / (a - b)", 10},
    {"--a", 2},
    {"hidden * a + input", 11},
};

START_TEST(equations_compute_what_they_say) {
    char text[128];
    snprintf(text, sizeof text, "h' = h * 0 + (%s)", value_rows[_i].expression);
    const struct around around = {0, "a: b: c: d:", "k=11", 0};
    struct cell_definition definition = define(text, &around);
    static const char *const names[] = {"a", "b", "c", "d"};
    static const double numbers[] = {2, 3, 5, 7};
    /* Everything declared must be used: add all of it, times 0. */
    char padded[256];
    snprintf(padded, sizeof padded, "%s + 0 * (a + b + c + d + k)", text);
    definition.equations.text = padded;
    struct cell *cell = compile(&definition);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    struct tape *tape = support_tape(&support, NULL);
    const rondo_tensor x = support_zeros(&support, RONDO_F64, "2, 3"), h = support_zeros(&support, RONDO_F64, "2, 4");
    for (int i = 0; i < 8; i++) {
        tensor_set(&h, i, 0.5);
    }
    rondo_value inputs[6] = {tape_constant(tape, &x), tape_constant(tape, &h)}, result;
    ck_assert_int_eq(cell->n_parameters, 4);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            if (strcmp(cell->parameters[i].name, names[k]) == 0) {
                const rondo_tensor number = support_numbers(&support, RONDO_F64, "", &numbers[k]);
                inputs[2 + i] = tape_constant(tape, &number);
            }
        }
    }
    support_ok(&support,
               program_replay(cell->program, tape, &(struct program_inputs){.values = inputs}, NULL, cell->new_states,
                              1, &result),
               text);
    for (int i = 0; i < 8; i++) {
        ck_assert_double_eq_tol(tensor_get(tape_tensor(tape, result), i), value_rows[_i].value, 1e-12);
    }
    tape_destroy(tape);
    cell_destroy(cell);
}
END_TEST

/* ---- repetitions mean the same as the lines written out ---- */

static const struct {
    const char *repeated, *written;
    struct around around;
} repetition_rows[] = {
    {"s[0] = h\nfor l in 1..3:\n  s[l] = tanh(s[l-1] @ R[l] + b[l])\nh' = s[3]",
     "a = tanh(h @ R_1 + b_1)\nb = tanh(a @ R_2 + b_2)\nh' = tanh(b @ R_3 + b_3)",
     {0}},
    {"s[0] = x @ W\nfor l in 1..depth:\n  a[l] = sigmoid(s[l-1] @ A[l])\n  s[l] = s[l-1] * a[l] + h * l\nh' = s[depth]",
     "s = x @ W\na = sigmoid(s @ A_1)\nt = s * a + h * 1\nb = sigmoid(t @ A_2)\nh' = t * b + h * 2",
     {0, 0, "depth=2", 0}},
    {"for l in 1..2:\n  p[l] = slice(h, begin=4 - 2*l, end=6 - 2*l)\nh' = concat(p[2], p[1])",
     "h' = concat(slice(h, end=2), slice(h, begin=2))",
     {0}},
    {"for l in 0..3:\n  p[l] = slice(h, begin=l) * (2 - l)\nh' = concat(p[3], p[2], slice(p[0], end=1))",
     "h' = concat(slice(h, begin=3) * -1, slice(h, begin=2) * 0, slice(h, end=1) * 2)",
     {0}},
};

/* The new state of one step, all inputs random. */
static rondo_tensor new_state(const char *equations, const struct around *around) {
    struct cell_definition definition = define(equations, around);
    if (strstr(equations, "depth") == NULL) {
        definition.n_options = 0; /* for the form that is written out */
    }
    struct cell *cell = compile(&definition);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    struct tape *tape = support_tape(&support, NULL);
    rondo_value inputs[16], result;
    int32_t count = 0;
    for (int32_t id = 0; count < program_input_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        if (node->op != NULL || node->value.data != NULL) {
            continue;
        }
        rondo_tensor value = node->value;
        value.shape[0] = value.shape[0] == RONDO_ANY_ROWS ? 2 : value.shape[0];
        support_ok(&support, tensor_alloc(&value, support.arena, &support.errors), "memory");
        for (int64_t i = 0; i < rondo_count(&value); i++) {
            tensor_set(&value, i, rng_normal(rng_stream(1, node->name), (uint64_t)i));
        }
        inputs[count++] = tape_constant(tape, &value);
    }
    support_ok(&support,
               program_replay(cell->program, tape, &(struct program_inputs){.values = inputs}, NULL, cell->new_states,
                              1, &result),
               equations);
    rondo_tensor copy = *tape_tensor(tape, result);
    const void *data = copy.data;
    support_ok(&support, tensor_alloc(&copy, support.arena, &support.errors), "memory");
    memcpy(copy.data, data, tensor_bytes(&copy));
    tape_destroy(tape);
    cell_destroy(cell);
    return copy;
}

START_TEST(a_repetition_is_its_lines_written_out) {
    const rondo_tensor repeated = new_state(repetition_rows[_i].repeated, &repetition_rows[_i].around);
    const rondo_tensor written = new_state(repetition_rows[_i].written, &repetition_rows[_i].around);
    support_near(&repeated, &written, 0, repetition_rows[_i].repeated);
}
END_TEST

/* ---- the output, and candidates ---- */

static const struct {
    const char *equations, *states, *output, *candidates;
    const char *expected; /* the error; or "shape of the output: candidates" */
} output_rows[] = {
    {"h' = h + x @ W", "h", NULL, NULL, "[batch, 4]:"},
    {"h' = h + x @ W", "h:hidden", "h'", NULL, "[batch, 4]:"},
    {"h' = h + x @ W\nc' = c + 1", "h c:2*hidden", "c'", NULL, "[batch, 8]:"},
    {"h' = h + x @ W\ny = slice(h', end=3)", "h", "y", NULL, "[batch, 3]:"},
    {"h' = h + 1\ny = sum(h, axis=1) + x @ W", "h:2,hidden", "y", NULL, "[batch, 4]:"},
    {"y = h\nh' = h + 1", "h", "y", NULL, "[batch, 4]:"},
    {"y[1] = h * 2\nh' = h + 1", "h", "y_1", NULL, "[batch, 4]:"},
    {"g = tanh(x @ W)\nh' = h + g", "h", NULL, "g", "[batch, 4]: g"},
    {"g = tanh(x @ W)\nn = h @ U\nh' = h + g * n", "h", NULL, "n g", "[batch, 4]: g n"},
    {"s[0] = h\nfor l in 1..2:\n  n[l] = s[l-1] @ R[l]\n  s[l] = s[l-1] + n[l]\nh' = s[2]", "h", NULL, "n",
     "[batch, 4]: n_1 n_2"},
    {"for l in 1..2:\n  n[l] = h @ R[l]\nh' = n[1] + n[2]", "h", NULL, "n_2 n", "[batch, 4]: n_1 n_2"},

    {"state = h + 1\nh' = state", "h", "stat", NULL,
     "cell.yaml:6:1: no equation computes the output 'stat' (did you mean 'state'?)"},
    {"h' = h + x @ W", "h", "W", NULL, "cell.yaml:6:1: no equation computes the output 'W'"},
    {"h' = h + x @ W", "h", "x", NULL, "cell.yaml:6:1: no equation computes the output 'x'"},
    {"h' = h + 1", "h", "h", NULL, "cell.yaml:6:1: the output 'h' is a state: its new value is written h'"},
    {"h' = h + 1", "h", "c'", NULL, "cell.yaml:6:1: no equation computes the output 'c''"},
    {"h' = h + 1", "h:2,hidden", "h'", NULL,
     "cell.yaml:6:1: the output must have shape [batch, width], 'h'' has [batch, 2, 4]"},
    {"y = b + 1\nh' = h", "h", "y", NULL, "cell.yaml:6:1: the output must have shape [batch, width], 'y' has [4]"},
    {"y = sum(h, axis=1)\nh' = h", "h", "y", NULL,
     "cell.yaml:6:1: the output must have shape [batch, width], 'y' has [batch]"},
    {"h' = h + 1", "h:2,hidden", NULL, NULL,
     "cell.yaml:2:1: the first state is the cell's output and must have one dimension, 'h' has 2"},
    {"y = h + 1\nz = h\nh' = h", "h", "y", NULL, "cell.yaml:11:3: 'z' is computed but never used"},
    {"h' = h + 1", "h", NULL, "g", "cell.yaml:7:1: no equation computes the candidate 'g'"},
    {"new = x @ W\nh' = h + new", "h", NULL, "nwe",
     "cell.yaml:7:1: no equation computes the candidate 'nwe' (did you mean 'new'?)"},
    {"g = x @ W\nh' = h + g", "h", NULL, "g h",
     "cell.yaml:7:2: the candidate 'h' is a state: its new value is written h'"},
    {"g = h\nh' = h + g", "h", NULL, "g",
     "cell.yaml:7:1: the candidate 'g' is another name of an input, expected a result"},
    {"g = x @ W\nh' = h", "h", NULL, "g", "cell.yaml:10:3: 'g' is computed but never used"},
};

START_TEST(a_cell_knows_its_output_and_its_candidates) {
    const struct around around = {.states = output_rows[_i].states};
    struct cell_definition definition = define(output_rows[_i].equations, &around);
    const char *candidates[4];
    struct location where[4];
    definition.output = output_rows[_i].output;
    definition.output_where = (struct location){file, 6, 1};
    definition.candidates = candidates;
    definition.candidate_where = where;
    char *word = arena_strdup(support.arena, output_rows[_i].candidates == NULL ? "" : output_rows[_i].candidates);
    for (char *rest = word; *word != '\0'; word = rest) {
        rest = word + strcspn(word, " ");
        rest += *rest == '\0' ? 0 : (*rest = '\0', 1);
        where[definition.n_candidates] = (struct location){file, 7, 1 + definition.n_candidates};
        candidates[definition.n_candidates++] = word;
    }
    struct cell *cell = compile(&definition);
    const char *expected = output_rows[_i].expected;
    if (strncmp(expected, "cell.yaml", 9) == 0) {
        ck_assert_ptr_null(cell);
        ck_assert_int_eq(support.errors.count, 1);
        ck_assert_msg(strncmp(support_error(&support), expected, strlen(expected)) == 0, "%s", support_error(&support));
        return;
    }
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    const rondo_tensor *output = &program_node(cell->program, cell->output)->value;
    char found[256];
    snprintf(found, sizeof found, "%s:", tensor_shape_text(output).text);
    for (int32_t i = 0; i < cell->n_candidates; i++) {
        const size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, " %s", program_node(cell->program, cell->candidates[i])->name);
    }
    ck_assert_str_eq(found, expected);
    ck_assert_int_eq(cell->output_width, output->shape[1]);
    cell_destroy(cell);
}
END_TEST

START_TEST(options_of_a_layer_take_the_place_of_the_defaults) {
    const struct around around = {0, "D:input,rank E:rank,hidden", "rank=2 scale=3", 0};
    const struct cell_definition definition = define("h' = scale * (x @ D) @ E + h", &around);
    const double values[2] = {5, -1.5};
    const struct cell_settings settings = {
        .dtype = RONDO_F32, .input = INPUT, .hidden = HIDDEN, .option_values = values};
    struct cell *cell = cell_compile(&definition, &settings, support.registry, &support.errors);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    ck_assert_str_eq(tensor_shape_text(&cell->parameters[0].shape).text, "[3, 5]");
    int found = 0;
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        found += node->op == NULL && node->value.data != NULL && tensor_get(&node->value, 0) == -1.5;
    }
    ck_assert_int_eq(found, 1);
    cell_destroy(cell);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 60, setup, teardown);
}

static Suite *equations_suite(void) {
    Suite *suite = suite_create("equations");
    TCase *mistakes = new_case(suite, "mistakes");
    tcase_add_loop_test(mistakes, a_mistake_is_told_where_it_is_and_nothing_else_is, 0, ROWS(bad_rows));
    tcase_add_test(mistakes, earlier_errors_of_the_caller_do_not_stop_a_cell);
    tcase_add_loop_test(mistakes, the_caret_stands_below_tabs_and_other_alphabets, 0, ROWS(shown_rows));
    tcase_add_loop_test(mistakes, a_text_of_any_size_is_read_or_refused_in_few_words, 0, ROWS(size_rows));
    tcase_add_test(mistakes, a_thousand_operators_are_not_too_many);
    tcase_add_test(mistakes, a_long_line_is_shown_around_its_mistake);
    tcase_add_loop_test(mistakes, any_text_is_read_or_refused_with_a_place, 0, 16);

    TCase *meaning = new_case(suite, "meaning");
    tcase_add_loop_test(meaning, parameters_get_the_shapes_that_their_places_need, 0, ROWS(good_rows));
    tcase_add_loop_test(meaning, a_parameter_starts_from_the_last_row_that_fits, 0, ROWS(init_rows));
    tcase_add_loop_test(meaning, patterns_fit_whole_names, 0, ROWS(pattern_rows));
    tcase_add_loop_test(meaning, operators_bind_as_in_python, 0, ROWS(tree_rows));
    tcase_add_loop_test(meaning, equations_compute_what_they_say, 0, ROWS(value_rows));
    tcase_add_loop_test(meaning, a_repetition_is_its_lines_written_out, 0, ROWS(repetition_rows));
    tcase_add_loop_test(meaning, a_cell_knows_its_output_and_its_candidates, 0, ROWS(output_rows));
    tcase_add_test(meaning, options_of_a_layer_take_the_place_of_the_defaults);
    return suite;
}

int main(void) {
    return run_suite(equations_suite());
}
