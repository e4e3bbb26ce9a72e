/* Charts of what `rondo inspect` has measured (inspect.json: inspect/inspect.h). They have axes of their own, so the controls of the
 * curves do not change them, but the legend does.
 */
const inspected = () => data.variants.map((variant, v) => ({ variant, v, inspection: variant.inspection })).filter((item) => item.inspection && !settings.hidden.has(item.v));

/* [{label, v, dash, points}] as lines. `y`: the kind of the axis. */
function plainLines(title, xTitle, yTitle, y, lines) {
  const positive = (points) => points.filter((point) => isNumber(point.y) && (y !== "logarithmic" || point.y > 0));
  return {
    title,
    config: () => ({
      type: "line",
      data: { datasets: lines().map((line) => ({
        role: "mean", variant: line.v, label: line.label, data: positive(line.points), borderColor: styleOf(line.v).color, backgroundColor: styleOf(line.v).color,
        borderWidth: 2, borderDash: line.dash || styleOf(line.v).dash, pointStyle: styleOf(line.v).shape, pointRadius: markerRadius(line.points.length, line.v),
      })) },
      options: baseOptions(axis(xTitle, { type: "linear", min: 0, bounds: "data" }), axis(yTitle, { type: y }), { callbacks: {
        title: (items) => (items.length === 0 ? "" : `${xTitle}: ${shortNumber(items[0].parsed.x)}`),
        label: (item) => `${item.dataset.label}: ${shortNumber(item.raw.y)}`,
      } }),
    }),
    table: () => {
      const all = lines(), places = [...new Set(all.flatMap((line) => line.points.map((point) => point.x)))].sort((a, b) => a - b);
      const values = all.map((line) => new Map(line.points.map((point) => [point.x, point.y])));
      return { head: [xTitle, ...all.map((line) => line.label)], rows: places.map((x) => [x, ...values.map((map) => map.get(x))]) };
    },
  };
}

const pointsOf = (curve) => (curve && curve.distance ? curve.distance.map((x, i) => ({ x, y: curve.norm[i] })) : []);
const layersOf = (inspection) => inspection.layers || [];

/* One layer: the states of all variants. Further states of a variant are dashed. */
function gradientLines(layer) {
  return inspected().flatMap(({ variant, v, inspection }) =>
    layersOf(inspection).filter((candidate) => candidate.name === layer).flatMap((found) =>
      (found.states || []).map((state, i) => ({ v, label: `${variant.name}, ${state.name}`, dash: i === 0 ? undefined : dashes[1 + (i - 1) % 3], points: pointsOf(state.curve) }))
        .filter((line) => line.points.length > 0)));
}

/* The middle of the update-to-weight ratios of all parameters. */
function ratioLines() {
  return inspected().filter(({ inspection }) => inspection.updates).map(({ variant, v, inspection }) => ({
    v, label: variant.name,
    points: inspection.updates.step.map((x, i) => {
      const known = Object.values(inspection.updates.ratio).map((ratios) => ratios[i]).filter(isNumber).sort((a, b) => a - b);
      return { x, y: known.length === 0 ? null : (known[(known.length - 1) >> 1] + known[known.length >> 1]) / 2 };
    }),
  }));
}

/* The gates of all variants as bars: the share of their values near the lower and near the upper limit. */
function gateChart() {
  const gates = () => inspected().flatMap(({ variant, v, inspection }) => layersOf(inspection).flatMap((layer) =>
    (layer.gates || []).map((gate) => ({ v, label: `${variant.name}, ${layer.name}.${gate.name}`, low: 100 * gate.below, high: 100 * gate.above }))));
  return {
    title: "Gates near their limits",
    tall: () => gates().length,
    config: () => {
      const all = gates();
      const side = (key, label, alpha) => ({ role: key, label, variant: (all[0] || { v: 0 }).v, data: all.map((gate, y) => ({ x: key === "low" ? -gate.low : gate.high, y })),
        backgroundColor: all.map((gate) => withAlpha(styleOf(gate.v).color, alpha)), borderColor: all.map((gate) => styleOf(gate.v).color), borderWidth: 1, barPercentage: 0.8, categoryPercentage: 1, grouped: false });
      return {
        type: "bar",
        data: { labels: all.map((gate) => gate.label), datasets: [side("low", "near the lower limit", 0.35), side("high", "near the upper limit", 0.85)] },
        options: { ...baseOptions(
          axis("low  \u2190  % of the values  \u2192  high", { type: "linear", min: -100, max: 100 }),
          axis("", { type: "category", labels: all.map((gate) => clip(gate.label, 28)), grid: { display: false }, ticks: { color: inkOf("--soft"), autoSkip: false, font: { size: 11 } } }),
          { callbacks: { title: (items) => (items.length === 0 ? "" : all[items[0].dataIndex].label), label: (item) => `${item.dataset.label}: ${shortNumber(Math.abs(item.parsed.x))} %` } }), indexAxis: "y" },
      };
    },
    table: () => ({ head: ["gate", "near the lower limit, %", "near the upper limit, %"], rows: gates().map((gate) => [gate.label, gate.low, gate.high]) }),
  };
}

function addInspections(holder) {
  if (!holder) return;
  const layers = [...new Set(inspected().flatMap(({ inspection }) => layersOf(inspection).map((layer) => layer.name)))];
  const distance = "steps before the loss";
  for (const layer of layers) {
    if (gradientLines(layer).length > 0) addFigure(holder, plainLines(`Gradient at the states of ${layer}`, distance, "norm of the gradient", "logarithmic", () => gradientLines(layer)));
  }
  const memoryLines = () => inspected().map(({ variant, v, inspection }) => ({ v, label: variant.name, points: pointsOf((inspection.memory || {}).curve) })).filter((line) => line.points.length > 0);
  if (memoryLines().length > 0) addFigure(holder, plainLines("Gradient at the inputs", distance, "norm of the gradient", "logarithmic", memoryLines));
  if (inspected().some(({ inspection }) => layersOf(inspection).some((layer) => (layer.gates || []).length > 0))) addFigure(holder, gateChart());
  if (ratioLines().length > 0) addFigure(holder, plainLines("Update-to-weight ratio, median over the parameters", "updates", "ratio", "logarithmic", ratioLines));
}
