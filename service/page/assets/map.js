// The map of the gallery: GET /map page by page, drawn by map-canvas.js.
//
// Beside the canvas stands what a screen reader can use: a list of the people in view.

import { call, cropOf, picture } from "./api.js";
import { byId, count, element, kindWords } from "./common.js";
import { inCollection } from "./gallery.js";
import { MapCanvas } from "./map-canvas.js";

const PAGE = 10_000;
const MOST = 100_000; // points that are drawn; beyond it a browser is no longer quick
const LISTED = 60;

let turn = 0;
let canvas = null;

export const map = { title: "Map", open };

async function open() {
  const mine = ++turn;
  byId("map-error").textContent = "";
  if (!canvas.points.length) byId("map-says").textContent = "Looking …";
  try {
    const points = [];
    let cursor = null;
    let page;
    do {
      page = await call(inCollection("map", { limit: PAGE, cursor }));
      if (mine !== turn) return;
      points.push(...pointsOf(page));
      cursor = page.next_cursor;
    } while (cursor && points.length < MOST);
    show(points, page);
  } catch (error) {
    if (mine !== turn) return;
    byId("map-says").textContent = "";
    byId("map-error").textContent = kindWords(error);
  }
}

function pointsOf({ people, points }) {
  return points.face_id.map((faceId, place) => ({
    faceId,
    personId: people[points.person[place]].person_id,
    person: people[points.person[place]].person,
    x: points.x[place],
    y: points.y[place],
  }));
}

function show(points, { total, missing }) {
  const drawn = points.length > 0;
  for (const id of ["map", "map-tools", "map-help", "map-list"]) byId(id).hidden = !drawn;
  byId("map-empty").hidden = drawn;
  const says = drawn ? [count(points.length, "face", "faces")] : [];
  if (points.length < total) says.push(`of ${total.toLocaleString("en")}`);
  if (drawn && missing) says.push(`· ${missing.toLocaleString("en")} added since it was drawn ${missing === 1 ? "is" : "are"} not on it yet`);
  byId("map-says").textContent = says.join(" ");
  byId("map-card").hidden = true;
  canvas.show(points);
}

function listPeople(inView) {
  const people = new Map();
  for (const point of inView) people.set(point.personId, { name: point.person, faces: (people.get(point.personId)?.faces || 0) + 1 });
  const some = [...people.values()].sort((one, other) => one.name.localeCompare(other.name)).slice(0, LISTED);
  const items = some.map(({ name, faces }) => {
    const link = element("a", { href: `#people/${encodeURIComponent(name)}`, dir: "auto" });
    link.textContent = name;
    return element("li", {}, link, ` ${faces}`);
  });
  if (people.size > LISTED) items.push(element("li", {}, `and ${people.size - LISTED} more: zoom in`));
  byId("map-people").replaceChildren(...items);
}

function hover(point, x, y) {
  const tip = byId("map-tip");
  tip.hidden = !point;
  if (!point) return;
  tip.textContent = point.person;
  tip.style.left = `${x}px`;
  tip.style.top = `${y}px`;
}

function pick(point) {
  const card = byId("map-card");
  card.hidden = !point;
  if (!point) return;
  const name = element("p", { class: "name", dir: "auto" });
  name.textContent = point.person;
  const like = element("a", { class: "link", href: `#like/${encodeURIComponent(point.faceId)}` }, "More like this");
  const person = element("a", { class: "link", href: `#people/${encodeURIComponent(point.person)}` }, "All photos");
  card.replaceChildren(picture(cropOf(point.faceId)), name, element("p", { class: "actions" }, like, person));
}

export function wireMap() {
  canvas = new MapCanvas(byId("map-canvas"), { onView: listPeople, onHover: hover, onPick: pick });
  byId("map-in").addEventListener("click", () => canvas.zoom(1.5));
  byId("map-out").addEventListener("click", () => canvas.zoom(1 / 1.5));
  byId("map-whole").addEventListener("click", () => canvas.whole());
  for (const name of ["gallery", "theme"]) {
    document.addEventListener(name, () => { if (!byId("view-map").hidden) (name === "theme" ? canvas.draw() : open()); });
  }
}
