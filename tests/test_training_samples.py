"""Sample pictures of a training, and what the report shows of its parts."""

import numpy as np

from colorjax.evaluation.evaluate import Sample
from colorjax.pictures.images import read_picture
from colorjax.tables.charts import part_curves
from colorjax.tables.training_samples import PHOTOGRAPHS, SIDE, find_samples, save_samples


def test_sample_pictures_show_input_result_and_truth_of_each_photograph(tmp_path):
    pictures = [np.full((40, 300, 3), level, np.uint8) for level in (10, 120, 230)]
    save_samples(tmp_path, 50, [Sample(str(number), *pictures) for number in range(PHOTOGRAPHS + 2)])
    ((step, file),) = find_samples(tmp_path, 5)
    assert step == 50
    picture = np.asarray(read_picture(file))
    cell = picture.shape[1] // 3
    assert picture.shape[0] == PHOTOGRAPHS * cell
    for number, level in enumerate((10, 120, 230)):
        np.testing.assert_array_equal(picture[5, number * cell + 5], level)
    assert cell >= SIDE
    np.testing.assert_array_equal(picture[cell - 1], 255)


def test_sample_pictures_are_the_first_the_last_and_some_between(tmp_path):
    assert find_samples(tmp_path, 3) == []
    sample = Sample("a", *[np.zeros((4, 4, 3), np.uint8)] * 3)
    for step in range(10, 110, 10):
        save_samples(tmp_path, step, [sample])
    assert [step for step, _ in find_samples(tmp_path, 3)] == [10, 50, 100]
    save_samples(tmp_path / "none", 5, [])
    assert not (tmp_path / "none").exists()


def test_part_curves_are_for_objectives_of_several_parts():
    line = {"kind": "train", "loss": 1.0}
    assert part_curves([line | {"step": 1}]) == ""
    more = {"loss.discriminator": 0.7, "accuracy_real.discriminator": 0.5, "accuracy_made.discriminator": 0.6}
    assert part_curves([line | more | {"step": step} for step in (1, 2)]).startswith("<svg")
