"""What can go wrong in training.

TrainingError
|-- BadTrainingData   the photos cannot be trained on as asked
|-- DownloadFailed    a library could not download a data set
|-- BadConfig         a setting is out of range, or does not fit the checkpoint
|-- BadCheckpoint     a checkpoint cannot be read
|-- BadTeacher        a teacher's file is missing or of another kind
|-- Diverged          the loss is not finite any more
`-- ExportMismatch    the exported graph does not compute what the network computes
"""


class TrainingError(Exception):
    """Base of every error that training/ raises for its input."""


class BadTrainingData(TrainingError):
    """The photos cannot be trained on as asked."""


class DownloadFailed(TrainingError):
    """A library could not download a data set."""


class BadConfig(TrainingError):
    """A setting is out of range, or does not fit the checkpoint it continues."""


class BadCheckpoint(TrainingError):
    """A checkpoint file is missing, damaged or of another kind."""


class BadTeacher(TrainingError):
    """A teacher's file is missing, damaged or of another kind."""


class Diverged(TrainingError):
    """The loss became infinite or not a number; the last checkpoint is still good."""


class ExportMismatch(TrainingError):
    """The exported graph does not compute what the network computes."""
