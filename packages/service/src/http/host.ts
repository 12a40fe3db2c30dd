import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";

/**
 * Makes the check whether a text is `host[:port]`. Nearly all requests name the same host, so it is remembered, and the URL parser,
 * which decides, is called once for it.
 */
export function createHostCheck(): (text: string) => boolean {
  let latest: string | undefined;
  return (text) => {
    if (text === latest) return true;
    if (readAuthority(text) === undefined) return false;
    latest = text;
    return true;
  };
}

/** A name that ends in a dot is absolute, and otherwise the same name (RFC 3986 §3.2.2). */
export function readAuthority(text: string): Authority | undefined {
  const colon = text.lastIndexOf(":");
  const end = colon === -1 || text.endsWith("]") ? text.length : colon;
  const isAbsolute = text[end - 1] === ".";
  return parseAuthority(isAbsolute ? text.slice(0, end - 1) + text.slice(end) : text);
}
