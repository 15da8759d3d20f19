"""The command line. Modules import torch and the like only inside commands: help must be quick."""
