"""Images that are drawn, not photographed: shapes of ten kinds, flowers of five. [height, width, 3], 0 to 255."""

import numpy as np

SIZE = 64
Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)


class Pen:
    """A place, a turn and colours, all by chance, and the pixels seen from there."""

    def __init__(self, random):
        self.random = random
        self.radius = random.uniform(18, 27)
        dx = X - SIZE / 2 - random.uniform(-5, 5)
        dy = Y - SIZE / 2 - random.uniform(-5, 5)
        self.dx, self.dy = dx, dy
        self.r = np.hypot(dx, dy) / self.radius
        turn = random.uniform(0, 2 * np.pi)
        self.angle = np.arctan2(dy, dx) + turn
        self.u = (dx * np.cos(turn) - dy * np.sin(turn)) / self.radius
        self.v = (dx * np.sin(turn) + dy * np.cos(turn)) / self.radius

    def colour(self, *mean):
        return np.clip(np.array(mean) + self.random.normal(0, 18, 3), 0, 255)

    def background(self, *mean):
        """Uneven ground: a slope of brightness and some noise."""
        slope = self.random.uniform(-0.6, 0.6, 2)
        light = slope[0] * (X - SIZE / 2) + slope[1] * (Y - SIZE / 2)
        noise = self.random.normal(0, 10, (SIZE, SIZE))
        return self.colour(*mean) + (light + noise)[..., None]

    def petals(self, number, width):
        """0 to 1: how far petals reach in each direction."""
        return np.abs(np.cos(number * self.angle / 2)) ** width


def painted(image, mask, colour):
    return np.where(mask[..., None], colour, image)


def regular_polygon(pen, corners):
    sector = 2 * np.pi / corners
    return pen.r * np.cos(pen.angle % sector - sector / 2) < np.cos(sector / 2)


SHAPES = {
    "disc": lambda pen: pen.r < 0.9,
    "ring": lambda pen: (pen.r > 0.6) & (pen.r < 1),
    "square": lambda pen: regular_polygon(pen, 4),
    "triangle": lambda pen: regular_polygon(pen, 3),
    "hexagon": lambda pen: regular_polygon(pen, 6) & (pen.r > 0.35),
    "cross": lambda pen: (np.minimum(abs(pen.u), abs(pen.v)) < 0.25) & (pen.r < 1),
    "star": lambda pen: pen.r < 0.35 + 0.65 * pen.petals(5, 1.5),
    "crescent": lambda pen: (pen.r < 1) & (np.hypot(pen.u - 0.45, pen.v) > 0.8),
    "stripes": lambda pen: (pen.r < 1) & (np.sin(9 * pen.u) > 0),
    "checks": lambda pen: (pen.r < 1) & (np.sin(7 * pen.u) * np.sin(7 * pen.v) > 0),
}


def shape(kind, random):
    pen = Pen(random)
    ground, figure = random.uniform(30, 225, (2, 3))
    if abs(ground - figure).sum() < 150:
        figure = 255 - ground
    return painted(pen.background(*ground), SHAPES[kind](pen), pen.colour(*figure))


def daisy(pen, image):
    image = painted(image, pen.r < pen.petals(12, 0.5), pen.colour(235, 230, 235))
    return painted(image, pen.r < 0.3, pen.colour(225, 180, 40))


def dandelion(pen, image):
    spikes = pen.r < 0.75 + 0.25 * pen.petals(40, 1)
    rays = 30 * np.sin(40 * pen.angle) * pen.r
    return painted(image, spikes, pen.colour(235, 200, 40) + rays[..., None])


def rose(pen, image):
    spiral = np.sin(5 * pen.r * np.pi + pen.angle)
    return painted(image, pen.r < 0.85, pen.colour(200, 40, 70) + 45 * spiral[..., None])


def sunflower(pen, image):
    image = painted(image, pen.r < 0.6 + 0.4 * pen.petals(16, 1), pen.colour(235, 180, 30))
    return painted(image, pen.r < 0.5, pen.colour(80, 50, 20))


def tulip(pen, image):
    """From the side: a cup with three points on a stem."""
    x, y = pen.dx / pen.radius, pen.dy / pen.radius
    image = painted(image, (abs(x) < 0.07) & (y > 0), pen.colour(40, 110, 40))
    rim = -0.45 - 0.4 * abs(np.cos(1.5 * np.pi * x / 0.6))
    cup = (abs(x) < 0.6) & (y > rim) & (y < 0.3 - 0.9 * x**2)
    return painted(image, cup, pen.colour(*PETALS[pen.random.randint(len(PETALS))]))


PETALS = [(210, 40, 60), (235, 190, 40), (220, 90, 160)]
FLOWERS = {f.__name__: f for f in (daisy, dandelion, rose, sunflower, tulip)}


def flower(kind, random):
    pen = Pen(random)
    return FLOWERS[kind](pen, pen.background(80, 130, 60))


def draw(one, kinds, number, seed):
    """`number` images uint8 [number, SIZE, SIZE, 3] of all kinds in turn, shuffled, and the index of each one's kind."""
    random = np.random.RandomState(seed)
    labels = random.permutation(np.arange(number) % len(kinds))
    images = [one(list(kinds)[label], random) for label in labels]
    return np.clip(images, 0, 255).astype(np.uint8), labels.astype(np.int64)
