import { expect, test } from "vitest";
import { createResponseReader } from "./responses.js";

const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345";

function endsAfter(chunks: readonly string[]) {
  let ends = 0;
  const read = createResponseReader(() => (ends += 1));
  return chunks.map((chunk) => {
    read(Buffer.from(chunk, "latin1"));
    return ends;
  });
}

test("A response ends with the last byte of its body, wherever it is cut", () => {
  for (let cut = 1; cut < RESPONSE.length; cut += 1) {
    expect(endsAfter([RESPONSE.slice(0, cut), RESPONSE.slice(cut)])).toEqual([0, 1]);
  }
  expect(endsAfter([RESPONSE, RESPONSE])).toEqual([1, 2]);
});

test("A response without a body ends with its head", () => {
  expect(endsAfter(["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])).toEqual([1]);
});

test.each([
  ["another status", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"],
  ["no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["more bytes than its length", `${RESPONSE}6`],
])("A response with %s is an error, since it costs something else", (_, response) => {
  expect(() => endsAfter([response])).toThrow(Error);
});
