"""Stand-ins drawn here for image sets that a run without downloads cannot have."""
