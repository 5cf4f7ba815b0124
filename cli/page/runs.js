'use strict';
// The page of --report (docs/report.md): the runs' data. The files that page.html's script is made of share
// one scope; what is the guest's is only ever set as text.
// The data: JSON, as zlib packs it, in base64.
async function unpacked() {
  const bytes = Uint8Array.from(atob(byId('data').textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}
const byId = (id) => document.getElementById(id);
const kGutter = 96, kAxis = 22, kLeastLane = 18, kMostLane = 46;
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
    // Of the calls that the reasons name, and of those that wait to the end.
    this.stacks = new Map(Object.entries(raw.stacks).map(([id, text]) => [id - this.first, text.split('\n')]));
  }
  has(id) { return id >= this.first && id < this.first + this.count; }
  string(index) { return this.raw.strings[index]; }
  name(i) { return this.string(this.raw.calls.name[i]); }
  // Without the spaces that align the results in a trace.
  words(i) { return this.string(this.text[i]).replace(/\) {2,}= /, ') = '); }
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
  // Where a sentence says "step N": whose, by the last "thread T" before it. Of one that names no step
  // each "thread T", for the call that it ends in.
  named(text) {
    const places = [], hasSteps = /steps? \d/.test(text);
    let tid;
    for (const match of text.matchAll(/threads? (\d+)|steps? (\d+)/g)) {
      if (match[1]) tid = Number(match[1]);
      if (match[1] && hasSteps) continue;
      let call = this.callAt(match[2] ? Number(match[2]) : this.lastStep, tid);
      if (match[1] && call < 0) continue;
      const step = match[2] ? Number(match[2]) : this.began[call];
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

// Where two runs part: the first call that is another one; null: nowhere, or among those left out.
function partOf(a, b) {
  const id = Math.max(a.first, b.first);
  for (let i = id - a.first, j = id - b.first;; ++i, ++j) {
    const endA = i >= a.count, endB = j >= b.count;
    if (endA && endB) return null;
    if (endA || endB || a.tid(i) !== b.tid(j) || a.name(i) !== b.name(j) || a.began[i] !== b.began[j])
      return id > 1 && i + a.first === id ? null : [i, j];
  }
}
