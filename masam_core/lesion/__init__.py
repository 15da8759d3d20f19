"""One result: its mask, how it is cleaned and measured, what it is called."""
