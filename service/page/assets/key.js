// The API key, for services that ask for one.
//
// It is kept in sessionStorage: a key there lives as long as the tab and is seen by no other tab, so a
// borrowed computer does not keep it. localStorage would keep it for good, a cookie would be sent by
// other pages' requests, too.

import { byId } from "./common.js";

const PLACE = "lookalike-key";

let key = stored();
let asking = null; // one dialog, however many requests were refused

function stored() {
  try {
    return sessionStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

export const authorisation = () => (key ? { Authorization: `Bearer ${key}` } : {});

// Opens the dialog, saying why. Gives whether a key was entered.
export function askForKey(why = "") {
  asking ??= new Promise((resolve) => open(why, resolve)).finally(() => { asking = null; });
  return asking;
}

function open(why, resolve) {
  const dialog = byId("key");
  byId("key-says").textContent = why;
  byId("key-value").value = "";
  byId("key-forget").hidden = !key;
  let entered = false;
  byId("key-form").onsubmit = (event) => {
    event.preventDefault();
    const value = byId("key-value").value.trim();
    if (!/^[\x21-\x7e]+$/.test(value)) {
      byId("key-says").textContent = "A key is one word of letters, digits and signs.";
      return;
    }
    entered = true;
    keep(value);
    dialog.close();
  };
  byId("key-forget").onclick = () => { keep(null); dialog.close(); };
  byId("key-cancel").onclick = () => dialog.close();
  dialog.addEventListener("close", () => resolve(entered), { once: true });
  dialog.showModal();
  byId("key-value").focus();
}

function keep(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(PLACE, value);
    else sessionStorage.removeItem(PLACE);
  } catch {
    // it holds until the page is loaded again
  }
  showState();
  document.dispatchEvent(new Event("key"));
}

function showState() {
  byId("key-button").classList.toggle("on", Boolean(key));
  byId("key-button").setAttribute("aria-label", key ? "API key: entered" : "API key");
}

export function wireKey() {
  byId("key-button").addEventListener("click", () => askForKey());
  showState();
}
