// The page: one view at a time, chosen by the address after "#".
//
//   #search · #like/FACE · #people · #people/NAME · #map · #add
//
// Names and texts from the service are set as textContent only, never parsed as HTML.

import { add, wireAdd } from "./add.js";
import { byId } from "./common.js";
import { wireCompare } from "./compare.js";
import { wireGallery } from "./gallery.js";
import { wireKey } from "./key.js";
import { map, wireMap } from "./map.js";
import { people, wirePeople } from "./people.js";
import { like, search, wireSearch } from "./search.js";

const VIEWS = {
  search: { ...search, section: "search" },
  like: { ...like, section: "search" },
  people: { ...people, section: "people" },
  map: { ...map, section: "map" },
  add: { ...add, section: "add" },
};

function place() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  try {
    return [VIEWS[name] || VIEWS.search, decodeURIComponent(rest.join("/"))];
  } catch {
    return [VIEWS.search, ""]; // "%" and nothing after it
  }
}

// Shows the view of the address. Whoever came here by a link or a key gets the focus on its heading,
// so that a screen reader says where it is.
function show({ moved }) {
  const [view, rest] = place();
  for (const section of document.querySelectorAll(".view")) section.hidden = section.id !== `view-${view.section}`;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view.section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.title} · Lookalike`;
  if (moved) {
    scrollTo(0, 0);
    byId(`view-${view.section}`).querySelector("h1").focus({ preventScroll: true });
  }
  view.open(rest);
}

function wire() {
  wireKey();
  wireGallery();
  wireSearch();
  wireCompare();
  wirePeople();
  wireMap();
  wireAdd();
  addEventListener("hashchange", () => show({ moved: true }));
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    [...document.querySelectorAll(".view:not([hidden]) h1")].find((heading) => heading.offsetParent)?.focus();
  });
  show({ moved: false });
}

wire();
