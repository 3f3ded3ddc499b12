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

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
