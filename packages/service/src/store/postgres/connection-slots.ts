import type { Connection } from "./connection.ts";

/** Connections of one purpose, at most so many. Each is opened when it is needed, and replaced when it is lost. */
export interface ConnectionSlots {
  /** The connection that has the least to do. */
  leastBusy(): Slot;
  /** A connection that has nothing to do, or nothing if there is none. */
  idle(): Slot | undefined;
  close(): Promise<void>;
}

export interface Slot {
  /**
   * Runs `use` with the connection, on which others may wait for results too. Once it calls `retire`, the next ones get another
   * connection, and this one ends when all that use it have ended.
   */
  run<T>(use: (connection: Connection, retire: () => void) => Promise<T>): Promise<T>;
}

export function createConnectionSlots(open: () => Connection, size: number): ConnectionSlots {
  const slots = Array.from({ length: size }, () => createSlot(open));
  return {
    leastBusy: () => slots.reduce((best, slot) => (slot.users() < best.users() ? slot : best)),
    idle: () => slots.find((slot) => slot.users() === 0),
    close: async () => void (await Promise.all(slots.map((slot) => slot.close()))),
  };
}

interface UsedConnection {
  readonly connection: Connection;
  users: number;
}

function createSlot(open: () => Connection) {
  let current: UsedConnection | undefined;
  return {
    users: () => current?.users ?? 0,
    async run<T>(use: (connection: Connection, retire: () => void) => Promise<T>): Promise<T> {
      if (current === undefined || current.connection.isClosed) current = { connection: open(), users: 0 };
      const used = current;
      const retire = (): void => {
        if (current === used) current = undefined;
      };
      used.users += 1;
      try {
        return await use(used.connection, retire);
      } finally {
        used.users -= 1;
        if (used !== current && used.users === 0) used.connection.destroy();
      }
    },
    close: async () => current?.connection.close(),
  };
}
