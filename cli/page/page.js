'use strict';
// The page of --report (docs/report.md). What is the guest's is only ever set as text.
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const kGutter = 96, kAxis = 22, kLeastLane = 26, kMostLane = 46;
const kOpen = 0, kStates = ['waits', 'returned', 'interrupted', 'never returned'];
const kSet = 0, kNoticed = 1, kDelivered = 2, kGone = 3;
const kEdge = 0x80000000, kOneShot = 0x40000000;
const kFlags = [[1, 'EPOLLIN'], [2, 'EPOLLPRI'], [4, 'EPOLLOUT'], [8, 'EPOLLERR'], [16, 'EPOLLHUP'],
  [64, 'EPOLLRDNORM'], [128, 'EPOLLRDBAND'], [256, 'EPOLLWRNORM'], [512, 'EPOLLWRBAND'],
  [1024, 'EPOLLMSG'], [8192, 'EPOLLRDHUP'], [0x10000000, 'EPOLLEXCLUSIVE'],
  [0x20000000, 'EPOLLWAKEUP'], [kOneShot, 'EPOLLONESHOT'], [kEdge, 'EPOLLET']];
const eventWords = (mask) =>
  kFlags.filter(([bit]) => (mask & bit) !== 0).map(([, name]) => name).join('|') || '0';

function element(tag, text, parent, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  if (parent) parent.appendChild(made);
  return made;
}

function timeWords(ns) {
  const size = Math.abs(ns);
  const [unit, name] = size >= 1e9 ? [1e9, 's'] : size >= 1e6 ? [1e6, 'ms'] : size >= 1e3 ? [1e3, 'us'] : [1, 'ns'];
  return String(Number((ns / unit).toPrecision(7))) + ' ' + name;
}

// The first index whose value is more than `value`.
function above(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1; else high = middle;
  }
  return low;
}

// ---- A run's data, as arrays.
class Run {
  constructor(raw) {
    this.raw = raw;
    const calls = raw.calls, count = calls.name.length;
    const sum = (column) => {
      const all = new Float64Array(column.length);
      let last = 0;
      for (let i = 0; i < column.length; ++i) all[i] = last += column[i];
      return all;
    };
    this.count = count;
    this.first = calls.first;
    this.began = sum(calls.began);
    this.at = sum(calls.at);
    this.text = sum(calls.text);
    this.lastStep = raw.instructions;
    this.lastTime = Math.max(raw.time, count ? this.at[count - 1] : 0);
    this.ended = new Float64Array(count);
    this.endedAt = new Float64Array(count);
    this.wakes = new Map();   // Of a call: by which, and when.
    this.woken = new Map();   // Of a call: those that it woke.
    this.second = new Map(calls.second);
    for (const [index, by, step] of calls.wakes) {
      const waker = by ? by - this.first : -1;
      this.wakes.set(index, {by, waker, step});
      if (waker < 0) continue;
      if (!this.woken.has(waker)) this.woken.set(waker, []);
      this.woken.get(waker).push(index);
    }
    const tids = new Map();
    for (let i = 0; i < count; ++i) {
      const open = calls.state[i] === kOpen;
      this.ended[i] = open ? this.lastStep : this.began[i] + calls.took[i];
      this.endedAt[i] = open ? this.lastTime : this.at[i] + calls.time[i];
      const [tid, pid] = calls.tasks[calls.task[i]];
      if (!tids.has(tid)) tids.set(tid, {tid, pid, calls: []});
      tids.get(tid).calls.push(i);
    }
    for (const [pid, tid] of raw.threads) if (!tids.has(tid)) tids.set(tid, {tid, pid, calls: []});
    this.lanes = [...tids.values()].sort((a, b) => a.pid - b.pid || a.tid - b.tid);
    this.laneOf = new Map(this.lanes.map((lane, place) => [lane.tid, place]));
    this.interests = new Map(raw.interests.map((row) => [row[0], row]));
    this.descriptions = new Map(raw.descriptions.map((row) => [row[0], row]));
    this.deliveries = raw.events.filter((event) => event[0] === kDelivered && this.has(event[5]));
    this.failed = raw.exit !== 0;
    // Of the calls that the reasons name: stacks.
    this.stacks = new Map();
    for (const [title, frames] of raw.cited) {
      const at = this.named(title)[0];
      if (at && at.call >= 0) this.stacks.set(at.call, frames);
    }
  }
  has(id) { return id >= this.first && id < this.first + this.count; }
  string(index) { return this.raw.strings[index]; }
  name(i) { return this.string(this.raw.calls.name[i]); }
  words(i) { return this.string(this.text[i]); }
  tid(i) { return this.raw.calls.tasks[this.raw.calls.task[i]][0]; }
  pid(i) { return this.raw.calls.tasks[this.raw.calls.task[i]][1]; }
  // The call of the thread (any, without) that was under way at the step.
  callAt(step, tid) {
    const lane = tid === undefined ? undefined : this.lanes[this.laneOf.get(tid)];
    if (tid !== undefined && !lane) return -1;
    let low = 0, high = lane ? lane.calls.length : this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.began[lane ? lane.calls[middle] : middle] <= step) low = middle + 1; else high = middle;
    }
    return low === 0 ? -1 : lane ? lane.calls[low - 1] : low - 1;
  }
  timeAt(step) {
    const i = above(this.began, step) - 1;
    if (i < 0) return this.count ? this.at[0] : 0;
    const end = i + 1 < this.count ? [this.began[i + 1], this.at[i + 1]] : [this.lastStep, this.lastTime];
    const span = end[0] - this.began[i];
    return span <= 0 ? this.at[i] : this.at[i] + (step - this.began[i]) / span * (end[1] - this.at[i]);
  }
  stepAt(time) {
    const i = above(this.at, time) - 1;
    if (i < 0) return this.count ? this.began[0] : 0;
    const end = i + 1 < this.count ? [this.began[i + 1], this.at[i + 1]] : [this.lastStep, this.lastTime];
    const span = end[1] - this.at[i];
    return span <= 0 ? this.began[i] : this.began[i] + (time - this.at[i]) / span * (end[0] - this.began[i]);
  }
  // Where a sentence says "step N": whose, by the last "thread T" before it.
  named(text) {
    const places = [];
    let tid;
    for (const match of text.matchAll(/threads? (\d+)|steps? (\d+)/g)) {
      if (match[1]) { tid = Number(match[1]); continue; }
      const step = Number(match[2]);
      let call = this.callAt(step, tid);
      if (call < 0) call = this.callAt(step);
      places.push({start: match.index, end: match.index + match[0].length, step, tid, call});
    }
    return places;
  }
  // What epoll instances have, before the step's events and with them.
  epollAt(step) {
    const instances = new Map();
    for (const [kind, id, events, at] of this.raw.events) {
      if (at > step) break;
      const row = this.interests.get(id);
      if (!row) continue;
      if (!instances.has(row[1])) instances.set(row[1], new Map());
      const all = instances.get(row[1]);
      if (kind === kGone) { all.delete(id); continue; }
      if (!all.has(id)) all.set(id, {row, asked: 0, ready: 0, spent: false});
      const now = all.get(id);
      if (kind === kSet) { now.asked = events; now.spent = false; now.ready = 0; }
      if (kind === kNoticed && !now.ready) now.ready = at;
      if (kind === kDelivered) {
        now.given = at;
        now.events = events;
        // A level-triggered one stays until a look finds nothing.
        if (now.asked & (kEdge | kOneShot)) now.ready = 0;
        now.spent = (now.asked & kOneShot) !== 0;
      }
    }
    return instances;
  }
}

// Where two runs part: the first call that is another one.
function partOf(a, b) {
  const id = Math.max(a.first, b.first);
  for (let i = id - a.first, j = id - b.first;; ++i, ++j) {
    const endA = i >= a.count, endB = j >= b.count;
    if (endA && endB) return null;
    if (endA || endB || a.tid(i) !== b.tid(j) || a.name(i) !== b.name(j) || a.began[i] !== b.began[j])
      return [i, j];
  }
}

const runs = data.runs.map((raw) => new Run(raw));
const part = runs.length === 2 ? partOf(runs[0], runs[1]) : null;
const dark = matchMedia('(prefers-color-scheme: dark)');
let bySteps = false;
let view = {from: 0, to: 1};
let selected = {run: 0, call: -1, step: null};
let matches = [], match = -1, matchSet = [];
const views = [];

// ---- Drawing
const colors = new Map();
function colorOf(name) {
  const key = (dark.matches ? 'd' : 'l') + name;
  if (!colors.has(key)) {
    let hash = 7;
    for (const c of name) hash = (hash * 31 + c.charCodeAt(0)) >>> 0;
    colors.set(key, `hsl(${hash % 360} 45% ${dark.matches ? 42 : 66}%)`);
  }
  return colors.get(key);
}

class View {
  constructor(run, place) {
    this.run = run;
    this.place = place;
    this.scroll = 0;
    this.lane = kLeastLane;
    const box = element('div', undefined, byId('runs'), 'run');
    const head = element('h2', run.raw.title, box);
    element('span', `  exit ${run.raw.exit}, ${run.count} calls of ${run.lanes.length} threads, ` +
      `${run.raw.instructions} steps, ${timeWords(run.raw.time)}`, head, 'sub');
    if (run.raw.reasons.length || run.failed) {
      const why = element('div', undefined, box, 'why');
      const texts = run.raw.reasons.length ? run.raw.reasons : [run.raw.explanation.split('\n')[0] || run.raw.title];
      for (const reason of texts) linked(element('p', undefined, why), reason, place);
      for (const [name, text] of run.raw.lints) linked(element('p', undefined, why), `lint ${name}: ${text}`, place);
    }
    const notes = [];
    if (run.raw.calls.before) notes.push(`the first ${run.raw.calls.before} calls are left out`);
    if (run.raw.calls.withoutText) notes.push(`${run.raw.calls.withoutText} calls are shown without arguments`);
    if (run.raw.eventsBefore) notes.push(`the first ${run.raw.eventsBefore} epoll events are left out`);
    if (notes.length) element('p', 'A long run: ' + notes.join('; ') + '.', box, 'note');
    if (part) {
      const i = part[place];
      const note = element('p', 'They part here: ', box, 'note part');
      if (i < run.count) {
        const link = element('a', `thread ${run.tid(i)}, ${run.words(i)}, step ${run.began[i]}`, note);
        link.tabIndex = 0;
        link.onclick = () => select(place, i, true);
      } else {
        element('span', 'this run ends before', note);
      }
    }
    const lanes = element('div', undefined, box, 'lanes');
    this.canvas = element('canvas', undefined, lanes);
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', `Calls of ${run.lanes.length} threads: ${run.raw.title}`);
    this.context = this.canvas.getContext('2d');
    this.listen();
    new ResizeObserver(() => draw()).observe(lanes);
  }
  begin(i) { return bySteps ? this.run.began[i] : this.run.at[i]; }
  end(i) { return bySteps ? this.run.ended[i] : this.run.endedAt[i]; }
  ofStep(step) { return bySteps ? step : this.run.timeAt(step); }
  x(value) { return kGutter + (value - view.from) / (view.to - view.from) * (this.width - kGutter); }
  value(x) { return view.from + (x - kGutter) / (this.width - kGutter) * (view.to - view.from); }
  y(lane) { return kAxis + lane * this.lane - this.scroll; }

  draw() {
    const box = this.canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
    this.width = box.width;
    this.height = box.height;
    if (box.width < 10 || box.height < 10) return;
    this.canvas.width = Math.round(box.width * scale);
    this.canvas.height = Math.round(box.height * scale);
    const style = getComputedStyle(document.documentElement);
    const css = (name) => style.getPropertyValue(name).trim();
    const g = this.context, run = this.run;
    this.lane = Math.max(kLeastLane, Math.min(kMostLane,
      Math.floor((this.height - kAxis) / Math.max(1, run.lanes.length))));
    this.scroll = Math.max(0, Math.min(this.scroll, run.lanes.length * this.lane + kAxis - this.height));
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    g.font = '11px system-ui, sans-serif';
    g.textBaseline = 'middle';
    const text = css('--text'), soft = css('--soft'), mark = css('--mark'), link = css('--link');
    g.save();
    g.beginPath();
    g.rect(0, kAxis, this.width, this.height - kAxis);
    g.clip();
    const shown = [];
    for (let place = 0; place < run.lanes.length; ++place) {
      const y = this.y(place);
      if (y < -this.lane || y > this.height) continue;
      shown.push(place);
      if (place % 2 === 0) {
        g.fillStyle = css('--lane');
        g.fillRect(0, y, this.width, this.lane);
      }
    }
    g.save();
    g.beginPath();
    g.rect(kGutter, kAxis, this.width - kGutter, this.height - kAxis);
    g.clip();
    for (const place of shown) this.drawLane(place, text, mark);
    this.drawArrows(soft, link);
    this.drawMarks(css('--mark'), css('--part'), link);
    g.restore();
    for (const place of shown) {
      const lane = run.lanes[place];
      g.fillStyle = text;
      const process = new Set(run.lanes.map((one) => one.pid)).size > 1 ? `${lane.pid}/` : '';
      g.fillText(`${process}${lane.tid}`, 10, this.y(place) + this.lane / 2, kGutter - 14);
    }
    g.restore();
    this.drawAxis(soft, css('--line'));
  }

  drawLane(place, text, mark) {
    const g = this.context, run = this.run, calls = run.lanes[place].calls, y = this.y(place) + 4;
    const found = matchSet[this.place];
    // The first that is not over before the view: calls of a thread follow each other.
    let low = 0, high = calls.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end(calls[middle]) < view.from) low = middle + 1; else high = middle;
    }
    let last = -1, lastMatch = -1;
    for (let k = low; k < calls.length; ++k) {
      const i = calls[k], begin = this.begin(i);
      if (begin > view.to) break;
      const x = this.x(begin), right = Math.min(this.x(this.end(i)), this.width + 10);
      const width = Math.max(1, right - Math.max(x, kGutter - 10));
      const isMatch = found && found.has(i);
      // Of many in a pixel one is drawn.
      const pixel = Math.floor(x);
      if (width <= 1 && pixel === last && !(isMatch && pixel !== lastMatch)) continue;
      last = Math.floor(Math.max(x, right));
      const left = Math.max(x, kGutter - 10);
      g.fillStyle = colorOf(run.name(i));
      const open = run.raw.calls.state[i] === kOpen;
      g.globalAlpha = run.wakes.has(i) || open ? 0.6 : 1;
      g.fillRect(left, y, width, this.lane - 8);
      g.globalAlpha = 1;
      if (open) {
        g.strokeStyle = mark;
        g.setLineDash([4, 3]);
        g.strokeRect(left + 0.5, y + 0.5, width - 1, this.lane - 9);
        g.setLineDash([]);
      }
      if (isMatch) {
        g.fillStyle = mark;
        g.fillRect(left, y + this.lane - 8, Math.max(width, 2), 2);
        lastMatch = pixel;
      }
      if (width > 34) {
        g.save();
        g.beginPath();
        g.rect(left, y, width - 2, this.lane - 8);
        g.clip();
        g.fillStyle = text;
        g.fillText(width > 170 ? run.words(i) : run.name(i), Math.max(left, kGutter) + 4, y + this.lane / 2 - 4);
        g.restore();
      }
    }
  }

  arrow(from, to, color, width) {
    const g = this.context, run = this.run;
    const x1 = this.x(this.begin(from)), y1 = this.y(run.laneOf.get(run.tid(from))) + this.lane / 2;
    const woken = run.wakes.get(to).step;
    const x2 = this.x(this.ofStep(woken)), y2 = this.y(run.laneOf.get(run.tid(to))) + this.lane / 2;
    g.strokeStyle = g.fillStyle = color;
    g.lineWidth = width;
    g.beginPath();
    g.moveTo(x1, y1);
    const bend = Math.min(24, Math.abs(y2 - y1) / 2);
    g.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    g.stroke();
    g.beginPath();
    g.moveTo(x2 + 1, y2);
    g.lineTo(x2 - 5 - width, y2 - 3 - width);
    g.lineTo(x2 - 5 - width, y2 + 3 + width);
    g.fill();
    g.lineWidth = 1;
  }

  drawArrows(soft, link) {
    const run = this.run;
    const mine = selected.run === this.place ? selected.call : -1;
    // As many as an eye can follow: of more, some from everywhere.
    const kMostArrows = 300, visible = [];
    for (const [to, wake] of run.wakes) {
      if (wake.waker < 0 || wake.waker >= run.count) continue;
      if (this.ofStep(wake.step) < view.from || this.begin(wake.waker) > view.to) continue;
      visible.push(to);
    }
    const stride = Math.ceil(visible.length / kMostArrows);
    this.arrows = stride > 1 ? `, 1 of ${stride} arrows` : '';
    this.context.globalAlpha = stride > 1 ? 0.35 : 0.6;
    for (let k = 0; k < visible.length; k += stride)
      this.arrow(run.wakes.get(visible[k]).waker, visible[k], soft, 1);
    this.context.globalAlpha = 1;
    if (mine < 0) return;
    const by = run.wakes.get(mine);
    if (by && by.waker >= 0) this.arrow(by.waker, mine, link, 2);
    for (const to of run.woken.get(mine) || []) this.arrow(mine, to, link, 2);
  }

  drawMarks(mark, partColor, link) {
    const g = this.context, run = this.run;
    const line = (x, color, dash) => {
      if (x < kGutter || x > this.width) return;
      g.strokeStyle = color;
      g.setLineDash(dash);
      g.beginPath();
      g.moveTo(x, kAxis);
      g.lineTo(x, this.height);
      g.stroke();
      g.setLineDash([]);
    };
    for (const [from, to, step] of run.raw.preemptions) {
      const x = this.x(this.ofStep(step)), y = this.y(run.laneOf.get(from) ?? 0);
      if (x < kGutter || x > this.width) continue;
      g.fillStyle = partColor;
      g.beginPath();
      g.moveTo(x - 4, y);
      g.lineTo(x + 4, y);
      g.lineTo(x, y + 7);
      g.fill();
    }
    let last = -10;
    for (const [, , , step, at, id] of run.deliveries) {
      const x = this.x(bySteps ? step : at);
      if (x < kGutter || x > this.width || x - last < 3) continue;
      last = x;
      g.fillStyle = mark;
      g.beginPath();
      g.arc(x, this.y(run.laneOf.get(run.tid(id - run.first))) + 3, 2, 0, 7);
      g.fill();
    }
    for (const [tid, , step] of run.raw.signals) {
      const x = this.x(this.ofStep(step));
      if (x < kGutter || x > this.width || !run.laneOf.has(tid)) continue;
      g.fillStyle = mark;
      g.fillRect(x - 1, this.y(run.laneOf.get(tid)) + 1, 3, this.lane - 2);
    }
    if (part) line(this.x(part[this.place] < run.count ? this.begin(part[this.place])
      : bySteps ? run.lastStep : run.lastTime), partColor, [6, 3]);
    if (run.failed) line(this.x(bySteps ? run.lastStep : run.lastTime) - 1, mark, []);
    if (selected.run !== this.place) return;
    if (selected.step !== null) line(this.x(this.ofStep(selected.step)), link, [2, 2]);
    const i = selected.call;
    if (i < 0) return;
    const x = Math.max(this.x(this.begin(i)), kGutter - 4), right = Math.min(this.x(this.end(i)), this.width + 4);
    g.strokeStyle = link;
    g.lineWidth = 2;
    g.strokeRect(x - 1, this.y(run.laneOf.get(run.tid(i))) + 2, Math.max(3, right - x + 2), this.lane - 4);
    g.lineWidth = 1;
  }

  drawAxis(soft, lineColor) {
    const g = this.context, span = view.to - view.from;
    const rough = span / Math.max(2, (this.width - kGutter) / 130);
    const power = 10 ** Math.floor(Math.log10(rough));
    const tick = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough));
    g.fillStyle = soft;
    g.strokeStyle = lineColor;
    g.fillText((bySteps ? 'steps' : 'time') + this.arrows, 10, kAxis / 2);
    const labels = kGutter + (this.arrows ? 40 : 0);
    for (let at = Math.ceil(view.from / tick) * tick; at <= view.to; at += tick) {
      const x = this.x(at);
      g.beginPath();
      g.moveTo(x + 0.5, kAxis - 5);
      g.lineTo(x + 0.5, kAxis);
      g.stroke();
      if (x > labels && x + 60 < this.width) g.fillText(bySteps ? String(Math.round(at)) : timeWords(at), x + 3, kAxis / 2);
    }
  }

  hit(x, y) {
    const place = Math.floor((y - kAxis + this.scroll) / this.lane);
    const lane = this.run.lanes[place];
    if (!lane || y < kAxis) return -1;
    let best = -1, distance = 5;
    const value = this.value(x);
    let low = 0, high = lane.calls.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.begin(lane.calls[middle]) <= value) low = middle + 1; else high = middle;
    }
    for (let k = Math.max(0, low - 2); k < Math.min(lane.calls.length, low + 2); ++k) {
      const i = lane.calls[k];
      const left = this.x(this.begin(i)), right = this.x(this.end(i));
      const off = x < left ? left - x : x > right ? x - right : 0;
      if (off < distance) { distance = off; best = i; }
    }
    return best;
  }

  listen() {
    let drag = null;
    const canvas = this.canvas;
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      if (event.shiftKey) {
        this.scroll += event.deltaY || event.deltaX;
        return draw();
      }
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
        return pan(event.deltaX / (this.width - kGutter));
      zoom(Math.exp(event.deltaY * 0.0015), this.value(event.offsetX));
    }, {passive: false});
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      drag = {x: event.offsetX, y: event.offsetY, lastX: event.offsetX, lastY: event.offsetY, moved: false};
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!drag) {
        const i = this.hit(event.offsetX, event.offsetY);
        canvas.title = i < 0 ? '' : this.run.words(i);
        return;
      }
      if (Math.hypot(event.offsetX - drag.x, event.offsetY - drag.y) > 4) drag.moved = true;
      if (!drag.moved) return;
      this.scroll -= event.offsetY - drag.lastY;
      const dx = event.offsetX - drag.lastX;
      drag.lastX = event.offsetX;
      drag.lastY = event.offsetY;
      pan(-dx / (this.width - kGutter));
    });
    canvas.addEventListener('pointerup', (event) => {
      if (drag && !drag.moved) {
        const value = this.value(event.offsetX);
        const step = Math.max(0, Math.round(bySteps ? value : this.run.stepAt(value)));
        select(this.place, this.hit(event.offsetX, event.offsetY), false, step);
      }
      drag = null;
    });
    canvas.addEventListener('pointercancel', () => { drag = null; });
  }
}

let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const one of views) one.draw();
  });
}
dark.addEventListener('change', draw);

// ---- Moving
function whole() {
  const from = Math.min(...runs.map((run) => run.count ? (bySteps ? run.began[0] : run.at[0]) : 0));
  const to = Math.max(...runs.map((run) => bySteps ? run.lastStep : run.lastTime));
  const span = Math.max(to - from, 10);
  return {from: from - span * 0.01, to: to + span * 0.02};
}
function fit() { view = whole(); draw(); }
function pan(share) {
  const all = whole(), span = view.to - view.from;
  let from = view.from + share * span;
  from = Math.min(Math.max(from, all.from - span * 0.5), all.to - span * 0.5);
  view = {from, to: from + span, zoomed: true};
  draw();
}
function zoom(factor, around = (view.from + view.to) / 2) {
  const all = whole(), span = view.to - view.from;
  const wanted = Math.min(Math.max(span * factor, 20), all.to - all.from);
  const share = (around - view.from) / span;
  view = {from: around - share * wanted, to: around + (1 - share) * wanted, zoomed: true};
  draw();
}
function center(place, call) {
  const one = views[place], run = runs[place];
  const begin = one.begin(call), end = Math.min(one.end(call), begin + (view.to - view.from));
  const all = whole();
  // So near that it can be told from its neighbours.
  const span = Math.min(view.to - view.from, Math.max((all.to - all.from) / 4, 200));
  const middle = end - begin > span ? begin : (begin + end) / 2;
  if (begin < view.from || end > view.to || span !== view.to - view.from)
    view = {from: middle - span / 2, to: middle + span / 2, zoomed: true};
  const y = run.laneOf.get(run.tid(call)) * one.lane;
  if (one.height && (y < one.scroll || y + one.lane + kAxis > one.scroll + one.height))
    one.scroll = Math.max(0, y - one.height / 2);
}
function setAxis(steps) {
  // The same part of the first run, or of the one that is looked at.
  const run = runs[selected.run], all = steps !== bySteps && view.zoomed;
  const to = (value) => steps ? run.stepAt(value) : run.timeAt(value);
  const from = all && [to(view.from), to(view.to)];
  bySteps = steps;
  byId('axis').textContent = bySteps ? 'Axis: steps' : 'Axis: virtual time';
  if (!from || from[1] - from[0] < 20) return fit();
  view = {from: from[0], to: from[1], zoomed: true};
  draw();
}

// ---- What is selected
function select(place, call, move, step) {
  selected = {run: place, call, step: step ?? (call >= 0 ? runs[place].began[call] : null)};
  if (call >= 0 && move) center(place, call);
  showDetail();
  showEpoll();
  showEnds();
  draw();
}
function linked(parent, text, place) {
  let done = 0;
  for (const at of runs[place].named(text)) {
    element('span', text.slice(done, at.start), parent);
    const link = element('a', text.slice(at.start, at.end), parent);
    link.tabIndex = 0;
    link.onclick = () => select(place, at.call, true, at.step);
    done = at.end;
  }
  element('span', text.slice(done), parent);
}
function callLink(parent, place, call) {
  const run = runs[place];
  const link = element('a', `thread ${run.tid(call)}, ${run.words(call)}, step ${run.began[call]}`, parent);
  link.tabIndex = 0;
  link.onclick = () => select(place, call, true);
}
function row(table, name) {
  const line = element('tr', undefined, table);
  element('th', name, line);
  return element('td', undefined, line, 'm');
}
function descriptionWords(run, id) {
  const found = run.descriptions.get(id);
  if (!found) return `#${id}`;
  return `${found[1]} #${id}, last as ${found[2]}` + (found[3] ? `, closed at step ${found[3]}` : '');
}
function stackWords(frames) {
  return frames.map((frame, place) => `#${place} ${frame}`).join('\n') || 'not known';
}
function showDetail() {
  const box = byId('detail');
  box.replaceChildren();
  const {run: place, call: i} = selected, run = runs[place];
  element('h2', i < 0 ? 'Call' : run.name(i), box);
  if (i < 0) {
    element('p', selected.step === null ? 'Click a call. Keys: ?' : `Step ${selected.step}: no call here.`, box, 'hint');
    return;
  }
  const calls = run.raw.calls, open = calls.state[i] === kOpen;
  element('pre', run.words(i), box);
  const table = element('table', undefined, box);
  if (runs.length > 1) row(table, 'run').textContent = run.raw.title;
  row(table, 'thread').textContent = `${run.tid(i)} of process ${run.pid(i)}`;
  row(table, 'state').textContent = open ? 'waits to the end' : kStates[calls.state[i]];
  if (calls.state[i] === 1) row(table, 'result').textContent = calls.result[i];
  row(table, 'step').textContent = open ? `${run.began[i]} on` : `${run.began[i]} to ${run.ended[i]}`;
  row(table, 'time').textContent = timeWords(run.at[i]);
  row(table, 'took').textContent = timeWords(run.endedAt[i] - run.at[i]);
  if (calls.description[i]) row(table, 'on').textContent = descriptionWords(run, calls.description[i]);
  if (run.second.has(i)) row(table, 'and').textContent = descriptionWords(run, run.second.get(i));
  const wake = run.wakes.get(i);
  if (wake) {
    const cell = row(table, 'woken by');
    if (wake.waker >= 0) callLink(cell, place, wake.waker);
    else cell.textContent = wake.by ? 'a call that is left out' : `nobody's call (a timer, a signal), step ${wake.step}`;
  }
  const woken = run.woken.get(i);
  if (woken) {
    const cell = row(table, 'wakes');
    for (const to of woken.slice(0, 20)) callLink(element('div', undefined, cell), place, to);
  }
  const thread = run.raw.threads.find((one) => one[1] === run.tid(i));
  const frames = run.stacks.get(i) || (open && thread ? thread[3] : null);
  if (frames) {
    element('h2', 'Stack', box);
    element('pre', stackWords(frames), box);
  }
}
function showEpoll() {
  const box = byId('epoll');
  box.replaceChildren();
  const run = runs[selected.run];
  const step = selected.step ?? run.lastStep;
  element('h2', `epoll at ${selected.step === null ? 'the end' : 'step ' + step}`, box);
  const instances = run.epollAt(step);
  if (!instances.size) element('p', 'No instance has an interest.', box, 'hint');
  for (const [id, all] of instances) {
    const ready = [...all.values()].filter((one) => one.ready);
    element('div', `${descriptionWords(run, id)}: ${all.size} interests, ${ready.length} in the ready list`, box);
    const table = element('table', undefined, box);
    for (const one of [...all.values()].slice(0, 100)) {
      const cell = row(table, `fd ${one.row[3]}`);
      element('span', eventWords(one.asked), cell);
      if (one.spent) element('div', 'one-shot, has fired', cell, 'ready');
      if (one.ready) linked(element('div', undefined, cell, 'ready'), `ready since step ${one.ready}`, selected.run);
      if (one.given) linked(element('div', undefined, cell), `last given at step ${one.given}: ${eventWords(one.events)}`, selected.run);
    }
  }
}
function showEnds() {
  const box = byId('ends');
  box.replaceChildren();
  const run = runs[selected.run];
  if (!run.raw.threads.length) return;
  element('h2', 'Threads at the end', box);
  for (const [, tid, state, frames] of run.raw.threads) {
    const more = element('details', undefined, box);
    element('summary', `${tid}: ${state}`, more);
    element('pre', stackWords(frames), more);
  }
}

// ---- Search
function search(text) {
  matches = [];
  match = -1;
  matchSet = [];
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) {
    runs.forEach((run, place) => {
      const set = matchSet[place] = new Set(), known = new Map();
      const tids = words.filter((word) => /^tid:\d+$/.test(word)).map((word) => Number(word.slice(4)));
      const rest = words.filter((word) => !/^tid:\d+$/.test(word)).map((word) => {
        const fd = /^fd:(\d+)$/.exec(word);
        return fd ? new RegExp(`\\((?:[^,]*, )??(?:-1, )?${fd[1]}(?=[,) <])`) : word;
      });
      for (let i = 0; i < run.count; ++i) {
        if (tids.length && !tids.includes(run.tid(i))) continue;
        const key = run.text[i];
        if (!known.has(key)) {
          const line = run.words(i).toLowerCase();
          known.set(key, rest.every((one) => typeof one === 'string' ? line.includes(one) : one.test(line)));
        }
        if (!known.get(key)) continue;
        set.add(i);
        matches.push([place, i]);
      }
    });
  }
  byId('found').textContent = words.length ? `${matches.length} found` : '';
  draw();
}
function nextMatch(by) {
  if (!matches.length) return;
  match = match < 0 ? (by > 0 ? 0 : matches.length - 1) : (match + by + matches.length) % matches.length;
  byId('found').textContent = `${match + 1} of ${matches.length}`;
  select(matches[match][0], matches[match][1], true);
}

// ---- Keys
function neighbour(by) {
  const run = runs[selected.run];
  if (!run.count) return;
  if (selected.call < 0) return select(selected.run, by > 0 ? 0 : run.count - 1, true);
  const calls = run.lanes[run.laneOf.get(run.tid(selected.call))].calls;
  const next = calls[calls.indexOf(selected.call) + by];
  if (next !== undefined) select(selected.run, next, true);
}
function otherLane(by) {
  const run = runs[selected.run];
  if (selected.call < 0) return neighbour(1);
  const step = run.began[selected.call];
  for (let at = run.laneOf.get(run.tid(selected.call)) + by; run.lanes[at]; at += by) {
    const call = run.callAt(step, run.lanes[at].tid);
    const next = call >= 0 ? call : run.lanes[at].calls[0];
    if (next !== undefined) return select(selected.run, next, true);
  }
}
let reason = -1;
function nextReason() {
  const places = runs[0].raw.reasons.flatMap((text) => runs[0].named(text));
  if (!places.length) return;
  reason = (reason + 1) % places.length;
  select(0, places[reason].call, true, places[reason].step);
}
const kKeys = [
  [['ArrowLeft'], 'back', () => pan(-0.2)], [['ArrowRight'], 'on', () => pan(0.2)],
  [['ArrowUp'], 'the thread above', () => otherLane(-1)], [['ArrowDown'], 'the thread below', () => otherLane(1)],
  [['+', '='], 'nearer', () => zoom(0.6)], [['-', '_'], 'farther', () => zoom(1 / 0.6)],
  [['0'], 'all of it', fit],
  [['j'], "the thread's next call", () => neighbour(1)], [['k'], "the thread's call before", () => neighbour(-1)],
  [['w'], 'the call that woke this one', () => {
    const wake = runs[selected.run].wakes.get(selected.call);
    if (wake && wake.waker >= 0) select(selected.run, wake.waker, true);
  }],
  [['f'], 'the next step that the explanation names', nextReason],
  [['d'], 'where the runs part', () => { if (part && part[0] < runs[0].count) select(0, part[0], true); }],
  [['r'], 'the other run', () => { if (runs.length > 1) select(1 - selected.run, -1, false); }],
  [['x'], 'virtual time or steps', () => setAxis(!bySteps)],
  [['/'], 'search', () => byId('search').focus()],
  [['n'], 'the next found', () => nextMatch(1)], [['p'], 'the found before', () => nextMatch(-1)],
  [['?'], 'these keys', () => byId('help').showModal()],
  [['Escape'], 'nothing selected', () => select(selected.run, -1, false)],
];
for (const [keys, what] of kKeys) {
  const line = element('tr', undefined, byId('keys'));
  element('th', keys.join(' '), line);
  element('td', what, line);
}
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open) return;
  if (event.target.tagName === 'INPUT') {
    if (event.key === 'Enter') nextMatch(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  if (event.key === 'Enter' && event.target.tagName === 'A') return event.target.click();
  for (const [keys, , act] of kKeys) {
    if (!keys.includes(event.key)) continue;
    event.preventDefault();
    act();
  }
});
byId('search').addEventListener('input', (event) => search(event.target.value));
byId('axis').onclick = () => setAxis(!bySteps);
byId('fit').onclick = fit;
byId('help-open').onclick = () => byId('help').showModal();

document.title = `pollux: ${data.title}`;
byId('title').textContent = data.title;
runs.forEach((run, place) => views.push(new View(run, place)));
setAxis(false);
select(0, -1, false);
})();
