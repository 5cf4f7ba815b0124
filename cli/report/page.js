'use strict';
// The picture of a run. All text comes from the guest or from pollux, and goes into the page as text.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // ---- What the page was given (cli/report.cc).
  const [ID, THREAD, NAME, BEGIN, END, STEP, TEXT, STATE, WAKER] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const OPEN = 1, FAILED = 2;
  const SET = 0, NOTICED = 1, DELIVERED = 2, GONE = 3;
  let at = 0;
  for (const call of data.calls) {  // Begins are told as differences.
    at += call[BEGIN];
    call[BEGIN] = at;
    call[END] = (call[STATE] & OPEN) ? data.end : at + call[END];
  }
  // Lanes in the order of the threads' numbers.
  const order = data.threads.map((_, i) => i).sort((a, b) => data.threads[a][0] - data.threads[b][0]);
  const place = [];
  order.forEach((was, now) => { place[was] = now; });
  data.threads = order.map((was) => data.threads[was]);
  for (const call of data.calls) call[THREAD] = place[call[THREAD]];
  const byId = new Map(data.calls.map((call) => [call[ID], call]));
  const lanes = data.threads.map(() => []);
  for (const call of data.calls) lanes[call[THREAD]].push(call);
  const textOf = (call) => call[TEXT] < 0 ? data.names[call[NAME]] + '()' : data.texts[call[TEXT]];
  const threadOf = (call) => 'thread ' + data.threads[call[THREAD]][0];

  document.title = 'pollux: ' + data.guest;
  $('title').textContent = data.guest + (data.summary ? ': ' + data.summary : ', which ended well');

  // ---- The view: from `left` on, `scale` pixels a nanosecond.
  const canvas = $('lanes'), pen = canvas.getContext('2d');
  const LANE = 46, BAR = 22, TOP = 28, MARGIN = 92;
  let left = 0, scale = 1, scroll = 0, selected = null, width = 0, height = 0, pending = false;
  const first = data.calls.length ? data.calls[0][BEGIN] : 0;
  const span = Math.max(1, data.end - first);
  const xOf = (time) => MARGIN + (time - left) * scale;
  const timeAt = (x) => left + (x - MARGIN) / scale;
  const yOf = (lane) => TOP + lane * LANE - scroll;

  const fit = () => {
    scale = Math.max(1e-9, (width - MARGIN - 20) / span);
    left = first;
    draw();
  };
  const zoom = (factor, x = MARGIN + (width - MARGIN) / 2) => {
    const time = timeAt(x);
    scale = Math.min(10, Math.max((width - MARGIN - 20) / span / 2, scale * factor));
    left = time - (x - MARGIN) / scale;
    draw();
  };
  const pan = (pixels) => { left += pixels / scale; draw(); };
  const scrollBy = (pixels) => {
    const most = Math.max(0, TOP + lanes.length * LANE - height);
    scroll = Math.min(most, Math.max(0, scroll + pixels));
    draw();
  };

  const textOfTime = (ns) => {
    if (Math.abs(ns) >= 1e9) return (ns / 1e9).toFixed(3) + ' s';
    if (Math.abs(ns) >= 1e6) return (ns / 1e6).toFixed(3) + ' ms';
    if (Math.abs(ns) >= 1e3) return (ns / 1e3).toFixed(2) + ' µs';
    return ns + ' ns';
  };

  // The first call of a lane that ends at `time` or later: ends of one thread's calls ascend.
  const firstAt = (lane, time) => {
    let low = 0, high = lane.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lane[middle][END] < time) low = middle + 1; else high = middle;
    }
    return low;
  };

  let colors = {};
  const readColors = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['back', 'text', 'dim', 'line', 'panel', 'call', 'wait', 'open', 'failed', 'wake', 'mark'])
      colors[name] = style.getPropertyValue('--' + name).trim();
  };

  const drawRuler = (lines) => {
    if (!lines) {
      pen.fillStyle = colors.back;
      pen.fillRect(0, 0, width, TOP - 4);
    }
    pen.fillStyle = colors.dim;
    pen.strokeStyle = colors.line;
    const rough = 110 / scale, power = Math.pow(10, Math.floor(Math.log10(rough)));
    const tick = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    for (let time = Math.ceil(left / tick) * tick; xOf(time) < width; time += tick) {
      const x = Math.round(xOf(time)) + 0.5;
      if (x < MARGIN) continue;
      if (lines) { pen.beginPath(); pen.moveTo(x, 16); pen.lineTo(x, height); pen.stroke(); }
      else pen.fillText(textOfTime(Math.round(time)), x + 3, 12);
    }
  };

  const drawLane = (index) => {
    const lane = lanes[index], y = yOf(index);
    if (y + LANE < TOP || y > height) return;
    const end = timeAt(width);
    let last = -1;
    for (let i = firstAt(lane, left); i < lane.length && lane[i][BEGIN] <= end; ++i) {
      const call = lane[i];
      const x = Math.max(MARGIN, xOf(call[BEGIN])), to = Math.min(width, xOf(call[END]));
      const wide = Math.max(2, to - x);
      // Of calls on one pixel one is drawn.
      if (wide <= 2 && Math.floor(x) === last && call !== selected) continue;
      last = Math.floor(x);
      const waits = call[END] > call[BEGIN];
      pen.fillStyle = (call[STATE] & OPEN) ? colors.open : (call[STATE] & FAILED) ? colors.failed :
          waits ? colors.wait : colors.call;
      pen.fillRect(x, y + 8, wide, BAR);
      if (waits) { pen.fillStyle = colors.call; pen.fillRect(x, y + 8, 2, BAR); }
      if (wide > 46) {
        pen.save();
        pen.beginPath(); pen.rect(x, y + 8, wide - 4, BAR); pen.clip();
        pen.fillStyle = (call[STATE] & OPEN) ? '#14171b' : colors.text;
        pen.fillText(textOf(call), x + 6, y + 23);
        pen.restore();
      }
    }
  };

  // Of those in view; where they are too many to be told apart, of the chosen call alone.
  const MOST_WAKES = 300;
  const drawWakes = () => {
    const begin = timeAt(MARGIN), end = timeAt(width);
    const seen = [], chosen = [];
    for (const lane of lanes) {
      for (let i = firstAt(lane, begin); i < lane.length && lane[i][BEGIN] <= end; ++i) {
        const call = lane[i], waker = call[WAKER] && byId.get(call[WAKER]);
        if (!waker || waker[THREAD] === call[THREAD] || call[END] > end) continue;
        if (call === selected || waker === selected) chosen.push([waker, call]);
        else if (seen.length <= MOST_WAKES) seen.push([waker, call]);
      }
    }
    pen.strokeStyle = pen.fillStyle = colors.wake;
    const arrow = ([waker, call], strong) => {
      const x = xOf(waker[BEGIN]), y = yOf(waker[THREAD]) + 8 + BAR / 2;
      const toX = xOf(call[END]), toY = yOf(call[THREAD]) + 8 + BAR / 2;
      pen.globalAlpha = strong ? 1 : 0.6;
      pen.lineWidth = strong ? 2.5 : 1;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.bezierCurveTo(x + 12, (y + toY) / 2, toX - 12, (y + toY) / 2, toX, toY);
      pen.stroke();
      pen.beginPath(); pen.arc(toX, toY, strong ? 4 : 2.5, 0, 7); pen.fill();
    };
    if (seen.length <= MOST_WAKES) for (const pair of seen) arrow(pair, false);
    for (const pair of chosen) arrow(pair, true);
    pen.globalAlpha = 1;
    pen.lineWidth = 1;
    return seen.length > MOST_WAKES;
  };

  const paint = () => {
    pending = false;
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth; height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = '12px system-ui, sans-serif';
    pen.fillStyle = colors.back;
    pen.fillRect(0, 0, width, height);
    drawRuler(true);
    for (let i = 0; i < lanes.length; ++i) drawLane(i);
    const hidden = drawWakes();
    if (selected) {
      const x = Math.max(MARGIN, xOf(selected[BEGIN]));
      pen.strokeStyle = colors.mark;
      pen.lineWidth = 2;
      pen.strokeRect(x - 1, yOf(selected[THREAD]) + 6, Math.max(4, Math.min(width, xOf(selected[END])) - x + 2), BAR + 4);
      pen.lineWidth = 1;
    }
    pen.fillStyle = colors.back;
    pen.fillRect(0, 0, MARGIN - 4, height);
    pen.fillStyle = colors.text;
    data.threads.forEach(([tid], i) => pen.fillText('thread ' + tid, 10, yOf(i) + 23));
    pen.strokeStyle = colors.line;
    for (let i = 0; i <= lanes.length; ++i) {
      pen.beginPath(); pen.moveTo(0, yOf(i) + 0.5); pen.lineTo(width, yOf(i) + 0.5); pen.stroke();
    }
    drawRuler(false);
    if (hidden) {
      pen.fillStyle = colors.dim;
      pen.fillText('Zoom in to see who wakes whom.', MARGIN, Math.min(height - 8, yOf(lanes.length) + 18));
    }
  };
  const draw = () => {
    if (!pending) { pending = true; requestAnimationFrame(paint); }
  };

  // ---- The panels.
  const row = (list, name, value) => { list.append(element('dt', name), element('dd', value)); };
  const showCall = (call) => {
    const panel = $('call');
    panel.replaceChildren(element('h2', 'Call'), element('pre', textOf(call)));
    const list = element('dl');
    row(list, 'thread', String(data.threads[call[THREAD]][0]) + ' of process ' + data.threads[call[THREAD]][1]);
    row(list, 'begins', textOfTime(call[BEGIN]) + ', step ' + call[STEP]);
    row(list, call[STATE] & OPEN ? 'waits' : 'takes', call[STATE] & OPEN ? 'to the end' : textOfTime(call[END] - call[BEGIN]));
    panel.append(list);
    const waker = call[WAKER] && byId.get(call[WAKER]);
    if (waker) {
      const line = element('p', 'woken by ' + threadOf(waker) + ': ');
      const link = element('a', textOf(waker), 'step');
      link.onclick = () => show(waker);
      line.append(link);
      panel.append(line);
    }
    const stack = data.stacks[call[ID]];
    if (stack) panel.append(element('h2', 'Stack'), element('pre', stack));
  };

  const eventNames = [[1, 'IN'], [2, 'PRI'], [4, 'OUT'], [8, 'ERR'], [16, 'HUP'], [0x2000, 'RDHUP'],
    [2 ** 28, 'EXCLUSIVE'], [2 ** 30, 'ONESHOT'], [2 ** 31, 'ET']];
  const eventText = (mask) => eventNames.filter(([bit]) => Math.floor(mask / bit) % 2 === 1).map(([, name]) => name).join('|') || '0';
  const showEpoll = (step) => {
    // Replayed up to the step: what is registered, and what has been noticed and not given out.
    const interests = new Map();
    for (const [kind, interest, mask, when] of data.events) {
      if (when > step) break;
      const known = interests.get(interest) || { asked: 0, ready: false, given: 0, last: 0 };
      if (kind === SET) known.asked = mask;
      if (kind === NOTICED) { known.ready = true; known.noticed = when; }
      if (kind === DELIVERED) {
        known.given = when; known.last = mask;
        known.ready = Math.floor(known.asked / 2 ** 31) % 2 === 0 && Math.floor(known.asked / 2 ** 30) % 2 === 0;
      }
      if (kind === GONE) interests.delete(interest); else interests.set(interest, known);
    }
    const panel = $('epoll');
    panel.replaceChildren(element('h2', 'epoll at step ' + step));
    const instances = new Map();
    for (const [id, state] of interests) {
      const about = data.interests[id];
      if (!about) continue;
      if (!instances.has(about[0])) instances.set(about[0], []);
      instances.get(about[0]).push([about, state]);
    }
    if (!instances.size) panel.append(element('p', 'Nothing is registered.', 'hint'));
    for (const [instance, rows] of instances) {
      panel.append(element('p', 'instance ' + (data.descriptions[instance] || instance), 'dim'));
      const table = element('table');
      const head = element('tr');
      for (const name of ['number', 'for', 'ready list', 'last given']) head.append(element('th', name));
      table.append(head);
      for (const [about, state] of rows.slice(0, 200)) {
        const line = element('tr', undefined, state.ready ? 'ready' : '');
        line.append(element('td', about[1] + ' ' + about[2]), element('td', eventText(state.asked)),
          element('td', state.ready ? 'since step ' + state.noticed : ''),
          element('td', state.given ? eventText(state.last) + ', step ' + state.given : 'never'));
        table.append(line);
      }
      panel.append(table);
      if (rows.length > 200) panel.append(element('p', 'and ' + (rows.length - 200) + ' more', 'hint'));
    }
  };

  const show = (call) => {
    selected = call;
    const x = xOf(call[BEGIN]);
    if (x < MARGIN || x > width - 40) left = call[BEGIN] - (width - MARGIN) / 3 / scale;
    const y = yOf(call[THREAD]);
    if (y < TOP || y + LANE > height) scroll = Math.max(0, TOP + call[THREAD] * LANE - height / 2);
    showCall(call);
    showEpoll(call[STEP]);
    draw();
  };
  // The last call that had begun by then.
  const callAtStep = (step, tid) => {
    let found = null;
    for (const call of data.calls) {
      if (call[STEP] > step) break;
      if (tid === undefined || data.threads[call[THREAD]][0] === tid) found = call;
    }
    return found;
  };

  // ---- The finding: steps that it names lead there.
  if (data.reasons.length || data.summary) {
    const panel = $('finding');
    panel.hidden = false;
    if (data.summary) {
      const line = element('p');
      line.append(element('strong', data.summary));
      panel.append(line);
    }
    for (const reason of data.reasons) {
      const line = element('p');
      let end = 0;
      for (const match of reason.matchAll(/step (\d+)/g)) {
        line.append(reason.slice(end, match.index));
        const link = element('a', match[0], 'step');
        link.tabIndex = 0;
        link.setAttribute('role', 'button');
        const before = reason.slice(0, match.index).match(/thread (\d+)(?!.*thread \d)/);
        const go = () => {
          const call = callAtStep(Number(match[1]), before ? Number(before[1]) : undefined) || callAtStep(Number(match[1]));
          if (call) show(call);
        };
        link.onclick = go;
        link.onkeydown = (event) => { if (event.key === 'Enter') go(); };
        line.append(link);
        end = match.index + match[0].length;
      }
      line.append(reason.slice(end));
      panel.append(line);
    }
  }
  if (data.left_out) $('finding').append(element('p', 'The first ' + data.left_out + ' calls are left out.', 'hint'));

  // ---- Finding calls.
  let hits = [], hit = -1;
  const search = () => {
    const words = $('query').value.toLowerCase().split(/\s+/).filter(Boolean);
    hits = words.length ? data.calls.filter((call) => {
      const text = (threadOf(call) + ' ' + data.names[call[NAME]] + ' ' + textOf(call)).toLowerCase();
      return words.every((word) => text.includes(word));
    }) : [];
    hit = -1;
    $('found').textContent = words.length ? hits.length + ' found' : '';
    if (hits.length) go(1);
  };
  const go = (by) => {
    if (!hits.length) return;
    hit = (hit + by + hits.length) % hits.length;
    $('found').textContent = (hit + 1) + ' of ' + hits.length;
    show(hits[hit]);
  };
  $('find').onsubmit = (event) => { event.preventDefault(); search(); canvas.focus(); };
  $('query').oninput = search;

  // ---- Hands.
  const step = (by) => {
    if (!selected) { if (data.calls.length) show(data.calls[0]); return; }
    const lane = lanes[selected[THREAD]], next = lane[lane.indexOf(selected) + by];
    if (next) show(next);
  };
  const actions = {
    in: () => zoom(1.6), out: () => zoom(1 / 1.6), fit, help: () => $('help').showModal(),
  };
  for (const button of document.querySelectorAll('[data-do]')) button.onclick = () => actions[button.dataset.do]();
  const keys = {
    'ArrowLeft': () => pan(-120), 'ArrowRight': () => pan(120), 'ArrowUp': () => scrollBy(-LANE), 'ArrowDown': () => scrollBy(LANE),
    '+': actions.in, '=': actions.in, '-': actions.out, 'f': fit, '?': actions.help, 'j': () => step(1), 'k': () => step(-1),
    'n': () => go(1), 'p': () => go(-1), '/': () => $('query').focus(),
    'w': () => { const waker = selected && byId.get(selected[WAKER]); if (waker) show(waker); },
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') canvas.focus();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === $('query') || $('help').open) return;
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX || event.deltaY);
    else zoom(Math.exp(-event.deltaY / 300), event.offsetX);
  }, { passive: false });
  let drag = null;
  canvas.addEventListener('pointerdown', (event) => {
    drag = { x: event.offsetX, y: event.offsetY, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const dx = event.offsetX - drag.x, dy = event.offsetY - drag.y;
    if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
    drag = { x: event.offsetX, y: event.offsetY, moved: true };
    pan(-dx);
    scrollBy(-dy);
  });
  canvas.addEventListener('pointerup', (event) => {
    const clicked = drag && !drag.moved;
    drag = null;
    if (!clicked) return;
    const lane = lanes[Math.floor((event.offsetY + scroll - TOP) / LANE)];
    if (!lane || !lane.length || event.offsetX < MARGIN) return;
    // The nearest within a few pixels.
    const time = timeAt(event.offsetX), slack = 4 / scale;
    let best = null, distance = Infinity;
    for (let i = Math.max(0, firstAt(lane, time - slack)); i < lane.length && lane[i][BEGIN] <= time + slack; ++i) {
      const away = Math.max(lane[i][BEGIN] - time, time - lane[i][END], 0);
      if (away < distance) { best = lane[i]; distance = away; }
    }
    if (best) show(best);
  });
  new ResizeObserver(() => draw()).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readColors(); draw(); });

  readColors();
  paint();
  fit();
  showEpoll(data.calls.length ? data.calls[data.calls.length - 1][STEP] : 0);
  canvas.focus();
})();
