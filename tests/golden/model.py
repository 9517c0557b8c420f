"""Writes tools/golden.h: what the reference says of the random models that sv_clip_random and sv_tfc_random make.

    python3 tests/golden/model.py ../shared/oracle > tools/golden.h        (PyTorch; float64)

The weights come from their seeds (fill.py), so only inputs' seeds and outputs are stored.
"""
import sys
import torch
import fill
sys.path.insert(0, sys.argv[1])
import svad_oracle as o

torch.set_default_dtype(torch.float64)

print("/* golden.h - outputs of the PyTorch reference in float64; made by tests/golden/model.py, which says how. */")
print("#ifndef TOOLS_GOLDEN_H\n#define TOOLS_GOLDEN_H\n")
with torch.no_grad():
    for act, cls, seed in (("quick", o.QuickGELU, 1), ("gelu", torch.nn.GELU, 2)):
        m = o.CLIP(64, 64, 16, 128, 3, 2, 77, 664, 128, 3, 2, act=cls).eval()
        fill.fill(fill.clip(m), seed)
        px = fill.Fill(100).tensor((3, 3, 64, 64), 0, 1)
        fill.put(f"golden_image_{act}", f"\"tiny\", seed {seed}: features [3, 64] of pixels mean 0, sd 1 from seed 100", m.encode_image(px))
        fill.put(f"golden_text_{act}", "features [3, 64] of ids: SOT, (7 j j + 13 i) % 662 for j = 1 .. 4 + 30 i, EOT", m.encode_text(fill.ids(3, 77, 664, 30)))
    feats = fill.Fill(200).tensor((3, 9, 64), 0, 1)
    for name, layers, eps, res, fn in (("prompt_vlm", 2, 1e-5, False, False), ("actionclip", 6, 1e-12, True, False),
                                       ("clip4clip", 4, 1e-12, True, True), ("mean", 0, 1e-5, False, False)):
        t = o.TFC(64, layers, 1, 9, eps, res, fn).eval()
        fill.fill(fill.tfc(t), 3)
        fill.put(f"golden_tfc_{name}", "width 64, n 9, seed 3: F_video [3, 64] of features mean 0, sd 1 from seed 200",
                 o.unit(o.video_feature(t, feats, norm_then_blend=fn)))
print("#endif")
