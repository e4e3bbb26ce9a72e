"""Writes text_metrics.txt: values of metrics that compare texts, for tests/test_text_metrics.c.

    pip install sacrebleu
    python make_text_metrics.py > text_metrics.txt

`data` begins a set of texts: their number, and their weights. Each text follows, `generated`, and after it one
`reference` or more; they are in quotes, with \\n, \\r, \\t, \\" and \\\\ as in C. Cases of that set follow: the metric's name, 1 if the weights
are used, and its options as Rondo takes them; under it the value. BLEU and chrF come from sacreBLEU, where a text of weight w
occurs w times; the other metrics from the equation, which is written out here.
"""
import random
import unicodedata

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

random.seed(20261129)


def quoted(text):
    for character, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ('"', '\\"')):
        text = text.replace(character, escape)
    return f'"{text}"'


def columns(texts, weights):
    """Generated texts, and the references by their number, None where a text has fewer."""
    rows = [row for row, weight in zip(texts, weights) for _ in range(weight)]
    most = max(len(references) for _, references in rows)
    return [g for g, _ in rows], [[(r + [None] * most)[k] for _, r in rows] for k in range(most)]


def distance(a, b):
    before = list(range(len(b) + 1))
    for i, x in enumerate(a):
        row = [i + 1]
        for j, y in enumerate(b):
            row.append(min(before[j] + (x != y), before[j + 1] + 1, row[j] + 1))
        before = row
    return before[-1]


def error_rate(texts, weights, units):
    errors = total = 0
    for (g, references), weight in zip(texts, weights):
        own, length = min((distance(units(g), units(r)), -len(units(r))) for r in references)
        errors += weight * own
        total -= weight * length
    return errors / total


def data(texts):
    weights = [random.randint(1, 4) for _ in texts]
    print("data", len(texts), *weights)
    for g, references in texts:
        print("generated", quoted(g))
        for r in references:
            print("reference", quoted(r))

    def case(name, has_weights, options, value):
        print("case", name, has_weights, options)
        print("value", f"{value:.17g}")

    for has_weights in (0, 1):
        w = weights if has_weights else [1] * len(texts)
        generated, references = columns(texts, w)
        for tokenize in ("13a", "none", "char"):
            for lowercase in ("false", "true"):
                bleu = BLEU(tokenize=tokenize, lowercase=lowercase == "true")
                case("bleu", has_weights, f"tokenize={tokenize} lowercase={lowercase}",
                     bleu.corpus_score(generated, references).score)
        for order, beta, lowercase in ((0, 2, "false"), (2, 2, "false"), (2, 2, "true"), (0, 1, "true"), (1, 3, "false")):
            chrf = CHRF(word_order=order, beta=beta, lowercase=lowercase == "true")
            case("chrf", has_weights, f"word_order={order} beta={beta} lowercase={lowercase}",
                 chrf.corpus_score(generated, references).score)
        case("exact_match", has_weights, "-", sum(k for (g, r), k in zip(texts, w) if g in r) / sum(w))
        if any(r for _, references in texts for r in references):
            case("word_error_rate", has_weights, "-", error_rate(texts, w, str.split))
            case("character_error_rate", has_weights, "-", error_rate(texts, w, list))


def changed(text, edits):
    """A text with some words dropped, repeated, exchanged, or written otherwise."""
    words = text.split(" ")
    for _ in range(edits):
        i = random.randrange(len(words))
        kind = random.randrange(5)
        words[i:i + 1] = ([], [words[i], words[i]], words[i:i + 1][::-1], [words[i].upper()], [words[i][::-1]])[kind]
        words = words or ["and"]
    return " ".join(words)


sentences = [
    "The quick brown fox jumps over the lazy dog.",
    "It costs 1,234.56 dollars, or 3.5 % more (see fig. 2-3)!",
    "Don't panic: e-mail <me@example.org> & wait; it's 5 o'clock...",
    '"Yes," she said, "that is {almost} [right] | wrong ~ `so`".',
    "pi is 3.14159, e is 2.71828; 10-20 and 1.,2",
    "A $5 bill/note, 50% + 20% = 70%, #1 *star* ^_^ \\o/ ?",
    "&quot;Tom &amp; Jerry&quot; &lt;b&gt; &amp;lt; <skipped>end",
    "Größe, Übermut und Ärger: weiß Öl fließt nach Zürich.",
    "Ça va très bien, l'été à Orléans — n'est-ce pas ?",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "ΟΔΥΣΣΕΥΣ ΕΙΔΕ ΤΗΝ ΘΑΛΑΣΣΑ, ΚΑΙ Ο ΦΩΣ.",
    "İSTANBUL'da ILIK bir akşam",
    "今日は良い天気です。散歩に行きましょう。",
    "一 二　三 blanks of other kinds, and these",
    "naïve café 😀😀 emoji 🎉 and e\u0301 combining",
    "K AO1 R AH0 N AH0",
    "the the the the the the the",
    "a b c d e f g a b c d e f g a b c d",
    "ends with a dash-\nnext line\tand a tab - \n",
    "x",
]

# Sentences with few and many errors, one to three references, and empty texts on either side
mixed = []
for sentence in sentences:
    others = [changed(sentence, random.randint(1, 3)) for _ in range(random.randint(0, 2))]
    mixed.append((changed(sentence, random.randint(0, 3)), [sentence] + others))
mixed += [("", ["an empty text"]), ("a text, and nothing is right", [""]), ("", [""]), ("", ["", "x y"]),
          ("  blanks  around  ", ["blanks around"]), ("a-", ["a-\n"]), ("equal", ["unequal", "equal"])]
print(f"# Written by make_text_metrics.py with sacrebleu {sacrebleu.__version__}, Unicode {unicodedata.unidata_version}")
data(mixed)
# One reference each, as of a translator
data([(changed(s, 2), [s]) for s in sentences])
# All right
data([(s, [s]) for s in sentences])
# Short texts: orders without a match, and without n-grams
data([("a b c x", ["a b c d"]), ("p q", ["p r"])])
data([("a x b y", ["a b c d"]), ("q", ["q"])])
data([("a b", ["a b"]), ("c", ["d"])])
data([("x y z", ["a b c"]), ("1", ["2"])])
# Nothing
data([("", ["a b c d"]), ("", ["e"])])
data([("", [""])])
data([("a b c d e", [""])])
# Lengths of several references: the nearest, of two equally near the shorter
data([("a b c d", ["a b c", "a b c d e"]), ("a b c d e", ["a b c d e f g", "a b c"])])
# More than a few words
words = [random.choice("lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed do eiusmod tempor".split())
         for _ in range(600)]
data([(changed(" ".join(words[i:i + 60]), 12), [" ".join(words[i:i + 60])]) for i in range(0, 600, 60)])
