"""Data sets: how their files arrive (download) and how they become arrays (one module each)."""
