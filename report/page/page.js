/* The page: its charts, its controls, tables that can be sorted, the theme, printing. */

/* ---- theme ---- */

const root = document.documentElement, themeButton = document.getElementById("theme");
function showTheme() {
  fillLegend();
  markRows();
  themeButton.textContent = themeNow() === "dark" ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", `Change to the ${themeNow() === "dark" ? "light" : "dark"} theme`);
}
function setTheme(theme) {
  root.dataset.theme = theme;
  showTheme();
  redraw(false);
}
function changeTheme() {
  setTheme(themeNow() === "dark" ? "light" : "dark");
}
themeButton.addEventListener("click", changeTheme);
darkQuery.addEventListener("change", () => { showTheme(); redraw(false); });

/* ---- tables ---- */

/* Numbers by their exact value, texts by their letters; what is not known comes last in both orders. */
function sortTable(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => {
    const cell = row.cells[column], exact = cell.dataset.v;
    return { row, value: cell.classList.contains("n") ? (exact === undefined ? null : Number(exact)) : cell.textContent };
  });
  rows.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    const order = typeof a.value === "string" ? a.value.localeCompare(b.value, "en", { numeric: true }) : a.value - b.value;
    return direction * order;
  });
  body.append(...rows.map((item) => item.row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      sortTable(table, column, direction);
    });
  });
}

/* ---- the legend: a button for each variant ---- */

/* The line and the point of a variant, as SVG. */
function swatch(index) {
  const style = styleOf(index), space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("width", "34");
  svg.setAttribute("height", "12");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path"), point = document.createElementNS(space, "path");
  const marks = {
    circle: "M13 6a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", rect: "M13.5 2.5h7v7h-7z", triangle: "M17 1.5l4.5 8h-9z", rectRot: "M17 1l5 5l-5 5l-5 -5z",
    crossRot: "M13.5 2.5l7 7m0 -7l-7 7", star: "M12.5 6h9M17 1.5v9M13.8 2.8l6.4 6.4m0 -6.4l-6.4 6.4", cross: "M12.5 6h9M17 1.5v9",
  };
  line.setAttribute("d", "M0 6H34");
  line.setAttribute("stroke-dasharray", style.dash.join(" "));
  point.setAttribute("d", marks[style.shape]);
  point.setAttribute("fill", style.color);
  for (const path of [line, point]) {
    path.setAttribute("stroke", style.color);
    path.setAttribute("stroke-width", "2");
    svg.append(path);
  }
  return svg;
}

const legend = document.getElementById("legend");
function fillLegend() {
  legend.replaceChildren(...data.variants.map((variant, v) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!settings.hidden.has(v)));
    button.append(swatch(v), document.createTextNode(variant.name));
    button.addEventListener("click", () => {
      if (!settings.hidden.delete(v)) settings.hidden.add(v);
      button.setAttribute("aria-pressed", String(!settings.hidden.has(v)));
      redraw(false);
    });
    return button;
  }));
}

/* The variants in tables look as in the charts. */
function markRows() {
  for (const row of document.querySelectorAll("tr[data-variant]")) {
    const head = row.cells[0], old = head.querySelector("svg");
    if (old) old.remove();
    head.prepend(swatch(Number(row.dataset.variant)));
  }
}

/* ---- controls ---- */

function changeSetting(event) {
  const input = event.target;
  settings[input.name] = input.type === "checkbox" ? input.checked : input.type === "range" ? Number(input.value) : input.value;
  document.getElementById("smoothing-value").textContent = settings.smoothing;
  redraw(false);
}
document.getElementById("controls").addEventListener("input", changeSetting);

/* ---- charts ---- */

function addCharts() {
  const holders = {};
  for (const holder of document.querySelectorAll("[data-charts]")) holders[holder.dataset.charts] = holder;
  const names = curveNames(), metrics = new Map();
  for (const name of names) {
    const [part, ...rest] = name.split(".");
    if ((part === "train" || part === "valid") && rest.length > 0) {
      const metric = rest.join(".");
      metrics.set(metric, { ...metrics.get(metric), [part]: name });
    }
  }
  if (data.variants.some((variant) => scoresOf(variant).length > 0)) {
    addFigure(holders.scores, dotChart(), data.variants.length > 12);
    if (data.variants.some((variant) => variant.parameters > 0)) {
      addFigure(holders.scores, againstChart("Score against parameters", "parameters", (variant) => variant.parameters || null));
    }
    if (data.variants.some((variant) => variant.runs.some((run) => isNumber(run.total)))) {
      addFigure(holders.scores, againstChart("Score against time of training", "seconds of training", (variant, run) => run.total));
    }
  }
  for (const [metric, curve] of metrics) addFigure(holders.metrics, lineChart(metric, curve, metric));
  for (const name of ["learning rate", "gradient norm"]) {
    if (names.includes(name)) addFigure(holders.training, lineChart(name, { valid: name }, name, undefined, { min: 0 }));
  }
  addInspections(holders.inspection);
  const main = metrics.get(data.metric) || metrics.get("loss");
  for (const holder of document.querySelectorAll("[data-variants]")) {
    const some = holder.dataset.variants.split(" ").map(Number);
    const title = some.length > 3 ? `${some.length} variants` : some.map((v) => data.variants[v].name).join(", ");
    if (main !== undefined) addFigure(holder, lineChart(`${data.metric} of ${title}`, main, data.metric, some));
  }
}

function noteReduction() {
  const largest = Math.max(...data.variants.map((variant) => variant.bucket || 1));
  document.getElementById("reduction").textContent = largest > 1
    ? `Long curves are reduced: a point is the mean of up to ${largest} values of the log. The band from the smallest to the largest contains all of them.`
    : "The curves have every value of the logs.";
}

/* ---- printing: on white paper, with all charts, in twice the pixels of the screen ---- */

let themeBeforePrint;
window.addEventListener("beforeprint", () => {
  themeBeforePrint = root.dataset.theme;
  root.dataset.theme = "light";
  Chart.defaults.devicePixelRatio = 2 * window.devicePixelRatio;
  showTheme();
  redraw(true);
});
window.addEventListener("afterprint", () => {
  if (themeBeforePrint === undefined) delete root.dataset.theme;
  else root.dataset.theme = themeBeforePrint;
  Chart.defaults.devicePixelRatio = undefined;
  showTheme();
  redraw(false);
});

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
for (const element of document.querySelectorAll(".script")) element.hidden = false;
for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
showTheme();
addCharts();
noteReduction();
drawFirst();
