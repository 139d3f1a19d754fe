"""Draws landscapes: pairs of a photo-like scene and the same scene in the style of Monet or of a ukiyo-e print."""

from typing import Any, NamedTuple

import numpy as np

from pgtf.data.drawn.canvas import (
    Canvas,
    Noise,
    Shape,
    box,
    ellipse,
    fraction,
    mix,
    picture,
    polygon,
    rgb,
    shade,
    union,
    unit,
)

KINDS = ("sky", "sun", "cloud", "mountain", "hill", "meadow", "water", "leaves", "trunk", "sail", "hull")


class Layer(NamedTuple):
    """One object of the landscape: its kind, shape and distance (0 near, 1 at the horizon)."""

    kind: str
    shape: Shape
    depth: float


class Landscape(NamedTuple):
    """A scene as layers, back to front, with the light and the textures that every style shares."""

    layers: list
    horizon: float
    sun: tuple
    mood: int
    clouds: tuple
    soft: Noise
    fine: Noise
    ripple: Noise
    rng: np.random.Generator


def monet(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a (photo, Monet-like painting) pair of a landscape. Both are uint8 [size, size, 3]."""
    scene = _landscape(rng)
    return _photo(scene, size), _monet(scene, size)


def ukiyoe(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a (photo, ukiyo-e-like print) pair of a landscape. Both are uint8 [size, size, 3]."""
    scene = _landscape(rng)
    return _photo(scene, size), _ukiyoe(scene, size)


def _landscape(rng):
    horizon = rng.uniform(0.46, 0.6)
    mood = int(rng.integers(3))
    sun = rng.uniform(0.15, 0.85), rng.uniform(0.12, horizon - 0.1)
    layers = [Layer("sky", box(-1, -1, 2, 2), 1.0), Layer("sun", ellipse(*sun, 0.045, 0.045), 1.0)]
    for _ in range(rng.integers(2, 5)):
        layers.append(Layer("cloud", _cloud(rng, horizon), 1.0))
    if rng.random() < 0.6:
        layers.append(Layer("mountain", _mountain(rng, horizon), 0.9))
    for depth in np.linspace(0.8, 0.45, rng.integers(1, 4)):
        high = rng.uniform(0.03, 0.13) * (1.3 - depth)
        ridge = _ridge(rng, horizon - high - 0.03, high, horizon + 0.02)
        layers.append(Layer("hill", ridge, depth))
    wet = rng.random() < 0.75
    layers.append(Layer("water" if wet else "meadow", box(-1, horizon, 2, 2), 0.4))
    for _ in range(rng.integers(1, 3) if wet else 0):
        layers += _boat(rng, horizon)
    bank = rng.uniform(0.8, 0.9)
    layers.append(Layer("meadow", _ridge(rng, bank, 0.06, 1.1), 0.1))
    for x in rng.choice([0.08, 0.2, 0.33, 0.68, 0.8, 0.93], rng.integers(1, 5), replace=False):
        layers += _tree(rng, x + rng.uniform(-0.04, 0.04), bank + 0.05)
    return Landscape(
        layers,
        horizon,
        sun,
        mood,
        (Noise(rng, 4, 9), Noise(rng, 11, 22)),
        Noise(rng, 8),
        Noise(rng, 140),
        Noise(rng, 18, 100),
        rng,
    )


def _ridge(rng, level, high, bottom):
    knots = np.cumsum(rng.uniform(0.1, 0.3, 9)) - 0.5
    heights = rng.uniform(-1, 1, 9)
    waves, phase = rng.uniform(9, 16), rng.uniform(0, 6)

    def crest(x):
        wave = 0.6 * np.interp(x, knots, heights) + 0.4 * np.sin(x * waves + phase)
        return level - high * wave.astype(np.float32)

    return Shape(-1, level - high, 2, bottom, lambda x, y: np.maximum(crest(x) - y, y - bottom))


def _mountain(rng, horizon):
    peak, high, wide = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.34), rng.uniform(0.3, 0.45)

    def distance(x, y):
        # A volcano's flank: steep near the crater, drawn out at the foot.
        away = np.maximum(abs(x - peak) - 0.03, 0) / wide
        crest = horizon - high * (1 - np.minimum(away, 1)) ** 1.6
        return np.maximum((crest - y) * 0.7, y - horizon - 0.02)

    return Shape(peak - wide, horizon - high, peak + wide, horizon + 0.02, distance)


def _cloud(rng, horizon):
    x, y, wide = rng.uniform(0, 1), rng.uniform(0.08, horizon * 0.6), rng.uniform(0.1, 0.22)
    puffs = [
        ellipse(x + dx * wide, y - 0.02 * lift, wide * 0.5, wide * rise)
        for dx, lift, rise in zip((-0.55, 0, 0.55), rng.uniform(0, 2, 3), rng.uniform(0.1, 0.2, 3))
    ]
    return union(*puffs)


def _boat(rng, horizon):
    x, y, tall = rng.uniform(0.15, 0.85), horizon + rng.uniform(0.03, 0.16), rng.uniform(0.07, 0.15)
    lean = rng.choice([-1, 1])
    return [
        Layer("sail", polygon((x, y - tall), (x, y - 0.01), (x + lean * tall * 0.5, y - 0.015)), 0.3),
        Layer(
            "sail",
            polygon(
                (x - lean * 0.008, y - tall * 0.8), (x - lean * 0.008, y - 0.012), (x - lean * tall * 0.32, y - 0.012)
            ),
            0.3,
        ),
        Layer(
            "hull",
            polygon(
                (x - tall * 0.45, y - 0.008),
                (x + tall * 0.5, y - 0.008),
                (x + tall * 0.36, y + tall * 0.12),
                (x - tall * 0.32, y + tall * 0.12),
            ),
            0.3,
        ),
    ]


def _tree(rng, x, ground):
    poplar = rng.random() < 0.4
    tall = rng.uniform(0.32, 0.5) if poplar else rng.uniform(0.24, 0.38)
    trunk = polygon(
        (x - 0.012, ground), (x + 0.012, ground), (x + 0.005, ground - tall * 0.7), (x - 0.005, ground - tall * 0.7)
    )
    ragged = Noise(rng, 28)
    if poplar:
        blobs = [ellipse(x, ground - tall * 0.58, 0.035, tall * 0.46)]
    else:
        blobs = [
            ellipse(x + dx, ground - tall * rise, 0.07, 0.055)
            for dx, rise in zip(rng.uniform(-0.06, 0.06, 4), (0.5, 0.68, 0.82, 0.95))
        ]
    whole = union(*blobs)

    def distance(a, b):
        return whole.distance(a, b) + 0.011 * ragged(a, b)

    crown = whole._replace(left=whole.left - 0.01, right=whole.right + 0.01, distance=distance)
    return [Layer("trunk", trunk, 0.1), Layer("leaves", crown, 0.1)]


# --- the photo -----------------------------------------------------------------------------------

HEAVENS = [((74, 132, 206), (214, 228, 238)), ((104, 110, 166), (250, 192, 140)), ((132, 148, 164), (214, 218, 220))]
SUNS = [(255, 250, 228), (255, 222, 150), (240, 240, 234)]


def _photo(scene, size):
    canvas = Canvas(size)
    light = (1.0, 0.8, 0.84)[scene.mood]
    top, low = HEAVENS[scene.mood]

    def sky(x, y):
        air = mix(top, low, unit(y / scene.horizon))
        wisps = unit(scene.clouds[0](x, y) + 0.5 * scene.clouds[1](x, y))
        glow = np.exp(-((x - scene.sun[0]) ** 2 + (y - scene.sun[1]) ** 2) * 30)
        return mix(mix(air, (250, 246, 242), 0.5 * wisps), SUNS[scene.mood], 0.75 * glow)

    def seen(colour, depth, grain):
        def surface(x, y):
            tone = light * (1 + grain * scene.fine(x, y) + 0.12 * scene.soft(x, y))
            return mix(shade(colour, tone), low, depth * 0.72)

        return surface

    def mountain(x, y):
        snow = unit((scene.horizon - 0.17 - y + 0.03 * scene.soft(x, y)) * 30)
        rock = shade((96, 104, 116), light * (1 + 0.2 * scene.fine(x, y) + 0.2 * scene.soft(x, y)))
        return mix(mix(rock, (244, 246, 250), snow), low, 0.42)

    def water(x, y):
        depth = (y - scene.horizon) / (1 - scene.horizon)
        ripple = scene.ripple(x, y)
        deep = mix(mix(low, top, 0.3), shade((44, 84, 110), light), 0.25 + 0.6 * depth)
        path = np.exp(-(((x - scene.sun[0]) / (0.05 + 0.12 * depth)) ** 2)) * unit(ripple + 0.5)
        return mix(deep * (1 + 0.13 * ripple), SUNS[scene.mood], 0.7 * path)

    def meadow(x, y):
        tone = light * (0.92 + 0.2 * scene.fine(x, y) + 0.25 * scene.soft(x, y))
        haze = unit(1 - (y - scene.horizon) * 3) * 0.4
        return mix(shade((104, 128, 62), tone), low, haze)

    for kind, shape, depth in scene.layers:
        if kind == "cloud":
            canvas.paint(shape, mix((252, 250, 246), low, 0.15), opacity=0.85, blur=0.02)
            continue
        colour = {
            "sky": sky,
            "sun": SUNS[scene.mood],
            "mountain": mountain,
            "water": water,
            "meadow": meadow,
            "hill": seen((76, 104, 66), depth, 0.22),
            "leaves": seen((62, 92, 44), depth, 0.45),
            "trunk": seen((84, 64, 48), depth, 0.2),
            "sail": seen((246, 240, 228), 0.1, 0.04),
            "hull": seen((110, 60, 44), 0.1, 0.1),
        }[kind]
        canvas.paint(shape, colour)
    return picture(canvas.photo + 2.5 * scene.fine(canvas.x, canvas.y))


# --- the painting --------------------------------------------------------------------------------

# Stroke direction in degrees, length and width for each pass, and the kinds that take it.
PASSES = (
    (20, 0.075, 0.022, ("sky", "cloud", "sun", "mountain")),
    (0, 0.085, 0.017, ("water", "hull", "sky")),
    (-35, 0.05, 0.018, ("hill", "mountain", "sail", "cloud")),
    (75, 0.045, 0.016, ("meadow", "leaves", "trunk")),
    (40, 0.036, 0.016, ("leaves", "meadow", "hill")),
    (2, 0.06, 0.011, ("water",)),
)


def _monet(scene, size):
    canvas = Canvas(size, KINDS)
    dusk = scene.mood == 1
    top, low = (
        ((126, 162, 208), (236, 224, 212)),
        ((142, 140, 186), (250, 196, 150)),
        ((156, 168, 190), (226, 218, 214)),
    )[scene.mood]
    fire = (246, 120, 62) if dusk else (255, 236, 170)

    def sky(x, y):
        glow = np.exp(-((x - scene.sun[0]) ** 2 + (y - scene.sun[1]) ** 2) * 22)
        wisps = unit(scene.clouds[0](x, y))
        air = mix(mix(top, low, unit(y / scene.horizon)), (248, 236, 232), 0.6 * wisps)
        return mix(air, mix(low, fire, 0.4), 0.8 * glow)

    def water(x, y):
        depth = (y - scene.horizon) / (1 - scene.horizon)
        path = np.exp(-(((x - scene.sun[0]) / (0.04 + 0.08 * depth)) ** 2))
        path = path * unit(scene.ripple(x, y) + 0.35)
        pool = mix(mix(low, top, 0.5), (86, 134, 156), 0.2 + 0.7 * depth)
        return mix(pool, fire, 0.9 * path)

    def mountain(x, y):
        return mix((150, 152, 192), (246, 238, 244), unit((scene.horizon - 0.16 - y) * 20))

    colours: dict[str, Any] = {
        "sky": sky,
        "sun": fire,
        "cloud": (250, 238, 234),
        "mountain": mountain,
        "hill": (130, 156, 150),
        "meadow": (158, 176, 96),
        "water": water,
        "leaves": (92, 132, 92),
        "trunk": (116, 92, 110),
        "sail": (252, 240, 214),
        "hull": (128, 86, 104),
    }
    for kind, shape, depth in scene.layers:
        colour = colours[kind]
        if kind in ("hill", "meadow", "leaves"):
            colour = mix(colour, mix(low, top, 0.5), 0.5 * depth)
        canvas.paint(shape, colour, kind, blur=0.004 if kind != "sail" else 0.0)
    kinds = canvas.plan
    under = canvas.photo.copy()
    for degrees, length, width, wanted in PASSES:
        _strokes(canvas, under, kinds, scene.rng, np.radians(degrees), length, width, wanted)
    weave = scene.fine(canvas.x, canvas.y)
    return picture(canvas.photo + 4 * weave)


def _strokes(canvas, under, kinds, rng, angle, length, width, wanted):
    """One pass of parallel strokes, bricklaid so that no two meet, each of one jittered colour."""
    accepts = np.isin(np.arange(len(KINDS)), [KINDS.index(kind) for kind in wanted])[kinds].ravel()
    shifts = rng.random(256, dtype=np.float32)
    pigments = rng.normal(0, 1, [3, 1024]) * [[12], [9], [14]] + rng.normal(0, 10, 1024)
    pigments = pigments.astype(np.float32)
    pixels = np.flatnonzero(accepts)
    rows, columns = np.divmod(pixels.astype(np.int32), np.int32(canvas.size))
    x, y = canvas.x[0][columns], canvas.y[:, 0][rows]
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    across = (y * cos - x * sin) / width + 256
    row_start = np.floor(across)
    row = row_start.astype(np.int32)
    along = (x * cos + y * sin) / length + 64 + shifts[row & 255]
    column_start = np.floor(along)
    column = column_start.astype(np.int32)
    part_u, part_v = along - column_start - 0.5, across - row_start - 0.5
    # Each stroke has one colour, picked up at its own middle.
    pick_x = unit(x - part_u * (length * cos) + part_v * (width * sin)) * (canvas.size - 1)
    pick_y = unit(y - part_u * (length * sin) - part_v * (width * cos)) * (canvas.size - 1)
    middle = pick_y.astype(np.int32) * canvas.size + pick_x.astype(np.int32)
    cover = unit(1.15 - 16 * (part_u**2) ** 2 - 13 * (part_v**2) ** 2) * 0.92
    cover *= accepts[middle]
    colour = under.reshape(3, -1).take(middle, 1)
    colour += pigments.take((row * 131 + column * 7) & 1023, 1)
    flat = canvas.photo.reshape(3, -1)
    below = flat.take(pixels, 1)
    colour -= below
    colour *= cover
    colour += below
    flat[:, pixels] = colour


# --- the print -----------------------------------------------------------------------------------

INK, PAPER, PRUSSIAN = (38, 40, 58), (240, 226, 194), (34, 72, 122)


def _ukiyoe(scene, size):
    canvas = Canvas(size)
    blush = [(240, 226, 194), (236, 150, 104), (232, 200, 176)][scene.mood]

    def sky(x, y):
        """Bokashi: the block is wiped by hand, so that the ink fades from the top edge."""
        fade = unit(1.15 - y / 0.2)
        dawn = unit(1 - (scene.horizon - y) / 0.2)
        return mix(mix(PAPER, blush, dawn * 0.8), PRUSSIAN, fade)

    def mountain(x, y):
        slope = scene.horizon - y
        teeth = 0.024 * abs(2 * fraction(x * 11) - 1)
        body = mix((206, 178, 150), (86, 112, 150), unit(slope * 6))
        return np.where((slope + teeth > 0.19), rgb((248, 240, 222)), body)

    def hill(tint):
        # Each range fades into mist at its foot.
        return lambda x, y: mix(tint, PAPER, np.clip(1 - (scene.horizon - y) / 0.06, 0, 0.9))

    def water(x, y):
        depth = (y - scene.horizon) / (1 - scene.horizon)
        sea = mix((176, 204, 204), (52, 98, 146), unit(np.floor(depth * 5) / 4))
        return mix(sea, (244, 236, 214), _waves(x, y, scene.horizon, size))

    def meadow(x, y):
        return mix((112, 142, 92), (196, 186, 120), unit((y - scene.horizon) * 1.6 - 0.2))

    colours: dict[str, Any] = {
        "sky": sky,
        "sun": (214, 62, 44),
        "cloud": (248, 240, 222),
        "mountain": mountain,
        "meadow": meadow,
        "water": water,
        "leaves": (46, 92, 74),
        "trunk": (110, 74, 58),
        "sail": (250, 244, 228),
        "hull": (176, 88, 56),
    }
    tints = [(134, 156, 160), (104, 140, 128), (76, 116, 100)]
    for kind, shape, depth in scene.layers:
        colour = colours.get(kind) or hill(tints[int(depth < 0.7) + int(depth < 0.5)])
        canvas.paint(shape, colour)
        if kind not in ("sky", "sun"):
            canvas.outline(shape, INK, 0.006 if depth < 0.35 else 0.004)
    seal = box(0.915, 0.05, 0.955, 0.11)
    canvas.paint(seal, (196, 52, 40))
    canvas.paint(box(0.925, 0.066, 0.945, 0.072), PAPER)
    canvas.paint(box(0.925, 0.084, 0.945, 0.09), PAPER)
    fibre = 1 + 0.022 * scene.fine(canvas.x, canvas.y) + 0.02 * scene.ripple(canvas.x, canvas.y)
    return picture(canvas.photo * fibre * rgb((1.0, 0.985, 0.95)))


def _waves(x, y, horizon, size):
    """Rows of scalloped wave lines, wider apart the nearer they are. -> 0..1, 1 on a line"""
    depth = np.sqrt(np.maximum(y - horizon, 0) + 0.002) * 13
    row = np.floor(depth)
    scallop = abs(np.sin(x * (46 - 3 * row) + row * 1.7))
    line = abs(depth - row - 0.25 - 0.5 * scallop)
    return np.clip((0.16 - line) * 9, 0, 0.85)
