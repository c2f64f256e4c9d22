// A canvas with points: dots from far, faces from near; moved by pointer, wheel, pinch and keys.
//
// Places are -1 to 1 on both axes. On the screen: px = middle + (place - centre) * scale, y upwards.

import { cropOf, picture } from "./api.js";
import { element } from "./common.js";

const MARGIN = 0.9; // of the canvas that the whole map fills
const FACES_SHOWN = 160; // with no more in view, faces are drawn instead of dots
const FACE_PX = 44;
const NEAR_PX = 14; // how far from a dot a pointer may be
const MOST_ZOOM = 400;
const STEP = 60;
const LOOK_MS = 150; // the list of people follows the view after a pause

export class MapCanvas {
  constructor(canvas, { onView, onHover, onPick }) {
    Object.assign(this, { canvas, onView, onHover, onPick, points: [], pictures: new Map(), held: new Map() });
    this.context = canvas.getContext("2d");
    this.centre = { x: 0, y: 0 };
    this.times = 1;
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.wire();
  }

  show(points) {
    this.points = points;
    this.colours = new Map();
    this.pictures.clear(); // a collection or a key may be another
    this.whole();
  }

  whole() {
    this.centre = { x: 0, y: 0 };
    this.times = 1;
    this.draw();
  }

  // ---- where things are, in CSS pixels

  get scale() { return (this.times * MARGIN * Math.min(this.width, this.height)) / 2; }
  get width() { return this.canvas.clientWidth; }
  get height() { return this.canvas.clientHeight; }

  toScreen(point) {
    return [this.width / 2 + (point.x - this.centre.x) * this.scale, this.height / 2 - (point.y - this.centre.y) * this.scale];
  }

  // Zooms so that what is at (x, y) stays there.
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const times = Math.min(MOST_ZOOM, Math.max(0.8, this.times * factor));
    const before = this.scale;
    this.times = times;
    const moved = 1 / before - 1 / this.scale;
    this.centre.x += (x - this.width / 2) * moved;
    this.centre.y -= (y - this.height / 2) * moved;
    this.draw();
  }

  move(dx, dy) {
    const hold = (value) => Math.min(1.2, Math.max(-1.2, value));
    this.centre.x = hold(this.centre.x - dx / this.scale);
    this.centre.y = hold(this.centre.y + dy / this.scale);
    this.draw();
  }

  nearest(x, y) {
    let best = null;
    let least = this.faces ? FACE_PX / 2 : NEAR_PX;
    for (const point of this.points) {
      const [px, py] = this.toScreen(point);
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  // ---- drawing

  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = null;
      this.drawNow();
    });
  }

  drawNow() {
    const { canvas, context, width, height } = this;
    if (!width) return; // hidden
    const sharp = devicePixelRatio || 1;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    const inView = [];
    for (const point of this.points) {
      const [x, y] = this.toScreen(point);
      if (x > -FACE_PX && y > -FACE_PX && x < width + FACE_PX && y < height + FACE_PX) inView.push([point, x, y]);
    }
    this.faces = inView.length <= FACES_SHOWN;
    const radius = this.points.length > 5000 ? 2 : 4;
    for (const [point, x, y] of inView) {
      if (!this.faces || !this.drawFace(point, x, y)) this.drawDot(point, x, y, this.faces ? 8 : radius);
    }
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.onView(inView.map(([point]) => point)), LOOK_MS);
  }

  drawDot(point, x, y, radius) {
    this.context.fillStyle = this.colour(point.personId);
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 7);
    this.context.fill();
  }

  drawFace(point, x, y) {
    const image = this.picture(point.faceId);
    if (!image.complete || !image.naturalWidth) return false;
    const { context } = this;
    context.save();
    context.beginPath();
    context.arc(x, y, FACE_PX / 2, 0, 7);
    context.clip();
    context.drawImage(image, x - FACE_PX / 2, y - FACE_PX / 2, FACE_PX, FACE_PX);
    context.restore();
    context.lineWidth = 2.5;
    context.strokeStyle = this.colour(point.personId);
    context.beginPath();
    context.arc(x, y, FACE_PX / 2, 0, 7);
    context.stroke();
    return true;
  }

  picture(faceId) {
    if (!this.pictures.has(faceId)) {
      const image = picture(cropOf(faceId), { loading: "eager" });
      image.addEventListener("load", () => this.draw());
      element("span", {}, image);
      this.pictures.set(faceId, image);
    }
    return this.pictures.get(faceId);
  }

  // The golden angle keeps the colours of people apart, however many there are.
  colour(personId) {
    if (!this.colours.has(personId)) this.colours.set(personId, `hsl(${(this.colours.size * 137.5) % 360} 62% 50%)`);
    return this.colours.get(personId);
  }

  // ---- pointers, wheel and keys

  wire() {
    const { canvas } = this;
    const place = (event) => [event.offsetX, event.offsetY];
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.held.set(event.pointerId, place(event));
      this.dragged = this.held.size > 1;
    });
    canvas.addEventListener("pointermove", (event) => this.pointerMoved(event.pointerId, ...place(event)));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        if (name === "pointerup" && this.held.size === 1 && !this.dragged) this.onPick(this.nearest(...place(event)));
        this.held.delete(event.pointerId);
      });
    }
    canvas.addEventListener("pointerleave", () => this.onHover(null));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), ...place(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  pointerMoved(id, x, y) {
    const before = this.held.get(id);
    if (!before) return this.onHover(this.nearest(x, y), x, y);
    const [dx, dy] = [x - before[0], y - before[1]];
    if (!this.dragged && Math.hypot(dx, dy) < 4) return; // a hand is never quite still
    this.dragged = true;
    this.onHover(null);
    const other = [...this.held].find(([held]) => held !== id)?.[1];
    if (other) {
      const [was, is] = [Math.hypot(before[0] - other[0], before[1] - other[1]), Math.hypot(x - other[0], y - other[1])];
      this.zoom(is / Math.max(1, was), (x + other[0]) / 2, (y + other[1]) / 2);
    } else {
      this.move(dx, dy);
    }
    this.held.set(id, [x, y]);
  }

  keyPressed(event) {
    const act = {
      ArrowLeft: () => this.move(STEP, 0),
      ArrowRight: () => this.move(-STEP, 0),
      ArrowUp: () => this.move(0, STEP),
      ArrowDown: () => this.move(0, -STEP),
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.whole(),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }
}
