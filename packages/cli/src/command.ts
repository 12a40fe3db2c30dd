import type { ExportBody } from "capability-sdk";
import type { OutputForm } from "./output.ts";

/** Which capability a command uses, and whom it trusts to answer. */
export interface Access {
  /** Capability URI as it was given; absent: the profile's. */
  readonly capability?: string;
  /** Absent: `default`, which need not exist when the capability is given. */
  readonly profile?: string;
  /** JSON file: authority → PEM. */
  readonly trustedCaFile?: string;
  /** PEM file: the CA for the authority of the capability that is used. */
  readonly caFile?: string;
}

export type MembraneCommand =
  | {
      readonly name: "membrane create";
      readonly access: Access;
      readonly id: string;
      readonly output: OutputForm;
    }
  | {
      readonly name: "membrane export";
      readonly access: Access;
      /** The membrane by its name, in place of its `export` capability. */
      readonly id?: string;
      readonly body: ExportBody;
      readonly output: OutputForm;
    }
  | {
      readonly name: "membrane query";
      readonly access: Access;
      readonly query: { readonly id?: string; readonly lastId?: string; readonly limit?: number };
      readonly output: OutputForm;
    }
  | { readonly name: "membrane revoke"; readonly access: Access; readonly id?: string }
  | { readonly name: "membrane delete-self"; readonly access: Access };

/** Body of a request, before anything of it is read. */
export type RequestData =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "input" };

export type HeaderLine = readonly [name: string, value: string];

export interface RequestCommand {
  readonly name: "request";
  readonly access: Access & { readonly capability: string };
  readonly method: string;
  readonly headers: readonly HeaderLine[];
  readonly data?: RequestData;
  /** What stands behind `?`. */
  readonly query?: string;
  /** File for the body; absent: standard output. */
  readonly file?: string;
  /** Whether the status line and the headers come before the body. */
  readonly isHeadShown: boolean;
}

export type ConfigCommand =
  | {
      readonly name: "config configure";
      readonly profile: string;
      readonly given: { readonly create?: string; readonly query?: string; readonly deleteSelf?: string };
      /** Path of a PEM file. */
      readonly cacert?: string;
    }
  | { readonly name: "config list"; readonly profile: string }
  | { readonly name: "config remove"; readonly profile: string };

/** What the command line asks for. */
export type Command = MembraneCommand | RequestCommand | ConfigCommand | { readonly name: "profiles" };
