import { expect, test } from "vitest";
import { createChanges } from "./changes.js";

const CHANGE = { token: "CREATE", uri: "http://target.test/" };

const response = (revoke: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 201 Created\r\n\r\n${JSON.stringify({
      id: "m",
      capabilities: { export: "cpblty://bench.test/#EXPORT", revoke: `cpblty://bench.test/#${revoke}` },
    })}`,
  );

test("An export sends the same request each time, whose length is that of its body", () => {
  const { next, expectedStatus } = createChanges("bench.test", { ...CHANGE, kind: "export" });

  const [head, body] = next().split("\r\n\r\n");
  expect(head?.split("\r\n")).toEqual([
    "POST / HTTP/1.1",
    "Host: bench.test",
    "Authorization: Bearer CREATE",
    `Content-Length: ${body?.length}`,
  ]);
  expect(body).toBe('{"uri":"http://target.test/"}');
  expect(next()).toBe(`${head}\r\n\r\n${body}`);
  expect(expectedStatus()).toBe(201);
});

test("No two membranes have the same name, whichever connection makes them", () => {
  const connections = [1, 2].map(() => createChanges("bench.test", { ...CHANGE, kind: "create" }));
  const requests = connections.flatMap(({ next, onResponse }) => {
    const first = next();
    onResponse(response("UNUSED"));
    return [first, next()];
  });

  expect(new Set(requests).size).toBe(4);
  for (const request of requests) expect(request).toContain("Bearer CREATE");
});

test("Each membrane that was made is revoked next, and the next request makes another one", () => {
  const { next, expectedStatus, onResponse } = createChanges("bench.test", {
    ...CHANGE,
    kind: "create, revoke",
  });

  for (const token of ["ONE", "TWO"]) {
    expect(next()).toContain("Bearer CREATE");
    expect(expectedStatus()).toBe(201);
    onResponse(response(token));
    expect(next()).toContain(`Bearer ${token}`);
    expect(expectedStatus()).toBe(202);
    onResponse(Buffer.from("HTTP/1.1 202 Accepted\r\n\r\n"));
  }
});
