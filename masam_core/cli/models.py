"""`masam models`: list, download, verify, add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from masam_core.cli.common import ERROR, print_json, reported
from masam_core.cli.terminal import console, progress, say, say_error, table

if TYPE_CHECKING:
    from masam_core.model.abilities import Abilities

app = typer.Typer(
    help="Models: which there are, where they lie, how to get them.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")]


@app.command("list")
@reported
def list_command(json: Json = False) -> None:
    """Show the known models and which of them are here."""
    from masam_core.catalog.able import abilities_of_entry, abilities_of_file
    from masam_core.catalog.entries import ENTRIES
    from masam_core.catalog.store import models_dir, path_of, stored

    rows: list[dict[str, Any]] = [
        {
            "name": known.name,
            "here": path_of(known).is_file(),
            "path": str(path_of(known)),
            "bytes": path_of(known).stat().st_size if path_of(known).is_file() else known.bytes,
            "licence": known.licence,
            "purpose": known.purpose,
            "how": known.how,
            **_does(abilities_of_entry(known)),
        }
        for known in ENTRIES
    ]
    rows += [
        {
            "name": own.name,
            "here": True,
            "path": str(own.path),
            "bytes": own.path.stat().st_size,
            "licence": "",
            "purpose": "Added by you.",
            "how": "",
            **_does(abilities_of_file(own.path)),
        }
        for own in stored()
        if own.entry is None
    ]
    if json:
        print_json({"folder": str(models_dir()), "models": rows})
        return
    cells = [
        (
            row["name"],
            "yes" if row["here"] else "no",
            f"{row['bytes'] / 1e6:,.0f} MB" if row["bytes"] else "",
            row["does"],
            row["purpose"],
            row["licence"],
        )
        for row in rows
    ]
    console().print(table(("Name", "Here", "Size", "Does", "For", "Licence"), cells, []))
    say(f"Models are kept in {models_dir()}")


def _does(known: Abilities | None) -> dict[str, Any]:
    """What a model does, in a word or two, and the classes that it tells apart."""
    if known is None:
        return {"does": "", "classes": []}
    words = {"prompts": known.prompts, "automatic": known.automatic, "videos": known.video}
    names = [term.name for term in known.classes]
    return {"does": ", ".join(w for w, so in words.items() if so), "classes": names}


@app.command("download")
@reported
def download_command(
    name: Annotated[str, typer.Argument(help="Name from 'masam models list'.")],
) -> None:
    """Download a model; a broken download goes on where it stopped."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn

    from masam_core.catalog.download import download
    from masam_core.catalog.entries import entry

    known = entry(name)
    with progress(BarColumn(), DownloadColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(known.file, total=known.bytes)
        path = download(known, lambda had, total: bar.update(task, completed=had, total=total))
    say(f"{known.name} is at {path}")


@app.command("verify")
@reported
def verify_command(
    name: Annotated[str, typer.Argument(help="Name from 'masam models list'.")],
    json: Json = False,
) -> None:
    """Check a model's file against its published sha256."""
    from masam_core.catalog.download import verify
    from masam_core.catalog.entries import entry

    good, digest = verify(entry(name))
    if json:
        print_json({"name": name, "verified": good, "sha256": digest})
    elif good:
        say(f"{name} is the published file (sha256 {digest}).")
    elif good is None:
        say(f"No sha256 is published for {name}; this file's is {digest}.")
    if good is False:
        say_error(f"{name} is damaged or another file: its sha256 is {digest}. Download it again.")
        raise typer.Exit(ERROR)


@app.command("add")
@reported
def add_command(
    file: Annotated[Path, typer.Argument(help="Weight file on this machine.")],
    name: Annotated[str | None, typer.Option(help="Name to give it.")] = None,
) -> None:
    """Copy a weight file into the model folder, so that its name is enough."""
    from masam_core.catalog.store import add

    added = add(file, name)
    say(f"{added.name} is at {added.path}")
