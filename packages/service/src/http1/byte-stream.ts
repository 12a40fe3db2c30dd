/**
 * A connection after its protocol was switched: bytes in both directions, and nothing else. The names are those of Node's streams,
 * so that an adapter passes on Node's own sockets. It delivers nothing before `resume`.
 */
export interface ByteStream {
  readonly destroyed: boolean;
  /** Bytes that were written and have not been handed to the operating system. */
  readonly writableLength: number;
  /** `end`: the other side sends nothing more. `close`: nothing more happens in either direction. */
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  /** @param callback called once the chunk was handed to the operating system; never, if that fails. */
  write(chunk: Buffer, callback?: (error?: Error | null) => void): boolean;
  /** Ends the direction to the other side, after what was written. */
  end(): unknown;
  destroy(): unknown;
}
