"use strict";
// The interactive figures: unpacks each, draws what is chosen, and fits it to the width of the page. Without this
// script the page shows the static figures instead.
const MOST_HEIGHT = 560; // CSS pixels of a frame: a figure fits on a laptop's screen
const MINUS = "\u2212", DASH = "\u2013";

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function number(value, places) {
  if (!Number.isFinite(value)) return places ? DASH : "0";
  return value.toFixed(places).replace("-", MINUS);
}

function model(plot, name) {
  return plot.document.get_model_by_name(name);
}

function fit(plot, box) {
  const { shape } = plot.tags[0], sides = plot.min_border_left + plot.min_border_right;
  const width = Math.max(Math.min(box.clientWidth - sides, MOST_HEIGHT / shape), 160);
  plot.setv({ frame_width: Math.round(width), frame_height: Math.round(width * shape) });
}

function tell(plot, rows) { // Bokeh's own list of numbers is too pale to read
  const escaped = (text) => text.replace(/[&<>@$]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  const cells = ([text, column]) => `<tr><td style="color:#555">${escaped(text)}</td><td style="color:#111">@${column}</td></tr>`;
  model(plot, "hover").tooltips = `<table class="told">${rows.map(cells).join("")}</table>`;
}

function drawMap(plot, sample, quantity) {
  const { corners, columns, views } = plot.tags[0];
  const view = views[sample][quantity];
  const values = columns[view.value];
  const filled = [];
  values.forEach((value, pixel) => { if (Number.isFinite(value)) filled.push(pixel); });
  const side = (pixel, first) => [0, 2, 4, 6].map((corner) => corners[8 * pixel + corner + first]);
  const data = {
    xs: filled.map((pixel) => side(pixel, 0)),
    ys: filled.map((pixel) => side(pixel, 1)),
    value: filled.map((pixel) => values[pixel]),
  };
  view.rows.forEach((row, place) => {
    const told = (pixel) => {
      const known = row.columns.some((name) => Number.isFinite(columns[name][pixel]));
      return known || !row.places  // a band that a pixel of one or two stars has not is one dash, not a range of two
        ? row.columns.map((name) => number(columns[name][pixel], row.places)).join(row.between)
        : DASH;
    };
    data[`row${place}`] = filled.map(told);
  });
  for (const one of Object.keys(views[sample])) model(plot, `bar ${one}`).visible = one === quantity;
  const colour = { field: "value", transform: model(plot, `scale ${quantity}`) };
  model(plot, "drawn").glyph.setv({ fill_color: colour, line_color: colour });
  model(plot, "pixels").data = data;
  tell(plot, view.rows.map((row, place) => [row.text, `row${place}`]));
  return `${filled.length} pixels are filled.`;
}

function drawProfiles(plot, sample, label, hidden) {
  const { axes, curves } = plot.tags[0];
  const bands = { xs: [], ys: [], colour: [] };
  const lines = { xs: [], ys: [], colour: [], dash: [] };
  const points = { x: [], y: [], colour: [], fill: [], slice: [], position: [], median: [], band: [], stars: [] };
  const wanted = (curve) => curve.sample === sample && curve.label === label;
  const shown = curves.filter((curve) => wanted(curve) && !hidden.has(curve.part) && !hidden.has(curve.side));
  for (const curve of shown) {
    const { colour, part, side } = curve, south = side === "south";
    const [x, median, low, high] = [curve.x, curve.median, curve.low, curve.high].map((values) => Array.from(values));
    const ends = [0, ...curve.breaks, x.length];
    for (let run = 0; run + 1 < ends.length; run++) {
      const of = (values) => values.slice(ends[run], ends[run + 1]);
      bands.xs.push([...of(x), ...of(x).reverse()]);
      bands.ys.push([...of(high), ...of(low).reverse()]);
      bands.colour.push(colour);
      lines.xs.push(of(x));
      lines.ys.push(of(median));
      lines.colour.push(colour);
      lines.dash.push(south ? "dashed" : "solid");
    }
    x.forEach((position, bin) => {
      points.x.push(position);
      points.y.push(median[bin]);
      points.position.push(number(position, 2));
      points.colour.push(colour);
      points.fill.push(south ? "white" : colour);
      points.slice.push(side === "both" ? part : `${part}, ${side}`);
      points.median.push(number(median[bin], 3));
      points.band.push(`${number(low[bin], 3)} to ${number(high[bin], 3)}`);
      points.stars.push(number(curve.stars[bin], 0));
    });
  }
  model(plot, "bands").data = bands;
  model(plot, "lines").data = lines;
  model(plot, "points").data = points;
  tell(plot, plot.tags[0].told);
  plot.left[0].axis_label = axes[label].title;
  const [start, end] = axes[label].range;
  plot.y_range.setv({ start, end, reset_start: start, reset_end: end });
  return `${shown.length} curves are drawn.`;
}

async function start(figure) {
  const live = figure.querySelector(".live"), box = figure.querySelector(".plot");
  const chosen = (name) => live.querySelector(`[name$="-${name}"]:checked, select[name$="-${name}"]`);
  const words = (control) => (control.labels && control.type === "radio" ? control.labels[0] : control.selectedOptions[0]).textContent.trim();
  const item = await unpack(figure.querySelector("script").textContent);
  live.hidden = false;
  const [view] = (await Bokeh.embed.embed_item(item, box)).roots;
  const plot = view.model;
  const draw = () => {
    const sample = chosen("sample"), quantity = chosen("quantity");
    const hidden = new Set([...live.querySelectorAll("[type=checkbox]:not(:checked)")].map((control) => control.value));
    const say = plot.tags[0].kind === "map" ? drawMap : drawProfiles;
    const text = `${words(quantity)}, ${words(sample)}: ${say(plot, sample.value, quantity.value, hidden)}`;
    live.querySelector("output").textContent = text;
    box.setAttribute("aria-label", text);
  };
  live.addEventListener("change", draw);
  draw();
  fit(plot, box);
  let known = box.clientWidth;
  new ResizeObserver(() => { // only a new width counts: the height is of the figure's own making
    if (box.clientWidth !== known) fit(plot, box);
    known = box.clientWidth;
  }).observe(box);
  figure.querySelector("details").open = false;
  figure.dataset.state = "ready";
}

addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
for (const figure of document.querySelectorAll(".interactive")) {
  start(figure).catch((reason) => { // the static figure stays in view
    figure.querySelector(".live").hidden = true;
    console.error(reason);
  });
}
