"""The table of test_image.c, from Pillow (9.4): python3 tests/golden/preprocess.py

Geometry is torchvision's: short side to `size`, int(size * long / short), crop rounded half to even."""
import hashlib

from PIL import Image

MODES = {'GRAY': ('L', 1), 'GRAY_ALPHA': ('LA', 2), 'RGB': ('RGB', 3), 'RGBA': ('RGBA', 4), 'PALETTE': ('P', 1), 'BILEVEL': ('L', 1)}


def pixels(w, h, c, bilevel):
    v = [(x * x * 7 + y * y * 5 + x * y * 3 + k * 90 + (x * 31 + y * 17) // 8 + (x // 3 * 101 ^ y // 5 * 57)) & 255
         for y in range(h) for x in range(w) for k in range(c)]
    if c in (2, 4):                                 # every seventh pixel transparent, every fifth of the others opaque
        for i in range(w * h):
            if i % 7 == 0: v[i * c + c - 1] = 0
            elif i % 5 == 0: v[i * c + c - 1] = 255
    return bytes(255 * (b & 1) for b in v) if bilevel else bytes(v)


def image(mode, w, h):
    m, c = MODES[mode]
    im = Image.frombytes(m, (w, h), pixels(w, h, c, mode == 'BILEVEL'))
    if mode == 'PALETTE': im.putpalette(bytes(i * m_ + a & 255 for i in range(256) for m_, a in ((7, 0), (13, 5), (29, 11))))
    return im.convert('1', dither=0) if mode == 'BILEVEL' else im


def preprocess(im, size, squash):
    w, h = im.size
    if squash: return im.resize((size, size), Image.BICUBIC).convert('RGB')
    new = (size, int(size * h / w)) if w <= h else (int(size * w / h), size)
    if new != (w, h): im = im.resize(new, Image.BICUBIC)
    left, top = int(round((new[0] - size) / 2.0)), int(round((new[1] - size) / 2.0))
    return im.crop((left, top, left + size, top + size)).convert('RGB')


sha = lambda im: hashlib.sha256(im.tobytes()).hexdigest()
for mode, w, h, size, squash in [
        ('RGB', 1, 1, 224, 0), ('RGB', 1, 500, 224, 0), ('RGB', 500, 1, 224, 0), ('RGB', 224, 224, 224, 0), ('RGB', 225, 224, 224, 0),
        ('RGB', 223, 224, 224, 0), ('RGB', 856, 480, 224, 0), ('RGB', 320, 240, 224, 0), ('RGB', 399, 224, 224, 0), ('RGB', 640, 360, 64, 0),
        ('RGB', 320, 240, 64, 1), ('RGB', 14, 32, 64, 1), ('RGBA', 320, 240, 224, 0), ('RGBA', 40, 30, 64, 0), ('RGBA', 64, 80, 64, 0),
        ('RGBA', 64, 64, 64, 1), ('RGBA', 64, 65, 64, 1), ('GRAY_ALPHA', 150, 100, 64, 0), ('GRAY', 101, 77, 64, 0), ('PALETTE', 320, 240, 224, 0),
        ('PALETTE', 33, 47, 64, 0), ('BILEVEL', 90, 130, 64, 0)]:
    print(f'    {{ "{mode}", {w}, {h}, {size}, {squash}, "{sha(preprocess(image(mode, w, h), size, squash))}" }},')
pairs = Image.frombytes('LA', (256, 256), bytes(v for y in range(256) for x in range(256) for v in (x, y)))
print(f'every gray with every alpha: {sha(preprocess(pairs, 400, 1))}\n')
im = image('RGB', 120, 90)
for box, size in [((0, 0, 120, 90), 64), ((10, 20, 24, 52), 64), ((10, 20, 24, 52), 224), ((119, 89, 120, 90), 64), ((3, 5, 67, 69), 64), ((50, 0, 51, 90), 32)]:
    x1, y1, x2, y2 = box
    side = -(-5 * max(x2 - x1, y2 - y1) // 4)
    left, top = x1 - (side - (x2 - x1) + 1) // 2, y1 - (side - (y2 - y1) + 1) // 2
    wide = Image.new('RGB', (side, side))
    wide.putdata([im.getpixel((min(max(x, 0), 119), min(max(y, 0), 89))) for y in range(top, top + side) for x in range(left, left + side)])
    squash, square = (sha(i.resize((size, size), Image.BICUBIC)) for i in (im.crop(box), wide))
    print(f'    {{ {{ {x1}, {y1}, {x2}, {y2} }}, {size}, "{squash}",\n      "{square}" }},')
