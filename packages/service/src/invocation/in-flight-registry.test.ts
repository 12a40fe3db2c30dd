import { expect, test } from "vitest";
import type { Lineage } from "../domain/linked-lineage.ts";
import { parseUid } from "../domain/uid.ts";
import { createRevocationFeed } from "../store/revocation-feed.ts";
import { createDelayedLog } from "../../../testkit/src/delayed-log.ts";
import { lineageOver } from "../../../testkit/src/lineage.ts";
import { createInFlightRegistry } from "./in-flight-registry.ts";

const A = parseUid("a".repeat(32));
const B = parseUid("b".repeat(32));

async function open() {
  const log = createDelayedLog();
  const opening = createRevocationFeed(log);
  await log.respondToAll();
  const feed = await opening;
  const advance = async (): Promise<void> => {
    const refreshed = feed.refresh();
    await log.respondToAll();
    await refreshed;
  };
  const clock = { now: 0 };
  return { log, advance, clock, registry: createInFlightRegistry(feed, () => clock.now) };
}

test("a revoke ends exactly the requests whose lineage it names, each once", async () => {
  const { log, advance, registry } = await open();
  const revoked: string[] = [];
  const ofA = registry.register(lineageOver(A));
  const ofBoth = registry.register(lineageOver(A, B));
  const ofB = registry.register(lineageOver(B));
  ofA.onRevoke(() => revoked.push("a"));
  ofBoth.onRevoke(() => revoked.push("both"));
  ofB.onRevoke(() => revoked.push("b"));

  log.revoke(A);
  await advance();
  expect(revoked.toSorted()).toEqual(["a", "both"]);
  expect([ofA.isRevoked, ofBoth.isRevoked, ofB.isRevoked]).toEqual([true, true, false]);

  log.revoke(B);
  await advance();
  expect(revoked.toSorted()).toEqual(["a", "b", "both"]);
});

test("a listener that is added after the revoke is called at once", async () => {
  const { log, advance, registry } = await open();
  const request = registry.register(lineageOver(A));
  log.revoke(A);
  await advance();
  let revoked = 0;
  request.onRevoke(() => (revoked += 1));
  expect(revoked).toBe(1);
});

test("a finished request is not revoked, and finishing twice counts once", async () => {
  const { log, advance, registry } = await open();
  let revoked = 0;
  const left = registry.register(lineageOver(A));
  const stays = registry.register(lineageOver(B));
  left.onRevoke(() => (revoked += 1));
  expect(registry.size).toBe(2);
  left.finishInvocation();
  left.finishInvocation();
  expect(registry.size).toBe(1);
  log.revoke(A);
  await advance();
  expect([revoked, left.isRevoked, stays.isRevoked]).toEqual([0, false, false]);
});

test("all requests are revoked when the log cannot say what was revoked", async () => {
  const { log, advance, registry } = await open();
  const all = [registry.register(lineageOver(A)), registry.register(lineageOver(B))];
  log.replace("another log");
  await advance();
  expect(all.map(({ isRevoked }) => isRevoked)).toEqual([true, true]);
});

test("revokeAll revokes all requests in flight, even while they finish", async () => {
  const { registry } = await open();
  const all = [registry.register(lineageOver(A)), registry.register(lineageOver(A, B))];
  let revoked = 0;
  for (const request of all) {
    request.onRevoke(() => {
      revoked += 1;
      request.finishInvocation();
    });
  }
  registry.revokeAll("STALE");
  expect([revoked, registry.size]).toEqual([2, 0]);
});

test("what has expired is revoked when the clock is looked at, and nothing else", async () => {
  const { registry, clock } = await open();
  const [soon, never] = [lineageOver(A), lineageOver(B)];
  const requests = [
    registry.register(soon, 10),
    registry.register(soon, 10),
    registry.register(lineageOver(A, B), 20),
    registry.register(never),
  ];
  const states = () => requests.map(({ isRevoked }) => isRevoked);
  clock.now = 9;
  registry.revokeExpired();
  expect(states()).toEqual([false, false, false, false]);
  clock.now = 10;
  requests[0]!.checkExpiry();
  expect(states()).toEqual([true, false, false, false]);
  registry.revokeExpired();
  expect(states()).toEqual([true, true, false, false]);
  clock.now = 30;
  registry.revokeExpired();
  expect(states()).toEqual([true, true, true, false]);
});

test("a listener learns why nothing more may pass, the first reason if there are several", async () => {
  const { log, advance, registry, clock } = await open();
  const causes: string[] = [];
  const register = (lineage: Lineage, expiresAt?: number): void =>
    registry.register(lineage, expiresAt).onRevoke(({ code }) => causes.push(code));
  register(lineageOver(A));
  register(lineageOver(B), 10);
  register(lineageOver(B));
  log.revoke(A);
  await advance();
  clock.now = 10;
  registry.revokeExpired();
  registry.revokeAll("STALE");
  register(lineageOver(B));
  registry.revokeAll("STOPPED");
  expect(causes).toEqual(["REVOKED", "EXPIRED", "STALE", "STOPPED"]);
});

test("a capability that was idle when the clock was looked at is still revoked when it expires later", async () => {
  const { registry, clock } = await open();
  const lineage = lineageOver(A);
  registry.register(lineage, 10).finishInvocation();
  registry.revokeExpired();
  const later = registry.register(lineage, 10);
  clock.now = 10;
  registry.revokeExpired();
  expect(later.isRevoked).toBe(true);
});

test("a capability's requests are all revoked when it has expired, even if the clock is set back while the first is", async () => {
  const { registry, clock } = await open();
  const lineage = lineageOver(A);
  const requests = [1, 2, 3].map(() => registry.register(lineage, 10));
  requests[0]?.onRevoke(() => {
    clock.now = 5;
  });
  clock.now = 10;
  registry.revokeExpired();
  expect(requests.map(({ isRevoked }) => isRevoked)).toEqual([true, true, true]);
});
