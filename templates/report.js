// What the page does beyond being read: the table of runs can be searched and sorted, and a run opened to look closer.
// Everything here is made by the script, so that a page without scripts shows no dead control. Text goes in as text.
(() => {
'use strict';
const root = document.querySelector('.loglens');
const make = (tag, props = {}, ...children) => {
  const {data, aria, ...own} = props;
  const node = Object.assign(document.createElement(tag), own);
  for (const [key, value] of Object.entries(aria || {})) node.setAttribute(`aria-${key}`, value);
  for (const [key, value] of Object.entries(data || {})) node.dataset[key] = value;
  node.append(...children);
  return node;
};
const plural = (n, word) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;

// ---- numbers as the report writes them
const written = Array.from({length: 7}, (_, digits) => new Intl.NumberFormat('en', {maximumFractionDigits: digits}));
const human = v => {
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? '∞' : '-∞';
  const size = Math.abs(v);
  if (v === Math.round(v) && size < 1e7) return written[0].format(v);
  if (size >= 1e-3 && size < 1e6) {
    return written[Math.max(0, 3 - Math.floor(Math.log10(size)))].format(v);
  }
  return v.toExponential(2).replace(/\.?0*e\+?/, 'e');
};

// ---- the table of runs
const table = document.getElementById('table-of-runs');
const folded = document.getElementById('more-runs');
function tableTools() {
  const body = table.tBodies[0];
  const more = folded ? [...folded.querySelectorAll('tbody > tr')] : [];
  const rows = [...body.rows, ...more];
  if (rows.length < 4) return;
  const texts = new Map();
  const haystack = row => { if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase()); return texts.get(row); };
  const verdicts = [...new Set(rows.map(row => row.dataset.verdict))];
  const wanted = new Set(verdicts);
  const search = make('input', {type: 'search', placeholder: 'Search runs', autocomplete: 'off', aria: {label: 'Search the table of runs'}});
  const count = make('output', {className: 'meta', aria: {live: 'polite'}});
  const unfold = () => { if (folded && folded.isConnected) { rowOpeners(more); body.append(...more); folded.remove(); } };
  const apply = () => {
    unfold();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = words.length ? haystack(row) : '';
      row.hidden = !wanted.has(row.dataset.verdict) || !words.every(word => text.includes(word));
      if (row.nextElementSibling && row.nextElementSibling.classList.contains('opened')) row.nextElementSibling.hidden = row.hidden;
      shown += !row.hidden;
    }
    count.textContent = `${shown.toLocaleString('en')} of ${plural(rows.length, 'run')}`;
  };
  search.addEventListener('input', apply);
  const boxes = verdicts.map(verdict => {
    const box = make('input', {type: 'checkbox', checked: true});
    box.addEventListener('change', () => { wanted[box.checked ? 'add' : 'delete'](verdict); apply(); });
    return make('label', {}, box, ` ${verdict}`);
  });
  const legend = make('legend', {className: 'unseen'}, 'Verdicts to show');
  const tools = make('div', {className: 'tools', role: 'search'}, search);
  if (verdicts.length > 1) tools.append(make('fieldset', {}, legend, ...boxes));
  tools.append(count);
  table.closest('.scroll').before(tools);
  for (const head of table.tHead.querySelectorAll('th[data-column]')) sortable(head, body, rows, unfold);
}
function sortable(head, body, rows, unfold) {
  const column = Number(head.dataset.column);
  const button = make('button', {type: 'button', className: 'sort'}, ...head.childNodes);
  head.append(button);
  const key = row => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    const number = text === '–' ? NaN : Number(text.replace(/,/g, ''));
    return Number.isNaN(number) ? text : number;
  };
  const missing = value => value === '–' || value === '' || Number.isNaN(value);
  const compare = (a, b) => missing(a) || missing(b) ? missing(a) - missing(b)
    : typeof a === 'number' && typeof b === 'number' ? a - b
    : String(a).localeCompare(String(b), 'en', {numeric: true});
  button.addEventListener('click', () => {
    unfold();
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.querySelectorAll('[aria-sort]')) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const keyed = rows.map(row => [key(row), row]);
    // what has no value comes last either way
    keyed.sort(([a], [b]) => (down && !missing(a) && !missing(b) ? -1 : 1) * compare(a, b));
    const opened = new Map(rows.map(row => [row, row.nextElementSibling]).filter(([, next]) => next && next.classList.contains('opened')));
    body.append(...keyed.flatMap(([, row]) => opened.has(row) ? [row, opened.get(row)] : [row]));
  });
}

// ---- unpacking: what lies in the page as text, gzip in base64
async function unpacked(id) {
  const text = document.getElementById(id).textContent;
  const plain = atob(text), bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
const once = make => { const kept = new Map(); return key => { if (!kept.has(key)) kept.set(key, make(key)); return kept.get(key); }; };
const library = once(async () => {
  const source = new TextDecoder().decode(await unpacked('plotly'));
  document.head.append(make('script', {textContent: source}));  // the page's policy knows its hash
  if (!window.Plotly) throw new Error('the drawing library did not start');
  return window.Plotly;
});
const chunk = once(async number => {
  const buffer = await unpacked(`curves-${number}`);
  const size = new DataView(buffer).getUint32(0, true);
  const runs = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const lines = runs.flatMap(run => run.panels.flatMap(panel => panel.lines));
  const total = lines.reduce((sum, line) => sum + line.points, 0);
  const bytes = new Uint8Array(buffer, 4 + size);
  const words = offset => {
    const out = new Uint8Array(4 * total);
    for (let plane = 0; plane < 4; plane++) for (let i = 0; i < total; i++) out[4 * i + plane] = bytes[offset + plane * total + i];
    return out.buffer;
  };
  const deltas = new Uint32Array(words(0)), values = new Float32Array(words(4 * total));
  let at = 0;
  for (const line of lines) {
    let step = line.first;
    line.steps = Array.from(deltas.subarray(at, at + line.points), delta => step += delta * line.unit);
    line.values = Array.from(values.subarray(at, at + line.points), value => value * line.times);
    at += line.points;
  }
  return runs;
});
const canDraw = document.getElementById('plotly') && typeof DecompressionStream !== 'undefined';
const perChunk = Number(root.dataset.chunk);
const runData = async index => (await chunk(Math.floor(index / perChunk)))[index % perChunk];

// ---- a run opened
const safe = text => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const ink = name => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
const pens = {train: ['train', 'solid'], val: ['val', 'dash'], 0: ['train', 'solid'], 1: ['pen-1', 'dashdot'], 2: ['pen-2', 'dot'], 3: ['pen-3', 'longdash']};
const pen = look => pens[look] || [`pen-${1 + look % 3}`, 'dot'];
const across = (run, line) => line.axis === run.axis || line.last === line.first ? line.steps
  : line.steps.map(step => run.low + (run.high - run.low) * (step - line.first) / (line.last - line.first));
// a moving average that forgets at `strength` for every 600th of the run; it starts again after what is no number
function smoothed(values, strength) {
  const share = strength ** (600 / values.length);
  let sum = 0, weight = 0;
  return values.map(value => {
    if (!Number.isFinite(value)) { sum = weight = 0; return null; }
    sum = share * sum + (1 - share) * value;
    weight = share * weight + 1 - share;
    return sum / weight;
  });
}
function traces(run, view) {
  const out = [];
  run.panels.forEach((panel, number) => {
    const axis = number ? `y${number + 1}` : 'y', legend = number ? `legend${number + 1}` : 'legend';
    const good = panel.lines.flatMap(line => line.values.filter(v => Number.isFinite(v) && (!view.log[number] || v > 0)));
    const top = good.reduce((a, b) => Math.max(a, b), -Infinity);
    for (const line of panel.lines) {
      const [color, dash] = pen(line.look), x = across(run, line), name = safe(line.tag) + (line.axis === run.axis ? '' : ` (by ${line.axis}, stretched to fit)`);
      const told = line.values.map((v, i) => `${human(v)}${line.axis === run.axis ? '' : ` at ${line.axis} ${human(line.steps[i])}`}`);
      const base = {x, xaxis: 'x', yaxis: axis, legend, name, text: told, hovertemplate: '%{text}<extra>%{fullData.name}</extra>', connectgaps: false};
      const drawn = line.values.map(v => Number.isFinite(v) ? v : null);
      const few = line.points <= 60;
      out.push({...base, y: drawn, mode: few ? 'lines+markers' : 'lines', marker: {size: 5}, opacity: view.smooth ? 0.3 : 1, showlegend: !view.smooth, line: {color: ink(color), width: view.smooth ? 1 : 1.5, dash: view.smooth ? 'solid' : dash}});
      if (view.smooth) out.push({...base, y: smoothed(line.values, view.smooth), text: undefined, mode: 'lines', name: `${name}, smoothed`, hoverinfo: 'skip', hovertemplate: undefined, line: {color: ink(color), width: 2.2, dash}});
      const lost = line.values.map((v, i) => Number.isFinite(v) ? -1 : i).filter(i => i >= 0);
      if (lost.length) out.push({...base, x: lost.map(i => x[i]), y: lost.map(() => Number.isFinite(top) ? top : 0), text: lost.map(i => told[i]), mode: 'markers', name: `${name}: no number`, showlegend: false, marker: {symbol: 'line-ns-open', size: 11, color: ink('failed'), line: {width: 1.5, color: ink('failed')}}});
    }
  });
  return out;
}
const HEIGHTS = {first: 210, next: 120, gap: 34, head: 46, foot: 44};
function layout(run, view, width) {
  const heights = run.panels.map((_, i) => i ? HEIGHTS.next : HEIGHTS.first);
  const inner = heights.reduce((a, b) => a + b, 0) + HEIGHTS.gap * (heights.length - 1);
  const grid = ink('line'), soft = ink('soft');
  const font = {family: 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif', size: 12, color: soft};
  const out = {
    height: inner + HEIGHTS.head + HEIGHTS.foot, margin: {l: 62, r: 14, t: HEIGHTS.head, b: HEIGHTS.foot},
    paper_bgcolor: ink('card'), plot_bgcolor: ink('card'), font, showlegend: true, hovermode: 'x', hoversubplots: 'axis',
    hoverlabel: {bgcolor: ink('card'), bordercolor: grid, font: {...font, color: ink('ink')}, namelength: 40},
    dragmode: 'zoom', shapes: [], annotations: [], uirevision: view.revision, separators: '.,',
    xaxis: {title: {text: run.axis, standoff: 6}, anchor: run.panels.length > 1 ? `y${run.panels.length}` : 'y', gridcolor: grid, zeroline: false, showspikes: true, spikemode: 'across', spikethickness: 1, spikedash: 'solid', spikecolor: soft, spikesnap: 'cursor', tickformat: run.high < 1e4 ? ',d' : undefined, hoverformat: ',.6~r', range: view.range || undefined, autorange: !view.range},
  };
  let top = 1;
  run.panels.forEach((panel, number) => {
    const key = number ? number + 1 : '', low = Math.max(0, top - heights[number] / inner);
    out[`yaxis${key}`] = {domain: [low, top], anchor: 'x', type: view.log[number] ? 'log' : 'linear', gridcolor: grid, zeroline: false, nticks: number ? 4 : 6, exponentformat: 'e', minexponent: 3, automargin: false, fixedrange: false};
    out[`legend${key}`] = {x: 0, y: top, yanchor: 'bottom', xanchor: 'left', orientation: 'h', font: {...font, color: ink('ink')}, bgcolor: 'rgba(0,0,0,0)', tracegroupgap: 4, itemclick: 'toggle'};
    top = low - HEIGHTS.gap / inner;
  });
  for (const finding of run.findings.filter(f => f.from !== null)) {
    const color = ink(finding.severity === 'error' ? 'failed' : finding.severity === 'warning' ? 'suspect' : 'link');
    out.shapes.push({type: 'line', xref: 'x', yref: 'paper', x0: finding.from, x1: finding.from, y0: 0, y1: 1, line: {color, width: 1.4, dash: finding.severity === 'error' ? 'solid' : 'dash'}});
  }
  for (const finding of run.findings.slice(0, 1).filter(f => f.from !== null && f.to > f.from))
    out.shapes.push({type: 'rect', xref: 'x', yref: 'paper', x0: finding.from, x1: finding.to, y0: 0, y1: 1, fillcolor: ink('failed'), opacity: 0.07, line: {width: 0}, layer: 'below'});
  return out;
}
const CONFIG = {displaylogo: false, responsive: true, displayModeBar: false, doubleClick: 'reset', typesetMath: false};
const openOnes = new Set();
const reducedName = panel => { const line = panel.lines[0]; return line.tag.length > 28 ? `${line.tag.slice(0, 27)}…` : line.tag; };

async function explorer(place, index, close) {
  const status = make('p', {className: 'meta', role: 'status'}, 'Unpacking the curves…');
  const plot = make('div', {className: 'plot'});
  place.append(status, plot);
  let Plotly, run;
  try {
    [Plotly, run] = await Promise.all([library(), runData(index)]);
  } catch (error) {
    status.textContent = `The curves cannot be drawn: ${error.message}`;
    return () => {};
  }
  if (!place.isConnected) return () => {};
  const view = {log: run.panels.map(panel => panel.log), smooth: 0, range: null, revision: 1};
  const draw = () => {
    const planned = layout(run, view);
    plot.style.height = `${planned.height}px`;  // known beforehand, so that drawing does not lay out the table again
    return Plotly.react(plot, traces(run, view), planned, CONFIG);
  };
  const zoom = range => { view.range = range; view.revision += 1; draw(); };
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', `${run.name}: ${run.panels.flatMap(p => p.lines.map(l => l.tag)).join(', ')} by ${run.axis}. The tables on this page tell the numbers.`);
  const logs = run.panels.map((panel, number) => {
    const box = make('input', {type: 'checkbox', checked: view.log[number], disabled: !panel.positive && !panel.log});
    box.addEventListener('change', () => { view.log[number] = box.checked; view.revision += 1; draw(); });
    return make('label', {}, box, ` ${reducedName(panel)}`);
  });
  const slider = make('input', {type: 'range', min: 0, max: 0.99, step: 0.01, value: 0});
  slider.addEventListener('input', () => { view.smooth = Number(slider.value); draw(); });
  const button = (text, action, label) => { const b = make('button', {type: 'button', className: 'plain', aria: label ? {label} : {}}, text); b.addEventListener('click', action); return b; };
  const marks = run.findings.filter(f => f.from !== null).map(finding => button(`${finding.severity === 'info' ? 'note' : finding.severity}: ${finding.title}, ${finding.where}`, () => {
    const room = Math.max((run.high - run.low) * 0.05, 2);
    zoom([finding.from - 2 * room, Math.min(Math.max(finding.to ?? finding.from, finding.from + room), finding.from + 4 * room) + room]);
  }));
  const tools = make('div', {className: 'tools'},
    make('fieldset', {}, make('legend', {}, 'Log scale'), ...logs),
    make('label', {}, 'Smoothing ', slider),
    make('span', {className: 'grow'}), button('Whole run', () => zoom(null)), button('Close', close));
  const jump = marks.length ? [make('div', {className: 'tools jump', role: 'group', aria: {label: 'Zoom to a finding'}}, make('span', {className: 'meta'}, 'Zoom to'), ...marks)] : [];
  plot.before(tools, ...jump);
  await draw();
  plot.on('plotly_relayout', change => { if (change['xaxis.range[0]'] !== undefined) view.range = [change['xaxis.range[0]'], change['xaxis.range[1]']]; else if (change['xaxis.autorange']) view.range = null; });
  status.textContent = 'Drag across to zoom, double-click for the whole run.';
  status.className = 'meta hint';
  place.append(status);
  openOnes.add(draw);
  return () => { openOnes.delete(draw); Plotly.purge(plot); };
}
const redraw = () => { for (const draw of openOnes) draw(); };
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

function opener(button, index, insert) {
  let holder = null, purge = null;
  const toggle = async () => {
    if (holder) {
      const gone = holder;
      holder = null;
      button.setAttribute('aria-expanded', 'false');
      if (purge) (await purge)();
      gone.remove();
      button.focus();
      return;
    }
    const place = make('div', {className: 'explore'});
    holder = insert(place);
    button.setAttribute('aria-expanded', 'true');
    purge = explorer(place, index, toggle);
  };
  button.addEventListener('click', toggle);
}
// the table may be wider than the screen; what is opened in it is not
function fit(place, around) {
  const watch = new ResizeObserver(() => {
    if (!place.isConnected) return watch.disconnect();
    place.style.width = `${around.clientWidth - 26}px`;
  });
  watch.observe(around);
}
function rowOpeners(rows) {
  if (!canDraw) return;
  for (const row of rows) {
    const cell = row.querySelector('.course');
    if (!cell || !cell.querySelector('svg') || cell.querySelector('button')) continue;
    const button = make('button', {type: 'button', className: 'open', title: 'Look closer', aria: {expanded: 'false', label: `Look closer at ${row.dataset.name}`}}, ...cell.childNodes);
    cell.replaceChildren(button);
    opener(button, Number(row.dataset.run), place => {
      const line = make('tr', {className: 'opened'}, make('td', {colSpan: row.cells.length}, place));
      row.after(line);
      fit(place, row.closest('.scroll'));
      return line;
    });
  }
}
function explorers() {
  if (!canDraw) return;
  if (table) rowOpeners(table.tBodies[0].rows);
  if (folded) folded.addEventListener('toggle', () => rowOpeners(folded.querySelectorAll('tr[data-run]')), {once: true});
  for (const spot of document.querySelectorAll('.closer[data-run]')) {
    const button = make('button', {type: 'button', className: 'plain', aria: {expanded: 'false'}}, 'Look closer at the curves');
    spot.append(button);
    opener(button, Number(spot.dataset.run), place => { spot.after(place); return place; });
  }
}
// a link to something folded opens what it is folded in
function reveal() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let node = target; node; node = node.parentElement) if (node.tagName === 'DETAILS') node.open = true;
  target.scrollIntoView();
}
if (table) tableTools();
explorers();
addEventListener('hashchange', reveal);
reveal();
document.documentElement.dataset.ready = 'yes';
})();
