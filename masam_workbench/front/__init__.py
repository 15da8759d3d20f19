"""The front process: who gets in, and which tab answers."""
