import type { Authority } from "capability-protocol";
import type { EgressPolicy } from "../egress/policy.ts";
import type { OpenedCapability, Vault } from "../store/vault.ts";
import type { Store } from "../store/store.ts";
import type { PageScheduler } from "./page-scheduler.ts";

/** A capability that was presented and works. */
export type Caller = Pick<OpenedCapability, "capability" | "payload">;

/** All that the operations are handed. */
export interface ManagementContext {
  readonly store: Store;
  readonly vault: Vault;
  readonly pageScheduler: PageScheduler;
  /** Does what takes the event loop long, when the turn of whom it is for has come. */
  readonly scheduleFairly: <T>(owner: string, act: () => T) => Promise<T>;
  readonly random: (size: number) => Uint8Array;
  readonly policy: EgressPolicy;
  /** How many bytes the head of a request to a target may have. */
  readonly headerBytes: number;
  /** Stands in every capability URI that is issued. */
  readonly authority: Authority;
  /** Whether a name is one of this service's own. */
  readonly isOwn: (authority: Authority) => boolean;
  /** Told when something was revoked here, so that open streams end at once. */
  readonly onRevoked: () => void;
}

/** What an operation answers. */
export interface ManagementResponse {
  readonly status: 200 | 201 | 202;
  readonly body: object;
}
