/** A request; `{A}` is replaced by an Authorization line with a valid capability. */
export interface RequestCase {
  readonly name: string;
  readonly sends: string;
  readonly status: number;
  /** Body of the one request that the target gets. Default: empty. */
  readonly body?: string;
}

const POST = "POST / HTTP/1.1\r\nHost: a\r\n{A}";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n{A}";
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const ONE_CHUNK = "1\r\nZ\r\n0\r\n\r\n";

/** A body of one byte in one chunk, whose size line is `size`. */
function chunk(size: string): string {
  return `${CHUNKED}${size}\r\nZ\r\n0\r\n\r\n`;
}

/** A GET with an additional header line. */
function line(text: string): string {
  return `${GET}${text}\r\n\r\n`;
}

/** A POST whose body is "01234" if its framing line is valid. */
function five(framing: string): string {
  return `${POST}${framing}\r\n\r\n01234`;
}

/** A GET whose request target is `target`. */
function asks(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n{A}\r\n`;
}

const FRAMING: readonly (readonly [string, string])[] = [
  ["Content-Length and chunked", `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["two equal Content-Length", five("Content-Length: 5\r\nContent-Length: 5")],
  ["two equal Content-Length in different case", five("Content-Length: 5\r\ncontent-length: 5")],
  ["two different Content-Length", five("Content-Length: 5\r\nContent-Length: 6")],
  ["Content-Length 5,5", five("Content-Length: 5,5")],
  ["Content-Length 5, 5", five("Content-Length: 5, 5")],
  ["Content-Length 5, 6", five("Content-Length: 5, 6")],
  ["Content-Length 5 5", five("Content-Length: 5 5")],
  ["Content-Length +5", five("Content-Length: +5")],
  ["Content-Length -5", five("Content-Length: -5")],
  ["Content-Length 0x5", five("Content-Length: 0x5")],
  ["Content-Length 1_0", `${POST}Content-Length: 1_0\r\n\r\n0123456789`],
  ["an empty Content-Length", `${POST}Content-Length: \r\n\r\n`],
  ["a space between Content-Length and its colon", five("Content-Length : 5")],
  ["Content-Length 2^53", five("Content-Length: 9007199254740992")],
  ["Content-Length 2^64 - 1", five("Content-Length: 18446744073709551615")],
  ["Content-Length 2^64", five("Content-Length: 18446744073709551616")],
  [
    "chunked in two lines",
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`,
  ],
  [
    "gzip and chunked in two lines",
    `${POST}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`,
  ],
  ...[
    "gzip, chunked",
    "chunked, identity",
    "identity",
    "xchunked",
    ", chunked",
    "chunked,",
    "chunked;q=1",
    '"chunked"',
    "\x0bchunked",
    "chunked\t",
    "\xa0chunked",
    "chunked\xa0",
    "",
  ].map(
    (coding) =>
      [
        `Transfer-Encoding ${JSON.stringify(coding)}`,
        `${POST}Transfer-Encoding: ${coding}\r\n\r\n${ONE_CHUNK}`,
      ] as const,
  ),
  ["a folded Transfer-Encoding", `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n${ONE_CHUNK}`],
  [
    "a space between Transfer-Encoding and its colon",
    `${POST}Transfer-Encoding : chunked\r\n\r\n${ONE_CHUNK}`,
  ],
  ["chunked in HTTP/1.0", `POST / HTTP/1.0\r\nHost: a\r\n{A}Transfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`],
];

const CHUNKS: readonly (readonly [string, string])[] = [
  ["LF after a chunk size", `${CHUNKED}1\nZ\r\n0\r\n\r\n`],
  ["CR after a chunk size", `${CHUNKED}1\rZ\r\n0\r\n\r\n`],
  ["LF after a chunk", `${CHUNKED}1\r\nZ\n0\r\n\r\n`],
  ["LF after the last chunk", `${CHUNKED}0\n\r\n`],
  ["LF after the trailers", `${CHUNKED}0\r\n\n`],
  ["a chunk longer than its size", `${CHUNKED}1\r\nZZ\r\n0\r\n\r\n`],
  ["a chunk shorter than its size", `${CHUNKED}2\r\nZ\r\n0\r\n\r\n`],
  ["a chunk size 0x1", chunk("0x1")],
  ["a negative chunk size", chunk("-1")],
  ["a signed chunk size", chunk("+1")],
  ["a chunk size 1_0", chunk("1_0")],
  ["a chunk size that is not a number", chunk("g")],
  ["an empty chunk size", chunk("")],
  ["a space before a chunk size", chunk(" 1")],
  ["a space after a chunk size", chunk("1 ")],
  ["a chunk size of 17 digits", chunk("10000000000000001")],
  ["a chunk extension without a name", chunk("1;")],
  ["a space before a chunk extension", chunk("1 ;a=b")],
  ["LF within a chunk extension", chunk("1;\nxx")],
  ["CR within a chunk extension", chunk("1;a\rb")],
  ["a control character within a chunk extension", chunk("1;a=\x01")],
  ["a chunk extension of 20,000 bytes", chunk(`1;a=${"b".repeat(20_000)}`)],
  [
    "Authorization and Content-Length in the trailers",
    `${CHUNKED}1\r\nZ\r\n0\r\n{A}Content-Length: 9\r\n\r\n`,
  ],
  ["Transfer-Encoding in the trailers", `${CHUNKED}1\r\nZ\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`],
];

const TARGETS: readonly (readonly [string, string])[] = [
  ["no Host", "GET / HTTP/1.1\r\n{A}\r\n"],
  ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n{A}\r\n"],
  ["two Host", line("Host: b")],
  ["two equal Host", line("Host: a")],
  ["an empty Host", "GET / HTTP/1.1\r\nHost: \r\n{A}\r\n"],
  ["a Host with user info", "GET / HTTP/1.1\r\nHost: a@b\r\n{A}\r\n"],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n{A}\r\n"],
  ["a Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n{A}\r\n"],
  ["two Authorization", `${GET}{A}\r\n`],
  ["two different Authorization", line("Authorization: Bearer x")],
  ["an absolute URI of another authority", asks("http://other.example/")],
  ["an absolute URI of another port", asks("http://membrane.test:80/")],
  ["an absolute URI with user info", asks("http://membrane.test@evil/")],
  ["an absolute URI of another scheme", asks("ftp://membrane.test/")],
  ["an absolute URI without an authority", asks("http:///")],
  ["an absolute URI with backslashes", asks("http:\\\\membrane.test\\")],
  ["an authority as target of GET", asks("other:80")],
  ["an asterisk", asks("*")],
  ["an asterisk of OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a fragment", asks("/#b")],
  ["a space in the request target", asks("/?a b")],
  ["NUL in the request target", asks("/?\0")],
  ["a byte over 127 in the request target", asks("/?\xe9")],
];

const LINES: readonly (readonly [string, string])[] = [
  ["a space before the colon", line("Foo : bar")],
  ["a tab before the colon", line("Foo\t: bar")],
  ["a space within a name", line("Fo o: bar")],
  ["NUL within a name", line("F\0o: bar")],
  ["a byte over 127 in a name", line("Fo\xe9: bar")],
  ["no name", line(": bar")],
  ["no colon", line("Foo")],
  ["a folded line", line("Foo: bar\r\n baz")],
  ["a line folded by a tab", line("Foo: bar\r\n\tbaz")],
  ["a folded line that begins empty", line("Foo:\r\n bar")],
  ["a space before the first header", "GET / HTTP/1.1\r\n Host: a\r\n{A}\r\n"],
  ["NUL in a value", line("Foo: b\0r")],
  ["a control character in a value", line("Foo: b\x01r")],
  ["DEL in a value", line("Foo: b\x7fr")],
  ["CR in a value", line("Foo: b\rBar: x")],
  ["CR before the end of a line", line("Foo: b\r")],
  ["LF in a value", line("Foo: b\nBar: x")],
  ["LF after the request line", "GET / HTTP/1.1\nHost: a\r\n{A}\r\n"],
  ["CR after the request line", "GET / HTTP/1.1\rHost: a\r\n{A}\r\n"],
  ["LF at the end of the head", `${GET}\n`],
  ["lines that end with LF only", "GET / HTTP/1.1\nHost: a\n\n"],
  ["a space before the method", ` ${GET}\r\n`],
  ["a tab after the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["a space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n{A}\r\n"],
  ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n{A}\r\n"],
  ["http/1.1", "GET / http/1.1\r\nHost: a\r\n{A}\r\n"],
  ["HTTP/0.9", "GET /\r\n\r\n"],
  ["HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n{A}\r\n"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["an unknown method", "SLUDGE / HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["a method in lower case", "get / HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
];

/** Names and bytes of requests that get a 400 on a connection that is closed. */
export const MALFORMED: readonly (readonly [string, string])[] = [
  ...FRAMING,
  ...CHUNKS,
  ...TARGETS,
  ...LINES,
];

/** Requests that reach the target, each as one request. */
export const PASSED: readonly RequestCase[] = [
  {
    name: "spaces around a Content-Length",
    sends: five("Content-Length:   5  "),
    status: 200,
    body: "01234",
  },
  { name: "a tab before a Content-Length", sends: five("Content-Length:\t5"), status: 200, body: "01234" },
  { name: "Content-Length 005", sends: five("Content-Length: 005"), status: 200, body: "01234" },
  {
    name: "chunked in capitals, with spaces around",
    sends: `${POST}Transfer-Encoding:   CHUNKED  \r\n\r\n${ONE_CHUNK}`,
    status: 200,
    body: "Z",
  },
  {
    name: "a tab before chunked",
    sends: `${POST}Transfer-Encoding:\tchunked\r\n\r\n${ONE_CHUNK}`,
    status: 200,
    body: "Z",
  },
  {
    name: "Transfer_Encoding together with a Content-Length",
    sends: five("Transfer_Encoding: chunked\r\nContent-Length: 5"),
    status: 200,
    body: "01234",
  },
  {
    name: "a chunked GET",
    sends: `${GET}Transfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`,
    status: 200,
    body: "Z",
  },
  { name: "a chunk size with 100 zeros before", sends: chunk(`${"0".repeat(100)}1`), status: 200, body: "Z" },
  { name: "a last chunk 000", sends: `${CHUNKED}1\r\nZ\r\n000\r\n\r\n`, status: 200, body: "Z" },
  { name: "a chunk extension", sends: chunk("1;a=b"), status: 200, body: "Z" },
  { name: "a quoted chunk extension", sends: chunk('1;a="b;c"'), status: 200, body: "Z" },
  { name: "its own name in an absolute URI", sends: asks("http://membrane.test/"), status: 200 },
  { name: "an alias in an absolute URI", sends: asks("HTTPS://ALIAS.test:8443?a=b"), status: 200 },
  {
    name: "a Host of another service",
    sends: "GET / HTTP/1.1\r\nHost: other.example:80\r\n{A}\r\n",
    status: 200,
  },
  { name: "RTSP/1.0", sends: "GET / RTSP/1.0\r\nHost: a\r\n{A}\r\n", status: 200 },
  { name: "HTTP/1.0", sends: "GET / HTTP/1.0\r\nHost: a\r\n{A}\r\n", status: 200 },
  { name: "more spaces than one in the request line", sends: asks("  / "), status: 200 },
  { name: "1,000 empty lines before", sends: `${"\r\n".repeat(1_000)}${GET}\r\n`, status: 200 },
  { name: "LF and CR alone before", sends: `\n\n\r\r${GET}\r\n`, status: 200 },
  { name: "Content_Length", sends: line("Content_Length: 3"), status: 200 },
  {
    name: "an expectation in HTTP/1.0",
    sends: "POST / HTTP/1.0\r\nHost: a\r\n{A}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nX",
    status: 200,
    body: "X",
  },
  {
    name: "an upgrade to h2c",
    sends: `${GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n`,
    status: 200,
  },
  { name: "bytes over 127 in a value", sends: line("Foo: \xe9"), status: 200 },
  { name: "2,500 short headers", sends: `${GET}${"a:\r\n".repeat(2_500)}\r\n`, status: 200 },
];

/** Requests to which the gateway itself responds, without the target. */
export const DENIED: readonly RequestCase[] = [
  { name: "another path", sends: asks("/x"), status: 404 },
  {
    name: "its own name with another path in an absolute URI",
    sends: asks("http://membrane.test/x"),
    status: 404,
  },
  { name: "a path that looks like an authority", sends: asks("//membrane.test/"), status: 404 },
  { name: "TRACE", sends: "TRACE / HTTP/1.1\r\nHost: a\r\n{A}\r\n", status: 405 },
  {
    name: "another expectation",
    sends: `${POST}Expect: foo\r\nContent-Length: 1\r\n\r\nX`,
    status: 417,
  },
  {
    name: "another expectation in a second line",
    sends: `${POST}Expect: 100-continue\r\nExpect: foo\r\nContent-Length: 1\r\n\r\nX`,
    status: 417,
  },
  {
    name: "5,000 headers of 5 bytes",
    sends: `${GET}${"abcd: e\r\n".repeat(5_000)}\r\n`,
    status: 431,
  },
  { name: "trailers of 20,000 bytes", sends: `${CHUNKED}0\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, status: 431 },
  {
    name: "an upgrade to another protocol",
    sends: `${GET}Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n`,
    status: 501,
  },
  {
    name: "an upgrade to a web socket of no version",
    sends: `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    status: 426,
  },
];
