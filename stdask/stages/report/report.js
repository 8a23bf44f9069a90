"use strict";
// The interactive figures: unpacks each, draws what is chosen, and fits it to the width of the page. Without this
// script the page shows the static figures instead.
const MOST_HEIGHT = 560; // CSS pixels of a frame: a figure fits on a laptop's screen
const BLINK_MS = 900; // about one change a second: slow enough to read, and far from what flickers (WCAG 2.3.1)
const MINUS = "\u2212", DASH = "\u2013";

const drawn = new WeakMap(); // view -> its pixels, so that a map can blink

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

function pixelsOf(tags, view) { // what the one renderer of a map draws of a view, and what the pointer reads there
  const { corners, columns, same } = tags;
  const column = (name) => columns[same[name] ?? name];
  const values = column(view.value), stars = column(view.stars), filled = [];
  stars.forEach((count, pixel) => { if (count > 0) filled.push(pixel); });
  const side = (pixel, first) => [0, 2, 4, 6].map((corner) => corners[8 * pixel + corner + first]);
  const data = {
    xs: filled.map((pixel) => side(pixel, 0)),
    ys: filled.map((pixel) => side(pixel, 1)),
    value: filled.map((pixel) => values[pixel]),
  };
  view.rows.forEach((row, place) => {
    const own = row.columns.map(column);
    const told = (pixel) => {
      const known = own.some((numbers) => Number.isFinite(numbers[pixel]));
      return known || !row.places  // a band that a pixel of one or two stars has not is one dash, not a range of two
        ? own.map((numbers) => number(numbers[pixel], row.places)).join(row.between)
        : DASH;
    };
    data[`row${place}`] = filled.map(told);
  });
  return data;
}

function drawMap(plot, sample, quantity) {
  const tags = plot.tags[0], view = tags.views[sample]?.[quantity];
  for (const one of Object.keys(tags.grounds)) model(plot, `bar ${one}`).visible = one === quantity;
  if (!view) { // what B alone does not have, for one, is a change
    model(plot, "pixels").data = { xs: [], ys: [], value: [] };
    return "these stars have none.";
  }
  if (!drawn.has(view)) drawn.set(view, pixelsOf(tags, view));
  const data = drawn.get(view);
  plot.background_fill_color = tags.grounds[quantity];
  const colour = { field: "value", transform: model(plot, `scale ${quantity}`) };
  model(plot, "drawn").glyph.setv({ fill_color: colour, line_color: colour });
  model(plot, "pixels").data = data;
  tell(plot, view.rows.map((row, place) => [row.text, `row${place}`]));
  const grey = data.value.filter((value) => !Number.isFinite(value)).length;
  return `${data.value.length - grey} pixels have a value, ${grey} have too few stars.`;
}

function drawProfiles(plot, sample, label, hidden) {
  const { axes, curves } = plot.tags[0];
  const bands = { xs: [], ys: [], colour: [] };
  const lines = { xs: [], ys: [], colour: [], dash: [] };
  const points = { x: [], y: [], colour: [], fill: [], slice: [], position: [], median: [], error: [], band: [],
    stars: [] };
  const wanted = (curve) => curve.sample === sample && curve.label === label;
  const shown = curves.filter((curve) => wanted(curve) && !hidden.has(curve.part) && !hidden.has(curve.side));
  for (const curve of shown) {
    const { colour, part, side } = curve, south = side === "south";
    const [x, median, low, high, error] = ["x", "median", "low", "high", "error"].map((name) => Array.from(curve[name]));
    const edge = (sign, other) => median.map((value, bin) => (Number.isFinite(error[bin]) ? value + sign * error[bin] : other[bin]));
    const lower = edge(-1, low), upper = edge(1, high);
    const ends = [0, ...curve.breaks, x.length];
    for (let run = 0; run + 1 < ends.length; run++) {
      const of = (values) => values.slice(ends[run], ends[run + 1]);
      bands.xs.push([...of(x), ...of(x).reverse()]);
      bands.ys.push([...of(upper), ...of(lower).reverse()]);
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
      points.error.push(number(error[bin], 3));
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

function blink(button, between, draw) { // shows both states in turn: what changes is seen to move
  let timer = 0;
  button.addEventListener("click", () => {
    clearInterval(timer);
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    button.closest(".live").querySelector("output").setAttribute("aria-live", on ? "off" : "polite");
    if (!on) return;
    timer = setInterval(() => {
      if (between[0].matches(":disabled") || document.hidden) return;
      between[between[0].checked ? 1 : 0].checked = true;
      draw();
    }, BLINK_MS);
  });
}

async function start(figure) {
  const live = figure.querySelector(".live"), box = figure.querySelector(".plot");
  const chosen = (name) => live.querySelector(`[name$="-${name}"]:checked, select[name$="-${name}"]`);
  const words = (control) => (control.type === "radio" ? control.labels[0] : control.selectedOptions[0]).textContent.trim();
  const item = await unpack(figure.querySelector("script").textContent);
  live.hidden = false;
  const [view] = (await Bokeh.embed.embed_item(item, box)).roots;
  const plot = view.model, values = live.querySelector(".values");
  const draw = () => {
    const stars = chosen("stars"), quantity = chosen("quantity"), tags = plot.tags[0];
    const { measured, translated } = stars.dataset;
    const has = (sample) => tags.kind === "profile" || Boolean(tags.views[sample]?.[quantity.value]);
    const both = measured !== translated && has(measured) && has(translated);
    if (values) values.disabled = !both;
    const sample = both ? stars.dataset[chosen("values").value] : has(measured) ? measured : translated;
    const hidden = new Set([...live.querySelectorAll("[type=checkbox]:not(:checked)")].map((control) => control.value));
    const say = tags.kind === "map" ? drawMap : drawProfiles;
    const which = both ? `, ${words(chosen("values"))}` : "";
    const text = `${words(quantity)}, ${words(stars)}${which}: ${say(plot, sample, quantity.value, hidden)}`;
    live.querySelector("output").textContent = text;
    box.setAttribute("aria-label", text);
  };
  live.addEventListener("change", draw);
  if (values) blink(values.querySelector(".blink"), values.querySelectorAll("[type=radio]"), draw);
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

addEventListener("beforeprint", () => { // long tables stay folded: their files are named
  for (const part of document.querySelectorAll("details.static")) part.open = true;
});
for (const figure of document.querySelectorAll(".interactive")) {
  start(figure).catch((reason) => { // the static figure stays in view
    figure.querySelector(".live").hidden = true;
    console.error(reason);
  });
}
