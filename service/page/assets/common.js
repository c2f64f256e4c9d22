// What the scripts of the page share: asking the service, its errors in words, making elements.

const KIND_WORDS = {
  "no-face": "No face was found in this photo. Try one where the face is larger and looks towards the camera.",
  "bad-image": "This file could not be read as an image. It may be damaged, or of a format that is not accepted.",
  "too-large": "This photo is too large.",
  "overloaded": "The service is busy at the moment. Please try again shortly.",
  "not-ready": "The service is still starting. Please try again in a moment.",
  "nothing-enrolled": "None of these photos could be added:",
  "storage-full": "The disk of the service is full; nothing was stored.",
};

export const byId = (id) => document.getElementById(id);

export class ProblemError extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
    this.slug = (problem.type || "").split("/").pop();
  }
}

export async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ProblemError({ type: "/problems/unreachable", detail: "The service cannot be reached. Is it running?" });
  }
  const body = await response.json();
  if (!response.ok) throw new ProblemError(body);
  return body;
}

export function kindWords(error) {
  if (!(error instanceof ProblemError)) throw error;
  const words = KIND_WORDS[error.slug];
  if (!words) return error.message;
  return error.slug === "too-large" ? `${words} (${error.message})` : words;
}

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
