#!/usr/bin/env python3
"""Weights after 100 steps of torch.optim.AdamW: python3 tests/golden/adamw.py > tests/golden/adamw.h

The first weights and every gradient come from one splitmix64 sequence, so that the test makes the same ones."""
import math
import numpy as np
import torch

N, STEPS, MASK = 37, 100, (1 << 64) - 1


class Rng:
    def __init__(self, seed):
        self.s = seed

    def unit(self):
        self.s = (self.s + 0x9e3779b97f4a7c15) & MASK
        z = self.s
        z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
        return ((z ^ z >> 31) >> 11) * 2.0 ** -53

    def floats(self, n):
        return np.array([2 * self.unit() - 1 for _ in range(n)]).astype(np.float32)


def rate(lr, warm, cosine, step):
    if step < warm:
        return lr * (step + 1) / warm
    return lr * (1 + math.cos(math.pi * (step - warm) / (STEPS - warm))) / 2 if cosine else lr


def run(lr, betas, eps, decay, warm, cosine, limit, seed):
    r = Rng(seed)
    w = torch.nn.Parameter(torch.from_numpy(r.floats(N)))
    opt = torch.optim.AdamW([w], lr=lr, betas=betas, eps=eps, weight_decay=decay)
    for step in range(STEPS):
        size = np.float32(10.0 ** (-(step % 5)))
        w.grad = torch.from_numpy(r.floats(N) * size)
        if limit:
            torch.nn.utils.clip_grad_norm_([w], limit)
        opt.param_groups[0]["lr"] = rate(lr, warm, cosine, step)
        opt.step()
    return w.detach().numpy()


ROWS = [(7e-4, (0.9, 0.999), 1e-8, 0.01, 0, False, 0.0, 1), (2e-2, (0.9, 0.98), 1e-6, 0.2, 10, True, 0.0, 2),
        (5e-2, (0.8, 0.95), 1e-8, 0.05, 7, True, 0.5, 3), (1e-2, (0.9, 0.999), 1e-8, 0.0, 25, False, 1e-3, 4)]
print("/* Made by tests/golden/adamw.py with torch %s. */" % torch.__version__.split("+")[0])
print("enum { ADAMW_N = %d, ADAMW_STEPS = %d };" % (N, STEPS))
print("static const struct { double lr, beta1, beta2, eps, decay; uint64_t warm; bool cosine; double limit; uint64_t seed; "
      "float w[ADAMW_N]; } adamw_golden[] = {")
for row in ROWS:
    lr, betas, eps, decay, warm, cosine, limit, seed = row
    w = ["%.9gf" % x if "." in "%.9g" % x or "e" in "%.9g" % x else "%.9g.0f" % x for x in run(*row)]
    print("    { %r, %r, %r, %r, %r, %d, %s, %r, %d, {" % (lr, *betas, eps, decay, warm, str(cosine).lower(), limit, seed))
    for i in range(0, N, 8):
        print("        " + ", ".join(w[i:i + 8]) + ",")
    print("    } },")
print("};")
