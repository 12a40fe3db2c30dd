/** The file of limits that an export was given. */
export interface LimitsFile {
  /** As in `--from`; `-` is standard input. */
  readonly name: string;
  /** The names of its limits that no option replaced. */
  readonly fields: ReadonlySet<string>;
}

export const LIMITS_FILE_FORM =
  'Its form is that of the field limits of an export, such as {"methods": ["GET"], "query": {"page": true}}. Its other fields are options, such as --uri.';

/** Returns where a limit is in the file, such as `methods[0]`; nothing if an option gave it. */
export function placeInFile(path: string, file: LimitsFile): string | undefined {
  const [field, limit] = path.split(/[.[]/, 2);
  if (field !== "limits" || limit === undefined || !file.fields.has(limit)) return undefined;
  return path.slice("limits.".length);
}
