import { onceAnswered } from "../api/answer";
import { trimAnswers } from "./answers";

/** Has the browser keep the pages for when there is no connection, once there is nothing else to do. */
export function keepPages() {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  onceAnswered(() => {
    // Where it is refused, pages work as they do without one.
    navigator.serviceWorker.register("/sw.js").catch(() => undefined);
    void trimAnswers();
  });
}
