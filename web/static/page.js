// What every page does: copy buttons, times that keep up, and no polling while nobody looks.
"use strict";

(() => {
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

  // The same words as web/pages/times.py.
  function ago(seconds) {
    for (const [unit, length] of units) {
      const count = Math.floor(seconds / length);
      if (count >= 1) return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
    }
    return "just now";
  }

  function refreshTimes() {
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const text = ago((Date.now() - Date.parse(element.dateTime)) / 1000);
      if (element.textContent !== text) element.textContent = text;
    }
  }

  async function copy(button) {
    const code = document.getElementById(button.dataset.copy);
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(code.textContent.trim());
    } catch {  // no clipboard outside https and localhost: select the text, so that Ctrl+C does it
      getSelection().selectAllChildren(code);
      done = "Press Ctrl+C";
    }
    button.textContent = done;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  // A second press on a button that sends a form changes nothing.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const polled = event.detail.elt.hasAttribute("data-poll");
    const read = event.detail.elt.querySelector("details[open]");  // what somebody has opened stays open
    if (polled && (document.hidden || read)) event.preventDefault();
  });

  // A part that swaps itself says in `data-say` what of it is worth hearing; a screen reader is told when that changes.
  const say = () => [...document.querySelectorAll("[data-say]")].map((part) => part.dataset.say).join(" ");
  let heard = say();
  document.addEventListener("htmx:afterSettle", () => {
    if (say() === heard) return;
    heard = say();
    document.getElementById("live").textContent = heard;
  });

  setInterval(refreshTimes, 15000);
})();
