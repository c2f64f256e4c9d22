"""The verbs of photos to train on: `data prepare`, `download`, `views` and `teacher`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.common import detector_for, progress_bar, training_errors_in_one_line

if TYPE_CHECKING:
    from training.preparation.prepare import Stage

data_app = typer.Typer(help="Photos to train on.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    data_app.command()(prepare)
    data_app.command()(download)
    data_app.command()(views)
    data_app.command()(teacher)
    app.add_typer(data_app, name="data")


def prepare(
    source: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    to: Annotated[Path, typer.Option(help="Folder of the outcome; new, or one to go on with.")],
    layout: Annotated[
        Literal["auto", "imdb", "folders", "lfw", "celeba", "manifest", "unlabelled"],
        typer.Option(help="What lies in SOURCE; auto looks."),
    ] = "auto",
    split: Annotated[
        Literal["auto", "given", "people", "photos", "sample"],
        typer.Option(
            help="Divide as the set says, whole people, each person's photos, or so many photos "
            "of each person; auto is what fits the layout."
        ),
    ] = "auto",
    shares: Annotated[
        tuple[float, float, float],
        typer.Option(help="Train, val and test, of people or of each person's photos."),
    ] = (0.8, 0.1, 0.1),
    train_images: Annotated[int, typer.Option(help="Of each person, for the split sample.")] = 50,
    test_images: Annotated[int, typer.Option(help="Of each person, for the split sample.")] = 10,
    min_images: Annotated[
        int | None,
        typer.Option(help="Leave out people with fewer.", show_default="50 for imdb, else 1"),
    ] = None,
    min_px: Annotated[
        int | None,
        typer.Option(help="Shortest side of a photo.", show_default="100 for imdb, else 0"),
    ] = None,
    min_face_score: Annotated[float, typer.Option(help="For imdb: of the set's detector.")] = 1.0,
    max_second_face_score: Annotated[
        float | None,
        typer.Option(help="For imdb: of a second face.", show_default="no second face"),
    ] = None,
    size_px: Annotated[int, typer.Option(help="Side of the crops.", min=32, max=1024)] = 224,
    margin: Annotated[
        float,
        typer.Option(help="Added on each side of the face, as a share of it.", min=0, max=0.5),
    ] = 0.25,
    alignment: Annotated[
        Literal["box", "landmarks"],
        typer.Option(help="Crop upright by the face's box, or turned by its five landmarks."),
    ] = "box",
    no_face: Annotated[
        Literal["drop", "middle"],
        typer.Option(help="A photo without a found face: drop it, or take its middle."),
    ] = "drop",
    workers: Annotated[
        int | None, typer.Option(help="Threads.", min=1, show_default="one a core")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the choice of people and photos.")] = 0,
) -> None:
    """Make a data set ready to train on: crops in tar shards, manifest.csv, report.json.

    Run again after an interruption, it goes on where it was.

    Example: `lookalike data prepare photos/people --to data/people --min-images 10`
    """
    with training_errors_in_one_line():
        import os

        from training.framing import Framing
        from training.preparation.imdb import FaceScores
        from training.preparation.prepare import Preparation
        from training.preparation.prepare import prepare as run
        from training.preparation.readers import open_reader
        from training.preparation.selection import Selection

        reader = open_reader(source, layout, FaceScores(min_face_score, max_second_face_score))
        is_imdb = reader.describe()["layout"] == "imdb"
        selection = Selection(
            split=reader.usual_split if split == "auto" else split,
            shares=shares,
            min_images=(50 if is_imdb else 1) if min_images is None else min_images,
            train_images=train_images,
            test_images=test_images,
            min_px=(100 if is_imdb else 0) if min_px is None else min_px,
            seed=seed,
        )
        preparation = Preparation(selection, Framing(alignment, margin, size_px), no_face)
        threads = workers or os.cpu_count() or 1
        try:
            with progress_bar("photos listed", None) as move:

                def progress(stage: "Stage", done: int, total: int | None) -> None:
                    move(done, what=f"photos {stage}", total=total)

                detector = detector_for(alignment)
                report = run(reader, detector, preparation, to, workers=threads, progress=progress)
        except KeyboardInterrupt:
            typer.echo("stopped; the same command goes on from here", err=True)
            raise typer.Exit(130) from None
        for line in report.lines():
            typer.echo(line)
        typer.echo(f"train on it: lookalike train {to}")


def download(
    name: Annotated[
        Literal["lfw", "celeba", "mnist", "cifar10"], typer.Argument(help="Which data set.")
    ],
    to: Annotated[Path, typer.Option(help="Folder to download into.", show_default=False)],
) -> None:
    """Download a data set through the library that offers it: scikit-learn, torchvision.

    Mind the terms of the set: both are for research that is not commercial.

    Example: `lookalike data download lfw --to photos/lfw`
    """
    with training_errors_in_one_line():
        from training.preparation.downloads import download as run

        run(name, to)
        typer.echo(f"prepare it: lookalike data prepare {to} --to data/{name}")


def views(
    sources: Annotated[
        list[Path], typer.Argument(help="Folders of photos, as for train.", show_default=False)
    ],
    to: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("views.png"),
    policy: Annotated[
        str,
        typer.Option(help="none, pad_rotate_scale, simclr, random_subset, face or mild."),
    ] = "face",
    photos: Annotated[int, typer.Option(help="Rows of the sheet.", min=1)] = 8,
    columns: Annotated[int, typer.Option(help="Random views of each photo.", min=1)] = 9,
    size_px: Annotated[int, typer.Option(help="Side of a view.", min=32, max=512)] = 112,
    crop_margin: Annotated[
        float, typer.Option(help="Added on each side of the face, as a share of it.")
    ] = 0.0,
    alignment: Annotated[
        Literal["box", "landmarks"],
        typer.Option(help="Crop upright by the face's box, or turned by its five landmarks."),
    ] = "box",
    seed: Annotated[int, typer.Option(help="Of the random views.")] = 0,
) -> None:
    """Draw a contact sheet of what a policy makes of photos: plain at the left, then random views.

    It shows faces: mind where you leave it.

    Example: `lookalike data views photos/people --policy face --to views.png`
    """
    with training_errors_in_one_line():
        from training.config import TrainConfig
        from training.data import sample_crops
        from training.views import view_policy
        from training.views.sheet import contact_sheet, write_sheet

        strengths = view_policy(policy)
        config = TrainConfig(
            sources=tuple(map(str, sources)),
            size_px=size_px,
            crop_margin=crop_margin,
            alignment=alignment,
        )
        crops = sample_crops(config, detector_for(alignment), photos)
        write_sheet(contact_sheet(crops, size_px, strengths, columns=columns, seed=seed), to)
        typer.echo(f"{to}: {len(crops)} photos, each plain and in {columns} views by {policy}")


def teacher(
    to: Annotated[Path, typer.Option(help="The folder to make.")] = Path("runs/teachers/dlib"),
    weights: Annotated[
        Path | None,
        typer.Option(
            help="dlib_face_recognition_resnet_model_v1.dat.",
            show_default="that of the package face_recognition_models",
        ),
    ] = None,
) -> None:
    """Make a teacher for `--objective distill` of dlib's public-domain face recognition network.

    It is run by ONNX Runtime, eleven times as fast as by dlib, and only ever teaches.

    Example: `lookalike data teacher --weights dlib_face_recognition_resnet_model_v1.dat`
    """
    with training_errors_in_one_line():
        from training.dlib_teacher import make_teacher, packaged_weights

        card = make_teacher(weights or packaged_weights(), to)
        typer.echo(f"{to}: {card.name}, {card.dimension} dimensions; use it as --teacher {to}")
