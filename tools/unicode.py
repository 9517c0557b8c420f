#!/usr/bin/env python3
"""Writes clip/unicode_tables.c from Python's unicodedata and html.entities (run it with Python 3.11, Unicode 14.0):

    python3 tools/unicode.py > clip/unicode_tables.c
"""
import html
import html.entities
import sys
import unicodedata as u

ALL = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def ranges(pred):
    out = []
    for c in ALL:
        if pred(c):
            if out and out[-1][1] == c - 1: out[-1][1] = c
            else: out.append([c, c])
    return out


def maps(value):
    """[first, last, value] for runs of equal value; 0 is left out."""
    out = []
    for c in ALL:
        v = value(c)
        if v:
            if out and out[-1][1] == c - 1 and out[-1][2] == v: out[-1][1] = c
            else: out.append([c, c, v])
    return out


def lower_runs():
    """[first, last, step, delta]: every step-th code point from first to last moves by delta."""
    one = {c: ord(chr(c).lower()) - c for c in ALL if len(chr(c).lower()) == 1 and chr(c).lower() != chr(c)}
    out = []
    for c, d in one.items():
        if out:
            r = out[-1]
            step = c - r[1]
            single = r[0] == r[1]
            if r[3] == d and (single and step in (1, 2) or step == r[2] and not single):
                r[1], r[2] = c, step
                continue
        out.append([c, c, 1, d])
    assert {c: d for f, l, s, d in out for c in range(f, l + 1, s)} == one
    assert [chr(c) for c in ALL if len(chr(c).lower()) > 1] == ['\u0130']
    return out


def sigma(c):
    """What the final sigma rule of str.lower sees: 2 is skipped (case-ignorable), 1 is cased, 0 neither."""
    t = chr(c)
    if ('A' + t + '\u03a3').lower()[-1] != '\u03c2': return 0
    return 1 if (t + '\u03a3').lower()[-1] == '\u03c2' else 2


def decompositions():
    out = []
    for c in ALL:
        d = u.decomposition(chr(c))
        if d and not d.startswith('<'):
            out.append([c] + [int(x, 16) for x in d.split()] + ([0] if ' ' not in d else []))
    assert all(len(x) == 3 for x in out)
    return out


def pair(text):
    assert len(text) in (1, 2)
    return f'0x{ord(text[0]):x}, 0x{ord(text[1]):x}' if len(text) == 2 else f'0x{ord(text):x}, 0'


def upper_entities():
    """The all-capitals spellings that ftfy also decodes: of names in lower case, where HTML has no such name."""
    out = {}
    for name, text in html.entities.html5.items():
        if name.endswith(';') and name == name.lower():
            up = '&' + name.upper()
            if html.unescape(up) == up: out[name.upper()] = text.upper()
    return out


def table(decl, rows):
    print(f'\n{decl}[] = {{')
    line = '   '
    for r in rows:
        if len(line) + len(r) + 2 > 118:
            print(line)
            line = '   '
        line += f' {r},'
    print(line + '\n};')
    name = decl.split()[-1]
    print(f'const size_t {name}_n = sizeof {name} / sizeof *{name};')


def main():
    h = lambda rows: ['{ ' + ', '.join(f'0x{v:x}' if v >= 0 else str(v) for v in r) + ' }' for r in rows]
    print('/* unicode_tables.c - written by tools/unicode.py; not to be edited. */')
    print('#include "clip/unicode_tables.h"\n')
    print(f'const char sv_uni_version[] = "{u.unidata_version}";')
    cat = lambda first: ranges(lambda c: u.category(chr(c)).startswith(first))
    table('const struct sv_uni_range sv_uni_l', h(cat('L')))
    table('const struct sv_uni_range sv_uni_n', h(cat('N')))
    table('const struct sv_uni_range sv_uni_nd', h(cat('Nd')))
    table('const struct sv_uni_map sv_uni_ccc', h(maps(lambda c: u.combining(chr(c)))))
    table('const struct sv_uni_map sv_uni_sigma', h(maps(sigma)))
    table('const struct sv_uni_run sv_uni_lower', [f'{{ 0x{a:x}, 0x{b:x}, {s}, {d} }}' for a, b, s, d in lower_runs()])
    dec = decompositions()
    table('const struct sv_uni_pair sv_uni_dec', h(dec))
    comp = [i for i, (c, a, b) in enumerate(dec) if b and u.normalize('NFC', chr(c)) == chr(c)]
    comp.sort(key=lambda i: dec[i][1:])
    table('const uint16_t sv_uni_comp', map(str, comp))
    width = []
    for c in [0x3000] + list(range(0xFF01, 0xFFF0)):
        t = u.normalize('NFKC', chr(c))
        if t != chr(c): width.append(f'{{ 0x{c:x}, {pair(t)} }}')
    table('const struct sv_uni_pair sv_uni_width', width)
    entity = lambda d: [f'{{ "{k}", {{ {", ".join(hex(ord(c)) for c in d[k])} }} }}' for k in sorted(d)]
    table('const struct sv_entity sv_entities', entity(html.entities.html5))
    table('const struct sv_entity sv_entities_upper', entity(upper_entities()))


if u.unidata_version != '14.0.0':
    sys.exit(f'unicode.py: this Python has Unicode {u.unidata_version}, expected 14.0.0')
main()
