"""`lookalike`: builds the command from the verbs of each room.

Nothing heavy is imported here, so that `lookalike --help` answers at once.
"""

import typer

from cli import data, evaluate, gallery, keys, landmarks, serve, study, training

app = typer.Typer(
    name="lookalike",
    help="Find the faces in your gallery that look most like the face in a photo.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # locals can hold embeddings and names
)
for room in (serve, gallery, keys, data, landmarks, training, evaluate, study):
    room.register(app)


if __name__ == "__main__":
    app()
