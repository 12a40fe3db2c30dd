import type { StoreCondition } from "../store/store.ts";
import type { EventLog } from "../telemetry/events.ts";

/** Remembers whether the store could be written to last. */
export interface StoreHealth<L> {
  readonly state: () => StoreCondition["state"];
  /** The log that the store reports to. */
  readonly log: L;
}

export function watchStoreHealth<L extends Pick<EventLog, "storeStateChanged">>(log: L): StoreHealth<L> {
  let state: StoreCondition["state"] = "writable";
  return {
    state: () => state,
    log: {
      ...log,
      storeStateChanged(event) {
        ({ state } = event);
        log.storeStateChanged(event);
      },
    },
  };
}
