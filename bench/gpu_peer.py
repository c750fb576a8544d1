"""The work of a step as a plain PyTorch or CuPy program would do it: batched matmul of the proposals
with the patterns in single precision, logsumexp, decision. Also the ceilings of the device, by the
library's own fp32 matmul and copy. Usage: gpu_peer.py torch|cupy"""

import sys
import time

SHAPES = [(24, 20000, 64), (24, 500000, 16), (50, 20000, 32), (99, 20000, 32), (198, 20000, 16),
          (990, 20000, 8)]
CHAINS = 80  # 40 temperatures, 2 replicas


def torch_backend():
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    device = torch.device("cuda")

    def step(x, patterns, L, theta, N):
        y = x + 0.1 * torch.randn_like(x)
        y = y * (N ** 0.5 / y.norm(dim=-1, keepdim=True))
        L_new = torch.logsumexp(torch.bmm(y, patterns) - N, dim=-1)
        accept = (L_new - L) > theta * torch.log(torch.rand_like(L))
        return torch.where(accept[..., None], y, x), torch.where(accept, L_new, L)

    def make(*shape):
        return torch.randn(*shape, device=device)

    return make, step, torch.cuda.synchronize, lambda a, b: a @ b, lambda a: a.clone()


def cupy_backend():
    import cupy

    def step(x, patterns, L, theta, N):
        y = x + 0.1 * cupy.random.standard_normal(x.shape, dtype=cupy.float32)
        y *= N ** 0.5 / cupy.linalg.norm(y, axis=-1, keepdims=True)
        phi = cupy.matmul(y, patterns) - N
        top = phi.max(axis=-1, keepdims=True)
        L_new = cupy.log(cupy.exp(phi - top).sum(axis=-1)) + top[..., 0]
        accept = (L_new - L) > theta * cupy.log(cupy.random.random(L.shape, dtype=cupy.float32))
        return cupy.where(accept[..., None], y, x), cupy.where(accept, L_new, L)

    def make(*shape):
        return cupy.random.standard_normal(shape, dtype=cupy.float32)

    return make, step, cupy.cuda.Device().synchronize, lambda a, b: a @ b, lambda a: a.copy()


def seconds(body, wait):
    body()
    wait()
    count = 1
    while True:
        begin = time.perf_counter()
        for _ in range(count):
            body()
        wait()
        elapsed = time.perf_counter() - begin
        if elapsed > 0.5:
            return elapsed / count
        count = max(count + 1, int(count * min(20, 0.7 / max(elapsed, 1e-4))))


def main():
    make, step, wait, matmul, copy = {"torch": torch_backend, "cupy": cupy_backend}[sys.argv[1]]()
    a, b = make(8192, 8192), make(8192, 8192)
    print(f"fp32 ceiling (matmul): {8192 ** 3 / seconds(lambda: matmul(a, b), wait):.4g} MAC/s")
    c = make(1 << 28)
    print(f"memory ceiling (copy): {2 * 4 * (1 << 28) / seconds(lambda: copy(c), wait):.4g} byte/s")
    print(f"{'N':>5} {'M':>7} {'disorder':>9} {'chain-steps/s':>16} {'MAC/s':>12}")
    for N, M, disorder in SHAPES:
        x, patterns = make(disorder, CHAINS, N), make(disorder, N, M)
        L = make(disorder, CHAINS)
        rate = disorder * CHAINS / seconds(lambda: step(x, patterns, L, 0.5, N), wait)
        print(f"{N:5d} {M:7d} {disorder:9d} {rate:16.4g} {rate * N * M:12.4g}")


main()
