// What the scripts of the page share: finding and making elements, words for numbers and errors.

const KIND_WORDS = {
  "no-face": "No face was found in this photo. Try one where the face is larger and looks towards the camera.",
  "several-faces": "There are several faces in this photo. Cut it to the one that you mean.",
  "bad-image": "This file could not be read as an image. It may be damaged, or of a format that is not accepted.",
  "too-large": "This photo is too large.",
  "overloaded": "The service is busy at the moment. Please try again shortly.",
  "rate-limited": "That was too much at once. Please wait a moment and try again.",
  "not-ready": "The service is still starting. Please try again in a moment.",
  "storage-full": "The disk of the service is full; nothing was stored.",
};

export const byId = (id) => document.getElementById(id);

export class ProblemError extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
    this.slug = slugOf(problem.type);
  }
}

export const slugOf = (type) => (type || "").split("/").pop();

// What is wrong and what to do, from a problem's slug and, where we know no better, its own words.
export function wordsFor(slug, detail) {
  const words = KIND_WORDS[slug];
  if (!words) return detail;
  return slug === "too-large" && detail ? `${words} (${detail})` : words;
}

export function kindWords(error) {
  if (!(error instanceof ProblemError)) throw error;
  return wordsFor(error.slug, error.message);
}

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A picture that cannot be shown becomes a drawn shape.
export function showMissing(image) {
  const shape = element("span", { class: "missing" });
  if (image.alt) {
    shape.setAttribute("role", "img");
    shape.setAttribute("aria-label", image.alt);
  }
  image.replaceWith(shape);
}

export function button(label, onClick, { class: kind = "", ...attributes } = {}) {
  const node = element("button", { type: "button", class: `button ${kind}`.trim(), ...attributes }, label);
  node.addEventListener("click", onClick);
  return node;
}

export const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

export function fileSize(bytes) {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
