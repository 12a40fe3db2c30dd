import { isFieldValue, isToken } from "capability-protocol";
import { memoized } from "../../collections/memoized.ts";
import type { RequestMessage } from "../../http1/upstream.ts";
import { InvalidRequestError, LengthMismatchError } from "./errors.ts";

/** The head of a request except the line that frames its body, which is known with the first piece of the body. */
export interface OutgoingHead {
  /** Whole lines, one character a byte, without the empty one. */
  readonly lines: string;
  /** What the headers say of the length of the body, in bytes. */
  readonly declaredLength: number | undefined;
  /** The method gives a body a meaning (RFC 9110 §9.3), so that one without a body says so. */
  readonly expectsBody: boolean;
  /** Whether the connection may carry another request after this one. */
  readonly keepsConnection: boolean;
}

const METHODS_WITH_BODY: ReadonlySet<string> = new Set([
  "PUT",
  "POST",
  "PATCH",
  "QUERY",
  "PROPFIND",
  "PROPPATCH",
]);

/** Headers that are written from other facts, and those that only a connection may say of itself. */
const OWN_HEADERS: ReadonlyMap<string, "host" | "length" | "connection"> = new Map([
  ["host", "host"],
  ["content-length", "length"],
  ["transfer-encoding", "connection"],
  ["connection", "connection"],
  ["keep-alive", "connection"],
  ["upgrade", "connection"],
  ["expect", "connection"],
] as const);

/** What is written for a name, decided once for each spelling. */
const headerRule = memoized((name) => ({
  kind: isToken(name) ? (OWN_HEADERS.get(name.toLowerCase()) ?? "pass") : "invalid",
}));

const NOT_IN_PATH = /[^\x21-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;

/** What was written for lists of headers that come again, by the list. */
const REPEATED = new WeakMap<readonly string[], OutgoingHead>();

/** The head of a request, as {@link writeHead} writes it, or has written it for the same list of headers. Bodies have separate lengths. */
export function outgoingHead(
  request: RequestMessage,
  headers: readonly string[],
  host: string,
): OutgoingHead {
  if (request.repeats !== true || request.body !== null || request.upgrade !== undefined)
    return writeHead(request, headers, host);
  const known = REPEATED.get(headers);
  if (known !== undefined) return known;
  const head = writeHead(request, headers, host);
  REPEATED.set(headers, head);
  return head;
}

/**
 * Writes the head of a request.
 *
 * @param headers name, value, …; `Host` and `Content-Length` at most once.
 * @param host the value of `Host`, if the headers have none.
 * @throws InvalidRequestError if a part would end its line and begin another, if the headers say of the connection what only the
 *   connection itself may say, or if the body is not as long as they say.
 */
export function writeHead(request: RequestMessage, headers: readonly string[], host: string): OutgoingHead {
  const { method, path, body, upgrade } = request;
  if (!isToken(method)) throw new InvalidRequestError("a method must be a token");
  if (path === "" || NOT_IN_PATH.test(path))
    throw new InvalidRequestError("a path must have no blanks or controls");
  let ownHost: string | undefined;
  let declaredLength: number | undefined;
  let lines = "";
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    // Not in the message: the value may be a credential.
    if (!isFieldValue(value)) throw new InvalidRequestError("a value of a header has a control character");
    const { kind } = headerRule(name);
    if (kind === "pass") lines += `${name}: ${value}\r\n`;
    else if (kind === "host" && ownHost === undefined) ownHost = value;
    else if (kind === "length" && declaredLength === undefined && LENGTH.test(value))
      declaredLength = Number(value);
    else throw new InvalidRequestError("a header is of the connection, malformed, or there twice");
  }
  const length = body === null ? 0 : Buffer.isBuffer(body) ? body.length : undefined;
  if (length !== undefined && declaredLength !== undefined && length !== declaredLength)
    throw new LengthMismatchError();
  // A target may send a body after a HEAD, as some do: what is read of it must not be the next response.
  const isKept = method !== "HEAD" && upgrade === undefined;
  const expectsBody = METHODS_WITH_BODY.has(method);
  return {
    lines: `${method} ${path} HTTP/1.1\r\nhost: ${ownHost ?? host}\r\n${connectionLines(upgrade, isKept)}${lines}`,
    declaredLength,
    expectsBody,
    // A target that expects no body may take it for the next request.
    keepsConnection: isKept && (expectsBody || length === 0),
  };
}

function connectionLines(upgrade: RequestMessage["upgrade"], isKept: boolean): string {
  if (upgrade !== undefined) return `connection: upgrade\r\nupgrade: ${upgrade}\r\n`;
  return isKept ? "connection: keep-alive\r\n" : "connection: close\r\n";
}
