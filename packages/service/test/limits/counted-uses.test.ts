import { expect, test } from "vitest";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { reexportLimited } from "../../../testkit/src/limited-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const CALLERS = 200;

function countOf(responses: readonly CallResponse[], status: number): number {
  return responses.filter((response) => response.status === status).length;
}

test("of 200 requests at once as many are admitted as there may be, and the rest gets the 401 of an unknown token", async () => {
  await using service = await startTestService();
  await using target = await startTarget();
  const { token, export: through } = await exportTarget(service, { uri: target.url });
  const limited = await reexportLimited(service, { token, through }, { maxUses: 77 });
  const responses = await Promise.all(Array.from({ length: CALLERS }, () => call(service, limited)));
  expect(countOf(responses, 200)).toBe(77);
  expect(countOf(responses, 401)).toBe(CALLERS - 77);
  expect(target.requests).toHaveLength(77);
  const unknown = await call(service, "nothing");
  const refused = await call(service, limited);
  const { date: _, "x-request-id": __, ...rest } = unknown.headers;
  expect(refused).toMatchObject({ status: 401, text: unknown.text, headers: rest });
  // The capability that it re-exports is not limited.
  expect((await call(service, token)).status).toBe(200);
});
