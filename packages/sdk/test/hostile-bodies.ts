import type { Socket } from "node:net";

const MIB = 1024 * 1024;

/** Flag of Node.js for the heap in which a client must survive every body, in MiB. */
export const SMALL_HEAP = "--max-old-space-size=64";

/** The body of a hostile service's response. */
export interface HostileBody {
  readonly what: string;
  /** Head, and the beginning of the body. */
  readonly bytes: string;
  readonly after: (socket: Socket) => void;
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Far more than a client may read, and less than the machine's memory, in case a client reads all of it. */
const POURED = 400 * MIB;

const LAST_CHUNK = "0\r\n\r\n";

/**
 * Writes a piece repeatedly, as fast as the other side reads it.
 *
 * @param most number of bytes after which `last` is written and the connection ended.
 * @param written called with the number of bytes so far.
 */
export function pour(
  piece: string,
  most: number,
  last = "",
  written: (bytes: number) => void = () => undefined,
): (socket: Socket) => void {
  return (socket) => {
    let bytes = 0;
    const more = (): void => {
      while (socket.writable && bytes < most) {
        bytes += piece.length;
        written(bytes);
        if (!socket.write(piece)) return;
      }
      if (socket.writable) socket.end(last);
    };
    socket.on("drain", more);
    more();
  };
}

/** Formats one chunk of the chunked transfer coding. */
export function chunkOf(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function whole(status: string, body: string): Pick<HostileBody, "bytes" | "after"> {
  return {
    bytes: `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    after: () => undefined,
  };
}

/** The most bytes that a client reads. */
const LONGEST = 16 * MIB;
const NESTED = "[".repeat(LONGEST / 2) + "]".repeat(LONGEST / 2);
const MANY = `[{}${",{}".repeat(Math.floor(LONGEST / 3) - 2)}]`;

export const HOSTILE_BODIES: readonly HostileBody[] = [
  { what: "without end", bytes: CHUNKED, after: pour(chunkOf("[".repeat(0x4000)), POURED) },
  // Kept separately, each piece would take some 360 bytes.
  {
    what: "in pieces of one byte",
    bytes: CHUNKED,
    after: pour(chunkOf("[").repeat(4_096), 12 * MIB, LAST_CHUNK),
  },
  { what: "of eight million nested lists", ...whole("200 OK", NESTED) },
  { what: "of five million objects", ...whole("200 OK", MANY) },
  { what: "of nested lists, as an error", ...whole("500 Oops", NESTED) },
  {
    what: "of one long message, as an error",
    ...whole("500 Oops", JSON.stringify({ message: "m".repeat(LONGEST - 99) })),
  },
];
