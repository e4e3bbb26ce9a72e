"""Writes optimizers.txt: trajectories of PyTorch's optimizers in f64, for tests/test_plugins.c.

    python make_optimizers.py > optimizers.txt

Every case starts from the same parameter and gets the same gradients. A case is the optimizer's name and options as
Rondo takes them; under it stand the parameter's values after some of the updates.
"""
import torch

STEPS = 50
SHOWN = [1, 2, 3, 10, 25, 50]

CASES = [
    ("sgd", "lr=0.1", torch.optim.SGD, dict(lr=0.1)),
    ("sgd", "lr=0.1 weight_decay=0.3", torch.optim.SGD, dict(lr=0.1, weight_decay=0.3)),
    ("sgd", "lr=0.1 momentum=0.9", torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    ("sgd", "lr=0.1 momentum=0.9 nesterov=true", torch.optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True)),
    ("sgd", "lr=0.05 momentum=0.5 nesterov=true weight_decay=0.2", torch.optim.SGD,
     dict(lr=0.05, momentum=0.5, nesterov=True, weight_decay=0.2)),
    ("adam", "-", torch.optim.Adam, dict(lr=0.001)),
    ("adam", "lr=0.1 beta1=0.5 beta2=0.9 epsilon=0.01", torch.optim.Adam, dict(lr=0.1, betas=(0.5, 0.9), eps=0.01)),
    ("adam", "lr=0.1 beta1=0 beta2=0", torch.optim.Adam, dict(lr=0.1, betas=(0.0, 0.0))),
    ("adam", "lr=0.1 weight_decay=0.3 decoupled=false", torch.optim.Adam, dict(lr=0.1, weight_decay=0.3)),
    ("adam", "lr=0.1 weight_decay=0.3", torch.optim.AdamW, dict(lr=0.1, weight_decay=0.3)),
]


def line(*words):
    print(*(repr(float(w)) if isinstance(w, (float, torch.Tensor)) else w for w in words))


torch.manual_seed(1)
start = torch.randn(4, dtype=torch.float64)
gradients = torch.randn(STEPS, 4, dtype=torch.float64)
gradients[:, 1] *= 1e-4  # small gradients, where epsilon matters
gradients[:, 2] *= 1e3
gradients[::3, 3] = 0  # and none now and then

print(f"# Written by make_optimizers.py with PyTorch {torch.__version__.split('+')[0]}")
line("start", *start)
for step in range(STEPS):
    line("gradient", *gradients[step])
for name, options, optimizer, arguments in CASES:
    print("case", name, options)
    parameter = start.clone().requires_grad_(True)
    update = optimizer([parameter], foreach=False, **arguments)
    for step in range(STEPS):
        parameter.grad = gradients[step].clone()
        update.step()
        if step + 1 in SHOWN:
            line("after", step + 1, *parameter.detach())
