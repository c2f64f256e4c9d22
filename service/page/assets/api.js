// Asking the service. Every request carries the key, if one was entered.
//
//   call(path)      -> JSON, or a ProblemError; asks for a key where one is missing, and goes on
//   send(path)      -> the same for an upload, telling how far it is
//   picture(path)   -> an <img> of a crop

import { ProblemError, element, showMissing } from "./common.js";
import { askForKey, authorisation } from "./key.js";

const UNREACHABLE = { type: "/problems/unreachable", detail: "The service cannot be reached. Is it running?" };

// `quiet`: never open the key dialog, for what the page asks by itself.
export async function call(path, { quiet = false, json, ...options } = {}) {
  const headers = { ...options.headers, ...authorisation() };
  if (json !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(json);
  }
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError(UNREACHABLE);
  }
  if (response.status === 204) return null;
  const body = await problemOrJson(response);
  if (response.ok) return body;
  if (!quiet && (await keyWasEntered(response.status, body))) return call(path, { json, ...options });
  throw new ProblemError(body);
}

// A proxy in front may answer in HTML.
async function problemOrJson(response) {
  try {
    return await response.json();
  } catch {
    return { type: "/problems/unreachable", detail: `The service could not answer (status ${response.status}).` };
  }
}

async function keyWasEntered(status, problem) {
  const hadKey = "Authorization" in authorisation();
  if (status === 401) {
    return askForKey(hadKey ? "The service does not know this key. It may have been revoked." : "This service asks for a key.");
  }
  // without a key, 403 is about the address under which the page was opened, and no key helps
  if (status === 403 && hadKey) return askForKey(`This key may not do that. ${problem.detail}`);
  return false;
}

// An upload, with `onProgress` called with a share from 0 to 1. Gives {answer, status}.
export function send(path, form, { headers = {}, onProgress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    for (const [name, value] of Object.entries({ ...headers, ...authorisation() })) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => reject(new ProblemError(UNREACHABLE)));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("load", async () => {
      const { status, response } = request;
      if (status < 300) return resolve({ answer: response, status });
      const problem = response || { ...UNREACHABLE, detail: `The service could not answer (status ${status}).` };
      if (await keyWasEntered(status, problem)) {
        return send(path, form, { headers, onProgress, signal }).then(resolve, reject);
      }
      const error = new ProblemError(problem);
      error.retryAfterSeconds = Number(request.getResponseHeader("Retry-After")) || 0;
      return reject(error);
    });
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

// The crop of a face. An <img> can send no header, so with a key the bytes are fetched and shown from memory.
// Where there is no picture (embeddings can be imported without), the class `missing` draws a shape.
export function picture(path, attributes = {}) {
  const image = element("img", { alt: "", width: "256", height: "256", decoding: "async", ...attributes });
  image.addEventListener("error", () => showMissing(image));
  if ("Authorization" in authorisation()) {
    showFetched(image, path);
  } else {
    image.loading = attributes.loading || "lazy";
    image.src = path;
  }
  return image;
}

async function showFetched(image, path) {
  try {
    const url = URL.createObjectURL(await fetchPicture(path));
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
  } catch {
    showMissing(image); // what is wrong was told by the listing that named the picture
  }
}

export async function fetchPicture(path) {
  const response = await fetch(path, { headers: authorisation() });
  if (!response.ok) throw new ProblemError(await problemOrJson(response));
  return response.blob();
}

export const cropOf = (faceId) => `gallery/${encodeURIComponent(faceId)}/crop`;
