import { err, formatToken, TOKEN_BYTES } from "capability-protocol";
import { expect, test } from "vitest";
import { digest } from "../../../testkit/src/fixtures.ts";
import { parseUid } from "../domain/uid.ts";
import { createResolutionCache } from "../store/resolution-cache.ts";
import { createRevocationFeed } from "../store/revocation-feed.ts";
import type { Position, RevocationSource } from "../store/store.ts";
import type { Vault } from "../store/vault.ts";
import { createInFlightRegistry } from "./in-flight-registry.ts";
import type { Resolution, ResolveContext } from "./resolve.ts";
import { resolve } from "./resolve.ts";
import { createAccountRegistry } from "./usage-accounts.ts";

const TOKEN = formatToken(Buffer.alloc(TOKEN_BYTES, 1));
const CAPABILITY = parseUid("a".repeat(32));
const OTHER = parseUid("b".repeat(32));

test("a revoke of another tenant while a record waits to be read does not cost another attempt", async () => {
  const log = createLog();
  let attempts = 0;
  const context = await contextOf(log, {
    openUnlessExpired: () => {
      attempts += 1;
      // The wait for a turn of the event loop, after which the record is read as it is by then.
      log.append();
      return Promise.resolve(openedAt(log.position()));
    },
  });
  expect(await resolve(context, TOKEN)).toMatchObject({
    value: { resolution: { capability: { uid: CAPABILITY } } },
  });
  expect(attempts).toBe(1);
  expect(await resolve(context, TOKEN)).toMatchObject({ ok: true });
  expect(attempts).toBe(1);
});

test("concurrent first uses of one capability share one resolution", async () => {
  const log = createLog();
  const context = await contextOf(log, {
    openUnlessExpired: () => Promise.resolve(openedAt(log.position())),
  });
  const [first, second] = await Promise.all([resolve(context, TOKEN), resolve(context, TOKEN)]);
  if (!first.ok) throw new TypeError("not resolved");
  expect(second.ok && second.value.resolution).toBe(first.value.resolution);
});

test("a record that was read before a revoke is read again", async () => {
  const log = createLog();
  const answers = [
    () => {
      const opened = openedAt(log.position());
      log.append();
      return opened;
    },
    () => undefined,
  ];
  const context = await contextOf(log, { openUnlessExpired: () => Promise.resolve(answers.shift()?.()) });
  expect(await resolve(context, TOKEN)).toEqual(err({ cause: "unknown" }));
  expect(answers).toEqual([]);
});

interface TestLog extends RevocationSource {
  position(): Position;
  append(): void;
}

/** A log of revokes of one capability. */
function createLog(): TestLog {
  let sequence = 0n;
  const position = (): Position => ({ log: "a", sequence });
  return {
    append: () => void (sequence += 1n),
    position,
    revocationsSince: () => ({ position: position(), uids: new Set([OTHER]) }),
    refresh: () => Promise.resolve(),
  };
}

async function contextOf(
  source: RevocationSource,
  vault: Pick<Vault, "openUnlessExpired">,
): Promise<ResolveContext> {
  const feed = await createRevocationFeed(source);
  return {
    feed,
    vault: { ...vault, open: unused, mint: unused, newUid: unused },
    cache: createResolutionCache<Resolution>(feed, { entries: 10, bytes: 100_000 }, () => 0),
    inFlightRegistry: createInFlightRegistry(feed, () => 0),
    accountRegistry: createAccountRegistry(),
    digest,
    authorityCa: () => undefined,
  };
}

function openedAt(position: Position): NonNullable<Awaited<ReturnType<Vault["open"]>>> {
  return {
    capability: { type: "capability", uid: CAPABILITY, kind: "create" },
    payload: Buffer.alloc(0),
    limits: [],
    limitBytes: 0,
    lineage: new Set([CAPABILITY]),
    usageOwners: { capabilities: [CAPABILITY], tenants: [] },
    expiresAt: undefined,
    position,
  };
}

function unused(): never {
  throw new Error("not used here");
}
