// A panel of lines or points. Its values are told under the pointer, and by the arrow keys where
// the panel has the focus.

const panelSize = { width: 340, height: 232, left: 46, right: 14, top: 10, bottom: 42 };
const tip = document.getElementById("tip");

/** Shows a title and lines beside a place on the screen. */
function showTip({ title, lines }, x, y) {
  tip.replaceChildren(
    element("strong", {}, named(title)),
    ...lines.map(([name, value]) => element("span", {}, name ? `${name} ` : "", element("b", {}, value))));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const right = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, x + 14 + width > right ? x - width - 14 : x + 14)}px`;
  tip.style.top = `${y + 14 + height > innerHeight ? Math.max(4, y - height - 14) : y + 14}px`;
}

const hideTip = () => (tip.hidden = true);

addEventListener("keydown", ({ key }) => key === "Escape" && hideTip());
addEventListener("scroll", hideTip, { passive: true });

const cross = [
  [-0.42, -1.25], [0.42, -1.25], [0.42, -0.42], [1.25, -0.42], [1.25, 0.42], [0.42, 0.42],
  [0.42, 1.25], [-0.42, 1.25], [-0.42, 0.42], [-1.25, 0.42], [-1.25, -0.42], [-0.42, -0.42],
];
const shapes = [
  null, [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  [[0, -1.25], [1.15, 0.85], [-1.15, 0.85]], [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  [[0, 1.25], [1.15, -0.85], [-1.15, -0.85]], cross,
  cross.map(([x, y]) => [0.75 * (x - y), 0.75 * (x + y)]),
  [[0, -1.25], [1.2, -0.4], [0.75, 1.05], [-0.75, 1.05], [-1.2, -0.4]],
];

/** The marker of a series. */
function marker(style, x, y, radius = 4.2) {
  const name = `marker c${style.hue}${style.isHollow ? " hollow" : ""}`;
  const shape = shapes[style.shape % shapes.length];
  if (!shape) return drawn("circle", { class: name, cx: x, cy: y, r: radius });
  const points = shape.map(([dx, dy]) => `${(x + dx * radius).toFixed(1)},${(y + dy * radius).toFixed(1)}`);
  return drawn("polygon", { class: name, points: points.join(" ") });
}

const path = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

/**
 * Draws a panel.
 *
 * `groups` are {id, style, points} with points {x, y, lower, upper, tip}; `makeX` makes the scale
 * of x; `chance` is a list of [x, y], `trained` the range of x seen in training, and `front` a
 * list of [x, y] that a step line joins.
 */
function linePanel({ title, xTitle, yTitle, makeX, groups, chance = [], trained = null, front = [] }) {
  const { width, height, left, right, top, bottom } = panelSize;
  const all = groups.flatMap((group) => group.points);
  const x = makeX([...all.map((point) => point.x), ...(trained ?? [])], left, width - right);
  const y = scoreScale(
    [...all.flatMap((point) => [point.y, point.lower]), ...chance.map(([, y]) => y)], height - bottom, top);
  const svg = drawn("svg", {
    viewBox: `0 0 ${width} ${height}`, tabindex: "0", role: "application", "aria-roledescription": "plot",
    "aria-label": `${yTitle} against ${xTitle}: ${title}. ${format.plural(all.length, "point")}; arrow keys tell them.`,
  });
  drawFrame(svg, x, y, xTitle, yTitle, trained);
  if (chance.length) {
    const level = chance.every(([, y]) => y === chance[0][1]);
    const points = level
      ? [[left, y.place(chance[0][1])], [width - right, y.place(chance[0][1])]]
      : chance.map(([a, b]) => [x.place(a), y.place(b)]);
    svg.append(drawn("polyline", { class: "chance", points: path(points) }));
  }
  if (front.length > 1) {
    const steps = front.flatMap(([a, b], place) =>
      place ? [[x.place(a), y.place(front[place - 1][1])], [x.place(a), y.place(b)]] : [[x.place(a), y.place(b)]]);
    svg.append(drawn("polyline", { class: "front", points: path([...steps, [width - right, steps.at(-1)[1]]]) }));
  }
  const placed = [];
  for (const group of groups) svg.append(drawGroup(group, x, y, placed));
  followPointer(svg, placed);
  return element("figure", {}, element("figcaption", {}, named(title)), svg);
}

function drawFrame(svg, x, y, xTitle, yTitle, trained) {
  const { width, height, left, right, top, bottom } = panelSize;
  if (trained) {
    const [from, to] = trained.map(x.place);
    svg.append(drawn("rect", {
      class: "trained", x: from, y: top, width: Math.max(2, to - from), height: height - bottom - top }));
  }
  for (const { value, label } of y.ticks) {
    const place = y.place(value);
    svg.append(
      drawn("line", { class: "grid", x1: left, x2: width - right, y1: place, y2: place }),
      drawn("text", { class: "tick end", x: left - 6, y: place + 4 }, label));
  }
  const base = height - bottom;
  svg.append(drawn("line", { class: "axis", x1: left, x2: width - right, y1: base, y2: base }));
  for (const { value, label } of x.ticks) {
    const place = x.place(value);
    svg.append(
      drawn("line", { class: "axis", x1: place, x2: place, y1: base, y2: base + 4 }),
      drawn("text", { class: "tick middle", x: place, y: base + 17 }, label));
  }
  svg.append(
    drawn("text", { class: "axis-title middle", x: (left + width - right) / 2, y: height - 6 }, xTitle),
    drawn("text", {
      class: "axis-title middle", x: 11, y: (top + base) / 2,
      transform: `rotate(-90 11 ${(top + base) / 2})` }, yTitle));
}

function drawGroup({ id, style, points }, x, y, placed) {
  const places = points.map((point) => [x.place(point.x), y.place(point.y)]);
  const group = drawn("g", { "data-group": id });
  points.forEach(({ lower, upper }, place) => {
    if (!(upper > lower)) return;
    const at = places[place][0];
    group.append(drawn("line", {
      class: `whisker c${style.hue}`, x1: at, x2: at, y1: y.place(lower), y2: y.place(upper) }));
  });
  if (points.length > 1 && !style.isHollow)
    group.append(drawn("polyline", { class: `line c${style.hue}${style.dashed ? " dashed" : ""}`, points: path(places) }));
  const stride = Math.max(1, Math.floor(points.length / 8));
  points.forEach((point, place) => {
    placed.push({ point, id, x: places[place][0], y: places[place][1] });
    if ((points.length - 1 - place) % stride === 0) group.append(marker(style, ...places[place]));
  });
  return group;
}

/** Tells the values of the point nearest to the pointer, or of the one that the keys moved to. */
function followPointer(svg, placed) {
  let current = -1;
  const ring = drawn("circle", { class: "ring", r: 7.5, visibility: "hidden" });
  svg.append(ring);
  const isShown = ({ id }) => !svg.querySelector(`[data-group="${id}"]`).classList.contains("off");

  function tell(place, x, y) {
    current = place;
    const { point, id } = placed[place];
    ring.setAttribute("cx", placed[place].x);
    ring.setAttribute("cy", placed[place].y);
    ring.setAttribute("visibility", "visible");
    light(svg, id);
    showTip(point.tip(), x, y);
  }

  function forget() {
    ring.setAttribute("visibility", "hidden");
    light(svg, null);
    hideTip();
  }

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = panelSize.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const distances = placed.map((entry) => (isShown(entry) ? Math.hypot(entry.x - x, entry.y - y) : Infinity));
    const nearest = distances.indexOf(Math.min(...distances));
    if (nearest >= 0 && distances[nearest] < 28) tell(nearest, event.clientX, event.clientY);
    else forget();
  });
  svg.addEventListener("pointerleave", forget);
  svg.addEventListener("blur", forget);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isAcross = event.key === "ArrowDown" || event.key === "ArrowUp";
    if (!step || !placed.some(isShown)) return;
    event.preventDefault();
    const from = placed[current]?.id;
    do current = (current + step + placed.length) % placed.length;
    while (!isShown(placed[current]) || (isAcross && placed[current].id === from && placed.some((entry) => entry.id !== from && isShown(entry))));
    const box = svg.getBoundingClientRect();
    const scale = box.width / panelSize.width;
    tell(current, box.left + placed[current].x * scale, box.top + placed[current].y * scale);
  });
}

/** Lifts one group above the others, in a panel or in all panels of a part of the page. */
function light(part, id) {
  part.classList.toggle("lit", id !== null);
  for (const group of part.querySelectorAll("[data-group]"))
    group.classList.toggle("on", id !== null && group.dataset.group === String(id));
}
