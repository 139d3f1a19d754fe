"""Draws streets as in Cityscapes: pairs of semantic labels and a photo-like view from a car, in true perspective."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pgtf.data.drawn.canvas import (
    Canvas,
    Colour,
    Noise,
    Shape,
    box,
    ellipse,
    fraction,
    mix,
    polygon,
    rgb,
    shade,
    union,
    unit,
)

PALETTE = {
    "sky": (70, 130, 180),
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "person": (220, 20, 60),
    "car": (0, 0, 142),
}
FOCAL = 0.75
FAR = 90.0
PLASTER = [(206, 188, 160), (178, 122, 98), (190, 180, 172), (222, 204, 178), (150, 104, 88)]
PLASTER += [(200, 168, 128), (168, 170, 176)]
LACQUER = [(176, 34, 38), (40, 66, 118), (226, 226, 226), (52, 54, 58), (150, 156, 162)]
LACQUER += [(210, 170, 60), (48, 96, 84)]
CLOTHES = [(190, 60, 60), (60, 84, 140), (226, 200, 90), (70, 120, 90), (212, 210, 204), (50, 50, 60)]

GREENS = [(86, 124, 58), (104, 132, 60), (70, 110, 66), (150, 122, 54)]


class Street(NamedTuple):
    """A camera in a street: metres in, canvas coordinates out."""

    canvas: Canvas
    rng: np.random.Generator
    centre: float
    horizon: float
    eye: float
    haze: Colour
    sun: int
    leaves: Noise
    grain: Noise

    def at(self, across: float, up: float, ahead: float) -> tuple[float, float]:
        """Projects a point `across` to the right, `up` above the ground and `ahead`: returns x and y."""
        return (self.centre + FOCAL * across / ahead, self.horizon + FOCAL * (self.eye - up) / ahead)

    def hazy(self, colour: Colour, ahead: float | np.ndarray) -> np.ndarray:
        """Fades a colour with distance, like haze."""
        return mix(colour, self.haze, 0.72 * unit(ahead / FAR))

    def rectangle(self, left: float, right: float, low: float, high: float, ahead: float) -> Shape:
        """The upright rectangle facing the camera."""
        return box(*self.at(left, high, ahead), *self.at(right, low, ahead))

    def side(self, across: float, low: float, high: float, near: float, far: float) -> Shape:
        """The upright rectangle running along the street."""
        return polygon(
            self.at(across, low, near),
            self.at(across, high, near),
            self.at(across, high, far),
            self.at(across, low, far),
        )


def street(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a (labels, photo) pair of a street. Both are uint8 [size, size, 3]."""
    canvas = Canvas(size, PALETTE)
    evening = rng.random() < 0.3
    haze = np.array([(206, 214, 222), (240, 206, 170)][int(evening)])
    scene = Street(
        canvas,
        rng,
        rng.uniform(0.4, 0.6),
        rng.uniform(0.43, 0.52),
        rng.uniform(1.7, 2.3),
        haze,
        int(rng.choice([-1, 1])),
        Noise(rng, 90),
        Noise(rng, 150),
    )
    half_road, pavement = rng.uniform(4.2, 6.0), rng.uniform(2.4, 3.6)
    _sky(scene, evening)
    _ground(scene, half_road)
    for side in (-1, 1):
        _houses(scene, side * (half_road + pavement))
    things = []
    for side in (-1, 1):
        kerb = side * half_road
        planted = rng.random() < 0.75
        for ahead in np.arange(rng.uniform(7, 12), 52, rng.uniform(9, 14)):
            draw = _tree if planted and rng.random() < 0.8 else _lamp
            things.append((ahead, draw, kerb + side * 0.7))
        for ahead in rng.uniform(7, 26, rng.integers(1, 6)):
            things.append((ahead, _person, kerb + side * rng.uniform(0.5, pavement - 0.4)))
        parked = rng.random() < 0.7
        for ahead in np.arange(rng.uniform(7, 14), 38, 7):
            if parked and rng.random() < 0.7:
                things.append((ahead, _car, kerb - side * 1.1))
    for lane in (-1, 1):
        if rng.random() < 0.65:
            things.append((rng.uniform(9, 26), _car, lane * half_road * 0.3))
    if rng.random() < 0.5:
        things.append((rng.uniform(10, 18), _signal, half_road + 0.5))
    for ahead, draw, across in sorted(things, key=lambda thing: -thing[0]):
        draw(scene, across, ahead)
    canvas.photo += scene.grain(canvas.x, canvas.y) * 5
    canvas.photo *= 1.05 - 0.5 * ((canvas.x - 0.5) ** 2 + (canvas.y - 0.5) ** 2)
    if evening:
        canvas.photo *= rgb((1.04, 0.99, 0.9))
    return canvas.pair(PALETTE)


def _sky(scene, evening):
    clouds = Noise(scene.rng, 5, 9)
    puffs = Noise(scene.rng, 14, 20)
    top = (122, 140, 186) if evening else (96, 152, 212)

    def sky(x, y):
        air = mix(top, scene.haze, unit(y / scene.horizon))
        cloud = unit(clouds(x, y) + 0.5 * puffs(x, y))
        return mix(air, (250, 246, 242), cloud * 0.8)

    scene.canvas.paint(box(0, 0, 1, scene.horizon + 0.02), sky)
    woods = (
        ellipse(x, scene.horizon, 0.09, scene.rng.uniform(0.04, 0.08))
        for x in np.linspace(scene.centre - 0.24, scene.centre + 0.24, 6)
    )
    scene.canvas.paint(union(*woods), scene.hazy((84, 104, 76), 62), "vegetation")


def _ground(scene, half_road):
    x, bottom, top = scene.centre, 1.02, scene.horizon
    reach = FOCAL * half_road / (FOCAL * scene.eye) * (bottom - top)

    def paving(x, y):
        ahead = FOCAL * scene.eye / np.maximum(y - top, 1e-3)
        across = (x - scene.centre) * ahead / FOCAL
        joint = np.maximum(fraction(across) < 0.07, fraction(ahead) < 0.09) * unit(1.3 - ahead / 14)
        return scene.hazy(shade((176, 168, 160), 1 - 0.18 * joint), ahead)

    def asphalt(x, y):
        ahead = FOCAL * scene.eye / np.maximum(y - top, 1e-3)
        across = (x - scene.centre) * ahead / FOCAL
        tone = 1 + 0.09 * scene.grain(x, y) + 0.07 * np.cos(across * 12.57 / half_road)
        width = np.float32(0.09) + 0.5 * ahead / FOCAL / scene.canvas.size
        dashed = unit(1.5 - abs(across) / width) * (fraction(ahead / 6) < 0.5)
        edge = unit(1.5 - abs(abs(across) - half_road + 0.45) / width)
        line = np.maximum(dashed, edge * 0.7) * unit(0.13 / width)
        return scene.hazy(mix(shade((92, 92, 98), tone), (236, 234, 226), line), ahead)

    scene.canvas.paint(box(-1, top, 2, 2), paving, "sidewalk")
    kerb = reach * 1.05
    scene.canvas.paint(polygon((x, top), (x - kerb, bottom), (x + kerb, bottom)), (206, 202, 196))
    scene.canvas.paint(polygon((x, top), (x - reach, bottom), (x + reach, bottom)), asphalt, "road")


def _houses(scene, across):
    rng, side = scene.rng, np.sign(across)
    edges = [4.0]
    while edges[-1] < FAR:
        edges.append(edges[-1] + rng.uniform(10, 18))
    for near, far in reversed(list(zip(edges[:-1], edges[1:]))):
        if rng.random() < 0.14:
            _garden(scene, across, near, far)
            continue
        high = rng.uniform(8, 19)
        plaster = np.array(PLASTER[rng.integers(len(PLASTER))], np.float32)
        wall = _windows(scene, across, near, plaster, 1.12 if side == scene.sun else 0.8)
        outer = across + side * 14
        front = scene.rectangle(min(across, outer), max(across, outer), 0, high, near)
        scene.canvas.paint(front, scene.hazy(plaster * 0.66, near), "building")
        scene.canvas.paint(scene.side(across, 0, high, near, far), wall, "building")
        eaves = scene.side(across, high - 0.4, high, near, far)
        scene.canvas.paint(eaves, scene.hazy(plaster * 0.5, near))


def _windows(scene, across, near, plaster, light):
    rng = scene.rng
    storey, bay, lit = rng.uniform(2.9, 3.5), rng.uniform(2.0, 3.0), rng.uniform(0, 6)
    shop = np.array(LACQUER[rng.integers(len(LACQUER))], np.float32)

    def wall(x, y):
        ahead = FOCAL * across / np.where(abs(x - scene.centre) < 1e-3, 1e-3, x - scene.centre)
        ahead = np.clip(ahead, 1, FAR)
        up = scene.eye - (y - scene.horizon) * ahead / FOCAL
        column, row = (ahead - near) / bay, up / storey
        pane_x, pane_y = abs(fraction(column) - 0.5), abs(fraction(row) - 0.55)
        upper = row > 1
        # The soft threshold widens with distance, so that far windows blur instead of flickering.
        soft = 0.03 + ahead / scene.canvas.size * 0.4
        inside = np.minimum(0.24 - pane_x, 0.3 - pane_y) / soft + 0.5
        pane, frame = unit(inside) * upper, unit(inside + 0.06 / soft) * upper
        tone = light * (1 + 0.05 * scene.grain(x, y)) * (0.86 + up * 0.02)
        glint = 0.5 + 0.5 * np.sin(np.floor(column) * 12.9 + np.floor(row) * 7.3 + lit)
        glass = mix((44, 54, 66), (152, 178, 198), glint * 0.75)
        colour = mix(shade(plaster, tone), shade((236, 230, 220), light), frame * 0.55)
        colour = mix(colour, glass, pane)
        ground = mix(shade(shop, light), (66, 64, 62), unit(8.4 - 20 * pane_x) * (row < 0.7))
        return scene.hazy(np.where(upper, colour, ground), ahead)

    return wall


def _garden(scene, across, near, far):
    hedge = scene.side(across, 0, scene.rng.uniform(1.4, 2.2), near, far)
    scene.canvas.paint(hedge, _foliage(scene, (70, 104, 54), near, 0.5, scene.horizon, 1), "vegetation")
    for ahead in (far - 2, near + 3):
        _tree(scene, across + np.sign(across) * 2.5, ahead)


def _foliage(scene, green, ahead, middle_x, middle_y, radius):
    def colour(x, y):
        light = (middle_y - y) / radius * 0.3 + scene.sun * (x - middle_x) / radius * 0.16
        return scene.hazy(shade(green, 1 + light + 0.34 * scene.leaves(x, y)), ahead)

    return colour


def _tree(scene, across, ahead):
    rng, canvas = scene.rng, scene.canvas
    high, wide = rng.uniform(5, 8), rng.uniform(1.5, 2.4)
    green = np.array(GREENS[rng.integers(len(GREENS))], np.float32)
    lumps = rng.uniform(-1, 1, [4, 2])
    trunk = scene.rectangle(across - 0.16, across + 0.16, 0, high * 0.6, ahead)
    x, y = scene.at(across, 0, ahead)
    scale = FOCAL / ahead
    canvas.paint(ellipse(x - scene.sun * scale, y, 1.6 * scale, 0.22 * scale), (24, 22, 30), opacity=0.4, blur=0.005)
    canvas.paint(trunk, scene.hazy((84, 66, 52), ahead), "vegetation")
    x, y = scene.at(across, high * 0.72, ahead)
    leaf = _foliage(scene, green, ahead, x, y, wide * scale)
    crown = union(
        *(
            ellipse(x + dx * wide * 0.6 * scale, y + dy * high * 0.14 * scale, wide * 0.72 * scale, wide * 0.72 * scale)
            for dx, dy in [(0, 0), *lumps]
        )
    )
    ragged = crown._replace(distance=lambda a, b: crown.distance(a, b) + 0.25 * scale * scene.leaves(a, b))
    canvas.paint(ragged, leaf, "vegetation")


def _lamp(scene, across, ahead):
    metal = scene.hazy((86, 88, 92), ahead)
    inward = -np.sign(across)
    scene.canvas.paint(scene.rectangle(across - 0.09, across + 0.09, 0, 6, ahead), metal, "pole")
    arm = sorted((across, across + inward * 1.5))
    scene.canvas.paint(scene.rectangle(*arm, 5.85, 6.0, ahead), metal, "pole")
    head = sorted((across + inward * 1.0, across + inward * 1.6))
    scene.canvas.paint(scene.rectangle(*head, 5.7, 5.86, ahead), (255, 238, 190), "pole")


def _signal(scene, across, ahead):
    canvas, scale = scene.canvas, FOCAL / ahead
    canvas.paint(scene.rectangle(across - 0.07, across + 0.07, 0, 3, ahead), (74, 76, 80), "pole")
    if scene.rng.random() < 0.5:
        x, y = scene.at(across, 2.9, ahead)
        for radius, colour in ((0.5, (196, 40, 40)), (0.36, (244, 240, 236))):
            canvas.paint(ellipse(x, y, radius * scale, radius * scale), colour, "traffic sign")
        return
    canvas.paint(scene.rectangle(across - 0.24, across + 0.24, 2.5, 3.8, ahead), (34, 34, 36), "traffic light")
    lit = scene.rng.integers(3)
    lamps = [(240, 60, 48), (248, 196, 60), (80, 226, 130)]
    for index, colour in enumerate(lamps):
        x, y = scene.at(across, 3.58 - 0.42 * index, ahead)
        canvas.paint(ellipse(x, y, 0.15 * scale, 0.15 * scale), shade(colour, 1.0 if index == lit else 0.25))


def _person(scene, across, ahead):
    rng, canvas, scale = scene.rng, scene.canvas, FOCAL / ahead
    tall, step = rng.uniform(1.55, 1.85), rng.uniform(0.05, 0.2)
    coat, trousers = (np.array(CLOTHES[i]) for i in rng.integers(len(CLOTHES), size=2))
    skin = np.array([(228, 186, 156), (150, 104, 78), (196, 148, 116)][rng.integers(3)])
    label = "person"
    x, y = scene.at(across, 0, ahead)
    canvas.paint(ellipse(x, y, 0.5 * scale, 0.1 * scale), (20, 20, 26), opacity=0.4, blur=0.003)
    for leg in (-1, 1):
        canvas.paint(
            polygon(
                scene.at(across + leg * step - 0.08, 0, ahead),
                scene.at(across + leg * step + 0.08, 0, ahead),
                scene.at(across + leg * 0.06 + 0.1, tall * 0.5, ahead),
                scene.at(across + leg * 0.06 - 0.1, tall * 0.5, ahead),
            ),
            scene.hazy(trousers * 0.7, ahead),
            label,
        )
    x, y = scene.at(across, tall * 0.66, ahead)
    canvas.paint(ellipse(x, y, 0.25 * scale, tall * 0.21 * scale), scene.hazy(coat, ahead), label)
    x, y = scene.at(across, tall * 0.93, ahead)
    canvas.paint(ellipse(x, y, 0.12 * scale, 0.15 * scale), scene.hazy(skin, ahead), label)
    canvas.paint(ellipse(x, y - 0.06 * scale, 0.13 * scale, 0.1 * scale), scene.hazy((56, 42, 34), ahead), label)


def _car(scene, across, ahead):
    rng, canvas, scale = scene.rng, scene.canvas, FOCAL / ahead
    body = np.array(LACQUER[rng.integers(len(LACQUER))], np.float32)
    rear = across >= 0
    label, half, length = "car", 0.88, 3.9
    paint, dark = scene.hazy(body, ahead), scene.hazy(body * 0.62, ahead)
    glass, rubber = scene.hazy((48, 60, 74), ahead), (26, 26, 28)

    def taper(below, above, low, high):
        return polygon(
            scene.at(across - half * below, low, ahead),
            scene.at(across + half * below, low, ahead),
            scene.at(across + half * above, high, ahead),
            scene.at(across - half * above, high, ahead),
        )

    x, y = scene.at(across, 0.05, ahead)
    canvas.paint(ellipse(x, y, half * 1.15 * scale, 0.2 * scale), (14, 14, 18), opacity=0.6, blur=0.006)
    inner = across - np.sign(across) * half
    cabin = across - np.sign(across) * half * 0.8
    canvas.paint(scene.side(inner, 0.3, 0.95, ahead, ahead + length), dark, label)
    canvas.paint(scene.side(cabin, 0.9, 1.42, ahead + 0.3, ahead + length * 0.7), glass, label)
    for along in (0.7, 3.1) if ahead < 28 else ():
        x, y = scene.at(inner, 0.3, ahead + along)
        canvas.paint(ellipse(x, y, 0.06 * scale, 0.3 * FOCAL / (ahead + along)), rubber, label)
    for wheel in (-1, 1):
        middle = across + wheel * half * 0.74
        canvas.paint(scene.rectangle(middle - 0.13, middle + 0.13, 0, 0.5, ahead), rubber, label)
    canvas.paint(taper(0.95, 0.7, 0.9, 1.48), paint * 0.92, label)
    top = scene.at(0, 1.4, ahead)[1]
    canvas.paint(
        taper(0.82, 0.62, 0.95, 1.38), lambda a, b: mix((150, 176, 196), (34, 42, 52), unit((b - top) / (0.4 * scale)))
    )
    hull = scene.rectangle(across - half, across + half, 0.25, 0.96, ahead)
    high = scene.at(0, 0.96, ahead)[1]
    canvas.paint(hull, lambda a, b: shade(paint, 1.15 - 0.5 * (b - high) / (0.7 * scale)), label)
    if ahead > 28:
        return
    canvas.paint(scene.rectangle(across - half, across + half, 0.24, 0.4, ahead), (40, 40, 44))
    canvas.paint(scene.rectangle(across - 0.26, across + 0.26, 0.46, 0.6, ahead), (236, 236, 226))
    for lamp in (-1, 1):
        middle = across + lamp * half * 0.78
        canvas.paint(
            scene.rectangle(middle - 0.17, middle + 0.17, 0.62, 0.82, ahead), (226, 36, 34) if rear else (255, 246, 208)
        )
