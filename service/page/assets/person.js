// One person: all faces, and what can be done with them and with the person.
//
// Renaming to a name that is there merges the two; that is said before it happens.

import { call, cropOf, picture } from "./api.js";
import { askName, askYes, personCalled } from "./asking.js";
import { byId, button, count, element, kindWords } from "./common.js";
import { changed, inCollection } from "./gallery.js";

const PAGE = 60;

let turn = 0;

export async function showPerson(name) {
  const mine = ++turn;
  const page = byId("person-page");
  const heading = element("h1", { tabindex: "-1", dir: "auto" });
  heading.textContent = name;
  const facts = element("p", { class: "hint", role: "status" }, "Looking …");
  const tools = element("p", { class: "actions" });
  const grid = element("ul", { class: "people-grid faces-grid" });
  const trouble = element("p", { class: "notice error", role: "alert" });
  const more = button("Show more photos", () => load(), { hidden: "" });
  const head = element("div", { class: "view-head" }, element("div", {}, heading, facts), tools);
  page.replaceChildren(element("a", { class: "back", href: "#people" }, "← All people"), head, trouble, grid, element("p", { class: "more" }, more));
  heading.focus({ preventScroll: true });

  let cursor = null;
  async function load() {
    try {
      const answer = await call(inCollection("gallery", { person: name, limit: PAGE, cursor }));
      if (mine !== turn) return;
      cursor = answer.next_cursor;
      more.hidden = !cursor;
      grid.append(...answer.items.map((face) => faceCard(face, answer.total)));
      facts.textContent = answer.total ? count(answer.total, "photo", "photos") : "There is nobody of this name in the gallery.";
      if (answer.total && !tools.childElementCount) tools.append(...personTools(answer.items[0], answer.total));
    } catch (error) {
      if (mine !== turn) return;
      facts.textContent = "";
      trouble.textContent = kindWords(error);
    }
  }
  await load();
}

// ---- the person

function personTools(face, faces) {
  const person = { person_id: face.person_id, person: face.person, faces };
  return [
    button("Rename", () => rename(person)),
    button("Merge with …", () => merge(person)),
    button("Erase", () => erasePerson(person, face), { class: "danger-quiet" }),
  ];
}

const personPath = (person) => `people/${encodeURIComponent(person.person_id)}`;

async function goTo(name) {
  changed();
  const hash = `#people/${encodeURIComponent(name)}`;
  if (location.hash === hash) await showPerson(name);
  else location.hash = hash;
}

// What giving `person` this name would do.
async function effect(person, name) {
  const namesake = await personCalled(name);
  if (namesake?.person_id === person.person_id) return { text: name === person.person ? "" : "That is the same name.", allowed: false };
  if (!namesake) return { text: "", allowed: true };
  const both = count(person.faces + namesake.faces, "photo", "photos");
  return {
    text: `There is somebody called ${namesake.person} already. The two become one person with ${both}. That cannot be taken back at once.`,
    action: "Make them one",
    allowed: true,
    merges: true,
  };
}

async function rename(person) {
  let name = person.person;
  const done = await askName({
    title: `Rename ${person.person}`,
    label: "New name",
    value: person.person,
    action: "Rename",
    check: (wanted) => effect(person, wanted),
    act: async (wanted) => { name = (await call(personPath(person), { method: "PATCH", json: { person: wanted } })).person; },
  });
  if (done) goTo(name);
}

async function merge(person) {
  let name = person.person;
  const done = await askName({
    title: `Merge ${person.person} with somebody`,
    label: "Whose photos are these, too?",
    action: "Make them one",
    check: async (wanted) => {
      const found = await effect(person, wanted);
      return found.merges ? found : { text: found.text || "There is nobody of this name.", allowed: false };
    },
    act: async (wanted) => { name = (await call(personPath(person), { method: "PATCH", json: { person: wanted } })).person; },
  });
  if (done) goTo(name);
}

async function erasePerson(person, face) {
  const photos = person.faces === 1 ? "The one photo" : `All ${person.faces} photos`;
  const done = await askYes({
    title: `Erase ${person.person}?`,
    text: `${photos} of ${person.person} and everything computed from them are erased for good. No answer shows them from then on.`,
    action: "Erase",
    pictures: [picture(cropOf(face.face_id))],
    act: () => call(personPath(person), { method: "DELETE" }),
  });
  if (!done) return;
  changed();
  location.hash = "#people";
}

// ---- one face

function faceCard(face, faces) {
  const name = element("span", { class: "facts source", dir: "auto", title: face.source_name });
  name.textContent = face.source_name;
  const added = element("span", { class: "facts" }, `added ${new Date(face.created_at).toLocaleDateString("en", { dateStyle: "medium" })}`);
  const of = `${face.source_name}`;
  const similar = element("a", { class: "link", href: `#like/${encodeURIComponent(face.face_id)}`, "aria-label": `More like this: ${of}` }, "More like this");
  const actions = element(
    "p", { class: "actions" },
    similar,
    button("Move", () => move(face), { class: "link", "aria-label": `Move ${of}` }),
    button("Erase", () => eraseFace(face, faces), { class: "link danger", "aria-label": `Erase ${of}` }),
  );
  return element("li", { class: "card" }, picture(cropOf(face.face_id), { alt: `Face in ${face.source_name}` }), name, added, actions);
}

const facePath = (face) => `gallery/${encodeURIComponent(face.face_id)}`;

async function move(face) {
  const done = await askName({
    title: "Move this photo to somebody else",
    label: "Whose photo is it?",
    action: "Move",
    check: async (wanted) => {
      const owner = await personCalled(wanted);
      if (owner?.person_id === face.person_id) return { text: `It is with ${owner.person} already.`, allowed: false };
      const text = owner ? `It goes to ${owner.person}, who has ${count(owner.faces, "photo", "photos")}.` : "Nobody is called that yet: somebody new is made of this photo.";
      return { text, allowed: true };
    },
    act: (wanted) => call(facePath(face), { method: "PATCH", json: { person: wanted } }),
  });
  if (done) afterFace(face);
}

async function eraseFace(face, faces) {
  const last = faces === 1 ? ` It is the last one of ${face.person}, who is gone with it.` : "";
  const done = await askYes({
    title: "Erase this photo?",
    text: `The face and everything computed from it are erased for good.${last}`,
    action: "Erase",
    pictures: [picture(cropOf(face.face_id))],
    act: () => call(facePath(face), { method: "DELETE" }),
  });
  if (done) afterFace(face);
}

async function afterFace(face) {
  changed();
  if (!(await personCalled(face.person))) location.hash = "#people";
}
