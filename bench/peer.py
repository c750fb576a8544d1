#!/usr/bin/env python3
"""The PyTorch program that damlua is compared with: Metropolis steps of `chains` chains in each of
`disorder` draws, batched matmul and a sum of exponentials in single precision, nothing skipped. Twice:
plain, with logsumexp, and tuned, with exponents cut at -80, for those that underflow take several
times longer. Patterns are laid out in the one of two ways that is faster here.

    peer.py N M chains disorder T seconds threads

prints chain-steps per second, plain and tuned (of processor time with one thread), PyTorch's version
and its BLAS, or exits with 77 where PyTorch is not installed.
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


def plain(overlaps):
    """ln p but for a constant."""
    return torch.logsumexp(overlaps, dim=-1)


def tuned(overlaps):
    """The same, in place, without numbers that underflow."""
    largest = overlaps.amax(dim=-1, keepdim=True)
    terms = overlaps.sub_(largest).clamp_(min=-80.0).exp_()
    return terms.sum(dim=-1).log_() + largest[..., 0]


def faster(x, layouts, clock):
    """The layout whose best of three products is the fastest."""

    def best(patterns):
        times = []
        for _ in range(4):
            begin = clock()
            torch.bmm(x, patterns)
            times.append(clock() - begin)
        return min(times[1:])

    return min(layouts, key=best)


def rate(log_weight, x, patterns, T, seconds, clock):
    """Steps per second of all chains."""
    N = x.shape[-1]
    sigma = 2.4 * T / math.sqrt(N)
    current = log_weight(torch.bmm(x, patterns))
    steps, begin = 0, clock()
    while clock() - begin < seconds:
        proposal = on_sphere(x + sigma * torch.randn_like(x), N)
        new = log_weight(torch.bmm(proposal, patterns))
        accept = new - current > T * torch.log(torch.rand_like(new))
        x = torch.where(accept[..., None], proposal, x)
        current = torch.where(accept, new, current)
        steps += 1
    return steps / (clock() - begin)


def main():
    N, M, chains, disorder = (int(v) for v in sys.argv[1:5])
    T, seconds, threads = float(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
    clock = time.process_time if threads == 1 else time.perf_counter
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    rows = on_sphere(torch.randn(disorder, M, N), N)
    x = rows[:, :1, :].repeat(1, chains, 1)
    with torch.no_grad():
        patterns = faster(x, (rows.transpose(1, 2).contiguous(), rows.transpose(1, 2)), clock)
        for log_weight in (plain, tuned):
            print(chains * disorder * rate(log_weight, x, patterns, T, seconds, clock), end=" ")
    print("PyTorch", torch.__version__, "with", blas())


main()
