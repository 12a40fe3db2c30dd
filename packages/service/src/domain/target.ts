import type { Uid } from "./uid.ts";

/** The upstream request that exported capabilities stand for. What it says is sealed; here is only its place in the lineage. */
export interface Target {
  readonly type: "target";
  readonly uid: Uid;
  readonly membrane: Uid;
  /** The `export` capability that made it. */
  readonly createdBy: Uid;
}
