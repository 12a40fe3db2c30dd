import { Agent } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CACHEABLE } from "../src/testkit/cacheable.ts";
import { call, expectStatus } from "../src/testkit/client.ts";
import { openDoor } from "../src/testkit/door.ts";
import { startFront } from "../src/testkit/nginx.ts";
import type { Front } from "../src/testkit/nginx.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { makeCertificate } from "../src/testkit/tls-target.ts";

/*
 * An operator who wants the front to cache may write what is found in many a guide: everything, by its URL alone, for ten
 * minutes. nginx asks neither who asked nor what RFC 9111 says of requests with Authorization.
 */

let service: TestService;
let plain: TestTarget;
let front: Front;
let dispatcher: Agent;

beforeAll(async () => {
  service = await startTestService({ trustedProxies: ["127.0.0.1/32"] });
  plain = await startTarget((_request, response) => {
    response.writeHead(200, { "Cache-Control": "max-age=600" }).end(`${plain.requests.length}`);
  });
  const certificate = await makeCertificate("127.0.0.1");
  front = await startFront(service, certificate, (configuration, prefix) =>
    configuration
      .replace("http {\n", `http {\n  proxy_cache_path ${prefix}/cache keys_zone=all:1m;\n`)
      .replace(
        "    location / {",
        `    proxy_cache all;
    proxy_cache_key $request_uri;
    proxy_cache_valid any 10m;
    add_header X-Cache $upstream_cache_status always;

    location /plain {
      proxy_pass ${plain.url};
    }

    location / {`,
      )
      .replace("proxy_buffering off", "proxy_buffering on"),
  );
  dispatcher = new Agent({ connect: { ca: certificate.ca } });
});

afterAll(async () => {
  await dispatcher.close();
  await front[Symbol.asyncDispose]();
  await service.close();
  await plain[Symbol.asyncDispose]();
});

test.each(CACHEABLE)(
  "nginx that caches all it may, a target that says %s: each holder gets its own answer, and none after a revoke",
  async (_what, status, headers) => {
    let asked = 0;
    await using target = await startTarget((request, response) => {
      asked += 1;
      response.writeHead(status, headers).end(`${String(request.headers["x-holder"])} ${asked}`);
    });
    const holder = (name: string) => openDoor(service, { uri: target.url, headers: { "X-Holder": name } });
    const [one, other] = [await holder("one"), await holder("other")];
    for (let round = 1; round <= 4; round += 2) {
      const expected = (name: string, count: number) => ({ status, text: `${name} ${count}` });
      expect(await call(front, one.door, { dispatcher })).toMatchObject(expected("one", round));
      expect(await call(front, other.door, { dispatcher })).toMatchObject(expected("other", round + 1));
    }
    expectStatus(await call(service, one.revoke), 202);
    expectStatus(await call(front, one.door, { dispatcher }), 401);
    expectStatus(await call(front, other.door, { dispatcher }), status);
  },
);

test("answers of the service itself are kept for nobody: a 401 does not stand for the next holder", async () => {
  await using target = await startTarget();
  const { door } = await openDoor(service, { uri: target.url });
  expectStatus(await call(front, "CPBLTY1-none", { dispatcher }), 401);
  expectStatus(await call(front, door, { dispatcher }), 200);
  expectStatus(await call(front, undefined, { dispatcher }), 401);
});

test("the cache of these tests keeps what it may", async () => {
  const ask = () => call(front, "token", { dispatcher, path: "/plain" });
  expect(await ask()).toMatchObject({ text: "1", headers: { "x-cache": "MISS" } });
  expect(await ask()).toMatchObject({ text: "1", headers: { "x-cache": "HIT" } });
});
