"""`lookalike gallery map`: finds a place in the plane for every face of a collection."""

from typing import Annotated, Literal

import typer

from cli.common import (
    Collection,
    Data,
    EncoderFolder,
    opened_gallery,
    settings_with,
    training_errors_in_one_line,
)


def register(app: typer.Typer) -> None:
    """Add the verb to `lookalike gallery`."""
    app.command("map")(draw_map)


def draw_map(
    method: Annotated[
        Literal["pca", "umap"],
        typer.Option(help="umap keeps neighbours together better; it needs the extra `train`."),
    ] = "pca",
    collection: Collection = "default",
    data: Data = None,
    encoder: EncoderFolder = None,
) -> None:
    """Draw the map of a collection, which the page shows. Draw it again after enrolling.

    Example: `lookalike gallery map --method umap`
    """
    with training_errors_in_one_line():
        from index.errors import NotFound
        from index.face_map import draw, pca
        from index.ground import open_store

        layout = pca
        if method == "umap":
            from training.evaluation.plots import umap

            layout = umap
        settings = settings_with(data=data, encoder=encoder)
        with opened_gallery(settings) as gallery:
            known = {one.name: one.faces for one in gallery.collections()}
            if collection not in known:
                raise NotFound("collection", collection, by="name")
            if method == "umap" and known[collection] < LEAST_FOR_UMAP:
                typer.echo(f"lookalike: UMAP needs at least {LEAST_FOR_UMAP} faces", err=True)
                raise typer.Exit(1)
            database = open_store(settings.data, settings.store_url)
            try:
                drawn = draw(
                    database, collection=collection, dimension=gallery.dimension, layout=layout
                )
            finally:
                database.close()
        typer.echo(f"{drawn:,} faces are on the map of {collection}")


LEAST_FOR_UMAP = 4
"""Fewer faces have too few neighbours for it."""
