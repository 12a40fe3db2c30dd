/** What a failed request was about, for the advice. */
export interface Place {
  /** `host[:port]` that was asked. */
  readonly authority: string;
  /** What the capability should have carried the right to, such as `create`. */
  readonly right: string;
  /** Profile that was named, if one was. */
  readonly profile?: string;
  /** The membrane that was named, if one was. */
  readonly id?: string;
}
