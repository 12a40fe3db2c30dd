import { expect } from "vitest";
import type { CallResponse } from "./client.ts";
import { call, expectStatus } from "./client.ts";
import { exportTarget } from "./exported-capability.ts";
import type { TestService } from "./service.ts";
import { startTarget } from "./target.ts";

const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toUTCString();
const EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT";

/** Header lines (name, value, …) of responses with and without rules for caches. */
export const CACHEABLE_HEADERS: readonly (readonly string[])[] = [
  [],
  ["Cache-Control", "max-age=3600"],
  ["Cache-Control", "public"],
  ["Cache-Control", "public, max-age=3600"],
  ["Cache-Control", "PUBLIC,S-MAXAGE=3600"],
  ["Cache-Control", "s-maxage=3600, max-age=3600"],
  ["Cache-Control", "public, max-age=3600", "Vary", "Accept"],
  ["Cache-Control", "public, max-age=3600", "Vary", "Authorization"],
  ["Cache-Control", "public, max-age=3600", "Vary", "X-Other", "Vary", "Accept"],
  ["Cache-Control", "public, max-age=3600", "Vary", "*"],
  ["Cache-Control", "max-age=3600", "Cache-Control", "public"],
  ["Cache-Control", "no-store", "Cache-Control", "public, max-age=3600"],
  ["Cache-Control", "must-revalidate, max-age=3600"],
  ["Cache-Control", "proxy-revalidate, max-age=3600"],
  ["Cache-Control", "must-understand, public, max-age=3600"],
  ["Cache-Control", "immutable, public, max-age=31536000"],
  ["Cache-Control", "max-age=1, stale-while-revalidate=3600, stale-if-error=3600"],
  ["Cache-Control", "public, max-age=0, stale-while-revalidate=3600"],
  ["Cache-Control", 'private="x-other", public, max-age=3600'],
  ["Cache-Control", "private=x-other, must-revalidate, max-age=3600"],
  ["Cache-Control", 'no-cache="x-other", s-maxage=3600'],
  ["Cache-Control", 'x="s-maxage=3600"'],
  ["Cache-Control", 'x="open, public, s-maxage=3600'],
  ["Cache-Control", "public, max-age=3600", "Connection", "cache-control, vary"],
  ["Cache-Control", "", "Expires", IN_AN_HOUR],
  ["Expires", IN_AN_HOUR],
  ["Expires", IN_AN_HOUR, "Pragma", "cache"],
  ["Last-Modified", EPOCH],
  ["Last-Modified", EPOCH, "ETag", '"a"'],
  ["ETag", '"a"', "Cache-Control", "public, no-cache"],
  ["ETag", '"a"', "Cache-Control", "public, max-age=0, must-revalidate"],
  ["Age", "0", "Cache-Control", "public, max-age=3600"],
  ["Age", "7", "Expires", IN_AN_HOUR],
  ["X-Accel-Expires", "3600"],
  ["CDN-Cache-Control", "max-age=3600", "Surrogate-Control", "max-age=3600"],
  ["Cache-Control", "private, max-age=3600"],
  ["Cache-Control", "no-store"],
];

/** Sends a request with this token, to which a proxy in front of the service may respond. */
export type SendRequest = (token: string) => Promise<CallResponse>;

/**
 * Checks that nothing is cached for two holders, each of a separate target that responds with these header lines: each gets the
 * current response of its target, and none once its capability is revoked.
 */
export async function expectNothingCached(
  service: TestService,
  send: SendRequest,
  status: number,
  lines: readonly string[],
): Promise<void> {
  await using mine = await startCountingTarget("mine", status, lines);
  await using theirs = await startCountingTarget("theirs", status, lines);
  const me = await exportTarget(service, { uri: mine.url });
  const they = await exportTarget(service, { uri: theirs.url });

  expect(await send(me.token)).toMatchObject({ status, text: "mine 1" });
  expect(await send(me.token)).toMatchObject({ status, text: "mine 2" });
  expect(await send(they.token)).toMatchObject({ status, text: "theirs 1" });
  expect(await send(me.token)).toMatchObject({ status, text: "mine 3" });
  expectStatus(await call(service, me.revoke), 202);
  expect((await send(me.token)).status).toBe(401);
  expect(await send(they.token)).toMatchObject({ status, text: "theirs 2" });
}

/** Starts a target that responds with its name and the number of its requests, with these header lines. */
export function startCountingTarget(
  name: string,
  status: number,
  lines: readonly string[],
): ReturnType<typeof startTarget> {
  let requests = 0;
  return startTarget((_request, response) => {
    requests += 1;
    response.writeHead(status, [...lines]).end(`${name} ${requests}`);
  });
}
