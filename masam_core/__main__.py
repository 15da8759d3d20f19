"""`masam`, also as `python -m masam_core`."""

from masam_core.cli.interrupt import stop_at_once_from_now


def main() -> None:
    """Run the command line; Ctrl-C is heard from here on, while it is still being loaded."""
    stop_at_once_from_now()
    from masam_core.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
