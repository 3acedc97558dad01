"""Pix2pix and CycleGAN in PyTorch, as experiments/gan.py has them at its scale `small`: peers of benchmarks/gan.py.

The networks of Isola et al. 2017 and Zhu et al. 2017 with instance normalization, their losses, and Adam. Pictures are
[B, C, H, W] in [-1, 1]. Both programs' order of moves is that of the papers' code: the discriminator first in pix2pix,
the generators first in CycleGAN. Neither has an average of the weights.

Needs requirements-benchmarks.txt.
"""

import itertools
import time

import torch
from torch import nn

WIDEST = 8  # times the width


class UNet(nn.Module):
    """The generator of pix2pix: [B, inputs, H, W] to [B, outputs, H, W]."""

    def __init__(self, inputs, outputs, width, depth):
        super().__init__()
        widths = [width * min(2**level, WIDEST) for level in range(depth)]
        self.down = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1) for before, after in itertools.pairwise([inputs, *widths])
        )
        self.up = nn.ModuleList()
        before = widths[-1]
        for level in reversed(range(depth - 1)):
            self.up.append(nn.ConvTranspose2d(before, widths[level], 4, 2, 1))
            before = 2 * widths[level]
        self.up.append(nn.ConvTranspose2d(before, outputs, 4, 2, 1))
        self.dropped = depth - 5

    def forward(self, features):
        """Return the pictures."""
        skips, last = [], len(self.down) - 1
        for level, layer in enumerate(self.down):
            features = layer(nn.functional.leaky_relu(features, 0.2) if level else features)
            if 0 < level < last:
                features = nn.functional.instance_norm(features)
            skips.append(features)
        features = skips.pop()
        for number, layer in enumerate(self.up[:-1]):
            features = nn.functional.instance_norm(layer(torch.relu(features)))
            if number < self.dropped:
                features = nn.functional.dropout(features, 0.5)
            features = torch.cat([skips.pop(), features], dim=1)
        return torch.tanh(self.up[-1](torch.relu(features)))


class PatchGAN(nn.Sequential):
    """The discriminator of both: [B, inputs, H, W] to a map of scores."""

    def __init__(self, inputs, width, layers):
        steps, before = [], inputs
        for layer in range(layers + 1):
            after = width * min(2**layer, WIDEST)
            steps.append(nn.Conv2d(before, after, 4, 2 if layer < layers else 1, 1))
            if layer:
                steps.append(nn.InstanceNorm2d(after))
            steps.append(nn.LeakyReLU(0.2))
            before = after
        super().__init__(*steps, nn.Conv2d(before, 1, 4, 1, 1))


class Residual(nn.Sequential):
    """Two 3x3 convolutions, added to what they are given."""

    def __init__(self, width):
        def unit():
            return nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)

        super().__init__(*unit(), nn.ReLU(), *unit())

    def forward(self, features):
        """Return [B, width, H, W]."""
        return features + super().forward(features)


def residual_generator(width, blocks):
    """Return CycleGAN's generator, [B, 3, H, W] to the same."""

    def unit(layer, features):
        return layer, nn.InstanceNorm2d(features), nn.ReLU()

    return nn.Sequential(
        nn.ReflectionPad2d(3),
        *unit(nn.Conv2d(3, width, 7), width),
        *unit(nn.Conv2d(width, 2 * width, 3, 2, 1), 2 * width),
        *unit(nn.Conv2d(2 * width, 4 * width, 3, 2, 1), 4 * width),
        *(Residual(4 * width) for _ in range(blocks)),
        *unit(nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, 1, 1), 2 * width),
        *unit(nn.ConvTranspose2d(2 * width, width, 3, 2, 1, 1), width),
        nn.ReflectionPad2d(3),
        nn.Conv2d(width, 3, 7),
        nn.Tanh(),
    )


def adam(*modules):
    """Return the optimizer of some networks."""
    return torch.optim.Adam(itertools.chain(*(module.parameters() for module in modules)), 2e-4, (0.5, 0.999))


def weights_of(*modules):
    """Return the number of weights of some networks."""
    return sum(weight.numel() for module in modules for weight in module.parameters())


def like(scores, true):
    """Return what the scores ought to be."""
    return torch.full_like(scores, float(true))


def pix2pix(width, depth, layers, batch, size, layout):
    """Return a function that takes a step and returns its seconds, and the number of weights."""
    memory_format = getattr(torch, layout)
    generator, judge = UNet(1, 2, width, depth), PatchGAN(3, width, layers)
    for module in (generator, judge):
        module.to(memory_format=memory_format)
    of_generator, of_judge = adam(generator), adam(judge)
    inputs, truth = (torch.rand(batch, channels, size, size) * 2 - 1 for channels in (1, 2))
    bce = nn.functional.binary_cross_entropy_with_logits

    def step():
        made = generator(inputs)
        of_judge.zero_grad()
        seen_made = judge(torch.cat([inputs, made.detach()], dim=1))
        seen_true = judge(torch.cat([inputs, truth], dim=1))
        ((bce(seen_made, like(seen_made, False)) + bce(seen_true, like(seen_true, True))) / 2).backward()
        of_judge.step()
        of_generator.zero_grad()
        judge.requires_grad_(False)
        scores = judge(torch.cat([inputs, made], dim=1))
        (bce(scores, like(scores, True)) + 100 * nn.functional.l1_loss(made, truth)).backward()
        judge.requires_grad_(True)
        of_generator.step()

    return timed(step), weights_of(generator, judge)


def cycle_gan(width, blocks, layers, size, layout):
    """Return a function that takes a step and returns its seconds, and the number of weights."""
    memory_format = getattr(torch, layout)
    there, back = residual_generator(width, blocks), residual_generator(width, blocks)
    judges = PatchGAN(3, width, layers), PatchGAN(3, width, layers)
    for module in (there, back, *judges):
        module.to(memory_format=memory_format)
    of_generators, of_judges = adam(there, back), adam(*judges)
    gray, color = (torch.rand(1, 3, size, size) * 2 - 1 for _ in range(2))
    l1, mse = nn.functional.l1_loss, nn.functional.mse_loss

    def step():
        of_generators.zero_grad()
        for judge in judges:
            judge.requires_grad_(False)
        made, made_back = there(gray), back(color)
        loss = 10 * (l1(back(made), gray) + l1(there(made_back), color))
        loss = loss + 5 * (l1(there(color), color) + l1(back(gray), gray))
        for judge, picture in zip(judges, (made, made_back), strict=True):
            scores = judge(picture)
            loss = loss + mse(scores, like(scores, True))
        loss.backward()
        of_generators.step()
        of_judges.zero_grad()
        for judge, picture, real in zip(judges, (made, made_back), (color, gray), strict=True):
            judge.requires_grad_(True)
            seen_made, seen_true = judge(picture.detach()), judge(real)
            ((mse(seen_made, like(seen_made, False)) + mse(seen_true, like(seen_true, True))) / 2).backward()
        of_judges.step()

    return timed(step), weights_of(there, back, *judges)


def timed(step):
    """Return the function that takes a step and returns its seconds."""

    def take():
        begin = time.perf_counter()
        step()
        return time.perf_counter() - begin

    return take
