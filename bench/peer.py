#!/usr/bin/env python3
"""The plain PyTorch program that damlua is compared with: Metropolis steps of `chains` chains in
each of `disorder` draws, batched matmul and logsumexp in single precision, nothing skipped. Patterns
are laid out in the one of two ways that is faster here.

    peer.py N M chains disorder T seconds threads

prints chain-steps per second, PyTorch's version and its BLAS, or exits with 77 where PyTorch is not
installed.
"""

import math
import re
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(77)


def blas():
    """What multiplies matrices: built in, or the library that is loaded."""
    built = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    if built and built[1] == "mkl":
        return "MKL"
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            loaded = maps.read()
    except OSError:
        loaded = ""
    for name in ("mkl", "openblas", "blis", "atlas"):
        if "lib" + name in loaded:
            return name
    return "reference BLAS" if "libblas" in loaded else built[1] if built else "unknown BLAS"


def on_sphere(x, N):
    return x * (math.sqrt(N) / x.norm(dim=-1, keepdim=True))


def log_weight(x, patterns):
    """ln p but for a constant."""
    return torch.logsumexp(torch.bmm(x, patterns), dim=-1)


def faster(x, layouts):
    """The layout whose best of three evaluations is the fastest."""

    def best(patterns):
        times = []
        for _ in range(4):
            begin = time.perf_counter()
            log_weight(x, patterns)
            times.append(time.perf_counter() - begin)
        return min(times[1:])

    return min(layouts, key=best)


def main():
    N, M, chains, disorder = (int(v) for v in sys.argv[1:5])
    T, seconds, threads = float(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    rows = on_sphere(torch.randn(disorder, M, N), N)
    x = rows[:, :1, :].repeat(1, chains, 1)
    sigma = 2.4 * T / math.sqrt(N)
    steps, begin, current = 0, 0.0, None
    with torch.no_grad():
        patterns = faster(x, (rows.transpose(1, 2).contiguous(), rows.transpose(1, 2)))
        current = log_weight(x, patterns)
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            proposal = on_sphere(x + sigma * torch.randn_like(x), N)
            new = log_weight(proposal, patterns)
            accept = new - current > T * torch.log(torch.rand_like(new))
            x = torch.where(accept[..., None], proposal, x)
            current = torch.where(accept, new, current)
            steps += 1
    rate = steps * chains * disorder / (time.perf_counter() - begin)
    print(rate, "PyTorch", torch.__version__, "with", blas())


main()
