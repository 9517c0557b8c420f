"""Writes tools/golden.h: what the reference says of the random models that sv_clip_random and sv_tfc_random make.

    python3 tests/golden/model.py ../shared/oracle > tools/golden.h        (PyTorch; float64)

The weights come from the same splitmix64 sequence as in nn/random.c, so only inputs' seeds and outputs are stored.
"""
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import svad_oracle as o

torch.set_default_dtype(torch.float64)
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

    def into(self, p, mean, sd, shape=None, t=False):
        x = self.tensor(shape or p.shape, mean, sd)
        p.data.copy_(x.t() if t else x.reshape(p.shape))

    def norm(self, m):
        self.into(m.weight, 1, 0.1)
        self.into(m.bias, 0, 0.05)

    def linear(self, w, b):
        self.into(w, 0, w.shape[1] ** -0.5)
        self.into(b, 0, 0.05)

    def blocks(self, stack):
        for b in stack.resblocks:
            self.norm(b.ln_1)
            self.linear(b.attn.in_proj_weight, b.attn.in_proj_bias)
            self.linear(b.attn.out_proj.weight, b.attn.out_proj.bias)
            self.norm(b.ln_2)
            self.linear(b.mlp.c_fc.weight, b.mlp.c_fc.bias)
            self.linear(b.mlp.c_proj.weight, b.mlp.c_proj.bias)


def random_clip(m, seed):
    f, v = Fill(seed), m.visual
    w, t, e = v.conv1.weight.shape[0], m.ln_final.weight.shape[0], v.proj.shape[1]
    f.into(v.conv1.weight, 0, (v.conv1.weight.numel() // w) ** -0.5)
    f.into(v.class_embedding, 0, w ** -0.5)
    f.into(v.positional_embedding, 0, w ** -0.5)
    f.norm(v.ln_pre); f.blocks(v.transformer); f.norm(v.ln_post)
    f.into(v.proj, 0, w ** -0.5, (e, w), t=True)
    f.into(m.token_embedding.weight, 0, 0.02)
    f.into(m.positional_embedding, 0, 0.01)
    f.blocks(m.transformer); f.norm(m.ln_final)
    f.into(m.text_projection, 0, t ** -0.5, (e, t), t=True)
    return m


def ids(batch, ctx, vocab):
    x = torch.zeros(batch, ctx, dtype=torch.long)
    for i in range(batch):
        n = 5 + 30 * i                                     # SOT, n - 1 tokens, EOT: 6, 36, 66 of 77 positions
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


def main():
    print("/* golden.h - outputs of the PyTorch reference in float64; made by tests/golden/model.py, which says how. */")
    print("#ifndef TOOLS_GOLDEN_H\n#define TOOLS_GOLDEN_H\n")
    with torch.no_grad():
        for act, cls, seed in (("quick", o.QuickGELU, 1), ("gelu", torch.nn.GELU, 2)):
            m = random_clip(o.CLIP(64, 64, 16, 128, 3, 2, 77, 664, 128, 3, 2, act=cls), seed).eval()
            px = Fill(100).tensor((3, 3, 64, 64), 0, 1)
            put(f"golden_image_{act}", f"\"tiny\", seed {seed}: features [3, 64] of pixels mean 0, sd 1 from seed 100", m.encode_image(px))
            put(f"golden_text_{act}", f"features [3, 64] of ids: SOT, (7 j j + 13 i) % 662 for j = 1 .. 4 + 30 i, EOT", m.encode_text(ids(3, 77, 664)))
        feats = Fill(200).tensor((3, 9, 64), 0, 1)
        for name, layers, eps, res, fn in (("prompt_vlm", 2, 1e-5, False, False), ("actionclip", 6, 1e-12, True, False),
                                           ("clip4clip", 4, 1e-12, True, True), ("mean", 0, 1e-5, False, False)):
            t = o.TFC(64, layers, 1, 9, eps, res, fn).eval()
            f = Fill(3)
            if layers:
                f.into(t.positional_embedding, 0, 0.01)
            f.blocks(t.transformer)
            put(f"golden_tfc_{name}", "width 64, n 9, seed 3: F_video [3, 64] of features mean 0, sd 1 from seed 200",
                o.unit(o.video_feature(t, feats, norm_then_blend=fn)))
    print("#endif")


if __name__ == "__main__":
    main()
