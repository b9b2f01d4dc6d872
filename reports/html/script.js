"use strict";
// The script of the report: it moves the markers as the slider moves, filters
// the misroutes, copies texts and switches the theme. It writes texts only,
// never markup, and asks nobody for anything.
(() => {
  const byID = (id) => document.getElementById(id);
  const say = (text) => { byID("said").textContent = text; };

  // Numbers are written as in the other forms of the report.
  const missing = "unknown";
  const known = (x) => typeof x === "number";
  const number = (x) => x.toFixed(3);
  const percent = (x) => (100 * x).toFixed(1) + " %";
  const dollars = (x) => {
    if (x === 0) return "$0";
    const size = Math.abs(x);
    const digits = size >= 0.995 ? 2 : Math.min(12, Math.max(2, 2 - Math.floor(Math.log10(size))));
    return "$" + x.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };

  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
  const theme = byID("theme");
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  prefersDark.addEventListener("change", nameTheme);
  nameTheme();

  const copyOld = (text) => { // where the clipboard is not to be had
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const from = button.dataset.from ? byID(button.dataset.from) : button.previousElementSibling;
      const text = from.textContent;
      let done = true;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        done = copyOld(text);
      }
      button.focus();
      button.textContent = done ? "Copied" : "Select and copy it";
      say(done ? "Copied: " + text.slice(0, 200) : "It could not be copied.");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  const form = byID("filter");
  if (form) {
    const misses = [...document.querySelectorAll(".miss")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
    const filter = () => {
      const words = byID("search").value.toLowerCase().split(/\s+/).filter(Boolean);
      const kind = byID("kind").value;
      let shown = 0;
      for (const { row, text } of misses) {
        row.hidden = !(words.every((w) => text.includes(w)) && (!kind || row.dataset.kind.split(" ").includes(kind)));
        if (!row.hidden) shown++;
      }
      byID("found").textContent = shown + " of " + misses.length + " shown";
    };
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }

  const slider = byID("slider");
  if (!slider) return;
  const data = JSON.parse(byID("data").textContent);

  const coordinate = (axis, x) => {
    const at = axis.from + (x - axis.lo) / (axis.hi - axis.lo) * (axis.to - axis.from);
    const [low, high] = axis.from < axis.to ? [axis.from, axis.to] : [axis.to, axis.from];
    return Math.min(high, Math.max(low, at)).toFixed(1);
  };
  const move = (figure, point) => {
    const x = point[figure.x.field], y = point[figure.y.field];
    const place = (part, shown, at) => {
      const mark = byID(figure.id + "-" + part);
      if (!mark) return;
      mark.setAttribute("visibility", shown ? "visible" : "hidden");
      if (shown) mark.setAttribute("transform", "translate(" + at() + ")");
    };
    place("x", known(x), () => coordinate(figure.x, x) + " 0");
    place("y", known(y), () => "0 " + coordinate(figure.y, y));
    place("ring", known(x) && known(y), () => coordinate(figure.x, x) + " " + coordinate(figure.y, y));
  };

  const band = (share) => {
    const n = data.band_lo ? data.band_lo.length : 0;
    if (n === 0) return "";
    const i = Math.round(share * (n - 1));
    return number(data.band_lo[i]) + " to " + number(data.band_hi[i]);
  };
  const saved = (cost) => {
    if (!known(cost) || !known(data.strong_cost_usd)) return missing;
    return data.strong_cost_usd > 0 ? percent(1 - cost / data.strong_cost_usd) : "n/a";
  };
  const presets = [...document.querySelectorAll("#presets button")];

  const show = (i) => {
    const point = {};
    for (const field of ["threshold", "strong_share", "quality", "cost_usd"]) point[field] = data[field][i];
    const reading = (id, text) => { byID("reading-" + id).textContent = text; };
    const threshold = known(point.threshold) ? point.threshold.toFixed(4) : "above all";
    reading("threshold", threshold);
    reading("strong_share", percent(point.strong_share));
    reading("quality", number(point.quality));
    reading("within", band(point.strong_share));
    reading("cost_usd", known(point.cost_usd) ? dollars(point.cost_usd) : missing);
    reading("kept", data.strong_quality > 0 ? percent(point.quality / data.strong_quality) : "n/a");
    reading("saved", saved(point.cost_usd));
    byID("paste").textContent = known(point.threshold) ? "router: {threshold: " + point.threshold + "}" : "";
    document.querySelector(".dial .copy").hidden = !known(point.threshold);
    slider.setAttribute("aria-valuetext", "threshold " + threshold + ": " + percent(point.strong_share) + " strong, quality " + number(point.quality));
    for (const figure of data.figures) move(figure, point);
    for (const button of presets) button.setAttribute("aria-pressed", String(Number(button.dataset.index) === i));
  };

  for (const button of presets) {
    button.addEventListener("click", () => {
      slider.value = button.dataset.index;
      show(Number(slider.value));
    });
  }
  byID("presets").hidden = false;
  slider.disabled = false;
  slider.value = data.start; // a browser that comes back remembers another one
  slider.addEventListener("input", () => show(Number(slider.value)));
  show(data.start);
})();
