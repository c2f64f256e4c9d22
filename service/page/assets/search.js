// Searching: a photo goes to POST /search, its faces and their look-alikes come back; or a face of the
// gallery goes to GET /gallery/{id}/similar.
//
//   choose, drop, paste, camera -> search() -> showAnswer() -> click on a face -> choose()
//   "#like/FACE"                -> searchLike()
//   at a match: "Compare" -> compare.js, "Why?" -> explain.js

import { call, cropOf, fetchPicture, picture } from "./api.js";
import { openCamera } from "./camera.js";
import { byId, button, count, element, kindWords } from "./common.js";
import { compare } from "./compare.js";
import { explain } from "./explain.js";
import { inCollection, info } from "./gallery.js";
import { likeness, likenessHint, similarityNumber } from "./likeness.js";
import { cutFace, hidePhoto, markBox, photoImage, shapeFrame, showAdvice, showBoxes, showPhoto } from "./photo.js";

const MATCHES = 9;
const STARTERS = 10;
const COMPARED_PX = 384;

let latest = 0; // only the answer to the latest question is shown
let asked = null; // "photo" or "face"

export const search = { title: "Search", open: () => (asked === "face" ? startOver() : showStarters()) };
export const like = { title: "Look-alikes", open: (faceId) => searchLike(faceId) };

export async function searchPhoto(file) {
  const turn = begin("photo");
  showPhoto(file);
  try {
    const form = new FormData();
    form.append("image", file);
    const answer = await call(inCollection("search", { faces: "all", k: MATCHES }), { method: "POST", body: form });
    if (turn === latest) showAnswer(answer, file);
  } catch (error) {
    if (turn === latest) complain(kindWords(error));
  }
}

async function searchLike(faceId) {
  const turn = begin("face");
  try {
    const path = `gallery/${encodeURIComponent(faceId)}`;
    const [face, blob] = await Promise.all([call(path), fetchPicture(cropOf(faceId))]);
    const { matches } = await call(`${path}/similar?k=${MATCHES}`);
    if (turn !== latest) return;
    showPhoto(blob, { alt: `Face of ${face.person}` });
    byId("photo-caption").textContent = `${face.person}, from the gallery`;
    const shown = async () => element("img", { src: photoImage().src, alt: "" });
    finish(matches, { unknown: null, actions: (match) => [compareButton(match, shown, face.person)] });
  } catch (error) {
    if (turn === latest) complain(kindWords(error));
  }
}

function startOver() {
  latest += 1;
  asked = null;
  say("");
  byId("results").hidden = true;
  hidePhoto();
  byId("view-search").dataset.state = "idle";
  showStarters();
}

function begin(kind) {
  asked = kind;
  const view = byId("view-search");
  view.dataset.state = "busy";
  byId("starters").hidden = true;
  byId("results").hidden = false;
  byId("results").setAttribute("aria-busy", "true");
  byId("verdict").hidden = true;
  byId("results-hint").textContent = "";
  const waiting = () => element("li", { class: "waiting", "aria-hidden": "true" }, element("span"), element("span"), element("span"));
  byId("matches").replaceChildren(...Array.from({ length: 6 }, waiting));
  say("Looking …");
  return ++latest;
}

function showAnswer(answer, file) {
  shapeFrame(answer.image.width, answer.image.height);
  const many = answer.faces.length > 1;
  byId("photo-caption").textContent = many ? `${answer.faces.length} faces: choose one` : "One face";
  const choose = (place) => {
    markBox(place);
    const face = answer.faces[place];
    showAdvice(face.quality?.advice || []);
    const margin = info()?.encoder.input.crop_margin ?? 0;
    const cut = () => cutFace(face.box, margin, COMPARED_PX);
    finish(face.matches, {
      unknown: face.unknown,
      actions: (match) => [
        compareButton(match, cut, "Your photo"),
        whyButton(match, { photo: file, face, faces: answer.faces.length }),
      ],
    });
  };
  showBoxes(answer, choose);
  choose(0);
  byId("results-title").focus({ preventScroll: true });
}

function finish(matches, { unknown, actions }) {
  say("");
  byId("view-search").dataset.state = "done";
  byId("results").removeAttribute("aria-busy");
  byId("verdict").hidden = !(unknown && matches.length);
  byId("verdict").textContent = "Nobody in the gallery is a likely match. These are only the closest.";
  byId("results-hint").textContent = likenessHint(matches);
  byId("matches").replaceChildren(...matches.map((match) => matchCard(match, actions(match))));
  if (!matches.length) byId("results-hint").append(...emptyWords());
}

function emptyWords() {
  return ["There is nobody else in the gallery yet. ", element("a", { href: "#add" }, "Add people"), " and try again."];
}

function matchCard(match, actions) {
  const image = picture(match.crop);
  const name = element("p", { class: "name", dir: "auto" });
  name.textContent = match.person;
  const link = element("a", { href: `#people/${encodeURIComponent(match.person)}`, class: "facts" });
  link.textContent = count(match.faces_of_person, "photo", "photos");
  link.setAttribute("aria-label", `${match.person}: ${link.textContent}`);
  const number = element("span", { title: "Cosine of the two embeddings, −1 to 1" }, `similarity ${similarityNumber(match)}`);
  const facts = element("p", { class: "facts" }, number, " · ", link);
  return element("li", {}, image, name, ...likeness(match), facts, element("p", { class: "actions" }, ...actions));
}

function compareButton(match, probe, probeName) {
  return button("Compare", () => compare({ match, probe, probeName }), { class: "link", "aria-label": `Compare with ${match.person}` });
}

function whyButton(match, { photo, face, faces }) {
  return button("Why?", () => explain({ photo, face, faces, match }), { class: "link", "aria-label": `Why ${match.person}?` });
}

function say(text) {
  byId("status").textContent = text;
  byId("error").textContent = "";
}

function complain(text) {
  say("");
  byId("error").textContent = text;
  byId("results").hidden = true;
  byId("results").removeAttribute("aria-busy");
  byId("matches").replaceChildren();
  byId("view-search").dataset.state = "failed";
  if (photoImage().hidden || !photoImage().src) hidePhoto(); // what cannot be shown is best forgotten
}

// ---- somebody to start from, while no photo is chosen

async function showStarters() {
  if (byId("view-search").dataset.state !== "idle") return;
  try {
    const { items } = await call(inCollection("people", { limit: STARTERS }), { quiet: true });
    const faces = items.filter((person) => person.face_id);
    byId("starter-faces").replaceChildren(...faces.map(starter));
    byId("starters").hidden = faces.length < 2 || byId("view-search").dataset.state !== "idle";
  } catch {
    byId("starters").hidden = true; // the header says what is wrong
  }
}

function starter(person) {
  const link = element("a", { href: `#like/${encodeURIComponent(person.face_id)}` }, picture(cropOf(person.face_id)));
  link.setAttribute("aria-label", `Who looks like ${person.person}?`);
  link.title = person.person;
  return element("li", {}, link);
}

// ---- wiring

const imageIn = (transfer) => [...(transfer?.files || [])].find((file) => !file.type || file.type.startsWith("image/")) || transfer?.files?.[0];

function toSearch(file) {
  if (location.hash !== "#search") location.hash = "#search";
  searchPhoto(file);
}

export function wireSearch() {
  byId("photo").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) toSearch(file);
    event.target.value = ""; // so that the same file can be chosen again
  });
  const view = byId("view-search");
  for (const name of ["dragover", "dragleave", "drop"]) {
    view.addEventListener(name, (event) => {
      event.preventDefault();
      view.classList.toggle("over", name === "dragover");
      const file = imageIn(event.dataTransfer);
      if (name === "drop" && file) toSearch(file);
    });
  }
  document.addEventListener("paste", (event) => {
    const file = imageIn(event.clipboardData);
    if (!file || event.target.closest?.("input, textarea, dialog")) return;
    event.preventDefault();
    toSearch(file);
  });
  for (const id of ["camera-open", "camera-again"]) byId(id).addEventListener("click", () => openCamera(toSearch));
  for (const name of ["sizes", "gallery"]) document.addEventListener(name, showStarters);
}
