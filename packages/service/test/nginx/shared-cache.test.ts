import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import {
  expectNothingCached,
  CACHEABLE_HEADERS,
  startCountingTarget,
} from "../../../testkit/src/cache-scenarios.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { TestNginx } from "../../../testkit/src/nginx.ts";
import { replaceIn, startNginx } from "../../../testkit/src/nginx.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { TOKEN_CARRIERS } from "../../../testkit/src/token-carriers.ts";

/** Plausible cache configurations of an operator, none of which has `Authorization` in its key. */
const CACHES: readonly (readonly [string, string])[] = [
  ["by URI alone, as responses say", "proxy_cache_key $uri;"],
  [
    "by URI alone, with any status, and stale ones after an error",
    `proxy_cache_key $uri;
     proxy_cache_valid any 1h;
     proxy_cache_lock on;
     proxy_cache_revalidate on;
     proxy_cache_background_update on;
     proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503 http_504 http_403 http_404 http_429;`,
  ],
];

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ trustedProxies: ["127.0.0.1/32"] });
});
afterAll(() => service.close());

/** Starts nginx with the example and a cache, which needs buffering. */
function startCache(upstream: number, cache: string): Promise<TestNginx> {
  return startNginx(upstream, (configuration, prefix) => {
    const http = `http {\n proxy_cache_path ${prefix}/cache keys_zone=shared:1m;`;
    const location = `proxy_buffering on;\n proxy_cache shared;\n ${cache}`;
    return replaceIn(replaceIn(configuration, "http {", http), "proxy_buffering off;", location);
  });
}

describe.each(CACHES)("nginx that caches responses %s", (_name, cache) => {
  let nginx: TestNginx;
  beforeAll(async () => {
    nginx = await startCache(service.port, cache);
  });
  afterAll(() => nginx[Symbol.asyncDispose]());

  test("caches a public response of a target", async () => {
    await using target = await startCountingTarget("target", 200, ["Cache-Control", "public, max-age=3600"]);
    await using cached = await startCache(target.port, cache);
    for (const token of ["one", "two"]) {
      expect((await call(cached, token, { dispatcher: cached.agent })).text).toBe("target 1");
    }
  });

  test.each([200, 301, 404, 503])(
    "caches no response of %i, neither for another holder nor past a revoke",
    async (status) => {
      const { agent: dispatcher } = nginx;
      for (const lines of CACHEABLE_HEADERS) {
        await expectNothingCached(service, (token) => call(nginx, token, { dispatcher }), status, lines);
      }
    },
  );

  test.each(TOKEN_CARRIERS)("caches no response to a token in this header: $name", async ({ header }) => {
    const { agent: dispatcher } = nginx;
    for (const lines of CACHEABLE_HEADERS.slice(0, 8)) {
      const send = (token: string): ReturnType<typeof call> =>
        call(nginx, undefined, { dispatcher, headers: Object.fromEntries([header(token)]) });
      await expectNothingCached(service, send, 200, lines);
    }
  });
});

test.each(TOKEN_CARRIERS)(
  "nginx that disregards Cache-Control tells the holders apart by Vary, whichever header holds the token: $name",
  async ({ header }) => {
    const ignore = "proxy_cache_key $uri;\n proxy_ignore_headers Cache-Control;\n proxy_cache_valid any 1h;";
    await using nginx = await startCache(service.port, ignore);
    await using mine = await startCountingTarget("mine", 200, []);
    await using theirs = await startCountingTarget("theirs", 200, []);
    const me = await exportTarget(service, { uri: mine.url });
    const they = await exportTarget(service, { uri: theirs.url });
    const send = async (token: string): Promise<string> => {
      const headers = Object.fromEntries([header(token)]);
      return (await call(nginx, undefined, { dispatcher: nginx.agent, headers })).text;
    };
    expect(await send(me.token)).toBe("mine 1");
    expect(await send(they.token)).toBe("theirs 1");
    // From the cache, which is in effect.
    expect(await send(they.token)).toBe("theirs 1");
  },
);
