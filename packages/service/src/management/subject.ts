import type { Uid } from "../domain/uid.ts";
import { StoreCorruptError } from "../store/store.ts";
import type { Caller } from "./context.ts";

/** What the caller's capability acts on. */
export function subjectOf(caller: Caller): Uid {
  const { subject } = caller.capability;
  if (subject === undefined) throw new StoreCorruptError("a capability acts on nothing");
  return subject;
}
