// The page as a whole.

function makeCounts() {
  const { diverged, failed, missing } = data.counts;
  const counts = [
    format.plural(data.tasks.length, "task"), format.plural(data.models.length, "model"),
    format.plural(data.rows.length, "result"),
    diverged && `${format.plural(diverged, "cell")} diverged`, failed && `${format.plural(failed, "cell")} failed`,
    missing && `${format.plural(missing, "cell")} missing`,
  ];
  const warning = document.getElementById("warning");
  if (data.warning) warning.textContent = data.warning;
  else warning.remove();
  document.getElementById("counts").textContent = counts.filter(Boolean).join(" · ");
}

function makeFooter() {
  document.querySelector("footer").append(element("p", {},
    "Scores are means over seeds; ± is half of the 95% bootstrap interval of the mean. " +
    (data.choice === "validation"
      ? "Tuned settings and the step are chosen on validation. "
      : "Tuned settings are chosen on the test set, of one seed. ") +
    "A diverged seed counts as a guess (the chance line). The page is made from the records alone " +
    "and asks for nothing over a network."));
}

/** Makes the parts of the page that the choice changes. */
function showResults() {
  hideTip();
  const rows = chosenRows();
  const isNone = !rows.length;
  document.getElementById("main").replaceChildren(...[
    isNone ? element("p", { class: "none" }, data.rows.length ? "No result has these words." : "There are no results.") : null,
    isNone ? null : overviewSection(rows),
    plotSection("state", "Score against the size of the recurrent state", rows, statePanel, "series",
      "The line is the Pareto front: no other model scores more with as few bytes."),
    plotSection("lengths", "Score by length", rows, lengthPanel, "model", "Shaded: the lengths seen in training. Dashed: chance."),
    heatSection(rows),
    plotSection("curves", "Validation score during training", rows, curvePanel, "model"),
    sliceSection(rows),
    isNone ? null : resultsSection(rows),
    unfinishedSection(), missingSection(),
  ].filter(Boolean));
}

readAddress();
makeThemeButton();
makeCounts();
makeFooter();
if (data.rows.length) makeFilters();
else document.getElementById("filters").remove();
// Colours alone need no new tables; what was opened or sorted stays.
let shownFor = null;
listeners.push(() => {
  const chosen = JSON.stringify([state.task, state.model, state.text]);
  if (chosen === shownFor) return;
  shownFor = chosen;
  showResults();
});
addEventListener("hashchange", () => {
  readAddress();
  for (const listener of listeners) listener();
});
for (const listener of listeners) listener();
