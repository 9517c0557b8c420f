"""Writes tests/golden/normal.h: what the PyTorch oracle makes of random input, for the tests of kmeans/.

    python3 tests/golden/normal.py ../shared/oracle > tests/golden/normal.h        (needs torch and numpy)
"""
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import torch
import svad_oracle as o

rng = np.random.default_rng(2024)


def emit(ctype, name, values):
    fmt = {"float": lambda v: f"{np.float32(v):.9g}", "double": lambda v: f"{float(v):.17g}"}.get(ctype, lambda v: str(int(v)))
    words = [fmt(v) for v in np.asarray(values).reshape(-1)]
    if ctype == "float":
        words = [w + ("" if "." in w or "e" in w else ".0") + "f" for w in words]
    print(f"static const {ctype} {name}[{len(words)}] = {{")
    line = "   "
    for w in words:
        if len(line) + len(w) + 2 > 118:
            print(line)
            line = "   "
        line += " " + w + ","
    print(line + "\n};")


def f32(*shape):
    return rng.normal(size=shape).astype(np.float32)


def d(x):
    return torch.tensor(np.asarray(x), dtype=torch.float64)


print("/* Made by tests/golden/normal.py; do not edit. */")
video, text = f32(5, 21), f32(7, 21)
video[3] = 0
emit("float", "resp_video", video)
emit("float", "resp_text", text)
emit("double", "resp_out", o.responses(d(video), d(text)))

x = (0.25 + 0.05 * f32(60, 11)).astype(np.float32)
x[17] = x[5]
x[18] = 3 * x[5]
init = x[[1, 9, 33, 47]].astype(np.float64)
c, lab, obj = o.cosine_kmeans(d(x), d(init))
emit("float", "km_x", x)
emit("double", "km_init", init)
emit("double", "km_centre", c)
emit("unsigned char", "km_label", lab)
print(f"static const double km_objective = {obj:.17g};")
init[1] = -init[1]                      # the two opposite centres win no row: both are refilled
init[3] = -init[3]
c, lab, obj = o.cosine_kmeans(d(x), d(init))
emit("double", "km_empty_init", init)
emit("double", "km_empty_centre", c)
emit("unsigned char", "km_empty_label", lab)
print(f"static const double km_empty_objective = {obj:.17g};")

resp = (0.25 + 0.02 * f32(9, 11)).astype(np.float32)
resp[4] = 0
emit("float", "score_resp", resp)
emit("double", "score_out", o.score(d(resp), c))

s, frame = rng.uniform(0, 0.02, 14), np.sort(rng.integers(0, 6, 14))
frame[frame == 2] = 3                   # a frame without objects
sim = rng.uniform(0.15, 0.35, 14).astype(np.float32)
emit("double", "re_score", s)
emit("unsigned char", "re_frame", frame)
emit("float", "re_sim", sim)
emit("double", "re_frames", o.frame_scores(d(s), torch.tensor(frame), 6))
for normal in (True, False):
    emit("double", "re_normal" if normal else "re_abnormal",
         o.redefine(d(s), torch.tensor(frame), d(sim), normal, 0.22, theta=30.0, gamma=4.0))

lens = [40, 25, 7, 3]
labels = [rng.integers(0, 2, n) for n in lens]
labels[2][:] = 1                        # one class
labels[3][:] = [0, 1, 1]
scores = [np.round(rng.uniform(0, 1, n) + 0.2 * y, 1) for n, y in zip(lens, labels)]      # many ties
emit("unsigned char", "auc_label", np.concatenate(labels))
emit("double", "auc_score", np.concatenate(scores))
emit("double", "auc_clip", [o.auc(y, s) for y, s in list(zip(labels, scores))[:2]])
for tag, sc in (("raw", scores), ("smooth", [o.smooth(s, 3.0) for s in scores])):
    v = list(zip(labels, sc))
    emit("double", "auc_" + tag, [o.auc(np.concatenate(labels), np.concatenate(sc)), o.macro_auc(v), o.macro_auc(v, False)])
emit("double", "smooth_3", o.smooth(scores[1], 3.0))
emit("double", "smooth_7", o.smooth(scores[3], 7.0))
