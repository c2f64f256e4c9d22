// The gallery that the page looks at: what the service told of itself, and which collection was chosen.
//
// The event `gallery` says that another collection was chosen or that faces came or went.

import { call } from "./api.js";
import { byId, count, element } from "./common.js";

const RETRY_MS = 1500;
const DEFAULT = "default";

let chosen = DEFAULT;
let told = null; // the last answer of /info
let turn = 0;

export const info = () => told;
export const collection = () => chosen;

// A path with query parameters; undefined ones are left out. The chosen collection goes along.
export function inCollection(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== null && value !== "") query.set(name, value);
  if (chosen !== DEFAULT) query.set("collection", chosen);
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

// Asks the service for its sizes; also the sign that it is ready.
export async function refresh() {
  const mine = ++turn;
  try {
    const answer = await call("info");
    const collections = await call("collections", { quiet: true }).catch(() => null);
    if (mine !== turn) return;
    told = answer;
    showCollections(collections?.items || []);
    showSize(collections?.items.find((item) => item.name === chosen) || answer.gallery);
    byId("gallery-size").classList.remove("trouble");
    document.dispatchEvent(new Event("sizes"));
  } catch (error) {
    if (mine !== turn) return;
    const words = { "not-ready": "Starting …", unauthorized: "Key needed", forbidden: "Not allowed" };
    byId("gallery-size").textContent = words[error.slug] || "Not reachable";
    byId("gallery-size").classList.add("trouble");
    if (!["unauthorized", "forbidden"].includes(error.slug)) setTimeout(() => mine === turn && refresh(), RETRY_MS);
  }
}

function showSize({ people, faces }) {
  byId("gallery-size").textContent = `${count(people, "person", "people")} · ${count(faces, "face", "faces")}`;
}

function showCollections(items) {
  byId("collection-field").hidden = items.length < 2;
  if (!items.some((item) => item.name === chosen)) chosen = DEFAULT;
  const options = items.map(({ name }) => {
    const option = element("option", { value: name }, name);
    option.selected = name === chosen;
    return option;
  });
  byId("collection").replaceChildren(...options);
}

// To be called after faces came or went.
export function changed() {
  refresh();
  document.dispatchEvent(new Event("gallery"));
}

export function wireGallery() {
  byId("collection").addEventListener("change", (event) => {
    chosen = event.target.value;
    document.dispatchEvent(new Event("collection"));
    changed();
  });
  document.addEventListener("key", changed);
  refresh();
}
