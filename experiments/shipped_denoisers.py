"""The denoisers that come with colorjax, on photographs with Gaussian noise: nothing is trained.

    python launch.py table --config=experiments/shipped_denoisers.py:smoke    --workdir=runs/shipped
    python launch.py table --config=experiments/shipped_denoisers.py:color_25 --workdir=runs/cbsd68-color-25 \
        --config.test_data.source=FOLDER_OF_CBSD68

variant     photographs                    hardware     running time  numbers to expect
smoke       2 of those in scikit-image     2 CPU cores  15 seconds    PSNR 31.4 (noisy 20.4)
KIND_LEVEL  the 68 of CBSD68               2 CPU cores  12 minutes    those of the network's card (colorjax/pretrained)

KIND is color or gray, LEVEL 15, 25 or 50: the standard deviation of the noise, of 255. `smoke` is color_25. All but
`smoke` have BM3D besides, which is told the level, and takes most of the time.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, table_config

TASKS = {"color": "denoise", "gray": "denoise_gray"}
PHOTO = {"color": "denoise_photo", "gray": "denoise_photo_gray"}
LEVELS = (15, 25, 50)
VARIANTS = ("smoke", *(f"{kind}_{level}" for kind in TASKS for level in LEVELS))

# PSNR on CBSD68 and on BSD68, which is its luma, at 15, 25 and 50, as printed in the papers.
PUBLISHED = {
    "color": (
        ("CBM3D (Dabov et al. 2007)", "33.52", "30.71", "27.38"),
        ("CDnCNN-B, blind (Zhang et al. 2017)", "33.89", "31.23", "27.92"),
        ("FFDNet (Zhang et al. 2018)", "33.87", "31.21", "27.96"),
        ("DRUNet (Zhang et al. 2021)", "34.30", "31.69", "28.51"),
    ),
    "gray": (
        ("BM3D (Dabov et al. 2007)", "31.07", "28.57", "25.62"),
        ("DnCNN-B, blind (Zhang et al. 2017)", "31.61", "29.16", "26.23"),
        ("FFDNet (Zhang et al. 2018)", "31.63", "29.19", "26.29"),
        ("DRUNet (Zhang et al. 2021)", "31.91", "29.48", "26.59"),
    ),
}


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    variant = choose(variant, VARIANTS)
    kind, level = ("color", 25) if variant == "smoke" else variant.split("_")
    config = table_config()
    config.title = f"The bundled denoiser: {kind}, Gaussian noise of {level} of 255"
    config.task.name = TASKS[kind]
    config.protocol.noise_kind = "gaussian"
    config.protocol.noise_level = int(level) / 255
    del config.rows["mean_color"]
    config.rows.observed.label = "Noisy input"
    shipped = method_config("pretrained", weights=f"denoise_{kind}")
    config.rows.shipped = ConfigDict({"label": "Bundled weights", "method": shipped})
    if variant == "smoke":
        config.protocol.resize = "short_side"
        config.protocol.size = 256
        return config.lock()
    photo = method_config("pretrained", weights=PHOTO[kind])
    config.rows.shipped_photo = ConfigDict({"label": "Bundled weights, for photographs", "method": photo})
    label = "CBM3D" if kind == "color" else "BM3D"
    config.rows.bm3d = ConfigDict({"label": label, "method": method_config("bm3d", told=True)})
    config.test_data.name = "cbsd68"
    name = "CBSD68" if kind == "color" else "BSD68"
    config.published = ConfigDict(
        {
            "caption": f"PSNR on {name}, as the papers print it.",
            "columns": ("Method", "15", "25", "50"),
            "rows": PUBLISHED[kind],
        }
    )
    return config.lock()
