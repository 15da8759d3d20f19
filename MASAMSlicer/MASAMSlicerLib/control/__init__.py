"""What every front end does with lesions and runs, whatever its widgets are."""
