"""The U-Net of colorjax against the same network in PyTorch: forward pass and training step (Adam).

    python benchmarks/unet.py                                       # CPU, float32, 2 threads each
    python benchmarks/unet.py --device gpu --dtype bfloat16         # where both have a GPU

Both sides have the same 7.76 million parameters (width 32, depth 4, plain blocks, group normalization with the same
groups, 2x2 max pooling, 2x2 transposed convolutions), the same batch (4x128x128x3) and squared error. PyTorch runs
eagerly, in its default and in its channels-last layout, and the faster of the two is what colorjax is held against.
The rounds interleave all contestants; one ratio is the median of those within a round, the other that of the least
times. On a busy machine look at the latter: PyTorch's threads wait for each other by spinning, and lose far more than
XLA's when something else takes a core. The first call, which compiles, is timed apart. Needs
requirements-benchmarks.txt.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

WIDTH, DEPTH, CHANNELS = 32, 4, 3


def colorjax_contestant(device, dtype, batch, size):
    """Return {'forward': function, 'step': function} of colorjax and its number of parameters."""
    import jax
    import jax.numpy as jnp
    import optax

    from colorjax.models import build_model

    config = {"name": "unet", "width": WIDTH, "depth": DEPTH, "norm": "group", "block": "plain", "dtype": dtype}
    model = build_model(config, output_channels=CHANNELS)
    optimizer = optax.adam(1e-3)
    with jax.default_device(jax.devices(device)[0]):
        inputs = jax.random.uniform(jax.random.key(0), (batch, size, size, CHANNELS))
        parameters = jax.jit(lambda key: model.init(key, inputs, train=False))(jax.random.key(1))
        state = [(parameters, jax.jit(optimizer.init)(parameters))]

    @jax.jit
    def apply(parameters, inputs):
        return model.apply(parameters, inputs, train=True)

    def update(state, inputs):
        def loss(parameters):
            return jnp.square(apply(parameters, inputs) - 0.5 * inputs).mean()

        parameters, moments = state
        value, gradients = jax.value_and_grad(loss)(parameters)
        updates, moments = optimizer.update(gradients, moments)
        return (optax.apply_updates(parameters, updates), moments), value

    update = jax.jit(update, donate_argnums=0)

    def step():
        state[0], value = update(state[0], inputs)
        value.block_until_ready()

    def forward():
        apply(state[0][0], inputs).block_until_ready()

    return {"forward": forward, "step": step}, sum(leaf.size for leaf in jax.tree.leaves(parameters))


def torch_contestant(device, dtype, batch, size, layout):
    """Return {'forward': function, 'step': function} of PyTorch and its number of parameters."""
    import torch
    from torch import nn

    from colorjax.models.normalization import group_count

    def block(inputs, outputs):
        layers = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.GroupNorm(group_count(outputs), outputs),
                nn.ReLU(inplace=True),
            ]
        return nn.Sequential(*layers)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            widths = [WIDTH * 2**level for level in range(DEPTH + 1)]
            self.down = nn.ModuleList(map(block, [CHANNELS, *widths], widths))
            self.widen = nn.ModuleList([nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[:-1]])
            self.up = nn.ModuleList([block(2 * w, w) for w in widths[:-1]])
            self.output = nn.Conv2d(WIDTH, CHANNELS, 1)

        def forward(self, features):
            skips = []
            for level in range(DEPTH):
                features = self.down[level](features)
                skips.append(features)
                features = nn.functional.max_pool2d(features, 2)
            features = self.down[DEPTH](features)
            for level in reversed(range(DEPTH)):
                features = self.up[level](torch.cat([skips[level], self.widen[level](features)], dim=1))
            return self.output(features)

    place = "cuda" if device == "gpu" else "cpu"
    memory_format = torch.channels_last if layout == "channels last" else torch.contiguous_format
    model = UNet().to(place, memory_format=memory_format)
    inputs = torch.rand(batch, CHANNELS, size, size).to(place, memory_format=memory_format)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    narrow = torch.autocast(place, torch.bfloat16, enabled=dtype == "bfloat16")

    def finish():
        if place == "cuda":
            torch.cuda.synchronize()

    def forward():
        with torch.inference_mode(), narrow:
            model(inputs)
        finish()

    def step():
        optimizer.zero_grad()
        with narrow:
            outputs = model(inputs)
        (outputs.float() - 0.5 * inputs).square().mean().backward()
        optimizer.step()
        finish()

    return {"forward": forward, "step": step}, sum(p.numel() for p in model.parameters())


def seconds(function):
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that both sides share")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    arguments = parser.parse_args()

    if arguments.device == "cpu":
        # XLA sizes its thread pool by the cores that it may run on, so this comes before jax is imported.
        cores = sorted(os.sched_getaffinity(0))[: arguments.threads]
        os.sched_setaffinity(0, cores)
        os.environ["JAX_PLATFORMS"] = "cpu"
    import torch

    if arguments.device == "cpu":
        torch.set_num_threads(len(cores))
    elif not torch.cuda.is_available():
        sys.exit("This PyTorch has no CUDA: nothing to compare with on a GPU.")
    else:
        import jax

        if jax.default_backend() != "gpu":
            sys.exit("This jax has no GPU: nothing to compare with on a GPU.")

    setting = (arguments.device, arguments.dtype, arguments.batch, arguments.size)
    contestants = {"colorjax": colorjax_contestant(*setting)}
    for layout in ("default", "channels last"):
        contestants[f"torch, {layout}"] = torch_contestant(*setting, layout)
    parameters = {count for _, count in contestants.values()}
    assert len(parameters) == 1, f"the networks differ: {parameters} parameters"
    print(
        f"{parameters.pop():,} parameters, {arguments.batch}x{arguments.size}x{arguments.size}, {arguments.dtype}, "
        + (f"{len(cores)} CPU cores" if arguments.device == "cpu" else "GPU")
        + f", medians of {arguments.rounds} rounds"
    )
    print(f"{'':9}{'':22}{'first':>9}{'median':>9}{'least':>9}{'colorjax / this: median':>25}{'least':>8}")
    for what in ("forward", "step"):
        first = {name: seconds(functions[what]) for name, (functions, _) in contestants.items()}
        times = {name: [] for name in contestants}
        for _ in range(arguments.rounds):
            for name, (functions, _) in contestants.items():
                times[name].append(seconds(functions[what]))
        ours = times["colorjax"]
        for name, theirs in times.items():
            row = f"{what:9}{name:22}{first[name]:8.2f}s{statistics.median(theirs):8.3f}s{min(theirs):8.3f}s"
            if name != "colorjax":
                rounds = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
                row += f"{rounds:25.2f}{min(ours) / min(theirs):8.2f}"
            print(row)


if __name__ == "__main__":
    main()
