"""What surrounds a job: its log, files, device, memory, checkpoints and progress."""
