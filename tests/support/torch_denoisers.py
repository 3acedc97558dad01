"""Writes what PyTorch's denoisers answer, and files in PyTorch's own formats; a script, run where torch is.

    pip install torch==2.13.0 numpy
    PYTHONPATH=tests python -m support.torch_denoisers

The networks are small ones with the layers and the names of cszn/KAIR's modules; their weights are those of `tensor`,
drawn by the tensor's name. Beside this file go `torch_denoisers.npz`, with the answers, `torch_drunet.pth` in the zip
format and `torch_ffdnet.pth` in the legacy one.
"""

import hashlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
DEPTHS = {"dncnn": 17, "ffdnet": 4, "ircnn": 7}
DILATIONS = (1, 2, 3, 4, 3, 2, 1)
LEVEL = 0.2  # of the noise, in the map


def tensor(name, shape):
    """Return the tensor of this name, with variance kept through ReLU."""
    random = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    deviation = 0.1 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[1:]))
    return (deviation * random.standard_normal(shape)).astype(np.float32)


def image(height, width, channels):
    """Return an image of any values, float32 [H, W, C]."""
    return np.random.default_rng(channels).uniform(size=(height, width, channels)).astype(np.float32)


def main():
    """Write the files."""
    import torch
    from torch import nn

    def chain(widths, dilations=None, normalized=False):
        """As KAIR's basicblock.sequential makes it: a flat nn.Sequential."""
        layers, last = [], len(widths) - 2
        for number in range(last + 1):
            dilation = dilations[number] if dilations else 1
            size = {"kernel_size": 3, "padding": dilation, "dilation": dilation}
            layers.append(nn.Conv2d(widths[number], widths[number + 1], **size))
            if normalized and 0 < number < last:
                layers.append(nn.BatchNorm2d(widths[number + 1], eps=1e-4))
            if number < last:
                layers.append(nn.ReLU())
        return nn.Sequential(*layers)

    class Noise(nn.Module):
        def __init__(self, *args, **kwargs):
            super().__init__()
            self.model = chain(*args, **kwargs)

        def forward(self, x):
            return x - self.model(x)

    class FFDNet(nn.Module):
        def __init__(self, channels, width, depth):
            super().__init__()
            self.model = chain([4 * channels + 1, *[width] * (depth - 1), 4 * channels])

        def forward(self, x):
            squares = nn.functional.pixel_unshuffle(x, 2)
            level = torch.full((1, 1, *squares.shape[-2:]), LEVEL)
            return nn.functional.pixel_shuffle(self.model(torch.cat((squares, level), 1)), 2)

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.res = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1, bias=False),
            )

        def forward(self, x):
            return x + self.res(x)

    class DRUNet(nn.Module):
        def __init__(self, channels, widths, blocks):
            super().__init__()
            first, *others = widths
            self.m_head = nn.Conv2d(channels + 1, first, 3, padding=1, bias=False)
            for level, (small, large) in enumerate(zip(widths, others, strict=False), 1):
                down = [Block(small) for _ in range(blocks)] + [nn.Conv2d(small, large, 2, stride=2, bias=False)]
                up = [nn.ConvTranspose2d(large, small, 2, stride=2, bias=False)] + [Block(small) for _ in range(blocks)]
                setattr(self, f"m_down{level}", nn.Sequential(*down))
                setattr(self, f"m_up{level}", nn.Sequential(*up))
            self.m_body = nn.Sequential(*[Block(widths[-1]) for _ in range(blocks)])
            self.m_tail = nn.Conv2d(first, channels, 3, padding=1, bias=False)

        def forward(self, x):
            level = torch.full((1, 1, *x.shape[-2:]), LEVEL)
            x1 = self.m_head(torch.cat((x, level), 1))
            x2 = self.m_down1(x1)
            x3 = self.m_down2(x2)
            x4 = self.m_down3(x3)
            x = self.m_body(x4)
            x = self.m_up3(x + x4)
            x = self.m_up2(x + x3)
            x = self.m_up1(x + x2)
            return self.m_tail(x + x1)

    networks = {
        "dncnn": (Noise([3, *[3] * 16, 3]), 3),
        "dncnn_norm": (Noise([1, *[3] * 16, 1], normalized=True), 1),
        "ircnn": (Noise([1, *[3] * 6, 1], dilations=DILATIONS), 1),
        "ffdnet": (FFDNet(3, 5, DEPTHS["ffdnet"]), 3),
        "drunet": (DRUNet(3, (2, 4, 8, 16), 2), 3),
    }
    kept = {}
    for name, (module, channels) in networks.items():
        state = module.eval().state_dict()
        for key, value in state.items():
            if value.ndim:
                state[key] = torch.from_numpy(tensor(key, tuple(value.shape)))
        module.load_state_dict(state)
        x = torch.from_numpy(image(16, 24, channels)).permute(2, 0, 1)[None]
        with torch.no_grad():
            kept[f"{name}/answer"] = module(x)[0].permute(1, 2, 0).numpy()
        kept[f"{name}/shapes"] = np.array([f"{key} {' '.join(map(str, value.shape))}" for key, value in state.items()])
        if name == "drunet":
            torch.save(state, HERE / "torch_drunet.pth")
        if name == "ffdnet":
            torch.save(state, HERE / "torch_ffdnet.pth", _use_new_zipfile_serialization=False)
    np.savez_compressed(HERE / "torch_denoisers.npz", **kept)


if __name__ == "__main__":
    main()
