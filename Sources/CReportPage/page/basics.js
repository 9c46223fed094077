// What every other file of the script uses: the data, elements and numbers as people read them.
// Texts become text nodes and attributes, never markup: names come from whoever made the records.

const data = JSON.parse(document.getElementById("data").textContent);

/** Makes an element; `on…` attributes are listeners, false and null ones are left out. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for a part of a drawing. */
function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
}

/** A name from the records, whose direction of writing stays its own. */
const named = (text) => element("bdi", { title: text.length > 48 ? text : null }, text || "(no name)");

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

const format = {
  /** Rounded as the program's other tables are: a half up, of the number as it is stored. */
  fixed(value, decimals) {
    const scale = 10 ** decimals;
    const rounded = Math.round(Math.abs(value) * scale) / scale;
    return (value < 0 && rounded > 0 ? "-" : "") + rounded.toFixed(decimals);
  },

  score: (value) => (isNumber(value) ? format.fixed(value, 3) : "–"),

  /** A mean and half of its interval. */
  interval(mean, lower, upper) {
    if (!isNumber(mean)) return "–";
    return format.score(mean) + (isNumber(lower) ? ` ±${format.score((upper - lower) / 2)}` : "");
  },

  count: (value) => (isNumber(value) ? value.toLocaleString("en-US") : "–"),

  bytes(value) {
    if (!isNumber(value)) return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
    const decimals = unit === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
    return `${Number(value.toFixed(decimals))} ${units[unit]}`;
  },

  /** A number of operations, with three significant digits. */
  rate(value) {
    if (!isNumber(value)) return "–";
    if (value < 999.5) return value.toFixed(0);
    let [scaled, unit] = [value / 1000, 0];
    while (scaled >= 999.5 && unit < 4) [scaled, unit] = [scaled / 1000, unit + 1];
    return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${"kMGTP"[unit]}`;
  },

  /** Three significant digits. */
  short(value) {
    if (!isNumber(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e6 || size < 1e-3) {
      const [mantissa, exponent] = value.toExponential(2).split("e");
      return `${Number(mantissa)}e${Number(exponent)}`;
    }
    return size >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  },

  span: ([from, to]) => (from === to ? String(from) : `${from}–${to}`),

  plural: (count, one, many = one + "s") => `${format.count(count)} ${count === 1 ? one : many}`,

  settings: (settings) => settings.map(({ name, value }) => `${name}=${value}`).join(" "),
};

/** A score on the scale from chance (0) to perfect (1), within it. */
function share(score, chance, task) {
  if (!isNumber(score)) return null;
  const range = task.higherIsBetter ? 1 - chance : chance;
  const value = task.higherIsBetter ? score - chance : chance - score;
  return Math.min(1, Math.max(0, range > 0 ? value / range : 0));
}

/** The places 0, 1, 2, … of a list for which something holds. */
const placesWhere = (list, holds) => [...list.keys()].filter((place) => holds(list[place], place));
