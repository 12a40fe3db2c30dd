import type { DataConfig, ServeConfig } from "./config.ts";

/** What the command line asks for. */
export type Command =
  | { readonly name: "serve"; readonly config: ServeConfig }
  | { readonly name: "doctor"; readonly config: ServeConfig }
  | { readonly name: "backup"; readonly config: DataConfig; readonly directory: string }
  | { readonly name: "restore"; readonly config: DataConfig; readonly directory: string }
  | Printing<"init">
  | Printing<"tenant list">
  | (Printing<"tenant create" | "tenant reissue" | "tenant delete"> & { readonly id: string })
  | (Printing<"membrane list"> & { readonly tenant: string })
  | (Printing<"membrane revoke"> & { readonly tenant: string; readonly id: string });

/** A command that prints what it did, for a person or as JSON. */
interface Printing<Name> {
  readonly name: Name;
  readonly config: DataConfig;
  readonly json: boolean;
}
