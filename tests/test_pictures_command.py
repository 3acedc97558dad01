"""The commands denoise, colorize and restore as a person meets them: files in, files out, a line for what is wrong."""

import functools
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import networks as made_networks
from support.pictures_command import SIZE, idle, read, run, save, values

import launch
from colorjax import denoising
from colorjax.color.gray import gray_levels
from colorjax.commands import pictures

COMMANDS = ("denoise", "colorize", "restore")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return {name: str(path) for name, path in made_networks.write_all(tmp_path_factory.mktemp("networks")).items()}


@pytest.fixture(autouse=True)
def _idle_networks_in_a_folder(networks, tmp_path, monkeypatch):
    idle(monkeypatch, networks)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def told(capsys):
    """Return a function that runs a command; see `support.pictures_command.run`."""
    return functools.partial(run, capsys)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_pictures_get_no_noise_and_keep_bits_and_alpha(told, channels, dtype, suffix):
    given = save(f"a.{suffix}", channels, dtype)
    assert told("denoise", f"a.{suffix}", "--output=out")[0] == 0
    result = read(f"out/a.{suffix}")
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, given)


@pytest.mark.parametrize("command", COMMANDS)
def test_files_and_folders_under_their_own_names_in_their_own_formats(told, command):
    save("one.bmp")
    save("folder/a.png", 1)
    save("folder/below/b.webp")
    save("folder/below/c.jpg")
    (status, out, err) = told(command, "one.bmp", "folder", "--output=out")
    assert (status, err) == (0, "")
    assert out.startswith(f"{command}: 4 of 4 pictures done, in out; ")
    assert out.endswith(" s a megapixel\n")
    formats = {"one.bmp": "BMP", "a.png": "PNG", "below/b.webp": "WEBP", "below/c.jpg": "JPEG"}
    files = [os.path.join(folder, name) for folder, _, names in os.walk("out") for name in names]
    assert sorted(os.path.relpath(file, "out") for file in files) == sorted(formats)
    for name, kind in formats.items():
        with Image.open(f"out/{name}") as image:
            assert (image.format, image.size) == (kind, SIZE[::-1])


def test_colorizing_keeps_the_gray_and_restoring_is_both(told):
    gray = save("a.png", 1)
    assert told("colorize", "a.png", "--output=colored")[0] == 0
    colored = read("colored/a.png")
    assert colored.shape == (*SIZE, 3)
    np.testing.assert_array_equal(gray_levels(colored), gray[..., 0])
    assert told("restore", "a.png", "--output=restored")[0] == 0  # its denoiser is idle
    np.testing.assert_array_equal(read("restored/a.png"), colored)


@pytest.mark.parametrize(
    ("channels", "dtype", "suffix"), [(1, np.uint8, "png"), (4, np.uint8, "png"), (3, np.uint16, "tif")]
)
def test_strength_blends_in_files(told, networks, channels, dtype, suffix):
    given = save(f"a.{suffix}", channels, dtype)
    words = ("denoise", f"a.{suffix}", f"--weights={networks['color']}")
    for strength in (0, 0.5, 1):
        assert told(*words, f"--strength={strength}", f"--output=out{strength}")[0] == 0
    none, half, full = (read(f"out{strength}/a.{suffix}") for strength in (0, 0.5, 1))
    np.testing.assert_array_equal(none, given)
    assert (full != given).any()
    np.testing.assert_array_equal(half, np.rint((given.astype(float) + full) / 2))
    assert told("restore", f"a.{suffix}", "--strength=0", "--output=restored")[0] == 0


@pytest.mark.parametrize("command", ["denoise", "restore"])
@pytest.mark.parametrize("strength", ["2", "-1", "nan"])
def test_bad_strength_is_one_line(told, command, strength):
    save("a.png")
    status, out, err = told(command, "a.png", "--output=out", f"--strength={strength}")
    assert (status, out) == (2, "")
    assert err == f"launch.py {command}: strength {strength}: it is from 0 (the picture as it is) to 1 (denoised)\n"
    assert not os.path.exists("out")


def test_compare_puts_picture_and_result_side_by_side(told):
    gray = save("a.png", 1)
    assert told("colorize", "a.png", "--output=out", "--compare")[0] == 0
    assert sorted(os.listdir("out")) == ["a-compared.png", "a.png"]
    beside, width = read("out/a-compared.png"), SIZE[1]
    np.testing.assert_array_equal(beside[:, :width], np.repeat(gray, 3, axis=-1))
    np.testing.assert_array_equal(beside[:, -width:], read("out/a.png"))


@pytest.mark.parametrize("output", [".", "../{}", "link"])
def test_input_is_never_overwritten(told, tmp_path, output):
    save("a.png")
    os.symlink(".", "link")
    before = Path("a.png").read_bytes()
    status, _, err = told("denoise", "a.png", f"--output={output.format(tmp_path.name)}")
    assert status == 1
    assert "a.png: this is one of the inputs, which are never overwritten; choose another output" in err
    assert Path("a.png").read_bytes() == before  # noqa: SIM115
    assert sorted(os.listdir()) == ["a.png", "link"]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_nor_through_a_link_in_the_output(told, link):
    save("a.png")
    os.mkdir("out")
    link(os.path.abspath("a.png"), "out/a.png")
    before = Path("a.png").read_bytes()
    assert told("denoise", "a.png", "--output=out")[0] == 1
    assert Path("a.png").read_bytes() == before  # noqa: SIM115


def test_nor_by_a_comparison(told):
    save("in/a.png")
    before = save("in/a-compared.png", seed=1)
    os.mkdir("out")
    os.symlink(os.path.abspath("in/a-compared.png"), "out/a-compared.png")
    assert told("denoise", "in/a.png", "in/a-compared.png", "--output=out", "--compare")[0] == 1
    np.testing.assert_array_equal(read("in/a-compared.png"), before)


def test_results_never_have_one_name(told):
    """Neither two pictures of the same name, nor a picture's result and another's comparison."""
    one, other = save("x/a.png", seed=1), save("y/a.png", seed=2)
    compared = save("z/a-compared.png", seed=3)
    assert told("denoise", "x/a.png", "y/a.png", "z/a-compared.png", "--output=out", "--compare")[0] == 0
    results = [read(path) for path in Path("out").rglob("*.png")]
    assert len(results) == 6
    for given in (one, other, compared):
        assert sum(np.array_equal(result, given) for result in results) == 1


def test_command_again_takes_the_place_of_its_own_results(told):
    save("a.png")
    assert told("denoise", ".", "--output=out")[0] == 0
    (status, out, _) = told("denoise", ".", "--output=out")
    assert status == 0
    assert "1 of 1 picture done" in out


def test_command_in_the_folder_itself_does_not_take_its_results_again(told):
    os.makedirs("scans")
    Image.fromarray(values()).save("scans/a.gif")
    for _ in range(3):
        status, out, _ = told("denoise", "scans", "--output=scans", "--compare")
        assert status == 0
        assert "1 of 1 picture done" in out
    assert sorted(os.listdir("scans")) == ["a.gif", "a.gif-compared.png", "a.gif.png"]


def test_command_says_what_it_left_out_and_renamed(told):
    save("x/a.png")
    save("y/a.png")
    Path("x/b.heic").write_bytes(b"0")
    Image.fromarray(values()).save("y/c.gif")
    save("y/c.gif.png")
    status, out, err = told("denoise", "x", "y", "--output=out")
    assert status == 0
    assert "4 of 4 pictures done" in out
    assert "denoise: 1 file left out: 1 .heic; save them as JPEG, PNG or TIFF\n" in err
    assert "denoise: 1 name in more than one folder: the results keep their folders (x, y)\n" in err
    assert "y/c.gif: its result is y/c.gif-2.png, since another picture has the name without the number;" in err
    assert {str(path) for path in Path("out").rglob("*.png")} == {
        "out/x/a.png",
        "out/y/a.png",
        "out/y/c.gif.png",
        "out/y/c.gif-2.png",
    }


# --- what can't be done is named and skipped, and the others are done


def claim(name, width, height):
    """Write the beginning of a PNG file that says to be `width` x `height`."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(9))))
    ]
    Path(name).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def bad(name):
    if name == "text.jpg":
        Path(name).write_bytes(b"no picture")
    elif name == "empty.png":
        Path(name).touch()
    elif name == "cut.jpg":
        save("whole.jpg")
        Path(name).write_bytes(Path("whole.jpg").read_bytes()[:-900])
        os.remove("whole.jpg")
    else:
        claim(name, 30_000, 30_000)


BAD = {
    "text.jpg": "not a picture in any format that Pillow reads",
    "empty.png": "the file is empty",
    "cut.jpg": "can't be decoded: ",
    "huge.png": "30000 x 30000 is 900,000,000 pixels, more than the limit of 100,000,000; raise the limit with",
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", COMMANDS)
def test_input_that_can_not_be_read_is_one_line(told, command, name):
    bad(name)
    status, out, err = told(command, name, "--output=out")
    assert (status, out) == (1, "")
    assert err.startswith(f"launch.py {command}: 0 of 1 picture done, in out; 1 skipped: {name}: {BAD[name]}")
    assert err.count("\n") == 1
    assert os.listdir("out") == []


def test_input_that_fails_does_not_lose_the_others(told):
    given = save("in/good.png")
    os.chdir("in")
    for name in BAD:
        bad(name)
    os.chdir("..")
    status, out, err = told("denoise", "in", "--output=out")
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert len(lines) == len(BAD) + 1
    for name, reason in BAD.items():
        assert sum(line.startswith(f"in/{name}: skipped: {reason}") for line in lines) == 1
    assert lines[-1].startswith("launch.py denoise: 1 of 5 pictures done, in out; ")
    assert "; 4 skipped" in lines[-1]
    assert os.listdir("out") == ["good.png"]
    np.testing.assert_array_equal(read("out/good.png"), given)


def test_limit_can_be_raised_and_lowered(told):
    save("a.png")
    status, _, err = told("denoise", "a.png", "--output=out", "--max-pixels=1000")
    assert (status, "1,536 pixels, more than the limit of 1,000" in err) == (1, True)
    assert told("denoise", "a.png", "--output=out", "--max-pixels=1536")[0] == 0
    assert told("denoise", "a.png", "--output=out", "--max-pixels=1535")[0] == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_picture_may_be_one_pixel(told, command):
    Image.new("L", (1, 1), 77).save("a.png")
    assert told(command, "a.png", "--output=out")[0] == 0
    assert read("out/a.png").shape[:2] == (1, 1)


def test_disk_that_is_full_is_one_line_and_leaves_no_part(told, monkeypatch):
    save("a.png")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    status, _, err = told("denoise", "a.png", "--output=out")
    assert status == 1
    assert "1 skipped: a.png: out/a.png: can't be written: No space left on device" in err
    assert err.count("\n") == 1
    assert os.listdir("out") == []


def test_too_little_memory_is_one_line(told, monkeypatch):
    save("a.png")

    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(denoising, "denoise", exhausted)
    status, _, err = told("denoise", "a.png", "--output=out")
    assert (status, err.count("\n")) == (1, 1)
    assert "a.png: too large for this machine's memory" in err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nothing.jpg", "--output=out"], "nothing.jpg: no such file or folder"),
        (["empty", "--output=out"], "empty: no pictures in this folder or below it"),
        (["a.png", "--output=a.png"], "a.png: no results can be written there"),
        (["a.png", "--output=/proc/nothing"], "/proc/nothing: no results can be written there"),
        (["a.png", "--output=out", "--max-pixels=0"], "--max-pixels=0: must be 1 or more"),
        (["a.png", "--output=out", "--sharpen"], "unknown argument '--sharpen'"),
        (["a.png", "--output=out", "--max-pixel=1"], "unknown argument '--max-pixel=1'; did you mean '--max-pixels'?"),
    ],
)
def test_bad_arguments_are_one_line_and_status_2(told, command, words, line):
    save("a.png")
    os.mkdir("empty")
    status, out, err = told(command, *words)
    assert (status, out) == (2, "")
    assert err.startswith(f"launch.py {command}: {line}")
    assert err.count("\n") == 1


def test_pictures_may_stand_on_both_sides_of_an_option(told):
    save("a.png")
    save("b.png", seed=1)
    assert told("denoise", "a.png", "--output=out", "b.png")[0] == 0
    assert sorted(os.listdir("out")) == ["a.png", "b.png"]


def test_inputs_that_end_in_one_name_are_two_results(told):
    """A GIF becomes a PNG with a suffix behind its own, and so may a file have been called before."""
    save("in/a.gif.png", seed=1)
    with Image.new("L", (3, 2), 9) as image:
        image.save("in/a.gif")
    assert told("denoise", "in", "--output=out")[0] == 0
    assert sorted(read(f"out/{name}").shape[:2] for name in os.listdir("out")) == [(2, 3), SIZE]


@pytest.mark.parametrize("words", [[], ["a.png"], ["--output=out"]])
def test_arguments_needed_are_asked_for(words, capsys):
    with pytest.raises(SystemExit) as caught:
        launch.main(["restore", *words])
    assert caught.value.code == 2
    assert "the following arguments are required" in capsys.readouterr().err


def damaged(path):
    data = bytearray(Path(path).read_bytes())
    data[-1] ^= 1
    Path("damaged.safetensors").write_bytes(data)


@pytest.mark.parametrize(
    ("command", "file", "line"),
    [
        ("denoise", "colorizer", "are for a gray picture; denoising needs a denoiser's"),
        ("colorize", "idle", "are for a noisy picture; colorizing needs a colorizer's"),
        ("denoise", "text.safetensors", "text.safetensors: no safetensors file that can be read"),
        ("denoise", "damaged.safetensors", "damaged.safetensors: the SHA-256 is not the one"),
        ("denoise", "none.safetensors", "none.safetensors: there is no such file"),
        ("denoise", "empty", "empty: there is no such file"),
    ],
)
def test_bad_weights_are_one_line_and_status_2(told, networks, command, file, line):
    save("a.png")
    os.mkdir("empty")
    Path("text.safetensors").write_text("no weights")
    damaged(networks["idle"])
    status, out, err = told(command, "a.png", "--output=out", f"--weights={networks.get(file, file)}")
    assert (status, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1


# --- while it runs


class _Terminal:
    """Standard error of a person who sits before it."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_bar_is_shown_on_a_terminal_only(told, monkeypatch):
    save("a.png")
    assert told("denoise", "a.png", "--output=out")[2] == ""
    terminal = _Terminal()
    monkeypatch.setattr(pictures.sys, "stderr", terminal)
    assert launch.main(["denoise", "a.png", "--output=out"]) == 0
    assert "denoise: 100%" in terminal.text


def test_ctrl_c_keeps_what_is_finished(told, monkeypatch):
    for name in "abc":
        save(f"in/{name}.png", seed=ord(name))
    denoise, calls = denoising.denoise, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return denoise(*arguments)

    monkeypatch.setattr(denoising, "denoise", interrupted)
    status, out, err = told("denoise", "in", "--output=out")
    assert (status, out, err) == (130, "", "launch.py denoise: stopped (Ctrl-C)\n")
    assert os.listdir("out") == ["a.png"]
    np.testing.assert_array_equal(read("out/a.png"), read("in/a.png"))
