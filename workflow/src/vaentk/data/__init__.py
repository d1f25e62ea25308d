"""Data sets: how their files arrive (download) and how they become arrays (one module each).

What reads a file lays nothing on the disk, unpickles nothing, and says in one sentence, a
`UserError`, that the file is missing, damaged or another one.
"""
