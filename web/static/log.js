// A log panel: follows its stream, keeps to the end unless the reader scrolls up, and shows the state as it changes.
//
// <div data-log data-stream="URL"> holds <pre data-log-lines>, a status, and a button that goes back to the end.
// Events of the stream: "message" (one line, `id` is its place), "state" (JSON: word, tone), "end" (nothing follows).
"use strict";

(() => {
  const MOST_LINES = 20000;
  const NEAR_END_PX = 40;

  function kindOf(text) {
    if (text.startsWith("----->")) return "step";
    if (text.startsWith(" !  ")) return "problem";
    return "";
  }

  class LogPanel {
    constructor(element) {
      this.lines = element.querySelector("[data-log-lines]");
      this.status = element.querySelector("[data-log-status]");
      this.resume = element.querySelector("[data-log-resume]");
      this.empty = element.querySelector("[data-log-empty]");
      this.waiting = [];
      this.following = true;
      this.lines.addEventListener("scroll", () => this.scrolled(), { passive: true });
      this.resume.addEventListener("click", () => this.toEnd());
      this.toEnd();
      if (element.dataset.stream) this.open(element.dataset.stream);
    }

    open(url) {
      const source = new EventSource(url);
      source.addEventListener("open", () => this.say("Live"));
      source.addEventListener("error", () => {
        this.say(source.readyState === EventSource.CLOSED ? "The live log ended. Reload the page to go on." : "Reconnecting…");
      });
      source.addEventListener("message", (event) => this.add(event.data));
      source.addEventListener("state", (event) => this.showState(JSON.parse(event.data)));
      source.addEventListener("end", () => {
        source.close();
        this.flush();
        this.say("Complete");
        for (const element of document.querySelectorAll("[data-while-running]")) element.hidden = true;
      });
      addEventListener("pagehide", () => source.close());
    }

    say(text) {
      this.status.textContent = text;
    }

    showState(state) {
      for (const badge of document.querySelectorAll("[data-state-badge]")) {
        badge.className = `badge tone-${state.tone}`;
        badge.textContent = state.word;
      }
    }

    // Lines come in bursts of thousands: they enter the page once a frame, together.
    add(text) {
      this.waiting.push(text);
      if (this.waiting.length === 1) setTimeout(() => this.flush(), 50);
    }

    flush() {
      if (!this.waiting.length) return;
      const fresh = document.createDocumentFragment();
      for (const text of this.waiting) fresh.append(this.node(text));
      this.waiting = [];
      if (this.empty) this.empty.hidden = true;
      this.lines.append(fresh);
      while (this.lines.childNodes.length > MOST_LINES) this.lines.firstChild.remove();
      if (this.following) this.toEnd();
      else this.resume.hidden = false;
    }

    node(text) {
      const kind = kindOf(text);
      if (!kind) return document.createTextNode(`${text}\n`);
      const line = document.createElement("span");
      line.className = kind;
      line.textContent = `${text}\n`;
      return line;
    }

    scrolled() {
      const left = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight;
      this.following = left < NEAR_END_PX;
      if (this.following) this.resume.hidden = true;
    }

    toEnd() {
      this.following = true;
      this.resume.hidden = true;
      this.lines.scrollTop = this.lines.scrollHeight;
    }
  }

  for (const element of document.querySelectorAll("[data-log]")) new LogPanel(element);
})();
