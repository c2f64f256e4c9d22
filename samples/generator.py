"""Made-up people: `make_person(seed)` invents one, `render(traits, ...)` takes their picture.

    seed --make_person--> PersonTraits --render--> uint8 RGB (size_px, size_px, 3)
                                       --landmarks--> where face, eyes, nose and mouth are in it

Identity, pose, light and landmarks are known exactly, so the pictures also serve as test images.
`dataclasses.replace(traits, mouth_width=...)` changes one part and no pixel away from it.
"""

from samples.landmarks import FaceBox, Landmarks, landmarks
from samples.render import render
from samples.traits import PersonTraits, make_person

__all__ = ["FaceBox", "Landmarks", "PersonTraits", "landmarks", "make_person", "render"]
