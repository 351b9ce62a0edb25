// Makes of all chapters on one page, as Sphinx joins them, what can be printed as a book; `tools/pdf.py` calls it.
() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Links lead to the page of the chapter they name, which here is this page. The bibliography and the chapters number
  // their places alike, so each source gets a name of its own first.
  for (const source of all(".citation[id]")) source.id = `source-${source.id}`;
  for (const link of all("a[href*='intro.html#']")) {
    const id = decodeURIComponent(link.hash.slice(1));
    link.setAttribute("href", document.getElementById(`source-${id}`) ? `#source-${id}` : `#${id}`);
  }

  // What a reader opens by hand is open; code that only draws stays folded, and is not printed.
  for (const details of all("details:not(.hide)")) details.open = true;
  for (const button of all("button.toggle-button-hidden")) button.click();

  // Solutions and answers stand at the end of their chapter, where no one reads them by accident.
  for (const chapter of all("span[id^='document-'] + section:has(.solution)")) {
    const answers = Object.assign(document.createElement("ol"), { className: "answers" });
    for (const { textContent, dataset } of all(".Quiz [data-correct='true']", chapter)) {
      answers.append(Object.assign(document.createElement("li"), { textContent: `${textContent}. ${dataset.feedback}` }));
    }
    chapter.append(part("Solutions", ...all(".solution", chapter)), part("Answers to the quiz", answers));
  }

  function part(title, ...content) {
    const section = document.createElement("section");
    section.append(Object.assign(document.createElement("h3"), { textContent: title }), ...content);
    return section;
  }

  for (const image of all("img")) image.loading = "eager";
  return Promise.all(all("img").map((image) => image.decode()));
}
