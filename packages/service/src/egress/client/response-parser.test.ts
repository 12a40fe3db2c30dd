import { describe, expect, test } from "vitest";
import { LatestResponseHead } from "./latest-response-head.ts";
import type { ExpectedResponse } from "./response-parser.ts";
import { ResponseParser } from "./response-parser.ts";

interface Read {
  readonly steps: readonly string[];
  readonly statuses: readonly number[];
  readonly headers: readonly string[];
  readonly reason: string;
  readonly body: string;
  /** How long the pieces of the body were. */
  readonly pieces: readonly number[];
  readonly keepsConnection: boolean;
  readonly code: string | undefined;
  readonly rest: string;
}

/** Reads the pieces one after the other, as far as there is a step. */
function read(
  pieces: readonly string[],
  expected: Partial<ExpectedResponse> = {},
  maxHeadBytes = 16_384,
  latest?: LatestResponseHead,
): Read {
  const parser = new ResponseParser(maxHeadBytes, latest);
  parser.start({ isHead: false, maySwitch: false, ...expected });
  const steps: string[] = [];
  const statuses: number[] = [];
  const lengths: number[] = [];
  let [headers, reason, body]: [readonly string[], string, string] = [[], "", ""];
  let isOver = false;
  for (const piece of pieces) {
    if (isOver) break;
    parser.add(Buffer.from(piece, "latin1"));
    for (let step = parser.next(); step !== "input"; step = parser.next()) {
      steps.push(step);
      if (step === "head" || step === "switch" || step === "informational") statuses.push(parser.status);
      if (step === "head" || step === "switch") ({ headers, reason } = parser.head);
      if (step === "data") {
        body += parser.data.toString("latin1");
        lengths.push(parser.data.length);
      }
      isOver = step === "end" || step === "error" || step === "switch";
      if (isOver) break;
    }
  }
  const { keepsConnection } = parser;
  const code = steps.at(-1) === "error" ? parser.error.code : undefined;
  const rest = parser.takeRest().toString("latin1");
  parser.free();
  return { steps, statuses, headers, reason, body, pieces: lengths, keepsConnection, code, rest };
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Whole responses, and what is read of each. */
const RESPONSES: readonly (readonly [string, string, Partial<ExpectedResponse>, Partial<Read>])[] = [
  [
    "a body with a length",
    "HTTP/1.1 201 Made it\r\nX-A: \t b c\t \r\nContent-Length: 004\r\nX-Empty:\r\n\r\nbody",
    {},
    {
      statuses: [201],
      reason: "Made it",
      headers: ["X-A", "b c", "Content-Length", "004", "X-Empty", ""],
      body: "body",
      keepsConnection: true,
    },
  ],
  [
    "no body",
    "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    {},
    { reason: "", body: "", keepsConnection: true },
  ],
  [
    "chunks with extensions and trailers",
    `${CHUNKED}3;a="b"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: c\r\n\r\n`,
    {},
    { headers: ["Transfer-Encoding", "chunked"], body: "abc0123456789", keepsConnection: true },
  ],
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { isHead: true }, { body: "" }],
  ["a reason in UTF-8", "HTTP/1.1 204 Tr\xc3\xa8s\r\n\r\n", {}, { reason: "Tr\u00e8s" }],
  ["204", "HTTP/1.1 204 No\r\n\r\n", {}, { statuses: [204], body: "", keepsConnection: true }],
  ["304", "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", {}, { statuses: [304], body: "" }],
  [
    "a connection that closes",
    "HTTP/1.1 200 OK\r\nConnection: a, close\r\nContent-Length: 1\r\n\r\na",
    {},
    { keepsConnection: false },
  ],
  [
    "interim responses",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1\r\n\r\nc",
    {},
    { statuses: [100, 103, 200], headers: ["A", "b", "Content-Length", "1"], body: "c" },
  ],
];

describe.each(RESPONSES)("%s", (_name, bytes, expected, wanted) => {
  test("is read in one piece", () => {
    const result = read([bytes], expected);
    expect(result).toMatchObject({ ...wanted, rest: "", code: undefined });
    expect(result.steps.at(-1)).toBe("end");
  });

  test("is read wherever it is cut, and in single bytes", () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      const result = read([bytes.slice(0, at), bytes.slice(at)], expected);
      expect({ ...result, end: result.steps.at(-1) }, String(at)).toMatchObject({ ...wanted, end: "end" });
    }
    expect(read([...bytes], expected)).toMatchObject(wanted);
  });

  test("leaves what comes after it, and does not keep the connection then", () => {
    expect(read([`${bytes}more`], expected)).toMatchObject({ rest: "more", keepsConnection: false });
  });
});

test("a response without a length goes on until the connection ends", () => {
  const parser = new ResponseParser(1_000);
  parser.start({ isHead: false, maySwitch: false });
  parser.add(Buffer.from("HTTP/1.1 200 OK\r\n\r\nab"));
  expect([parser.next(), parser.endsWithConnection]).toEqual(["head", true]);
  expect([parser.next(), parser.data.toString(), parser.next()]).toEqual(["data", "ab", "input"]);
  expect(parser.keepsConnection).toBe(false);
  parser.free();
});

test.each([
  ["garbage", "garbage"],
  ["a status below 100", "HTTP/1.1 099 Low\r\n\r\n"],
  ["a CR without an LF in the status line", "HTTP/1.1 200 OK\r\r\n\r\n"],
  ["a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
  ["a space before a colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"],
  ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a switch that was not asked for", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"],
])("%s is an error", (_what, bytes) => {
  expect(read([bytes])).toMatchObject({ steps: ["error"], code: "TARGET_INVALID_RESPONSE" });
});

test("a switch without Upgrade is an error even if one was asked for", () => {
  expect(read(["HTTP/1.1 101 S\r\n\r\n"], { maySwitch: true }).steps).toEqual(["error"]);
});

test("a switch that was asked for leaves what comes after its head", () => {
  const bytes = "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nnot HTTP";
  expect(read([bytes], { maySwitch: true })).toMatchObject({
    steps: ["switch"],
    headers: ["Connection", "upgrade", "Upgrade", "x"],
    rest: "not HTTP",
  });
});

test("what comes before an error in chunks is passed on", () => {
  expect(read([`${CHUNKED}2\r\nok\r\nzz\r\n`])).toMatchObject({
    steps: ["head", "data", "error"],
    body: "ok",
  });
});

test("a head may have as many bytes as the limit says, and no more", () => {
  const bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  expect(read([bytes], {}, bytes.length).steps).toEqual(["head", "end"]);
  expect(read([bytes], {}, bytes.length - 1)).toMatchObject({
    steps: ["error"],
    code: "TARGET_HEAD_TOO_LARGE",
  });
  expect(read([...bytes], {}, bytes.length - 1)).toMatchObject({ code: "TARGET_HEAD_TOO_LARGE" });
});

test("empty lines before a response count as its head", () => {
  expect(
    read(
      Array.from({ length: 100 }, () => "\r\n"),
      {},
      100,
    ),
  ).toMatchObject({ code: "TARGET_HEAD_TOO_LARGE" });
});

test.each([
  ["trailers", `${CHUNKED}1\r\na\r\n0\r\nT: ${"t".repeat(2_000)}`],
  ["an extension of a chunk", `${CHUNKED}1\r\na\r\n1;${"e".repeat(2_000)}`],
  ["the trailers of an empty body", `${CHUNKED}0\r\n${"T: t\r\n".repeat(400)}`],
])("%s without an end are an error", (_what, bytes) => {
  expect(read([bytes], {}, 1_000)).toMatchObject({ code: "TARGET_HEAD_TOO_LARGE" });
  expect(read([...bytes], {}, 1_000)).toMatchObject({ code: "TARGET_HEAD_TOO_LARGE" });
});

test("many small chunks are no trailers", () => {
  expect(
    read([CHUNKED, ...Array.from({ length: 1_000 }, () => "1\r\na\r\n"), "0\r\n\r\n"], {}, 1_000),
  ).toMatchObject({
    body: "a".repeat(1_000),
    code: undefined,
  });
});

test("small chunks of one read are joined, and large ones are passed on as they are", () => {
  const large = "L".repeat(5_000);
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  const texts = ["a", "b", large, "c", "d", "e", large, large, "f"];
  const result = read([CHUNKED, `${texts.map(chunk).join("")}0\r\nT: t\r\n\r\n`]);
  expect(result.body).toBe(texts.join(""));
  expect(result.pieces).toEqual([2, 5_000, 3, 5_000, 5_000, 1]);
});

test("a read that is longer than a window is read whole", () => {
  const text = "x".repeat(200_000);
  expect(read([`${CHUNKED}${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`])).toMatchObject({
    body: text,
    code: undefined,
  });
});

test.each([
  ["", 4_000],
  ["Keep-Alive: timeout=10\r\n", 8_000],
  ["keep-alive: max=5, timeout=3\r\n", 1_000],
  ["Keep-Alive: timeout=2\r\n", 0],
  ["Keep-Alive: timeout=0\r\n", 0],
  ["Keep-Alive: timeout=9999999999\r\n", 600_000],
  ["Keep-Alive: evil\r\n", 4_000],
])("by %j the connection is kept for so many milliseconds: %d", (line, ms) => {
  const parser = new ResponseParser(1_000);
  parser.start({ isHead: false, maySwitch: false });
  parser.add(Buffer.from(`HTTP/1.1 200 OK\r\n${line}Content-Length: 0\r\n\r\n`));
  expect([parser.next(), parser.next(), parser.keepAliveMs]).toEqual(["head", "end", ms]);
  parser.free();
});

test("a response is read the same after any other one to the same target, also one with the same head", () => {
  for (const [, before, expectedBefore] of RESPONSES) {
    for (const [name, bytes, expected] of RESPONSES) {
      const latest = new LatestResponseHead();
      read([before], expectedBefore, undefined, latest);
      expect(read([bytes], expected, undefined, latest), name).toEqual(read([bytes], expected));
      const cut = Math.floor(bytes.length / 2);
      const pieces = [bytes.slice(0, cut), bytes.slice(cut)];
      expect(read(pieces, expected, undefined, latest), name).toEqual(read(pieces, expected));
    }
  }
});

test("responses with the same head share one list of headers, and each has another body", () => {
  const latest = new LatestResponseHead();
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  const first = read([`${head}one`], {}, undefined, latest);
  const second = read([`${head}two`], {}, undefined, latest);
  expect(second.headers).toBe(first.headers);
  expect([first.body, second.body]).toEqual(["one", "two"]);
  expect(read([head], { isHead: true }, undefined, latest)).toMatchObject({
    body: "",
    steps: ["head", "end"],
  });
});

test("a value that looks like the latest head is a value, wherever it is cut", () => {
  const latest = new LatestResponseHead();
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  read([`${head}one`], {}, undefined, latest);
  const pieces = ["HTTP/1.1 201 Made\r\nX-A: ", `${head}two`];
  expect(read(pieces, {}, undefined, latest)).toEqual(read(pieces));
});
