"""Batches and trainings on engines that hospitals and labs have: Slurm, Ray."""
