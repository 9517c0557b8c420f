"""The random models of sv_clip_random and sv_tfc_random in PyTorch: weights from the same splitmix64 sequence as in nn/random.c."""
import numpy as np
import torch

GOLD = 0x9E3779B97F4A7C15


class Fill:
    def __init__(self, seed):
        self.seed, self.n = seed, 0

    def units(self, n):
        i = np.arange(self.n + 1, self.n + n + 1, dtype=np.uint64)
        self.n += n
        with np.errstate(over="ignore"):
            z = np.uint64(self.seed) + i * np.uint64(GOLD)
            z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
            z = z ^ z >> np.uint64(31)
        return (z >> np.uint64(11)).astype(np.float64) * 2.0 ** -53

    def tensor(self, shape, mean, sd):
        n = int(np.prod(shape))
        v = (mean + sd * 3.4641016151377544 * (self.units(n) - 0.5)).astype(np.float32)
        return torch.tensor(v.reshape(shape).astype(np.float64))


class Tensor:
    """A parameter, with the mean and the deviation of its random values; turned: the file has its transpose."""
    def __init__(self, p, mean, sd, turned=False):
        self.p, self.mean, self.sd, self.turned = p, mean, sd, turned

    def fill(self, f):
        x = f.tensor(self.p.shape[::-1] if self.turned else self.p.shape, self.mean, self.sd)
        self.p.data.copy_(x.t() if self.turned else x)

    def grad(self):
        return (self.p.grad.t() if self.turned else self.p.grad).reshape(-1)


def norm(m):
    return [Tensor(m.weight, 1, 0.1), Tensor(m.bias, 0, 0.05)]


def linear(w, b):
    return [Tensor(w, 0, w.shape[1] ** -0.5), Tensor(b, 0, 0.05)]


def blocks(stack):
    out = []
    for b in stack.resblocks:
        out += norm(b.ln_1) + linear(b.attn.in_proj_weight, b.attn.in_proj_bias) + linear(b.attn.out_proj.weight, b.attn.out_proj.bias)
        out += norm(b.ln_2) + linear(b.mlp.c_fc.weight, b.mlp.c_fc.bias) + linear(b.mlp.c_proj.weight, b.mlp.c_proj.bias)
    return out


def clip(m):
    v = m.visual
    w, t = v.conv1.weight.shape[0], m.ln_final.weight.shape[0]
    image = [Tensor(v.conv1.weight, 0, (v.conv1.weight.numel() // w) ** -0.5), Tensor(v.class_embedding, 0, w ** -0.5),
             Tensor(v.positional_embedding, 0, w ** -0.5)] + norm(v.ln_pre) + blocks(v.transformer) + norm(v.ln_post) + [Tensor(v.proj, 0, w ** -0.5, True)]
    text = [Tensor(m.token_embedding.weight, 0, 0.02), Tensor(m.positional_embedding, 0, 0.01)] + blocks(m.transformer) + norm(m.ln_final)
    return image + text + [Tensor(m.text_projection, 0, t ** -0.5, True)]


def tfc(t):
    return ([Tensor(t.positional_embedding, 0, 0.01)] if t.positional_embedding is not None else []) + blocks(t.transformer)


def fill(tensors, seed):
    f = Fill(seed)
    for t in tensors:
        t.fill(f)


def ids(batch, ctx, vocab, step):
    """SOT, 4 + step i tokens, EOT in row i."""
    x = torch.zeros(batch, ctx, dtype=torch.long)
    for i in range(batch):
        n = 5 + step * i
        x[i, 0], x[i, n] = vocab - 2, vocab - 1
        for j in range(1, n):
            x[i, j] = (7 * j * j + 13 * i) % (vocab - 2)
    return x


def put(name, comment, x):
    v = x.reshape(-1).tolist()
    print(f"/* {comment} */\nstatic const float {name}[{len(v)}] = {{")
    for i in range(0, len(v), 8):
        print("    " + " ".join(f"{a:.9g}f," if "." in f"{a:.9g}" or "e" in f"{a:.9g}" else f"{a:.9g}.0f," for a in v[i:i + 8]))
    print("};\n")
