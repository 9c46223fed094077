// The parts of the page, each made anew from the rows that the reader's choice leaves.

const columnOf = (rows, key) => [...new Set(rows.map((row) => row[key]))].sort((a, b) => a - b);

/** A score's cell over seeds: its text, its heat and whether the seeds support that it is best. */
const scoreColumn = (title, find, more = {}) => ({
  title,
  value: (row) => find(row)?.score?.mean,
  cell: (row) => {
    const found = find(row);
    if (!found?.score) return "–";
    return withTip(format.interval(found.score.mean, found.score.lower, found.score.upper), () => ({
      title: data.models[found.model].name,
      lines: [
        ["task", data.tasks[found.task].name], ...scoreLines(found.score),
        ...(found.chosen.length ? [["chosen", format.settings(found.chosen)]] : [])],
    }));
  },
  share: (row) => {
    const found = find(row);
    return found?.score ? share(found.score.mean, data.tasks[found.task].chance, data.tasks[found.task]) : null;
  },
  isStrong: (row) => {
    const found = find(row);
    return found != null && data.tasks[found.task].best === found.model;
  },
  ...more,
});

/** A text that tells more under the pointer. */
function withTip(text, tell) {
  return element("span", {
    onpointerenter: (event) => showTip(tell(), event.clientX, event.clientY), onpointerleave: hideTip }, text);
}

const tried = new Set(data.rows.map((row) => row.model));

/** Whether a model has no result at all but is one that the reader asks for. */
const isMissing = (place) =>
  !tried.has(place) && (state.model === null || state.model === place) && matchesText(data.models[place].name);

function overviewSection(rows) {
  const tasks = columnOf(rows, "task");
  const byPlace = new Map(rows.map((row) => [`${row.model} ${row.task}`, row]));
  const baselines = [...new Set(tasks.flatMap((task) => data.tasks[task].baselines.map(({ name }) => name)))];
  const table = sortableTable({
    caption: "Mean test score over seeds ± half of the 95% interval",
    columns: [
      { title: "model", isText: true, value: (model) => data.models[model].name, cell: (model) => named(data.models[model].name) },
      ...tasks.map((task) => scoreColumn(
        named(data.tasks[task].name), (model) => byPlace.get(`${model} ${task}`),
        { isLessFirst: !data.tasks[task].higherIsBetter, help: data.tasks[task].metric })),
    ],
    rows: placesWhere(data.models, (model, place) => rows.some((row) => row.model === place) || isMissing(place)),
    references: [
      ["chance", ...tasks.map((task) => format.score(data.tasks[task].chance))],
      ...(tasks.some((task) => data.tasks[task].oracle != null)
        ? [["oracle", ...tasks.map((task) => (data.tasks[task].oracle == null ? "" : format.score(data.tasks[task].oracle)))]] : []),
      ...baselines.map((name) => [
        name, ...tasks.map((task) => {
          const value = data.tasks[task].baselines.find((baseline) => baseline.name === name)?.value;
          return value == null ? "" : format.score(value);
        })]),
    ],
  });
  return part("overview", "Overview", [
    table, heatKey(element("b", {}, "Bold"), ": the seeds support that no other model is as good.")]);
}

const heatKey = (...more) =>
  element("p", { class: "heat-key" }, "chance ", element("span", { class: "ramp" }), " perfect. ", more);

/** Panels of all chosen tasks with one legend. */
function plotSection(id, title, rows, makePanel, key, note = null) {
  const makers = columnOf(rows, "task").map((task) => () =>
    makePanel(data.tasks[task], rows.filter((row) => row.task === task)));
  const panels = element("div", { class: "panels" });
  const isEmpty = !fillSome(panels, makers, 12);
  if (isEmpty) return null;
  if (id === "state" && data.published.length)
    note += " Hollow: points published elsewhere.";
  const section = part(id, title, [note && element("p", { class: "note" }, note), panels]);
  section.classList.add("plot");
  section.style.setProperty("--panels", panels.querySelectorAll("figure").length);
  section.insertBefore(legend(section, data[key === "series" ? "series" : "models"], columnOf(rows, key)), panels);
  const most = Math.max(...columnOf(rows, "task").map((task) => rows.filter((row) => row.task === task).length));
  if (key === "model" && most > mostGroups)
    panels.before(element("p", { class: "note" }, `The best ${mostGroups} of up to ${most} models are drawn; the filter finds the others.`));
  return section;
}

/** Makes nodes, the first of them now and the others where they are asked for. */
function fillSome(parent, makers, count) {
  let made = 0;
  while (makers.length && made < count) {
    const node = makers.shift()();
    if (node) parent.append(node), made++;
  }
  if (made && makers.length) {
    const more = element("button", { type: "button", class: "more", onclick: () => (more.remove(), fillSome(parent, makers, count)) },
      `Show more (${format.count(makers.length)})`);
    parent.append(more);
  }
  return made;
}

/** The names of the series: a press hides one, pointer or focus lifts it above the others. */
function legend(section, styles, places) {
  const isMany = places.length > mostGroups;
  return element("div", { class: "legend", role: "group", "aria-label": "Series" },
    places.slice(0, mostGroups).map((place) => {
      const sign = drawn("svg", { viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" },
        drawn("line", { class: `line c${styles[place].hue}${styles[place].dashed ? " dashed" : ""}`, x1: 1, x2: 25, y1: 6, y2: 6 }),
        marker(styles[place], 13, 6));
      return element("button", {
        type: "button", "aria-pressed": "true",
        onclick: ({ currentTarget: button }) => {
          const isOn = button.getAttribute("aria-pressed") === "false";
          button.setAttribute("aria-pressed", String(isOn));
          for (const group of section.querySelectorAll(`[data-group="${place}"]`)) group.classList.toggle("off", !isOn);
        },
        onpointerenter: () => light(section, place), onpointerleave: () => light(section, null),
        onfocus: () => light(section, place), onblur: () => light(section, null),
      }, sign, named(styles[place].name));
    }), isMany ? element("span", {}, ` and ${places.length - mostGroups} more`) : null);
}

function sliceSection(rows) {
  const makers = columnOf(rows, "task").flatMap((place) => {
    const task = data.tasks[place];
    const slices = [...new Set(task.bands.map((band) => band.slice))];
    const members = rows.filter((row) => row.task === place);
    const tables = slices
      .filter((slice) => task.bands.filter((band) => band.slice === slice).length > 1)
      .map((slice) => () => partTable(
        `${task.name}: by ${slice}`, task, members, placesWhere(task.bands, (band) => band.slice === slice),
        (band) => format.span([task.bands[band].from, task.bands[band].to]), (band) => task.bands[band].chance, "bands"));
    if (task.segments.length > 1)
      tables.push(() => partTable(
        `${task.name}: by test segment`, task, members.filter((row) => row.segments.length === task.segments.length),
        [...task.segments.keys()], (segment) => task.segments[segment].name, (segment) => task.segments[segment].value, "segments"));
    return tables;
  });
  const box = element("div", { class: "tables" });
  return fillSome(box, makers, 8) ? part("slices", "By slice", [box]) : null;
}

/** Models against the parts of a task's test data. */
function partTable(caption, task, rows, places, title, chance, key) {
  return sortableTable({
    caption, rows, limit: 40,
    columns: [
      { title: "model", isText: true, value: (row) => data.models[row.model].name, cell: (row) => named(data.models[row.model].name) },
      ...places.map((place) => ({
        title: title(place), isLessFirst: !task.higherIsBetter,
        value: (row) => row[key][place]?.[0],
        cell: (row) => withTip(format.score(row[key][place]?.[0]), () => ({
          title: data.models[row.model].name, lines: [["part", title(place)], ...partLines(row[key][place] ?? [])] })),
        share: (row) => share(row[key][place]?.[0], chance(place), task),
      })),
    ],
    references: [["chance", ...places.map((place) => format.score(chance(place)))]],
  });
}

function heatSection(rows) {
  const makers = columnOf(rows, "task").flatMap((place) =>
    data.tasks[place].grids.map((axes, grid) => () => {
      const task = data.tasks[place];
      const maps = element("div", { class: "panels" });
      const members = rows.filter((row) => row.task === place && row.grids[grid]);
      if (!fillSome(maps, members.map((row) => () => heatTable(task, row, grid)), 12)) return null;
      return element("div", {}, element("h3", {}, named(task.name), ` by ${axes.rows} and ${axes.columns}`), maps);
    }));
  const box = element("div", {});
  return fillSome(box, makers, 4) ? part("heat-maps", "Heat maps", [box, heatKey()]) : null;
}

function unfinishedSection() {
  const cells = data.unfinished.filter((cell) =>
    (state.task === null || cell.task === data.tasks[state.task].name) &&
    (state.model === null || cell.model === data.models[state.model].name) &&
    matchesText([cell.task, cell.model, cell.status, cell.reason, cell.key, format.settings(cell.settings)].join(" ")));
  const inAll = data.counts.diverged + data.counts.failed;
  if (!inAll) return null;
  const text = (title, value, cell) => ({ title, isText: true, value, cell });
  return part("unfinished", "Diverged and failed cells", [
    inAll > data.unfinished.length
      ? element("p", { class: "note" }, `The first ${data.unfinished.length} of ${format.count(inAll)}; report.json has all.`) : null,
    sortableTable({
      caption: "A diverged cell counts as a guess, a failed one nowhere", rows: cells, limit: 50,
      columns: [
        text("cell", (cell) => cell.key, (cell) => element("code", {}, cell.key)),
        text("task", (cell) => cell.task, (cell) => named(cell.task)),
        text("model", (cell) => cell.model, (cell) => named(cell.model)),
        text("setting", (cell) => format.settings(cell.settings)),
        { title: "seed", value: (cell) => cell.seed, isLessFirst: true },
        text("status", (cell) => cell.status),
        text("reason", (cell) => cell.reason, (cell) => named(cell.reason)),
      ],
    }),
  ]);
}

function missingSection() {
  const gaps = data.gaps.filter((gap) => matchesText(`${gap.task} ${gap.model}`));
  if (!data.gaps.length) return null;
  return part("missing", "Missing", [
    data.gapsInAll > data.gaps.length
      ? element("p", { class: "note" }, `The first ${data.gaps.length} of ${format.count(data.gapsInAll)}; report.json has all.`) : null,
    sortableTable({
      caption: "Cells of the grid without a record", rows: gaps, limit: 50,
      columns: [
        { title: "task", isText: true, value: (gap) => gap.task, cell: (gap) => named(gap.task) },
        { title: "model", isText: true, value: (gap) => gap.model, cell: (gap) => named(gap.model) },
        { title: "cells", value: (gap) => gap.cells },
      ],
    }),
  ]);
}

/** A part of the page under its heading. */
function part(id, title, children) {
  return element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), children);
}
