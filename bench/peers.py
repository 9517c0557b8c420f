#!/usr/bin/env python3
"""svad beside PyTorch and ONNX Runtime on the same weights: rounds that take turns, medians over all rounds.

    peers.py SVAD MODEL PEERS CHECKPOINT [--rounds N] [--batches 1,9] [--torch PYTHON] [--ort PYTHON] ROW...

SVAD is the built tool and MODEL what it converted from CHECKPOINT, a folder with state.pt, vision.onnx and text.onnx; PEERS is a folder
whose export_onnx.py gives towers(state.pt).  ROW: svad, svad:MODEL (another file, or --isa by svad:MODEL:ISA), ort, ort-int8, torch,
torch-bf16 for images; svad-text, ort-text, torch-text for 400 texts; torch-prompt for one step of prompt learning, 25 of 400 names.
The project does not depend on this script: nothing else runs it."""
import argparse, json, os, signal, statistics, subprocess, sys, time

TEXTS, PASS = 400, 50


def worker(kind, path, batch):
    """One call a line of stdin; its seconds and the process's peak memory to stdout."""
    import resource
    import numpy as np
    text = kind.endswith("-text")
    rng = np.random.default_rng(1)
    x = rng.integers(0, 500, (TEXTS, 77)) if text else rng.standard_normal((batch, 3, 224, 224), dtype=np.float32)
    if kind.startswith("ort"):
        import onnxruntime as ort
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = 2, 1
        s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
        run = (lambda: [s.run(None, {"x": x[i:i + PASS]}) for i in range(0, TEXTS, PASS)]) if text else lambda: s.run(None, {"x": x})
    else:
        run = torch_run(kind, path, batch, x)
    for _ in sys.stdin:
        t = time.perf_counter()
        run()
        print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


def torch_run(kind, path, batch, x):
    import torch
    from export_onnx import towers
    torch.set_num_threads(2)
    m, image, text = towers(path)
    for p in m.parameters():
        p.requires_grad_(False)
    if kind == "torch-prompt":
        ctx = torch.nn.Parameter(torch.randn(16, m.positional_embedding.shape[1]) * 0.02)
        opt = torch.optim.AdamW([ctx], 2e-4)
        vocab, names = m.token_embedding.weight.shape[0], batch
        ids = torch.zeros(names, 77, dtype=torch.long)
        ids[:, 0], ids[:, 17:20], ids[:, 20] = vocab - 2, 5, vocab - 1
        video = torch.nn.functional.normalize(torch.randn(128, m.text_projection.shape[1]), dim=-1)

        def step():
            e = m.token_embedding(ids)
            e = torch.cat([e[:, :1], ctx.expand(names, -1, -1), e[:, 17:]], 1)
            f = m.ln_final(text.flat(e + m.positional_embedding, text.mask))[:, 20] @ m.text_projection
            loss = torch.nn.functional.cross_entropy(video @ torch.nn.functional.normalize(f, dim=-1).t() / 0.1, torch.arange(128) % names)
            opt.zero_grad(), loss.backward(), opt.step()
        return step
    x = torch.from_numpy(x)
    if kind == "torch-bf16":
        image, x = image.bfloat16(), x.bfloat16()

    def forward():
        with torch.no_grad():
            [text(x[i:i + PASS]) for i in range(0, TEXTS, PASS)] if kind == "torch-text" else image(x)
    return forward


class Peer:
    """A worker that is stopped while it is not its turn, so that its waiting threads cost nobody anything."""
    def __init__(self, a, kind, batch):
        ort = kind.startswith("ort")
        name = "text" if kind.endswith("-text") else "vision"
        path = f"{a.checkpoint}/{name}{'.int8' if kind == 'ort-int8' else ''}.onnx" if ort else f"{a.checkpoint}/state.pt"
        env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        env.update(OMP_NUM_THREADS="2", PYTHONPATH=a.peers)
        self.items = batch
        self.p = subprocess.Popen([a.ort if ort else a.torch, __file__, "--worker", kind, path, str(batch)], env=env, text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.call()                                           # loads and warms up

    def call(self):
        self.p.send_signal(signal.SIGCONT)
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline().split()
        self.p.send_signal(signal.SIGSTOP)
        return float(line[0]), int(line[1]) / 1024

    def close(self):
        self.p.send_signal(signal.SIGCONT)
        self.p.stdin.close()
        self.p.wait()


class Svad:
    def __init__(self, a, kind, batch):
        _, _, rest = kind.partition(":")
        model, _, isa = rest.partition(":")
        self.items = batch
        self.cmd = [a.svad, "bench", "model", "text" if kind.startswith("svad-text") else "image", "-m", model or a.model, "--batch", str(batch),
                    "--json", "--quick"] + (["--isa", isa] if isa else [])

    def call(self):
        p = subprocess.Popen(self.cmd, stdout=subprocess.PIPE, text=True)
        row = json.loads(p.stdout.readline())
        _, _, usage = os.wait4(p.pid, 0)
        return row["ns"] * 1e-9, usage.ru_maxrss / 1024

    def close(self):
        pass


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("svad", "model", "peers", "checkpoint"):
        p.add_argument(name)
    p.add_argument("rows", nargs="+")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--batches", default="1,9")
    p.add_argument("--torch", default="python3")
    p.add_argument("--ort", default="python3")
    a = p.parse_args()
    for batch in map(int, a.batches.split(",")):
        batches = {k: 25 if k == "torch-prompt" else TEXTS if "-text" in k else batch for k in a.rows}
        all_rows = [(k, (Svad if k.startswith("svad") else Peer)(a, k, batches[k])) for k in a.rows]
        seen = {k: [] for k in a.rows}
        for _ in range(a.rounds):
            for k, row in all_rows:
                seen[k].append(row.call())
        for k, row in all_rows:
            t = sorted(s for s, _ in seen[k])
            print(f"{k:28s} batch {row.items:3d}  median {statistics.median(t):7.3f} s  best {t[0]:7.3f} s  {row.items / statistics.median(t):7.2f} /s"
                  f"  peak {max(m for _, m in seen[k]):6.0f} MiB", flush=True)
            row.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
