import { hash } from "node:crypto";
import { createSigner } from "capability-protocol/signers";
import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ReceivedRequest } from "../../../testkit/src/target.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const KEY = { key: "c2VjcmV0", keyId: "me" } as const;

/** Computes the Authorization of a received request with the signer, whose vectors are in capability-protocol. */
function recompute({ method, url, rawHeaders, headers }: ReceivedRequest): string | undefined {
  const signer = createSigner({ scheme: "cap1-hmac-sha512", ...KEY }, [], hash);
  const signed = /SignedHeaders=([^,]+),/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? [];
  const lines = rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)]!.toLowerCase();
    return signed.includes(name) && name !== "x-cap-date";
  });
  const [path = "", query = ""] = url.split("?");
  return signer.sign({ method, path, query, headers: lines }, "", NOW).at(-1);
}

test("a cap1-hmac-sha512 target gets a signature over exactly the request that it receives", async () => {
  await using service = await startTestService({ now: () => NOW });
  await using target = await startTarget();
  const { token } = await exportTarget(service, {
    uri: `${target.url}a/b?c=d`,
    headers: { "X-Ours": '1  "2  3"' },
    allowQuery: true,
    hmac: { "cap1-hmac-sha512": KEY },
  });
  const headers = { "x-theirs": "a  b", "x-cap-date": "19700101T000000Z", x_cap_date: "evil" };
  await call(service, token, { path: "/?e=f%20g", headers });
  await call(service, token, { method: "PUT", body: "a body", headers });
  for (const request of target.requests) {
    expect(request.headers["x-cap-date"]).toBe("20261122T120000Z");
    expect(request.headers).not.toHaveProperty("x_cap_date");
    expect(request.headers.authorization).toMatch(
      /^CAP1-HMAC-SHA512 Credential=me\/20261122\/127\.0\.0\.1:\d+\/cap1_request,/,
    );
    expect(request.headers.authorization).toBe(recompute(request));
    expect(request.headers.authorization).toMatch(/SignedHeaders=[^,]*host;[^,]*x-ours;x-theirs,/);
    expect(request.headers.authorization).not.toMatch(/via|cdn-loop/);
  }
  expect(target.requests).toHaveLength(2);
});

test.each(["a=b=c", "a", "a=%ff", "=&"])(
  "a query that the scheme cannot protect is a 400: %s",
  async (query) => {
    await using service = await startTestService();
    await using target = await startTarget();
    const { token } = await exportTarget(service, {
      uri: target.url,
      allowQuery: true,
      hmac: { "cap1-hmac-sha512": KEY },
    });
    expect(await call(service, token, { path: `/?${query}` })).toMatchObject({ status: 400 });
    expect(target.requests).toHaveLength(0);
  },
);
