// The console's own script: starts GOV.UK Frontend where a page uses it, and warns before a
// session ends. Every page is complete without it.
import { createAll, Button, ErrorSummary, NotificationBanner, ServiceNavigation, SkipLink } from "GOVUK-FRONTEND";

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

// Tells unobtrusively that something is new; the page does not change under the reader.
const news = document.querySelector("[data-news]");
if (news) {
  const ask = async () => {
    if (document.hidden) return;
    const answer = await fetch(news.dataset.news, { redirect: "manual" }).catch(() => null);
    if (!answer?.ok) return;
    const count = (await answer.json()).new;
    news.querySelector("span").textContent =
      count === 1 ? news.dataset.singular : news.dataset.plural.replace("%(count)s", count);
    news.hidden = count === 0;
  };
  setInterval(ask, 60_000);
  document.addEventListener("visibilitychange", ask);
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
