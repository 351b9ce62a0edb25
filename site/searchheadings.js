// On the search page: a heading that holds the words comes first, and a message that was pasted whole finds the heading
// that is a part of it. Sphinx ranks pages that hold all words somewhere above it, and asks for each number of a message.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const SHORTEST = 12; // characters of words that tell one heading from others
  const plain = (text) => text.toLowerCase().trim();

  /** Whether a query and a heading are about the same: one holds the other, which is no small part of it. */
  const agree = (query, title) =>
    Math.min(query.length, title.length) >= SHORTEST &&
    (query.includes(title) || (title.includes(query) && query.length >= title.length / 2));

  const perform = Search._performSearch;
  Search._performSearch = (query, ...terms) => {
    const { alltitles, docnames, filenames, titles } = Search._index;
    const headings = Object.entries(alltitles)
      .filter(([title]) => agree(plain(query), plain(title)))
      .sort(([one], [other]) => one.length - other.length) // the last is shown first: the longest
      .flatMap(([title, places]) => places.map(([file, id]) => [title, file, id]))
      .filter(([, , id]) => id !== null)
      .map(([title, file, id]) => [docnames[file], `${titles[file]} > ${title}`, `#${id}`, null, 100, filenames[file]]);
    const key = ([page, , anchor]) => page + anchor;
    const first = new Set(headings.map(key));
    return [...perform(query, ...terms).filter((found) => !first.has(key(found))), ...headings];
  };
});
