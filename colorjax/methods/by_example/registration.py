"""Lay a photograph of a scene over another one of the same scene: a homography from points, refined over all pixels.

Images are the logarithms of reflectance (`retinex`), float32 [h, w], in which another light makes no difference.
"""

from typing import NamedTuple

import cv2
import numpy as np

from colorjax.errors import UserError

POINTS = 2000
RATIO = 0.8  # D. Lowe, IJCV 2004, section 7.1: a match must be this much nearer than the second best
LEAST_SIDE = 32  # pixels; around each point ORB needs 15, also in images reduced by its pyramid
TOLERANCE = 3.0  # pixels, within which a point fits the homography

#: Two photographs show the same scene if at least this many points fit, and this share of those that match.
LEAST_POINTS, LEAST_SHARE = 12, 0.25

#: The photographs are taken from nearly the same place: neither shows a part of the scene this many times larger.
MOST_SCALE = 4.0

_RANGE = (-1.5, 1.0)  # log reflectance that becomes black and white
_REFINEMENT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-5)
_REFINEMENT_BLUR = 5  # pixels, width of ECC's own Gaussian


class Placed(NamedTuple):
    """Where the pixels of one image are in another.

    Attributes:
      homography: takes a place (x, y, 1) of the first image to its place in the second, float32 [3, 3].
      points: number of points that agree on it.
    """

    homography: np.ndarray
    points: int


def register(target: np.ndarray, reference: np.ndarray) -> Placed:
    """Return where each place of the target is in the reference.

    Points: ORB (E. Rublee et al., ICCV 2011) and RANSAC. All pixels: the enhanced correlation coefficient
    (G. Evangelidis and E. Psarakis, IEEE TPAMI 2008); where it does not converge, the points' homography stays.

    Raises:
      UserError: too few points agree, so the two don't show the same scene, or from too different places.
    """
    images = [_as_bytes(image) for image in (target, reference)]
    here, there = _matching_points(*images)
    homography, fits = None, np.zeros(0)
    if len(here) >= 4:
        cv2.setRNGSeed(0)  # RANSAC draws from OpenCV's own generator
        homography, fits = cv2.findHomography(here, there, cv2.RANSAC, TOLERANCE)
    agreeing = int(fits.sum()) if homography is not None else 0
    if homography is not None and not _is_plausible(homography, target.shape):
        agreeing = 0
    if agreeing < LEAST_POINTS or agreeing < LEAST_SHARE * len(here):
        raise UserError(
            f"the reference does not show the same scene: {agreeing} of {len(here)} matching points agree on how it "
            f"lies over the picture, and {LEAST_POINTS} are needed; take another reference, or another method"
        )
    homography = homography.astype(np.float32)
    try:
        _, refined = cv2.findTransformECC(
            *images, homography.copy(), cv2.MOTION_HOMOGRAPHY, _REFINEMENT, None, _REFINEMENT_BLUR
        )
    except cv2.error:
        refined = homography
    return Placed(refined, agreeing)


def laid_over(image: np.ndarray, placed: Placed, shape: tuple[int, int]) -> np.ndarray:
    """Return an image [H, W] or [H, W, C] as seen from the target, [h, w] or [h, w, C]; NaN where it does not reach.

    Args:
      image: float32, as large as the reference.
      placed: what `register` returned.
      shape: of the target, (h, w).
    """
    return cv2.warpPerspective(
        image,
        placed.homography,
        shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(np.nan,) * 4,
    )


def _is_plausible(homography: np.ndarray, shape: tuple[int, int]) -> bool:
    """Return whether an image [h, w] stays a convex quadrilateral of about its size, not mirrored.

    Points that agree by chance often lie on a line, and their homography folds the image.
    """
    height, width = shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    moved = cv2.perspectiveTransform(corners, homography)[0]
    sides = np.roll(moved, -1, axis=0) - moved
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]  # twice the area of each corner's triangle
    area = width * height
    return bool((turns > area / MOST_SCALE).all() and (turns < area * MOST_SCALE).all())


def _as_bytes(reflectance: np.ndarray) -> np.ndarray:
    low, high = _RANGE
    return np.rint(np.clip((reflectance - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def _matching_points(target: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places (x, y) of points of two images that look alike, float32 [n, 2] each."""
    nothing = np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    if min(*target.shape, *reference.shape) < LEAST_SIDE:
        return nothing
    # A low threshold, because the local contrast of reflectance is low in fog and in the shade.
    detector = cv2.ORB_create(nfeatures=POINTS, fastThreshold=7, edgeThreshold=15)
    (points, own), (others, theirs) = (detector.detectAndCompute(image, None) for image in (target, reference))
    if own is None or theirs is None or len(theirs) < 2:
        return nothing
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(own, theirs, k=2)
    good = [first for first, second in pairs if first.distance < RATIO * second.distance]
    here = np.array([points[match.queryIdx].pt for match in good], np.float32).reshape(-1, 2)
    return here, np.array([others[match.trainIdx].pt for match in good], np.float32).reshape(-1, 2)
