"""The hash of test_unicode.c's `golden`, from Python 3.11 (Unicode 14.0): python3 tests/golden/unicode.py"""
import hashlib
import unicodedata as u

SPACE = set([*range(9, 14), 0x20, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000])
assert u.unidata_version == '14.0.0'
h = hashlib.sha256()
for first in range(0, 0x110000, 256):
    block = [c for c in range(first, first + 256) if not 0xD800 <= c < 0xE000]
    cats = [u.category(chr(c)) for c in block]
    h.update(bytes((k[0] == 'L') + 2 * (k[0] == 'N') + 4 * (k == 'Nd') + 8 * (c in SPACE) for c, k in zip(block, cats)))
    h.update(u.normalize('NFC', ''.join(f'{chr(c)}\na{chr(c)}\n{chr(c)}\u0301\u0316\n' for c in block)).encode())
    h.update(''.join(f'{chr(c)}\n{chr(c)}\u03a3\nA{chr(c)}\u03a3\nA\u03a3{chr(c)}\n' for c in block).lower().encode())
print(h.hexdigest())
