import { useEffect, useState } from "preact/hooks";

/** The reader's clock, rendering anew every so often, for ages. */
export function useNow(everyMs = 5_000): number {
  const [now, set] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || set(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
