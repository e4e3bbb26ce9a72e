"""Writes losses.txt: PyTorch's losses, their gradients and predictions in f64, for tests/test_losses.c.

    python make_losses.py > losses.txt

A case is the loss's name, the kind of its targets, their size, the number of rows and the options as Rondo takes them.
The gradient is that of the mean over the rows. Metrics are sums over the rows.
"""
import math

import torch
import torch.nn.functional as F

torch.manual_seed(2)


def line(word, tensor):
    print(word, *(repr(value) for value in tensor.detach().reshape(-1).tolist()))


def case(name, kind, size, options, outputs, targets, loss, predict, metrics):
    outputs = outputs.clone().requires_grad_(True)
    losses = loss(outputs, targets)
    losses.mean().backward()
    predictions = predict(outputs)
    print("case", name, kind, size, outputs.shape[0], options)
    line("outputs", outputs)
    line("targets", targets)
    line("losses", losses)
    line("gradient", outputs.grad)
    line("predictions", predictions)
    line("metrics", torch.stack(metrics(predictions, targets)))


def softmax_metrics(p, t):
    return [(p.argmax(1) == t).double().sum(), -p[torch.arange(len(t)), t].log().sum()]


def two_classes(x):
    return torch.cat([torch.sigmoid(-x), torch.sigmoid(x)], 1)


def binary(reduction):
    def loss(x, y):
        y = y.double().reshape(x.shape)
        each = F.binary_cross_entropy_with_logits(x, y, reduction="none")
        return each.mean(1) if reduction == "mean" else each.sum(1)
    return loss


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


print(f"# Written by make_losses.py with PyTorch {torch.__version__.split('+')[0]}")

for options, smoothing in [("-", 0.0), ("label_smoothing=0.1", 0.1), ("label_smoothing=0.9", 0.9)]:
    case("softmax_cross_entropy", "class", 5, options, 2 * normal(6, 5), torch.randint(5, (6,)),
         lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=smoothing),
         lambda x: torch.softmax(x, 1), softmax_metrics)
# Logits that overflow where the largest is not taken off first.
case("softmax_cross_entropy", "class", 2, "-", torch.tensor([[1000.0, 990.0], [-1000.0, -990.0]], dtype=torch.float64),
     torch.tensor([1, 1]), lambda x, t: F.cross_entropy(x, t, reduction="none"), lambda x: torch.softmax(x, 1),
     softmax_metrics)

case("sigmoid_cross_entropy", "class", 2, "-", 2 * normal(7, 1), torch.randint(2, (7,)), binary("mean"), two_classes,
     lambda p, t: [(p.argmax(1) == t).double().sum()])
case("sigmoid_cross_entropy", "class", 2, "-", torch.tensor([[800.0], [-800.0], [800.0]], dtype=torch.float64),
     torch.tensor([1, 0, 0]), binary("mean"), two_classes, lambda p, t: [(p.argmax(1) == t).double().sum()])
for reduction in ["mean", "sum"]:
    case("sigmoid_cross_entropy", "real", 3, f"reduction={reduction}", normal(4, 3),
         torch.rand(4, 3, dtype=torch.float64).mul(1.2).sub(0.1).clamp(0, 1), binary(reduction), torch.sigmoid,
         lambda p, y: [((p > 0.5) == (y > 0.5)).double().mean(1).sum()])

for rows, size in [(5, 3), (4, 1)]:
    case("squared_error", "real", size, "-", normal(rows, size), normal(rows, size),
         lambda x, y: F.mse_loss(x, y, reduction="none").mean(1), lambda x: x,
         lambda p, y: [(p - y).square().mean(1).sum(), (p - y).abs().mean(1).sum()])


# ---- options of the cross-entropies ----

def weighted_softmax(weights, smoothing, focus):
    """Cross-entropy to the smoothed target, each class with its weight and its focal factor (Lin et al. 2017)."""
    def loss(x, t):
        w = torch.tensor(weights or [1.0] * x.shape[1], dtype=x.dtype)
        if focus == 0:
            return F.cross_entropy(x, t, weight=w, reduction="none", label_smoothing=smoothing)
        log_p = torch.log_softmax(x, 1)
        target = F.one_hot(t, x.shape[1]).double() * (1 - smoothing) + smoothing / x.shape[1]
        return -(target * w * (1 - log_p.exp()) ** focus * log_p).sum(1)
    return loss


for options, weights, smoothing, focus in [
        ("class_weights=[0.5,2,1,0,3]", [0.5, 2, 1, 0, 3], 0, 0),
        ("class_weights=[0.5,2,1,0,3] label_smoothing=0.2", [0.5, 2, 1, 0, 3], 0.2, 0),
        ("focus=2", None, 0, 2.0), ("focus=0.5 label_smoothing=0.1", None, 0.1, 0.5),
        ("class_weights=[0.5,2,1,0,3] label_smoothing=0.1 focus=1.5", [0.5, 2, 1, 0, 3], 0.1, 1.5)]:
    case("softmax_cross_entropy", "class", 5, options, 2 * normal(5, 5), torch.tensor([3, 1, 4, 0, 2]),
         weighted_softmax(weights, smoothing, focus), lambda x: torch.softmax(x, 1), softmax_metrics)
case("softmax_cross_entropy", "class", 2, "focus=2", torch.tensor([[300.0, -300.0], [-40.0, 40.0]]).double(),
     torch.tensor([0, 0]), weighted_softmax(None, 0, 2.0), lambda x: torch.softmax(x, 1), softmax_metrics)


def weighted_binary(weight, focus, smoothing):
    def loss(x, y):
        y = y.double().reshape(x.shape) * (1 - smoothing) + smoothing / 2
        w = torch.tensor(weight, dtype=x.dtype)
        if focus == 0:
            return F.binary_cross_entropy_with_logits(x, y, pos_weight=w, reduction="none").mean(1)
        s = torch.sigmoid(x)
        each = w * y * (1 - s) ** focus * F.logsigmoid(x) + (1 - y) * s ** focus * F.logsigmoid(-x)
        return -each.mean(1)
    return loss


def binary_accuracy(p, y):
    return [((p > 0.5) == (y > 0.5)).double().mean(1).sum()]


for options, weight, focus, smoothing in [
        ("positive_weight=2.5", [2.5], 0, 0), ("positive_weight=[0.5,3,1]", [0.5, 3, 1], 0, 0), ("focus=2", [1], 2, 0),
        ("label_smoothing=0.2", [1], 0, 0.2),
        ("positive_weight=[0.5,3,1] focus=0.5 label_smoothing=0.1", [0.5, 3, 1], 0.5, 0.1)]:
    case("sigmoid_cross_entropy", "real", 3, options, 2 * normal(4, 3), torch.rand(4, 3, dtype=torch.float64).round(),
         weighted_binary(weight, focus, smoothing), torch.sigmoid, binary_accuracy)
case("sigmoid_cross_entropy", "class", 2, "positive_weight=3 focus=1",
     torch.cat([normal(4, 1), torch.tensor([[300.0], [-300.0], [300.0]]).double()]),
     torch.tensor([1, 0, 1, 0, 1, 1, 0]), weighted_binary([3], 1, 0), two_classes,
     lambda p, t: [(p.argmax(1) == t).double().sum()])

# ---- classes ----

for options, weights in [("-", None), ("class_weights=[2,0.5,1,0.25]", [2, 0.5, 1, 0.25])]:
    weight = None if weights is None else torch.tensor(weights).double()
    case("negative_log_likelihood", "class", 4, options, torch.log_softmax(2 * normal(5, 4), 1),
         torch.tensor([3, 1, 0, 2, 2]), lambda x, t: F.nll_loss(x, t, reduction="none", weight=weight), torch.exp,
         softmax_metrics)


def multi_margin(margin, power, hardest):
    def loss(x, t):
        if not hardest:
            return F.multi_margin_loss(x, t, p=power, margin=margin, reduction="none")
        each = torch.relu(margin - x.gather(1, t[:, None]) + x) ** power
        return each.masked_fill(F.one_hot(t, x.shape[1]).bool(), 0).amax(1)
    return loss


for options, margin, power, hardest in [
        ("-", 1, 1, False), ("power=2", 1, 2, False), ("margin=0.5 rivals=hardest", 0.5, 1, True),
        ("margin=2 power=2 rivals=hardest", 2, 2, True)]:
    case("hinge", "class", 4, options, normal(5, 4), torch.tensor([3, 1, 0, 2, 2]),
         multi_margin(margin, power, hardest), lambda x: torch.softmax(x, 1),
         lambda p, t: [(p.argmax(1) == t).double().sum()])
case("hinge", "class", 2, "-", torch.tensor([[1000.0, 990.0], [-1000.0, -990.0]]).double(), torch.tensor([1, 1]),
     multi_margin(1, 1, False), lambda x: torch.softmax(x, 1), lambda p, t: [(p.argmax(1) == t).double().sum()])


def binary_margin(margin, power):
    """hinge_embedding_loss with targets of -1 is max(0, margin - its input)."""
    def loss(x, y):
        each = F.hinge_embedding_loss(x * y, -torch.ones_like(x), margin=margin, reduction="none")
        return (each ** power).mean(1)
    return loss


for options, margin, power in [("-", 1, 1), ("margin=0.75 power=2", 0.75, 2)]:
    case("hinge", "real", 3, options, normal(4, 3), normal(4, 3).sign(), binary_margin(margin, power), lambda x: x,
         lambda p, y: [((p > 0) == (y > 0)).double().mean(1).sum()])

# ---- numbers ----


def same(x):
    return x


def errors(p, y):
    return [(p - y).abs().mean(1).sum(), (p - y).square().mean(1).sum()]


for rows, size in [(5, 3), (4, 1)]:
    case("absolute_error", "real", size, "-", normal(rows, size), normal(rows, size),
         lambda x, y: F.l1_loss(x, y, reduction="none").mean(1), same, errors)
for options, delta in [("-", 1.0), ("delta=0.25", 0.25), ("delta=100", 100.0)]:
    case("huber", "real", 3, options, 2 * normal(5, 3), normal(5, 3),
         lambda x, y: F.huber_loss(x, y, delta=delta, reduction="none").mean(1), same, errors)
case("log_cosh", "real", 3, "-", torch.cat([2 * normal(4, 3), torch.tensor([[1000.0, -1000.0, 0.125]]).double()]),
     normal(5, 3), lambda x, y: (F.softplus(2 * (x - y), threshold=1000) - (x - y) - math.log(2)).mean(1), same, errors)


def pinball(levels):
    t = torch.tensor(levels, dtype=torch.float64)

    def loss(x, y):
        d = y[:, :, None] - x.reshape(*y.shape, len(levels))
        return torch.where(d >= 0, t * d, (t - 1) * d).mean((1, 2))
    return loss


def quantile_metrics(levels):
    def metrics(p, y):
        p = p.reshape(*y.shape, len(levels))
        low, high = p[:, :, 0], p[:, :, -1]
        covered = (y <= high) & (y >= low) if len(levels) > 1 else y <= high
        crossed = (p[:, :, 1:] < p[:, :, :-1]).double().sum((1, 2)) / max(1, y.shape[1] * (len(levels) - 1))
        middle = p[:, :, min(range(len(levels)), key=lambda level: abs(levels[level] - 0.5))]
        return [covered.double().mean(1).sum(), crossed.sum(), (middle - y).abs().mean(1).sum()]
    return metrics


for options, size, levels in [("-", 3, [0.5]), ("levels=0.9", 1, [0.9]),
                              ("levels=[0.1,0.5,0.75,0.9]", 2, [0.1, 0.5, 0.75, 0.9])]:
    case("quantile", "real", size, options, normal(5, size * len(levels)), normal(5, size), pinball(levels), same,
         quantile_metrics(levels))

# ---- vectors and distributions ----


def direction(p, y):
    cosine = F.cosine_similarity(p, y, dim=1)
    return [cosine.sum(), torch.rad2deg(torch.acos(cosine)).sum()]


for scale, size in [(1.0, 4), (1000.0, 3), (2.0, 2)]:
    case("cosine", "real", size, "-", scale * normal(5, size), normal(5, size),
         lambda x, y: F.cosine_embedding_loss(x, y, torch.ones(len(x)), reduction="none"), same, direction)

probabilities = torch.softmax(3 * normal(5, 4), 1)
certain = torch.tensor([[0, 1, 0, 0], [0.5, 0.25, 0, 0.25]], dtype=torch.float64)
for outputs, targets in [(2 * normal(5, 4), probabilities), (1000 * normal(2, 4), certain)]:
    case("kullback_leibler", "real", 4, "-", outputs, targets,
         lambda x, t: F.kl_div(torch.log_softmax(x, 1), t, reduction="none").sum(1), lambda x: torch.softmax(x, 1),
         lambda p, t: [(p.argmax(1) == t.argmax(1)).double().sum(), (p - t).abs().sum() / 2])


def poisson_metrics(r, y):
    smallest = 1.1754943508222875e-38  # of f32
    deviance = 2 * (torch.special.xlogy(y, y / r.clamp(min=smallest)) - (y - r))
    return [deviance.mean(1).sum(), (r - y).square().mean(1).sum(), (r - y).abs().mean(1).sum()]


counts = torch.tensor([[0, 1, 2], [7, 0, 3], [1, 40, 0.5]], dtype=torch.float64)
for options, rate, full in [("-", torch.exp, False), ("full=true", torch.exp, True),
                            ("link=softplus", F.softplus, False), ("link=identity full=true", same, True)]:
    outputs = normal(3, 3).abs() + 0.1 if rate is same else 2 * normal(3, 3)
    case("poisson", "real", 3, options, outputs, counts,
         lambda x, y: F.poisson_nll_loss(x if rate is torch.exp else rate(x), y, log_input=rate is torch.exp, full=full,
                                         reduction="none").mean(1), rate, poisson_metrics)


def gaussian(floor, full):
    def loss(x, y):
        mean, s = x.chunk(2, 1)
        return F.gaussian_nll_loss(mean, y, F.softplus(s) + floor, full=full, eps=1e-30, reduction="none").mean(1)
    return loss


def means(x):
    return x.chunk(2, 1)[0]


for options, size, floor, full in [("-", 3, 1e-6, True), ("full=false floor=0.25", 2, 0.25, False), ("-", 2, 1e-6, True)]:
    case("gaussian", "real", size, options, normal(4, 2 * size), normal(4, size), gaussian(floor, full), means,
         lambda p, y: errors(p, y)[::-1])
# Variances down at the floor and far above 1.
case("gaussian", "real", 1, "floor=0.01", torch.tensor([[0.5, -200.0], [0.5, 1000.0]]).double(),
     torch.tensor([[0.375], [2.0]]).double(), gaussian(0.01, True), means, lambda p, y: errors(p, y)[::-1])


# ---- distributions ----

def student_t(degrees, least, floor):
    def loss(x, y):
        n = y.shape[1]
        v = degrees if degrees else F.softplus(x[:, 2 * n:]) + least
        scale = F.softplus(x[:, n:2 * n]) + floor
        return -torch.distributions.StudentT(v, x[:, :n], scale).log_prob(y).mean(1)
    return loss


for options, size, degrees, least, floor, spread in [
        ("-", 3, 0, 2, 1e-6, 2), ("degrees=4", 2, 4, 0, 1e-6, 2), ("degrees=1 floor=0.25", 1, 1, 0, 0.25, 30),
        ("least_degrees=0.5", 1, 0, 0.5, 1e-6, 20), ("degrees=1000", 2, 1000, 0, 1e-6, 1)]:
    case("student_t", "real", size, options, spread * normal(4, (2 if degrees else 3) * size), normal(4, size),
         student_t(degrees, least, floor), lambda x: x[:, :size], lambda p, y: errors(p, y)[::-1])


def negative_binomial(mean, floor):
    def loss(x, y):
        m, z = x.chunk(2, 1)
        a = F.softplus(z) + floor
        distribution = torch.distributions.NegativeBinomial(1 / a, logits=mean(m).log() + a.log())
        return -distribution.log_prob(y).mean(1)
    return loss


def softplus_mean(x):
    return F.softplus(x) + 1e-8


for options, mean, floor, targets in [
        ("-", torch.exp, 1e-6, [[0, 1, 2], [7, 0, 3], [1, 40, 12]]),
        ("link=softplus", softplus_mean, 1e-6, [[0, 1], [300, 2], [5, 0]]),
        ("floor=0.5", torch.exp, 0.5, [[0], [2], [1500]]),
        ("scale=40", lambda x: 40 * x.exp(), 1e-6, [[0, 44], [30, 90]])]:
    targets = torch.tensor(targets, dtype=torch.float64)
    case("negative_binomial", "real", targets.shape[1], options, 2 * normal(len(targets), 2 * targets.shape[1]), targets,
         negative_binomial(mean, floor), lambda x: mean(x[:, :targets.shape[1]]), lambda p, y: errors(p, y)[::-1])
# Larger counts near their mean.
case("negative_binomial", "real", 1, "-", torch.tensor([[5.3, -3.0], [4.5, 1.0]]).double(), torch.tensor([[200], [90]]).double(),
     negative_binomial(torch.exp, 1e-6), lambda x: x[:, :1].exp(), lambda p, y: errors(p, y)[::-1])
