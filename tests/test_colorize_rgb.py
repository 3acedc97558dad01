"""A network that predicts whole color images, measured beside those that predict colors."""

import jax
import numpy as np
import pytest

from colorjax.errors import UserError
from colorjax.evaluation.evaluate import evaluate
from colorjax.evaluation.protocol import build_protocol
from colorjax.methods import NetworkMethod
from colorjax.models import build_model
from colorjax.pictures.images import Photograph
from colorjax.tasks import Colorize, ColorizeRGB


def test_network_of_whole_images_is_measured_as_a_colorizer():
    task = ColorizeRGB("l1")
    model = build_model({"name": "resnet_generator", "width": 2, "blocks": 1}, task.output_channels)
    inputs = np.zeros((1, 8, 8, 3), np.float32)
    variables = jax.jit(lambda key: model.init(key, inputs, train=False))(jax.random.key(0))
    settings = {"patch_size": 32, "overlap": 8, "batch_size": 1}
    method = NetworkMethod("rgb", model, variables, task, **settings)
    assert "colorize" in method.tasks
    pictures = np.random.default_rng(0).integers(0, 256, (1, 20, 16, 3), np.uint8)
    photographs = [Photograph("a", picture) for picture in pictures]
    found = {}
    for name, measured in (("colorize", Colorize("l1")), ("colorize_rgb", task)):
        protocol = build_protocol({}, "made up", name, photographs)
        (found[name],) = evaluate(method, measured, protocol, photographs).rows
    assert found["colorize"]["psnr"] == found["colorize_rgb"]["psnr"]
    assert np.isfinite(found["colorize"]["loss"])
    assert found["colorize"]["loss"] != found["colorize_rgb"]["loss"]  # of a and b, and of RGB
    with pytest.raises(UserError, match="'reduced' enlarges colors alone, and the task 'colorize_rgb' predicts"):
        NetworkMethod("rgb", model, variables, task, picture="reduced", **settings)
