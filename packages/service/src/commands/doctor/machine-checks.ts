import type { Finding } from "./finding.ts";

const MIN_NODE_VERSION = [20, 19] as const;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace("v", "").split(".").map(Number);
  const ok = major > MIN_NODE_VERSION[0] || (major === MIN_NODE_VERSION[0] && minor >= MIN_NODE_VERSION[1]);
  return {
    ok,
    what: ok ? `Node.js ${version}` : `Node.js ${version}: install ${MIN_NODE_VERSION.join(".")} or newer`,
  };
}

/** A clock far behind makes signatures that no target accepts. */
export function checkClock(now: Date): Finding {
  const ok = now.getUTCFullYear() >= 2026;
  return {
    ok,
    what: ok
      ? `clock: ${now.toISOString()}`
      : `clock: ${now.toISOString()} is in the past: set it, signatures carry the time`,
  };
}
