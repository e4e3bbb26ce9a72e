"""Writes losses.txt: PyTorch's losses, their gradients and predictions in f64, for tests/test_plugins.c.

    python make_losses.py > losses.txt

A case is the loss's name, the kind of its targets, their size, the number of rows and the options as Rondo takes them.
The gradient is that of the mean over the rows. Metrics are sums over the rows.
"""
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
