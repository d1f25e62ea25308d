"""What jobs cost, from settings alone: time on a CPU and on a GPU, memory, disk.

Rules take their resources from here, and `make plan` its table. The rates were fitted to the run
times of one whole default run on two CPU cores; on a GPU they are assumptions, and say so.
"""
