// Draws one point of a device over time from the page's own API; colours come from the style sheet.
"use strict";
(() => {
  const box = document.querySelector("[data-chart]");
  if (!box) return;
  const chinese = document.documentElement.lang === "zh-CN";
  const select = document.querySelector("[data-chart-point]"), note = document.querySelector("[data-chart-note]");
  const spans = [...document.querySelectorAll("[data-chart-hours]")];
  let hours = 24, chart = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const zone = box.dataset.zone;
  const stamp = (seconds, options) => new Date(seconds * 1000).toLocaleString(chinese ? "zh-CN" : "en-GB", { timeZone: zone, hour12: false, ...options });
  const tick = (seconds) => stamp(seconds, hours <= 24 ? { hour: "2-digit", minute: "2-digit" } : hours <= 24 * 31 ? { month: "2-digit", day: "2-digit" } : { year: "2-digit", month: "2-digit" });
  const shown = (value) => value == null ? "–" : Number(value.toPrecision(7)).toString();

  async function draw() {
    const until = Math.round(Number(document.body.dataset.now) + performance.now()), since = until - hours * 3600e3, point = select.value;
    const answer = await fetch(`/api/v1/devices/${encodeURIComponent(box.dataset.chart)}/history/${encodeURIComponent(point)}?since_ms=${since}&until_ms=${until}&buckets=600`);
    if (!answer.ok) { note.textContent = box.dataset.none; return; }
    const told = await answer.json(), unit = select.selectedOptions[0].dataset.unit;
    chart?.destroy();
    chart = null;
    const values = told.counter ? told.increase : told.mean;
    const known = values.filter((value) => value !== null);
    if (!known.length) { note.textContent = box.dataset.none; return; }
    const times = told.at_ms.map((at) => at / 1000), line = colour("--accent"), soft = colour("--soft"), grid = colour("--line");
    const axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui" };
    const value = (plot, raw) => raw == null ? "–" : `${shown(raw)} ${unit}`;
    const main = { label: select.selectedOptions[0].text, stroke: line, width: 2, fill: told.counter ? `${line}55` : undefined, points: { show: times.length < 60, size: 5 }, value };
    if (told.counter) main.paths = uPlot.paths.bars({ size: [0.9, 40] });
    const edge = (label) => ({ label, stroke: `${line}55`, width: 1, points: { show: false }, value });
    const series = [{ label: box.dataset.time, value: (plot, raw) => raw == null ? "–" : stamp(raw, {}) }, main];
    const data = [times, values];
    if (!told.counter) { series.push(edge(box.dataset.max), edge(box.dataset.min)); data.push(told.maximum, told.minimum); }
    chart = new uPlot({
      width: box.clientWidth, height: Math.max(200, Math.min(340, box.clientWidth * 0.5)), series,
      scales: { x: { min: since / 1000, max: until / 1000 }, y: told.counter ? { range: (plot, least, most) => [0, most || 1] } : {} },
      axes: [{ ...axis, values: (plot, ticks) => ticks.map(tick) }, { ...axis, size: 64 }],
      bands: told.counter ? [] : [{ series: [2, 3], fill: `${line}22` }],
      cursor: { drag: { x: true, y: false } },
    }, data, box);
    const summary = told.counter
      ? `${box.dataset.sum}: ${shown(known.reduce((sum, each) => sum + each, 0))} ${unit}`
      : `${box.dataset.min} ${shown(Math.min(...told.minimum.filter((each) => each !== null)))}, ${box.dataset.max} ${shown(Math.max(...told.maximum.filter((each) => each !== null)))} ${unit}`;
    note.textContent = summary;
    box.setAttribute("aria-label", `${select.selectedOptions[0].text}. ${summary}`);
  }

  for (const button of spans)
    button.addEventListener("click", () => {
      hours = Number(button.dataset.chartHours);
      for (const other of spans) other.setAttribute("aria-pressed", String(other === button));
      draw();
    });
  select.addEventListener("change", draw);
  new ResizeObserver(() => chart?.setSize({ width: box.clientWidth, height: chart.height })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
