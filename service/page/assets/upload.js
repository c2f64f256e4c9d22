// One photo on its way into the gallery: its row in the list, its bar, and what became of it.
//
//   waiting -> sending -> added | known | rejected | failed | cancelled;  retry: back to waiting

import { send } from "./api.js";
import { button, element, fileSize, kindWords, showMissing, slugOf, wordsFor } from "./common.js";

const PATIENCE = 4; // times that a busy service is asked again
const PAUSE_MS = 1000;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Upload {
  constructor(file, folder, { limit, onChange, onRemove }) {
    this.file = file;
    this.folder = folder;
    this.person = folder;
    this.state = "waiting";
    this.idempotencyKey = freshKey(); // the same request again enrols nothing twice
    this.onChange = onChange;
    this.onRemove = onRemove;
    this.makeNode();
    if (limit && file.size > limit) this.end("rejected", `This photo is too large: ${fileSize(file.size)}, where ${fileSize(limit)} are allowed.`);
  }

  get settled() {
    return !["waiting", "sending"].includes(this.state);
  }

  makeNode() {
    const url = URL.createObjectURL(this.file);
    const image = element("img", { alt: "", width: "56", height: "56", src: url });
    for (const name of ["load", "error"]) image.addEventListener(name, () => URL.revokeObjectURL(url));
    image.addEventListener("error", () => showMissing(image));
    const name = element("span", { class: "file-name", dir: "auto" });
    name.textContent = this.file.name;
    const size = element("span", { class: "facts" }, this.folder ? `${this.folder} · ${fileSize(this.file.size)}` : fileSize(this.file.size));
    this.bar = element("progress", { max: "1", value: "0", "aria-label": `${this.file.name}: sent` });
    this.words = element("span", { class: "upload-words" }, "Waiting");
    this.tools = element("span", { class: "actions" });
    this.node = element("li", { class: "upload" }, image, element("span", { class: "file" }, name, size), element("span", { class: "course" }, this.bar, this.words), this.tools);
    this.show("waiting", "Waiting");
  }

  show(state, words) {
    this.state = state;
    this.node.dataset.state = state;
    this.words.textContent = words;
    const tool = (label, onClick) => button(label, onClick, { class: "link", "aria-label": `${label} ${this.file.name}` });
    const tools = [];
    if (state === "sending") tools.push(tool("Cancel", () => this.stopper.abort()));
    if (["failed", "cancelled", "rejected"].includes(state)) tools.push(tool("Retry", () => this.retry()));
    if (state !== "sending") tools.push(tool("Remove", () => this.onRemove(this)));
    this.tools.replaceChildren(...tools);
  }

  end(state, words) {
    this.bar.value = 1;
    this.show(state, words);
  }

  async send(fields) {
    this.stopper = new AbortController();
    this.bar.value = 0;
    this.show("sending", "Sending");
    try {
      const { answer, status } = await this.patiently(fields);
      const [face] = answer.enrolled;
      if (face) this.end(face.duplicate || status === 200 ? "known" : "added", face.duplicate ? `${face.person} has this photo already` : `Added to ${face.person}`);
      else this.turnDown(answer.rejected);
    } catch (error) {
      if (error.name === "AbortError") this.end("cancelled", "Cancelled");
      else if (error.problem?.rejected) this.turnDown(error.problem.rejected);
      else this.end("failed", kindWords(error));
    } finally {
      this.onChange();
    }
  }

  async patiently(fields) {
    for (let times = 1; ; times += 1) {
      try {
        return await send("gallery", this.form(fields), {
          headers: { "Idempotency-Key": this.idempotencyKey },
          signal: this.stopper.signal,
          onProgress: (share) => {
            this.bar.value = share;
            this.words.textContent = share < 1 ? `${Math.round(100 * share)} %` : "Looking for the face …";
          },
        });
      } catch (error) {
        const busy = ["overloaded", "rate-limited", "not-ready"].includes(error.slug);
        if (!busy || times === PATIENCE) throw error;
        this.words.textContent = "The service is busy; trying again …";
        await pause(Math.max(PAUSE_MS * times, 1000 * error.retryAfterSeconds));
        if (this.stopper.signal.aborted) throw new DOMException("cancelled", "AbortError");
      }
    }
  }

  form(fields) {
    const form = new FormData();
    form.append("person", this.person);
    for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
    form.append("images", this.file);
    return form;
  }

  turnDown([photo]) {
    this.end("rejected", photo ? wordsFor(slugOf(photo.type), photo.detail) : "It was turned down.");
  }

  retry() {
    this.idempotencyKey = freshKey(); // another attempt, perhaps under another name
    this.bar.value = 0;
    this.show("waiting", "Waiting");
    this.onChange();
    document.dispatchEvent(new Event("upload-retried"));
  }
}
