"""Writes what PyTorch's EfficientNet-Lite answers; a script, run where torch and efficientnet_lite_pytorch are.

    pip install torch==2.13.0 efficientnet-lite-pytorch safetensors numpy
    PYTHONPATH=tests python -m support.torch_efficientnet

The weights are those of `tensor`, drawn by the tensor's name. Beside this file go `torch_efficientnet.npz`, with the
answers of Lite0 to Lite4 for images of two sizes, and `torch_efficientnet.pth`, a small file in PyTorch's own format.
"""

import hashlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SIDES = ((64, 64), (75, 50))  # even, and not divisible by the stride
KEPT = 16  # numbers of each answer


def tensor(name, shape):
    """Return the tensor of this name: kernels as He et al. 2015, and statistics that change every channel."""
    random = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    deviation = 0.1 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[1:]))
    return (deviation * random.standard_normal(shape)).astype(np.float32)


def image(height, width):
    """Return a smooth image with edges, float32 [H, W, 3] in [-1, 1]."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = [np.sin(y / 7 + x / 11 + k) + 0.5 * (x > width / (2 + k)) for k in range(3)]
    return np.stack(planes, -1).astype(np.float32) / 1.5


def kept(values):
    """Return the first, the middle and the last numbers of an answer, and its mean and deviation."""
    flat = np.asarray(values, np.float64).reshape(-1)
    middle = flat[len(flat) // 2 :][:KEPT]
    return np.concatenate([flat[:KEPT], middle, flat[-KEPT:], [flat.mean(), flat.std()]])


def stage_ends(number):
    """Return the place of each stage's last block, from the network's own table of repeats."""
    depth = (1.0, 1.1, 1.2, 1.4, 1.8)[number]
    repeats = (1, 2, 2, 3, 3, 4, 1)
    counts = [n if i in (0, 6) else int(np.ceil(n * depth)) for i, n in enumerate(repeats)]
    return np.cumsum(counts) - 1


def answers(number):
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(f"efficientnet-lite{number}").eval()
    state = model.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(tensor(name, tuple(value.shape)))
    model.load_state_dict(state)
    # The package fixes the padding for one size; TensorFlow's SAME depends on the image.
    found = {}
    for height, width in SIDES:
        model = same_padding(model)
        outputs, hooks = {}, []
        ends = stage_ends(number)
        for stage, place in enumerate(ends, 1):
            hooks.append(model._blocks[place].register_forward_hook(keep(outputs, f"stage_{stage}")))
        inputs = torch.from_numpy(image(height, width).transpose(2, 0, 1)[None])
        with torch.no_grad():
            outputs["logits"] = model(inputs)
        for hook in hooks:
            hook.remove()
        for name, value in outputs.items():
            value = value.numpy()
            found[f"{number}/{height}x{width}/{name}"] = kept(value.transpose(0, 2, 3, 1) if value.ndim == 4 else value)
    return found, state


def keep(outputs, name):
    return lambda module, given, output: outputs.__setitem__(name, output)


def same_padding(model):
    """Give each convolution the padding that its input's size asks for, in place of the package's fixed one."""
    import torch
    from torch.nn import functional

    def forward(self, x):
        sides = []
        for length, k, s in zip(x.shape[2:], self.kernel_size, self.stride, strict=True):
            total = max((-(-length // s) - 1) * s + k - length, 0)
            sides.append((total // 2, total - total // 2))
        x = functional.pad(x, [*sides[1], *sides[0]])
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.forward = forward.__get__(module)
    return model


def main():
    """Write both files."""
    import torch

    found = {}
    for number in range(5):
        new, state = answers(number)
        found |= new
        shapes = {name: tuple(v.shape) for name, v in state.items() if not name.endswith("num_batches_tracked")}
        found[f"{number}/shapes"] = np.array([f"{name} {' '.join(map(str, shape))}" for name, shape in shapes.items()])
    np.savez_compressed(HERE / "torch_efficientnet.npz", **found)
    small = {
        "a": torch.arange(12, dtype=torch.float32).reshape(3, 4),
        "transposed": torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
        "part": torch.arange(10, dtype=torch.float64)[2:8:2],
        "count": torch.tensor(7),
        "half": torch.tensor([0.5, -2.0], dtype=torch.float16),
    }
    torch.save(small, HERE / "torch_efficientnet.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
