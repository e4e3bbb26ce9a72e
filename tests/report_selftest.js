/* tests/report_selftest.js: runs in the page of a report (tests/test_report_page.py), uses it as a person does, and leaves what it saw as
 * JSON in the element "selftest".
 */
const seen = { errors: window.seenErrors, charts: {}, scripts: document.scripts.length };

/* The pixels of a chart that are not transparent, and neither grey nor pale: lines and points of variants. */
const reader = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function strongPixels(canvas) {
  Object.assign(reader.canvas, { width: canvas.width, height: canvas.height });
  reader.drawImage(canvas, 0, 0);
  const pixels = reader.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const channels = [pixels[i], pixels[i + 1], pixels[i + 2]];
    count += pixels[i + 3] > 128 && (Math.max(...channels) - Math.min(...channels) > 40 || Math.max(...channels) < 64);
  }
  return count;
}

/* Every chart of the page, by its title: lines by their role, and what is on the canvas. */
function charts(withPixels) {
  const all = {};
  for (const figure of document.querySelectorAll("figure")) {
    const canvas = figure.querySelector("canvas"), chart = Chart.getChart(canvas), roles = {};
    for (const dataset of chart ? chart.data.datasets : []) roles[dataset.role] = (roles[dataset.role] || 0) + 1;
    all[figure.querySelector("figcaption").textContent] = {
      roles, pixels: chart && withPixels ? strongPixels(canvas) : 0, label: canvas.getAttribute("aria-label"),
      x: chart && chart.options.scales.x.title.text, xMax: chart && chart.scales.x.max, y: chart && chart.scales.y.type,
      points: chart && chart.data.datasets.length > 0 ? chart.data.datasets[chart.data.datasets.length - 1].data.length : 0,
    };
  }
  return all;
}
/* What is not in the window is drawn as for printing. */
function chartsNow(withPixels) {
  window.dispatchEvent(new Event("beforeprint"));
  const all = charts(withPixels);
  window.dispatchEvent(new Event("afterprint"));
  return all;
}

const column = (table, index) => [...table.tBodies[0].rows].map((row) => row.cells[index].textContent);
function choose(name, value) {
  const input = document.querySelector(`#controls [name="${name}"]` + (name === "x" || name === "y" ? `[value="${value}"]` : ""));
  if (input.type === "checkbox" || input.type === "radio") input.checked = value !== false;
  else input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function useThePage() {
  const table = document.getElementById("variants"), heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  seen.heads = heads;
  seen.sorted = {};
  for (const head of ["Variant", "Mean", "Steps to target"]) {
    const index = heads.indexOf(head), button = table.tHead.rows[0].cells[index].querySelector("button");
    button.click();
    seen.sorted[head] = [column(table, index)];
    button.click();
    seen.sorted[head].push(column(table, index));
    seen.sorted[head].push(table.tHead.rows[0].cells[index].getAttribute("aria-sort"));
  }

  choose("y", "logarithmic");
  choose("x", "seconds");
  seen.seconds = chartsNow();
  choose("x", "step");
  choose("y", "linear");
  choose("band", "seeds");
  seen.seeds = chartsNow();
  choose("band", "none");
  choose("train", false);
  choose("smoothing", "0.9");
  seen.bare = chartsNow();
  seen.smoothing = document.getElementById("smoothing-value").textContent;

  const button = document.querySelector("#legend button");
  button.click();
  seen.hidden = chartsNow();
  seen.pressed = button.getAttribute("aria-pressed");
  button.click();

  seen.themes = [getComputedStyle(document.body).backgroundColor];
  document.getElementById("theme").click();
  seen.themes.push(getComputedStyle(document.body).backgroundColor);

  for (const details of document.querySelectorAll("figure details")) details.open = true;
}

try {
  seen.start = chartsNow(true);
  if (!window.triesNetwork) useThePage();
} catch (error) {
  seen.errors.push(String(error.stack));
}

/* The tables are filled after the event; the request must fail. */
setTimeout(async () => {
  seen.tables = [...document.querySelectorAll("figure")].map((figure) => {
    const table = figure.querySelector("details table");
    return table === null ? null : [figure.querySelector("figcaption").textContent, table.tHead.rows[0].cells.length, table.tBodies[0].rows.length];
  });
  seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  if (window.triesNetwork) {
    seen.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => seen.violations.push(event.effectiveDirective));
    await fetch(window.triesNetwork).catch(() => 0);
    const image = new Image();
    await new Promise((done) => { image.onerror = image.onload = done; image.src = window.triesNetwork; });
    await new Promise((done) => setTimeout(done, 50));
  }
  const element = document.createElement("script");
  element.type = "application/json";
  element.id = "selftest";
  element.textContent = JSON.stringify(seen).replace(/</g, "\\u003c");
  document.body.append(element);
}, 100);
