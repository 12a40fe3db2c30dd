import type { LimitsFile } from "./limits-file.ts";

/** Facts about a request, for hints when it fails. */
export interface RequestContext {
  /** `host[:port]` to which it was sent. */
  readonly authority: string;
  /** The operation for which a capability is needed, such as `create`. */
  readonly right: string;
  /** The profile that the user named, if any. */
  readonly profile: string | undefined;
  /** The profile of the capability; absent if it was given, or found by the name of its membrane. */
  readonly sourceProfile: string | undefined;
  /** The membrane that the user named, if any. */
  readonly id: string | undefined;
  /** The file that limits of the export came from. */
  readonly limitsFile?: LimitsFile | undefined;
  /** The name of the preset of the export. */
  readonly preset?: string | undefined;
}
