import { expect, test } from "vitest";
import { renameContinue } from "./interim-responses.ts";

const FINAL = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHTTP/1.1 100";

test.each([
  ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Continue\r\n\r\n", true],
  ["HTTP/1.0 100\r\nX: 100\r\n\r\n", "HTTP/1.0 102\r\nX: 100\r\n\r\n", true],
  [`HTTP/1.1 100 \r\n\r\n${FINAL}`, `HTTP/1.1 102 \r\n\r\n${FINAL}`, false],
  [
    `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n${FINAL}`,
    `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 102 C\r\n\r\nHTTP/1.1 102 C\r\n\r\n${FINAL}`,
    false,
  ],
  ["HTTP/1.1 100 Continue\r\n", "HTTP/1.1 102 Continue\r\n", false],
  [FINAL, FINAL, false],
  ["HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 100", "HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 102", false],
  ["HTTP/2.0 100 C\r\n\r\n", "HTTP/2.0 100 C\r\n\r\n", false],
  ["HTTP/1.1 1", "HTTP/1.1 1", false],
])("of %j nothing but the status of a 100 is changed", (bytes, becomes, isNext) => {
  const buffer = Buffer.from(bytes);
  expect([renameContinue(buffer), buffer.toString()]).toEqual([isNext, becomes]);
});
