// Two faces side by side: the probe's crop lies over the match's, and a slider uncovers one or the other.

import { picture } from "./api.js";
import { byId, element } from "./common.js";
import { likenessWords, similarityNumber } from "./likeness.js";

// `probe()` gives a canvas or image of the probe's face.
export async function compare({ match, probe, probeName }) {
  byId("compare-title").textContent = `Compare with ${match.person}`;
  const words = likenessWords(match);
  byId("compare-says").textContent = `${words ? `${words}. ` : ""}Similarity ${similarityNumber(match)}.`;
  byId("compare-left").textContent = probeName;
  byId("compare-right").textContent = match.person;
  byId("compare-match").replaceChildren(picture(match.crop));
  byId("compare-probe").replaceChildren();
  byId("compare-range").value = 50;
  byId("compare-range").setAttribute("aria-label", `How much of ${probeName === "Your photo" ? "your photo" : probeName} is shown`);
  slide();
  byId("compare").showModal();
  byId("compare-range").focus();
  try {
    byId("compare-probe").replaceChildren(await probe());
  } catch {
    byId("compare-probe").replaceChildren(element("p", { class: "hint" }, "This browser cannot show your photo's format."));
  }
}

function slide() {
  const value = Number(byId("compare-range").value);
  byId("compare-probe").style.clipPath = `inset(0 ${100 - value}% 0 0)`;
  byId("slider").querySelector(".slider-line").style.left = `${value}%`;
  byId("compare-range").setAttribute("aria-valuetext", `${value} percent`);
}

export function wireCompare() {
  byId("compare-range").addEventListener("input", slide);
}
