"""Color: spaces, whose conversions can be imported from here, differences, bins of ab, and gray."""

from colorjax.color.spaces import (
    hsv2rgb,
    lab2rgb,
    lab2rgb_gamut,
    lab2xyz,
    linear_to_srgb,
    recolor,
    rgb2gray,
    rgb2hsv,
    rgb2lab,
    rgb2xyz,
    rgb2yiq,
    srgb_to_linear,
    xyz2lab,
    xyz2rgb,
    yiq2rgb,
)

__all__ = [
    "hsv2rgb",
    "lab2rgb",
    "lab2rgb_gamut",
    "lab2xyz",
    "linear_to_srgb",
    "recolor",
    "rgb2gray",
    "rgb2hsv",
    "rgb2lab",
    "rgb2xyz",
    "rgb2yiq",
    "srgb_to_linear",
    "xyz2lab",
    "xyz2rgb",
    "yiq2rgb",
]
