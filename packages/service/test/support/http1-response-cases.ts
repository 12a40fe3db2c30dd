/** What an HTTP/1.1 client must receive on its connection, to the last byte. */
export type ResponseOutcome =
  /** A complete response and nothing after it. */
  | {
      readonly is: "whole";
      readonly status: number;
      readonly body: string;
      /** How the body is framed: by this Content-Length, by chunks, or without a body. */
      readonly framing: string;
    }
  /** A 502 `invalid_target_response` of the service. */
  | { readonly is: "refused" }
  /** A 200 that ends before the end of its framing. */
  | { readonly is: "cut" };

export interface ResponseCase {
  readonly name: string;
  /** The target's bytes, one character a byte. `evil` in it must not reach any client. */
  readonly sends: string;
  readonly outcome: ResponseOutcome;
  readonly method?: "HEAD";
  /** The target closes its side after these bytes. */
  readonly closes?: boolean;
}

const EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: evil\r\n\r\nevil";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const OK_CHUNKS = "2\r\nok\r\n0\r\n\r\n";

const REFUSED: ResponseOutcome = { is: "refused" };
const CUT: ResponseOutcome = { is: "cut" };
const LENGTH_2: ResponseOutcome = whole(200, "ok", "2");
const CHUNKS: ResponseOutcome = whole(200, "ok", "chunked");

function whole(status: number, body: string, framing: string): ResponseOutcome {
  return { is: "whole", status, body, framing };
}

/** A response that starts with `line` and is otherwise valid. */
function started(line: string): string {
  return `${line}\r\nContent-Length: 2\r\n\r\nok`;
}

/** A 200 with these header lines, and Content-Length: 2 after them. */
function withLines(lines: string): string {
  return started(`HTTP/1.1 200 OK\r\n${lines}`);
}

function coded(coding: string): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n${OK_CHUNKS}`;
}

function measured(length: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nok`;
}

function refuse(name: string, sends: string): ResponseCase {
  return { name, sends, outcome: REFUSED };
}

function row(name: string, sends: string, outcome: ResponseOutcome = LENGTH_2): ResponseCase {
  return { name, sends, outcome };
}

/** Rows that are decided by the head of the response. */
export const HEADS: readonly ResponseCase[] = [
  refuse("the version HTTP/1.2", started("HTTP/1.2 200 OK")),
  refuse("the version HTTP/3.0", started("HTTP/3.0 200 OK")),
  refuse("a version in lower case", started("http/1.1 200 OK")),
  refuse("two spaces before the status", started("HTTP/1.1  200 OK")),
  refuse("a status of two digits", started("HTTP/1.1 20 OK")),
  refuse("CR after the status", started("HTTP/1.1 200\rX")),
  refuse("CR in the reason", started("HTTP/1.1 200 O\rK")),
  // Llhttp alone ends the line at the second CR, and the head at the line end.
  refuse("two CRs more at the end of the status line", started("HTTP/1.1 200 OK\r\r")),
  refuse("NUL in the reason", started("HTTP/1.1 200 a\0b")),
  refuse("a control character in the reason", started("HTTP/1.1 200 a\x01b")),
  refuse("bytes in the reason that are not UTF-8", started("HTTP/1.1 200 \xe9")),
  refuse("4 KiB of reason", started(`HTTP/1.1 200 ${"a".repeat(4_096)}`)),
  row("UTF-8 in the reason", started("HTTP/1.1 200 \xc3\xa9")),
  row("no reason", started("HTTP/1.1 200")),
  row("empty lines before the response", `\r\n\r\n${OK}`),
  refuse("a character before the response", `x${OK}`),
  refuse("a space before the response", ` ${OK}`),
  refuse("a space before the first header", withLines(" X: a")),
  refuse("a folded line", withLines("X: a\r\n b")),
  refuse("a line folded with a tab", withLines("X: a\r\n\tb")),
  refuse("a fold that is empty", withLines("X: a\r\n ")),
  refuse("a fold that hides a Content-Length", withLines("X: a\r\n Content-Length: 9")),
  refuse("a folded last header", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\r\n b\r\n\r\nok"),
  refuse("a folded Content-Length", measured("\r\n 2")),
  refuse("a Content-Length that goes on in a fold", measured("1\r\n 2")),
  refuse("a folded transfer coding", coded("\r\n chunked")),
  refuse("a folded list of transfer codings", coded("gzip,\r\n chunked")),
  refuse("a folded Connection", withLines("Connection: x,\r\n x-hop\r\nX-Hop: evil")),
  refuse("a header without a colon", withLines("X")),
  refuse("one header line that ends with LF only", withLines("X: a\nY: b")),
  refuse("an empty line with LF only", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok"),
  refuse("CR CR LF", withLines("X: a\r")),
  refuse("20 KiB of a name", withLines(`${"a".repeat(20 * 1024)}: 1`)),
  row("an empty value", withLines("X:")),
  row("Set-Cookie twice", withLines("Set-Cookie: evil\r\nSet-Cookie: evil")),
  row("an offer to upgrade", withLines("Upgrade: evil\r\nConnection: upgrade")),
  row("a name that only looks like Content-Length", withLines("Content_Length: 9")),
  row("an informational response with an unknown status", `HTTP/1.1 199 evil\r\n\r\n${OK}`),
  row(
    "an informational response with a transfer coding",
    `HTTP/1.1 103 Hints\r\nTransfer-Encoding: evil\r\n\r\n${OK}`,
  ),
  refuse("an informational response with a body", `HTTP/1.1 103 Hints\r\nContent-Length: 4\r\n\r\nevil${OK}`),
  refuse(
    "a 101 after a 103",
    "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nevil",
  ),
  {
    name: "a 103 and then nothing",
    sends: "HTTP/1.1 103 Hints\r\n\r\n",
    closes: true,
    outcome: REFUSED,
  },
];

const TWO_CRS = started("HTTP/1.1 200 OK\r\r");

/** Rows that are the same in whatever pieces the target sends them. */
export const IN_PIECES: readonly ResponseCase[] = [
  refuse("two CRs more at the end of the status line", TWO_CRS),
  refuse("the same after a 103", `HTTP/1.1 103 Hints\r\n\r\n${TWO_CRS}`),
  refuse("the same after a 100", `HTTP/1.1 100 Continue\r\n\r\n${TWO_CRS}`),
  refuse("two CRs more at the end of the status line of a 103", `HTTP/1.1 103 Hints\r\r\r\n\r\n${OK}`),
  row("a 100 that was not asked for", `HTTP/1.1 100 Continue\r\n\r\n${OK}`),
  row("a 100 after a 103", `HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}`),
];

/** Rows that are decided by where the body ends. */
export const BODIES: readonly ResponseCase[] = [
  ...["+2", "0x2", "2e0", "2;", "2 2", "2,", "", "\xa02", "99999999999999999999"].map((length) =>
    refuse(`Content-Length: ${length}`, measured(length)),
  ),
  refuse("three equal Content-Length", withLines("Content-Length: 2\r\ncontent-length: 2")),
  row("a Content-Length after a tab", measured("\t2")),
  row("a Content-Length that starts with 0", measured("02"), whole(200, "ok", "02")),
  { ...row("the largest Content-Length", measured("18446744073709551615"), CUT), closes: true },
  ...[
    "chunked, chunked",
    "chunked,",
    "chunked;q=1",
    "identity",
    "",
    "\x0bchunked",
    "chunked\xa0",
    "\xa0chunked",
  ].map((coding) => refuse(`Transfer-Encoding: ${coding}`, coded(coding))),
  refuse("chunked in two lines", coded("chunked\r\nTransfer-Encoding: chunked")),
  refuse("gzip that Connection names", coded("gzip\r\nConnection: transfer-encoding")),
  refuse("gzip with a 204", "HTTP/1.1 204 None\r\nTransfer-Encoding: gzip\r\n\r\n"),
  row("Chunked", coded("Chunked"), CHUNKS),
  row("chunked and a space", coded("chunked "), CHUNKS),
  row("chunked in HTTP/1.0", coded("chunked").replace("1.1", "1.0"), CHUNKS),
  row("a Content-Length that Connection names", withLines("Connection: content-length"), CHUNKS),
  {
    name: "no length, and the end of the connection",
    sends: "HTTP/1.1 200 OK\r\n\r\nok",
    closes: true,
    outcome: CHUNKS,
  },
  {
    name: "HTTP/1.0 up to the end of the connection",
    sends: "HTTP/1.0 200 OK\r\n\r\nok",
    closes: true,
    outcome: CHUNKS,
  },
  row("HTTP/1.0 with a Content-Length", started("HTTP/1.0 200 OK\r\nConnection: keep-alive")),
  {
    name: "HTTP/1.0 with less than its Content-Length",
    sends: measured("9").replace("1.1", "1.0"),
    closes: true,
    outcome: CUT,
  },
  ...["-1", "0x2", " 2", "2 ", "", "fffffffffffffffff", "2;a\nb"].map((size): ResponseCase => {
    return {
      name: `the chunk size ${JSON.stringify(size)}`,
      sends: `${CHUNKED}${size}\r\nok\r\n0\r\n\r\n`,
      outcome: CUT,
    };
  }),
  { ...row("the largest chunk", `${CHUNKED}ffffffffffffffff\r\nok`, CUT), closes: true },
  row("LF after the bytes of a chunk", `${CHUNKED}2\r\nok\n0\r\n\r\n`, CUT),
  row("extensions of chunks", `${CHUNKED}2;evil=evil\r\nok\r\n0;evil\r\n\r\n`, CHUNKS),
  row("chunk sizes that start with 0", `${CHUNKED}0002\r\nok\r\n000\r\n\r\n`, CHUNKS),
  ...[`X: ${"a".repeat(20 * 1024)}`, "X: a\0b", "Content-Length: 9"].map((trailer): ResponseCase => {
    return {
      name: `the trailer ${trailer.slice(0, 20)}`,
      sends: `${CHUNKED}2\r\nok\r\n0\r\n${trailer}\r\n\r\n`,
      outcome: CUT,
    };
  }),
  {
    name: "trailers without an end",
    sends: `${CHUNKED}2\r\nok\r\n0\r\nX: evil\r\n`,
    closes: true,
    outcome: CUT,
  },
  row("a response after the last chunk", `${CHUNKED}${OK_CHUNKS}${EVIL}`, CHUNKS),
  row(
    "a response after Content-Length: 0",
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${EVIL}`,
    whole(200, "", "0"),
  ),
  row("a response after Connection: close", `${withLines("Connection: close")}${EVIL}`),
  row("a 103 after the response", `${OK}HTTP/1.1 103 evil\r\n\r\n`),
  row("a 205 with a body", started("HTTP/1.1 205 Reset"), whole(205, "ok", "2")),
  row(
    "a 304 with the length of the representation",
    "HTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n",
    whole(304, "", "99"),
  ),
  row("a 304 with a body", "HTTP/1.1 304 Same\r\nContent-Length: 4\r\n\r\nevil", whole(304, "", "4")),
  row(
    "a 304 with chunks",
    "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
    whole(304, "", "none"),
  ),
  row("a 304 and another response", `HTTP/1.1 304 Same\r\n\r\n${EVIL}`, whole(304, "", "none")),
  row(
    "a 204 with chunks",
    "HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
    whole(204, "", "none"),
  ),
  row("a 204 and another response", `HTTP/1.1 204 None\r\n\r\n${EVIL}`, whole(204, "", "none")),
  {
    name: "a body after HEAD",
    method: "HEAD",
    sends: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    outcome: whole(200, "", "4"),
  },
  {
    name: "chunks after HEAD",
    method: "HEAD",
    sends: `${CHUNKED}4\r\nevil\r\n0\r\n\r\n`,
    outcome: whole(200, "", "none"),
  },
  {
    name: "another response after HEAD",
    method: "HEAD",
    sends: `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${EVIL}`,
    outcome: whole(200, "", "4"),
  },
  {
    name: "an invalid Content-Length after HEAD",
    method: "HEAD",
    sends: measured("x"),
    outcome: REFUSED,
  },
];
