import { Agent, interceptors } from "undici";
import type { Dispatcher } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CACHEABLE } from "../src/testkit/cacheable.ts";
import { call, expectStatus } from "../src/testkit/client.ts";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";

/*
 * All capabilities share one URL, so that whatever keeps answers by their URL would mix their holders, and would go on
 * answering after a revoke.
 */

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

const cached = (): Dispatcher => new Agent().compose(interceptors.cache({ type: "shared" }));

test.each(CACHEABLE)(
  "a shared cache in front, a target that says %s: each holder gets its own answer, and none after a revoke",
  async (_what, status, headers) => {
    let asked = 0;
    await using target = await startTarget((request, response) => {
      asked += 1;
      response.writeHead(status, headers).end(`${String(request.headers["x-holder"])} ${asked}`);
    });
    const dispatcher = cached();
    const [one, other] = [await holder("one", target.url), await holder("other", target.url)];
    for (let round = 1; round <= 4; round += 2) {
      const expected = (name: string, count: number) => ({ status, text: `${name} ${count}` });
      expect(await call(service, one.door, { dispatcher })).toMatchObject(expected("one", round));
      expect(await call(service, other.door, { dispatcher })).toMatchObject(expected("other", round + 1));
    }
    expectStatus(await call(service, one.revoke), 202);
    expectStatus(await call(service, one.door, { dispatcher }), 401);
    expectStatus(await call(service, other.door, { dispatcher }), status);
    await dispatcher.close();
  },
);

function holder(name: string, uri: string): ReturnType<typeof openDoor> {
  return openDoor(service, { uri, headers: { "X-Holder": name } });
}

test("the cache of these tests keeps what it may", async () => {
  let asked = 0;
  await using target = await startTarget((_request, response) => {
    asked += 1;
    response.writeHead(200, { "Cache-Control": "public, max-age=600" }).end("ok");
  });
  const dispatcher = cached();
  for (let round = 0; round < 3; round += 1) await call(target, "token", { dispatcher });
  expect(asked).toBe(1);
  await dispatcher.close();
});
