// Light or dark: as the system says, unless the visitor has chosen here. It runs before the page is
// drawn, so that nothing flashes; that is why it is no module.

(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("lookalike-theme");
  } catch {
    // a browser without storage follows the system
  }
  if (chosen) root.dataset.theme = chosen;

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const tell = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        localStorage.setItem("lookalike-theme", root.dataset.theme);
      } catch {
        // it holds for this visit
      }
      tell();
      document.dispatchEvent(new Event("theme"));
    });
    dark.addEventListener("change", () => { tell(); document.dispatchEvent(new Event("theme")); });
    tell();
  });
})();
