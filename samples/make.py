"""Write the shipped sample people: `python -m samples.make [FOLDER]`.

    PEOPLE --picture--> FOLDER/<name>/1.jpg, 2.jpg, 3.jpg

Without FOLDER it rewrites samples/people. Pictures that are already there are replaced; folders of
people who are no longer in the cast are left alone and named, for you to remove.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from samples import people_folder
from samples.cast import PEOPLE, PICTURES, SamplePerson, picture

JPEG_QUALITY = 86


def jpeg_bytes(person: SamplePerson, number: int) -> bytes:
    """Picture `number` of a sample person as JPEG."""
    image = cv2.cvtColor(picture(person, number), cv2.COLOR_RGB2BGR)
    whole, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert whole, "OpenCV writes JPEG"
    return data.tobytes()


def write_people(folder: Path) -> int:
    """Write all pictures below `folder`, and return their size in bytes."""
    size = 0
    for person in PEOPLE:
        (folder / person.name).mkdir(parents=True, exist_ok=True)
        for number in range(1, PICTURES + 1):
            data = jpeg_bytes(person, number)
            (folder / person.name / f"{number}.jpg").write_bytes(data)
            size += len(data)
    return size


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write the pictures."""
    parser = argparse.ArgumentParser(prog="python -m samples.make", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=people_folder())
    folder = parser.parse_args(arguments).folder
    size = write_people(folder)
    say = sys.stdout.write
    say(f"{len(PEOPLE)} people, {PICTURES} pictures each, {size / 1e6:.2f} MB in {folder}\n")
    known = {person.name for person in PEOPLE}
    for other in sorted(path.name for path in folder.iterdir() if path.name not in known):
        say(f"not in the cast: {other}\n")


if __name__ == "__main__":
    main()
