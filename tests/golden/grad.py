"""Writes tests/golden/grad.h: the reference's gradients of whole models, by autograd in float64.

    python3 tests/golden/grad.py ../shared/oracle > tests/golden/grad.h        (PyTorch)

The loss is sum c y over all outputs y.  Of a tensor's gradient g two numbers are kept: <g, r> and |g|, r random with mean 0
and deviation 1 from seed 1000 + the tensor's number, so that no element can be wrong or in the wrong place unseen.
"""
import sys
import torch
import fill
sys.path.insert(0, sys.argv[1])
import svad_oracle as o

torch.set_default_dtype(torch.float64)


def noise(seed, *shape):
    return fill.Fill(seed).tensor(shape, 0, 1)


def put(name, comment, tensors):
    out = []
    for i, t in enumerate(tensors):
        g = t.grad()
        out += [g @ noise(1000 + i, len(g)), g.norm()]
    fill.put(name, comment, torch.stack(out))


print("/* grad.h - gradients of the PyTorch reference in float64; made by tests/golden/grad.py, which says how. */")
print("#ifndef TESTS_GOLDEN_GRAD_H\n#define TESTS_GOLDEN_GRAD_H\n")
feats, c = noise(200, 4, 7, 128), noise(201, 4, 128)
for name, layers, eps, res, fn, unit in (("prompt_vlm", 2, 1e-5, False, False, False), ("prompt_vlm_unit", 2, 1e-5, False, False, True),
                                         ("actionclip", 6, 1e-12, True, False, False), ("clip4clip", 4, 1e-12, True, True, True)):
    t = o.TFC(128, layers, 2, 7, eps, res, fn)
    tensors = fill.tfc(t)
    fill.fill(tensors, 3)
    (c * o.unit(o.video_feature(t, feats, norm_then_blend=unit))).sum().backward()
    put(f"golden_grad_{name}", "width 128, n 7, seed 3; features [4, 7, 128] from seed 200, c from seed 201", tensors)
px, ci, ct = noise(100, 3, 3, 12, 12), noise(101, 3, 20), noise(102, 3, 20)
for act, cls, seed in (("quick", o.QuickGELU, 1), ("gelu", torch.nn.GELU, 2)):
    m = o.CLIP(20, 12, 4, 36, 2, 3, 17, 40, 24, 2, 2, act=cls)
    tensors = fill.clip(m)
    fill.fill(tensors, seed)
    ((ci * m.encode_image(px)).sum() + (ct * m.encode_text(fill.ids(3, 17, 40, 4))).sum()).backward()
    put(f"golden_grad_clip_{act}", f"E 20, 12 pixels, patch 4, widths 36 and 24, 2 layers, 3 and 2 heads, seed {seed}; c from seeds 101 and 102", tensors)
print("#endif")
