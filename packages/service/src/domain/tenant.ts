import type { Uid } from "./uid.ts";

/** An account on the service; owns membranes. */
export interface Tenant {
  readonly type: "tenant";
  readonly uid: Uid;
  readonly name: string;
  /** Set by `deleteSelf`, and never cleared. */
  readonly revoked: boolean;
  /** The `provision` capability that made it; absent when a command of the operator made it. */
  readonly createdBy?: Uid;
}
