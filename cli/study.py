"""The verb that runs a published experiment: `study`. It needs the extra `train`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.common import training_errors_in_one_line

Name = Annotated[
    str,
    typer.Argument(
        help="celebrity-transfer, encoders or pairs-vs-triplets; docs/studies tells of each.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command()(study)


def study(
    name: Name,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the data.", show_default="the recipe's")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the data.", show_default="the recipe's")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder of report, checkpoints and logs.", show_default="runs/study-NAME"
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="A recipe of your own (TOML).", show_default="the one that ships"),
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Try the whole way in a minute, on made-up data.")
    ] = False,
) -> None:
    """Reproduce a published experiment, and get a report that answers its question.

    Ctrl-C stops it; the same command goes on from there.

    Example: `lookalike study pairs-vs-triplets --data data`
    """
    with training_errors_in_one_line():
        from studies.catalogue import find_study
        from studies.recipe import read_recipe
        from studies.study import DATA_FOLDER, run_study

        found = find_study(name)
        folder = to or Path("runs") / f"study-{name}{'-smoke' if smoke else ''}"
        if smoke and data is None:
            data = found.generate(folder / DATA_FOLDER)
        options = {"data": None if data is None else str(data), "epochs": epochs}
        settings = read_recipe(found.recipe, name, file=recipe, smoke=smoke, options=options)
        try:
            html = run_study(found, settings, folder, typer.echo)
        except KeyboardInterrupt:
            typer.echo(f"\nstopped; the same command goes on from there; it is in {folder}")
            raise typer.Exit(130) from None
        typer.echo(f"report: {html}")
