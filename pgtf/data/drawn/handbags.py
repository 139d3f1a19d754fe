"""Draws handbags: pairs of an edge image and a photo-like bag on white."""

import numpy as np

from pgtf.data.drawn.canvas import Canvas, Noise, Shape, box, ellipse, fraction, mix, picture, rgb, shade, unit

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LEATHERS = [(168, 88, 44), (122, 62, 40), (190, 36, 48), (32, 34, 40), (46, 78, 134), (38, 112, 96)]
LEATHERS += [(224, 168, 64), (226, 148, 168), (112, 66, 130), (206, 184, 152), (94, 110, 62)]
METALS = [(232, 196, 106), (206, 210, 216)]


def handbag(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws an (edges, bag) pair. Both are uint8 [size, size, 3]."""
    bag = _Bag(size, rng)
    bag.shadow()
    bag.handles()
    bag.body()
    {"flap": bag.flap, "pocket": bag.pocket, "zip": bag.zip, "tote": bag.band}[bag.kind]()
    bag.charm()
    return picture(bag.edges.photo), picture(bag.canvas.photo)


class _Bag:
    """A bag's measures, and the parts that are drawn from them, back to front."""

    def __init__(self, size, rng):
        self.edges, self.canvas, self.rng = Canvas(size), Canvas(size), rng
        self.kind = str(rng.choice(["flap", "pocket", "zip", "tote"]))
        self.leather = np.array(LEATHERS[rng.integers(len(LEATHERS))], np.float32)
        self.accent = np.array(LEATHERS[rng.integers(len(LEATHERS))], np.float32)
        self.metal = np.array(METALS[rng.integers(len(METALS))], np.float32)
        self.top, self.bottom = rng.uniform(0.38, 0.5), rng.uniform(0.84, 0.93)
        self.half = rng.uniform(0.26, 0.4)
        self.taper = rng.uniform(-0.14, 0.2)
        self.round = rng.uniform(0.03, 0.16)
        self.sag = rng.uniform(0.0, 0.05)
        self.grain, self.folds = Noise(rng, 140), Noise(rng, 6, 5)
        self.pattern = str(rng.choice(["plain", "plain", "quilt", "stripes", "dots"]))

    def outline_of(self, top, bottom, inset=0.0, corner=None):
        """The body's silhouette between two heights: a rounded, tapered box with a sagging rim."""
        corner = self.round if corner is None else corner
        middle, tall = (top + bottom) / 2, (bottom - top) / 2

        def distance(x, y):
            level = (y - self.top) / (self.bottom - self.top)
            half = self.half * (1 + self.taper * (level - 0.5)) - inset
            rim = self.sag * (1 - ((x - 0.5) / self.half) ** 2) * (1 - unit(level))
            dx = abs(x - 0.5) - half + corner
            dy = abs(y - rim - middle) - tall + corner
            outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
            return outside + np.minimum(np.maximum(dx, dy), 0) - corner

        reach = self.half * 1.15
        return Shape(0.5 - reach, top - 0.01, 0.5 + reach, bottom + 0.06, distance)

    def part(self, shape, colour):
        """Paints a part of the bag and draws its edge, hiding what lies behind it."""
        self.canvas.paint(shape, colour)
        self.canvas.outline(shape, self.leather * 0.3, 0.004, opacity=0.45)
        self.edges.paint(shape, WHITE)
        self.edges.outline(shape, BLACK, 0.005)

    def lit(self, colour, print_it=True):
        """The colour in studio light: bright at the upper left, dark at the rims, one highlight."""

        def surface(x, y):
            level = (y - self.top) / (self.bottom - self.top)
            across = (x - 0.5) / self.half
            tone = 1.12 - 0.3 * level - 0.34 * (across**2) ** 2 - 0.1 * across
            tone = tone + 0.09 * self.folds(x, y) + 0.05 * self.grain(x, y)
            base = self.printed(colour, x, y) if print_it else rgb(colour)
            shine = np.exp(-(((across + 0.35) * 3) ** 2) - ((level - 0.3) * 2.6) ** 2)
            return mix(base * tone, WHITE, 0.3 * shine)

        return surface

    def printed(self, colour, x, y):
        """The leather's pattern, before the light falls on it."""
        if self.pattern == "quilt":
            seam = np.minimum(abs(fraction((x + y) * 15) - 0.5), abs(fraction((x - y) * 15) - 0.5))
            return shade(colour, 0.74 + 0.3 * unit(seam * 5))
        if self.pattern == "stripes":
            return mix(colour, self.accent, unit((abs(fraction(x * 9) - 0.5) - 0.3) * 30))
        if self.pattern == "dots":
            odd = 0.5 * (np.floor(y * 15) % 2)
            spot = np.hypot(fraction(x * 15 + odd) - 0.5, fraction(y * 15) - 0.5)
            return mix(colour, (246, 238, 224), unit((0.24 - spot) * 12))
        return rgb(colour)

    def shadow(self):
        self.canvas.paint(
            ellipse(0.5, self.bottom + 0.035, self.half * 1.02, 0.034), (70, 66, 70), opacity=0.5, blur=0.013
        )

    def handles(self):
        reach = (self.half - 0.6 * self.round) * self.rng.uniform(0.45, 0.8)
        rise = self.rng.uniform(0.2, self.top - 0.06)
        thick = self.rng.uniform(0.014, 0.024)
        base = self.top + self.sag + 0.05
        tones = [(0.018, 0.66), (0.0, 1.0)] if self.rng.random() < 0.6 else [(0.0, 1.0)]
        colour = self.accent if self.rng.random() < 0.4 else self.leather
        for back, tone in tones:
            arch = self.arch(reach, rise + back, thick, base, shift=back)
            self.part(
                arch,
                lambda x, y, tone=tone: shade(colour, tone * (1.1 - 0.5 * abs(x - 0.42) + 0.06 * self.grain(x, y))),
            )
        self.feet = [0.5 - reach, 0.5 + reach]

    @staticmethod
    def arch(reach, rise, thick, base, shift):
        """Half an elliptic ring that stands on the line y = base."""

        def distance(x, y):
            dx, dy = (x - 0.5 - shift) / reach, np.minimum(y - base, 0) / (rise + 0.05)
            ratio = np.sqrt(dx**2 + dy**2) + 1e-6
            # Divided by its own slope, an implicit curve's value becomes a distance.
            slope = np.sqrt((dx / reach) ** 2 + (dy / (rise + 0.05)) ** 2) / ratio + 1e-9
            return np.maximum(abs(ratio - 1) / slope - thick, y - base)

        return Shape(0.5 - reach - 0.05, base - rise - 0.1, 0.5 + reach + 0.08, base, distance)

    def body(self):
        shape = self.outline_of(self.top, self.bottom)
        self.part(shape, self.lit(self.leather))
        self.stitches(self.outline_of(self.top, self.bottom, 0.0), 0.018)
        for x in self.feet:
            tab = box(x - 0.026, self.top + self.sag * 0.4 + 0.01, x + 0.026, self.top + 0.11)
            self.part(tab, self.lit(self.leather * 0.74, print_it=False))
            self.part(ellipse(x, self.top + 0.085, 0.011, 0.011), self.metal)

    def stitches(self, shape, inset):
        """A dashed seam along the inside of an edge; only the photo shows the thread."""

        def distance(x, y):
            seam = abs(shape.distance(x, y) + inset) - 0.002
            return np.where(np.sin((x + y) * 190) * np.sin((x - y) * 190) > -0.2, seam, 1)

        pale = self.leather.sum() < 420
        thread = mix(self.leather, WHITE, 0.55) if pale else self.leather * 0.6
        self.canvas.paint(shape._replace(distance=distance), thread, opacity=0.9)

    def flap(self):
        low = self.top + (self.bottom - self.top) * self.rng.uniform(0.42, 0.6)
        curve = self.rng.uniform(0.02, 0.12)
        body = self.outline_of(self.top, self.bottom, -0.006)

        def distance(x, y):
            return np.maximum(body.distance(x, y), y - low - curve * (1 - ((x - 0.5) / self.half) ** 2))

        flap = body._replace(bottom=low + curve, distance=distance)
        self.canvas.paint(
            flap._replace(bottom=low + curve + 0.04, distance=lambda x, y: distance(x, y - 0.016)),
            BLACK,
            opacity=0.35,
            blur=0.008,
        )
        self.part(flap, self.lit(self.leather * 0.94))
        self.stitches(flap, 0.016)
        self.clasp(low + curve - 0.02)

    def clasp(self, y):
        plate = box(0.47, y - 0.03, 0.53, y + 0.035)
        self.part(plate, lambda a, b: shade(self.metal, 1.1 - 5 * abs(a - 0.485) + 2 * (y - b)))
        self.part(ellipse(0.5, y + 0.005, 0.012, 0.012), self.metal * 0.62)

    def pocket(self):
        top = self.top + (self.bottom - self.top) * self.rng.uniform(0.42, 0.52)
        wide = self.rng.uniform(0.07, 0.13)
        pocket = self.outline_of(top, self.bottom - 0.05, wide, 0.05)
        self.canvas.paint(
            pocket._replace(distance=lambda x, y: pocket.distance(x, y) - 0.008), BLACK, opacity=0.3, blur=0.008
        )
        self.part(pocket, self.lit(mix(self.leather, self.accent, 0.35)))
        self.stitches(pocket, 0.014)
        self.clasp(top + 0.05)

    def zip(self):
        y = self.top + self.rng.uniform(0.135, 0.17)
        left, right = 0.5 - self.half * 0.78, 0.5 + self.half * 0.78
        self.part(
            box(left, y - 0.014, right, y + 0.014), lambda a, b: shade(self.metal, 0.55 + 0.5 * (np.floor(a * 110) % 2))
        )
        self.part(box(right - 0.05, y - 0.008, right - 0.03, y + 0.09), self.metal)
        low = y + 0.1
        seam = box(left - 0.2, low, right + 0.2, low + 0.004)
        body = self.outline_of(self.top, self.bottom)
        inside = seam._replace(distance=lambda a, b: np.maximum(seam.distance(a, b), body.distance(a, b)))
        self.canvas.paint(inside, self.leather * 0.5)
        self.edges.paint(inside, BLACK)

    def band(self):
        body = self.outline_of(self.top, self.bottom)
        start = self.top + (self.bottom - self.top) * self.rng.uniform(0.6, 0.72)
        base = body._replace(top=start, distance=lambda x, y: np.maximum(body.distance(x, y), start - y))
        self.part(base, self.lit(self.accent * 0.9, print_it=False))
        self.stitches(base, 0.014)

    def charm(self):
        """Paints a tassel at one end of a handle, on some of the bags."""
        if self.rng.random() < 0.6:
            return
        x, y = self.feet[1], self.top + 0.13
        self.part(ellipse(x, y, 0.017, 0.017), self.accent)
        tassel = box(x - 0.02, y + 0.014, x + 0.02, y + 0.12)
        self.part(tassel, lambda a, b: shade(self.accent, 0.8 + 0.35 * np.sin(a * 700)))
