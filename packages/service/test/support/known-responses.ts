/*
 * Shapes of responses that others have found to be understood differently: the inputs of llhttp's own tests (github.com/nodejs/llhttp,
 * test/response), and those findings of the HTTP Garden (github.com/narfindustries/http-garden, TROPHIES.md) that apply to a response, where these
 * are in no row of `http1-response-cases.ts`.
 */

/** What a client for targets must make of the bytes of a target, whose connection ends after them. */
export interface KnownResponse {
  readonly name: string;
  readonly sends: string;
  readonly is:
    /** No response. */
    | "refused"
    /** A response whose body never ends. */
    | "cut"
    | { readonly status: number; readonly body: string };
}

const HIDDEN = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden";

function refused(name: string, sends: string): KnownResponse {
  return { name, sends: `${sends}${HIDDEN}`, is: "refused" };
}

function cut(name: string, sends: string): KnownResponse {
  return { name, sends: `${sends}${HIDDEN}`, is: "cut" };
}

/** @param behind what the target sends after the response, which is none of it. */
function whole(name: string, sends: string, body = "ok", status = 200, behind = HIDDEN): KnownResponse {
  return { name, sends: `${sends}${behind}`, is: { status, body } };
}

/** A response that ends with its connection. */
function toTheEnd(name: string, sends: string, body: string): KnownResponse {
  return whole(name, sends, body, 200, "");
}

/** With this start line. */
function started(line: string): string {
  return `${line}\r\nContent-Length: 2\r\n\r\nok`;
}

/** A 200 with this text in the place of its header lines, and Content-Length: 2 after it. */
function withLine(text: string): string {
  return started(`HTTP/1.1 200 OK\r\n${text}`);
}

function measured(length: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nok`;
}

function coded(coding: string): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`;
}

function chunks(text: string): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text}`;
}

const START_LINES: readonly KnownResponse[] = [
  ...[
    "HTP/1.1 200 OK",
    "HTTPER/1.1 200 OK",
    "HTTP/01.1 200 OK",
    "HTTP/11.1 200 OK",
    "HTTP/1.01 200 OK",
    "HTTP/1.10 200 OK",
    "HTTP/1. 200 OK",
    "HTTP/5.6 200 OK",
    "HTTP/1,1 200 OK",
    "HTTP/1.1\t200 OK",
    "\rHTTP/1.1\t200 OK",
    "HTTP/1.1 2 OK",
    "HTTP/1.1 2OO OK",
    "HTTP/1.1 0200 OK",
    "HTTP/1.1 +200 OK",
    "HTTP/1.1 -20 OK",
    "HTTP/1.1 200OK",
    "HTTP/1.1 200,OK",
    "HTTP/1.1 200\0OK",
    "HTTP/1.1 2\x000 OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "200 OK",
    "X: y",
    "\0HTTP/1.1 200 OK",
    "\xefHTTP/1.1 200 OK",
  ].map((line) => refused(`the status line ${JSON.stringify(line)}`, started(line))),
  refused("CR before the first header", "HTTP/1.1 200 OK\rContent-Length: 2\r\n\r\nok"),
  refused("two CRs before the first header", "HTTP/1.1 200 OK\r\rContent-Length: 2\r\n\r\nok"),
  refused("lines that end with LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
  refused("LF after the status line", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok"),
  refused("LF after the status", "HTTP/1.1 200\nContent-Length: 2\r\n\r\nok"),
  refused("a 102 of HTTP/1.0", "HTTP/1.0 102 Processing\r\n\r\n"),
  refused("a 103 that closes the connection", "HTTP/1.1 103 Hints\r\nConnection: close\r\n\r\n"),
  whole("two spaces before the reason", started("HTTP/1.1 200  OK")),
  whole("a space and no reason", started("HTTP/1.1 200 ")),
  whole("a 100, then a 404", `HTTP/1.1 100 Continue\r\n\r\n${started("HTTP/1.1 404 Not Found")}`, "ok", 404),
  whole("empty lines of LF and CR before", `\n\r\r\n${started("HTTP/1.1 200 OK")}`),
];

/** Characters that no name of a header may have (RFC 9110 §5.6.2). */
const NO_TOKEN = [...'"(),/;<=>?@[\\]{}', ..."\0\x01\x08\x0b\x0c\x1b\x1f\x7f\x80\x85\xa0\xff"];

const LINES: readonly KnownResponse[] = [
  ...NO_TOKEN.map((character) =>
    refused(`${JSON.stringify(character)} within the name of a header`, withLine(`X${character}Y: z`)),
  ),
  ...["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f"].flatMap((character) => [
    refused(`${JSON.stringify(character)} before a value`, withLine(`X: ${character}y`)),
    refused(`${JSON.stringify(character)} after a value`, withLine(`X: y${character}`)),
  ]),
  refused("CR between headers", withLine("Foo: 1\rBar: 2")),
  refused("CR before a name", withLine("X: 1\r\n\rY: 2")),
  refused("LF within a name", withLine("Te\nst: test")),
  refused("a blank within a name", withLine("en-US Content-Type: text/xml")),
  refused("a blank before a colon", withLine("X : y")),
  refused("a tab before a colon", withLine("X\t: y")),
  refused("a line with a colon alone", withLine(":")),
  refused("a name that is folded before its colon", withLine("name\r\n : value")),
  refused("an empty line with a blank", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n \r\n\r\nok"),
  refused(
    "CR and another byte in place of the empty line",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\rok\r\n\r\n",
  ),
  whole(
    "odd names, empty values and tabs",
    withLine("_eep-Alive: 1\r\n.et-Cookie: a\r\nX-$P:\t \r\nPragma: \r\nY: \t a\t"),
  ),
  whole("an empty Connection", withLine("Connection:")),
  whole("Proxy-Connection", withLine("Proxy-Connection: close")),
  whole("an offer of another protocol", withLine("Connection: upgrade\r\nUpgrade: h2c")),
  whole("close and a tab", withLine("Connection: close\t")),
];

const LENGTHS: readonly KnownResponse[] = [
  ...[
    "1000000000000000000000",
    "2Z",
    "+2",
    "-2",
    "1_0",
    "2\0",
    "\x0b2",
    "2\x0c",
    "2\x85",
    "\xa02",
    "0x2",
    "2.0",
  ].map((length) => refused(`Content-Length ${JSON.stringify(length)}`, measured(length))),
  whole(
    "Content-Length 010, which is decimal",
    `HTTP/1.1 200 OK\r\nContent-Length: 010\r\n\r\n0123456789`,
    "0123456789",
  ),
  refused("an empty Content-Length before another", measured("\r\nContent-Length: 2")),
  refused("an empty Content-Length after another", measured("2\r\nContent-Length:")),
  refused("two different Content-Length", measured("2\r\nContent-Length: 3")),
  refused("Content-Length and chunked", measured("2\r\nTransfer-Encoding: chunked")),
  refused("chunked and Content-Length", coded("chunked\r\nContent-Length: 2")),
  refused("Content-Length and a coding without a name", measured("2\r\nTransfer-Encoding: ,chunked")),
  refused("CR in place of the hyphen of Content-Length", "HTTP/1.1 200 OK\r\nContent\rLength: 2\r\n\r\nok"),
  refused("Content-Length without a colon", "HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\nok"),
  refused(
    "a byte over 127 at the end of Content-Length",
    "HTTP/1.1 200 OK\r\nContent-Length\x85: 2\r\n\r\nok",
  ),
  whole(
    "a name that begins like Content-Length",
    `HTTP/1.1 200 OK\r\nContent-Length-X: 0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  ),
  whole(
    "more than its length, and close",
    `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok2ad731e3`,
  ),
  whole("a 204, and another response", "HTTP/1.1 204 None\r\nConnection: keep-alive\r\n\r\n", "", 204),
  whole(
    "a 304 with chunks, and another response",
    "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n",
    "",
    304,
  ),
  toTheEnd(
    "HTTP/1.0 with keep-alive and no length",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nHTTP/1.0 200 OK",
    "HTTP/1.0 200 OK",
  ),
  toTheEnd("no length, and a response as the body", `HTTP/1.1 200 OK\r\n\r\n${HIDDEN}`, HIDDEN),
  toTheEnd(
    "an offer of another protocol and no length",
    "HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nbody",
    "body",
  ),
  refused(
    "a switch of protocols with a length",
    "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody",
  ),
];

const CHUNKS: readonly KnownResponse[] = [
  ...["chunked\t", "chunked \t", "CHUNKED\t "].map((coding) =>
    refused(`Transfer-Encoding ${JSON.stringify(coding)}`, coded(coding)),
  ),
  ...[
    "chunked\0",
    "\0chunked",
    "chunked\x0b",
    "\x0bchunked",
    "chunked\x0c",
    "chu\0nked",
    "chunked\r\n  abc",
    "chunked\r",
    "\nchunked",
  ].map((coding) => refused(`Transfer-Encoding ${JSON.stringify(coding)}`, coded(coding))),
  whole("a tab before chunked", coded("\tchunked")),
  whole("spaces around chunked", coded("  chunked  ")),
  whole("a chunk size in capitals", chunks("A\r\n0123456789\r\n0\r\n\r\n"), "0123456789"),
  whole(
    "several extensions, quoted and not",
    chunks('2;one;two=three;four="\\"five\\" \\\\ six"\r\nok\r\n0;end\r\n\r\n'),
  ),
  whole("a response as a chunk", chunks(`${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`), HIDDEN),
  whole("trailers", chunks("2\r\nok\r\n0\r\nVary: *\r\nContent-Type: text/plain\r\n\r\n")),
  ...(
    [
      ["blanks after a chunk size", "2  \r\nok\r\n0\r\n\r\n"],
      ["a tab before a chunk size", "\t2\r\nok\r\n0\r\n\r\n"],
      ["a chunk size 0x2", "0x2\r\nok\r\n0\r\n\r\n"],
      ["a chunk size +2", "+2\r\nok\r\n0\r\n\r\n"],
      ["a chunk size 1_0", "1_0\r\nok\r\n0\r\n\r\n"],
      ["a chunk size of 17 digits", "10000000000000002\r\nok\r\n0\r\n\r\n"],
      ["a chunk size that begins like a number", "2these\r\nok\r\n0\r\n\r\n"],
      ["NUL after a chunk size", "2\0\r\nok\r\n0\r\n\r\n"],
      ["an extension without a semicolon", "2 abc\r\nok\r\n0\r\n\r\n"],
      ["an extension without a name", "2;\r\nok\r\n0\r\n\r\n"],
      ["a quote of an extension that is not closed", '2;a="b;c\r\nok\r\n0\r\n\r\n'],
      ["NUL within an extension", "2;a=\0\r\nok\r\n0\r\n\r\n"],
      ["CR within an extension", "2;a\rb\r\nok\r\n0\r\n\r\n"],
      ["two CRs before an extension", "2\r\r;a\r\nok\r\n0\r\n\r\n"],
      ["CR and another byte after a chunk size", "2\r0\nok\r\n0\r\n\r\n"],
      ["LF after a chunk size", "2\nok\r\n0\r\n\r\n"],
      ["LF after a chunk", "2\r\nok\n0\r\n\r\n"],
      ["a chunk that ends without CRLF", "2\r\nok0\r\n\r\n"],
      ["an empty line before the last chunk", "2\r\nok\r\n\r\n0\r\n\r\n"],
      ["LF after the last chunk", "2\r\nok\r\n0\n\r\n"],
      ["CR and another byte after the last chunk", "2\r\nok\r\n0\rX\r\n\r\n"],
      ["a trailer without a colon", "2\r\nok\r\n0\r\nX\r\n\r\n"],
      ["a trailer without a name", "2\r\nok\r\n0\r\n: x\r\n\r\n"],
      ["a folded trailer", "2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n"],
      ["a blank before the first trailer", "2\r\nok\r\n0\r\n X: a\r\n\r\n"],
      ["CR in a trailer", "2\r\nok\r\n0\r\nX: a\rb\r\n\r\n"],
      ["LF in a trailer", "2\r\nok\r\n0\r\nX: a\nb\r\n\r\n"],
    ] as const
  ).map(([name, text]) => cut(name, chunks(text))),
];

export const KNOWN_RESPONSES: readonly KnownResponse[] = [...START_LINES, ...LINES, ...LENGTHS, ...CHUNKS];
