import type { LookupFunction, Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";

/*
 * AWS refuses a signature that is older than five minutes, and so may any target. A request may wait that long for a connection,
 * so it is signed once it has one.
 */

const SIX_MINUTES = 6 * 60_000;

let clock = new Date("2026-01-01T00:00:00Z").getTime();
let find: () => void = () => undefined;
let asked = deferred<void>();
const lookup: LookupFunction = (_name, _options, callback) => {
  find = () => callback(null, [{ address: "127.0.0.1", family: 4 }]);
  asked.resolve();
};

let service: TestService;
beforeAll(async () => {
  const limits = { maxUpstreamConnectionsPerDestination: 1 };
  service = await startTestService({ limits, lookup, now: () => new Date(clock) });
});
afterAll(() => service.close());

const SIGNERS: readonly (readonly [string, object, RegExp])[] = [
  [
    "aws4-hmac-sha256",
    { awsAccessKeyId: "A", region: "r", service: "lambda", secretAccessKey: "s" },
    /\r\nx-amz-date: (\S+)/gi,
  ],
  ["cap1-hmac-sha512", { key: "c2VjcmV0", keyId: "k" }, /\r\nx-cap-date: (\S+)/gi],
];

/** The clock's time, in the format of signatures. */
function said(): string {
  return new Date(clock).toISOString().replace(/[-:]|\.\d+/g, "");
}

test.each(SIGNERS)(
  "a request with %s that waits for a free connection is signed once it has one",
  async (...row) => {
    const [algorithm, key, date] = row;
    const sockets: Socket[] = [];
    await using target = await startRawTarget((socket) => void socket.on("data", () => sockets.push(socket)));
    const { token } = await exportTarget(service, { uri: target.url, hmac: { [algorithm]: key } });
    const [first, times] = [call(service, token), [said()]];
    await expect.poll(() => sockets).toHaveLength(1);
    const second = call(service, token);
    const others = await exportTarget(service, { uri: target.url });
    expect(others.token).not.toBe(token);
    clock += SIX_MINUTES;
    times.push(said());
    sockets[0]!.write(OK_RESPONSE);
    await expect.poll(() => sockets).toHaveLength(2);
    sockets[0]!.write(OK_RESPONSE);
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect(Array.from(target.received().matchAll(date), ([, time]) => time)).toEqual(times);
  },
);

test.each(SIGNERS)(
  "a request with %s is signed once its connection is open",
  async (algorithm, key, date) => {
    await using target = await startRawTarget(
      (socket) => void socket.on("data", () => socket.write(OK_RESPONSE)),
    );
    const uri = `http://late-${algorithm}.example:${target.port}/`;
    const { token } = await exportTarget(service, { uri, hmac: { [algorithm]: key } });
    const response = call(service, token);
    await asked.promise;
    asked = deferred();
    clock += SIX_MINUTES;
    find();
    expect((await response).status).toBe(200);
    expect(Array.from(target.received().matchAll(date), ([, time]) => time)).toEqual([said()]);
  },
);

test("a request that is sent once more is signed again", async () => {
  let requests = 0;
  await using target = await startRawTarget(
    (socket) =>
      void socket.on("data", () => {
        requests += 1;
        if (requests !== 2) return socket.write(OK_RESPONSE);
        clock += SIX_MINUTES;
        return socket.end();
      }),
  );
  const [[algorithm, key, date]] = SIGNERS as [(typeof SIGNERS)[0]];
  const { token } = await exportTarget(service, { uri: target.url, hmac: { [algorithm]: key } });
  const before = said();
  expect([(await call(service, token)).status, (await call(service, token)).status]).toEqual([200, 200]);
  const times = Array.from(target.received().matchAll(date), ([, time]) => time);
  expect(times).toEqual([before, before, said()]);
});
