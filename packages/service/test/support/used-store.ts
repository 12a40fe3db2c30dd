import { expect } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import type { FullStore } from "../../../testkit/src/full-store.ts";
import { CANARY_HOST } from "../../../testkit/src/full-store.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { REQUEST_CANARIES } from "./secret-forms.ts";

/** Resolves each name to this machine, where the targets of a full store are. */
export const LOOKUP_OF_CANARIES: NonNullable<TestServiceOptions["lookup"]> = (_host, _options, done) =>
  done(null, [{ address: "127.0.0.1", family: 4 }]);

/** Uses every token of a full store once for everything that it can do. */
export async function useFullStore(service: TestService, { tokens }: FullStore): Promise<void> {
  for (const name of [
    "plain",
    "gamma of plain",
    "beta of gamma of plain",
    "gamma limited plain",
    "beta of gamma limited plain",
    "aws4",
    "cap1",
  ] as const) {
    const options = { body: REQUEST_CANARIES.body, headers: { "x-canary": REQUEST_CANARIES.header } };
    expectStatus(await call(service, tokens[name], options), 200);
  }
  // Faults and refusals are logged too: a target without TLS, an unreachable foreign authority, invalid input.
  expectStatus(await call(service, tokens.tls), 502);
  expectStatus(await call(service, tokens.foreign), 502);
  expectStatus(await call(service, tokens.query, { path: "/?limit=9" }), 200);
  expectStatus(await call(service, tokens["alpha export"], { body: { uri: CANARY_HOST } }), 400);
  expectStatus(
    await call(service, tokens["alpha export"], { body: `{"uri": "https://${CANARY_HOST}/` }),
    400,
  );
  expectStatus(await call(service, `${tokens.plain}x`), 401);
  expectStatus(await call(service, tokens["gamma of create"], { body: { id: "delta" } }), 201);
}

/** Revokes everything in each possible way, and waits for the sweep. */
export async function endFullStore(service: TestService, { tokens }: FullStore): Promise<void> {
  for (const name of ["beta revoke", "gamma of alpha revoke", "second deleteSelf", "deleteSelf"] as const) {
    expectStatus(await call(service, tokens[name], { method: "DELETE" }), 202);
  }
  for (const token of Object.values(tokens)) {
    const { status } = await call(service, token, { method: "PATCH" });
    expect([401, 405]).toContain(status);
  }
  for (let more = true; more;) ({ more } = await service.data.store.sweep(1_000));
}
