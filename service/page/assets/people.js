// The people of the gallery: by name, page by page, found by the beginning of a name.
//
//   #people -> showPeople() · #people/NAME -> person.js

import { call, cropOf, picture } from "./api.js";
import { byId, count, element, kindWords } from "./common.js";
import { inCollection } from "./gallery.js";
import { showPerson } from "./person.js";

const PAGE = 48;
const PAUSE_MS = 250;

let cursor = null;
let turn = 0;
let shown = null; // the name of the person that is shown, "" for the list

export const people = { title: "People", open };

function open(name) {
  shown = name;
  byId("people-list").hidden = Boolean(name);
  byId("person-page").hidden = !name;
  if (name) showPerson(name);
  else showPeople();
}

async function showPeople({ more = false } = {}) {
  const mine = ++turn;
  const q = byId("people-q").value.trim();
  byId("people-error").textContent = "";
  try {
    const page = await call(inCollection("people", { q, limit: PAGE, cursor: more ? cursor : null }));
    if (mine !== turn) return;
    cursor = page.next_cursor;
    const cards = page.items.map(personCard);
    if (more) byId("people").append(...cards);
    else byId("people").replaceChildren(...cards);
    byId("people-more").hidden = !cursor;
    tellCount(page.total, q);
    if (more) cards[0]?.querySelector("a").focus();
  } catch (error) {
    if (mine === turn) byId("people-error").textContent = kindWords(error);
  }
}

function tellCount(total, q) {
  const words = byId("people-count");
  if (total) words.textContent = q ? `${count(total, "person", "people")} whose name begins with “${q}”` : count(total, "person", "people");
  else if (q) words.textContent = `Nobody's name begins with “${q}”.`;
  else words.replaceChildren("Nobody is here yet. ", element("a", { href: "#add" }, "Add people"), " to begin.");
}

function personCard(person) {
  const image = person.face_id ? picture(cropOf(person.face_id)) : element("span", { class: "missing" });
  const name = element("span", { class: "name", dir: "auto" });
  name.textContent = person.person;
  const facts = element("span", { class: "facts" }, count(person.faces, "photo", "photos"));
  return element("li", {}, element("a", { href: `#people/${encodeURIComponent(person.person)}`, class: "card" }, image, name, facts));
}

export function wirePeople() {
  let waiting = null;
  byId("people-q").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(showPeople, PAUSE_MS);
  });
  byId("people-more").addEventListener("click", () => showPeople({ more: true }));
  document.addEventListener("gallery", () => shown !== null && !byId("view-people").hidden && open(shown));
  document.addEventListener("collection", () => { if (shown && !byId("view-people").hidden) location.hash = "#people"; });
}
