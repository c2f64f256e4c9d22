"""What can go wrong between image bytes and embeddings.

FaceError
|-- ImageError            the bytes cannot be used
|   |-- BadImage          not a whole image of an accepted format
|   `-- ImageTooLarge     more bytes or more pixels than the limit
|-- DetectionError        the wrong number of faces
|   |-- NoFace            none found
|   `-- SeveralFaces      more than one where one is asked for
|-- EncoderError          the encoder folder cannot be used
|   |-- BadCard           card.json is missing, malformed or does not fit its files
|   `-- DeviceUnavailable a device asked for by name is absent
`-- BadSource             a folder of photos, or one of its files, cannot be read
"""


class FaceError(Exception):
    """Base of every error that faces/ raises for its input."""


class ImageError(FaceError):
    """The bytes cannot be used as an image."""


class BadImage(ImageError):
    """The bytes are empty, truncated or of a format that is not accepted."""


class ImageTooLarge(ImageError):
    """The image has more bytes, or by its header more pixels, than the limit."""


class DetectionError(FaceError):
    """The image has not the number of faces that the caller needs."""


class NoFace(DetectionError):
    """No face was found."""


class SeveralFaces(DetectionError):
    """More than one face was found where exactly one is asked for."""


class EncoderError(FaceError):
    """The encoder folder cannot be used."""


class BadCard(EncoderError):
    """`card.json` is missing or malformed, or does not fit the files beside it."""


class DeviceUnavailable(EncoderError):
    """A device that was asked for by name is absent: never a silent fallback."""


class BadSource(FaceError):
    """A folder of photos, a manifest, a shard or a file in it cannot be read."""
