import type { Readable, Writable } from "node:stream";

/** A shell that `capi completion` has a script for. */
export type Shell = "bash" | "zsh";

/** The environment of commands, except the network and the files that options name. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Returns the directory of the profile files. @throws CliError, ProfileError when the user has no home directory. */
  readonly profiles: () => Promise<string>;
  /** Whether errors are coloured: standard error is a terminal, and `NO_COLOR` is not set. */
  readonly isColored: boolean;
  /** The user's shell. */
  readonly shell: Shell;
}
