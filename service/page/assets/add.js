// Adding people: photos wait in a list, each is sent by itself with a bar of its own.
//
//   files -> Upload (waiting) -> two at a time to POST /gallery -> added, known, turned down or failed

import { call } from "./api.js";
import { byId, count, kindWords } from "./common.js";
import { chosenFiles, droppedFiles } from "./files.js";
import { changed, collection, inCollection, info } from "./gallery.js";
import { Upload } from "./upload.js";

const AT_ONCE = 2;
const SUGGESTED = 30;

export const add = { title: "Add people", open: () => suggest() };

let uploads = [];
let busy = false;

function take(files) {
  const limit = info()?.limits.max_bytes;
  for (const { file, folder } of files) {
    const upload = new Upload(file, folder, { limit, onChange: tell, onRemove: remove });
    uploads.push(upload);
    byId("uploads").append(upload.node);
  }
  byId("add-outcome").textContent = "";
  tell();
}

function remove(upload) {
  uploads = uploads.filter((one) => one !== upload);
  upload.node.remove();
  byId("images").focus();
  tell();
}

const waiting = () => uploads.filter((upload) => upload.state === "waiting");

function tell() {
  const left = waiting().length;
  const go = byId("add-go");
  go.disabled = busy || !left;
  go.textContent = left ? `Add ${count(left, "photo", "photos")}` : "Add";
  byId("add-clear").hidden = busy || !uploads.length;
}

// ---- sending

async function submit(event) {
  event.preventDefault();
  byId("add-error").textContent = "";
  const name = byId("person").value.trim();
  if (waiting().some((upload) => !name && !upload.folder)) {
    byId("add-error").textContent = "Say whose photos these are.";
    byId("person").setAttribute("aria-invalid", "true");
    byId("person").focus();
    return;
  }
  byId("person").removeAttribute("aria-invalid");
  const sent = waiting();
  for (const upload of sent) upload.person = name || upload.folder;
  await sendAll(fields());
  changed();
  byId("add-outcome").textContent = summary(sent);
}

function fields() {
  const expires = byId("expires").value;
  return {
    consent_reference: byId("consent").value.trim(),
    expires_at: expires ? new Date(`${expires}T00:00:00`).toISOString() : "",
    faces: byId("single").checked ? "single" : "",
    collection: collection() === "default" ? "" : collection(),
  };
}

// Whatever waits is sent, a retry that comes meanwhile, too.
async function sendAll(more) {
  busy = true;
  tell();
  const worker = async () => {
    for (let next = waiting()[0]; next; next = waiting()[0]) {
      await next.send(more);
      const done = uploads.filter((upload) => upload.settled).length;
      byId("add-outcome").textContent = `${done} of ${uploads.length} done`;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  busy = false;
  tell();
}

function summary(sent) {
  const of = (state) => sent.filter((upload) => upload.state === state).length;
  const parts = [];
  if (of("added")) parts.push(`${count(of("added"), "photo", "photos")} added`);
  if (of("known")) parts.push(`${count(of("known"), "photo was", "photos were")} there already`);
  const lost = of("rejected") + of("failed");
  if (lost) parts.push(`${count(lost, "photo", "photos")} could not be added`);
  if (of("cancelled")) parts.push(`${of("cancelled")} cancelled`);
  const people = new Set(sent.map((upload) => upload.person));
  const who = people.size === 1 ? [...people][0] : count(people.size, "person", "people");
  return `${who}: ${parts.join(", ")}.`;
}

async function suggest() {
  try {
    const q = byId("person").value.trim();
    const { items } = await call(inCollection("people", { q, limit: SUGGESTED }), { quiet: true });
    byId("known-people").replaceChildren(...items.map((person) => new Option("", person.person)));
  } catch (error) {
    kindWords(error); // suggestions are a help, no more; a fault of ours still shows
  }
}

// ---- wiring

export function wireAdd() {
  const takeFrom = (event) => {
    take(chosenFiles(event.target.files));
    event.target.value = "";
  };
  byId("images").addEventListener("change", takeFrom);
  byId("folder").addEventListener("change", takeFrom);
  byId("folder-open").addEventListener("click", () => byId("folder").click());
  byId("add-form").addEventListener("submit", submit);
  byId("person").addEventListener("change", suggest);
  byId("add-clear").addEventListener("click", () => {
    for (const upload of uploads) upload.node.remove();
    uploads = [];
    byId("add-outcome").textContent = "";
    tell();
    byId("images").focus();
  });
  const view = byId("view-add");
  for (const name of ["dragover", "dragleave", "drop"]) {
    view.addEventListener(name, async (event) => {
      event.preventDefault();
      view.classList.toggle("over", name === "dragover");
      if (name === "drop") take(await droppedFiles(event.dataTransfer));
    });
  }
  document.addEventListener("upload-retried", async () => {
    if (busy) return;
    await sendAll(fields());
    changed();
    byId("add-outcome").textContent = summary(uploads);
  });
}
