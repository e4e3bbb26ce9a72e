/* Charts: how a variant looks, and one function per kind of chart. A chart is a figure with a canvas and a table of the same
 * numbers. It is drawn when it comes near the window, and again when a setting changes.
 */
/* Okabe and Ito, "Color Universal Design" (2008), without yellow; brighter on dark paper. */
const palettes = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#202020"],
  dark: ["#4ea8e6", "#f4803c", "#2fc79b", "#e3a0c8", "#f0b840", "#93d5fb", "#f2f2f2"],
};
const shapes = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "cross"];
const dashes = [[], [8, 3], [3, 3], [10, 3, 2, 3]];

/* Two variants of the same colour differ in shape and dash. */
const styleOf = (index) => ({
  color: palettes[themeNow()][index % 7],
  shape: shapes[(index + Math.floor(index / 7)) % 7],
  dash: dashes[Math.floor(index / 7) % dashes.length],
});
const withAlpha = (color, alpha) => color + Math.round(alpha * 255).toString(16).padStart(2, "0");

const settings = { x: "step", y: "linear", valid: true, train: true, band: "range", smoothing: 0, hidden: new Set() };
const darkQuery = window.matchMedia("(prefers-color-scheme: dark)");
function themeNow() {
  return document.documentElement.dataset.theme || (darkQuery.matches ? "dark" : "light");
}
const inkOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* Whiskers from `low` to `high` of each point, upright or lying. */
Chart.register({
  id: "whiskers",
  afterDatasetsDraw(chart) {
    chart.data.datasets.forEach((dataset, d) => {
      if (!dataset.whiskers || !chart.isDatasetVisible(d)) return;
      const context = chart.ctx, scale = chart.scales.y;
      context.save();
      context.strokeStyle = dataset.borderColor;
      context.lineWidth = 2;
      chart.getDatasetMeta(d).data.forEach((element, i) => {
        const point = dataset.data[i], low = scale.getPixelForValue(point.low), high = scale.getPixelForValue(point.high);
        if (!isNumber(point.low) || !isNumber(low) || !isNumber(high)) return;
        context.beginPath();
        context.moveTo(element.x, low);
        context.lineTo(element.x, high);
        for (const y of [low, high]) {
          context.moveTo(element.x - 7, y);
          context.lineTo(element.x + 7, y);
        }
        context.stroke();
      });
      context.restore();
    });
  },
});

function axis(title, more) {
  return {
    title: { display: true, text: title, color: inkOf("--soft"), font: { size: 12 } },
    grid: { color: inkOf("--line"), borderColor: inkOf("--soft"), tickLength: 4 },
    ticks: { color: inkOf("--soft"), maxRotation: 0, autoSkipPadding: 14, font: { size: 11 }, callback: tickText },
    ...more,
  };
}
/* As Chart.js writes them, all with the same decimals, but with narrow spaces between groups of digits, and with powers of ten for small
 * numbers of logarithmic axes. */
function tickText(value, index, ticks) {
  const isLogarithmic = this.type === "logarithmic";
  const text = Chart.Ticks.formatters[isLogarithmic ? "logarithmic" : "numeric"].call(this, value, index, ticks);
  const isLong = isLogarithmic && text !== "" && (value < 1e-3 || value >= 1e6);
  return (isLong ? value.toExponential(0).replace("+", "") : text).replaceAll(",", "\u202f").replaceAll("-", "\u2212").replace("E", "e");
}

function baseOptions(x, y, tooltip) {
  return {
    animation: false,
    locale: "en",
    responsive: true,
    maintainAspectRatio: false,
    parsing: false,
    normalized: true,
    interaction: { mode: "nearest", axis: "xy", intersect: false },
    elements: { point: { hitRadius: 8 } },
    scales: { x, y },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: inkOf("--ink"),
        titleColor: inkOf("--paper"),
        bodyColor: inkOf("--paper"),
        filter: (item) => item.dataset.role !== "edge",
        ...tooltip,
      },
    },
  };
}

const partsOf = (curve) => ["valid", "train"].filter((part) => settings[part] && curve[part] !== undefined);

/* Markers at about eight points of a line, at other places for each variant. */
function markerRadius(count, index) {
  const every = Math.max(1, Math.round(count / 8));
  return count === 1 ? 4 : (point) => (point.dataIndex % every === (index * 3) % every ? 3.5 : 0);
}

/* The curves of one name, {valid: "valid.loss", train: "train.loss"}, of all variants that are not hidden. `only`: the numbers of
 * some variants; all others are grey. */
function lineData(curve, only) {
  const datasets = [];
  const isGrey = (v) => only !== undefined && !only.includes(v);
  data.variants.forEach((variant, v) => {
    if (settings.hidden.has(v)) return;
    const style = styleOf(v), color = isGrey(v) ? withAlpha(inkOf("--soft"), 0.45) : style.color;
    for (const part of only === undefined ? partsOf(curve) : [curve.valid === undefined ? "train" : "valid"]) {
      const isMain = part === "valid" || curve.valid === undefined;
      const line = { borderColor: color, backgroundColor: color, borderWidth: isMain ? 2 : 1.25, tension: 0,
        borderDash: isMain ? style.dash : [2, 2], pointStyle: style.shape, pointRadius: 0, variant: v,
        label: curve.train !== undefined && curve.valid !== undefined ? `${variant.name}, ${part === "valid" ? "validation" : "training"}` : variant.name };
      if (settings.band === "seeds" && !isGrey(v)) {
        runsWith(variant, curve[part]).forEach((run) => datasets.push({ ...line, role: "seed", borderWidth: 1,
          label: `${line.label}, seed ${run.seed}`, data: seedCurve(variant, run, curve[part], settings) }));
        continue;
      }
      const points = averageCurve(variant, curve[part], settings);
      if (points.length === 0) continue;
      if (isMain && !isGrey(v)) line.pointRadius = markerRadius(points.length, v);
      const hasBand = points.some((point) => point.high > point.low) && settings.band !== "none" && !isGrey(v) && isMain;
      const edge = { ...line, role: "edge", borderWidth: 0, pointRadius: 0, pointHitRadius: 0 };
      if (hasBand) {
        datasets.push({ ...edge, data: points.map((point) => ({ x: point.x, y: point.low })) });
        datasets.push({ ...edge, data: points.map((point) => ({ x: point.x, y: point.high })), fill: "-1", backgroundColor: withAlpha(color, 0.16) });
      }
      datasets.push({ ...line, role: "mean", data: points });
    }
  });
  if (only !== undefined) datasets.sort((a, b) => isGrey(a.variant) - isGrey(b.variant)); /* the first is drawn last */
  if (settings.y === "logarithmic") {
    for (const dataset of datasets) dataset.data = dataset.data.map((point) => (point.y > 0 ? point : { ...point, y: NaN }));
  }
  return datasets;
}

/* `more`: options of the vertical axis if it is linear. */
function lineChart(title, curve, unit, only, more) {
  const xTitle = () => (settings.x === "step" ? "updates" : "seconds of training");
  return {
    title,
    config: () => ({
      type: "line",
      data: { datasets: lineData(curve, only) },
      options: baseOptions(
        axis(xTitle(), { type: "linear", min: 0, bounds: "data" }),
        axis(unit, { type: settings.y, ...(settings.y === "linear" ? more : {}) }),
        { callbacks: {
          title: (items) => (items.length === 0 ? "" : `${shortNumber(items[0].parsed.x)} ${settings.x === "step" ? "updates" : "s"}`),
          label: (item) => `${item.dataset.label}: ${shortNumber(item.raw.y)}` + (item.raw.n > 1 ? ` (${item.raw.n} seeds: ${shortNumber(item.raw.low)} to ${shortNumber(item.raw.high)})` : ""),
        } },
      ),
    }),
    table: () => lineTable(curve, xTitle()),
  };
}

/* The numbers of the lines: a row for each point of any variant. */
function lineTable(curve, xTitle) {
  const parts = partsOf(curve), columns = [], rows = new Map();
  data.variants.forEach((variant, v) => {
    if (settings.hidden.has(v)) return;
    for (const part of parts) {
      const points = averageCurve(variant, curve[part], settings);
      if (points.length === 0) continue;
      columns.push(parts.length > 1 ? `${variant.name}, ${part === "valid" ? "validation" : "training"}` : variant.name);
      for (const point of points) {
        if (!rows.has(point.x)) rows.set(point.x, []);
        rows.get(point.x)[columns.length - 1] = point.y;
      }
    }
  });
  const sorted = [...rows.keys()].sort((a, b) => a - b);
  return { head: [xTitle, ...columns], rows: sorted.map((x) => [x, ...columns.map((_, c) => rows.get(x)[c])]) };
}

/* ---- scores ---- */

const scoreTitle = `${data.metric}, ${data.part === "test" ? "test" : "validation"} part`;
const scoresOf = (variant) => variant.runs.filter((run) => isNumber(run.score));

/* The mean, with its 95 % interval (compare/statistics.h) as whiskers. */
const scoreSummary = (variant, x) =>
  isNumber(variant.mean) && isNumber(x) ? { x, y: variant.mean, low: variant.low, high: variant.high, n: scoresOf(variant).length } : null;

/* Each seed as a dot, and the mean with whiskers. `xOfRun` gives the place. */
function scoreData(xOfRun, xOfMean) {
  const datasets = [];
  data.variants.forEach((variant, v) => {
    if (settings.hidden.has(v)) return;
    const style = styleOf(v);
    const dots = scoresOf(variant).map((run, i) => ({ x: xOfRun(variant, run, v, i), y: run.score, seed: run.seed })).filter((dot) => isNumber(dot.x));
    const middle = scoreSummary(variant, xOfMean(variant, v));
    if (dots.length === 0) return;
    datasets.push({ role: "seeds", variant: v, label: variant.name, data: dots, pointStyle: "circle", pointRadius: 3,
      backgroundColor: withAlpha(style.color, 0.45), borderColor: withAlpha(style.color, 0.45), borderWidth: 1, order: 2 });
    if (middle !== null) {
      datasets.push({ role: "mean", variant: v, label: variant.name, data: [middle], whiskers: isNumber(middle.low), pointStyle: style.shape, pointRadius: 4.5,
        pointHoverRadius: 6, backgroundColor: style.color, borderColor: style.color, borderWidth: 2, order: 1 });
    }
  });
  return datasets;
}

const scoreTooltip = { callbacks: {
  title: () => "",
  label: (item) => item.dataset.role === "mean"
    ? `${item.dataset.label}: ${shortNumber(item.raw.y)}` + (isNumber(item.raw.low) ? ` [${shortNumber(item.raw.low)}, ${shortNumber(item.raw.high)}]` : "") + `, ${item.raw.n} runs`
    : `${item.dataset.label}, seed ${item.raw.seed}: ${shortNumber(item.raw.y)}`,
} };

/* The axis of scores: with room around the points, but not below 0 if no score is. */
function scoreAxis() {
  const scores = data.variants.flatMap((variant, v) => (settings.hidden.has(v) ? [] : [...scoresOf(variant).map((run) => run.score), variant.low].filter(isNumber)));
  const least = Math.min(...scores), room = 0.06 * (Math.max(...scores) - least);
  return axis(scoreTitle, { type: "linear", grace: "6%", ...(least >= 0 && least < room ? { min: 0 } : {}) });
}

/* A column for each variant that is not hidden; the seeds stand to the right of the mean. */
function dotChart() {
  const shown = () => data.variants.map((_, v) => v).filter((v) => !settings.hidden.has(v));
  const place = (v) => shown().indexOf(v);
  return {
    title: "Scores: each seed, mean and 95\u202f% interval",
    config: () => ({
      type: "scatter",
      data: { datasets: scoreData((variant, run, v, i) => place(v) + 0.12 + 0.26 * i / Math.max(1, scoresOf(variant).length - 1), (variant, v) => place(v) - 0.08) },
      options: baseOptions(
        axis("variant", { type: "linear", min: -0.5, max: Math.max(0.5, shown().length - 0.5),
          grid: { display: false },
          afterBuildTicks: (scale) => { scale.ticks = shown().map((_, i) => ({ value: i })); },
          ticks: { color: inkOf("--soft"), autoSkip: shown().length > 24, maxRotation: 60, font: { size: 11 }, callback: (value) => clip((data.variants[shown()[value]] || { name: "" }).name, 18) } }),
        scoreAxis(), scoreTooltip),
    }),
    table: () => ({
      head: ["variant", "seed", data.metric],
      rows: data.variants.flatMap((variant, v) => (settings.hidden.has(v) ? [] : scoresOf(variant).map((run) => [variant.name, run.seed, run.score]))),
    }),
  };
}
const clip = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

/* Score against a number of the variant or of the run. */
function againstChart(title, xTitle, xOfRun) {
  const wide = () => {
    const all = data.variants.flatMap((variant) => scoresOf(variant).map((run) => xOfRun(variant, run))).filter((x) => x > 0);
    return all.length > 0 && Math.max(...all) > 20 * Math.min(...all);
  };
  return {
    title,
    config: () => ({
      type: "scatter",
      data: { datasets: scoreData((variant, run) => xOfRun(variant, run), (variant) => {
        const known = scoresOf(variant).map((run) => xOfRun(variant, run)).filter(isNumber);
        return known.length === 0 ? null : mean(known);
      }) },
      options: baseOptions(axis(xTitle, { type: wide() ? "logarithmic" : "linear", grace: "5%" }), scoreAxis(), scoreTooltip),
    }),
    table: () => ({
      head: ["variant", "seed", xTitle, data.metric],
      rows: data.variants.flatMap((variant, v) => (settings.hidden.has(v) ? [] : scoresOf(variant).map((run) => [variant.name, run.seed, xOfRun(variant, run), run.score]))),
    }),
  };
}

/* ---- figures ---- */

const figures = [];
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const figure = figures.find((candidate) => candidate.element === entry.target);
    figure.isNear = entry.isIntersecting;
    if (figure.isNear && figure.isStale) draw(figure);
  }
}, { rootMargin: "400px" });

function draw(figure) {
  const config = figure.chart.config();
  figure.isStale = false;
  if (figure.drawn) figure.drawn.destroy();
  if (figure.chart.tall) figure.canvas.parentElement.style.height = `${Math.max(10, 5 + 1.2 * figure.chart.tall())}rem`;
  figure.drawn = new Chart(figure.canvas, config);
  const names = new Set(config.data.datasets.map((dataset) => data.variants[dataset.variant].name));
  figure.canvas.setAttribute("aria-label", `Chart: ${figure.chart.title}, of ${[...names].join(", ")}. The table below has its numbers.`);
  if (figure.details.open) fillTable(figure);
}

function fillTable(figure) {
  const { head, rows } = figure.chart.table();
  const table = document.createElement("table");
  table.createCaption().textContent = figure.chart.title;
  const headRow = table.createTHead().insertRow(), body = table.createTBody();
  head.forEach((text, i) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    cell.className = i === 0 && typeof (rows[0] || [])[0] === "string" ? "" : "n";
    headRow.append(cell);
  });
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of row) {
      const cell = line.insertCell();
      cell.textContent = typeof value === "string" ? value : shortNumber(value);
      cell.className = typeof value === "string" ? "" : "n";
    }
  }
  figure.tableHolder.replaceChildren(table);
}

/* `isWide`: as wide as the page. */
function addFigure(parent, chart, isWide) {
  const element = document.createElement("figure"), caption = document.createElement("figcaption");
  const holder = document.createElement("div"), canvas = document.createElement("canvas");
  const details = document.createElement("details"), summary = document.createElement("summary");
  const tableHolder = document.createElement("div");
  caption.textContent = chart.title;
  holder.className = "canvas";
  element.className = isWide ? "wide" : "";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", chart.title);
  summary.textContent = "Table";
  tableHolder.className = "scroll";
  tableHolder.tabIndex = 0;
  holder.append(canvas);
  details.append(summary, tableHolder);
  element.append(caption, holder, details);
  parent.append(element);
  const figure = { element, canvas, details, tableHolder, chart, isNear: false, isStale: true, drawn: null };
  details.addEventListener("toggle", () => details.open && fillTable(figure));
  figures.push(figure);
  watcher.observe(element);
}

/* What the window shows at first is drawn before its first frame. */
function drawFirst() {
  const near = figures.filter((figure) => figure.element.getBoundingClientRect().top < window.innerHeight);
  for (const figure of near) draw(figure);
}

/* Draws what is near the window, the rest when it comes near; `all` draws all. */
function redraw(all) {
  for (const figure of figures) {
    figure.isStale = true;
    if (all || figure.isNear) draw(figure);
  }
}
