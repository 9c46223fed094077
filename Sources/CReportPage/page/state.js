// What the reader has chosen. It is kept in the address, behind the #, and nowhere else.

const state = { theme: "", task: null, model: null, text: "" };
const themes = { "": "Colours: system", light: "Colours: light", dark: "Colours: dark" };
const listeners = [];

/** Reads the choice from the address; a name that is not in this report is not looked for. */
function readAddress() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  const place = (list, name) => {
    const found = list.findIndex((entry) => entry.name === name);
    return found < 0 ? null : found;
  };
  state.theme = chosen.get("theme") in themes ? chosen.get("theme") : "";
  state.task = place(data.tasks, chosen.get("task"));
  state.model = place(data.models, chosen.get("model"));
  state.text = chosen.get("filter") ?? "";
}

function writeAddress() {
  const chosen = new URLSearchParams();
  if (state.theme) chosen.set("theme", state.theme);
  if (state.task !== null) chosen.set("task", data.tasks[state.task].name);
  if (state.model !== null) chosen.set("model", data.models[state.model].name);
  if (state.text) chosen.set("filter", state.text);
  history.replaceState(null, "", chosen.size ? `#${chosen}` : location.pathname + location.search);
}

/** Changes some of the choice and shows the results that it leaves. */
function choose(change) {
  Object.assign(state, change);
  writeAddress();
  for (const listener of listeners) listener();
}

/** Whether a text has all words of the filter. */
function matchesText(text) {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const searched = text.toLowerCase();
  return words.every((word) => searched.includes(word));
}

for (const row of data.rows) {
  row.searched = [
    data.tasks[row.task].name, data.models[row.model].name, data.series[row.series].name,
    row.eigenvalues, format.settings(row.chosen),
  ].join(" ");
}

/** The rows that the choice leaves. */
const chosenRows = () =>
  data.rows.filter(
    (row) =>
      (state.task === null || row.task === state.task) &&
      (state.model === null || row.model === state.model) &&
      matchesText(row.searched));

/** The controls; they are made once and follow the choice. */
function makeFilters() {
  const select = (label, list, key) => {
    const control = element(
      "select",
      { id: `filter-${key}`, onchange: () => choose({ [key]: control.value === "" ? null : Number(control.value) }) },
      element("option", { value: "" }, `all ${label}s`),
      list.map((entry, place) => element("option", { value: place }, entry.name || "(no name)")));
    listeners.push(() => (control.value = state[key] ?? ""));
    return element("label", {}, `${label[0].toUpperCase()}${label.slice(1)} `, control);
  };
  const text = element("input", {
    id: "filter-text", type: "search", placeholder: "words in names and settings", spellcheck: "false",
    oninput: () => choose({ text: text.value }),
  });
  const shown = element("output", { id: "shown", "aria-live": "polite" });
  const clear = element(
    "button", { type: "button", id: "clear", onclick: () => choose({ task: null, model: null, text: "" }) },
    "Clear");
  listeners.push(() => {
    if (text.value !== state.text) text.value = state.text;
    const count = chosenRows().length;
    shown.textContent = `${format.count(count)} of ${format.plural(data.rows.length, "result")}`;
    clear.disabled = state.task === null && state.model === null && !state.text;
  });
  document.getElementById("filters").append(
    element("label", {}, "Filter ", text), select("task", data.tasks, "task"),
    select("model", data.models, "model"), clear, shown);
}

function makeThemeButton() {
  const button = document.getElementById("theme");
  const names = Object.keys(themes);
  button.addEventListener("click", () =>
    choose({ theme: names[(names.indexOf(state.theme) + 1) % names.length] }));
  listeners.push(() => {
    button.textContent = themes[state.theme];
    if (state.theme) document.documentElement.dataset.theme = state.theme;
    else delete document.documentElement.dataset.theme;
  });
}
