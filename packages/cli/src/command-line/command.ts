import type { AuthorityCapabilityUri } from "capability-protocol";
import type { ExportBody } from "capability-sdk";
import type { TenantCapabilityUris } from "../capability/tenant-capabilities.ts";
import type { OutputFormat } from "../output.ts";

/** Where to look for what a command is not given, and whom it trusts to answer. */
export interface TrustOptions {
  /** Absent: `default`, which need not exist when nothing is needed of it. */
  readonly profile: string | undefined;
  /** JSON file: authority → PEM. */
  readonly trustedCaFile: string | undefined;
  /** PEM file: the CA for the authority of the capability that is used. */
  readonly caFile: string | undefined;
}

/** How a membrane is named: by one of its own capabilities, or by its name. */
export type MembraneRef =
  | { readonly by: "capability"; readonly uri: AuthorityCapabilityUri }
  | { readonly by: "id"; readonly id: string };

/** What the commands that a tenant's own capability is for have in common. */
interface TenantCapabilityCommand {
  /** Absent: the profile's. */
  readonly capability: AuthorityCapabilityUri | undefined;
  readonly trust: TrustOptions;
}

export type CapiMembraneCommand =
  | (TenantCapabilityCommand & {
      readonly name: "membrane create";
      readonly id: string;
      readonly output: OutputFormat;
    })
  | {
      readonly name: "membrane export";
      readonly membraneRef: MembraneRef;
      readonly trust: TrustOptions;
      readonly body: ExportBody;
      readonly output: OutputFormat;
    }
  | (TenantCapabilityCommand & {
      readonly name: "membrane query";
      readonly query: {
        readonly id: string | undefined;
        readonly lastId: string | undefined;
        readonly limit: number | undefined;
      };
      readonly output: OutputFormat;
    })
  | { readonly name: "membrane revoke"; readonly membraneRef: MembraneRef; readonly trust: TrustOptions }
  | (TenantCapabilityCommand & { readonly name: "membrane delete-self" });

/** Body of a request, before anything of it is read. */
export type RequestData =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "input" };

export type HeaderLine = readonly [name: string, value: string];

export interface RequestCommand {
  readonly name: "request";
  readonly capability: AuthorityCapabilityUri;
  readonly trust: TrustOptions;
  readonly method: string;
  readonly headers: readonly HeaderLine[];
  readonly data: RequestData | undefined;
  /** What stands behind `?`. */
  readonly query: string | undefined;
  /** File for the body; absent: standard output. */
  readonly file: string | undefined;
  /** Whether the status line and the headers come before the body. */
  readonly isHeadShown: boolean;
  /** Nothing is escaped, not even on a terminal. */
  readonly isRaw: boolean;
}

export interface ConfigureCommand {
  readonly name: "config configure";
  readonly profile: string;
  readonly capabilityUris: TenantCapabilityUris;
  /** Path of a PEM file. */
  readonly cacert: string | undefined;
}

export type ConfigCommand =
  | ConfigureCommand
  | { readonly name: "config list"; readonly profile: string }
  | { readonly name: "config remove"; readonly profile: string };

/** What the command line asks for. */
export type CapiCommand =
  | CapiMembraneCommand
  | RequestCommand
  | ConfigCommand
  | { readonly name: "profiles" }
  | { readonly name: "completion" };
