"""`python -m masam_core` is `masam`."""

from masam_core.cli.main import main

main()
