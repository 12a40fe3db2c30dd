import { SwapRemoveList } from "../collections/swap-remove-list.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";
import { LazyMap } from "../collections/lazy-map.ts";
import type { Denial } from "../domain/denial.ts";
import type { Lineage } from "../domain/linked-lineage.ts";
import type { Uid } from "../domain/uid.ts";
import { createLineageIndex } from "../store/lineage-index.ts";
import type { RevocationFeed } from "../store/revocation-feed.ts";

/** Why nothing more of a request may pass; `code` is in the log. */
export class RequestCutError extends Error {
  override readonly name = "RequestCutError";
  /** `STALE`: the service does not know whether it was revoked. `STOPPED`: the service stops. */
  readonly code: "REVOKED" | "EXPIRED" | "STALE" | "STOPPED";

  constructor(code: RequestCutError["code"]) {
    super(`the request was cut: ${code}`);
    this.code = code;
  }

  /**
   * Without a response yet, a request is refused.
   *
   * @param isBegun whether a part of it may have reached the target: it is then not safe to repeat it.
   */
  denial(isBegun: boolean): Denial {
    return { reason: this.code === "STALE" && !isBegun ? "store_unavailable" : REASONS[this.code] };
  }
}

/** A 401 says that the token does not work, which is not known of a request that is cut for another cause. */
const REASONS = {
  REVOKED: "unauthorized",
  EXPIRED: "unauthorized",
  STALE: "revocations_unknown",
  STOPPED: "service_stopping",
} as const satisfies Readonly<Record<RequestCutError["code"], Denial["reason"]>>;

/** A request with a resolved capability, until it has ended. */
export interface InFlightRequest {
  /** Whether something in its lineage was revoked or has expired since: nothing more may pass, in either direction. */
  readonly isRevoked: boolean;
  /** Revokes it if its capability has expired: the watcher may not have looked yet. */
  checkExpiry(): void;
  /** Calls `listener` once, when the request is revoked, with the reason. */
  onRevoke(listener: (cause: RequestCutError) => void): void;
  /** Calls `release` once, when the request is finished. */
  onFinish(release: () => void): void;
  finishInvocation(): void;
}

/** The requests in flight, so that a revoke or an expiry ends them. */
export interface InFlightRegistry {
  /**
   * Call it in the same turn in which the capability was resolved: a revoke between the two would be missed.
   *
   * @param expiresAt the earliest expiry in the lineage, in milliseconds since 1970.
   */
  register(lineage: Lineage, expiresAt?: number): InFlightRequest;
  readonly size: number;
  /** Revokes those whose capability has expired. */
  revokeExpired(): void;
  /** Revokes all of them, for this reason. */
  revokeAll(code: "STALE" | "STOPPED"): void;
}

/** Called when revokes have ended exchanges with targets, with how many. */
export type OnCut = (revoked: ReadonlySet<Uid> | "everything", exchanges: number) => void;

/**
 * Groups requests by their lineage, which is the same object for each use of a cached resolution. Indexing the lineage once
 * for each request would cost more than the rest of resolving it.
 */
export function createInFlightRegistry(
  feed: RevocationFeed,
  now: () => number,
  onCut: OnCut = () => undefined,
): InFlightRegistry {
  const index = createLineageIndex<InFlightGroup>();
  const groups = new LazyMap<Lineage, InFlightGroup>({
    create(lineage) {
      const group: InFlightGroup = { requests: new SwapRemoveList(), expiresAt: undefined };
      index.add(lineage, group);
      return group;
    },
    isIdle: ({ requests }) => requests.size === 0,
    onEvict: (lineage, group) => index.remove(lineage, group),
  });
  const expiring = new Set<InFlightGroup>();
  let size = 0;

  const isExpired = ({ expiresAt }: InFlightGroup): boolean => expiresAt !== undefined && expiresAt <= now();
  /** @returns how many exchanges with targets it has ended. */
  const revoke = (revoked: ReadonlySet<Uid> | "everything", code: RequestCutError["code"]): number => {
    const cause = new RequestCutError(code);
    let cut = 0;
    for (const group of index.dependentsOf(revoked)) {
      group.requests.forEach((request) => {
        if (request.revoke(cause)) cut += 1;
      });
    }
    return cut;
  };
  const onFinished = (): void => {
    size -= 1;
  };

  // The log names everything if it cannot say what was revoked.
  feed.listen((revoked) => {
    const cut = revoke(revoked, revoked === "everything" ? "STALE" : "REVOKED");
    if (cut > 0) onCut(revoked, cut);
  });
  return {
    register(lineage, expiresAt) {
      size += 1;
      const group = groups.get(lineage);
      if (expiresAt !== undefined && group.expiresAt === undefined) {
        group.expiresAt = expiresAt;
        expiring.add(group);
      }
      return new RegisteredRequest(group, onFinished, isExpired);
    },
    get size() {
      return size;
    },
    revokeExpired() {
      for (const group of expiring) {
        // All for one look at the clock, which may be set back meanwhile.
        if (isExpired(group))
          group.requests.forEach((request) => request.revoke(new RequestCutError("EXPIRED")));
        else if (group.requests.size > 0) continue;
        group.expiresAt = undefined;
        expiring.delete(group);
      }
    },
    revokeAll(code) {
      const cut = revoke("everything", code);
      if (cut > 0 && code === "STALE") onCut("everything", cut);
    },
  };
}

/** The requests of one resolution. */
interface InFlightGroup {
  readonly requests: SwapRemoveList<RegisteredRequest>;
  /** Set while the group's expiry is watched. */
  expiresAt: number | undefined;
}

class RegisteredRequest implements InFlightRequest, Indexed {
  index = -1;
  #cause: RequestCutError | undefined;
  readonly #group: InFlightGroup;
  readonly #onFinished: () => void;
  readonly #isExpired: (group: InFlightGroup) => boolean;
  #listener: ((cause: RequestCutError) => void) | undefined;
  #release: (() => void) | undefined;

  constructor(group: InFlightGroup, onFinished: () => void, isExpired: (group: InFlightGroup) => boolean) {
    this.#group = group;
    this.#onFinished = onFinished;
    this.#isExpired = isExpired;
    group.requests.add(this);
  }

  get isRevoked(): boolean {
    return this.#cause !== undefined;
  }

  onRevoke(listener: (cause: RequestCutError) => void): void {
    this.#listener = listener;
    if (this.#cause !== undefined) listener(this.#cause);
  }

  /** @returns whether that has ended an exchange. A request without one ends by itself. */
  revoke(cause: RequestCutError): boolean {
    if (this.#cause !== undefined) return false;
    this.#cause = cause;
    this.#listener?.(cause);
    return this.#listener !== undefined;
  }

  checkExpiry(): void {
    if (this.#isExpired(this.#group)) this.revoke(new RequestCutError("EXPIRED"));
  }

  onFinish(release: () => void): void {
    const earlier = this.#release;
    // Most requests have one, which needs no list.
    this.#release =
      earlier === undefined
        ? release
        : () => {
            earlier();
            release();
          };
  }

  finishInvocation(): void {
    if (!this.#group.requests.delete(this)) return;
    this.#onFinished();
    this.#release?.();
  }
}
