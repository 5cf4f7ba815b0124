// The lanes: a canvas a run.
let runs = [], part = null;  // Of start().
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
    if (runs.length === 2 && !part && run.raw.calls.before)
      element('p', 'They part before the calls that are shown, or nowhere.', box, 'note part');
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
    // Where there are more lanes than have room: which of them these are.
    const all = run.lanes.length * this.lane, room = this.height - kAxis;
    if (all > room) {
      g.fillStyle = soft;
      g.fillRect(this.width - 5, kAxis + this.scroll / all * room, 4, room / all * room);
    }
    this.drawAxis(soft, css('--line'));
  }

  drawLane(place, text, mark) {
    const g = this.context, run = this.run, calls = run.lanes[place].calls;
    const gap = this.lane < 26 ? 2 : 4, y = this.y(place) + gap, height = this.lane - 2 * gap;
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
      g.fillRect(left, y, width, height);
      g.globalAlpha = 1;
      if (open) {
        g.strokeStyle = mark;
        g.setLineDash([4, 3]);
        g.strokeRect(left + 0.5, y + 0.5, width - 1, height - 1);
        g.setLineDash([]);
      }
      if (isMatch) {
        g.fillStyle = mark;
        g.fillRect(left, y + height, Math.max(width, 2), 2);
        lastMatch = pixel;
      }
      if (width > 34) {
        g.save();
        g.beginPath();
        g.rect(left, y, width - 2, height);
        g.clip();
        g.fillStyle = text;
        g.fillText(width > 170 ? run.words(i) : run.name(i), Math.max(left, kGutter) + 4, y + height / 2);
        g.restore();
      }
    }
  }

  arrow(from, to, color, width) {
    const g = this.context, run = this.run;
    const at = this.ofStep(run.wakes.get(to).step);
    // Who wakes may have waited first.
    const x1 = this.x(Math.max(this.begin(from), Math.min(this.end(from), at)));
    const y1 = this.y(run.laneOf.get(run.tid(from))) + this.lane / 2;
    const x2 = this.x(at), y2 = this.y(run.laneOf.get(run.tid(to))) + this.lane / 2;
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
    // As many as an eye can follow: of more, some from everywhere. The same ones while the view moves,
    // and in no step with what the threads do: each has a number like a random one.
    const kMostArrows = 300, visible = [];
    const chance = (to) => (Math.imul(to + 1, 0x9e3779b1) ^ Math.imul(to + 7, 0x85ebca6b) >>> 13) >>> 0;
    for (const [to, wake] of run.wakes) {
      if (wake.waker < 0 || wake.waker >= run.count) continue;
      if (this.ofStep(wake.step) < view.from || this.begin(wake.waker) > view.to) continue;
      visible.push(to);
    }
    const share = 2 ** Math.floor(Math.log2(Math.min(1, kMostArrows / Math.max(1, visible.length))));
    this.arrows = share < 1 ? `, 1 of ${1 / share} arrows` : '';
    this.context.globalAlpha = share < 1 ? 0.35 : 0.6;
    for (const to of visible)
      if (chance(to) < share * 2 ** 32) this.arrow(run.wakes.get(to).waker, to, soft, 1);
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
    const last = [];  // By lane.
    for (const [, , , step, at, id] of run.deliveries) {
      const x = this.x(bySteps ? step : at), lane = run.laneOf.get(run.tid(id - run.first));
      if (x < kGutter || x > this.width || x - last[lane] < 3) continue;
      last[lane] = x;
      g.fillStyle = mark;
      g.beginPath();
      g.arc(x, this.y(lane) + 3, 2, 0, 7);
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
