import type { LimitsBody, TargetBody } from "capability-sdk";
import type { TargetOptionName } from "../target-options.ts";
import type { PresetName } from "./preset-options.ts";

/** What an export needs for one kind of client. Each file of this folder that is named for one has its preset. */
export interface Preset {
  readonly name: PresetName;
  /** What the target is. */
  readonly target: string;
  /** What clients may do there, unless the command line says something else of it. */
  readonly access: string;
  /** The target's URI, which may depend on AWS's region. Without it, `--uri` is required. */
  readonly uri?: string | ((region: string) => string);
  /**
   * A header line with the target's credential. Another of `names` can have it. A target that `--uri` names may need none.
   */
  readonly credential?: { readonly names: readonly string[]; readonly line: string };
  /** Options as on the command line. */
  readonly options: readonly FilledOption[];
  readonly limits: LimitsBody;
  readonly only?: Only;
  readonly clients: (endpoint: ClientEndpoint) => readonly ClientSetup[];
  /** Variables of the environment that name a file of CAs to the clients. */
  readonly caVariables: readonly string[];
}

/** An option that a preset gives. One that repeats can be there more than once. */
export type FilledOption = readonly [name: TargetOptionName, value: string];

/** How `--only` narrows a preset. */
export interface Only {
  /** The form of a value, for messages. */
  readonly form: string;
  /** Whether the preset needs it, unless other limits on paths are given. */
  readonly isRequired: boolean;
  /** @returns nothing if a value has another form. Without values: what holds by default. */
  readonly limits: (values: readonly string[]) => LimitsBody | undefined;
  /** What its limits do not do. */
  readonly note?: string;
}

/** Where a client sends its requests, and with which token. */
export interface ClientEndpoint {
  readonly authority: string;
  readonly token: string;
  /** The region of the target; empty if its requests are not signed for one. */
  readonly region: string;
  readonly target: TargetBody;
}

/** Lines of a client's configuration. */
export interface ClientSetup {
  /** Where they belong. */
  readonly place: string;
  readonly lines: readonly string[];
}
