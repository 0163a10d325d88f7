// Shows the image with its labels, zoomed and moved; knows nothing of tools and servers.

export const IGNORED = 65535;
const FILL = 105, EDGE = 230;  // opacity, of 255

export function colourOf(id) {
  const hue = (id * 137.508 + 20) % 360, part = (shift) => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (0.58 - 0.42 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.overlay = document.createElement('canvas');
    this.image = null;
    this.labels = null;
    this.chosen = new Set();
    this.scale = 1;
    this.left = this.top = 0;
    this.isHidden = false;
    this.stroke = null;
    new ResizeObserver(() => this.resized()).observe(canvas);
  }

  get size() { return [this.overlay.height, this.overlay.width]; }

  show(image, height, width) {
    const isOther = image !== this.image;
    this.image = image;
    if (isOther) {
      this.overlay.height = height;
      this.overlay.width = width;
      this.fit();
    }
  }

  setLabels(labels, chosen) {
    this.labels = labels;
    this.chosen = new Set(chosen);
    this.colour();
    this.draw();
  }

  // Fills the overlay: each object in its colour, its edge stronger, that of a chosen one white.
  colour() {
    const [height, width] = this.size;
    if (!height || !this.labels) return;
    const context = this.overlay.getContext('2d'), pixels = context.createImageData(width, height);
    const out = new Uint32Array(pixels.data.buffer), labels = this.labels, palette = new Map();
    const colours = (id) => {
      const [r, g, b] = id === IGNORED ? [150, 150, 150] : colourOf(id);
      const of = (alpha) => (alpha << 24 | b << 16 | g << 8 | r) >>> 0;
      const isChosen = this.chosen.has(id);
      return [of(isChosen ? FILL + 40 : FILL), isChosen ? 0xffffffff : of(EDGE)];
    };
    // What the page spends most time on after a click: nothing is looked up for a pixel.
    for (let row = 0, at = 0, last = 0, fill = 0, edge = 0; row < height; row++) {
      const isRim = row === 0 || row === height - 1, end = at + width - 1;
      for (let column = 0; column < width; column++, at++) {
        const id = labels[at];
        if (id === 0) continue;
        if (id !== last) {
          if (!palette.has(id)) palette.set(id, colours(id));
          [fill, edge] = palette.get(id);
          last = id;
        }
        const isEdge = isRim || column === 0 || at === end || labels[at - 1] !== id ||
          labels[at + 1] !== id || labels[at - width] !== id || labels[at + width] !== id;
        const isStriped = id === IGNORED && ((row + column) >> 2) % 2;
        out[at] = isEdge ? edge : isStriped ? 0 : fill;
      }
    }
    context.putImageData(pixels, 0, 0);
  }

  draw() {
    const {context, canvas} = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.image) return;
    const ratio = devicePixelRatio;
    context.setTransform(this.scale * ratio, 0, 0, this.scale * ratio, this.left * ratio, this.top * ratio);
    context.imageSmoothingEnabled = this.scale < 3;
    context.drawImage(this.image, 0, 0);
    context.imageSmoothingEnabled = false;
    if (!this.isHidden) context.drawImage(this.overlay, 0, 0);
    if (this.stroke) this.drawStroke(this.stroke);
  }

  drawStroke({points, radius, colour}) {
    const {context} = this;
    context.strokeStyle = context.fillStyle = colour;
    context.globalAlpha = .6;
    context.lineWidth = 2 * radius;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    points.forEach(([row, column], index) => index ? context.lineTo(column + .5, row + .5)
      : context.moveTo(column + .5, row + .5));
    if (points.length === 1) context.lineTo(points[0][1] + .5, points[0][0] + .501);
    context.stroke();
    context.globalAlpha = 1;
  }

  resized() {
    const {canvas} = this, ratio = devicePixelRatio, isFirst = canvas.width < 2;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (isFirst || this.isFitted) this.fit();
    else this.draw();
  }

  fit() {
    const [height, width] = this.size;
    if (!this.image || !height) return;
    const {clientWidth, clientHeight} = this.canvas;
    this.scale = Math.min(clientWidth / width, clientHeight / height) * .98;
    this.left = (clientWidth - width * this.scale) / 2;
    this.top = (clientHeight - height * this.scale) / 2;
    this.isFitted = true;
    this.draw();
  }

  zoom(factor, x, y) {
    const scale = Math.min(40, Math.max(.05, this.scale * factor));
    this.left = x - (x - this.left) * scale / this.scale;
    this.top = y - (y - this.top) * scale / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.draw();
  }

  move(x, y) {
    this.left += x;
    this.top += y;
    this.isFitted = false;
    this.draw();
  }

  // Pixel (row, column) under a place on the screen; whole numbers are pixel centres.
  pixelAt(x, y) {
    const box = this.canvas.getBoundingClientRect();
    return [(y - box.top - this.top) / this.scale - .5, (x - box.left - this.left) / this.scale - .5];
  }

  placeOf(row, column) {
    const box = this.canvas.getBoundingClientRect();
    return [(column + .5) * this.scale + this.left + box.left, (row + .5) * this.scale + this.top + box.top];
  }

  labelAt(row, column) {
    const [height, width] = this.size, r = Math.round(row), c = Math.round(column);
    return r < 0 || c < 0 || r >= height || c >= width ? null : this.labels[r * width + c];
  }
}
