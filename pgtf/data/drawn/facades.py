"""Draws facades: pairs of a label image, rectangles in the colours of CMP's classes, and a photo-like house front."""

from typing import NamedTuple

import numpy as np

from pgtf.data.drawn.canvas import Canvas, Noise, box, fraction, mix, shade, unit

PALETTE = {
    "background": (0, 0, 170),
    "facade": (0, 0, 255),
    "window": (0, 85, 255),
    "door": (0, 170, 255),
    "cornice": (0, 255, 255),
    "sill": (85, 255, 170),
    "balcony": (170, 255, 85),
    "blind": (255, 255, 0),
    "deco": (255, 170, 0),
    "molding": (255, 85, 0),
    "pillar": (255, 0, 0),
    "shop": (170, 0, 0),
}
WALLS = [(226, 205, 168), (214, 168, 130), (236, 226, 205), (178, 98, 76), (205, 186, 190)]
WALLS += [(232, 196, 120), (190, 200, 186), (168, 120, 96), (222, 178, 165)]
TRIM = (238, 230, 214)
PAINTS = [(62, 92, 74), (96, 52, 40), (52, 70, 104), (120, 38, 42), (70, 66, 62)]


class Frontage(NamedTuple):
    """The style that all openings of a house share."""

    canvas: Canvas
    sky: Noise
    grain: Noise
    paint: tuple
    arched: bool
    shutters: bool


def facade(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a (label image, photo) pair of a facade. Both are uint8 [size, size, 3]."""
    canvas = Canvas(size, PALETTE)
    front = Frontage(
        canvas,
        Noise(rng, 5, 9),
        Noise(rng, 140),
        PAINTS[rng.integers(len(PAINTS))],
        rng.random() < 0.35,
        rng.random() < 0.4,
    )
    wall = np.array(WALLS[rng.integers(len(WALLS))], np.float32)
    left, right = rng.uniform(0.03, 0.13), rng.uniform(0.87, 0.97)
    top, street = rng.uniform(0.08, 0.2), rng.uniform(0.93, 0.96)
    _surroundings(front, rng, top, street)
    _wall(front, rng, wall, (left, top, right, street))

    floors, columns = int(rng.integers(3, 6)), int(rng.integers(3, 7))
    ground = street - (street - top) * rng.uniform(0.24, 0.3)
    edges = np.linspace(top + 0.05, ground, floors + 1)[:-1]
    floor_height, bay = (ground - top - 0.05) / floors, (right - left) / columns
    height = floor_height * rng.uniform(0.58, 0.7)
    width = min(bay * rng.uniform(0.4, 0.52), height * rng.uniform(0.66, 0.95))
    balconies = rng.random([floors, columns]) < rng.choice([0.0, 0.3, 0.9], floors)[:, None]
    blinds = rng.random([floors, columns]) < 0.22
    moulded = rng.random(floors) < 0.5
    for floor, ceiling in enumerate(edges):
        if floor and rng.random() < 0.45:
            _ledge(front, "cornice", (left, ceiling - 0.007, right, ceiling + 0.007))
        for column in range(columns):
            middle = left + (column + 0.5) * bay
            upper = ceiling + (floor_height - height) * 0.5
            frame = (middle - width / 2, upper, middle + width / 2, upper + height)
            if moulded[floor]:
                _molding(front, frame)
            _window(front, frame, rng.uniform(0.75, 1.1), blinds[floor, column])
            if balconies[floor, column]:
                _balcony(front, frame)
    _ground_floor(front, rng, (left, ground, right, street), columns)
    if rng.random() < 0.4:
        for x in (left, right - 0.035):
            _pillar(front, (x, top + 0.02, x + 0.035, street))
    _ledge(front, "cornice", (left - 0.015, top - 0.015, right + 0.015, top + 0.02))
    _ledge(front, "cornice", (left, ground - 0.012, right, ground + 0.01))
    canvas.photo += front.grain(canvas.x, canvas.y) * 5
    canvas.photo *= 1.06 - 0.14 * canvas.y + 0.03 * front.sky(canvas.x, canvas.y)
    return canvas.pair(PALETTE)


def _surroundings(front, rng, top, street):
    clear = rng.uniform(0.75, 1.0)
    blue, pale = shade((138, 178, 222), clear), shade((228, 234, 238), clear)

    def sky(x, y):
        cloud = unit(y * 2.2 + 0.6 * front.sky(x, y))
        return mix(blue, pale, cloud)

    front.canvas.paint(box(-1, -1, 2, 2), sky)
    for side in (box(-1, top + rng.uniform(0.03, 0.2), 0.5, 2), box(0.5, top + rng.uniform(0.03, 0.2), 2, 2)):
        front.canvas.paint(side, shade(WALLS[rng.integers(len(WALLS))], 0.62))
    front.canvas.paint(
        box(-1, street, 2, 2),
        lambda x, y: shade((150, 146, 140), 1 - 0.35 * (y > street + 0.022) + 0.06 * front.grain(x, y)),
    )


def _wall(front, rng, wall, edges):
    left, top, right, bottom = edges
    stain = Noise(rng, 9, 5)
    courses = rng.uniform(48, 64)
    brick = rng.random() < 0.5
    quoin = rng.random() < 0.5

    def surface(x, y):
        tone = 1 + 0.06 * stain(x, y) + 0.05 * front.grain(x, y)
        if brick:
            row = np.floor(y * courses)
            along = x * courses * 0.45 + 0.5 * (row % 2)
            joint = np.maximum(y * courses - row > 0.8, fraction(along) > 0.88)
            tone = tone * (1 - 0.16 * joint) + 0.05 * np.sin(row * 7.1 + np.floor(along) * 12.7)
        tone = tone - 0.16 * unit(1 - (y - top) * 18)
        if quoin:
            near = np.minimum(x - left, right - x) < 0.022 + 0.012 * (np.floor(y * 30) % 2)
            return mix(shade(wall, tone), shade(TRIM, tone * 0.95), near * 0.8)
        return shade(wall, tone)

    front.canvas.paint(box(*edges), surface, "facade")
    front.canvas.paint(box(right, top, right + 0.012, bottom), (0, 0, 0), opacity=0.25, blur=0.004)


def _ledge(front, label, edges):
    left, top, right, bottom = edges
    front.canvas.paint(box(left, bottom, right, bottom + 0.012), (20, 14, 12), opacity=0.34, blur=0.004)
    lit = (bottom - top) or 1
    front.canvas.paint(box(*edges), lambda x, y: shade(TRIM, 1.04 - 0.3 * (y - top) / lit), label)


def _molding(front, frame):
    left, top, right, _ = frame
    edge = (right - left) * 0.16
    _ledge(front, "molding", (left - edge, top - 0.02, right + edge, top - 0.004))


def _window(front, frame, light, blind):
    left, top, right, bottom = frame
    wide, tall = right - left, bottom - top
    canvas, bar = front.canvas, max(wide * 0.09, 0.005)
    if front.shutters:
        for x in (left - wide * 0.34, right + wide * 0.06):
            canvas.paint(
                box(x, top, x + wide * 0.28, bottom),
                lambda a, y: shade(front.paint, 1.05 - 0.3 * (np.floor(y * 110) % 2)),
            )
    canvas.paint(box(left - bar, top - bar, right + bar, bottom + bar), (28, 22, 20), opacity=0.3, blur=0.004)
    canvas.paint(box(*frame), TRIM, "window")

    def glass(x, y):
        slope = (x - left) / wide + (bottom - y) / tall
        glint = unit(1 - abs(slope - 1.25) * 4) + 0.5 * unit(front.sky(x, y))
        dark = mix((34, 44, 58), (74, 92, 112), (bottom - y) / tall)
        return mix(dark, (206, 224, 236), 0.55 * glint * light)

    canvas.paint(box(left + bar, top + bar, right - bar, bottom - bar), glass)
    middle, transom = (left + right) / 2, top + tall * 0.3
    canvas.paint(box(middle - bar / 2, top, middle + bar / 2, bottom), TRIM)
    canvas.paint(box(left, transom - bar / 2, right, transom + bar / 2), TRIM)
    canvas.paint(box(left + bar, top + bar, right - bar, top + bar + tall * 0.06), (0, 0, 0), opacity=0.35)
    if blind:
        canvas.paint(
            box(left, top, right, top + tall * 0.42),
            lambda x, y: shade((232, 214, 176), 1 - 0.12 * (np.floor(y * 130) % 2)),
            "blind",
        )
    sill = wide * 0.14
    _ledge(front, "sill", (left - sill, bottom, right + sill, bottom + 0.011))


def _balcony(front, frame):
    left, top, right, bottom = frame
    reach, rail = (right - left) * 0.28, bottom - (bottom - top) * 0.36
    left, right = left - reach, right + reach
    canvas = front.canvas
    canvas.paint(box(left, bottom, right, bottom + 0.035), (0, 0, 0), opacity=0.3, blur=0.006)
    area = box(left, rail, right, bottom + 0.008)
    canvas.paint(area, name="balcony")
    canvas.paint(area, (40, 38, 42), opacity=0.2)
    posts = box(left, rail, right, bottom)
    bars = posts._replace(distance=lambda x, y: np.maximum(posts.distance(x, y), abs((x * 75) % 1 - 0.5) / 75 - 0.0022))
    canvas.paint(bars, (34, 33, 38))
    canvas.paint(box(left, rail, right, rail + 0.007), (34, 33, 38))
    canvas.paint(box(left, bottom, right, bottom + 0.008), shade(TRIM, 0.8))


def _ground_floor(front, rng, edges, columns):
    left, ground, right, street = edges
    bay, tall = (right - left) / columns, street - ground
    entrance = int(rng.integers(columns))
    shops = rng.random() < 0.65
    awning = np.array([(178, 44, 46), (40, 96, 74), (44, 74, 130), (206, 146, 52)])[rng.integers(4)]
    for column in range(columns):
        middle = left + (column + 0.5) * bay
        if column == entrance:
            _door(front, (middle - bay * 0.27, ground + tall * 0.24, middle + bay * 0.27, street))
        elif shops:
            edge = bay * 0.42
            _shop(front, (middle - edge, ground + tall * 0.2, middle + edge, street - tall * 0.06), awning)
        else:
            edge = bay * 0.26
            _window(front, (middle - edge, ground + tall * 0.28, middle + edge, street - tall * 0.24), 0.9, False)


def _door(front, frame):
    left, top, right, bottom = frame
    canvas, wide, tall = front.canvas, right - left, bottom - top
    _ledge(front, "deco", (left - wide * 0.18, top - 0.03, right + wide * 0.18, top - 0.005))
    canvas.paint(box(left - 0.01, top - 0.006, right + 0.01, bottom), shade(TRIM, 0.92))
    canvas.paint(
        box(*frame), lambda x, y: shade(front.paint, 1.15 - 0.3 * (y - top) / tall + 0.1 * front.grain(x, y)), "door"
    )
    canvas.paint(box(left, top, right, top + tall * 0.2), (66, 84, 100))
    middle = (left + right) / 2
    for start, stop in ((left + wide * 0.1, middle - wide * 0.06), (middle + wide * 0.06, right - wide * 0.1)):
        for high, low in ((0.27, 0.56), (0.64, 0.92)):
            canvas.paint(box(start, top + tall * high, stop, top + tall * low), shade(front.paint, 0.72))
    canvas.paint(box(middle - 0.002, top + tall * 0.2, middle + 0.002, bottom), (16, 14, 14))
    canvas.paint(box(middle + wide * 0.08, top + tall * 0.58, middle + wide * 0.16, top + tall * 0.62), (226, 190, 90))


def _shop(front, frame, awning):
    left, top, right, bottom = frame
    canvas, wide, tall = front.canvas, right - left, bottom - top

    def display(x, y):
        slope = (x - left) / wide + (y - top) / tall
        warm = mix((62, 50, 44), (232, 190, 116), unit(1.2 - abs(slope - 1.1)))
        return mix(warm, (220, 232, 240), np.where(abs(slope - 0.75) < 0.12, 0.5, 0))

    canvas.paint(box(*frame), shade(front.paint, 0.9), "shop")
    canvas.paint(box(left + wide * 0.06, top + tall * 0.2, right - wide * 0.06, top + tall * 0.86), display)
    canvas.paint(box(left, top + tall * 0.36, right, top + tall * 0.46), (0, 0, 0), opacity=0.35, blur=0.008)
    canvas.paint(
        box(left, top, right, top + tall * 0.36),
        lambda x, y: mix(awning, (240, 232, 220), np.floor((x - left) / wide * 8) % 2) * (0.8 + 0.3 * (y - top) / tall),
    )


def _pillar(front, edges):
    left, _, right, _ = edges
    front.canvas.paint(
        box(*edges),
        lambda x, y: shade(TRIM, 1.02 - 0.35 * ((x - left) / (right - left)) ** 2 - 0.05 * (np.floor(y * 24) % 2)),
        "pillar",
    )
