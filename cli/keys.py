"""`lookalike keys ...`: who may use the service, and for what. `lookalike audit`: who did what."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.common import Data, errors_in_one_line, require_gallery, settings_with

if TYPE_CHECKING:
    from index.database import Database
    from index.keys import ApiKeys

ACTOR = "cli"


def register(app: typer.Typer) -> None:
    """Add the verbs as `lookalike keys ...`, and `lookalike audit`."""
    keys_app = typer.Typer(help="Make and revoke the keys of the service.", no_args_is_help=True)
    keys_app.command()(create)
    keys_app.command("list")(list_keys)
    keys_app.command()(revoke)
    keys_app.command()(remove_all)
    app.add_typer(keys_app, name="keys")
    app.command()(audit)


def create(
    role: Annotated[
        Literal["search", "enroll", "admin"],
        typer.Option(help="search reads, enroll also adds people, admin also changes and erases."),
    ],
    name: Annotated[str, typer.Option(help="Who or what it is for.")] = "",
    data: Data = None,
) -> None:
    """Make a key and print it, once. From the first key on, nobody gets in without one.

    Example: `lookalike keys create --role enroll --name "front desk"`
    """
    with errors_in_one_line(), _keys(data) as keys:
        made, secret = keys.create(role, name=name)
        typer.echo(secret)
        typer.echo(
            f"key {made.key_id}, role {role}: keep it safe, it is not shown again. Send it as\n"
            "`Authorization: Bearer KEY`, or enter it on the page.",
            err=True,
        )


def list_keys(data: Data = None) -> None:
    """List the keys: id, role, day of creation, day of last use, name.

    Example: `lookalike keys list`
    """
    with errors_in_one_line(), _keys(data, require=True) as keys:
        for key in keys.all():
            used = f"used {key.last_used}" if key.last_used else "never used"
            state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else used
            typer.echo(
                f"{key.key_id}  {key.role:<6}  {key.created_at:%Y-%m-%d}  {state:<18}  {key.name}"
            )


def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `list` tells it.")],
    data: Data = None,
) -> None:
    """End a key. A running service refuses it within a second.

    Example: `lookalike keys revoke 01JD0Q3V9S2X5Y6Z7A8B9C0D1E`
    """
    with errors_in_one_line(), _keys(data, require=True) as keys:
        revoked = keys.revoke(key_id)
        typer.echo(f"key {revoked.key_id} opens nothing any more")
        if not keys.known().valid:
            typer.echo(
                "no key is left: the service lets nobody in until you create one "
                "(or `lookalike keys remove-all`, for a service without keys)",
                err=True,
            )


def remove_all(
    yes: Annotated[bool, typer.Option("--yes", help="Do it without being asked.")] = False,
    data: Data = None,
) -> None:
    """Forget all keys: the service is anonymous again, where its settings allow that.

    Example: `lookalike keys remove-all --yes`
    """
    if not yes:
        typer.confirm("Shall whoever reaches the service get in without a key?", abort=True)
    with errors_in_one_line(), _keys(data, require=True) as keys:
        typer.echo(f"removed {keys.remove_all():,} keys")


def audit(
    days: Annotated[
        float | None, typer.Option(min=0, help="Only the last so many days.", show_default="all")
    ] = None,
    action: Annotated[
        list[str] | None, typer.Option(help="Only this action; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    data: Data = None,
) -> None:
    """Show who did what and when: ids only, no names and no pictures.

    Example: `lookalike audit --days 7 --action erase --action enrol`
    """
    with errors_in_one_line(), _store(data, require=True) as database:
        from index.lookups import AuditLog

        since = None if days is None else datetime.now(UTC) - timedelta(days=days)
        for entry in AuditLog(database).entries(since=since, actions=action or (), limit=limit):
            told = {
                "at": f"{entry.at:%Y-%m-%dT%H:%M:%SZ}",
                "actor": entry.actor,
                "action": entry.action,
                "person_id": entry.person_id,
                "face_id": entry.face_id,
                "key_id": entry.key_id,
                "faces": entry.faces,
            }
            told = {name: value for name, value in told.items() if value not in {"", None}}
            if as_json:
                typer.echo(json.dumps(told))
            else:
                when, who, what, *rest = told.items()
                typer.echo(
                    f"{when[1]}  {who[1]:<30}  {what[1]:<16}  "
                    + " ".join(f"{name}={value}" for name, value in rest)
                )


@contextmanager
def _keys(data: Data, *, require: bool = False) -> Iterator["ApiKeys"]:
    from index.keys import ApiKeys

    with _store(data, require=require) as database:
        yield ApiKeys(database, actor=ACTOR)


@contextmanager
def _store(data: Data, *, require: bool) -> Iterator["Database"]:
    """The database of the gallery; no encoder is needed for it.

    Raises:
        NotFound: `require`, and there is no gallery.
        StoreUnavailable: it cannot be opened.
    """
    from index.database import make_folder
    from index.ground import open_store

    settings = settings_with(data=data)
    if require:
        require_gallery(settings)
    elif settings.store_url is None:
        make_folder(settings.data)
    database = open_store(settings.data, settings.store_url)
    try:
        yield database
    finally:
        database.close()
