import type { DataConfig, InitConfig, ServeConfig } from "./config.ts";
import type { MovePlace } from "./move-place.ts";

/** What the command line asks for. */
export type Command =
  | { readonly name: "serve"; readonly config: ServeConfig }
  | { readonly name: "doctor"; readonly config: ServeConfig }
  | { readonly name: "backup"; readonly config: DataConfig; readonly directory: string }
  /** `since` in milliseconds since 1970; absent: since the first line. */
  | {
      readonly name: "audit verify";
      readonly config: DataConfig;
      readonly files: readonly string[];
      readonly since: number | undefined;
    }
  | { readonly name: "restore"; readonly config: DataConfig; readonly directory: string }
  | {
      readonly name: "migrate";
      readonly config: DataConfig;
      readonly from: MovePlace;
      readonly to: MovePlace;
    }
  | { readonly name: "init"; readonly config: InitConfig; readonly json: boolean }
  /** `revoke` is absent where the operator is asked at a terminal. */
  | (OutputCommand<"leaked"> & { readonly revoke: boolean | undefined })
  | OutputCommand<"key rotate" | "key status" | "key retire">
  | (OutputCommand<"key drop"> & {
      /** Which of the keys that the store needs. */
      readonly keyVersion: number;
      /** How many capabilities the operator expects to be forgotten. */
      readonly forgets: number;
    })
  | OutputCommand<"tenant list">
  | (OutputCommand<"tenant create" | "tenant reissue" | "tenant delete"> & { readonly id: string })
  | (OutputCommand<"membrane list"> & { readonly tenant: string })
  | (OutputCommand<"membrane revoke"> & { readonly tenant: string; readonly id: string });

/** A command that prints what it did, for a person or as JSON. */
interface OutputCommand<Name> {
  readonly name: Name;
  readonly config: DataConfig;
  readonly json: boolean;
}
