"""Trainings and evaluations together: few-shot fine-tuning and ablation studies."""
