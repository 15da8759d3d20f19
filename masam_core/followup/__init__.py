"""The next studies of a patient: what became of each lesion, and what that means by RECIST 1.1."""
