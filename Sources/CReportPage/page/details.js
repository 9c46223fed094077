// The table of all results, and what opens under a row of it.

function resultsSection(rows) {
  const columns = [
    { title: "task", isText: true, value: (row) => data.tasks[row.task].name, cell: (row) => named(data.tasks[row.task].name) },
    { title: "model", isText: true, value: (row) => data.models[row.model].name, cell: (row) => named(data.models[row.model].name) },
    scoreColumn("score", (row) => row),
    { title: "scaled", help: "from chance (0) to perfect (1)", value: (row) => row.scaled, cell: (row) => format.score(row.scaled) },
    { title: "median", value: (row) => row.score?.median, cell: (row) => format.score(row.score?.median) },
    { title: "best", value: (row) => row.score?.best, cell: (row) => format.score(row.score?.best) },
    { title: "validation", value: (row) => row.validation, cell: (row) => format.score(row.validation) },
    {
      title: "seeds", value: (row) => row.seeds,
      cell: (row) => {
        const remarks = [row.diverged && `${row.diverged} diverged`, row.failed && `${row.failed} failed`,
          row.external && "trained elsewhere"].filter(Boolean);
        return row.seeds + (remarks.length ? ` (${remarks.join(", ")})` : "");
      },
    },
    { title: data.choice === "validation" ? "chosen on validation" : "chosen on the test", isText: true, value: (row) => format.settings(row.chosen) || null },
    { title: "parameters", isLessFirst: true, value: (row) => row.parameters, cell: (row) => format.count(row.parameters) },
    { title: "state", isLessFirst: true, value: (row) => row.bytes, cell: (row) => format.bytes(row.bytes) },
    {
      title: "decades of rates", help: "the learning rates around the best one that hold within 0.05 of its validation score",
      value: (row) => row.learnability?.decades,
      cell: (row) => (row.learnability?.decades == null ? "–" : (row.learnability.isLowerBound ? "≥ " : "") + format.fixed(row.learnability.decades, 2)),
    },
    {
      title: "seeds solved", help: "whose test score reaches 0.9, or 0.1 of a distance",
      value: (row) => (row.learnability?.threshold == null ? null : row.learnability.solved / Math.max(1, row.learnability.seeds)),
      cell: (row) => (row.learnability?.threshold == null ? "–" : `${row.learnability.solved} of ${row.learnability.seeds}`),
    },
    {
      title: "steps to it", help: "the median over seeds of the first validated step that reaches it", isLessFirst: true,
      value: (row) => row.learnability?.steps, cell: (row) => format.count(row.learnability?.steps),
    },
    { title: "FLOPs per token", isLessFirst: true, value: (row) => row.flopsPerToken, cell: (row) => format.rate(row.flopsPerToken) },
    { title: "eigenvalues", isText: true, value: (row) => row.eigenvalues || null },
  ];
  const isShown = (column) => rows.some((row) => column.value(row) != null);
  return part("results", "All results", [
    sortableTable({
      caption: "Each task and model; open a row for its curve, slices and seeds",
      columns: columns.filter((column, place) => place < 3 || isShown(column)), rows, details: rowDetails }),
  ]);
}

function rowDetails(row) {
  const task = data.tasks[row.task];
  const facts = [];
  const fact = (name, value) => value != null && value !== "" && facts.push(element("dt", {}, name), element("dd", {}, value));
  fact("series", named(data.series[row.series].name));
  fact("metric", task.metric + (task.higherIsBetter ? "" : " (less is better)"));
  fact("chance", format.score(task.chance));
  fact("oracle", task.oracle == null ? null : format.score(task.oracle));
  for (const { name, value } of task.baselines) fact(named(name), format.score(value));
  if (row.score) fact("seeds", row.score.values.map(format.score).join("  "));
  fact("FLOPs of training", isNumber(row.trainingFLOPs) ? format.rate(row.trainingFLOPs) : null);
  if (row.candidates > 1) fact("chosen", `${format.settings(row.chosen)} (of ${row.candidates})`);
  for (const [names, values] of [[task.further, row.further], [task.gaps, row.gaps]])
    names.forEach((name, place) => values[place]?.length && fact(name, format.interval(...values[place])));
  task.reaches.forEach((name, place) => fact(name, row.reaches[place] == null ? "–" : format.count(row.reaches[place])));
  const slices = [...new Set(task.bands.map((band) => band.slice))];
  return element(
    "div", { class: "detail" }, element("dl", {}, facts),
    element("div", { class: "panels" }, curvePanel(task, [row]), lengthPanel(task, [row]), ratePanel(task, row),
      task.grids.map((_, place) => heatTable(task, row, place))),
    slices.map((slice) => bandTable(task, row, slice)));
}

/** The scores of one row in each band of a slice. */
function bandTable(task, row, slice) {
  const places = placesWhere(task.bands, (band, place) => band.slice === slice && row.bands[place].length);
  if (!places.length) return null;
  const line = (name, cells) => element("tr", {}, element("th", { scope: "row", class: "text" }, name), cells);
  return element("div", { class: "scroll" }, element(
    "table", {},
    element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "text" }, slice),
      places.map((place) => element("th", { scope: "col" }, format.span([task.bands[place].from, task.bands[place].to]))))),
    element("tbody", {},
      line("score", places.map((place) => {
        const cell = element("td", { class: "heat" }, format.interval(...row.bands[place]));
        cell.style.setProperty("--share", share(row.bands[place][0], task.bands[place].chance, task).toFixed(3));
        return cell;
      })),
      line("chance", places.map((place) => element("td", {}, format.score(task.bands[place].chance)))))));
}
