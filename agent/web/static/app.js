// Keeps an open page up to date: pieces of the page come as server-sent events, ages are counted here.
"use strict";
(() => {
  const body = document.body, chinese = document.documentElement.lang === "zh-CN";
  let ahead = 0; // of the box's clock, milliseconds

  const UNITS = [[86400, " d", " 天"], [3600, " h", " 小时"], [60, " min", " 分钟"], [1, " s", " 秒"]];
  function ageText(seconds) {
    if (seconds < 2) return chinese ? "刚刚" : "just now";
    const [length, en, zh] = UNITS.find(([unit]) => seconds >= unit) || UNITS[3];
    const count = Math.floor(seconds / length);
    return chinese ? `${count}${zh}前` : `${count}${en} ago`;
  }
  function tellAges() {
    const now = Date.now() - ahead;
    for (const element of document.querySelectorAll("time[data-age]")) {
      if (!element.title) element.title = element.textContent;
      const text = ageText((now - Date.parse(element.dateTime)) / 1000);
      if (element.textContent !== text) element.textContent = text;
    }
  }
  let timeOfDay = null; // making it takes a slow phone a tenth of a second, and there its clock is not shown
  function tellClock() {
    const clock = document.querySelector("[data-clock]");
    if (!clock || getComputedStyle(clock).display === "none") return;
    const look = { timeZone: clock.dataset.clock, timeStyle: "medium", hour12: false };
    timeOfDay ||= new Intl.DateTimeFormat(chinese ? "zh-CN" : "en-GB", look);
    const text = timeOfDay.format(Date.now() - ahead);
    if (clock.textContent !== text) clock.textContent = text;
  }

  function busy(element) { // somebody is using it: leave it alone until they are done
    return element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
      || element.querySelector("details[data-keep][open]") !== null;
  }
  function bare(element) { // without what scripts and people have changed in it
    const copy = element.cloneNode(true);
    for (const each of [copy, ...copy.querySelectorAll(".fresh")]) {
      each.classList.remove("fresh");
      if (!each.className) each.removeAttribute("class");
    }
    for (const each of copy.querySelectorAll("time[data-age], [data-spark]")) { each.replaceChildren(); each.removeAttribute("title"); }
    for (const each of copy.querySelectorAll("details")) each.removeAttribute("open");
    return copy;
  }
  const waiting = new Map();
  function put(key, html) {
    const element = document.querySelector(`[data-live="${CSS.escape(key)}"]`);
    if (!element) return;
    if (busy(element)) { waiting.set(key, html); return; }
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.firstElementChild;
    if (bare(element).isEqualNode(bare(fresh))) return;
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.replaceWith(fresh);
    if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (!fresh.hasAttribute("data-still")) fresh.classList.add("fresh");
  }

  // Browsers keep six connections for one address.  At most SLOTS pages of a browser hold one as a stream, each with a
  // lock of its own; the others, and browsers that know no locks, ask every LOOK_MS and take the first message.
  const SLOTS = 4, LOOK_MS = 3000, AGAIN_MS = 10000;
  function slot(number) { // a function that gives the slot back, or null while another page has it
    return new Promise((resolve) => {
      const hold = (lock) => lock ? new Promise((done) => resolve(done)) : resolve(null);
      navigator.locks.request(`live-${number}`, { ifAvailable: true }, hold).catch(() => resolve(null));
    });
  }
  async function freeSlot() {
    for (let number = 0; navigator.locks && number < SLOTS; number++) {
      const free = await slot(number);
      if (free) return free;
    }
    return null;
  }

  let version = body.dataset.version, source = null, release = null, asking = false, away = false, timer = 0;
  async function listen() {
    if (document.hidden || away || source || asking) return; // a page in the background needs none
    asking = true;
    release = await freeSlot();
    asking = false;
    if (document.hidden || away) { rest(); return; }
    const url = new URL(location.href);
    url.searchParams.set("live", version);
    source = new EventSource(url);
    source.onmessage = (event) => {
      const told = JSON.parse(event.data);
      ahead = Date.now() - told.now;
      for (const [key, html] of waiting) { waiting.delete(key); put(key, html); }
      for (const [key, html] of Object.entries(told.pieces)) { waiting.delete(key); put(key, html); }
      if (Object.keys(told.pieces).length) version = "changed"; // no longer as it was loaded: whoever asks again gets all
      body.classList.remove("lost");
      tellAges();
      if (!release) later(LOOK_MS);
    };
    source.onerror = () => {
      body.classList.add("lost");
      later(source?.readyState === EventSource.CLOSED ? AGAIN_MS : LOOK_MS);
    };
  }
  function later(ms) {
    rest();
    timer = setTimeout(listen, ms);
  }
  function rest() {
    clearTimeout(timer);
    source?.close();
    source = null;
    release?.();
    release = null;
  }

  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
  for (const field of document.querySelectorAll("select[data-submit]")) field.addEventListener("change", () => field.form.requestSubmit());
  if (body.dataset.now) ahead = Date.now() - Number(body.dataset.now);
  tellAges();
  setInterval(() => { tellAges(); tellClock(); }, 1000);
  if (body.dataset.version) {
    addEventListener("pagehide", () => { away = true; rest(); });
    addEventListener("pageshow", () => { away = false; listen(); });
    document.addEventListener("visibilitychange", () => document.hidden ? rest() : listen());
    listen();
  }
})();
