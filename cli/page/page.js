// What the page does: moving, what is selected, search, keys.
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
        return fd ? new RegExp(`\\((?:[^,]*, )??(?:-1, |epoll_ctl_\\w+, )?${fd[1]}(?=[,) <])`) : word;
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
function onKey(event) {
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
}

async function start() {
  if (typeof DecompressionStream === 'undefined') {
    byId('title').textContent = 'This page needs a browser of 2023 or later (DecompressionStream).';
    return;
  }
  const data = await unpacked();
  runs = data.runs.map((raw) => new Run(raw));
  part = runs.length === 2 ? partOf(runs[0], runs[1]) : null;
  document.title = `pollux: ${data.title}`;
  byId('title').textContent = data.title;
  runs.forEach((run, place) => views.push(new View(run, place)));
  setAxis(false);
  select(0, -1, false);
  document.addEventListener('keydown', onKey);
  byId('search').addEventListener('input', (event) => search(event.target.value));
  byId('axis').onclick = () => setAxis(!bySteps);
  byId('fit').onclick = fit;
  byId('help-open').onclick = () => byId('help').showModal();
}
const started = start();
