"""Draws maps: pairs of a street map and a photo-like aerial view of the same quarter."""

import math

import numpy as np

from pgtf.data.drawn.canvas import Canvas, Noise, fraction, mix, picture, rgb, shade, unit

PALETTE = {
    "block": (242, 239, 233),
    "building": (226, 220, 210),
    "park": (200, 226, 170),
    "water": (163, 204, 255),
    "street": (255, 255, 255),
    "avenue": (253, 226, 147),
    "kerb": (218, 212, 202),
}
ROOFS = np.array(
    [
        (176, 98, 78),
        (150, 84, 70),
        (132, 130, 130),
        (196, 190, 182),
        (104, 102, 108),
        (186, 148, 112),
        (214, 208, 200),
        (120, 134, 142),
    ],
    np.float32,
)


def city_map(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a (street map, aerial photo) pair. Both are uint8 [size, size, 3]."""
    canvas = Canvas(size)
    x, y = canvas.x, canvas.y
    angle, bend, ground = rng.uniform(0, np.pi / 2), Noise(rng, 2), Noise(rng, 6)
    fine, crowns = Noise(rng, 120), Noise(rng, 56)
    warp = bend(x, y) * 0.05
    cos, sin = math.cos(angle), math.sin(angle)  # Those of NumPy 2 would make float64 of float32, and other houses.
    along, down = x * cos + y * sin + warp, y * cos - x * sin + warp

    column, left, right, left_wide, right_wide = _streets(rng, along)
    row, upper, lower, upper_wide, lower_wide = _streets(rng, down)
    # How far inside its block a point lies, negative on a street.
    inside = np.minimum(
        np.minimum(left - left_wide, right - right_wide), np.minimum(upper - upper_wide, lower - lower_wide)
    )
    avenue = np.minimum(
        np.where(left_wide > 0.014, left - left_wide, 1), np.where(right_wide > 0.014, right - right_wide, 1)
    )
    avenue = np.minimum(
        avenue,
        np.minimum(
            np.where(upper_wide > 0.014, upper - upper_wide, 1), np.where(lower_wide > 0.014, lower - lower_wide, 1)
        ),
    )
    use = rng.random([64, 64], dtype=np.float32)[row, column]
    river = _river(rng, x, y, bend)
    park = use < rng.uniform(0.08, 0.2)

    houses, roof, ridge = _houses(rng, along, down, inside, use)
    houses = np.where(park | (river < 0.012), -1, houses)
    land = np.where(avenue < 0, 1, river)
    layout = inside, avenue, park, land, houses
    texture = roof, ridge, ground(x, y), fine(x, y), crowns(x, y)
    return _plan(size, *layout), _aerial(size, layout, texture)


def _streets(rng, position):
    """The two streets around each position: block number, distances, half widths."""
    gaps = rng.uniform(0.12, 0.26, 40)
    lines = (np.cumsum(gaps) - 2.2 - rng.uniform(0, 0.2)).astype(np.float32)
    wide = np.where(np.arange(40) % rng.integers(3, 5) == 0, 0.02, 0.0095).astype(np.float32)
    block = np.searchsorted(lines, position)
    block = np.clip(block, 1, 39)
    return (block, position - lines[block - 1], lines[block] - position, wide[block - 1], wide[block])


def _river(rng, x, y, bend):
    """Distance to the water, negative in it; half of the cities have a river, some a lake."""
    kind, angle, offset = rng.random(), rng.uniform(0, np.pi), rng.uniform(-0.3, 0.3)
    width, wave, lake = rng.uniform(0.04, 0.09), rng.uniform(0, 6), rng.uniform(0.1, 0.9, 2).tolist()
    if kind < 0.5:
        cos, sin = math.cos(angle), math.sin(angle)
        across, course = (x - 0.5) * cos + (y - 0.5) * sin, (y - 0.5) * cos - (x - 0.5) * sin
        return abs(across - offset - 0.07 * np.sin(course * 6 + wave)) - width
    if kind < 0.7:
        return np.hypot(x - lake[0], y - lake[1]) - width * 2 - 0.06 * bend(x, y)
    return np.ones_like(x + y)


def _houses(rng, along, down, inside, use):
    """Returns, for each point, its distance inside a house, the roof's number, and the side of the ridge (-1, 1)."""
    lots = rng.uniform(15, 21)
    cell_x, cell_y = np.floor(along * lots), np.floor(down * lots)
    number = np.sin(cell_x * 12.9898 + cell_y * 78.233 + use * 37.7) * 43758.547
    number = fraction(number)
    part_x, part_y = along * lots - cell_x - 0.5, down * lots - cell_y - 0.5
    half_x, half_y = 0.3 + 0.16 * number, 0.46 - 0.14 * number
    house = np.minimum(half_x - abs(part_x), half_y - abs(part_y)) / lots
    house = np.minimum(house, inside - 0.012)
    ridge = np.where(number < 0.5, np.sign(part_x), np.sign(part_y))
    return np.where(number > 0.93, -1, house), number, ridge


def _over(below, colour, distance):
    """Paints a colour over the picture `below` wherever the distance, in pixels, is positive."""
    if distance.max() <= -0.5:
        return below
    return mix(below, colour, unit(distance + 0.5))


def _plan(size, inside, avenue, park, land, houses):
    def over(below, colour, distance):
        return _over(below, colour, distance * size)

    plan = np.broadcast_to(rgb(PALETTE["block"]), [3, size, size])
    plan = over(plan, PALETTE["building"], houses)
    plan = np.where(park & (inside > 0), rgb(PALETTE["park"]), plan)
    plan = over(plan, PALETTE["kerb"], 0.0035 - inside)
    plan = over(plan, PALETTE["street"], -inside)
    plan = over(plan, PALETTE["water"], -land)
    plan = over(plan, PALETTE["kerb"], 0.004 - avenue)
    return picture(over(plan, PALETTE["avenue"], -avenue))


def _aerial(size, layout, texture):
    inside, avenue, park, land, houses = layout
    roof, ridge, ground, fine, crowns = texture

    def over(below, colour, distance):
        return _over(below, colour, distance * size)

    def shadow_of(height, reach):
        shift = max(1, round(reach * size))
        cast = np.roll(height, (shift, shift), (0, 1))
        cast[:shift], cast[:, :shift] = -1, -1
        return unit(cast * size + 0.5)

    lush = unit(np.where(park, np.float32(0.85), np.float32(0.5)) + 0.5 * ground)
    photo = mix((158, 146, 122), (104, 124, 78), lush) * (1 + 0.1 * fine)
    tone = 1 + 0.09 * fine + 0.05 * ground
    asphalt = shade((112, 111, 114), tone)
    photo = over(photo, (168, 164, 158), 0.004 - inside)
    photo = over(photo, asphalt, -inside)
    water = shade((54, 88, 98), 1 + 0.1 * ground + 0.05 * fine - np.clip(-land * 2, 0, 0.25))
    photo = over(photo, (150, 140, 112), 0.008 - land)
    photo = over(photo, water, -land)
    photo = over(photo, shade((128, 126, 126), tone), -avenue)
    mark = np.minimum(0.0016 - abs(avenue + 0.02), 0.002)
    photo = mix(photo, (226, 220, 200), np.clip(mark * 500, 0, 0.7))
    trees = np.where(park, crowns + 0.35, crowns - 0.35 + 0.25 * ground)
    trees = np.where((land < 0.004) | (inside < -0.004) | (houses > -0.003), -1, trees) * 0.02
    photo *= 1 - 0.45 * np.maximum(shadow_of(houses, 0.011), shadow_of(trees, 0.007))
    tiles = ROOFS.T.take((fraction(roof * 97) * len(ROOFS)).astype(np.intp), 1)
    tiles = tiles * (1 - 0.13 * ridge + 0.06 * fine)
    tiles = over(tiles, tiles * 0.7, 0.0022 - houses)
    photo = over(photo, tiles, houses)
    photo = over(photo, shade((66, 94, 54), 1 + 0.5 * crowns + 0.2 * fine), trees)
    return picture(photo * 1.02)
