"""Training of MA-SAM from box prompts simulated on expert masks."""
