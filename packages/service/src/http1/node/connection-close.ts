/**
 * Whether a request asks to close its connection after the response. Node's parser does not see it where a tab follows `close`, and would
 * carry out the requests that follow (RFC 9112 §9.6).
 *
 * @param rawHeaders name, value, name, value, …
 */
export function asksToClose(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name.length === 10 && name.toLowerCase() === "connection" && hasClose(rawHeaders[i + 1] ?? ""))
      return true;
  }
  return false;
}

function hasClose(value: string): boolean {
  return value.split(",").some((option) => option.trim().toLowerCase() === "close");
}
