import { err, formatToken, TOKEN_BYTES } from "capability-protocol";
import { expect, test } from "vitest";
import { digest } from "../../../testkit/src/fixtures.ts";
import { lineageOver } from "../../../testkit/src/lineage.ts";
import type { Uid } from "../domain/uid.ts";
import { parseUid } from "../domain/uid.ts";
import { createResolutionCache } from "../store/resolution-cache.ts";
import { createRevocationFeed } from "../store/revocation-feed.ts";
import type { Position, RevocationSource } from "../store/revocation-source.ts";
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
      log.append(OTHER);
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

test("a record that was read before its revoke is read again, and not one that was read before another's", async () => {
  const log = createLog();
  const answers = [
    () => {
      const opened = openedAt(log.position());
      log.append(OTHER);
      return opened;
    },
    () => {
      const opened = openedAt(log.position());
      log.append(CAPABILITY);
      return opened;
    },
    () => undefined,
  ];
  const openUnlessExpired = () => Promise.resolve(answers.shift()?.());
  expect(await resolve(await contextOf(log, { openUnlessExpired }), TOKEN)).toMatchObject({ ok: true });
  expect(answers).toHaveLength(2);
  const context = await contextOf(log, { openUnlessExpired });
  expect(await resolve(context, TOKEN)).toEqual(err({ cause: "unknown" }));
  expect(answers).toEqual([]);
});

interface TestLog extends RevocationSource {
  position(): Position;
  append(uid: Uid): void;
}

function createLog(): TestLog {
  const entries: Uid[] = [];
  const position = (): Position => ({ log: "a", sequence: BigInt(entries.length) });
  return {
    append: (uid) => void entries.push(uid),
    position,
    positionMaxAgeMs: 0,
    revocationsSince: ({ sequence }) => ({
      position: position(),
      uids: new Set(entries.slice(Number(sequence))),
    }),
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
    vault: { ...vault, find: unused, open: unused, mint: unused, newUid: unused },
    cache: createResolutionCache<Resolution>(feed, { entries: 10, bytes: 100_000 }, () => 0),
    lookups: { hits: 0, misses: 0 },
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
    needsRekey: false,
    lineage: lineageOver(CAPABILITY),
    usageOwners: { capabilities: [CAPABILITY], tenants: [] },
    expiresAt: undefined,
    position,
  };
}

function unused(): never {
  throw new Error("not used here");
}
