// Tables whose columns sort them.

const collator = new Intl.Collator("en", { numeric: true });

/**
 * A table with a button in each heading: up, down, and back to the order of the grid.
 *
 * A column is {title, value, cell, isText}: `value` is what sorts, null last; `cell` what is shown
 * (by default the value). The first column is each row's heading. `references` are rows of texts
 * that stay on top; `details` makes what is shown under a row that is opened.
 */
function sortableTable({ caption, columns, rows, references = [], details = null, limit = 100 }) {
  const body = element("tbody");
  const more = element("p", { class: "more" });
  const opened = new Set();
  let sort = { column: null, descending: false };
  let isWhole = false;

  const headings = columns.map((column, place) =>
    element(
      "th", { scope: "col", class: column.isText ? "text" : null, title: column.help ?? null },
      element("button", { type: "button", onclick: () => sortBy(place) }, column.title)));

  function sortBy(place) {
    const first = !columns[place].isText && !columns[place].isLessFirst;
    if (sort.column !== place) sort = { column: place, descending: first };
    else if (sort.descending === first) sort.descending = !first;
    else sort = { column: null, descending: false };
    show();
  }

  function sorted() {
    if (sort.column === null) return rows;
    const { value, isText } = columns[sort.column];
    const sign = sort.descending ? -1 : 1;
    const keyed = rows.map((row) => [value(row), row]);
    keyed.sort(([a], [b]) => {
      if (a == null || b == null) return (a == null) - (b == null);
      return sign * (isText ? collator.compare(a, b) : a - b);
    });
    return keyed.map(([, row]) => row);
  }

  function makeRow(row) {
    const cells = columns.map((column, place) => {
      const shown = column.cell ? column.cell(row) : (column.value(row) ?? "–");
      const attributes = { class: column.isText ? "text" : null };
      const node =
        place === 0
          ? element("th", { scope: "row", ...attributes }, details ? opener(row) : null, shown)
          : element("td", attributes, shown);
      const heat = column.share?.(row);
      if (isNumber(heat)) {
        node.classList.add("heat");
        node.style.setProperty("--share", heat.toFixed(3));
      }
      if (column.isStrong?.(row)) node.classList.add("strong");
      return node;
    });
    const line = element("tr", {}, cells);
    return opened.has(row) ? [line, detailsOf(row)] : [line];
  }

  function opener(row) {
    const isOpen = opened.has(row);
    return element(
      "button",
      {
        type: "button", class: "opener", "aria-expanded": String(isOpen), "aria-label": "Details",
        onclick: ({ currentTarget: button }) => {
          const line = button.closest("tr");
          if (opened.delete(row)) line.nextElementSibling.remove();
          else opened.add(row), line.after(detailsOf(row));
          button.setAttribute("aria-expanded", String(opened.has(row)));
        },
      });
  }

  const detailsOf = (row) =>
    element("tr", { class: "details" }, element("td", { colspan: columns.length }, details(row)));

  function show() {
    headings.forEach((heading, place) => {
      const direction = sort.descending ? "descending" : "ascending";
      heading.setAttribute("aria-sort", sort.column === place ? direction : "none");
    });
    const all = sorted();
    const shown = isWhole ? all : all.slice(0, limit);
    body.replaceChildren(...shown.flatMap(makeRow));
    more.replaceChildren();
    if (shown.length < all.length) {
      more.append(
        `${format.count(shown.length)} of ${format.count(all.length)} rows. `,
        element("button", { type: "button", onclick: () => ((isWhole = true), show()) }, "Show all"));
    }
  }

  const reference = references.map((texts) =>
    element("tr", {}, texts.map((text, place) =>
      element(place ? "td" : "th", place ? {} : { scope: "row", class: "text" }, text))));
  const table = element(
    "table", {}, element("caption", {}, caption), element("thead", {}, element("tr", {}, headings)),
    reference.length ? element("tbody", { class: "references" }, reference) : null, body);
  show();
  return element(
    "div", { class: "table" },
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table), more);
}
