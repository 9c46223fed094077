// What each kind of plot shows of a task's results.

const mostGroups = 60;

/** The lines that tell a score over seeds. */
function scoreLines(score) {
  if (!score) return [];
  const lines = [["score", format.interval(score.mean, score.lower, score.upper)]];
  if (isNumber(score.lower)) lines.push(["95% interval", `${format.score(score.lower)} – ${format.score(score.upper)}`]);
  if (score.values.length > 1) {
    lines.push(["median", format.score(score.median)]);
    const values = score.values.slice(0, 8).map(format.score).join(" ");
    lines.push(["seeds", values + (score.values.length > 8 ? " …" : "")]);
  }
  return lines;
}

const partLines = ([mean, lower, upper]) => [
  ["score", format.interval(mean, lower, upper)],
  ...(isNumber(lower) ? [["95% interval", `${format.score(lower)} – ${format.score(upper)}`]] : []),
];

/** The best rows of a task, where there are more than lines can be told apart. */
function drawnRows(task, rows) {
  if (rows.length <= mostGroups) return rows;
  const merit = (row) => (row.score ? (task.higherIsBetter ? row.score.mean : -row.score.mean) : -Infinity);
  return [...rows].sort((a, b) => merit(b) - merit(a)).slice(0, mostGroups);
}

/** Of points {x, y}, those that no other beats with as small an x. */
function paretoFront(points, higherIsBetter) {
  const sign = higherIsBetter ? 1 : -1;
  const front = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || sign * (b.y - a.y)))
    if (!front.length || sign * (point.y - front.at(-1)[1]) > 0) front.push([point.x, point.y]);
  return front;
}

function statePanel(task, rows) {
  const scored = rows.filter((row) => row.score && row.bytes > 0);
  if (scored.length < 2) return null;
  const point = (row) => ({
    x: row.bytes, y: row.score.mean, lower: row.score.lower, upper: row.score.upper,
    tip: () => ({
      title: data.models[row.model].name,
      lines: [["state", format.bytes(row.bytes)], ["parameters", format.count(row.parameters)], ...scoreLines(row.score)],
    }),
  });
  const groups = placesWhere(data.series, (_, place) => scored.some((row) => row.series === place)).map((place) => ({
    id: place, style: data.series[place],
    points: scored.filter((row) => row.series === place).map(point).sort((a, b) => a.x - b.x),
  }));
  const ours = groups.flatMap((group) => group.points);
  groups.push(...publishedGroups(data.tasks.indexOf(task)));
  return linePanel({
    title: task.name, xTitle: "recurrent state", yTitle: task.metric, groups,
    makeX: (values, start, end) => positiveScale(values, start, end, format.bytes),
    chance: [[1, task.chance]], front: paretoFront(ours, task.higherIsBetter),
  });
}

/** The points published elsewhere that belong to a task. */
function publishedGroups(task) {
  return data.published.map(({ style, points }, place) => ({
    id: `published-${place}`, style: { ...style, isHollow: true },
    points: points.filter((point) => point.task == null || point.task === task).map((point) => ({
      x: point.bytes, y: point.score,
      tip: () => ({
        title: style.name,
        lines: [["state", format.bytes(point.bytes)], ["score", format.short(point.score)], ["from", point.source]] }),
    })),
  })).filter((group) => group.points.length);
}

function lengthPanel(task, rows) {
  const places = placesWhere(task.bands, (band) => band.slice === "length");
  if (places.length < 2) return null;
  const middle = (place) => (task.bands[place].from + task.bands[place].to) / 2;
  const groups = drawnRows(task, rows).map((row) => ({
    id: row.model, style: data.models[row.model],
    points: places.filter((place) => row.bands[place].length).map((place) => {
      const [mean, lower, upper] = row.bands[place];
      const { from, to } = task.bands[place];
      return {
        x: middle(place), y: mean, lower, upper,
        tip: () => ({
          title: data.models[row.model].name,
          lines: [["length", format.span([from, to])], ...partLines(row.bands[place])] }),
      };
    }),
  })).filter((group) => group.points.length);
  if (!groups.length) return null;
  // A start near 1 would stretch the axis over lengths that are not tested.
  const least = Math.min(...places.map(middle));
  const trained = task.trained && [Math.max(task.trained[0], Math.min(least, task.trained[1]) / 2), task.trained[1]];
  return linePanel({
    title: task.name, xTitle: "length", yTitle: task.metric, groups, trained,
    makeX: (values, start, end) => positiveScale(values, start, end, countLabel),
    chance: places.map((place) => [middle(place), task.bands[place].chance]),
  });
}

function curvePanel(task, rows) {
  const groups = drawnRows(task, rows.filter((row) => row.curve.length > 1)).map((row) => ({
    id: row.model, style: data.models[row.model],
    points: row.curve.filter(([, score]) => isNumber(score)).map(([step, score, loss]) => ({
      x: step, y: score,
      tip: () => ({
        title: data.models[row.model].name,
        lines: [["step", format.count(step)], ["validation", format.score(score)], ["training loss", format.short(loss)]] }),
    })),
  }));
  if (!groups.some((group) => group.points.length)) return null;
  return linePanel({
    title: task.name, xTitle: "step", yTitle: task.metric, groups,
    makeX: (values, start, end) => linearScale(0, Math.max(1, ...values) * 1.02, start, end, 5, countLabel),
    chance: [[0, task.chance]],
  });
}

/** The validation score by learning rate, the window of those that do as shaded. */
function ratePanel(task, row) {
  const { rates, window } = row.learnability ?? { rates: [] };
  if (rates.length < 2) return null;
  return linePanel({
    title: "validation by learning rate", xTitle: "learning rate", yTitle: task.metric,
    trained: window.length ? window : null, chance: [[rates[0][0], task.chance]],
    makeX: (values, start, end) => decadeScale(values, start, end),
    groups: [{
      id: row.model, style: data.models[row.model],
      points: rates.map(([rate, score]) => ({
        x: rate, y: score,
        tip: () => ({
          title: data.models[row.model].name,
          lines: [["learning rate", format.short(rate)], ["validation", format.score(score)]] }),
      })),
    }],
  });
}

/** The scores of a model by two slices at once, as a table with the heat of each. */
function heatTable(task, row, place) {
  const axes = task.grids[place];
  const scores = row.grids[place];
  if (!axes || !scores) return null;
  return element(
    "figure", { class: "heat-map" },
    element("figcaption", {}, named(data.models[row.model].name)),
    element(
      "table", {},
      element("thead", {}, element(
        "tr", {}, element("th", { scope: "col", class: "corner" }, `${axes.rows} \\ ${axes.columns}`),
        axes.columnBands.map((band) => element("th", { scope: "col" }, format.span(band))))),
      element("tbody", {}, axes.rowBands.map((band, line) => element(
        "tr", {}, element("th", { scope: "row" }, format.span(band)),
        scores[line].map((score) => heatCell(score, task.chance, task)))))));
}

function heatCell(score, chance, task) {
  if (!isNumber(score)) return element("td", {}, "–");
  const cell = element("td", { class: "heat", title: format.score(score) }, format.fixed(score, 2));
  cell.style.setProperty("--share", share(score, chance, task).toFixed(3));
  return cell;
}
