import type { Uid } from "./uid.ts";

/** A named group of capabilities, and the unit of revocation. */
export interface Membrane {
  readonly type: "membrane";
  readonly uid: Uid;
  readonly tenant: Uid;
  readonly name: string;
  readonly revoked: boolean;
  /** The `create` capability that made it: a membrane that a delegate created dies with the delegation. */
  readonly createdBy: Uid;
}
