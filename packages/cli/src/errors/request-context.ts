/** What a failed request was about, for the advice. */
export interface RequestContext {
  /** `host[:port]` that was asked. */
  readonly authority: string;
  /** What the capability should have carried the right to, such as `create`. */
  readonly right: string;
  /** Profile that was named, if one was. */
  readonly profile: string | undefined;
  /** Profile that the capability was taken from; absent: it was given, or found by the name of its membrane. */
  readonly sourceProfile: string | undefined;
  /** The membrane that was named, if one was. */
  readonly id: string | undefined;
}
