"""The embedder `lexical` a second time, from its definition and not from the
Go code: big integers, dictionaries and the standard library's own Unicode
tables and logarithm. It needs Python 3.12, whose tables are Unicode 15.0, and
writes golden.json from texts.json:

    python3.12 reference.py
"""
import base64, json, math, pathlib, re, unicodedata

assert unicodedata.unidata_version == "15.0.0", unicodedata.unidata_version
HERE = pathlib.Path(__file__).parent
MASK = 2**64 - 1
SPACE = set(map(chr, [*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
                      0x2028, 0x2029, 0x202F, 0x205F, 0x3000]))


def constants(name):
    """The two tables of numbers are data: read from where they are defined."""
    source = (HERE.parent / "surface.go").read_text()
    body = re.search(name + r"\s*= \[surfaces\]float64\{(.*?)\n\t\}", source, re.S)[1]
    return [float(x) for x in re.findall(r"^\s*([-\d.e]+),", body, re.M)]


def characters(raw):
    """UTF-8 as Go reads it: every byte that starts no character is U+FFFD."""
    out, i = [], 0
    while i < len(raw):
        for n in (1, 2, 3, 4):
            try:
                out.append(raw[i:i + n].decode("utf-8"))
                i += n
                break
            except UnicodeDecodeError:
                pass
        else:
            out.append("\ufffd")
            i += 1
    return out


def is_letter(c):
    return unicodedata.category(c).startswith("L")


def lower(c):
    low = c.lower()
    return low if len(low) == 1 else low[0]  # U+0130 alone has two


def tokens(chars):
    word = []
    for c in chars:
        if is_letter(c):
            word.append(lower(c))
            continue
        if word:
            yield word
        word = []
        if c not in SPACE:
            yield [c]
    if word:
        yield word


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def embed(raw):
    chars, golden = characters(raw), 0x9E3779B97F4A7C15
    ids = []
    for token in tokens(chars):
        h = 0x243F6A8885A308D3
        for c in token:
            h = ((h ^ ord(c)) * golden) & MASK
        ids.append(mix(h))
    features = ids + [mix((a * golden + b) & MASK) for a, b in zip(ids, ids[1:])]
    counts = {}
    for f in features:
        counts[f >> 52] = counts.get(f >> 52, 0) + (1 if f & 1 else -1)
    vector = {b: math.copysign(1 + math.log(abs(c)), c) for b, c in counts.items() if c}
    norm = math.sqrt(math.fsum(v * v for v in vector.values()))
    vector = {b: v / norm for b, v in vector.items()}
    for i, (x, m, s) in enumerate(zip(surface(chars), constants("means"), constants("deviations"))):
        vector[4096 + i] = 0.1 * max(-3, min(3, (x - m) / s))
    vector[4112] = 1
    return vector


def surface(chars):
    text, n = "".join(chars), len(chars)
    count = lambda some: sum(c in some for c in chars)
    share = lambda some: some / n if n else 0
    runs = "".join("a" if is_letter(c) else "0" if c in "0123456789" else " " for c in chars)
    words = re.findall("a+", runs)
    punctuation = [c for c in map(chr, range(33, 127)) if not c.isalnum()]
    code = ["```", "def ", "return", "assert ", "#include", ";\n", "import "]
    return [
        math.log1p(n),
        math.log1p(len(words)),
        share(count("0123456789")),
        share(sum(is_letter(c) and lower(c) != c for c in chars)),
        share(count(punctuation)),
        math.log1p(count("\n")),
        min(0.1, share(count("\\"))),
        min(0.1, share(count("$"))),
        float(any(mark in text for mark in code)),
        math.log1p(count("?")),
        math.log1p(len(re.findall(r"^[ \t]*[A-J][.)]", text, re.M))),
        math.log1p(len(re.findall("0+", runs))),
        sum(map(len, words)) / len(words) if words else 0,
        math.log1p(count("=+*/^<>")),
        min(0.5, share(sum(ord(c) > 127 for c in chars))),
        float("_" in chars),
    ]


golden = []
for text in json.loads((HERE / "texts.json").read_text()):
    vector = embed(base64.b64decode(text))
    golden.append({"text": text, "index": sorted(vector), "value": [float(f"{vector[i]:.9g}") for i in sorted(vector)]})
rows = ",\n".join(json.dumps(g, separators=(",", ":")) for g in golden)
(HERE / "golden.json").write_text("[\n" + rows + "\n]\n")
