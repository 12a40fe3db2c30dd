import type { AllowedValues, ListedValue } from "capability-protocol";

/** The values of a list, prepared for a comparison that takes the same time however many there are. */
export interface ListedValues {
  readonly exact: ReadonlySet<string>;
  readonly beginnings: readonly string[];
}

/** The keys or headers that a limit names, and what each may be. */
export interface NamedValues {
  readonly names: ReadonlySet<string>;
  /** Those with a list: required, once, with one of its values. */
  readonly lists: ReadonlyMap<string, ListedValues>;
}

export function compileNames(limit: ReadonlyMap<string, AllowedValues<ListedValue>>): NamedValues {
  const lists = new Map<string, ListedValues>();
  for (const [name, values] of limit) if (values !== "any") lists.set(name, compileValues(values));
  return { names: new Set(limit.keys()), lists };
}

function compileValues(values: readonly ListedValue[]): ListedValues {
  return {
    exact: new Set(values.filter((value) => typeof value === "string")),
    beginnings: values.flatMap((value) => (typeof value === "string" ? [] : value.startsWith)),
  };
}

export function isListed({ exact, beginnings }: ListedValues, value: string): boolean {
  return exact.has(value) || beginnings.some((beginning) => value.startsWith(beginning));
}
