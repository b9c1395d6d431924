"use strict";
// What changes by itself. Without script the pages show how things stood when they were loaded.

const base = document.body.dataset.base;
const patience = 5000; // after which a stream on which nothing arrives is given up for asking again and again
const mostLines = 20000; // that a page keeps of what comes

// stream follows an address while the page is in sight: by events, or where a proxy holds them back by asking.
function stream(address, place, take, ask) {
  let source, timer, over = false;
  const stop = () => { if (source) source.close(); source = undefined; clearTimeout(timer); };
  const poll = async () => {
    timer = setTimeout(poll, 3000);
    try { if (await ask()) { over = true; stop(); } } catch { /* the next time */ }
  };
  const start = () => {
    stop();
    if (over || document.hidden) return;
    source = new EventSource(address(place()));
    timer = setTimeout(() => { stop(); poll(); }, patience);
    source.onopen = () => { if (!take.waits) clearTimeout(timer); };
    source.onmessage = (event) => {
      clearTimeout(timer);
      if (take(event)) { over = true; stop(); }
    };
    source.addEventListener("lost", () => take({ data: "{}" }));
    source.onerror = () => {
      if (source && source.readyState === EventSource.CLOSED) { stop(); timer = setTimeout(start, patience); }
    };
  };
  document.addEventListener("visibilitychange", start);
  start();
}

// refresh brings the parts of a page up to date that nobody is busy with.
let refreshing, again = false;
async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = page.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!next || part.innerHTML === next.innerHTML) continue;
      const focus = part.contains(document.activeElement) && document.activeElement;
      const links = [...part.querySelectorAll("a, button, [tabindex]")];
      part.replaceChildren(...next.childNodes);
      if (focus) [...part.querySelectorAll("a, button, [tabindex]")][links.indexOf(focus)]?.focus({ preventScroll: true });
    }
  } catch { /* the agent is away: the next event or the next minute */ } finally {
    refreshing = false;
    if (again) { again = false; setTimeout(refresh, 500); }
  }
}

// follow shows what a run prints.
function follow(log) {
  const said = document.getElementById("following");
  const tail = log.querySelector(".tail");
  let place = log.dataset.place, lines = 0;
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const add = (message) => {
    const stay = atEnd();
    if (message.lines) {
      const block = document.createElement("pre");
      block.innerHTML = message.lines;
      block.dataset.lines = message.lines.split("\n").length - 1;
      lines += Number(block.dataset.lines);
      tail.before(block);
      while (lines > mostLines && log.firstElementChild !== block) {
        lines -= Number(log.firstElementChild.dataset.lines || 0);
        log.firstElementChild.remove();
      }
    }
    tail.innerHTML = message.tail;
    place = message.place;
    if (stay) log.scrollTop = log.scrollHeight;
    said.textContent = message.ended ? "The run has ended." : "Following.";
    if (message.ended) refresh();
    return message.ended;
  };
  const take = (event) => add(JSON.parse(event.data));
  take.waits = true;
  const address = log.dataset.follow;
  log.scrollTop = log.scrollHeight;
  stream((from) => `${address}?from=${encodeURIComponent(from)}`, () => place, take, async () => {
    const answer = await fetch(`${address}?poll&from=${encodeURIComponent(place)}`);
    if (answer.status === 401) location.reload();
    return answer.ok && add(await answer.json());
  });
}

// watch brings the page up to date when something happens.
function watch() {
  let since = "", timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(refresh, 300); };
  const take = (event) => { since = event.lastEventId || since; soon(); };
  stream(() => `${base}/api/v1/events${since ? `?since=${encodeURIComponent(since)}` : ""}`, () => since, take, async () => { soon(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
  setInterval(() => { if (!document.hidden) refresh(); }, 60000);
}

// The code of an address that kitops page printed is in its fragment, which no server sees.
function logIn(form) {
  const code = location.hash.slice(1);
  if (!/^[A-Z0-9]{20,}$/.test(code)) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.code.value = code;
  form.requestSubmit();
}

// toEnd goes to the end, and again when what is there turns out to be taller than it was taken for.
function toEnd(log, times = 5) {
  log.scrollTop = log.scrollHeight;
  if (times) requestAnimationFrame(() => toEnd(log, times - 1));
}

// Who opens a log sees its end, unless he asked for another part.
for (const end of document.querySelectorAll("[data-end]")) if (!location.search) toEnd(end);

const login = document.getElementById("login");
const log = document.querySelector("[data-follow]");
if (login) logIn(login);
if (log) follow(log);
else if ("user" in document.body.dataset && document.querySelector("[data-live]")) watch();
