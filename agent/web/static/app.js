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
    const clock = document.querySelector("[data-clock]");
    if (clock) {
      const text = new Date(now).toLocaleTimeString(chinese ? "zh-CN" : "en-GB", { timeZone: clock.dataset.clock, hour12: false });
      if (clock.textContent !== text) clock.textContent = text;
    }
  }

  function busy(element) { // somebody is using it: leave it alone until they are done
    return element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
      || element.querySelector("details[data-keep][open]") !== null;
  }
  const waiting = new Map();
  function put(key, html) {
    const element = document.querySelector(`[data-live="${CSS.escape(key)}"]`);
    if (!element) return;
    if (busy(element)) { waiting.set(key, html); return; }
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.firstElementChild;
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.replaceWith(fresh);
    if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (!fresh.hasAttribute("data-still")) fresh.classList.add("fresh");
  }

  let source = null;
  function listen() {
    if (document.hidden || source) return; // a tab in the background needs no stream: browsers have few for one address
    const url = new URL(location.href);
    url.searchParams.set("live", body.dataset.version);
    source = new EventSource(url);
    source.onmessage = (event) => {
      const told = JSON.parse(event.data);
      ahead = Date.now() - told.now;
      for (const [key, html] of waiting) { waiting.delete(key); put(key, html); }
      for (const [key, html] of Object.entries(told.pieces)) { waiting.delete(key); put(key, html); }
      body.classList.remove("lost");
      tellAges();
    };
    source.onerror = () => {
      body.classList.add("lost");
      if (source?.readyState === EventSource.CLOSED) { rest(); setTimeout(listen, 10000); }
    };
  }
  function rest() {
    source?.close();
    source = null;
  }

  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
  for (const field of document.querySelectorAll("select[data-submit]")) field.addEventListener("change", () => field.form.requestSubmit());
  if (body.dataset.now) ahead = Date.now() - Number(body.dataset.now);
  tellAges();
  setInterval(tellAges, 1000);
  if (body.dataset.version) {
    addEventListener("pagehide", rest);
    addEventListener("pageshow", listen);
    document.addEventListener("visibilitychange", () => document.hidden ? rest() : listen());
    listen();
  }
})();
