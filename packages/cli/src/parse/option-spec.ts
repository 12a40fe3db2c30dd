/** One option of a command: its description, and its value. */
export interface OptionSpec {
  /** One line of help. */
  readonly describe: string;
  /**
   * The kind of its value. A `secret` may also be `@FILE` or `@-`, which keeps it out of the list of processes; a `switch` takes
   * `true` or `false`, and means `true` without a value.
   */
  readonly takes: "text" | "secret" | "switch";
  /** Whether a value of a `secret` is none, so that there is no warning of it on the command line. */
  readonly isPublic?: (value: string) => boolean;
  /** Whether it may be given more than once. */
  readonly repeats?: true;
  /** The allowed values, which shells complete. */
  readonly choices?: readonly string[];
  /** What to use in place of a value that is not allowed. */
  readonly insteadOfValue?: string;
  /** Its letter, as in curl. */
  readonly short?: string;
  /** Its section in the help. */
  readonly group?: string;
}

/** Options by their name without `--`. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Returns the same name for all spellings of an option: `--allow-query` and `--allowQuery` are equal. */
export function foldName(name: string): string {
  return name.replaceAll("-", "").toLowerCase();
}
