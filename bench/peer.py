#!/usr/bin/env python3
"""The plain PyTorch program that damlua is compared with: Metropolis steps of `chains` chains in
each of `disorder` draws, batched matmul and logsumexp in single precision, nothing skipped.

    peer.py N M chains disorder T seconds threads

prints chain-steps per second, or exits with 77 where PyTorch is not installed.
"""

import math
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(77)


def on_sphere(x, N):
    return x * (math.sqrt(N) / x.norm(dim=-1, keepdim=True))


def log_weight(x, patterns, N):
    return torch.logsumexp(torch.bmm(x, patterns) - N, dim=-1)


def main():
    N, M, chains, disorder = (int(v) for v in sys.argv[1:5])
    T, seconds, threads = float(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    rows = on_sphere(torch.randn(disorder, M, N), N)
    x = rows[:, :1, :].repeat(1, chains, 1)
    patterns = rows.transpose(1, 2).contiguous()
    sigma = 2.4 * T / math.sqrt(N)
    steps, begin, current = 0, 0.0, None
    with torch.no_grad():
        current = log_weight(x, patterns, N)
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            proposal = on_sphere(x + sigma * torch.randn_like(x), N)
            new = log_weight(proposal, patterns, N)
            accept = new - current > T * torch.log(torch.rand_like(new))
            x = torch.where(accept[..., None], proposal, x)
            current = torch.where(accept, new, current)
            steps += 1
    print(steps * chains * disorder / (time.perf_counter() - begin))


main()
