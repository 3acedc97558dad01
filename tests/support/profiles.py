"""ICC profiles for tests, packed from the specification (ICC.1:2001-04)."""

import itertools
import struct

D50 = (0.9642, 1.0, 0.8249)
# Colorants of Adobe RGB (1998), adapted to D50: its specification's annex.
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def numbers(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(values):
    return b"XYZ \0\0\0\0" + numbers(*values)


def gamma_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def described(name):
    text = name.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(12 + 67)


def packed(kind, space, connection, tags):
    """The bytes of a profile of `tags`, `{signature: data}`."""
    data, table, at = b"", b"", 128 + 4 + 12 * len(tags)
    for signature, value in tags.items():
        value += bytes(-len(value) % 4)
        table += signature + struct.pack(">II", at + len(data), len(value))
        data += value
    header = struct.pack(">I4sI4s4s4s", at + len(data), b"lcms", 0x02400000, kind, space, connection)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + numbers(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def rgb_profile(name="Adobe RGB (1998)", colorants=ADOBE_RGB, gamma=2.2):
    red, green, blue = colorants
    tags = {b"desc": described(name), b"wtpt": xyz(D50), b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
    return packed(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma_curve(gamma)))


def gray_profile(gamma, name="Gray"):
    return packed(b"mntr", b"GRAY", b"XYZ ", {b"desc": described(name), b"wtpt": xyz(D50), b"kTRC": gamma_curve(gamma)})


def cmyk_profile():
    """Ink from a table with two values a channel: darker with every ink, and of its hue."""
    table = b""
    for cyan, magenta, yellow, black in itertools.product((0, 1), repeat=4):
        light = 255 * (1 - 0.3 * cyan) * (1 - 0.4 * magenta) * (1 - 0.1 * yellow) * (1 - 0.9 * black)
        table += bytes((round(light), 128 - 30 * cyan + 60 * magenta, 128 - 40 * cyan + 70 * yellow))
    identity = bytes(range(256))
    lookup = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + numbers(1, 0, 0, 0, 1, 0, 0, 0, 1) + 4 * identity + table
    tags = {b"desc": described("Ink"), b"wtpt": xyz(D50), b"A2B0": lookup + 3 * identity}
    return packed(b"prtr", b"CMYK", b"Lab ", tags)
