// Mends what axe-core finds on every page of sphinx-book-theme 1.3.0; where the theme is already right, it does nothing.
(() => {
  function mend() {
    // The name of a button has to hold the text that is seen on it.
    for (const button of document.querySelectorAll(".search-button-field[aria-label]")) {
      button.removeAttribute("aria-label");
    }
    for (const icon of document.querySelectorAll(".theme-switch-button [title]")) icon.removeAttribute("title");
    for (const title of document.querySelectorAll(".theme-switch-button svg title")) title.remove();

    // The book's title stands outside every landmark.
    const title = document.querySelector(".bd-sidebar-primary .sidebar-primary-items__start > .sidebar-primary-item");
    title?.setAttribute("role", "region");
    title?.setAttribute("aria-label", "Book title");
  }

  document.addEventListener("DOMContentLoaded", mend);
  addEventListener("load", () => {
    mend();
    // FontAwesome swaps each <i title> for an <svg> with a <title>, at any time after the page has loaded.
    for (const button of document.querySelectorAll(".theme-switch-button")) {
      new MutationObserver(mend).observe(button, { childList: true, subtree: true });
    }
  });
})();
