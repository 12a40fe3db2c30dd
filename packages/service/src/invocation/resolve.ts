import { hash } from "node:crypto";
import type { Authority, CapabilityToken } from "capability-protocol";
import { parseExportRequest } from "capability-protocol";
import type { Digest } from "capability-protocol/signers";
import type { Capability } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";
import { poolKey } from "../egress/pools.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";
import type { Awaitable } from "../domain/awaitable.ts";
import { samePosition, StoreBusyError } from "../store/store.ts";
import type { Opened, Vault } from "../store/vault.ts";
import type { VerdictCache } from "../store/verdict-cache.ts";
import type { Accounts, Ledger } from "./accounts.ts";
import type { Admission, Admissions } from "./admissions.ts";
import type { PreparedTarget } from "./target.ts";
import { prepareTarget } from "./target.ts";
import { verdictBytes } from "./verdict-bytes.ts";

/** A capability that works at this moment, and what an exported one stands for. */
export interface Resolved {
  readonly capability: Capability;
  readonly payload: Buffer;
  readonly lineage: ReadonlySet<Uid>;
  /** The accounts that its use is charged to. */
  readonly accounts: Accounts;
  /** The tenant that this verdict is charged to in the cache. */
  readonly maker: string;
  /** About how much memory it holds. */
  readonly bytes: number;
  /** It was exported under less strict rules: today's rules refuse it, so it is not sent. */
  readonly isUnusable?: boolean;
  readonly upstream?: {
    readonly target: PreparedTarget;
    readonly poolKey: string;
    /** The tenant that owns the target. */
    readonly owner: string;
  };
}

/** A resolved capability whose request is watched for revokes from the same turn on. */
export interface Admitted {
  readonly resolved: Resolved;
  readonly admission: Admission;
}

/** The owner of the operator's capabilities. */
const NO_TENANT = "";

/** How often a record is read again because the log moved on meanwhile. */
const ATTEMPTS = 16;

export interface ResolveContext {
  readonly admissions: Admissions;
  readonly ledger: Ledger;
  readonly feed: RevocationFeed;
  readonly cache: VerdictCache<Resolved>;
  readonly vault: Vault;
  readonly digest: Digest;
  readonly authorityCa: (authority: Authority) => string | undefined;
}

/** Which tokens are resolved: any, or those alone whose verdict is at hand, which cost no look into the store. */
export type Reach = "any" | "known";

/**
 * From a token to what it does.
 *
 * The log's position is read first: a verdict found after that holds for every revoke answered before this request came.
 *
 * @returns nothing for a token that is unknown or does not work any more.
 */
export function resolve(
  context: ResolveContext,
  token: CapabilityToken,
  reach: Reach = "any",
): Awaitable<Admitted | undefined> {
  const digest = hash("sha512", token, "base64");
  const asked = context.feed.advance();
  if (asked instanceof Promise)
    return asked.then(() => recall(context, digest) ?? lookUp(context, token, digest, reach));
  // At once where the engine is inside the process and the verdict at hand: nearly always.
  return recall(context, digest) ?? lookUp(context, token, digest, reach);
}

/** What is known already; ask the feed first. */
function recall({ cache, admissions }: ResolveContext, digest: string): Admitted | undefined {
  const resolved = cache.get(digest);
  return resolved === undefined ? undefined : { resolved, admission: admissions.admit(resolved.lineage) };
}

async function lookUp(
  context: ResolveContext,
  token: CapabilityToken,
  digest: string,
  reach: Reach,
): Promise<Admitted | undefined> {
  if (reach === "known") return undefined;
  const { feed, cache, vault, admissions } = context;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const opened = await vault.open(token);
    if (opened === undefined) return undefined;
    if (samePosition(opened.position, feed.position())) {
      const resolved = prepare(context, opened);
      cache.put(digest, resolved, opened.position);
      return { resolved, admission: admissions.admit(resolved.lineage) };
    }
    // Something was revoked while the record was read: perhaps this very capability.
    await feed.advance();
    const known = recall(context, digest);
    if (known !== undefined) return known;
  }
  throw new StoreBusyError("revokes come faster than a record can be read");
}

function prepare(context: ResolveContext, opened: Opened): Resolved {
  const { capability, payload, lineage, payers, configuration } = opened;
  const bytes = verdictBytes(lineage.size, configuration?.length ?? 0);
  const accounts = context.ledger.accountsOf(payers);
  const found = { capability, payload, lineage, accounts, maker: payers.maker ?? NO_TENANT, bytes };
  if (configuration === undefined) return found;
  const request = parseExportRequest(JSON.parse(configuration.toString("utf8")));
  if (!request.ok) return { ...found, isUnusable: true };
  const target = prepareTarget(request.value, context.digest, context.authorityCa);
  const destination = { origin: target.origin, ...(target.tls === undefined ? {} : { tls: target.tls }) };
  const owner = payers.owner ?? NO_TENANT;
  return { ...found, upstream: { target, owner, poolKey: poolKey(destination, owner) } };
}
