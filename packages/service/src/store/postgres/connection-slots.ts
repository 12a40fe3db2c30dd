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
  /** Runs `use` with the connection. */
  run<T>(use: (connection: Connection) => Promise<T>): Promise<T>;
}

export function createConnectionSlots(open: () => Connection, size: number): ConnectionSlots {
  const slots = Array.from({ length: size }, () => createSlot(open));
  return {
    leastBusy: () => slots.reduce((best, slot) => (slot.users() < best.users() ? slot : best)),
    idle: () => slots.find((slot) => slot.users() === 0),
    close: async () => void (await Promise.all(slots.map((slot) => slot.close()))),
  };
}

function createSlot(open: () => Connection) {
  let connection: Connection | undefined;
  let users = 0;
  return {
    users: () => users,
    async run<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
      if (connection === undefined || connection.isClosed) connection = open();
      users += 1;
      try {
        return await use(connection);
      } finally {
        users -= 1;
      }
    },
    close: async () => connection?.close(),
  };
}
