"""Writes sequence_losses.txt: losses of sequences and of embeddings, in f64, for tests/test_sequence_losses.c.

    python make_sequence_losses.py > sequence_losses.txt

A case is the loss's name, the kind of its targets, their size, the number of rows and the options as Rondo takes them.
Lists of classes have two lines more: the lengths of the sequences, which never grow, and those of the lists. Their rows
are packed: step after step, and at each step the sequences that are that long. The gradient is that of the mean of the
losses. Metrics are sums over the rows, or over the sequences.

CTC, distances and densities are PyTorch's (ctc_loss, triplet_margin_loss, torch.distributions); triplets and pairs are
listed here by loops.
"""
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

torch.manual_seed(5)


def line(word, numbers):
    print(" ".join([word] + [repr(value) for value in numbers]))


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def case(head, outputs, targets, loss, predict, metrics, lengths=None):
    outputs = outputs.clone().requires_grad_(True)
    losses = loss(outputs)
    losses.mean().backward()
    predictions = predict(outputs.detach())
    print("case", head)
    if lengths:
        line("lengths", lengths[0])
        line("target_lengths", lengths[1])
    line("outputs", flat(outputs))
    line("targets", targets if isinstance(targets, list) else flat(targets))
    line("losses", flat(losses))
    line("gradient", flat(outputs.grad))
    line("predictions", flat(predictions))
    line("metrics", metrics(predictions))


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


# ---- CTC ----

def packed_rows(lengths):
    return [(t, s) for t in range(lengths[0]) for s in range(len(lengths)) if t < lengths[s]]


def edit_distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = min(table[i][j] + (x != y), table[i][j + 1] + 1, table[i + 1][j] + 1)
    return table[-1][-1]


def greedy(classes):
    merged = [k for i, k in enumerate(classes) if i == 0 or k != classes[i - 1]]
    return [k - 1 for k in merged if k != 0]


def ctc(classes, lengths, lists, options, scale=1.0):
    rows = packed_rows(lengths)
    times, sequences = [t for t, _ in rows], [s for _, s in rows]

    def loss(x):
        padded = torch.zeros(lengths[0], len(lengths), classes + 1, dtype=torch.float64)
        padded = padded.index_put((torch.tensor(times), torch.tensor(sequences)), x)
        return F.ctc_loss(torch.log_softmax(padded, 2), torch.tensor([k + 1 for labels in lists for k in labels]),
                          lengths, [len(labels) for labels in lists], reduction="none",
                          zero_infinity="zero_infinity=true" in options)

    def error_rate(p):
        best = p.argmax(1).tolist()
        found = [greedy([best[r] for r in range(len(rows)) if sequences[r] == s]) for s in range(len(lengths))]
        return [float(sum(edit_distance(f, z) / max(1, len(z)) for f, z in zip(found, lists)))]

    case(f"ctc list {classes} {len(rows)} {options}", scale * normal(len(rows), classes + 1),
         [k for labels in lists for k in labels], loss, lambda x: torch.softmax(x, 1), error_rate,
         (lengths, [len(labels) for labels in lists]))


# ---- mixtures ----

def mixture(outputs, components, n, least):
    k = components
    mean = outputs[:, k:k + k * n].reshape(-1, k, n)
    deviation = least + outputs[:, k + k * n:].reshape(-1, k, n).exp()
    return MixtureSameFamily(Categorical(logits=outputs[:, :k]), Independent(Normal(mean, deviation), 1))


def mixture_case(components, rows, n, least, options, outputs=None, targets=None):
    outputs = normal(rows, components * (1 + 2 * n)) if outputs is None else outputs
    targets = normal(rows, n) if targets is None else targets
    case(f"mixture_density real {n} {rows} {options}", outputs, targets,
         lambda x: -mixture(x, components, n, least).log_prob(targets),
         lambda x: mixture(x, components, n, least).mean, lambda p: [(p - targets).square().mean(1).sum().item()])


# ---- embeddings ----

def recall_at_1(p, classes):
    distances = torch.cdist(p, p, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(float("inf"))
    return [float(sum(classes[distances[i].argmin()] == classes[i] for i in range(len(classes)))) if len(classes) > 1
            else 0.0]


def embedded(x, options):
    return F.normalize(x) if "normalise=true" in options else x


def triplets_of(e, classes, hard):
    distances = torch.cdist(e, e, compute_mode="donot_use_mm_for_euclid_dist").detach()
    rows, found = range(len(classes)), []
    for a in rows:
        near = [p for p in rows if p != a and classes[p] == classes[a]]
        far = [n for n in rows if classes[n] != classes[a]]
        if hard and near and far:
            near, far = [max(near, key=lambda p: distances[a, p])], [min(far, key=lambda n: distances[a, n])]
        found += [(a, p, n) for p in near for n in far]
    return found


def triplet(classes, size, options, margin=0.2):
    hard, soft, squared = "mining" not in options, "soft_margin=true" in options, "squared=true" in options

    def loss(x):
        e = embedded(x, options)
        triplets = triplets_of(e, classes, hard)
        a, p, n = (e[list(column)] for column in zip(*triplets))
        if soft or squared:
            power = 2 if squared else 1
            excess = (a - p).norm(dim=1) ** power - (a - n).norm(dim=1) ** power
            costs = F.softplus(excess) if soft else (excess + margin).clamp(min=0)
        else:
            costs = F.triplet_margin_loss(a, p, n, margin=margin, eps=0, reduction="none")
        counted = len(costs) if "nonzero" not in options else (costs > 0).sum().item()
        share = 1 if hard else len(classes) / counted
        anchors = torch.tensor([t[0] for t in triplets])
        return share * torch.zeros(len(classes), dtype=torch.float64).index_add(0, anchors, costs)

    case(f"triplet class 5 {len(classes)} {options}", normal(len(classes), size), torch.tensor(classes), loss,
         lambda x: embedded(x, options), lambda p: recall_at_1(p, classes))


def contrastive(classes, size, options, margin=1.0):
    def loss(x):
        e = embedded(x, options)
        rows = range(len(classes))
        losses = []
        for a in rows:
            pairs = [(e[a] - e[b]).norm() for b in rows if b != a]
            same = [classes[a] == classes[b] for b in rows if b != a]
            costs = [0.5 * d ** 2 if s else 0.5 * (margin - d).clamp(min=0) ** 2 for d, s in zip(pairs, same)]
            losses.append(sum(costs) / len(costs) if costs else 0 * e[a].sum())
        return torch.stack(losses)

    case(f"contrastive class 5 {len(classes)} {options}", normal(len(classes), size), torch.tensor(classes), loss,
         lambda x: embedded(x, options), lambda p: recall_at_1(p, classes))


print(f"# Written by make_sequence_losses.py with PyTorch {torch.__version__.split('+')[0]}")

ctc(3, [4], [[0, 2]], "-")
ctc(3, [7, 5, 5, 2], [[1, 1, 0], [2], [0, 1, 2], [1]], "-")
ctc(2, [5, 3, 1], [[0, 0, 0], [], [1]], "-")  # as many steps as the repeats need; no label; one step
ctc(2, [3, 2], [[], []], "-")
ctc(2, [4, 3, 2], [[0, 1], [1, 1, 1], [0, 0]], "zero_infinity=true")  # the last two are impossible
ctc(4, [60, 41], [[0, 1, 1, 2, 3, 3, 0] * 3, [3, 2, 1, 0] * 4], "-", scale=3.0)
ctc(1, [6, 4], [[0, 0], [0]], "-", scale=40.0)  # probabilities that are 0 in f32

mixture_case(1, 3, 1, 1e-4, "components=1")
mixture_case(5, 4, 2, 1e-4, "-")
mixture_case(3, 5, 4, 0.5, "components=3 least_deviation=0.5")
# Far from every component, and nearly all weight on one.
mixture_case(2, 2, 1, 1e-4, "components=2", torch.tensor([[50.0, -50, 900, -900, 0, 1], [-80, 80, 1, 2, -1, -2]],
                                                        dtype=torch.float64),
             torch.tensor([[0.0], [1.5]], dtype=torch.float64))

groups = [0, 1, 0, 2, 1, 0, 3, 2]  # class 3 has one row
triplet(groups, 3, "size=3")
triplet(groups, 4, "size=4 margin=2 normalise=true", 2.0)
triplet(groups, 3, "size=3 soft_margin=true")
triplet(groups, 3, "size=3 squared=true margin=1", 1.0)
triplet(groups, 3, "size=3 mining=batch_all margin=0.5", 0.5)
triplet(groups, 2, "size=2 mining=batch_all_nonzero")
triplet(groups, 3, "size=3 mining=batch_all soft_margin=true squared=true normalise=true")

contrastive(groups, 3, "size=3 margin=2", 2.0)
contrastive(groups, 3, "size=3 margin=1.5 normalise=true", 1.5)
contrastive([4], 2, "size=2")

# In evaluation; what it is in training is checked by its equation.
for size in [2, 9]:
    logits, targets = 2 * normal(6, size), torch.randint(size, (6,))
    case(f"sampled_softmax class {size} 6 samples=3", logits, targets,
         lambda x: F.cross_entropy(x, targets, reduction="none"), lambda x: torch.softmax(x, 1),
         lambda p: [(p.argmax(1) == targets).double().sum().item(), -p[torch.arange(6), targets].log().sum().item()])
