import type { Readable, Writable } from "node:stream";

/** All of the machine that commands touch, besides the network and the files they are told of. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Directory of the profile files. */
  readonly profiles: string;
  /** Whether standard error takes colours: a terminal, and nobody asked for none (NO_COLOR). */
  readonly isColoured: boolean;
}
