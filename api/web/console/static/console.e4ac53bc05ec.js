// The console's own script: starts GOV.UK Frontend where a page uses it, and warns before a
// session ends. Every page is complete without it.
import { createAll, Button, ErrorSummary, NotificationBanner, ServiceNavigation, SkipLink } from "./govuk-frontend.1c935e92d658.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
for (const component of [Button, ErrorSummary, NotificationBanner, ServiceNavigation, SkipLink]) {
  createAll(component);
}

const ending = document.querySelector("[data-session-ends]");
if (ending) {
  const seconds = Number(ending.dataset.sessionEnds);
  const warnBefore = Number(ending.dataset.warnBefore);
  setTimeout(() => {
    ending.hidden = false;
    ending.querySelector("a")?.focus();
  }, Math.max(0, seconds - warnBefore) * 1000);
  setTimeout(() => {
    window.location.assign(ending.dataset.endedAt);
  }, seconds * 1000);
}

// Tells unobtrusively what came; the page does not change under the reader. The node tells it
// through a feed; where there is none, the page asks once a minute.
const told = document.querySelector("[data-feed]");
if (told) {
  const shown = told.firstElementChild;
  const tell = (text) => {
    shown.querySelector("span").textContent = text;
    shown.hidden = text === "";
  };
  const count = (found) => {
    const text = found === 1 ? told.dataset.singular : told.dataset.plural.replace("%(count)s", found);
    tell(found === 0 ? "" : text);
  };
  const ask = async () => {
    if (document.hidden) return;
    const answer = await fetch(told.dataset.news, { redirect: "manual" }).catch(() => null);
    if (answer?.ok) count((await answer.json()).new);
  };
  let feed = null;
  let asking = !told.dataset.feed || !window.EventSource;
  let failures = 0;
  const listen = () => {
    feed = new EventSource(told.dataset.feed);
    feed.addEventListener("open", () => (failures = 0));
    feed.addEventListener("tasks", (event) => count(JSON.parse(event.data).new));
    feed.addEventListener("export", (event) => {
      const { percent } = JSON.parse(event.data);
      tell(percent === null ? told.dataset.done : told.dataset.making.replace("%(percent)s", percent));
    });
    feed.addEventListener("ended", () => {
      feed.close();
      if (told.dataset.home) window.location.assign(told.dataset.home);
    });
    feed.addEventListener("error", () => {
      failures += 1;
      if (feed.readyState !== EventSource.CLOSED && failures < 4) return;
      feed.close();
      asking = true;
    });
  };
  // A page that nobody sees keeps no connection.
  const look = () => {
    if (asking) {
      if (told.dataset.news) ask();
    } else if (document.hidden) {
      feed?.close();
      feed = null;
    } else if (!feed) {
      listen();
    }
  };
  if (!asking && !document.hidden) listen();
  setInterval(() => asking && look(), 60_000);
  document.addEventListener("visibilitychange", look);
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
