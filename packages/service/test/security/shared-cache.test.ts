import { Agent, interceptors } from "undici";
import type { Dispatcher } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import {
  expectNothingCached,
  CACHEABLE_HEADERS,
  startCountingTarget,
} from "../../../testkit/src/cache-scenarios.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { TOKEN_CARRIERS } from "../../../testkit/src/token-carriers.ts";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Starts undici's cache, as shared by many clients. It also stores responses without a lifetime, for an hour. */
function startSharedCache(): Dispatcher {
  const cache = interceptors.cache({ type: "shared", methods: ["GET", "HEAD"], cacheByDefault: 3_600 });
  return new Agent().compose(cache);
}

test("the cache stores a public response of a target", async () => {
  const dispatcher = startSharedCache();
  await using target = await startCountingTarget("target", 200, ["Cache-Control", "public, max-age=3600"]);
  for (const token of ["one", "two"]) {
    expect((await call(target, token, { path: "", dispatcher })).text).toBe("target 1");
  }
  await dispatcher.close();
});

test.each([200, 301, 404])(
  "a shared cache stores no response of %i, neither for another holder nor past a revoke",
  async (status) => {
    for (const lines of CACHEABLE_HEADERS) {
      const dispatcher = startSharedCache();
      await expectNothingCached(service, (token) => call(service, token, { dispatcher }), status, lines);
      await dispatcher.close();
    }
  },
);

test.each(TOKEN_CARRIERS)(
  "a shared cache stores no response to a token in this header: $name",
  async ({ header }) => {
    for (const lines of CACHEABLE_HEADERS) {
      const dispatcher = startSharedCache();
      const send = (token: string): ReturnType<typeof call> =>
        call(service, undefined, { dispatcher, headers: Object.fromEntries([header(token)]) });
      await expectNothingCached(service, send, 200, lines);
      await dispatcher.close();
    }
  },
);
