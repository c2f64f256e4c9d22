// "Why alike?": the chosen face and an enrolled one go to POST /explain; what comes back is drawn.
//
//   chosen face -> whole photo, or its part around that face -> explain() -> pictures, parts, remarks

import { call } from "./api.js";
import { byId, element, kindWords } from "./common.js";
import { cutFace } from "./photo.js";

const AROUND = 0.6; // of the box's side on each side: enough to find the face again
const SHOWN = 0.05; // parts with smaller shares are left out

let turn = 0;

// Opens the dialog. `photo` is the file, `face` the chosen face of so many `faces`, `match` whom it is
// compared with.
export async function explain({ photo, face, faces, match }) {
  const mine = ++turn;
  const dialog = byId("why");
  byId("why-title").textContent = `Why ${match.person}?`;
  byId("why-outcome").replaceChildren();
  byId("why-says").textContent = "Looking at every part of both faces …";
  if (!dialog.open) dialog.showModal();
  try {
    const form = new FormData();
    form.append("image_a", faces > 1 ? await around(face.box) : photo);
    form.append("face_id", match.face_id);
    const answer = await call("explain", { method: "POST", body: form });
    if (mine === turn) show(answer, match);
  } catch (error) {
    if (mine === turn) byId("why-says").textContent = kindWords(error);
  }
}

// The part of the photo around one face, since the service explains the largest it finds.
async function around(box) {
  const canvas = await cutFace(box, AROUND);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function show(answer, match) {
  byId("why-says").textContent = summary(answer);
  const names = ["Your photo", match.person];
  const pictures = answer.pictures.map((drawn, place) => portrait(drawn, names[place]));
  const parts = answer.regions.filter((part) => Math.max(part.alike, part.different) >= SHOWN);
  byId("why-outcome").replaceChildren(
    element("div", { class: "why-faces" }, ...pictures),
    switches(),
    element("ul", { class: "why-parts" }, ...parts.map(partRow)),
    element("ul", { class: "why-remarks" }, ...answer.remarks.map((text) => element("li", {}, text))),
  );
}

function summary(answer) {
  const most = (kind) => answer.regions.reduce((best, part) => (part[kind] > best[kind] ? part : best));
  const alike = most("alike");
  const different = most("different");
  const says = [];
  if (alike.alike > 0) says.push(`Most alike: the ${alike.name}.`);
  if (different.different > 0) says.push(`Most different: the ${different.name}.`);
  return says.join(" ") || "No single part decides: the likeness lies in the whole face.";
}

function portrait(drawn, name) {
  const frame = element(
    "div", { class: "why-frame" },
    element("img", { src: drawn.picture, alt: "", width: "256", height: "256" }),
    element("img", { src: drawn.alike, alt: "", class: "layer alike" }),
    element("img", { src: drawn.different, alt: "", class: "layer different" }),
  );
  const caption = element("figcaption", { dir: "auto" });
  caption.textContent = name;
  return element("figure", {}, frame, caption);
}

function switches() {
  const choices = [["alike", "Alike"], ["different", "Different"], ["none", "Neither"]];
  const group = element("fieldset", { class: "why-switch" }, element("legend", { class: "quiet" }, "Show where they are"));
  for (const [value, label] of choices) {
    const input = element("input", { type: "radio", name: "layer", value, id: `layer-${value}` });
    input.checked = value === "alike";
    input.addEventListener("change", () => { byId("why").dataset.layer = value; });
    group.append(input, element("label", { for: `layer-${value}`, class: `button ${value}` }, label));
  }
  byId("why").dataset.layer = "alike";
  return group;
}

function partRow(part) {
  const bar = (kind) => {
    const percent = Math.round(100 * part[kind]);
    const meter = element("span", {
      class: `meter ${kind}`, role: "meter", "aria-label": `${part.name}: ${kind}`,
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(percent),
    }, element("span"));
    meter.firstChild.style.width = `${percent}%`;
    return meter;
  };
  return element("li", {}, element("span", {}, part.name), bar("alike"), bar("different"));
}
