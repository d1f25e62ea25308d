#!/bin/sh
# Prints how many processor cores may be used: a container's quota (cgroup v2) where it has one, else those seen.
seen=$(nproc 2>/dev/null || sysctl -n hw.logicalcpu 2>/dev/null || echo 1)
if read -r most period 2>/dev/null </sys/fs/cgroup/cpu.max && [ "$most" != max ]; then
    allowed=$(((most + period - 1) / period))
    [ "$allowed" -ge "$seen" ] || seen=$allowed
fi
echo "$seen"
