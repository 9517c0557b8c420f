"""Writes tests/golden/prompt.h: prompt learning in the reference, forward and by its autograd.

    python3 tests/golden/prompt.py ../shared/oracle > tests/golden/prompt.h        (PyTorch; float64)

The model is "tiny" of seed 1 as in model.py.  The reference has the middle placement; the others are laid out here.
"""
import sys
import torch
import fill
sys.path.insert(0, sys.argv[1])
import svad_oracle as o

torch.set_default_dtype(torch.float64)

NAMES, K, B = [[5, 77, 301], [12], [600, 8, 43, 43, 150], [661, 2]], 3, 6


def texts(m, ctx, h):
    """[SOT, ctx[:h], name, ctx[h:], EOT] for each name; ctx (K, W), or (N, K, W): one for each name."""
    emb, rows = m.token_embedding.weight, []
    for j, n in enumerate(NAMES):
        c = ctx if ctx.dim() == 2 else ctx[j]
        x = torch.cat([emb[662][None], c[:h], emb[torch.tensor(n)], c[h:], emb[663][None]])[None]
        rows.append(m.encode_embedded(x, torch.tensor([x.shape[1] - 1]))[0])
    return torch.stack(rows)


def main():
    m = o.CLIP(64, 64, 16, 128, 3, 2, 77, 664, 128, 3, 2).eval()
    fill.fill(fill.clip(m), 1)
    video, target = fill.Fill(400).tensor((B, 64), 0, 1), torch.tensor([(3 * b + 1) % len(NAMES) for b in range(B)])
    print("/* prompt.h - prompt learning in the PyTorch reference, float64; made by tests/golden/prompt.py, which says how. */")
    print("#ifndef TESTS_GOLDEN_PROMPT_H\n#define TESTS_GOLDEN_PROMPT_H\n")
    for name, h in (("middle", 2), ("front", 3), ("end", 0), ("own", 2)):
        shape = (len(NAMES), K, 128) if name == "own" else (K, 128)
        ctx = fill.Fill(300).tensor(shape, 0, 0.1).requires_grad_()
        f = texts(m, ctx, h)
        if name == "middle":
            assert torch.allclose(f, o.prompted_text(m, ctx, NAMES, 662, 663), rtol=0, atol=1e-12)
        loss = o.nce_loss(video, f, target)
        loss.backward()
        fill.put(f"golden_prompt_{name}_text", f"{name}: F_hat [4, 64] with vectors {list(shape)} of sd 0.1 from seed 300", f.detach())
        fill.put(f"golden_prompt_{name}_loss", "Eq. 3 of video [6, 64], sd 1 from seed 400, targets (3 b + 1) % 4", loss.detach())
        fill.put(f"golden_prompt_{name}_grad", "its gradient by the vectors", ctx.grad)
    print("#endif")


main()
