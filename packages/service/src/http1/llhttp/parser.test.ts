import { expect, test } from "vitest";
import { sharedLlhttp } from "./instance.ts";
import { Parser } from "./parser.ts";
import { SPAN_NUMBERS } from "./spans.ts";

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** The parts that were found, one after the other. */
function parts({ spans: { numbers, count } }: Parser, text: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const at = numbers[index * SPAN_NUMBERS + 1]!;
    return text.slice(at, at + numbers[index * SPAN_NUMBERS + 2]!);
  });
}

const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const BODY = "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n";

test("a parser stops after a head and after a message", () => {
  const parser = new Parser("response");
  expect(parser.execute(bytes(`${HEAD}rest`))).toBe("head");
  expect(parser).toMatchObject({
    position: HEAD.length,
    status: 200,
    shouldKeepAlive: true,
    needsEof: false,
  });
  expect(parser.execute(bytes(`${BODY}rest`))).toBe("message");
  expect(parser.position).toBe(BODY.length);
  expect(parts(parser, BODY)).toEqual(["abc", "de", "T", "x"]);
  parser.free();
});

test("a message is read in pieces of any size", () => {
  const parser = new Parser("response");
  const stops = Array.from(HEAD + BODY, (byte) => parser.execute(bytes(byte)));
  expect(stops.indexOf("head")).toBe(HEAD.length - 1);
  expect(stops.indexOf("message")).toBe(HEAD.length + BODY.length - 1);
  expect(stops).not.toContain("error");
  parser.free();
});

test("an error says what is wrong, and a reset parser reads the next message", () => {
  const parser = new Parser("response");
  expect(parser.execute(bytes("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"))).toBe("error");
  expect(parser.errorReason).toBe("Invalid header token");
  parser.reset();
  expect(parser.execute(bytes("HTTP/1.0 204\r\n\r\n"))).toBe("head");
  parser.free();
});

test("a body that the end of the connection ends is known by its head", () => {
  const parser = new Parser("response");
  expect(parser.execute(bytes("HTTP/1.1 200 OK\r\n\r\n"))).toBe("head");
  expect(parser).toMatchObject({ needsEof: true, shouldKeepAlive: false });
  parser.free();
});

test("more bytes than a window are read one window at a time", () => {
  const parser = new Parser("response");
  expect(parser.execute(bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))).toBe("head");
  expect(parser.execute(bytes(`186a0\r\n${"a".repeat(100_000)}`))).toBe("input");
  expect(parser.position).toBe(65_536);
  parser.free();
});

test("parsers do not mix what they have read", () => {
  const parsers = [new Parser("response"), new Parser("request"), new Parser("response")];
  const texts = ["HTTP/1.1 201 A\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 202 B\r\n\r\n"];
  const stops = parsers.map((parser, at) => parser.execute(bytes(texts[at]!.slice(0, 11))));
  expect(stops).toEqual(["input", "input", "input"]);
  expect(parsers.map((parser, at) => [parser.execute(bytes(texts[at]!.slice(11))), parser.status])).toEqual([
    ["head", 201],
    ["head", 0],
    ["head", 202],
  ]);
  parsers.forEach((parser) => parser.free());
});

test("parsers that are freed leave their memory to others", () => {
  const size = (): number => sharedLlhttp().exports.memory.buffer.byteLength;
  const use = (): void => {
    const parsers = Array.from({ length: 1_000 }, () => new Parser("response"));
    for (const parser of parsers) expect(parser.execute(bytes(HEAD))).toBe("head");
    for (const parser of [...parsers, ...parsers]) parser.free();
  };
  use();
  const before = size();
  for (let round = 0; round < 4; round += 1) use();
  expect(size()).toBe(before);
});
