import type { KnownRequests } from "./row.ts";
import { GET, HIDDEN, INNER, POST, chunks, coded, followed, lengthOf, passed, refused, ten } from "./row.ts";

const LENGTHS: readonly KnownRequests[] = [
  ...[
    "1000000000000000000000",
    "1Z",
    "+1_0",
    "-48",
    "13 37",
    "10\x00",
    "\x0b10",
    "10\x0c",
    "\xa010",
    "10\x85",
  ].map((length) => refused(`Content-Length ${JSON.stringify(length)}`, ten(`Content-Length: ${length}`))),
  passed(
    "Content-Length 010, which is decimal",
    `${POST}Content-Length: 010\r\n\r\n0123456789${GET}\r\n`,
    "POST / 0123456789",
    "GET / ",
  ),
  passed(
    "a Content-Length whose name is in odd case",
    `${POST}conTENT-Length: 5\r\n\r\nHELLO`,
    "POST / HELLO",
  ),
  refused("CR in place of the hyphen of Content-Length", ten("Content\rLength: 10")),
  refused("a byte over 127 at the end of Content-Length", ten("Content-Length\x85: 10")),
  refused("Content-Length without a colon", ten("Content-Length 10")),
  refused("an empty Content-Length before another", ten("Content-Length:\r\nContent-Length: 10")),
  refused("an empty Content-Length after another", ten("Content-Length: 10\r\nContent-Length:")),
  refused(
    "two Content-Length, of which one hides a request",
    `${POST}Content-Length: 0\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  ),
  refused("Content-Length and the coding identity", ten("Content-Length: 10\r\nTransfer-Encoding: identity")),
  refused(
    "Content-Length and a coding without a name",
    ten("Transfer-Encoding: ,chunked\r\nContent-Length: 10"),
  ),
  refused(
    "Content-Length and three empty codings",
    ten(`Content-Length: 10${"\r\nTransfer-Encoding:".repeat(3)}`),
  ),
  refused("CR alone between the head and the body", `${POST}Content-Length: 3\r\n\rabc`),
  followed("a body behind Content-Length: 0", `${POST}Content-Length: 0\r\n\r\nZ\r\n\r\n`, "POST / "),
  followed("a body without a length", `${GET}\r\nZ\r\n\r\n`),
  passed("a request as the body", `${POST}${lengthOf(INNER)}\r\n${INNER}`, `POST / ${INNER}`),
];

const CODINGS: readonly KnownRequests[] = [
  ...[
    "chunked, deflate",
    "deflate, chunked",
    "chunked\r\nTransfer-Encoding: deflate",
    "chunked\r\nTransfer-Encoding: identity",
    "chunkedchunked",
    "pigeons",
    "\xffchunked\xff",
    "\x85chunked",
    "chunked\x85",
    "chunked\x00",
    "\x00chunked",
    "chunked\x0b",
    "chunked\x0c",
    "chu\x00nked",
    "chunked\r\n  abc",
    "chunked\r",
    "\nchunked",
    "chunked, chunked",
    "chunked chunked",
    "chunked, trailers",
    "'chunked'",
    "chunked\\",
  ].map((coding) => refused(`Transfer-Encoding ${JSON.stringify(coding)}`, coded(coding))),
  refused(
    "Transfer-Encoding whose name goes on in a second line",
    `${POST}Transfer-\r\nEncoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  refused("LF before Transfer-Encoding", `${POST}x:x\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n`),
  refused(
    "LF before Transfer-Encoding, after no value",
    `${POST}x:\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n`,
  ),
  refused(
    "CR before Transfer-Encoding, after no value",
    `${POST}x:\rTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n`,
  ),
];

const CHUNKS: readonly KnownRequests[] = [
  passed("a chunk size in capitals", chunks("A\r\n0123456789\r\n0\r\n\r\n"), "POST / 0123456789"),
  passed(
    "chunk sizes of two digits",
    chunks(`1e\r\n${"z".repeat(30)}\r\n1E\r\n${"y".repeat(30)}\r\n0\r\n\r\n`),
    `POST / ${"z".repeat(30)}${"y".repeat(30)}`,
  ),
  passed(
    "several extensions, quoted and not",
    chunks('5;one;two=three;four="\\"five\\" \\\\ six"\r\nhello\r\n0;end\r\n\r\n'),
    "POST / hello",
  ),
  passed(
    "a request as a chunk",
    chunks(`${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`),
    `POST / ${INNER}`,
  ),
  passed(
    "a request as a trailer",
    chunks(`0\r\nX:GET /?inner HTTP/1.1\r\nHost: b\r\n\r\n${GET}\r\n`),
    "POST / ",
    "GET / ",
  ),
  followed("NUL behind the last chunk", chunks("0\r\n\r\n\0\r\n\r\n"), "POST / "),
  ...(
    [
      ["an extension without a semicolon", "2 abc\r\naa\r\n0\r\n\r\n"],
      ["an extension of the last chunk without a semicolon", "2\r\naa\r\n0 abc\r\n\r\n"],
      ["a quote of an extension that is not closed", '5;a="b;c\r\nhello\r\n0\r\n\r\n'],
      ["NUL within an extension", "2;a=\0\r\naa\r\n0\r\n\r\n"],
      ["NUL within a quoted extension", '2;a="\0"\r\naa\r\n0\r\n\r\n'],
      ["CR within a quoted extension", '2;a="\r"\r\naa\r\n0\r\n\r\n'],
      ["two CRs before an extension", `5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n${HIDDEN}`],
      ["two CRs after an extension", `41;a=b\r\rX\r\n${"X".repeat(64)}\r\n0\r\n\r\n${HIDDEN}`],
      ["CR and another byte after a chunk size", "1\r0\nZ\r\n0\r\n\r\n"],
      ["CR and another byte after the last chunk", "0\rX\r\n\r\n"],
      ["LF among blanks after a chunk size", "3 \n  \r\n\\\r\nfoo\r\n\r\n"],
      ["a chunk that ends without CRLF", "5\r\nABCDE0\r\n\r\n"],
      ["no last chunk", "3\r\nfoo\r\n\r\n"],
      [
        "an empty line before the last chunk",
        `${INNER.length.toString(16)}\r\n${INNER}\r\n\r\n0\r\n\r\n${HIDDEN}`,
      ],
      ["empty lines in place of chunks", "\r\n\r\n"],
      ["two zeros with a letter between", `0_2e\r\n\r\n${HIDDEN}`],
      ["a chunk size -0x0", "-0x0\r\n\r\n"],
      ["a chunk size 0x", "0x\r\n\r\n"],
      ["a chunk size that begins like a number", "1these\r\nZ\r\n0\r\n\r\n"],
      ["a tab before a chunk size", "\t1\r\nZ\r\n0\r\n\r\n"],
      ["a tab after a chunk size", "1\t\r\nZ\r\n0\r\n\r\n"],
      ["11 spaces before the last chunk", `${" ".repeat(11)}0\r\n\r\n`],
      ["a byte over 127 after a chunk size", "1\xa0\r\nZ\r\n0\r\n\r\n"],
      ["NUL after a chunk size", "1\0\r\nZ\r\n0\r\n\r\n"],
      ["no chunk, and a request in the next line", `INVALID!!!\r\n${HIDDEN}`],
      ["a trailer without a colon", "0\r\nX\r\n\r\n"],
      ["a trailer without a name", "0\r\n: x\r\n\r\n"],
      ["a folded trailer", "0\r\nX: a\r\n b\r\n\r\n"],
      ["a blank before the first trailer", "0\r\n X: a\r\n\r\n"],
      ["NUL in a trailer", "0\r\nX: a\0b\r\n\r\n"],
      ["CR in a trailer", "0\r\nX: a\rb\r\n\r\n"],
      ["LF in a trailer", "0\r\nX: a\nb\r\n\r\n"],
      ["a blank before the colon of a trailer", "0\r\nX : a\r\n\r\n"],
    ] as const
  ).map(([name, text]) => refused(name, chunks(text))),
];

/** Rows that are decided by where the body ends. */
export const BODIES: readonly KnownRequests[] = [...LENGTHS, ...CODINGS, ...CHUNKS];
