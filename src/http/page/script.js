/*
 * Makes the page live. An event only says 'look': the page is fetched again, and of it those parts are taken over that differ. So whatever is shown is
 * rendered in one place, by the server.
 */
(() => {
  const retryMs = 3_000;
  /** A connection that was silent for so long may be dead: another one shows it. */
  const silentMs = 45_000;
  const refreshMs = 1_000;

  const live = document.getElementById('live');
  const lost = document.getElementById('lost');
  const icon = document.querySelector('link[rel=icon]');

  // The clock of the server, which the page's times are of.

  /** How far this clock is ahead, in ms. */
  let ahead = aheadOf(document);

  function aheadOf(page) {
    return Date.now() - Date.parse(page.getElementById('as-of').dateTime);
  }

  const serverNow = () => Date.now() - ahead;
  const utc = (ms) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

  /** As the server writes it. */
  function age(ms) {
    const seconds = Math.max(0, Math.round(ms / 1_000));
    const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
    if (days > 0) return `${days}d${hours}h`;
    if (hours > 0) return `${hours}h${minutes}m`;
    return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
  }

  function tellAges(within) {
    for (const element of within.querySelectorAll('[data-ago]')) {
      const words = `${age(serverNow() - Date.parse(element.dataset.ago))} ago`;
      if (element.textContent !== words) element.textContent = words;
    }
  }

  // The page again, where it differs.

  async function refresh() {
    const answer = await fetch('', { cache: 'no-store' });
    if (!answer.ok) return;
    // Its style has another nonce, so the browser would complain of it, though it is not used.
    const text = (await answer.text()).replace(/<style[\s\S]*?<\/style>/, '');
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    ahead = aheadOf(fresh);
    tellAges(fresh);
    tellAges(document);
    for (const part of document.querySelectorAll('[data-part]')) {
      const next = fresh.querySelector(`[data-part=${part.dataset.part}]`);
      if (next) takeOver(part, next);
    }
    document.title = fresh.title;
    icon.href = fresh.querySelector('link[rel=icon]').href;
  }

  /** What the reader has opened, scrolled and reached by keyboard stays so. */
  function takeOver(part, next) {
    const keyed = (within, tag) =>
      new Map([...within.querySelectorAll(`${tag}[data-key]`)].map((element) => [element.dataset.key, element]));
    const opened = keyed(part, 'details');
    for (const [key, details] of keyed(next, 'details')) details.open = opened.get(key)?.open ?? false;
    if (part.innerHTML === next.innerHTML) return;
    const scrolled = [...keyed(part, 'pre')].map(([key, { scrollTop, scrollLeft }]) => [key, scrollTop, scrollLeft]);
    const focused = part.contains(document.activeElement) ? document.activeElement : undefined;
    const key = focused?.closest('[data-key]')?.dataset.key;
    part.replaceChildren(...next.childNodes);
    const printed = keyed(part, 'pre');
    for (const [name, top, left] of scrolled) printed.get(name)?.scrollTo({ top, left, behavior: 'instant' });
    if (key === undefined) return;
    const again = focused.localName === 'summary' ? keyed(part, 'details').get(key)?.querySelector('summary') : printed.get(key);
    again?.focus({ preventScroll: true });
  }

  let refreshing = false;
  let stale = false;

  /** One at a time and at most one a second; what comes meanwhile is one more. */
  async function refreshSoon() {
    stale = true;
    if (refreshing) return;
    refreshing = true;
    while (stale) {
      stale = false;
      await refresh().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, refreshMs));
    }
    refreshing = false;
  }

  // The events, and what is said when they stay away.

  let source;
  let heardAt = Date.now();
  let triedAt;
  let retry;

  function connect() {
    clearTimeout(retry);
    triedAt = Date.now();
    source?.close();
    source = new EventSource('events');
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        hear();
        act(event);
      });
    on('open', refreshSoon);
    on('status', refreshSoon);
    on('entry', refreshSoon);
    on('usage', ({ data }) => {
      const sample = JSON.parse(data);
      known = sample !== null;
      if (sample) addSample(sample);
      drawSoon();
    });
    source.addEventListener('error', () => {
      lose();
      source.close();
      retry = setTimeout(connect, retryMs);
    });
  }

  function hear() {
    heardAt = Date.now();
    lost.textContent = '';
    live.textContent = 'Live';
    live.classList.add('now');
  }

  function lose() {
    if (lost.textContent !== '') return;
    const since = utc(heardAt - ahead);
    lost.textContent = `Not live since ${since}: what is below may be out of date. Trying to connect again.`;
    live.textContent = `As of ${since}`;
    live.classList.remove('now');
  }

  setInterval(() => {
    tellAges(document);
    const silent = Date.now() - heardAt;
    if (silent > silentMs && Date.now() - triedAt > silentMs) connect();
    if (silent > silentMs + retryMs) lose();
  }, 1_000);

  // The curves.

  const windowMs = 10 * 60_000;
  /** Between samples that are further apart nothing is known. */
  const gapMs = 60_000;
  const width = 600;
  const height = 100;
  const curves = document.getElementById('curves');
  const mebibyte = 2 ** 20;
  const figures = {
    cpu: { name: 'CPU', of: ({ cpu }) => cpu, least: 10, words: (value) => `${value.toFixed(value < 10 ? 1 : 0)} % of one core` },
    memory: { name: 'Memory', of: ({ memory }) => memory, least: 16 * mebibyte, words: (value) => `${(value / mebibyte).toFixed(1)} MiB` },
  };
  let samples = [];
  /** Whether the last of them is of now. */
  let known = false;
  let frame = 0;

  /** Where the server's clock was put back, what it has measured by the old one goes. */
  function addSample({ at, cpu, memory, processes }) {
    const time = new Date(at).getTime();
    if (![time, cpu, memory].every(Number.isFinite)) return;
    const former = samples.filter((sample) => sample.time < time && time - sample.time <= windowMs);
    samples = [...former, { time, cpu, memory, processes }];
  }

  function drawSoon() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }

  function draw() {
    if (samples.length === 0) {
      curves.textContent = 'No figures yet.';
      return;
    }
    curves.replaceChildren(...Object.values(figures).map(figureOf));
  }

  function figureOf({ name, of, least, words }) {
    const { processes } = samples.at(-1);
    const now = known ? words(of(samples.at(-1))) : 'not known';
    const most = Math.max(...samples.map(of));
    const count = known && name === 'CPU' && processes > 0 ? `, ${processes} ${processes === 1 ? 'process' : 'processes'}` : '';
    const figure = document.createElement('figure');
    const caption = figure.appendChild(document.createElement('figcaption'));
    caption.append(`${name}: ${now}${count}`);
    caption.appendChild(document.createElement('span')).textContent = `10 minutes, at most ${words(most)}`;
    figure.append(curve(of, Math.max(most, least) * 1.1, `${name} of the last 10 minutes: now ${now}, at most ${words(most)}`));
    return figure;
  }

  function curve(of, top, label) {
    const svg = drawn('svg', {
      class: 'curve',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    });
    const newest = samples.at(-1).time;
    const place = (sample) => [width - ((newest - sample.time) / windowMs) * width, height - (of(sample) / top) * height];
    for (const run of runs()) {
      const points = run.map(place);
      const line = `M${points.map((point) => point.map((value) => value.toFixed(1)).join(' ')).join('L')}`;
      svg.append(drawn('path', { class: 'area', d: `${line}V${height}H${points[0][0].toFixed(1)}Z` }), drawn('path', { d: line }));
    }
    return svg;
  }

  /** What belongs together. */
  function runs() {
    return samples.reduce((all, sample) => {
      const run = all.at(-1);
      if (run && sample.time - run.at(-1).time <= gapMs) run.push(sample);
      else all.push([sample]);
      return all;
    }, []);
  }

  function drawn(name, attributes) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  draw();
  connect();
})();
