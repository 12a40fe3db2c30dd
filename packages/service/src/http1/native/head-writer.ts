import { isFieldValue } from "capability-protocol";
import { wallClock } from "../../wall-clock.ts";

const MS_PER_SECOND = 1_000;

/** What of a response is not in its head. */
export interface HeadFraming {
  /** A body may follow, also an empty one. */
  readonly hasBody: boolean;
  /** The connection is closed after the response. */
  readonly closes: boolean;
}

/** A head as it is sent, one character a byte. */
export interface WrittenHead {
  readonly text: string;
  /** The headers give the body's length. A body without one is chunked. */
  readonly hasLength: boolean;
  /** The headers give a date. */
  readonly hasDate: boolean;
}

/** A head that was written for a list of headers, and what else it depends on. */
interface KeptHead extends WrittenHead, HeadFraming {
  readonly status: number;
  readonly reason: string;
  /** Of its date, since 1970. */
  readonly second: number;
}

/**
 * Writes heads of responses as Node's server does, with the same lines in the same order: those that are given, `Date` unless it is one of
 * them, and those of the connection and of the body's framing.
 */
export class HeadWriter {
  readonly #keepAlive: string;
  readonly #now: () => number;
  readonly #kept = new WeakMap<readonly string[], KeptHead>();
  #second = Number.NaN;
  #date = "";

  /**
   * @param keepAliveTimeoutMs told to clients, in seconds.
   * @param now the time of day, in milliseconds since 1970.
   */
  constructor(keepAliveTimeoutMs: number, now: () => number = wallClock) {
    const seconds = Math.floor(keepAliveTimeoutMs / MS_PER_SECOND);
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`;
    this.#now = now;
  }

  /**
   * @param headers name, value, name, value, … The names are the service's, or those that a parser of HTTP has read from a target: each is a
   *   token (RFC 9110 §5.1).
   * @param isRepeated the list may come again, for another response to the same head.
   * @throws TypeError if a value could end its line: part of it would be another header, or the body.
   */
  write(
    status: number,
    reason: string,
    headers: readonly string[],
    framing: HeadFraming,
    isRepeated = false,
  ): WrittenHead {
    if (!isRepeated) return this.#write(status, reason, headers, framing);
    const known = this.#kept.get(headers);
    if (
      known !== undefined &&
      known.status === status &&
      known.reason === reason &&
      known.hasBody === framing.hasBody &&
      known.closes === framing.closes &&
      (known.hasDate || known.second === this.#secondNow())
    )
      return known;
    const written = this.#write(status, reason, headers, framing);
    this.#kept.set(headers, { ...written, ...framing, status, reason, second: this.#second });
    return written;
  }

  #write(status: number, reason: string, headers: readonly string[], framing: HeadFraming): WrittenHead {
    let text = `HTTP/1.1 ${status} ${checked(reason)}\r\n`;
    let hasLength = false;
    let hasDate = false;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] ?? "";
      if (name.length === 14 && name.toLowerCase() === "content-length") hasLength = true;
      else if (name.length === 4 && name.toLowerCase() === "date") hasDate = true;
      text += `${name}: ${checked(headers[i + 1] ?? "")}\r\n`;
    }
    if (!hasDate) text += this.#dateLine();
    text += framing.closes ? "Connection: close\r\n" : this.#keepAlive;
    text += framing.hasBody && !hasLength ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    return { text, hasLength, hasDate };
  }

  #secondNow(): number {
    return Math.floor(this.#now() / MS_PER_SECOND);
  }

  #dateLine(): string {
    const second = this.#secondNow();
    if (second !== this.#second) {
      this.#second = second;
      this.#date = `Date: ${new Date(second * MS_PER_SECOND).toUTCString()}\r\n`;
    }
    return this.#date;
  }
}

function checked(value: string): string {
  if (isFieldValue(value)) return value;
  throw new TypeError("a header has a character that no header can have");
}
