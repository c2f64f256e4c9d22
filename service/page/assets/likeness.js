// Similarity as something one understands: words, a percentage where the service gives one, a bar.

import { element } from "./common.js";

// Same-person probability from which words hold. It starts from "as likely as not" and is for two
// photos; among many people some strangers reach 0.9, so only the last step speaks of one person.
const BY_PROBABILITY = [
  [0.97, "Very likely the same person"],
  [0.75, "Looks very much alike"],
  [0.4, "Looks alike"],
  [0.15, "Somewhat alike"],
  [0, "Hardly alike"],
];

export function likenessWords(match) {
  const probability = match.same_person_probability;
  if (probability === null || probability === undefined) return null;
  return BY_PROBABILITY.find(([least]) => probability >= least)[1];
}

export const similarityNumber = (match) => match.similarity.toFixed(2).replace("-", "−");

function percentage(probability) {
  if (probability >= 0.995) return "> 99 %";
  if (probability < 0.01) return "< 1 %";
  return `${Math.round(100 * probability)} %`;
}

// What is known of a likeness as nodes: words, bar with percentage, number.
export function likeness(match) {
  const words = likenessWords(match);
  const probability = words ? match.same_person_probability : null;
  const share = probability ?? Math.max(0, match.similarity);
  const value = element("span", { class: "number" }, words ? percentage(probability) : similarityNumber(match));
  const bar = element("span", { class: "meter", "aria-hidden": "true" }, element("span"));
  bar.firstChild.style.width = `${100 * share}%`;
  const nodes = [element("p", { class: "similarity" }, bar, value)];
  if (words) nodes.unshift(element("p", { class: "words" }, words));
  return nodes;
}

export function likenessHint(matches) {
  if (!matches.length) return "";
  if (likenessWords(matches[0])) {
    return "The percentage is the chance that two photos this alike show one person, if that was as likely as not before looking. "
      + "Among many people, strangers can look very much alike.";
  }
  return "Similarity is 1 for the same picture and about 0 for faces that have nothing in common.";
}
