import type { CapabilityToken } from "capability-protocol";
import { formatToken, TOKEN_BYTES } from "capability-protocol";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { EventLoopScheduler } from "../collections/event-loop-scheduler.ts";
import type { FairOwner } from "../collections/fair-queue.ts";
import type { Capability } from "../domain/capability.ts";
import type { LimitedNode, ExportTerms } from "../domain/limits.ts";
import type { LiveLineage } from "../domain/lineage.ts";
import type { Lineage } from "../domain/linked-lineage.ts";
import type { UsageOwners } from "../domain/usage-owners.ts";
import type { Uid } from "../domain/uid.ts";
import { openCapability, resealCapability, sealCapability } from "./capability-seal.ts";
import type { ServiceKeys, TokenKeys } from "./keys.ts";
import type { OfferRekey } from "./rekeyer.ts";
import type { StoredCapability } from "./record.ts";
import type { Position } from "./revocation-source.ts";
import type { FoundCapability, KnownLineages, Store } from "./store.ts";
import type { OpenedTarget } from "./target-seal.ts";
import { openTarget } from "./target-seal.ts";
import { createUidSource } from "./uid-source.ts";

/** What the token of a live capability opens. */
export interface OpenedCapability {
  readonly capability: Capability;
  /** What the capability carries: the data key of a target, the key pair of a tenant, or nothing. */
  readonly payload: Buffer;
  /** Its own limits first, then those of every capability that it re-exports. Empty without limits. */
  readonly limits: readonly LimitedNode[];
  /** Length of the payload with which the limits are sealed; 0 without limits. */
  readonly limitBytes: number;
  /** The target of an `invoke` capability. */
  readonly target?: OpenedTarget;
  readonly lineage: Lineage;
  readonly usageOwners: UsageOwners;
  /** The earliest expiry in the lineage, in milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly position: Position;
  /** It was found by an older service key, and is to be rekeyed: until then it is read from the store at each use. */
  readonly needsRekey: boolean;
}

/** What a new capability may do, and where it comes from. */
export type Rights = Omit<Capability, "type" | "uid" | "expiresAt">;

/** A capability that is not in the store yet, and the only copy of its token. */
export interface MintedCapability {
  readonly token: CapabilityToken;
  readonly record: StoredCapability;
  /** Its uid, if its uses are counted: it begins with a counter. */
  readonly newCounters: readonly Uid[];
}

/** Opens and makes capabilities: the one place that derives keys from tokens. */
export interface Vault {
  /** What is stored under a token, whether or not it works. Nothing is opened. */
  find(token: CapabilityToken): MaybePromise<FoundCapability | undefined>;
  /** @returns nothing for a token that is unknown or does not work any more. */
  open(token: CapabilityToken): Promise<OpenedCapability | undefined>;
  /**
   * As {@link Vault.open}, and tells a capability that has expired from a token that is unknown: it is no guess.
   *
   * @param known what is known of its lineage, which is then not read. Default: nothing.
   */
  openUnlessExpired(
    token: CapabilityToken,
    known?: KnownLineages,
  ): Promise<OpenedCapability | "expired" | undefined>;
  /** @param token where it is derived rather than random. */
  mint(rights: Rights, payload: Uint8Array, terms?: ExportTerms, token?: CapabilityToken): MintedCapability;
  /** @param owner of what gets it, for the uids of {@link UidSource.nextOf}. Default: none. */
  newUid(owner?: Uid): Uid;
}

/**
 * Opening a target or limits of this size, in sealed bytes, and preparing them for requests take the event loop about half a
 * millisecond.
 */
const LARGE_BYTES = 2 * 1024;

export interface VaultOptions {
  /** In whose turns large targets and limits are opened. Default: at once. */
  readonly loopTurns?: EventLoopScheduler;
  /** Takes what was opened with an older service key. Default: it stays as it is. */
  readonly offerRekey?: OfferRekey;
}

/** @param keys those that the store needs. */
export function createVault(
  store: Pick<Store, "find" | "findBelow">,
  keys: ServiceKeys,
  random: (size: number) => Uint8Array,
  { loopTurns, offerRekey = () => undefined }: VaultOptions = {},
): Vault {
  const uids = createUidSource(random);
  const deriveAll = (token: CapabilityToken): readonly TokenKeys[] =>
    [keys, ...keys.older].map((key) => key.deriveTokenKeys(token));
  const openUnlessExpired: Vault["openUnlessExpired"] = async (token, known) => {
    const derived = deriveAll(token);
    const lookupIds = derived.map(({ lookupId }) => lookupId);
    const find = (): MaybePromise<FoundCapability | undefined> =>
      known === undefined ? store.find(...lookupIds) : store.findBelow(known, ...lookupIds);
    let found = await find();
    const owner = loopTurns === undefined ? undefined : ownerOfLarge(found);
    if (owner !== undefined) {
      // Thousands of requests may wait, each with its copy of the rows.
      found = undefined;
      await loopTurns?.nextTurn(owner);
      // It may have been revoked meanwhile.
      found = await find();
    }
    if (found === undefined) return undefined;
    const { verdict, capability } = found;
    if (!verdict.ok) return verdict.error.cause === "expired" ? "expired" : undefined;
    const [newest, ...older] = derived;
    const old = older.find(({ lookupId }) => lookupId.equals(capability.lookupId));
    const sealingKey = (old ?? newest)?.sealingKey;
    if (newest === undefined || sealingKey === undefined) throw new TypeError("a store has no service key");
    const opened = openRecords(found, verdict.value, { sealingKey, needsRekey: old !== undefined });
    if (old !== undefined) {
      const owner = { tenant: opened.usageOwners.exporter ?? "", capability: capability.uid };
      offerRekey(capability, () => resealCapability(capability, sealingKey, newest), owner);
    }
    return opened;
  };
  return {
    find: (token) => store.find(...deriveAll(token).map(({ lookupId }) => lookupId)),
    openUnlessExpired,
    async open(token) {
      const opened = await openUnlessExpired(token);
      return opened === "expired" ? undefined : opened;
    },
    mint(rights, payload, terms = {}, token = formatToken(random(TOKEN_BYTES))) {
      const { lookupId, sealingKey } = keys.deriveTokenKeys(token);
      const uid = rights.resource === undefined ? uids.next() : uids.near(rights.resource);
      const capability: Capability = { type: "capability", uid, ...rights };
      const record = sealCapability(capability, payload, terms, { lookupId, sealingKey });
      const isCounted = terms.own?.limits.maxUses !== undefined;
      return { token, record, newCounters: isCounted ? [record.uid] : [] };
    },
    newUid: (owner) => (owner === undefined ? uids.next() : uids.nextOf(owner)),
  };
}

/** In whose turn what was found is opened; nothing if it need not wait. */
function ownerOfLarge(found: FoundCapability | undefined): FairOwner | undefined {
  if (found?.verdict.ok !== true) return undefined;
  const { capability, target, verdict } = found;
  if (capability.sealed.length + (target?.sealed.length ?? 0) < LARGE_BYTES) return undefined;
  return { tenant: verdict.value.usageOwners.exporter ?? "", capability: capability.uid };
}

function openRecords(
  found: FoundCapability,
  { lineage, usageOwners, expiresAt }: LiveLineage,
  { sealingKey, needsRekey }: { readonly sealingKey: Buffer; readonly needsRekey: boolean },
): OpenedCapability {
  const { capability, target, position } = found;
  const { secret: payload, limits } = openCapability(capability, sealingKey);
  const limitBytes = capability.version === 1 ? 0 : capability.sealed.length;
  const opened = {
    capability,
    payload,
    limits,
    limitBytes,
    lineage,
    usageOwners,
    expiresAt,
    position,
    needsRekey,
  };
  if (target === undefined) return opened;
  return { target: openTarget(target, payload), ...opened };
}
