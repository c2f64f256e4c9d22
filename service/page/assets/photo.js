// The probe on the page: a photo with outlined faces, or a face of the gallery.

import { byId, element } from "./common.js";

let url = null;

// The image element that shows the probe; crops of faces are cut from it.
export const photoImage = () => byId("photo-image");

// Shows a file or blob at once, before anything is known of it.
export function showPhoto(file, { alt = "The photo that you chose" } = {}) {
  if (url) URL.revokeObjectURL(url);
  url = URL.createObjectURL(file);
  const image = photoImage();
  image.hidden = false;
  image.alt = alt;
  image.onload = () => shapeFrame(image.naturalWidth, image.naturalHeight);
  image.onerror = () => { image.hidden = true; }; // most browsers cannot show HEIC; its boxes still help
  image.src = url;
  byId("boxes").replaceChildren();
  byId("photo-caption").textContent = "";
  byId("photo-figure").hidden = false;
  byId("advice").hidden = true;
  byId("drop").classList.add("away");
}

export function hidePhoto() {
  byId("photo-figure").hidden = true;
  byId("drop").classList.remove("away");
}

// The frame has exactly the photo's shape, so that boxes can be placed in percent of it.
export function shapeFrame(width, height) {
  const style = byId("frame").style;
  style.aspectRatio = `${width} / ${height}`;
  style.width = `min(100%, calc(var(--photo-height) * ${width / height}))`;
}

// One button over each face; `choose(place)` is called for the one that is pressed.
export function showBoxes(answer, choose) {
  const boxes = answer.faces.map((face, place) => faceBox(face.box, place, answer, choose));
  byId("boxes").replaceChildren(...boxes);
  markBox(0);
}

export function markBox(chosen) {
  [...byId("boxes").children].forEach((box, place) => box.setAttribute("aria-pressed", String(place === chosen)));
}

function faceBox(box, place, answer, choose) {
  const node = element("button", { type: "button", class: "box", "aria-label": `Face ${place + 1} of ${answer.faces.length}`, "aria-pressed": "false" });
  const percent = (value, whole) => `${(100 * value) / whole}%`;
  node.style.left = percent(box.left, answer.image.width);
  node.style.top = percent(box.top, answer.image.height);
  node.style.width = percent(box.width, answer.image.width);
  node.style.height = percent(box.height, answer.image.height);
  node.addEventListener("click", () => choose(place));
  return node;
}

export function showAdvice(advice) {
  byId("advice").hidden = !advice.length;
  byId("advice").textContent = advice.length ? `A better photo would tell more: ${advice.join(", ")}.` : "";
}

// The part of the photo around a box, `margin` of its side wider on each side, as a canvas.
export async function cutFace(box, margin, sidePx = null) {
  const image = photoImage();
  await image.decode();
  const side = box.width * (1 + 2 * margin);
  const drawn = sidePx || Math.round(side);
  const canvas = element("canvas", { width: drawn, height: drawn });
  const context = canvas.getContext("2d");
  context.drawImage(image, box.left - box.width * margin, box.top - box.height * margin, side, side, 0, 0, drawn, drawn);
  return canvas;
}
