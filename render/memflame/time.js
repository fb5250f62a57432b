'use strict';
// time.js - memory over time: the strip, the moment or range chosen on it, and the memory alive, leaked, allocated then
//
// points.h describes the columns: slices of equal time, each with two points
// (2i: its maximum, 2i + 1: its end), and intervals between points.

const FATE = { FREED: 0, LEAKED: 1, NO_LEAK: 2, TEMPORARY: 3 };
const AXIS = 15;            // pixels below the curves
const MARKS = 6;            // pixels above them

function readTime(reader, profile) {
  const sliceMs = reader.number();
  const count = reader.number();
  const column = () => reader.column(new Float64Array(count));
  const time = { ...profile.about.time, sliceMs, count, mostMs: column(), most: column(), last: column(), rss: column() };
  time.highest = 0;
  for (let i = 1; i < count; i++) if (time.most[i] >= time.most[time.highest]) time.highest = i;
  time.end = Math.max(time.end, 1);
  if (!profile.smaller) time.intervals = readIntervals(reader, profile, count);
  return time;
}

function readIntervals(reader, profile, count) {
  const rows = reader.number();
  const node = reader.column(new Int32Array(rows));
  const begin = reader.column(new Int32Array(rows));
  const end = reader.column(new Int32Array(rows));
  for (let k = 0, at = 0; k < rows; k++) {
    at += node[k];
    node[k] = at;
    end[k] = end[k] ? begin[k] + end[k] - 1 : 2 * count;
  }
  const fate = reader.column(new Uint8Array(rows));
  const amounts = profile.units.map(() => reader.column(new Float64Array(rows)));
  return { rows, node, begin, end, fate, amounts };
}

/** The intervals to be shown: those alive at {point}, or those of slices {first, last} and a mode. */
class Choice {
  constructor(time, { mode, from, to }) {
    this.mode = mode;
    const { count, sliceMs } = time;
    const slice = text => Math.min(count - 1, Math.max(0, Math.floor(Number(text) / sliceMs) || 0));
    const after = text => Math.min(count, Math.max(1, Math.ceil(Number(text) / sliceMs) || 0));
    this.first = from === '' ? 0 : slice(from);
    this.last = (to === '' ? count : Math.max(after(to), this.first + 1)) - 1;
    this.whole = this.first === 0 && this.last === count - 1;
    this.isRange = mode !== 'alive' || from !== '';
    if (mode !== 'alive') return;
    this.point = from === '' && to !== '' ? nearestPoint(time, Number(to) || 0) : 2 * highestIn(time, this.first, this.last);
    this.isPeak = this.point === 2 * time.highest;
  }
}

/** Returns the slice from first to last with the highest maximum; the last of equal ones. */
function highestIn(time, first, last) {
  let highest = first;
  for (let i = first + 1; i <= last; i++) if (time.most[i] >= time.most[highest]) highest = i;
  return highest;
}

function pointMs(time, point) {
  return point % 2 ? Math.min(time.end, (point + 1) / 2 * time.sliceMs) : time.mostMs[point / 2];
}

/** Returns the point nearest to a time; of equally near ones, the maximum. */
function nearestPoint(time, ms) {
  const slice = Math.min(time.count - 1, Math.max(0, Math.floor(ms / time.sliceMs)));
  let best = 2 * slice;
  for (const point of [2 * slice - 1, 2 * slice + 1]) {
    if (point >= 0 && Math.abs(pointMs(time, point) - ms) < Math.abs(pointMs(time, best) - ms)) best = point;
  }
  return best;
}

/** Sums up the chosen intervals into `held`, an array for each weight. */
function sumIntervals(time, choice, held) {
  const { rows, node, begin, end, fate, amounts } = time.intervals;
  const low = 2 * choice.first;
  const high = 2 * choice.last + 1;
  const { mode, point } = choice;
  for (const sums of held) sums.fill(0);
  const [bytes, counts] = held;
  const [ofBytes, ofCounts] = amounts;
  for (let k = 0; k < rows; k++) {
    if (mode === 'alive') {
      if (begin[k] > point || end[k] <= point || fate[k] === FATE.TEMPORARY) continue;
    } else {
      if (begin[k] < low || begin[k] > high || (fate[k] === FATE.TEMPORARY) !== (mode === 'temporary')) continue;
      if (mode === 'leaked' && (fate[k] === FATE.NO_LEAK || (fate[k] === FATE.FREED && end[k] <= high))) continue;
    }
    bytes[node[k]] += ofBytes[k];
    counts[node[k]] += ofCounts[k];
  }
  return held;
}

class TimeStrip {
  constructor(app) {
    this.app = app;
    this.time = app.profile.time;
    this.frame = byId('strip-frame');
    this.canvas = byId('strip');
    this.top = Math.max(...this.time.most, ...this.time.rss, 1);
    this.span = this.time.count * this.time.sliceMs;
    this.part = { from: 0, to: this.span };     // the visible part
    this.width = 0;         // of the strip, in pixels; update() measures it
    this.bind();
  }

  load(profile) {
    this.time = profile.time;
    this.buffers = profile.held;
  }

  held(state) {
    const { time, buffers } = this;
    this.choice = new Choice(time, state);
    return time.intervals ? sumIntervals(time, this.choice, buffers) : buffers;
  }

  // ---- texts

  get title() {
    const { choice, time } = this;
    const between = choice.whole ? '' : ` between ${this.rangeText()}`;
    const title = {
      alive: choice.isPeak && !between ? 'alive at the high-water mark'
        : choice.isRange && choice.point !== undefined ? `alive at the maximum${between}` : `alive at ${timeText(pointMs(time, choice.point ?? 0))}`,
      leaked: choice.whole ? 'never freed' : `allocated${between} and not freed by then`,
      made: choice.whole ? 'all allocations' : `allocated${between}`,
      temporary: `temporary allocations${between}`,
    }[choice.mode];
    return title + (time.filters ? `; ${time.filters}` : '');
  }

  rangeText() {
    const { choice, time } = this;
    return `${timeText(choice.first * time.sliceMs)} and ${timeText(Math.min(time.end, (choice.last + 1) * time.sliceMs))}`;
  }

  /** Describes exactly what is shown. */
  get words() {
    const { choice, time } = this;
    const end = timeText(time.end);
    if (choice.point !== undefined) {
      const slice = choice.point >> 1;
      const resident = time.rss[slice] ? `; resident then ${amountText(time.rss[slice], 'bytes')}` : '';
      const why = choice.isPeak ? ', the high-water mark' : choice.isRange ? ', the maximum in that range' : choice.point % 2 ? '' : ', the nearest maximum';
      return `Alive at ${timeText(pointMs(time, choice.point))} of ${end}${why}${resident}`;
    }
    const range = choice.whole ? `in the whole run of ${end}` : `from ${timeText(choice.first * time.sliceMs)} until before ${timeText((choice.last + 1) * time.sliceMs)}`;
    return {
      leaked: choice.whole ? `Allocated in the whole run of ${end} and not freed before the process ended` : `Allocated ${range} and not freed in that time`,
      made: `Allocated ${range}, freed or not`,
      temporary: `Allocated ${range} and freed at once by the same thread, after at most one other allocation`,
    }[choice.mode];
  }

  // ---- positions

  x(ms) {
    const { from, to } = this.part;
    return (ms - from) / (to - from) * this.width;
  }

  ms(event) {
    const x = event.clientX - this.frame.getBoundingClientRect().left;
    const { from, to } = this.part;
    return Math.min(to, Math.max(from, from + x / this.width * (to - from)));
  }

  update() {
    const { app, choice, time } = this;
    this.width = this.frame.clientWidth;
    byId('when').textContent = this.words;
    const instant = choice.point !== undefined && !(choice.isRange && !choice.whole);
    const [from, to] = [byId('handle-from'), byId('handle-to')];
    const place = (handle, ms, text) => {
      handle.style.left = `${this.x(ms)}px`;
      handle.style.visibility = ms < this.part.from || ms > this.part.to ? 'hidden' : '';
      handle.setAttribute('aria-valuemin', 0);
      handle.setAttribute('aria-valuemax', Math.round(this.span));
      handle.setAttribute('aria-valuenow', Math.round(ms));
      handle.setAttribute('aria-valuetext', text);
    };
    from.hidden = instant;
    if (!instant) place(from, choice.first * time.sliceMs, timeText(choice.first * time.sliceMs));
    const end = instant ? pointMs(time, choice.point) : (choice.last + 1) * time.sliceMs;
    place(to, end, timeText(end));
    for (const button of document.querySelectorAll('[data-when]')) {
      const { when } = button.dataset;
      const pressed = { peak: choice.mode === 'alive' && choice.isPeak && choice.whole && instant, whole: choice.mode === 'made' && choice.whole, leaks: choice.mode === 'leaked' && choice.whole, rss: choice.mode === 'alive' && choice.isRange && choice.first === this.fullest && choice.last === this.fullest }[when];
      button.setAttribute('aria-pressed', String(Boolean(pressed)));
    }
    byId('strip-legend').replaceChildren(make('span', {}, swatch(app.palette.heap), 'heap'), ...(this.hasRss ? [make('span', {}, swatch(app.palette.rss), 'resident')] : []));
    this.draw();
  }

  get hasRss() {
    return this.time.rss.some(Boolean);
  }

  /** The slice in which resident memory was highest; of equal ones the first. */
  get fullest() {
    const { rss } = this.time;
    return rss.indexOf(Math.max(...rss));
  }

  // ---- drawing

  draw() {
    const { canvas, time, choice, app: { palette } } = this;
    const width = this.width;
    const height = this.frame.clientHeight;
    const scale = globalThis.devicePixelRatio || 1;
    if (!width || !height) return;
    const [wide, high] = [width, height].map(size => Math.round(size * scale));
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const context = this.context = canvas.getContext('2d');
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = palette.page;
    context.fillRect(0, 0, width, height);
    this.bottom = height - AXIS;
    const y = bytes => this.bottom - bytes / this.top * (this.bottom - MARKS);
    this.drawGrid(width, y);
    this.curve(time.most, y, true, palette.heap);
    this.curve(time.rss, y, false, palette.rss);
    this.drawMarks(y);
    this.drawChoice(width, choice);
  }

  curve(values, y, isArea, colour) {
    const { context, time: { sliceMs } } = this;
    context.beginPath();
    let begun = false;
    values.forEach((value, i) => {
      if (!isArea && !value) return;
      const [left, right] = [this.x(i * sliceMs), this.x((i + 1) * sliceMs)];
      if (begun) context.lineTo(left, y(value));
      else context.moveTo(left, isArea ? this.bottom : y(value));
      if (!begun && isArea) context.lineTo(left, y(value));
      begun = true;
      context.lineTo(right, y(value));
    });
    if (isArea) {
      context.lineTo(this.x(this.span), this.bottom);
      context.fillStyle = colour;
      context.fill();
    } else {
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.stroke();
    }
  }

  /** Draws lines at round amounts of memory, and times along the bottom. */
  drawGrid(width, y) {
    const { context, app: { palette } } = this;
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.strokeStyle = palette.rest.edge;
    context.fillStyle = palette.rest.text;
    context.lineWidth = 1;
    const unit = niceStep(this.top / 3);
    this.ticks = [];
    for (let bytes = unit; bytes <= this.top; bytes += unit) this.ticks.push([bytes, y(bytes)]);
    for (const [, at] of this.ticks) {
      context.beginPath();
      context.moveTo(0, Math.round(at) + 0.5);
      context.lineTo(width, Math.round(at) + 0.5);
      context.stroke();
    }
    const { from, to } = this.part;
    const every = niceStep((to - from) / 1000 / Math.max(2, width / 110)) * 1000;
    for (let ms = Math.ceil(from / every) * every; ms <= to; ms += every) {
      const x = this.x(ms);
      const text = `${Number((ms / 1000).toFixed(3))} s`;
      context.fillRect(x, this.bottom, 1, 4);
      if (x + context.measureText(text).width < width) context.fillText(text, x + 3, this.bottom + AXIS / 2 + 1);
    }
  }

  /** Marks the peak, spans at the top, and at the bottom the begin and end of processes. */
  drawMarks(y) {
    const { context, time, app: { palette } } = this;
    context.fillStyle = palette.match.edge;
    for (const [, , begin, end] of time.spans) context.fillRect(this.x(begin), 0, Math.max(2, this.x(end ?? time.end) - this.x(begin)), 4);
    context.fillStyle = palette.text;
    if (time.processes.length > 1) {
      for (const [, , begin, end] of time.processes) {
        context.fillRect(this.x(begin), this.bottom - 5, 1.5, 5);
        if (end !== null) context.fillRect(this.x(end), this.bottom - 5, 1.5, 5);
      }
    }
    const x = this.x(time.mostMs[time.highest]);
    const top = y(time.most[time.highest]);
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x - 4, top - 6);
    context.lineTo(x + 4, top - 6);
    context.fill();
    context.textBaseline = 'middle';
    for (const [bytes, at] of this.ticks) {
      const text = amountText(bytes, 'bytes');
      context.fillStyle = palette.page;
      context.globalAlpha = 0.75;
      context.fillRect(2, at + 2, context.measureText(text).width + 4, 12);
      context.globalAlpha = 1;
      context.fillStyle = palette.text;
      context.fillText(text, 4, at + 8);
    }
  }

  drawChoice(width, choice) {
    const { context, time, app: { palette } } = this;
    if (choice.whole || (choice.point !== undefined && !choice.isRange)) return;
    const [left, right] = [choice.first * time.sliceMs, (choice.last + 1) * time.sliceMs].map(ms => Math.min(width, Math.max(0, this.x(ms))));
    context.fillStyle = palette.page;
    context.globalAlpha = 0.65;
    context.fillRect(0, 0, left, this.bottom);
    context.fillRect(right, 0, width - right, this.bottom);
    context.globalAlpha = 1;
  }

  // ---- mouse and keys

  bind() {
    const { app, frame } = this;
    new ResizeObserver(() => this.choice && this.update()).observe(frame);
    for (const button of document.querySelectorAll('[data-when]')) button.onclick = () => this.choose(button.dataset.when);
    document.querySelector('[data-when="rss"]').hidden = !this.hasRss;
    frame.onpointerdown = event => this.grab(event);
    frame.onpointermove = event => this.hover(event);
    frame.onpointerleave = () => { byId('tooltip').hidden = true; };
    for (const end of ['from', 'to']) byId(`handle-${end}`).onkeydown = event => this.key(event, end);
    frame.addEventListener('wheel', event => this.wheel(event), { passive: false });
    frame.ondblclick = () => app.go({ from: '', to: '' });
  }

  /** The wheel stretches the strip around the pointer, at most to ten slices; with Shift it moves it. */
  wheel(event) {
    event.preventDefault();
    const { time, span, part: { from, to } } = this;
    const at = this.ms(event);
    const by = event.deltaX || event.deltaY;
    const width = event.shiftKey ? to - from : Math.min(span, Math.max(Math.min(span, 10 * time.sliceMs), (to - from) * Math.exp(by / 300)));
    const start = event.shiftKey ? from + by / this.width * (to - from) : at - (at - from) / (to - from) * width;
    const begin = Math.min(span - width, Math.max(0, start));
    this.part = { from: begin, to: begin + width };
    this.update();
  }

  choose(when) {
    const { app, time, fullest } = this;
    app.go({
      peak: { mode: 'alive', from: '', to: '' },
      rss: { mode: 'alive', from: String(fullest * time.sliceMs), to: String((fullest + 1) * time.sliceMs) },
      whole: { mode: 'made', from: '', to: '' },
      leaks: { mode: 'leaked', from: '', to: '' },
    }[when]);
  }

  /** Returns the range of whole slices that contains two moments. */
  range(a, b) {
    const { time } = this;
    const first = Math.min(time.count - 1, Math.floor(Math.min(a, b) / time.sliceMs));
    const last = Math.max(first + 1, Math.ceil(Math.max(a, b) / time.sliceMs));
    return { from: String(first * time.sliceMs), to: String(Math.min(time.count, last) * time.sliceMs) };
  }

  /** A drag chooses a range, a click a moment; dragging a handle moves only that end. */
  grab(event) {
    const { app, frame, time, choice } = this;
    if (event.button) return;
    const handle = event.target.closest('.handle');
    const start = this.ms(event);
    const fixed = !handle || (choice.point !== undefined && !choice.isRange) ? null
      : handle.id === 'handle-from' ? (choice.last + 1) * time.sliceMs : choice.first * time.sliceMs;
    let state = null;
    frame.setPointerCapture(event.pointerId);
    const move = moved => {
      const here = this.ms(moved);
      if (fixed === null && handle) state = { mode: 'alive', from: '', to: String(pointMs(time, nearestPoint(time, here))) };
      else if (!state && Math.abs(this.x(here) - this.x(start)) < CLICK) return;
      else state = this.range(fixed ?? start, here);
      if (this.pending) return;
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        if (state) app.show({ ...app.state, ...state });
      });
    };
    frame.addEventListener('pointermove', move);
    frame.addEventListener('pointerup', () => {
      frame.removeEventListener('pointermove', move);
      if (!state && !handle) state = { mode: 'alive', from: '', to: String(pointMs(time, nearestPoint(time, start))) };
      if (!state) return;
      const old = app.state;
      app.state = { ...app.state, from: '?' };    // differs, so that go() adds the final state to the history
      app.go({ ...old, ...state });
    }, { once: true });
    if (!handle) event.preventDefault();
  }

  key(event, end) {
    const { app, time, choice } = this;
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity, PageDown: -10, PageUp: 10 }[event.key] * (event.shiftKey ? 10 : 1);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const within = (value, low, high) => Math.min(high, Math.max(low, value));
    if (choice.point !== undefined && !(choice.isRange && !choice.whole)) {
      app.go({ mode: 'alive', from: '', to: String(pointMs(time, this.nextPoint(choice.point, step))) }, { replace: true });
      return;
    }
    const first = end === 'from' ? within(choice.first + step, 0, choice.last) : choice.first;
    const last = end === 'to' ? within(choice.last + step, choice.first, time.count - 1) : choice.last;
    app.go({ from: String(first * time.sliceMs), to: String((last + 1) * time.sliceMs) }, { replace: true });
  }

  /** Returns the point `step` further on, or the next one at a different time. */
  nextPoint(point, step) {
    const { time } = this;
    const last = 2 * time.count - 1;
    let next = Math.min(last, Math.max(0, point + step));
    const way = Math.sign(step);
    while (next > 0 && next < last && (pointMs(time, next) - pointMs(time, point)) * way <= 0) next += way;
    return next;
  }

  hover(event) {
    const { time } = this;
    if (event.buttons) return;
    const ms = this.ms(event);
    const slice = Math.min(time.count - 1, Math.floor(ms / time.sliceMs));
    const rows = [['time', timeText(ms)], ['peak heap', amountText(time.most[slice], 'bytes')]];
    if (time.rss[slice]) rows.push(['resident', amountText(time.rss[slice], 'bytes')]);
    for (const [pid, name, begin, end] of time.spans) if (begin <= ms && ms <= (end ?? time.end)) rows.push(['span', `${name} (${pid})`]);
    if (time.processes.length > 1) {
      const running = time.processes.filter(([, , begin, end]) => begin <= ms && ms <= (end ?? time.end));
      rows.push(['processes', countText(running.length)]);
    }
    const tooltip = byId('tooltip');
    tooltip.replaceChildren(make('table', {}, ...rows.slice(0, 12).map(([name, text]) => make('tr', {}, make('th', {}, name), make('td', {}, isolated(text))))));
    tooltip.hidden = false;
    this.app.panel.described = null;
    tooltip.style.transform = `translate(${Math.min(event.clientX + 14, innerWidth - tooltip.offsetWidth - 8)}px, ${event.clientY + 14}px)`;
  }
}

/** Returns 1, 2 or 5 times a power of ten, at least `value`. */
function niceStep(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map(times => times * power).find(step => step >= value * 0.999);
}
