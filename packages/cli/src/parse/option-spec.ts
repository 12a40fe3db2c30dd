/** One option of a command: what a person reads about it, and the value that may follow it. */
export interface OptionSpec {
  /** One line of help. */
  readonly describe: string;
  /**
   * The value that follows it. A `secret` may also be `@FILE` or `@-`, so that it need not show in the list of processes;
   * a `switch` takes `true` or `false`, and means `true` alone.
   */
  readonly takes: "text" | "secret" | "switch";
  /** Whether it may be given more than once. */
  readonly repeats?: true;
  /** Closed list of values, which shells complete. */
  readonly choices?: readonly string[];
  /** curl's letter for it. */
  readonly short?: string;
  /** Its heading in the help. */
  readonly group?: string;
}

/** Options by the name that is written behind `--`. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The option's name as a person wrote it: `--allow-query` and `--allowQuery` are one. */
export function foldName(name: string): string {
  return name.replaceAll("-", "").toLowerCase();
}
