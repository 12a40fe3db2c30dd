import { randomBytes } from "node:crypto";
import { Lineage } from "../../service/src/domain/linked-lineage.ts";
import type { Uid } from "../../service/src/domain/uid.ts";
import { newUid } from "../../service/src/domain/uid.ts";

/** Makes the lineage of a new capability that depends on these, each of which depends on nothing. */
export function lineageOver(...uids: readonly Uid[]): Lineage {
  const above = uids.map((uid) => new Lineage({ type: "capability", uid, kind: "create" }, []));
  return new Lineage({ type: "capability", uid: newUid(randomBytes), kind: "create" }, above);
}
