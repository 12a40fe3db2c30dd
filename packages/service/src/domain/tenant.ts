import type { Uid } from "./uid.ts";

/** An account on the service; owns membranes. */
export interface Tenant {
  readonly type: "tenant";
  readonly uid: Uid;
  readonly name: string;
  /** Set by `deleteSelf`; never taken back. */
  readonly revoked: boolean;
  /** The `provision` capability that made it; absent when the operator made it at the machine itself. */
  readonly createdBy?: Uid;
}
