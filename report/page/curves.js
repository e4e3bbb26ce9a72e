/* Curves as numbers. The data (report/data.c):
 *
 *   metric, part, higher_is_better, target   the score of the comparison
 *   variants[]   name, parameters (0: not known), flops; mean of the scores, with its interval low to high (null: none)
 *     inspection   inspect.json (inspect/inspect.h) of one of its runs; may be missing
 *     step[]     the points of all its curves, in updates; a point has up to `bucket` validations
 *     runs[]     seed, state, score, total (seconds), seconds[] (of the points)
 *       curves   by name ("valid.loss"): [number or null], or {mean, low, high} of such lists
 */
const data = JSON.parse(document.getElementById("data").textContent);
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

const curveOf = (run, name) => {
  const curve = run.curves[name];
  return curve === undefined || Array.isArray(curve) ? curve : curve.mean;
};
const extremeOf = (run, name, which) => {
  const curve = run.curves[name];
  return Array.isArray(curve) ? curve : curve[which];
};

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => {
  const middle = mean(values);
  return values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1));
};

/* Exponential moving average; the first values count as if the curve had gone on before them as its average does. */
function smooth(values, weight) {
  if (weight === 0) return values;
  let average = 0, share = 0;
  return values.map((value) => {
    if (!isNumber(value)) return null;
    average = weight * average + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return average / share;
  });
}

/* The runs of a variant that have a curve of this name. */
const runsWith = (variant, name) => variant.runs.filter((run) => (curveOf(run, name) || []).some(isNumber));

/* The mean over the seeds at each point, with the band: [{x, y, low, high}]. */
function averageCurve(variant, name, settings) {
  const runs = runsWith(variant, name);
  const curves = runs.map((run) => smooth(curveOf(run, name), settings.smoothing));
  const lows = settings.smoothing > 0 ? curves : runs.map((run) => extremeOf(run, name, "low"));
  const highs = settings.smoothing > 0 ? curves : runs.map((run) => extremeOf(run, name, "high"));
  return variant.step.map((step, i) => {
    const known = curves.map((curve) => curve[i]).filter(isNumber);
    if (known.length === 0) return null;
    const point = { x: xOf(variant, runs, i, settings.x), y: mean(known), n: known.length };
    const spread = deviation(known);
    const range = settings.band === "range";
    point.low = range ? Math.min(...lows.map((low) => low[i]).filter(isNumber)) : point.y - spread;
    point.high = range ? Math.max(...highs.map((high) => high[i]).filter(isNumber)) : point.y + spread;
    return isNumber(point.x) ? point : null;
  }).filter((point) => point !== null);
}

/* Each seed for itself. */
function seedCurve(variant, run, name, settings) {
  return smooth(curveOf(run, name), settings.smoothing)
    .map((y, i) => ({ x: xOf(variant, [run], i, settings.x), y }))
    .filter((point) => isNumber(point.x) && isNumber(point.y));
}

/* The seeds of a variant reach a step at different times: the mean of these. */
function xOf(variant, runs, i, axis) {
  if (axis === "step") return variant.step[i];
  const times = runs.map((run) => (run.seconds || [])[i]).filter(isNumber);
  return times.length === 0 ? null : mean(times);
}

/* All names of curves, in the order in which the runs have them. */
function curveNames() {
  const names = new Set();
  for (const variant of data.variants) for (const run of variant.runs) for (const name in run.curves) names.add(name);
  return [...names];
}

/* A number with about four significant digits. */
function shortNumber(value) {
  if (!isNumber(value)) return "–";
  if (value < 0) return "\u2212" + shortNumber(-value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2).replace("e+", "e");
  if (Number.isInteger(value)) return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : size >= 10 ? value.toFixed(2) : value.toFixed(4);
}
