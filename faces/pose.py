"""Pose: how far a head is turned, from its five landmarks.

    landmarks --fit a rigid head--> yaw in degrees

The head is five points in space, seen from afar ("scaled orthography", DeMenthon & Davis 1995,
"Model-based object pose in 25 lines of code", the first step of POSIT). It is a mean head, so a
yaw from it is good to some degrees and best used to tell left, front and right apart.
"""

import numpy as np
import numpy.typing as npt

# x to the image's right, y down, z away from the camera, in shares of the distance of the eyes.
# Heights and widths are `TEMPLATE`'s; depths are those of a mean adult head: the tip of the nose
# lies about half an eye distance before the eyes, the corners of the mouth a tenth before them.
HEAD = np.array(
    [(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.61, -0.5), (-0.44, 1.05, -0.1), (0.44, 1.05, -0.1)]
)

MOST_DEG = 90.0


def yaw_deg(landmarks: npt.ArrayLike) -> float:
    """How far the head is turned to the image's right, -90 to 90 degrees; 0 from the front.

    Args:
        landmarks: (5, 2), in pixels.
    """
    points = np.asarray(landmarks, np.float64)
    points = points - points.mean(axis=0)
    head = HEAD - HEAD.mean(axis=0)
    # image x and y as linear functions of the head's axes: the first two rows of the rotation,
    # times the scale, as far as five noisy points determine them
    rows = np.linalg.lstsq(head, points, rcond=None)[0].T
    across, down = (row / max(float(np.linalg.norm(row)), 1e-9) for row in rows)
    away = np.cross(across, down)  # from the camera, on the head's axes
    return float(np.clip(np.degrees(np.arctan2(away[0], away[2])), -MOST_DEG, MOST_DEG))
