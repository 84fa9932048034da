// Waits until the gateway has started anew, then goes on.
"use strict";
(() => {
  const link = document.querySelector("[data-restart]");
  if (!link) return;
  async function look() {
    try {
      const answer = await fetch("/commissioning/started", { cache: "no-store", redirect: "manual" });
      const started = (await answer.text()).trim();
      if (answer.type === "opaqueredirect" || (answer.ok && started !== link.dataset.restart)) { location.href = link.href; return; }
    } catch { /* it is not back yet */ }
    setTimeout(look, 700);
  }
  setTimeout(look, 1500);
})();
