"""Inception-ResNet-v2 of colorjax against Keras 3, on JAX and on PyTorch, and timm's: forward pass to the logits.

    python benchmarks/inception.py                                  # CPU, float32, 2 threads each
    python benchmarks/inception.py --device gpu --dtype bfloat16    # where both have a GPU

All sides have the same weights (random ones that Keras writes and colorjax converts) and the same pictures, 299x299,
and answer the same before anything is timed. Each is called as fast as its users can without rewriting it:

- Keras on JAX: `jax.jit` of `model.stateless_call(..., training=False)`.
- Keras on PyTorch: `model(pictures, training=False)` in `torch.inference_mode()`. Keras's pictures and features are
  channels-last on either backend, its default and the layout of the published weights.
- timm, if it is installed (requirements-benchmarks.txt leaves it out, since it needs torchvision): eager too, in
  `torch.inference_mode()`, in both of PyTorch's layouts.

With bfloat16, colorjax and Keras (policy mixed_bfloat16) keep float32 weights, timm's network is bfloat16 throughout.

Keras has one backend in a process, so each contestant has a process of its own. They take turns, one call each, and
while one works the others wait for their next call without using a core. One ratio is the median of those within a
round, the other that of the least times; on a busy machine look at the latter, as in unet.py. The first call, which
compiles, is timed apart. Needs requirements-benchmarks.txt.
"""

import argparse
import importlib.util
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}  # largest difference of two logits, of the largest logit
PAUSE = 0.05  # seconds between two calls: PyTorch's threads spin for a while after their last work


def keras_model(backend):
    """Return the network in Keras, after which this process has that backend, and its number of parameters."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    keras.config.set_image_data_format("channels_last")
    return keras.applications.InceptionResNetV2(weights=None, classifier_activation=None)


def write_weights(path):
    """Write random weights, near those of a trained network in size."""
    model = keras_model("jax")
    random = np.random.default_rng(0)
    for layer in model.layers:
        values = []
        for variable in layer.weights:
            value = random.standard_normal(variable.shape).astype(np.float32)
            if variable.name == "kernel":
                value *= np.float32(np.sqrt(2 / np.prod(variable.shape[:-1])))
            elif variable.name == "moving_variance":
                value = random.uniform(0.5, 2.0, variable.shape).astype(np.float32)
            else:  # beta, moving_mean, bias
                value *= np.float32(0.2)
            values.append(value)
        layer.set_weights(values)
    model.save_weights(path)


def colorjax_contestant(weights, device, dtype):
    """Return a function that makes of pictures [B, 299, 299, 3] one that returns their logits."""
    import jax
    from flax.traverse_util import unflatten_dict

    from colorjax.models.inception.formats import read_source
    from colorjax.models.inception.network import InceptionResNetV2

    place = jax.devices(device)[0]
    variables = jax.device_put(unflatten_dict(read_source(weights).arrays), place)
    module = InceptionResNetV2(dtype=dtype)
    apply = jax.jit(lambda variables, inputs: module.apply(variables, inputs)["logits"])

    def prepare(pictures):
        inputs = jax.device_put(pictures, place)
        return lambda: apply(variables, inputs).block_until_ready()

    return prepare


def keras_jax_contestant(weights, device, dtype):
    """Return the same of Keras on JAX."""
    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    model = keras_model("jax")
    model.load_weights(weights)
    place = jax.devices(device)[0]
    variables = [
        [variable.value for variable in group] for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    variables = jax.device_put(variables, place)
    apply = jax.jit(lambda variables, inputs: model.stateless_call(*variables, inputs, training=False)[0])

    def prepare(pictures):
        inputs = jax.device_put(pictures, place)
        return lambda: apply(variables, inputs).block_until_ready()

    return prepare


def keras_torch_contestant(weights, device, dtype):
    """Return the same of Keras on PyTorch."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import torch

    keras.config.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    with keras.device("cuda" if device == "gpu" else "cpu"):
        model = keras_model("torch")
        model.load_weights(weights)

    def prepare(pictures):
        inputs = torch.from_numpy(pictures).to("cuda" if device == "gpu" else "cpu")

        def forward():
            with torch.inference_mode():
                return finished(model(inputs, training=False))

        return forward

    return prepare


def timm_contestant(weights, device, dtype, layout):
    """Return the same of timm in PyTorch."""
    import timm
    import torch

    from colorjax.models.inception.formats import read_source
    from colorjax.models.inception.network import BLOCKS, STEM

    model = timm.create_model("inception_resnet_v2", pretrained=False).eval()
    # timm's modules come in the order of the network, and a block's in the order of its branches.
    units = [(name,) for name, unit in STEM.items() if unit]
    for name, block in BLOCKS.items():
        units += [(name, f"branch_{i}_{j}") for i, branch in enumerate(block.branches) for j in range(len(branch))]
        units += [(name, "residual")] * bool(block.residual)
    units = iter([*units, ("conv2d_7b",)])
    arrays = read_source(weights).arrays

    def fill(tensor, *path):
        array = arrays[path]
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
        tensor.data.copy_(torch.from_numpy(array.transpose(axes)))

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            unit = next(units)
            if unit[-1] == "residual":
                fill(module.weight, "params", *unit, "kernel")
                fill(module.bias, "params", *unit, "bias")
            else:
                fill(module.weight, "params", *unit, "convolution", "kernel")
        elif isinstance(module, torch.nn.BatchNorm2d):
            fill(module.bias, "params", *unit, "normalization", "bias")
            fill(module.running_mean, "batch_stats", *unit, "normalization", "mean")
            fill(module.running_var, "batch_stats", *unit, "normalization", "var")
        elif isinstance(module, torch.nn.Linear):
            fill(module.weight, "params", "classifier", "kernel")
            fill(module.bias, "params", "classifier", "bias")
    place = {
        "device": "cuda" if device == "gpu" else "cpu",
        "dtype": getattr(torch, dtype),
        "memory_format": torch.channels_last if layout == "channels last" else torch.contiguous_format,
    }
    model = model.to(**place)

    def prepare(pictures):
        inputs = torch.from_numpy(pictures.transpose(0, 3, 1, 2)).to(**place)

        def forward():
            with torch.inference_mode():
                return finished(model(inputs))

        return forward

    return prepare


def finished(tensor):
    """Return a tensor of PyTorch once it is computed."""
    if tensor.is_cuda:
        import torch

        torch.cuda.synchronize()
    return tensor


CONTESTANTS = {
    "colorjax": (colorjax_contestant,),
    "Keras on JAX": (keras_jax_contestant,),
    "Keras on PyTorch": (keras_torch_contestant,),
    "timm, default": (timm_contestant, "default"),
    "timm, channels last": (timm_contestant, "channels last"),
}


NEEDED = ("colorjax", "Keras on JAX")  # the other side of each ratio, and the answer that all must give


def serve(connection, name, weights, device, dtype, threads):
    """Answer each batch size that comes with the seconds that a call took and its logits, until None comes.

    First comes None, or a line on why this contestant can't take part.
    """
    make, *options = CONTESTANTS[name]
    if make in (keras_torch_contestant, timm_contestant):
        import torch

        torch.set_num_threads(threads)
    try:
        prepare = make(weights, device, dtype, *options)
    except (RuntimeError, AssertionError) as error:  # JAX's and PyTorch's where the device is missing
        connection.send(f"{name}: {str(error).splitlines()[0]}")
        return
    forwards = {}
    connection.send(None)
    while batch := connection.recv():
        if batch not in forwards:
            forwards[batch] = prepare(pictures(batch))
        start = time.perf_counter()
        logits = forwards[batch]()
        elapsed = time.perf_counter() - start
        if hasattr(logits, "cpu"):
            logits = logits.float().cpu()
        connection.send((elapsed, np.asarray(logits, np.float32)))


def pictures(batch):
    """Return the pictures of a batch, [batch, 299, 299, 3] in [-1, 1]."""
    return np.random.default_rng(batch).uniform(-1, 1, (batch, 299, 299, 3)).astype(np.float32)


def call(connection, batch):
    """Return the seconds that one call of a contestant takes, and its logits."""
    time.sleep(PAUSE)
    connection.send(batch)
    return connection.recv()


def check(answers, tolerance):
    """Stop unless all logits are those of Keras on JAX."""
    expected = answers["Keras on JAX"]
    for name, logits in answers.items():
        error = np.abs(logits - expected).max() / np.abs(expected).max()
        if not error < tolerance:
            sys.exit(f"{name} and Keras on JAX differ by {error:.1e} of the largest logit: not the same network.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that all sides share")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    arguments = parser.parse_args()

    threads = arguments.threads
    if arguments.device == "cpu":
        # XLA sizes its thread pool by the cores that it may run on; the processes started below inherit them.
        cores = sorted(os.sched_getaffinity(0))[:threads]
        os.sched_setaffinity(0, cores)
        threads = len(cores)
        os.environ["JAX_PLATFORMS"] = "cpu"
    else:
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the contestants share the GPU's memory

    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.weights.h5"
        writer = spawn.Process(target=write_weights, args=(weights,))
        writer.start()
        writer.join()
        connections = {}
        for name, (make, *_) in CONTESTANTS.items():
            if make is timm_contestant and not importlib.util.find_spec("timm"):
                continue
            connections[name], theirs = spawn.Pipe()
            setting = (theirs, name, weights, arguments.device, arguments.dtype, threads)
            spawn.Process(target=serve, args=setting, daemon=True).start()
            theirs.close()  # so that recv tells when the process has ended
            if refusal := connections[name].recv():
                if name in NEEDED:
                    sys.exit(refusal)
                print(f"left out: {refusal}")
                del connections[name]

    print(
        f"299x299, {arguments.dtype}, "
        + (f"{threads} CPU cores" if arguments.device == "cpu" else "GPU")
        + f", medians of {arguments.rounds} rounds"
    )
    print(f"{'':10}{'':22}{'first':>9}{'median':>9}{'least':>9}{'colorjax / this: median':>25}{'least':>8}")
    for batch in arguments.batches:
        first = {name: call(connection, batch) for name, connection in connections.items()}
        check({name: logits for name, (_, logits) in first.items()}, TOLERANCE[arguments.dtype])
        times = {name: [] for name in connections}
        for _ in range(arguments.rounds):
            for name, connection in connections.items():
                times[name].append(call(connection, batch)[0])
        ours = times["colorjax"]
        for name, theirs in times.items():
            row = f"batch {batch:<4}{name:22}{first[name][0]:8.2f}s{statistics.median(theirs):8.3f}s{min(theirs):8.3f}s"
            if name != "colorjax":
                rounds = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
                row += f"{rounds:25.2f}{min(ours) / min(theirs):8.2f}"
            print(row, flush=True)
    for connection in connections.values():
        connection.send(None)


if __name__ == "__main__":
    main()
