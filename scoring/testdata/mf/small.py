"""Makes small.json from small.safetensors: win rates by the definition of MF,
unfolded, in decimal arithmetic of 50 digits. Run it in this directory.

small.safetensors are weights of 64 models, 16 factors and embeddings 32 wide,
made by RouteLLM's own training loop on generated numbers.
"""

import json
import random
import struct
from decimal import Decimal, getcontext

getcontext().prec = 50

raw = open("small.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8 : 8 + size])


def tensor(name):
    begin, end = header[name]["data_offsets"]
    data = raw[8 + size + begin : 8 + size + end]
    flat = [Decimal(x) for (x,) in struct.iter_unpack("<f", data)]
    rows, cols = header[name]["shape"]
    return [flat[i * cols : (i + 1) * cols] for i in range(rows)]


P, W, [c] = tensor("P.weight"), tensor("text_proj.0.weight"), tensor("classifier.0.weight")


def logit(model, e):
    norm = sum(x * x for x in P[model]).sqrt()
    hidden = [sum(w * x for w, x in zip(row, e)) for row in W]
    return sum(ck * (p / norm * h) for ck, p, h in zip(c, P[model], hidden))


random.seed(1)
embeddings = []
for _ in range(6):
    e = [random.gauss(0, 1) for _ in range(32)]
    norm = sum(x * x for x in e) ** 0.5
    embeddings.append([struct.unpack("<f", struct.pack("<f", x / norm))[0] for x in e])

pairs = []
for strong, weak in [(24, 36), (36, 24), (0, 63), (5, 5)]:
    rates = []
    for e in embeddings:
        exact = [Decimal(x) for x in e]
        rates.append(float(1 / (1 + (logit(weak, exact) - logit(strong, exact)).exp())))
    pairs.append({"strong": str(strong), "weak": str(weak), "win_rates": rates})

with open("small.json", "w") as f:
    json.dump({"embeddings": embeddings, "pairs": pairs}, f, indent=1)
    f.write("\n")
