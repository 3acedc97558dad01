"""The shipped denoisers in PyTorch, and the networks of DnCNN-B and FFDNet: peers of benchmarks/denoisers.py.

    python benchmarks/torch_denoisers.py [--weights FILE]

says by how much colorjax's and PyTorch's outputs differ, and fails from 1e-4 on. A denoiser here is a function of a
noisy picture, float32 [H, W, C] in [0, 1], that returns the restored one, not clipped. C is 3, or 1 for a gray network.

Needs requirements-benchmarks.txt.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

LAYOUTS = ("contiguous_format", "channels_last")
LIMIT = 1e-4
CHANNELS = {"denoise": 3, "denoise_gray": 1}  # of the pictures of a task
FFDNET = {1: (64, 15), 3: (96, 12)}  # channels of the picture: features, layers


class ResidualBlock(nn.Module):
    """`colorjax.models.bias_free_unet.ResidualBlock` with weights."""

    def __init__(self, arrays, name):
        super().__init__()
        self.first, self.second = (convolution(arrays, f"{name}/Conv_{index}") for index in range(2))

    def forward(self, features):
        """Return [B, features, H, W]."""
        return features + self.second(self.first(features).relu_())


class BiasFreeUNet(nn.Module):
    """`colorjax.models.bias_free_unet.BiasFreeUNet` with weights; pictures [B, C, H, W] to restored ones."""

    def __init__(self, arrays, channels, depth, blocks, fold):
        super().__init__()
        self.depth, self.fold = depth, fold
        # In PyTorch's squares of pixels each channel's pixels follow each other, in colorjax's each pixel's channels.
        order = np.arange(fold**2 * channels).reshape(fold**2, channels).T.ravel()
        names = iter(f"ResidualBlock_{index}" for index in range(blocks * (2 * depth + 1)))
        levels = [[ResidualBlock(arrays, next(names)) for _ in range(blocks)] for _ in range(2 * depth + 1)]
        self.levels = nn.ModuleList(nn.Sequential(*level) for level in levels)
        self.down = nn.ModuleList(narrowing(arrays[f"down_{level}/kernel"]) for level in range(depth))
        self.up = nn.ModuleList(widening(arrays[f"up_{level}/kernel"]) for level in reversed(range(depth)))
        self.input = convolution(arrays, "input", order_in=order)
        self.output = convolution(arrays, "output", order_out=order)

    def forward(self, pictures):
        """Return the restored pictures [B, C, H, W]."""
        height, width = pictures.shape[2:]
        stride = self.fold * 2**self.depth
        padded = nn.functional.pad(pictures, (0, -width % stride, 0, -height % stride), mode="reflect")
        features = self.input(nn.functional.pixel_unshuffle(padded, self.fold))
        skips = []
        for level, down in zip(self.levels[: self.depth], self.down, strict=True):
            skips.append(level(features))
            features = down(skips[-1])
        features = self.levels[self.depth](features)
        for level, up in zip(self.levels[self.depth + 1 :], self.up, strict=True):
            features = level(skips.pop() + up(features))
        return pictures + nn.functional.pixel_shuffle(self.output(features), self.fold)[..., :height, :width]


def narrowing(kernel):
    """Return the dense layer of 2x2 squares with this kernel [4 C, outputs] as a convolution."""
    rows, outputs = kernel.shape
    layer = nn.Conv2d(rows // 4, outputs, 2, 2, bias=False)
    fill(layer, kernel.reshape(2, 2, rows // 4, outputs).transpose(3, 2, 0, 1))
    return layer


def widening(kernel):
    """Return the dense layer to 2x2 squares with this kernel [inputs, 4 C] as a transposed convolution."""
    inputs, columns = kernel.shape
    layer = nn.ConvTranspose2d(inputs, columns // 4, 2, 2, bias=False)
    fill(layer, kernel.reshape(inputs, 2, 2, columns // 4).transpose(0, 3, 1, 2))
    return layer


class DnCNN(nn.Module):
    """DnCNN-B or CDnCNN-B (Zhang et al. 2017) with random weights: [B, C, H, W] to the same."""

    def __init__(self, channels):
        super().__init__()
        self.layers = plain_layers(channels, 64, channels, 20)

    def forward(self, pictures):
        """Return the pictures less their noise."""
        return pictures - self.layers(pictures)


class FFDNet(nn.Module):
    """FFDNet (Zhang et al. 2018) with random weights, told a noise of 25 of 255: [B, C, H, W] to the same."""

    def __init__(self, channels):
        super().__init__()
        width, layers = FFDNET[channels]
        self.layers = plain_layers(channels * 4 + 1, width, channels * 4, layers)

    def forward(self, pictures):
        """Return the restored pictures."""
        height, width = pictures.shape[2:]
        even = nn.functional.pad(pictures, (0, width % 2, 0, height % 2), mode="replicate")
        squares = nn.functional.pixel_unshuffle(even, 2)
        level = squares.new_full((len(squares), 1, *squares.shape[2:]), 25 / 255)
        restored = nn.functional.pixel_shuffle(self.layers(torch.cat([squares, level], dim=1)), 2)
        return restored[..., :height, :width]


def plain_layers(inputs, features, outputs, count):
    """Return 3x3 convolutions with ReLU between; batch normalization would be folded into them."""
    layers = []
    for _ in range(count - 1):
        layers += [nn.Conv2d(inputs, features, 3, padding=1), nn.ReLU(inplace=True)]
        inputs = features
    return nn.Sequential(*layers, nn.Conv2d(features, outputs, 3, padding=1))


def convolution(arrays, name, order_in=slice(None), order_out=slice(None)):
    """Return the convolution of that name, its channels in other orders."""
    kernel = arrays[f"{name}/kernel"][:, :, order_in][..., order_out].transpose(3, 2, 0, 1)
    layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding="same", bias=False)
    fill(layer, kernel)
    return layer


def fill(layer, weight):
    """Give a layer its weights."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))


def denoiser(model, layout):
    """Return the denoiser of a model, on all cores of the process."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    memory_format = getattr(torch, layout)
    model = model.to(memory_format=memory_format)

    def denoise(noisy):
        with torch.inference_mode():
            pictures = torch.from_numpy(noisy).permute(2, 0, 1)[None].contiguous(memory_format=memory_format)
            return model(pictures)[0].permute(1, 2, 0).numpy()

    return denoise


def same_network(weights, layout):
    """Return the denoiser of a weights file, which is read without jax."""
    with safe_open(weights, framework="numpy") as file:
        config = json.loads(file.metadata()["config"])
        arrays = {name.removeprefix("params/"): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model = config["model"]
    task, name = config["task"]["name"], model["name"]
    if task not in CHANNELS or name != "bias_free_unet":
        sys.exit(f"{weights}: {task}, {name}; only a denoiser that is a bias_free_unet is known in PyTorch")
    return denoiser(BiasFreeUNet(arrays, CHANNELS[task], model["depth"], model["blocks"], model["fold"]), layout)


def channels_of(weights):
    """Return the number of channels of a network's pictures."""
    with safe_open(weights, framework="numpy") as file:
        return CHANNELS.get(json.loads(file.metadata()["config"])["task"]["name"], 3)


def difference(weights):
    """Return the largest difference between colorjax and PyTorch, whose sizes of picture need padding."""
    import jax

    from colorjax.models import build_model
    from colorjax.weights import load

    trained = load(weights)
    channels = channels_of(weights)
    noisy = np.random.default_rng(0).normal(0.5, 0.25, (101, 147, channels)).astype(np.float32)
    model = build_model(trained.config.model, channels)
    ours = (
        noisy + np.asarray(jax.jit(lambda inputs: model.apply(trained.variables, inputs, train=False))(noisy[None]))[0]
    )
    return max(float(abs(same_network(weights, layout)(noisy) - ours).max()) for layout in LAYOUTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--weights", default=str(ROOT / "colorjax/pretrained/denoise_color.safetensors"), metavar="FILE"
    )
    weights = parser.parse_args().weights
    if not Path(weights).is_file():
        sys.exit(f"{weights}: there is no such file; 'launch.py export' writes one")
    found = difference(weights)
    print(f"{weights}: colorjax and PyTorch differ by {found:.1e} at most")
    if not found < LIMIT:
        sys.exit(f"that is not below {LIMIT}")


if __name__ == "__main__":
    main()
