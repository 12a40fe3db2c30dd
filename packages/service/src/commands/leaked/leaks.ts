import { hash } from "node:crypto";
import type { CapabilityToken } from "capability-protocol";
import type { Capability, Kind } from "../../domain/capability.ts";
import type { Verdict } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import type { StoredMembrane } from "../../store/record.ts";
import type { FoundCapability, Store } from "../../store/store.ts";
import { RecordTooNewError, StoreCorruptError } from "../../store/store.ts";
import type { Vault } from "../../store/vault.ts";
import { fingerprint, membraneOf } from "../../telemetry/fingerprint.ts";
import type { FoundToken, TokenFinder } from "./token-finder.ts";
import { createTokenFinder } from "./token-finder.ts";

/** `revoked` is also a `revoke` that has nothing left to revoke. */
export type LeakState = "alive" | "revoked" | "expired";

/** A capability of this service whose token is in a text. */
export interface Leak extends Tally {
  readonly uid: Uid;
  readonly fingerprint: string;
  readonly kind: Kind;
  readonly isReexport: boolean;
  readonly state: LeakState;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
  /** Name of the tenant on which it acts, or through whose membrane it went. */
  readonly tenant?: string;
  /** The membrane that ends it: the one that it went through, or on which it acts. */
  readonly membrane?: StoredMembrane;
  /** The first line that has it. */
  readonly line: number;
}

/** How often something occurs in the text. */
interface Tally {
  occurrences: number;
}

/** What the tokens of a text are. */
export interface Leaks {
  /** In the order of the text. */
  readonly listed: readonly Readonly<Leak>[];
  /** Tokens that are not in the list, since it was full. */
  readonly unlistedAlive: number;
  readonly unlistedDead: number;
  /** Tokens that lead to no record: of another service, invented, or dead for long. */
  readonly unknown: number;
  /** Tokens of records that a newer version wrote, or that are damaged. */
  readonly unreadable: number;
  /** Tokens without their end, which cannot be looked up. */
  readonly truncated: number;
}

export interface LeakContext {
  readonly store: Pick<Store, "tenant" | "membrane">;
  readonly vault: Pick<Vault, "find">;
}

/** How many capabilities that are alive are listed, and how many others. */
const MAX_LISTED = 1_000;

/** How many tokens are remembered, so that one that a log repeats is looked up once. */
const MAX_REMEMBERED = 10_000;

/** Looks up the tokens of a text one after the other. Whatever it is, it keeps a bounded number of facts, and no token. */
export async function collectLeaks(context: LeakContext, input: AsyncIterable<Uint8Array>): Promise<Leaks> {
  const [unknown, unreadable, unlistedAlive, unlistedDead] = [newTally(), newTally(), newTally(), newTally()];
  const listed = new Map<Uid, Leak>();
  let alive = 0;
  /** By a digest of the token. */
  const remembered = new Map<string, Tally>();

  const list = async (found: FoundCapability, line: number): Promise<Tally> => {
    const known = listed.get(found.capability.uid);
    if (known !== undefined) return known;
    const leak = await describe(context, found, line);
    const isAlive = leak.state === "alive";
    if (isAlive && alive === MAX_LISTED) return unlistedAlive;
    if (!isAlive && listed.size - alive === MAX_LISTED) return unlistedDead;
    alive += isAlive ? 1 : 0;
    listed.set(found.capability.uid, leak);
    return leak;
  };
  const finder = createTokenFinder();
  for await (const { token, line } of tokensOf(finder, input)) {
    const digest = hash("sha256", token);
    let tally = remembered.get(digest);
    if (tally === undefined) {
      const found = await lookUp(context, token);
      if (found === undefined) tally = unknown;
      else tally = found === "unreadable" ? unreadable : await list(found, line);
      if (remembered.size === MAX_REMEMBERED) remembered.clear();
      remembered.set(digest, tally);
    }
    tally.occurrences += 1;
  }
  return {
    listed: [...listed.values()],
    unlistedAlive: unlistedAlive.occurrences,
    unlistedDead: unlistedDead.occurrences,
    unknown: unknown.occurrences,
    unreadable: unreadable.occurrences,
    truncated: finder.end(),
  };
}

async function* tokensOf(finder: TokenFinder, input: AsyncIterable<Uint8Array>): AsyncIterable<FoundToken> {
  for await (const piece of input) yield* finder.push(piece);
}

function newTally(): Tally {
  return { occurrences: 0 };
}

async function lookUp(
  { vault }: LeakContext,
  token: CapabilityToken,
): Promise<FoundCapability | "unreadable" | undefined> {
  try {
    return await vault.find(token);
  } catch (error) {
    if (error instanceof RecordTooNewError || error instanceof StoreCorruptError) return "unreadable";
    throw error;
  }
}

async function describe(
  { store }: LeakContext,
  { capability, verdict }: FoundCapability,
  line: number,
): Promise<Leak> {
  const uid = membraneOf(capability);
  const membrane = uid === undefined ? undefined : await store.membrane(uid);
  const owner = membrane?.tenant ?? capability.resource;
  const tenant = owner === undefined ? undefined : await store.tenant(owner);
  const expiresAt = verdict.ok ? verdict.value.expiresAt : undefined;
  return {
    uid: capability.uid,
    fingerprint: fingerprint(capability.uid),
    kind: capability.kind,
    isReexport: capability.parent !== undefined,
    state: stateOf(capability, verdict, membrane),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(tenant === undefined ? {} : { tenant: tenant.name }),
    ...(membrane === undefined ? {} : { membrane }),
    line,
    occurrences: 0,
  };
}

/** Whether a capability that was alive does nothing any more. */
export async function isEnded(
  store: Pick<Store, "isAlive">,
  { uid, kind, membrane }: Readonly<Leak>,
): Promise<boolean> {
  if (!(await store.isAlive(uid))) return true;
  return kind === "revoke" && membrane !== undefined && !(await store.isAlive(membrane.uid));
}

function stateOf(capability: Capability, verdict: Verdict, membrane: StoredMembrane | undefined): LeakState {
  if (!verdict.ok) return verdict.error.cause === "expired" ? "expired" : "revoked";
  // It works for ever, so that the request can be repeated.
  return capability.kind === "revoke" && membrane?.revoked === true ? "revoked" : "alive";
}
