// Small dialogs that ask before something happens: for a name, or for a yes.
//
// Both call `act` on the answer and stay open with the problem's words if it fails. They give whether
// it was done.

import { call } from "./api.js";
import { button, element, kindWords } from "./common.js";
import { inCollection } from "./gallery.js";

const SUGGESTED = 20;
const PAUSE_MS = 250;

// Asks for a yes. `pictures` are shown above the words.
export function askYes({ title, text, action, pictures = [], act }) {
  const words = element("p", { class: "sheet-says" }, text);
  const strip = element("div", { class: "sheet-pictures" }, ...pictures);
  return ask({ title, body: pictures.length ? [strip, words] : [words], action, danger: true, act });
}

// Asks for a name. `check(name)` gives {text, action, allowed}: what is said beside the field before it happens.
export function askName({ title, label, value = "", action, check, act }) {
  const list = element("datalist", { id: "ask-names" });
  const input = element("input", { id: "ask-name", type: "text", maxlength: "200", autocomplete: "off", list: "ask-names", required: "" });
  input.value = value;
  const note = element("p", { class: "sheet-says", role: "status" });
  const field = element("div", { class: "field" }, element("label", { for: "ask-name" }, label), input, list);
  let turn = 0;
  const look = async (go) => {
    const mine = ++turn;
    const name = input.value.trim();
    const found = name ? await check(name) : { text: "", action, allowed: false };
    if (mine !== turn) return;
    note.textContent = found.text;
    go.textContent = found.action || action;
    go.disabled = !found.allowed;
    const names = await suggestions(name);
    if (mine === turn) list.replaceChildren(...names.map((one) => element("option", { value: one })));
  };
  let waiting = null;
  const watch = (go) => {
    go.disabled = true;
    input.addEventListener("input", () => {
      go.disabled = true; // until it is known what the name would do
      clearTimeout(waiting);
      waiting = setTimeout(() => look(go), PAUSE_MS);
    });
    look(go);
    input.select();
  };
  return ask({ title, body: [field, note], action, watch, act: () => act(input.value.trim()) });
}

// The person of this name in the collection, as {person_id, person, faces}, or null. The service
// compares names in its own way (spaces, letters with marks), so it is asked by name.
export async function personCalled(name) {
  try {
    const { items, total } = await call(inCollection("gallery", { person: name, limit: 1 }));
    return total ? { person_id: items[0].person_id, person: items[0].person, faces: total } : null;
  } catch (error) {
    if (error.slug === "validation") return null; // no name that anybody could have
    throw error;
  }
}

async function suggestions(prefix) {
  try {
    const { items } = await call(inCollection("people", { q: prefix, limit: SUGGESTED }), { quiet: true });
    return items.map((person) => person.person);
  } catch {
    return []; // they are a help, no more
  }
}

function ask({ title, body, action, danger = false, watch, act }) {
  return new Promise((resolve) => {
    let done = false;
    const heading = element("h2", { id: "ask-title", dir: "auto" }, title);
    const trouble = element("p", { class: "notice error", role: "alert" });
    const go = element("button", { type: "submit", class: danger ? "button danger" : "button primary" }, action);
    const form = element("form", {}, heading, ...body, trouble);
    const dialog = element("dialog", { class: "sheet", "aria-labelledby": "ask-title" }, form);
    form.append(element("p", { class: "actions" }, button("Cancel", () => dialog.close()), go));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      trouble.textContent = "";
      try {
        await act();
        done = true;
        dialog.close();
      } catch (error) {
        trouble.textContent = kindWords(error);
        go.disabled = false;
      }
    });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(done); });
    document.body.append(dialog);
    dialog.showModal();
    watch?.(go);
  });
}
