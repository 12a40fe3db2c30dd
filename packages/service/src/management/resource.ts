import type { Uid } from "../domain/uid.ts";
import { StoreCorruptError } from "../store/store.ts";
import type { Caller } from "./context.ts";

/** What the caller's capability acts on. */
export function resourceOf(caller: Caller): Uid {
  const { resource } = caller.capability;
  if (resource === undefined) throw new StoreCorruptError("a capability acts on nothing");
  return resource;
}
