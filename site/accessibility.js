// Mends what axe-core finds in pages of sphinx-book-theme 1.3.0, docutils and pandas, and what a printer would; what is
// right already stays.
(() => {
  function mend() {
    // The name of a button has to hold the text that is seen on it.
    for (const button of document.querySelectorAll(".search-button-field[aria-label]")) {
      button.removeAttribute("aria-label");
    }
    for (const icon of document.querySelectorAll(".theme-switch-button [title]")) icon.removeAttribute("title");

    // The book's title stands outside every landmark.
    const title = document.querySelector(".bd-sidebar-primary .sidebar-primary-items__start > .sidebar-primary-item");
    title?.setAttribute("role", "region");
    title?.setAttribute("aria-label", "Book title");

    // What folds a part of the table of contents is a bare arrow.
    for (const summary of document.querySelectorAll("nav summary:not([aria-label])")) {
      const page = summary.closest("li")?.querySelector("a")?.textContent.trim();
      summary.setAttribute("aria-label", `Pages of ${page}`);
    }

    // An empty corner of a table heads nothing.
    for (const corner of document.querySelectorAll("article th")) {
      if (corner.textContent.trim()) continue;
      const cell = document.createElement("td");
      for (const { name, value } of corner.attributes) if (name !== "scope") cell.setAttribute(name, value);
      corner.replaceWith(cell);
    }

    // Docutils gives entries of the bibliography a role that is no longer one, inside a list that then has no items.
    for (const entry of document.querySelectorAll(".citation-list, .citation")) entry.removeAttribute("role");
  }

  // Paper is white: a browser prints the light letters of the dark theme without the ground under them.
  const page = document.documentElement.dataset;
  let theme = "";
  addEventListener("beforeprint", () => { theme = page.theme; page.theme = "light"; });
  addEventListener("afterprint", () => { page.theme = theme; });

  // A page from the disk may not read the others, so a search there lists titles only.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  document.addEventListener("DOMContentLoaded", mend);
  addEventListener("load", mend);
})();
