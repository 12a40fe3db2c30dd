import { randomBytes } from "node:crypto";
import { TOKEN_BYTES, formatToken } from "capability-protocol";

/** A capability URI that no service knows. */
export function makeCapability(authority = "localhost:8443"): string {
  return `cpblty://${authority}/#${formatToken(randomBytes(TOKEN_BYTES))}`;
}

/** Returns its token without the common prefix. */
function randomPart(capability: string): string {
  return capability.slice(capability.indexOf("CPBLTY1-") + "CPBLTY1-".length);
}

const PREVIEW_CHARACTERS = 4;

/** Returns the part of a capability that may be shown. */
export function previewOf(capability: string): string {
  return `${capability.slice(0, capability.indexOf("CPBLTY1-") + "CPBLTY1-".length + PREVIEW_CHARACTERS)}…`;
}

/** Whether the text shows more of the capability than its preview does. */
export function reveals(text: string, capability: string): boolean {
  const secret = randomPart(capability);
  return Array.from(secret, (_, start) => secret.slice(start, start + PREVIEW_CHARACTERS + 2)).some(
    (part) => part.length === PREVIEW_CHARACTERS + 2 && text.includes(part),
  );
}
