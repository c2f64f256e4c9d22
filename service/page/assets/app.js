// The page: a photo goes to POST /search, its faces and their look-alikes come back.
//
//   choose or drop -> search() -> showAnswer() -> click on a face -> showMatches()
//   "Why?" at a match -> explain.js
//   name + photos  -> enrol()  -> what was added, what was rejected and why
//
// Names and texts from the service are set as textContent only, never parsed as HTML.

import { byId, call, element, kindWords } from "./common.js";
import { explain } from "./explain.js";

const MATCHES = 9;
const RETRY_MS = 1500;

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

// ---- searching

let photo = null; // the file
let photoUrl = null;
let latest = 0; // only the answer to the latest photo is shown

async function search(file) {
  const turn = ++latest;
  showPhoto(file);
  say("Looking …");
  const form = new FormData();
  form.append("image", file);
  try {
    const answer = await call(`search?faces=all&k=${MATCHES}`, { method: "POST", body: form });
    if (turn === latest) showAnswer(answer);
  } catch (error) {
    if (turn === latest) complain(kindWords(error));
  }
}

function showPhoto(file) {
  photo = file;
  if (photoUrl) URL.revokeObjectURL(photoUrl);
  photoUrl = URL.createObjectURL(file);
  const image = byId("photo-image");
  image.hidden = false;
  image.onload = () => shapeFrame(image.naturalWidth, image.naturalHeight);
  image.onerror = () => { image.hidden = true; }; // most browsers cannot show HEIC; its boxes still help
  image.src = photoUrl;
  byId("boxes").replaceChildren();
  byId("photo-caption").textContent = "";
  byId("photo-figure").hidden = false;
  byId("drop").classList.add("away");
  byId("results").hidden = true;
  byId("main").dataset.state = "idle";
}

function showDropZone() {
  byId("photo-figure").hidden = true;
  byId("drop").classList.remove("away");
}

// The frame has exactly the photo's shape, so that boxes can be placed in percent of it.
function shapeFrame(width, height) {
  const style = byId("frame").style;
  style.aspectRatio = `${width} / ${height}`;
  style.width = `min(100%, ${(75 * width) / height}vh)`;
}

function showAnswer(answer) {
  say("");
  byId("main").dataset.state = "done";
  shapeFrame(answer.image.width, answer.image.height);
  const many = answer.faces.length > 1;
  byId("photo-caption").textContent = many
    ? `${answer.faces.length} faces: choose one`
    : "One face";
  const boxes = answer.faces.map((face, place) => faceBox(face, place, answer));
  byId("boxes").replaceChildren(...boxes);
  choose(boxes[0], answer.faces[0], answer);
  byId("results-title").focus({ preventScroll: true });
}

function faceBox(face, place, answer) {
  const box = element("button", {
    type: "button",
    class: "box",
    "aria-label": `Face ${place + 1} of ${answer.faces.length}`,
    "aria-pressed": "false",
  });
  const percent = (value, whole) => `${(100 * value) / whole}%`;
  box.style.left = percent(face.box.left, answer.image.width);
  box.style.top = percent(face.box.top, answer.image.height);
  box.style.width = percent(face.box.width, answer.image.width);
  box.style.height = percent(face.box.height, answer.image.height);
  box.addEventListener("click", () => choose(box, face, answer));
  return box;
}

function choose(box, face, answer) {
  for (const other of byId("boxes").children) other.setAttribute("aria-pressed", String(other === box));
  showMatches(face, answer.faces.length);
}

function showMatches(face, faces) {
  const matches = face.matches;
  byId("results").hidden = false;
  byId("results-hint").textContent = matches.length
    ? "Similarity is 1 for the same picture and about 0 for faces that have nothing in common."
    : "The gallery is empty. Add someone below and try again.";
  byId("matches").replaceChildren(...matches.map((match) => matchCard(match, face, faces)));
}

function matchCard(match, face, faces) {
  const picture = element("img", { src: match.crop, alt: "", width: "256", height: "256" });
  const name = element("p", { class: "name", dir: "auto" });
  name.textContent = match.person;
  const meter = element(
    "span",
    {
      class: "meter", role: "meter", "aria-label": "Similarity",
      "aria-valuemin": "-1", "aria-valuemax": "1", "aria-valuenow": match.similarity.toFixed(2),
    },
    element("span"),
  );
  meter.firstChild.style.width = `${100 * Math.max(0, match.similarity)}%`;
  const number = element("span", { class: "number" });
  number.textContent = match.similarity.toFixed(2).replace("-", "−");
  const photos = element("p", { class: "faces" });
  photos.textContent = count(match.faces_of_person, "photo", "photos");
  const why = element("button", { type: "button", class: "why" }, "Why?");
  why.setAttribute("aria-label", `Why ${match.person}?`);
  why.addEventListener("click", () => explain({ photo, image: byId("photo-image"), face, faces, match }));
  const foot = element("div", { class: "foot" }, photos, why);
  return element("li", {}, picture, name, element("p", { class: "similarity" }, meter, number), foot);
}

function say(text) {
  byId("status").textContent = text;
  byId("error").textContent = "";
}

function complain(text) {
  say("");
  byId("error").textContent = text;
  if (byId("photo-image").hidden) showDropZone(); // what cannot be shown is best forgotten
}

// ---- enrolling

async function enrol(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  const outcome = byId("enrol-outcome");
  button.disabled = true;
  outcome.textContent = "Adding …";
  try {
    const answer = await call("gallery", { method: "POST", body: new FormData(form) });
    outcome.replaceChildren(...enrolled(answer));
    form.reset();
    await showGallerySize();
  } catch (error) {
    const words = element("p", { class: "error" }, kindWords(error));
    outcome.replaceChildren(words, rejections(error.problem.rejected || []));
  } finally {
    button.disabled = false;
  }
}

function enrolled(answer) {
  const fresh = answer.enrolled.filter((face) => !face.duplicate).length;
  const known = answer.enrolled.length - fresh;
  const parts = [];
  if (fresh) parts.push(`${count(fresh, "photo", "photos")} added`);
  if (known) parts.push(`${count(known, "photo was", "photos were")} there already`);
  if (answer.rejected.length) parts.push(`${count(answer.rejected.length, "photo", "photos")} could not be added`);
  const summary = element("p", {}, `${answer.person}: ${parts.join(", ")}.`);
  return [summary, rejections(answer.rejected)];
}

function rejections(rejected) {
  const items = rejected.map((photo) => {
    const name = element("strong", { dir: "auto" }, photo.source_name);
    const slug = photo.type.split("/").pop();
    return element("li", {}, name, ` – ${slug === "no-face" ? "no face was found" : photo.detail}`);
  });
  return element("ul", { class: "rejected" }, ...items);
}

// ---- the gallery's size, also the sign that the service is ready

async function showGallerySize() {
  try {
    const { gallery } = await call("info");
    const people = count(gallery.people, "person", "people");
    byId("gallery-size").textContent = `${people} · ${count(gallery.faces, "face", "faces")} in the gallery`;
  } catch (error) {
    byId("gallery-size").textContent = error.slug === "not-ready" ? "Starting …" : "Not reachable";
    setTimeout(showGallerySize, RETRY_MS);
  }
}

// ---- wiring

function wire() {
  const drop = byId("main");
  byId("photo").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) search(file);
    event.target.value = ""; // so that the same file can be chosen again
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      if (event.target.closest(".enrol")) return; // its file field takes drops of its own
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      const [file] = event.dataTransfer.files;
      if (name === "drop" && file) search(file);
    });
  }
  byId("enrol-form").addEventListener("submit", enrol);
  showGallerySize();
}

wire();
