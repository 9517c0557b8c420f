# Makes torchscript.pt and checkpoint.pt beside it (run here: /usr/bin/python3 torch_files.py, PyTorch 1.13).
# The tests know every value: parameter i of torchscript.pt counts up from 100 * i.
import collections
import torch

torch.manual_seed(1)
class In(torch.nn.Module):
    def __init__(s):
        super().__init__(); s.lin = torch.nn.Linear(3, 2); s.ln = torch.nn.LayerNorm(3); s.lin.half()
    def forward(s, x): return s.ln(x)
class Out(torch.nn.Module):
    def __init__(s):
        super().__init__()
        s.blocks = torch.nn.Sequential(In(), In()); s.logit_scale = torch.nn.Parameter(torch.tensor(2.5))
        s.register_buffer("input_resolution", torch.tensor(64)); s.shape = [3, 4]; s.name = "x"; s.eps = 1e-5
    def forward(s, x): return s.blocks(x) * s.logit_scale
m = Out()
for i, p in enumerate(m.parameters()): p.data = (torch.arange(p.numel()).reshape(p.shape) + 100 * i).to(p.dtype)
torch.jit.save(torch.jit.script(m), "torchscript.pt")
base = torch.arange(12.).reshape(3, 4)
sd = collections.OrderedDict(w=base, t=base.t(), part=base[1:], p3=torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1),
                             par=torch.nn.Parameter(torch.tensor([1.5, -2.0])), b=torch.tensor([True, False]), none=None)
sd._metadata = collections.OrderedDict([("", {"version": 1})])
opt = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
opt.param_groups[0]["params"][0].grad = torch.ones(2); opt.step()
torch.save({"epoch": 3, "name": "run", "state_dict": sd, "optimizer": opt.state_dict(), "loss": 0.25, "big": 1 << 40}, "checkpoint.pt")
